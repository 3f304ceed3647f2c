"""One block: its points worked out and reduced. What a worker does, wherever it runs; it can be done again at will."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from steptime.model.solver.sweep.best import Best
from steptime.model.solver.sweep.blocks import Blocks
from steptime.model.solver.sweep.counted import Bindings, Histogram, Quantiles
from steptime.model.solver.sweep.families import Family
from steptime.model.solver.sweep.fronts import Front
from steptime.model.solver.sweep.outputs import BOTTLENECK, BROKEN, Output, output_of
from steptime.model.solver.sweep.reductions import State
from steptime.model.solver.sweep.rows import Rows, joined, rows_of
from steptime.model.solver.sweep.slopes import Slopes
from steptime.model.solver.sweep.work import Points, Work, work_of

from steptime.model.solver.sweep.spec import (  # isort: skip
    Kept, KeptBest, KeptCounts, KeptFront, KeptHistogram, KeptOfOne, KeptQuantiles, KeptSlopes, Spec,
)  # fmt: skip

Array = np.ndarray
REMEMBERED = 64
"""Families whose programs a worker keeps."""


def states_of(spec: Spec) -> list[State]:
    """An empty state of everything that is kept."""
    return [_state(spec, kept) for kept in spec.kept]


def _state(spec: Spec, kept: Kept) -> State:
    kinds: Mapping[type[Kept], type] = {
        KeptBest: Best, KeptFront: Front, KeptQuantiles: Quantiles, KeptHistogram: Histogram, KeptCounts: Bindings,
    }  # fmt: skip
    found: State = kinds.get(type(kept), Slopes)(spec, kept)
    return found


@dataclass
class Tally:
    """Points counted: all, those that break no limit, those that break each; and those that nothing can be said of, by
    what refuses them or is missing."""

    points: int = 0
    feasible: int = 0
    infeasible: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)

    def merge(self, other: "Tally") -> None:
        self.points += other.points
        self.feasible += other.feasible
        self.infeasible += other.infeasible
        self.refused += other.refused
        self.missing += other.missing


@dataclass
class Result:
    """What a block gives: a tally, the arrays of each state, and its rows where they are written down."""

    number: int
    tally: Tally
    arrays: list[dict[str, Array]]
    rows: Rows = field(default_factory=dict)


class Worker:
    """Works out blocks of one sweep."""

    def __init__(self, spec: Spec) -> None:
        self.spec, self.blocks = spec, Blocks(spec)
        self.outputs = outputs_of(spec)
        self.needed = [needs(kept) for kept in spec.kept]
        self._work = lru_cache(maxsize=REMEMBERED)(self._written)

    def _written(self, start: int) -> Work:
        family, _ = self.blocks.where(start)
        return work_of(family, self.outputs, self.spec.limits)

    def work(self, family: Family) -> Work:
        return self._work(family.start)

    def block(self, number: int) -> Result:
        """All points of a block."""
        states, tally, rows = states_of(self.spec), Tally(), list[Rows]()
        for family, box in self.blocks.pieces(number):
            work = self.work(family)
            if work.written is None:
                size = int(np.prod([cut.stop - cut.start for cut in box], dtype=np.int64))
                tally.points += size
                tally.refused[work.why] += size
                continue
            for points in work.points(box):
                self._add(work, points, states, tally)
                if self.spec.rows:
                    places = None if self.spec.infeasible or points.all_fine else np.flatnonzero(points.fine_flat)
                    rows.append(rows_of(work, points, places))
        return Result(number, tally, [state.arrays() for state in states], joined(rows))

    def _add(self, work: Work, points: Points, states: Sequence[State], tally: Tally) -> None:
        tally.points += points.size
        fine = points.count(points.fine)
        tally.feasible += fine
        for name, where in points.broken.items():
            if many := points.count(where):
                tally.infeasible[name] += many
        for name, what in work.lacking.items():
            tally.missing[f"{what}: no {name}"] += points.size
        if not fine:
            return
        for state, needed in zip(states, self.needed, strict=True):
            if not needed & work.lacking.keys():
                state.add(points)


def needs(kept: Kept) -> set[str]:
    """Outputs that something kept is of."""
    if isinstance(kept, KeptFront):
        return {output.name for output in kept.outputs}
    return {kept.output.name} if isinstance(kept, KeptOfOne) else {BOTTLENECK}


def outputs_of(spec: Spec) -> tuple[Output, ...]:
    """Everything that must be worked out: what is written down, and what is kept by."""
    kept = set[str]().union(*(needs(one) for one in spec.kept))
    if any(isinstance(one, KeptSlopes) for one in spec.kept):
        kept |= set(spec.varies)  # a slope is on what varies
    shown = [output.name for output in spec.outputs] if spec.rows else []
    return tuple(output_of(name) for name in dict.fromkeys([*shown, *sorted(kept)]) if name != BROKEN)
