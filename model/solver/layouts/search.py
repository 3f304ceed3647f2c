"""Every layout, batch, format and machine at once: the best under named limits, the runner-up, and the Pareto front.

Points are evaluated in blocks, so that memory stays bounded however many there are; what may yet be best is kept, and
then looked at closely: its best whole batch, and its time where less overlaps.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby

import numpy as np

from steptime.model import symbols as q
from steptime.model.choices import Minimise, PhaseName, Scope, Split
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import Columns, layout_of, layouts
from steptime.model.numeric import Spread
from steptime.model.phases.accounts import Accounts, accounts_of
from steptime.model.scenario import Scenario
from steptime.model.solver.layouts.evaluated import Points
from steptime.model.solver.layouts.finalists import Chosen, Finalists
from steptime.model.solver.layouts.formulas import Formulas
from steptime.model.solver.layouts.kept import Kept
from steptime.model.solver.layouts.passes import Pass, key
from steptime.model.solver.layouts.points import Answer, Search
from steptime.model.solver.layouts.practice import estimates_of, in_practice
from steptime.model.solver.layouts.refine import Whole
from steptime.model.solver.layouts.variants import Variant, affordable, executions, must_have, variants_on
from steptime.model.solver.limits import is_timed
from steptime.model.step.build import build_case

Array = np.ndarray
Progress = Callable[[float], None]
BLOCK = 2**20
"""Points evaluated in one piece."""
MOST_POINTS = 500_000_000
"""Points of one search: some minutes."""
STREAMED = 0.9
"""Share of the work, roughly, after which the finalists are looked at."""


def search_layouts(search: Search, progress: Progress = lambda share: None) -> Answer:
    """The best point under the limits; raises UserError where a figure is missing or no point satisfies all limits."""
    started, accounts = time.perf_counter(), accounts_of(search.model)
    if not accounts.is_architecture:
        raise UserError(f"a search needs an architecture: {accounts.name} is a list of quantities, split perfectly")
    held = {key: value for key, value in search.held.items() if key != "copies"}
    variants = [variant for machine in search.hardware for variant in variants_on(search, accounts, machine)]
    minimise = search.minimise or affordable(variants)
    must_have(variants, minimise, search)
    columns = layouts(accounts.model, search.chips, held)
    if search.inputs.phase == PhaseName.TRAIN:
        columns = executions(columns, search, accounts.layers)
    size = len(columns["tp"]) * len(search.batches) * len(variants)
    if size > MOST_POINTS:
        raise UserError(f"{size:,} points, more than {MOST_POINTS:,}: give fewer `chips` or `batch`, or hold some "
                        "degrees with `layout`")  # fmt: skip
    _refuse_early(variants, columns, search)
    work = _Work(search, accounts, columns, variants, minimise)
    kept = [Kept(search, work.machine, estimated) for estimated in (False, True)[: 1 + work.in_practice]]
    for done in work.stream(kept):
        progress(STREAMED * done / size)
    of_bound = work.chosen(kept[0], progress)
    chosen = of_bound
    if work.in_practice:
        try:
            chosen = work.chosen(kept[1], progress)
        except UserError as error:
            raise UserError(f"in practice {error}; at the ideal bound alone {kept[0].feasible:,} do (`efficiency` "
                            "ideal)") from None  # fmt: skip
    progress(1.0)
    counts, questions = kept[-1], tuple(variant.question for variant in variants)
    return Answer(search, minimise, len(columns["tp"]), questions, counts.points, counts.feasible,
                  time.perf_counter() - started, dict(counts.infeasible), **vars(chosen), in_practice=work.in_practice,
                  of_bound=of_bound.candidates[0] if work.in_practice else None)  # fmt: skip


def _refuse_early(variants: Sequence[Variant], columns: Columns, search: Search) -> None:
    """What a step refuses is refused before the search, in the words of a step: one case on each machine."""
    for machine in search.hardware:
        question = next(variant.question for variant in variants if variant.question.hardware is machine)
        given = {q.batch: float(search.batches[-1])}
        given |= {s: float(columns[s.name][0]) for s in (q.microbatch, q.interleave) if s.name in columns}
        build_case(question.but(given, layout=replace(layout_of(columns, 0), copies=search.copies)))


class _Work:
    """Layouts and variants of a search, with the passes that are evaluated: its step, and one prompt alone where that
    is limited or rides along. ``in_practice``: whether limits hold for the estimate."""

    def __init__(
        self, search: Search, accounts: Accounts, columns: Columns, variants: Sequence[Variant], minimise: Minimise
    ) -> None:
        self.search, self.columns, self.variants, inputs = search, columns, variants, search.inputs
        self.step, self.alone = Pass(search, accounts, columns, minimise, variants), None
        if search.max_ttft is not None or inputs.scope == Scope.SERVING:
            prompt = variants[0].values[q.prompt if inputs.scope == Scope.SERVING else q.context]
            alone = replace(search, inputs=inputs.prompt_alone(float(prompt)))
            self.alone = Pass(alone, accounts, columns, minimise)
        self.estimates = estimates_of(self.step, self.alone)
        timed = search.max_ttft is not None or is_timed(search.max_step_time, search.limits)
        self.in_practice = timed and self.estimates is not None
        places = {machine: number for number, machine in enumerate(search.hardware)}
        self.machine = np.array([places[variant.question.hardware] for variant in variants])
        groups: dict[object, int] = {}
        self.group = np.array([groups.setdefault((key(one), frozenset(one.values)), len(groups)) for one in variants])

    def chosen(self, kept: Kept, progress: Progress) -> Chosen:
        """The answer of what was kept, by the bound or by the estimate."""
        rest = max(1, len(kept.rivals()))
        whole = partial(self.whole, in_practice=kept.in_practice)
        return Finalists(
            self.search, kept, self.columns, self.variants, self.group, whole,
            lambda looked: progress(STREAMED + (1 - STREAMED) * min(1.0, looked / rest)),
        ).chosen()  # fmt: skip

    def whole(self, numbers: Array, rows: Array, in_practice: bool) -> Whole:
        """Some layouts of one split, each on its variant, all of one group."""
        formulas = self.step.formulas(int(numbers[0]), self.step.split(rows))
        estimates = self.estimates
        practice = estimates.first_token(numbers, rows) if in_practice and estimates and self.limited else None
        return Whole(formulas, self.step.values(numbers), self.columns, rows, self._first_token(numbers, rows),
                     numbers, estimates, in_practice, practice)  # fmt: skip

    @property
    def limited(self) -> bool:
        """Whether the time to first token is."""
        return self.search.max_ttft is not None

    def _first_token(self, numbers: Array, rows: Array) -> Array | None:
        """Seconds of a prompt alone on each layout, where they are limited."""
        if self.alone is None or not self.limited:
            return None
        return np.asarray(self.alone.at(numbers, rows, self.step.split(rows), np.ones((1, 1))).step_time)

    def stream(self, kept: Sequence[Kept]) -> Iterator[int]:
        """Evaluate all points in blocks, at the bound and, where limits hold for it, in practice; how many are done."""
        batches, columns = np.array(self.search.batches, float)[None, :], self.columns
        done = 0
        for _, group in groupby(enumerate(self.variants), key=lambda one: key(one[1])):
            alike = list(group)
            every = np.arange(len(columns["tp"]))
            rows = every[alike[0][1].differs(columns)]
            done += (len(every) - len(rows)) * batches.size * len(alike)
            for split in Split:
                some = rows[columns["ffn_all"][rows] == (split == Split.STAGE)]
                if not len(some):
                    continue
                formulas = self.step.formulas(alike[0][0], split)
                for block in np.array_split(some, max(1, -(-len(some) * batches.size // BLOCK))):
                    if len(block):
                        for number, points in self._block(formulas, alike, block, batches):
                            numbers = np.full(len(block), number)
                            points = replace(points, first_token=self._first_token(numbers, block))
                            kept[0].add(number, block, points)
                            if self.in_practice:
                                kept[1].add(number, block, self._in_practice(points, numbers, block))
                            done += block.size * batches.size
                            yield done

    def _in_practice(self, points: Points, numbers: Array, rows: Array) -> Points:
        assert self.estimates is not None
        first = self.estimates.first_token(numbers, rows) if self.limited else None
        return in_practice(points, self.estimates, numbers, rows, first)

    def _block(
        self, formulas: Formulas, variants: Sequence[tuple[int, Variant]], rows: Array, batches: Array
    ) -> Iterator[tuple[int, Points]]:
        """Some layouts at all batches on every machine and in every format: what is the same for them, once."""
        spread, heads = _spread(self.columns, rows)
        first: list[Scenario] = []
        shared: list[Scenario] = []
        for number, variant in variants:
            numbers = formulas.numbers(variant.values, self.columns, rows, heads, batches)
            if not first or numbers.keys() != first[0].values.keys():
                shared = []
                first = [Scenario(numbers, slots, spread) for slots in formulas.slots]
            else:
                differing = {s: numbers[s] for s in variant.values if s in numbers and numbers[s] != first[0].values[s]}
                first = [scenario | differing for scenario in first]
            every = np.broadcast_to(batches, (len(rows), batches.size))
            yield number, Points(formulas, first, self.columns, heads, every, shared=shared)


def _spread(columns: Columns, rows: Array) -> tuple[Spread | None, Array]:
    """Executions of one layout share what only the layout decides: one row for each layout, and which row is whose."""
    if "layout_row" not in columns:
        return None, rows
    distinct, first, index = np.unique(columns["layout_row"][rows], return_index=True, return_inverse=True)
    return Spread(len(distinct), index), rows[first]
