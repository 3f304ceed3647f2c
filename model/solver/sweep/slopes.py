"""How an output goes with each quantity that varies: slopes of the plane that fits the logarithms best.

A slope of −1 on bandwidth says that the output falls in proportion. Sums are added in the order of the points, pairwise
inside a chunk, so that the same blocks give the same bits.
"""

from collections.abc import Mapping

import numpy as np

from steptime.model.solver.sweep.reductions import Groups
from steptime.model.solver.sweep.spec import KeptSlopes, Spec
from steptime.model.solver.sweep.work import Points

Array = np.ndarray
FLAT = 1e-12
"""A quantity whose logarithm varies by less, relative to the largest, does not vary."""


class Slopes:
    """Sums of products of the logarithms of all quantities that vary, and of the output; by group of words."""

    def __init__(self, spec: Spec, kept: KeptSlopes) -> None:
        self.kept, self.groups, self.names = kept, Groups(spec, kept.by), spec.varies
        size = len(self.names) + 2
        self.sums = np.zeros((self.groups.number, size, size))

    def add(self, points: Points) -> None:
        output = points.flat(self.kept.output.name)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = [np.log(points.flat(name)) for name in self.names]
            logs = [np.ones(points.size), *logs, np.log(output)]
        known = np.logical_and.reduce([np.isfinite(one) for one in logs])
        if not points.all_fine:
            known &= points.fine_flat
        if not known.all():
            logs = [one[known] for one in logs]
        sums = self.sums[self.groups.scene(points.family.number)]
        for i, first in enumerate(logs):
            for j, second in enumerate(logs[: i + 1]):
                sums[i, j] += float((first * second).sum())

    def merge(self, other: "Slopes") -> None:
        self.sums = self.sums + other.sums

    def arrays(self) -> dict[str, Array]:
        return {"sums": self.sums}

    def load(self, arrays: Mapping[str, Array]) -> None:
        self.sums = arrays["sums"].copy()

    def at(self, group: int) -> tuple[dict[str, float | None], float | None] | None:
        """Each quantity's slope, None where it does not vary, and the share of the variance that the plane explains;
        None without points."""
        lower = self.sums[group]
        full = lower + np.tril(lower, -1).T
        number = full[0, 0]
        if number < 2:
            return None
        spread = full[1:, 1:] - np.outer(full[0, 1:], full[0, 1:]) / number
        inputs, with_output, of_output = spread[:-1, :-1], spread[:-1, -1], spread[-1, -1]
        squares = full.diagonal()[1:-1]
        varies = np.flatnonzero(inputs.diagonal() > FLAT * squares)
        slopes = np.linalg.lstsq(inputs[np.ix_(varies, varies)], with_output[varies], rcond=None)[0]
        found: dict[str, float | None] = dict.fromkeys(self.names)
        found |= {self.names[place]: float(slope) for place, slope in zip(varies, slopes, strict=True)}
        explained = float(slopes @ with_output[varies])
        return found, explained / of_output if of_output > FLAT * full[-1, -1] else None
