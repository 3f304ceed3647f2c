"""What is kept of points that stream past. A state holds what was seen so far; two states of points that follow one
another merge into that of both, so that the result is the same however points are cut into blocks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Protocol

import numpy as np

from steptime.model.errors import UserError
from steptime.model.solver.sweep.spec import Spec
from steptime.model.solver.sweep.work import Points

Array = np.ndarray
MOST_GROUPS = 1_000_000
"""Groups that are kept apart."""
NOBODY = -1
"""The number of a point where there is none."""


class State(Protocol):
    """What was seen so far."""

    def add(self, points: Points) -> None:
        """Points that come after all that were seen."""

    def merge(self, other: "State") -> None:
        """Another state, of points that come after these."""

    def arrays(self) -> dict[str, Array]:
        """The state as arrays."""

    def load(self, arrays: Mapping[str, Array]) -> None:
        """The state that such arrays hold."""


@dataclass(frozen=True)
class Groups:
    """Points apart by words of their scene and by values on axes: each group has a number."""

    spec: Spec
    by: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.number > MOST_GROUPS:
            raise UserError(f"`by` {', '.join(self.by)}: {self.number:,} groups, more than {MOST_GROUPS:,}")

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(name for name in self.by if name not in self.axes)

    @cached_property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes by which points are told apart, in the order of the axes."""
        over = [one.symbol.name for one in self.spec.over]
        return tuple(name for name in over if name in self.by)

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        lengths = {one.symbol.name: one.length for one in self.spec.over}
        return tuple(lengths[name] for name in self.axes)

    @cached_property
    def cells(self) -> int:
        """Groups of one combination of words."""
        return prod(self.lengths)

    @cached_property
    def labels(self) -> tuple[tuple[str, ...], ...]:
        """Combinations of words, in order of appearance."""
        return tuple(dict.fromkeys(self._of_scene))

    @cached_property
    def _of_scene(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(scene.labels[name] for name in self.words) for scene in self.spec.scenes)

    @cached_property
    def _number_of_scene(self) -> tuple[int, ...]:
        places = {labels: place for place, labels in enumerate(self.labels)}
        return tuple(places[labels] for labels in self._of_scene)

    @cached_property
    def number(self) -> int:
        return len(self.labels) * self.cells

    def scene(self, number: int) -> int:
        """The place of a scene's combination of words."""
        return self._number_of_scene[number]

    def shown(self, group: int) -> dict[str, object]:
        """The words and values of a group."""
        scene, cell = divmod(group, self.cells)
        places = np.unravel_index(cell, self.lengths) if self.lengths else ()
        given = {one.symbol.name: one.given for one in self.spec.over}
        values = {name: given[name][int(place)] for name, place in zip(self.axes, places, strict=True)}
        return {name: values.get(name, dict(zip(self.words, self.labels[scene], strict=True)).get(name))
                for name in self.by}  # fmt: skip

    def split(self, points: Points, value: Array) -> tuple[Array, Array, Array]:
        """The groups of some points, a value for each group and the points of it, a row each, and their numbers."""
        first = len(points.shape) - len(self.spec.over)
        places = [first + [one.symbol.name for one in self.spec.over].index(name) for name in self.axes]
        rest = [axis for axis in range(len(points.shape)) if axis not in places]
        order = [*places, *rest]
        cells = prod(points.shape[axis] for axis in places)
        numbers = np.arange(points.first, points.first + points.size).reshape(points.shape)
        rows, numbered = (np.transpose(each, order).reshape(cells, -1) for each in (value, numbers))
        indices = [np.arange(points.start[axis], points.start[axis] + points.shape[axis]) for axis in places]
        inside = np.ravel_multi_index(np.meshgrid(*indices, indexing="ij"), self.lengths).reshape(-1) if places else (
            np.zeros(1, np.int64))  # fmt: skip
        return self.scene(points.family.number) * self.cells + inside, rows, numbered


def first_of(cost: Array, number: Array, count: int) -> Array:
    """Places of the least costs, the lower number first among equals.

    >>> first_of(np.array([2.0, 1.0, 1.0]), np.array([5, 9, 7]), 2).tolist()
    [2, 1]
    """
    return np.lexsort((number, cost))[:count]


def joined(states: Sequence[State], others: Sequence[State]) -> None:
    """Merge states pairwise."""
    for state, other in zip(states, others, strict=True):
        state.merge(other)
