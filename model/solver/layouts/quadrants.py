"""Least times by number of chips and batch, and which of them no other point equals or beats in all three."""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass
class Reached:
    """By variant, number of chips, and batch: the least seconds, the layout that takes them, its bound and estimate."""

    time: Array
    row: Array
    bound: Array
    estimate: Array

    @staticmethod
    def nothing(shape: tuple[int, ...]) -> "Reached":
        return Reached(np.full(shape, np.inf), np.full(shape, -1), np.full(shape, np.inf), np.full(shape, np.nan))

    def add(self, cell: tuple[int, int], times: Array, rows: Array, bounds: Array, estimates: Array) -> None:
        """Layouts, a row each, of a variant on so many chips, at all batches: the least stays, of equals the earlier.

        >>> some = Reached.nothing((1, 1, 2))
        >>> times = np.array([[5.0, 3.0], [4.0, 3.0]])
        >>> some.add((0, 0), times, np.array([7, 8]), times, times)
        >>> some.time.tolist(), some.row.tolist()
        ([[[4.0, 3.0]]], [[[8, 7]]])
        """
        batches = np.arange(times.shape[1])
        least = np.argmin(times, axis=0)
        less = np.flatnonzero(times[least, batches] < self.time[cell])
        place = least[less], less
        self.row[cell][less] = rows[least[less]]
        for whole, some in ((self.time, times), (self.bound, bounds), (self.estimate, estimates)):
            whole[cell][less] = some[place]


def quadrant(least: Array) -> Array:
    """The least of as few chips and as large a batch: over all places up to the one on the last axis but one, and from
    the one on along the last.

    >>> quadrant(np.array([[5.0, 7.0], [6.0, 4.0]])).tolist()
    [[5.0, 7.0], [4.0, 4.0]]
    """
    from_here = np.minimum.accumulate(least[..., ::-1], axis=-1)[..., ::-1]
    return np.asarray(np.minimum.accumulate(from_here, axis=-2))


def on_front(least: Array) -> Array:
    """Whether no other place of a quadrant has as little.

    >>> on_front(np.array([[5.0, 7.0], [6.0, 4.0]])).tolist()
    [[True, True], [False, True]]
    """
    reached = np.pad(quadrant(least), [(0, 0)] * (least.ndim - 2) + [(1, 0), (0, 1)], constant_values=np.inf)
    return np.asarray(least < np.minimum(reached[..., :-1, :-1], reached[..., 1:, 1:]))
