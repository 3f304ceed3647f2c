"""A sweep in numbered blocks: each a piece of one family, or several small families. They depend on the spec alone, so
that any number of workers, today or tomorrow, works out the same ones.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from steptime.model.solver.sweep.boxes import Box, Cut
from steptime.model.solver.sweep.families import Family, families
from steptime.model.solver.sweep.spec import Spec

POINTS = 2**22
"""Points of a block: a tenth of a second or so, so that handing it out costs nothing to speak of."""
ROWS = 2**18
"""Points of a block whose rows are written down: some tens of megabytes."""


@dataclass(frozen=True)
class Run:
    """Blocks that follow one another: the boxes of one family, or one block of several whole families."""

    first: int
    families: tuple[int, ...]
    number: int


class Blocks:
    """All blocks of a sweep."""

    def __init__(self, spec: Spec) -> None:
        self.spec, self.families = spec, families(spec)
        self.most = spec.block or (ROWS if spec.rows else POINTS)
        self.runs = list(self._runs())
        self.number = self.runs[-1].first + self.runs[-1].number if self.runs else 0
        self.points = sum(family.points for family in self.families)
        self._firsts = [run.first for run in self.runs]
        self._starts = [family.start for family in self.families]

    def _runs(self) -> Iterator[Run]:
        at, waiting, points = 0, list[int](), 0
        for number, family in enumerate(self.families):
            boxes = Cut(family.shape, self.most).number
            if waiting and (boxes > 1 or points + family.points > self.most):
                yield Run(at, tuple(waiting), 1)
                at, waiting, points = at + 1, [], 0
            if boxes > 1:
                yield Run(at, (number,), boxes)
                at += boxes
            else:
                waiting.append(number)
                points += family.points
        if waiting:
            yield Run(at, tuple(waiting), 1)

    def pieces(self, block: int) -> Sequence[tuple[Family, Box]]:
        """What a block consists of."""
        run = self.runs[bisect_right(self._firsts, block) - 1]
        if run.number > 1 or len(run.families) == 1:
            family = self.families[run.families[0]]
            return [(family, Cut(family.shape, self.most).box(block - run.first))]
        return [(family, Cut(family.shape, self.most).box(0)) for family in (self.families[n] for n in run.families)]

    def where(self, number: int) -> tuple[Family, Box]:
        """The family of a point, and its place as a box of one point."""
        family = self.families[bisect_right(self._starts, number) - 1]
        places = np.unravel_index(number - family.start, family.shape) if family.shape else ()
        return family, tuple(slice(int(place), int(place) + 1) for place in places)
