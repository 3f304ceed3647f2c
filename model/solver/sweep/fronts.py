"""Exact Pareto fronts in two or three outputs, kept while points stream past.

Most points are turned away by a coarse table: for each step of the first outputs' exponents and leading bits, the best
last output among front points that are strictly better in the others. What passes is compared exactly.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steptime.model.errors import UserError
from steptime.model.solver.layouts.front import dominant
from steptime.model.solver.sweep.reductions import Groups
from steptime.model.solver.sweep.spec import KeptFront, Spec
from steptime.model.solver.sweep.work import Points

Array = np.ndarray
MOST = 2_000_000
"""Points of a front."""
STEPS = 512
"""Steps of the coarse table in each output but the last."""
MANY, SAMPLE = 4096, 1024
"""Points of which a sample is compared first, and about how many it has."""


def on_front(values: Sequence[Array], number: Array) -> Array:
    """Places of the points that no other equals or beats in all of two or three values, more being better; of equals
    the one with the lowest number. In rising order of number.

    >>> on_front([np.array([1.0, 2.0, 2.0]), np.array([2.0, 1.0, 1.0])], np.array([0, 2, 1])).tolist()
    [0, 2]
    """
    order = np.lexsort((number, *(-one for one in reversed(values))))
    if len(values) == 2:
        ordered = [one[order] for one in values]
        places = order[dominant(*ordered)]
    else:
        places = order[_staircase(values[1][order], values[2][order])]
    return np.asarray(places[np.argsort(number[places], kind="stable")])


def _staircase(second: Array, third: Array) -> Array:
    """Of points by falling first value those that none before equals or beats in the two others."""
    steps, heights, kept = list[float](), list[float](), list[int]()
    for place, (y, z) in enumerate(zip(second.tolist(), third.tolist(), strict=True)):
        above = bisect_left(steps, y)  # the lowest step that is no lower has the most of the third value
        if above < len(steps) and heights[above] >= z:
            continue
        below = above + 1 if above < len(steps) and steps[above] == y else above
        first = below
        while first and heights[first - 1] <= z:
            first -= 1
        steps[first:below], heights[first:below] = [y], [z]
        kept.append(place)
    return np.array(kept, int)


@dataclass
class Table:
    """For each cell of leading bits the best last value of front points that are strictly better in the others."""

    least: list[int]
    shift: list[int]
    most: Array

    @classmethod
    def of(cls, values: Sequence[Array], senses: Sequence[int]) -> "Table":
        """``values``: of the front's points, as they are."""
        steps = STEPS if len(values) == 2 else STEPS // 4
        keys, least, shifts = [], [], []
        for value, sense in zip(values[:-1], senses[:-1], strict=True):
            bits = _bits(value)
            shift = 0
            while (int(bits.max()) >> shift) - (int(bits.min()) >> shift) >= steps - 1:
                shift += 1
            lowest = int(bits.min()) >> shift
            key = (bits >> shift) - lowest
            keys.append(key if sense > 0 else steps - 1 - key)
            least.append(lowest)
            shifts.append(shift)
        most = np.full((steps + 1,) * len(keys), -np.inf)
        np.maximum.at(most, tuple(keys), senses[-1] * values[-1])
        for axis in range(len(keys)):
            most = np.flip(np.maximum.accumulate(np.flip(most, axis), axis=axis), axis)
        inside = (slice(1, None),) * len(keys)
        shifted = np.full_like(most, -np.inf)
        shifted[(slice(None, -1),) * len(keys)] = most[inside]  # strictly better in every one
        return cls(least, shifts, np.ascontiguousarray(shifted))

    def beaten(self, values: Sequence[Array], senses: Sequence[int]) -> Array:
        """Points that are surely behind the front."""
        steps = self.most.shape[0] - 1
        place: Array | None = None
        for value, sense, least, shift in zip(values[:-1], senses[:-1], self.least, self.shift, strict=True):
            key = _bits(value) >> shift
            key -= least
            if sense < 0:
                np.subtract(steps - 1, key, out=key)
            np.clip(key, 0, steps, out=key)
            place = key if place is None else place * self.most.shape[0] + key
        assert place is not None
        reached = self.most.reshape(-1).take(place)
        return np.asarray(values[-1] <= reached if senses[-1] > 0 else values[-1] >= -reached)


def _bits(value: Array) -> Array:
    """A number's bits, which rise with it where it is not negative."""
    return np.ascontiguousarray(value).view(np.int64)


class Front:
    """The front of each group of words: values and numbers of its points."""

    def __init__(self, spec: Spec, kept: KeptFront) -> None:
        self.kept, self.groups = kept, Groups(spec, kept.by)
        size = self.groups.number
        self.senses = [int(sense) for sense in kept.senses]
        self.values: list[list[Array]] = [[np.zeros(0) for _ in kept.outputs] for _ in range(size)]
        self.number: list[Array] = [np.zeros(0, np.int64) for _ in range(size)]
        self.tables: list[Table | None] = [None] * size

    def add(self, points: Points) -> None:
        group = self.groups.scene(points.family.number)
        values = [points.flat(output.name) for output in self.kept.outputs]
        table = self.tables[group]
        good = np.isfinite(values[-1]) if table is None else np.logical_not(table.beaten(values, self.senses))
        if not points.all_fine:
            good &= points.fine_flat
        places = np.flatnonzero(good)
        if len(places):
            self._some(group, [value[places] for value in values], places + points.first)

    def _some(self, group: int, values: Sequence[Array], number: Array) -> None:
        """Points that the table lets through: first a few, so that it turns most of the others away."""
        known = np.logical_and.reduce([np.isfinite(value) for value in values])
        values, number = [value[known] for value in values], number[known]
        if len(number) > MANY:
            few = slice(None, None, len(number) // SAMPLE)
            self._put(group, [value[few] for value in values], number[few])
            table = self.tables[group]
            assert table is not None
            left = np.logical_not(table.beaten(values, self.senses))
            values, number = [value[left] for value in values], number[left]
        if len(number):
            self._put(group, values, number)

    def _put(self, group: int, values: Sequence[Array], number: Array) -> None:
        merged = [np.append(old, new) for old, new in zip(self.values[group], values, strict=True)]
        numbers = np.append(self.number[group], number)
        kept = on_front([sense * value for sense, value in zip(self.senses, merged, strict=True)], numbers)
        if len(kept) > MOST:
            raise UserError(f"`{self.kept.name}`: the front has more than {MOST:,} points")
        if len(kept) != len(self.number[group]) or (kept >= len(self.number[group])).any():
            self.values[group], self.number[group] = [value[kept] for value in merged], numbers[kept]
            self.tables[group] = Table.of(self.values[group], self.senses)

    def merge(self, other: "Front") -> None:
        for group, number in enumerate(other.number):
            if len(number):
                self._put(group, other.values[group], number)

    def arrays(self) -> dict[str, Array]:
        found = {"lengths": np.array([len(number) for number in self.number]), "number": np.concatenate(self.number)}
        for place in range(len(self.kept.outputs)):
            found[f"value_{place}"] = np.concatenate([values[place] for values in self.values])
        return found

    def load(self, arrays: Mapping[str, Array]) -> None:
        cuts = np.cumsum(arrays["lengths"])[:-1]
        self.number = np.split(arrays["number"], cuts)
        columns = [np.split(arrays[f"value_{place}"], cuts) for place in range(len(self.kept.outputs))]
        self.values = [list(values) for values in zip(*columns, strict=True)]
        self.tables = [Table.of(values, self.senses) if len(values[0]) else None for values in self.values]

    def found(self) -> list[tuple[dict[str, object], list[int]]]:
        """The numbers of each group's front, by its first output, the best first."""
        return [(self.groups.shown(group), number[np.argsort(-self.senses[0] * values[0], kind="stable")].tolist())
                for group, (number, values) in enumerate(zip(self.number, self.values, strict=True))
                if len(number)]  # fmt: skip
