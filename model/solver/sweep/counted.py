"""What is counted of points that stream past: histograms, quantiles to a stated error, what binds. Counts add up, so
that no order and no cut changes them.
"""

from collections.abc import Mapping

import numpy as np

from steptime.model.solver.sweep.outputs import BINDING, BOTTLENECK
from steptime.model.solver.sweep.reductions import Groups
from steptime.model.solver.sweep.spec import KeptCounts, KeptHistogram, KeptQuantiles, Spec
from steptime.model.solver.sweep.work import Points

Array = np.ndarray
SIGNIFICANT = 52
"""Bits of a float behind its exponent."""


def bits_for(error: float) -> int:
    """Leading bits behind the exponent that tell values apart to a relative error: a cell of 2^-s of its octave lies
    within 2^-(s+1) of its middle.

    >>> bits_for(0.01), bits_for(0.25)
    (6, 1)
    """
    return int(np.clip(np.ceil(np.log2(0.5 / error)), 0, 20))


class Counter:
    """Counts by group and cell."""

    def __init__(self, groups: Groups, cells: int) -> None:
        self.groups, self.counts = groups, np.zeros((groups.number, cells), np.int64)

    def place(self, points: Points) -> int:
        return self.groups.scene(points.family.number)

    def merge(self, other: "Counter") -> None:
        self.counts = self.counts + other.counts

    def arrays(self) -> dict[str, Array]:
        return {"counts": self.counts}

    def load(self, arrays: Mapping[str, Array]) -> None:
        self.counts = arrays["counts"].copy()


def fine_values(points: Points, name: str) -> Array:
    """Values of the points that break no limit."""
    found = points.flat(name)
    return found if points.all_fine else found[points.fine_flat]


class Histogram(Counter):
    """Points below the first edge, between edges (the lower one included), from the last on; not a number left out."""

    def __init__(self, spec: Spec, kept: KeptHistogram) -> None:
        super().__init__(Groups(spec, kept.by), len(kept.edges) + 1)
        self.kept, self.edges = kept, np.array(kept.edges)

    def add(self, points: Points) -> None:
        values = fine_values(points, self.kept.output.name)
        places = np.searchsorted(self.edges, values[~np.isnan(values)], side="right")
        self.counts[self.place(points)] += np.bincount(places, minlength=len(self.edges) + 1)


class Bindings(Counter):
    """Points by the largest term."""

    def __init__(self, spec: Spec, kept: KeptCounts) -> None:
        super().__init__(Groups(spec, kept.by), len(BINDING))
        self.kept = kept

    def add(self, points: Points) -> None:
        found = np.broadcast_to(points.values[BOTTLENECK], points.shape)
        fine = True if points.all_fine else np.broadcast_to(points.fine, points.shape)
        row = self.counts[self.place(points)]
        for place in range(len(BINDING)):
            row[place] += np.count_nonzero((found == place) & fine)


class Quantiles:
    """Points by the leading bits of a value: cells of equal relative width, as many as are met. ``first``: the lowest
    cell that is counted."""

    def __init__(self, spec: Spec, kept: KeptQuantiles) -> None:
        self.kept, self.groups = kept, Groups(spec, kept.by)
        self.shift = SIGNIFICANT - bits_for(kept.error)
        self.first, self.counts = 0, np.zeros((self.groups.number, 0), np.int64)

    def add(self, points: Points) -> None:
        values = fine_values(points, self.kept.output.name)
        cells = np.ascontiguousarray(values).view(np.int64) >> self.shift
        if not len(cells):
            return
        lowest, highest = int(cells.min()), int(cells.max())
        most = int(np.array(np.inf).view(np.int64)) >> self.shift
        if highest >= most or lowest < 0:  # infinite, or not a number
            cells = cells[(cells < most) & (cells >= 0)]
            if not len(cells):
                return
            lowest, highest = int(cells.min()), int(cells.max())
        cells -= lowest
        self._put(self.groups.scene(points.family.number), lowest, np.bincount(cells, minlength=highest - lowest + 1))

    def _put(self, group: int, lowest: int, counts: Array) -> None:
        self._widen(lowest, lowest + len(counts))
        at = lowest - self.first
        self.counts[group, at : at + len(counts)] += counts

    def _widen(self, first: int, end: int) -> None:
        """Cells from ``first`` to before ``end`` are counted too."""
        if not self.counts.shape[1]:
            self.first = first
        before = max(0, self.first - first)
        after = max(0, end - self.first - self.counts.shape[1])
        if before or after:
            self.counts = np.pad(self.counts, ((0, 0), (before, after)))
            self.first -= before

    def merge(self, other: "Quantiles") -> None:
        for group, counts in enumerate(other.counts):
            if len(counts):
                self._put(group, other.first, counts)

    def arrays(self) -> dict[str, Array]:
        return {"first": np.array(self.first), "counts": self.counts}

    def load(self, arrays: Mapping[str, Array]) -> None:
        self.first, self.counts = int(arrays["first"]), arrays["counts"].copy()

    def at(self, group: int, share: float) -> float | None:
        """The least value that so many of the points do not exceed, to the relative error; None without points."""
        whole = int(self.counts[group].sum())
        if not whole:
            return None
        place = int(np.searchsorted(np.cumsum(self.counts[group]), max(1, int(np.ceil(share * whole)))))
        ends = np.array([self.first + place, self.first + place + 1], np.int64) << self.shift
        low, high = ends.view(np.float64).tolist()
        return 2 * low * high / (low + high) if low else 0.0
