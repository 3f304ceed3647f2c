"""The best points of each group, kept while points stream past."""

from collections.abc import Mapping

import numpy as np

from steptime.model.solver.sweep.reductions import NOBODY, Groups, first_of
from steptime.model.solver.sweep.spec import KeptBest, Spec
from steptime.model.solver.sweep.work import Points

Array = np.ndarray


class Best:
    """A row for each group: the costs of its best points, and their numbers. Cost is what is kept by, turned so that
    less is better; of equals the lower number is the better."""

    def __init__(self, spec: Spec, kept: KeptBest) -> None:
        self.kept, self.groups = kept, Groups(spec, kept.by)
        self.cost = np.full((self.groups.number, kept.count), np.inf)
        self.number = np.full((self.groups.number, kept.count), NOBODY, np.int64)

    def add(self, points: Points) -> None:
        if self.groups.axes:
            self._add_groups(points)
            return
        group = self.groups.scene(points.family.number)
        value = points.flat(self.kept.output.name)
        worst = self.cost[group, -1]
        with np.errstate(invalid="ignore"):
            good = value < worst if self.kept.sense < 0 else value > -worst
        if not points.all_fine:
            good &= points.fine_flat
        places = np.flatnonzero(good)
        if len(places):
            cost = self._cost(value[places])
            if len(places) > 4 * self.kept.count:
                most = np.partition(cost, self.kept.count - 1)[self.kept.count - 1]
                places, cost = places[cost <= most], cost[cost <= most]
            self._put(group, cost, places + points.first)

    def _cost(self, value: Array) -> Array:
        return -float(self.kept.sense) * value

    def _put(self, group: int, cost: Array, number: Array) -> None:
        every, numbers = np.append(self.cost[group], cost), np.append(self.number[group], number)
        order = first_of(every, numbers, self.kept.count)
        self.cost[group], self.number[group] = every[order], numbers[order]

    def _add_groups(self, points: Points) -> None:
        value = self._cost(np.broadcast_to(points.values[self.kept.output.name], points.shape))
        if not points.all_fine:
            value = np.where(points.fine, value, np.inf)
        groups, rows, numbers = self.groups.split(points, np.where(np.isnan(value), np.inf, value))
        better = rows.min(axis=1) < self.cost[groups, -1]
        groups, rows, numbers = groups[better], rows[better], numbers[better]
        if len(groups) == 0:
            return
        if self.kept.count == 1:
            least = rows.argmin(axis=1)[:, None]
        else:
            least = np.argsort(rows, axis=1, kind="stable")[:, : self.kept.count]
        every = np.hstack([self.cost[groups], np.take_along_axis(rows, least, 1)])
        numbered = np.hstack([self.number[groups], np.take_along_axis(numbers, least, 1)])
        order = np.argsort(every, axis=1, kind="stable")[:, : self.kept.count]  # those seen before have lower numbers
        self.cost[groups] = np.take_along_axis(every, order, 1)
        self.number[groups] = np.take_along_axis(numbered, order, 1)

    def merge(self, other: "Best") -> None:
        cost, number = np.hstack([self.cost, other.cost]), np.hstack([self.number, other.number])
        order = np.argsort(cost, axis=1, kind="stable")[:, : self.kept.count]
        self.cost, self.number = np.take_along_axis(cost, order, 1), np.take_along_axis(number, order, 1)

    def arrays(self) -> dict[str, Array]:
        return {"cost": self.cost, "number": self.number}

    def load(self, arrays: Mapping[str, Array]) -> None:
        self.cost, self.number = arrays["cost"].copy(), arrays["number"].copy()

    def found(self) -> list[tuple[dict[str, object], list[int]]]:
        """The numbers of each group's best points, groups without any left out."""
        return [(self.groups.shown(group), [int(number) for number in row if number != NOBODY])
                for group, row in enumerate(self.number) if row[0] != NOBODY]  # fmt: skip
