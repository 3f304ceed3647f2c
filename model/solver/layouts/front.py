"""The exact Pareto front of two rates that should both be high, kept while points stream past."""

from dataclasses import dataclass, field

import numpy as np

Array = np.ndarray


def dominant(first: Array, second: Array) -> Array:
    """Places of the points that no other point equals or beats in both, by rising ``first``; one of equals is kept.

    >>> dominant(np.array([1.0, 2.0, 3.0, 2.0]), np.array([5.0, 4.0, 4.0, 1.0])).tolist()
    [0, 2]
    """
    order = np.lexsort((-second, -first))  # the highest first, and of those the highest second
    best_before = np.maximum.accumulate(second[order])
    kept = np.concatenate([[True], second[order][1:] > best_before[:-1]]) if len(order) else np.zeros(0, bool)
    return np.asarray(order[kept][::-1])


@dataclass
class Front:
    """Points that no point seen so far dominates, with a row of labels for each."""

    first: Array = field(default_factory=lambda: np.zeros(0))
    second: Array = field(default_factory=lambda: np.zeros(0))
    labels: Array = field(default_factory=lambda: np.zeros((0, 0)))

    def add(self, first: Array, second: Array, labels: Array) -> None:
        """Merge points; ``labels`` has a row for each."""
        if len(first) == 0:
            return
        if len(self.first):
            first, second = np.concatenate([self.first, first]), np.concatenate([self.second, second])
            labels = np.concatenate([self.labels, labels])
        kept = dominant(first, second)
        self.first, self.second, self.labels = first[kept], second[kept], labels[kept]

    def beaten(self, first: Array, second: Array) -> Array:
        """Whether the front already has a point that equals or beats each of these in both."""
        if len(self.first) == 0:
            return np.zeros(first.shape, bool)
        place = np.searchsorted(self.first, first)  # the front's least first rate that is as high
        reached = np.append(self.second, -np.inf)[place]
        return np.asarray(reached >= second)
