"""A grid cut in boxes, each of points that follow one another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

Box = tuple[slice, ...]


@dataclass(frozen=True)
class Cut:
    """A grid in boxes of about ``most`` points: whole along the last axes, cut along the one before."""

    shape: tuple[int, ...]
    most: int

    @cached_property
    def steps(self) -> tuple[int, ...]:
        steps, left = list[int](), self.most
        for length in reversed(self.shape):
            steps.insert(0, max(1, min(length, left)))
            left //= length
        return tuple(steps)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        return tuple(-(-length // step) for length, step in zip(self.shape, self.steps, strict=True))

    @cached_property
    def number(self) -> int:
        return prod(self.counts)

    def box(self, number: int) -> Box:
        """A box by its number.

        >>> Cut((2, 3), 4).box(1)
        (slice(1, 2, None), slice(0, 3, None))
        """
        places = np.unravel_index(number, self.counts) if self.shape else ()
        return tuple(slice(int(i) * step, min((int(i) + 1) * step, length))
                     for i, step, length in zip(places, self.steps, self.shape, strict=True))  # fmt: skip


def boxes(shape: Sequence[int], most: int) -> Iterator[Box]:
    """All boxes of a grid, in order.

    >>> list(boxes((2, 3), 4))
    [(slice(0, 1, None), slice(0, 3, None)), (slice(1, 2, None), slice(0, 3, None))]
    """
    cut = Cut(tuple(shape), most)
    return map(cut.box, range(cut.number))


def size_of(box: Box) -> int:
    """Points of a box."""
    return prod(cut.stop - cut.start for cut in box)
