"""What a search works with: its layouts and variants, cut in pieces, and the passes that are evaluated."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import ceil

import numpy as np

from steptime.model import symbols as q
from steptime.model.choices import Minimise, PhaseName, Scope, Split
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import Columns, gathered, layouts, numbered
from steptime.model.numeric import Spread
from steptime.model.phases.accounts import Accounts, accounts_of
from steptime.model.scenario import Scenario
from steptime.model.solver.layouts.evaluated import Held, Points
from steptime.model.solver.layouts.executions import executions
from steptime.model.solver.layouts.finalists import Finalists
from steptime.model.solver.layouts.formulas import Formulas, differing
from steptime.model.solver.layouts.kept import Kept
from steptime.model.solver.layouts.passes import Pass, key
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.practice import InPractice, estimates_of, in_practice
from steptime.model.solver.layouts.refine import Whole
from steptime.model.solver.layouts.runnable import runnable
from steptime.model.solver.layouts.variants import Variant, affordable, must_have, variants_on
from steptime.model.solver.limits import is_timed

Array = np.ndarray
Numbered = Sequence[tuple[int, Variant]]
BLOCK, TIMED = 2**20, 2**18
"""Points evaluated in one piece, on each variant; where all are timed, whose many quantities take memory."""
AT_ONCE = 2**20
"""Layouts, or ways to train, that are written down at once."""
FEW_BATCHES = 12
"""Batches up to which every point is evaluated: bounds of a layout would take as long."""
DIFFERING = ("tp", "cp", "dp", "pp", "replicas", "interleave", "ffn_all")
"""What says whether an execution is another than one tried before."""


@dataclass(frozen=True)
class Piece:
    """Some layouts of one split, and the variants, by their numbers, that share their formulas. ``skipped``: points
    beside them that are the same as others."""

    variants: Numbered
    split: Split
    rows: Array
    skipped: int


class Work:
    """Layouts and variants of a search, with the passes that are evaluated: its step, and one prompt alone where that
    is limited or rides along. ``refused``: points beside these that an engine cannot run. ``in_practice``: whether the
    estimate decides, and limits hold for it; ``timed``: whether any is on a time, at the bound or in practice."""

    def __init__(
        self, search: Search, accounts: Accounts, columns: Columns, variants: Sequence[Variant], minimise: Minimise,
        refused: int = 0,
    ) -> None:  # fmt: skip
        columns = gathered(columns, np.arange(len(columns["tp"]))) if len(columns["tp"]) <= AT_ONCE else columns
        self.search, self.columns, self.variants, inputs = search, columns, variants, search.inputs
        self.minimise, self.refused = minimise, refused
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

    def formulas(self, piece: Piece) -> Formulas:
        """Those of a piece."""
        return self.step.formulas(piece.variants[0][0], piece.split)

    def first_token(self, numbers: Array, rows: Array) -> Array | None:
        """Seconds of a prompt alone on each layout, where they are limited."""
        if self.alone is None or not self.limited:
            return None
        return np.asarray(self.alone.at(numbers, rows, self.step.split(rows), np.ones((1, 1))).step_time)

    def estimated(self, points: Points, numbers: Array, rows: Array) -> InPractice:
        """Points in practice."""
        assert self.estimates is not None
        first = self.estimates.first_token(numbers, rows) if self.limited else None
        return in_practice(points, self.estimates, numbers, rows, first)

    @cached_property
    def alike(self) -> Sequence[Numbered]:
        """The variants, by their numbers, that share their formulas and have the same quantities: what they have in
        common is worked out once for all."""
        found: dict[int, list[tuple[int, Variant]]] = {}
        for number, variant in enumerate(self.variants):
            found.setdefault(int(self.group[number]), []).append((number, variant))
        return list(found.values())

    @property
    def size(self) -> int:
        """Points of the search."""
        return len(self.columns["tp"]) * self.batches.size * len(self.variants)

    def nothing_kept(self) -> list[Kept]:
        """What is kept of no point yet: at the bound and, where that decides, in practice; then of the bound only its
        best."""
        of_bound = Kept(self.search, self.machine, lone=self.in_practice)
        return [of_bound, Kept(self.search, self.machine, in_practice=True)] if self.in_practice else [of_bound]

    @property
    def screened(self) -> bool:
        """Whether whole layouts are left out: not where limits ask for every point's time, nor where there are so few
        batches that bounds would take as long."""
        return not self.timed and self.batches.size > FEW_BATCHES

    @property
    def height(self) -> int:
        """Layouts of a piece, before those are left out that are the same as others."""
        return max(1, (BLOCK if self.screened else TIMED) // self.batches.size)

    @property
    def heights(self) -> int:
        """Pieces that all layouts of one split, on variants that are alike, are cut in."""
        return ceil(len(self.columns["tp"]) / self.height)

    @property
    def pieces(self) -> int:
        """How many pieces there are: all layouts, of either split, on all variants."""
        return len(self.alike) * len(Split) * self.heights

    def piece(self, number: int) -> Piece:
        """One of them, the same whoever asks; it may have no layout."""
        rest, place = divmod(number, self.heights)
        group, side = divmod(rest, len(Split))
        split, alike = list(Split)[side], self.alike[group]
        every = np.arange(place * self.height, min((place + 1) * self.height, len(self.columns["tp"])))
        columns = gathered(self.columns, every, DIFFERING)
        own, differ = columns["ffn_all"] == (split == Split.STAGE), alike[0][1].differs(columns)
        skipped = int(np.count_nonzero(own & ~differ)) * self.batches.size * len(alike)
        return Piece(alike, split, every[own & differ], skipped)

    def points(self, piece: Piece, held: Held | None = None) -> Iterator[tuple[int, Points]]:
        """The layouts of a piece at all batches on each of its variants: what is the same for them, once; ``held`` are
        bytes that are known."""
        rows, formulas = piece.rows, self.formulas(piece)
        columns, places = gathered(self.columns, rows), np.arange(len(rows))
        spread, heads = _spread(columns, places)
        first: list[Scenario] = []
        shared: list[Scenario] = []
        rooms: Held = {} if held is None else held
        every = np.broadcast_to(self.batches, (len(rows), self.batches.size))
        for number, variant in piece.variants:
            numbers = formulas.numbers(variant.values, columns, places, heads, self.batches)
            if not first or numbers.keys() != first[0].values.keys():
                shared, rooms = [], {}
                first = [Scenario(numbers, slots, spread) for slots in formulas.slots]
            else:
                changed = differing(variant.values, numbers, first[0].values)
                first = [scenario | changed for scenario in first]
            points = Points(formulas, first, columns, heads, every, shared=shared, rooms=rooms)
            yield number, replace(points, first_token=self.first_token(np.full(len(rows), number), rows))


def work_of(search: Search) -> Work:
    """The work of a search; raises UserError where a figure is missing or there is no layout."""
    accounts = accounts_of(search.model)
    if not accounts.is_architecture:
        raise UserError(f"a search needs an architecture: {accounts.name} is a list of quantities, split perfectly")
    held = {key: value for key, value in search.held.items() if key != "copies"}
    variants = [variant for machine in search.hardware for variant in variants_on(search, accounts, machine)]
    minimise = search.minimise or affordable(variants)
    must_have(variants, minimise, search)
    executed: Callable[[Columns], Columns]
    if search.inputs.phase == PhaseName.TRAIN:
        found, executed = layouts(accounts.model, search.chips, held), partial(_executed, search, accounts.layers)
    else:
        found, executed = numbered(accounts.model, search.chips, held).columns(), _as_they_are
    if search.engine is None:
        return Work(search, accounts, executed(found), variants, minimise)
    some = runnable(search, search.engine, accounts, variants, found, executed)
    return Work(search, accounts, some.columns, some.variants, minimise, some.refused)


def _executed(search: Search, layers: int, columns: Columns) -> Columns:
    return executions(columns, search, layers)


def _as_they_are(columns: Columns) -> Columns:
    return columns


def _spread(columns: Columns, rows: Array) -> tuple[Spread | None, Array]:
    """Executions of one layout share what only the layout decides: one row for each layout, and which row is whose."""
    if "layout_row" not in columns:
        return None, rows
    distinct, first, index = np.unique(columns["layout_row"][rows], return_index=True, return_inverse=True)
    return Spread(len(distinct), index), rows[first]
