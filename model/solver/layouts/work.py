"""What a search works with: its layouts and variants, cut in pieces, and the passes that are evaluated."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

import numpy as np

from steptime.model import symbols as q
from steptime.model.choices import Minimise, Scope, Split
from steptime.model.layout.enumeration import Columns
from steptime.model.numeric import Spread
from steptime.model.phases.accounts import Accounts
from steptime.model.scenario import Scenario
from steptime.model.solver.layouts.evaluated import Held, Points
from steptime.model.solver.layouts.executions import gathered
from steptime.model.solver.layouts.finalists import Finalists
from steptime.model.solver.layouts.formulas import Formulas
from steptime.model.solver.layouts.kept import Kept
from steptime.model.solver.layouts.passes import Pass, key
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.practice import estimates_of, in_practice
from steptime.model.solver.layouts.refine import Whole
from steptime.model.solver.layouts.variants import Variant
from steptime.model.solver.limits import is_timed

Array = np.ndarray
Numbered = Sequence[tuple[int, Variant]]
BLOCK = 2**20
"""Points evaluated in one piece."""
AT_ONCE = 2**20
"""Layouts, or ways to train, that are written down at once."""


@dataclass(frozen=True)
class Piece:
    """Some layouts of one split, and the variants, by their numbers, that share their formulas. ``skipped``: points
    before them that are the same as others."""

    variants: Numbered
    formulas: Formulas
    rows: Array
    skipped: int


class Work:
    """Layouts and variants of a search, with the passes that are evaluated: its step, and one prompt alone where that
    is limited or rides along. ``in_practice``: whether the estimate decides, and limits hold for it; ``timed``: whether
    any is on a time, at the bound or in practice."""

    def __init__(
        self, search: Search, accounts: Accounts, columns: Columns, variants: Sequence[Variant], minimise: Minimise
    ) -> None:
        columns = gathered(columns, np.arange(len(columns["tp"]))) if len(columns["tp"]) <= AT_ONCE else columns
        self.search, self.columns, self.variants, inputs = search, columns, variants, search.inputs
        self.step, self.alone = Pass(search, accounts, columns, minimise, variants), None
        if search.max_ttft is not None or inputs.scope == Scope.SERVING:
            prompt = variants[0].values[q.prompt if inputs.scope == Scope.SERVING else q.context]
            alone = replace(search, inputs=inputs.prompt_alone(float(prompt)))
            self.alone = Pass(alone, accounts, columns, minimise)
        self.estimates = estimates_of(self.step, self.alone)
        self.timed = search.max_ttft is not None or is_timed(search.max_step_time, search.limits)
        self.in_practice = self.estimates is not None
        places = {machine: number for number, machine in enumerate(search.hardware)}
        self.machine = np.array([places[variant.question.hardware] for variant in variants])
        groups: dict[object, int] = {}
        self.group = np.array([groups.setdefault((key(one), frozenset(one.values)), len(groups)) for one in variants])
        self.batches = np.array(search.batches, float)[None, :]

    def finalists(self, kept: Kept, progress: Callable[[float], None]) -> Finalists:
        """What was kept, by the bound or by the estimate, for its last round; ``progress`` is given shares."""
        rest = max(1, len(kept.rivals()))
        whole = partial(self.whole, in_practice=kept.in_practice)
        return Finalists(self.search, kept, self.columns, self.variants, self.group, whole,
                         lambda looked: progress(min(1.0, looked / rest)))  # fmt: skip

    def whole(self, numbers: Array, rows: Array, in_practice: bool = False) -> Whole:
        """Some layouts of one split, each on its variant, all of one group."""
        formulas = self.step.formulas(int(numbers[0]), self.step.split(rows))
        estimates = self.estimates
        practice = estimates.first_token(numbers, rows) if in_practice and estimates and self.limited else None
        return Whole(formulas, self.step.values(numbers), self.columns, rows, self.first_token(numbers, rows),
                     numbers, estimates, in_practice, practice)  # fmt: skip

    @property
    def limited(self) -> bool:
        """Whether the time to first token is."""
        return self.search.max_ttft is not None

    def first_token(self, numbers: Array, rows: Array) -> Array | None:
        """Seconds of a prompt alone on each layout, where they are limited."""
        if self.alone is None or not self.limited:
            return None
        return np.asarray(self.alone.at(numbers, rows, self.step.split(rows), np.ones((1, 1))).step_time)

    def estimated(self, points: Points, numbers: Array, rows: Array) -> Points:
        """Points in practice."""
        assert self.estimates is not None
        first = self.estimates.first_token(numbers, rows) if self.limited else None
        return in_practice(points, self.estimates, numbers, rows, first)

    def pieces(self) -> Iterator[Piece]:
        """All layouts on all variants, so that a piece has no more than `BLOCK` points on each."""
        width, number = self.batches.size, len(self.columns["tp"])
        for _, group in groupby(enumerate(self.variants), key=lambda one: key(one[1])):
            alike = list(group)
            for start in range(0, number, AT_ONCE):
                every = np.arange(start, min(start + AT_ONCE, number))
                columns = self.columns if number <= AT_ONCE else gathered(self.columns, every)
                differ = alike[0][1].differs(columns)
                skipped = int(np.count_nonzero(~differ)) * width * len(alike)
                for split in Split:
                    some = every[differ & (columns["ffn_all"] == (split == Split.STAGE))]
                    if len(some):
                        formulas = self.step.formulas(alike[0][0], split)
                        for block in np.array_split(some, -(-len(some) * width // BLOCK)):
                            yield Piece(alike, formulas, block, skipped)
                            skipped = 0

    def points(
        self, formulas: Formulas, variants: Numbered, rows: Array, held: Held | None = None
    ) -> Iterator[tuple[int, Points]]:
        """Some layouts at all batches on every machine and in every format: what is the same for them, once; ``held``
        are bytes that are known."""
        columns, places = gathered(self.columns, rows), np.arange(len(rows))
        spread, heads = _spread(columns, places)
        first: list[Scenario] = []
        shared: list[Scenario] = []
        rooms: Held = {} if held is None else held
        every = np.broadcast_to(self.batches, (len(rows), self.batches.size))
        for number, variant in variants:
            numbers = formulas.numbers(variant.values, columns, places, heads, self.batches)
            if not first or numbers.keys() != first[0].values.keys():
                shared, rooms = [], {}
                first = [Scenario(numbers, slots, spread) for slots in formulas.slots]
            else:
                differing = {s: numbers[s] for s in variant.values if s in numbers and numbers[s] != first[0].values[s]}
                first = [scenario | differing for scenario in first]
            points = Points(formulas, first, columns, heads, every, shared=shared, rooms=rooms)
            yield number, replace(points, first_token=self.first_token(np.full(len(rows), number), rows))


def _spread(columns: Columns, rows: Array) -> tuple[Spread | None, Array]:
    """Executions of one layout share what only the layout decides: one row for each layout, and which row is whose."""
    if "layout_row" not in columns:
        return None, rows
    distinct, first, index = np.unique(columns["layout_row"][rows], return_index=True, return_inverse=True)
    return Spread(len(distinct), index), rows[first]
