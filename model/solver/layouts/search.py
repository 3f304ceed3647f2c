"""Every layout, batch, format and machine at once: the best under named limits, the runner-up, and the Pareto front.

Points are evaluated in blocks, so that memory stays bounded however many there are; what may yet be best is kept, and
then looked at closely: its best whole batch, and its time where less overlaps.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.choices import Minimise, PhaseName, Scope, Split
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import Columns, layout_of, layouts
from steptime.model.numeric import Spread
from steptime.model.phases.accounts import Accounts, accounts_of
from steptime.model.scenario import Scenario
from steptime.model.solver.layouts.evaluated import Points
from steptime.model.solver.layouts.finalists import Finalists
from steptime.model.solver.layouts.formulas import Formulas
from steptime.model.solver.layouts.kept import Kept
from steptime.model.solver.layouts.points import Answer, Search
from steptime.model.solver.layouts.refine import Whole
from steptime.model.solver.layouts.variants import Variant, affordable, executions, must_have, variants_on
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
    kept = Kept(search, work.machine)
    for done in work.stream(kept):
        progress(STREAMED * done / size)
    rest = max(1, len(kept.rivals()))
    left = Finalists(search, kept, columns, variants, work.group, work.whole,
                     lambda looked: progress(STREAMED + (1 - STREAMED) * min(1.0, looked / rest)))  # fmt: skip
    chosen = left.chosen()
    progress(1.0)
    return Answer(search, minimise, len(columns["tp"]), tuple(variant.question for variant in variants), kept.points,
                  kept.feasible, time.perf_counter() - started, dict(kept.infeasible), **vars(chosen))  # fmt: skip


def _refuse_early(variants: Sequence[Variant], columns: Columns, search: Search) -> None:
    """What a step refuses is refused before the search, in the words of a step: one case on each machine."""
    for machine in search.hardware:
        question = next(variant.question for variant in variants if variant.question.hardware is machine)
        given = {q.batch: float(search.batches[-1])}
        given |= {s: float(columns[s.name][0]) for s in (q.microbatch, q.interleave) if s.name in columns}
        build_case(question.but(given, layout=replace(layout_of(columns, 0), copies=search.copies)))


class _Work:
    """Layouts and variants of a search, with the formulas that each pair of plan and split has."""

    def __init__(
        self, search: Search, accounts: Accounts, columns: Columns, variants: Sequence[Variant], minimise: Minimise
    ) -> None:
        self.search, self.accounts, self.columns, self.variants = search, accounts, columns, variants
        self.minimise, self.formulas = minimise, dict[tuple[int, Split, bool], Formulas]()
        places = {machine: number for number, machine in enumerate(search.hardware)}
        self.machine = np.array([places[variant.question.hardware] for variant in variants])
        self.first, self.heads = list[Variant](), dict[int, int]()
        if search.max_ttft is not None:
            inputs = search.inputs
            prompt = variants[0].values[q.prompt if inputs.scope == Scope.SERVING else q.context]
            alone = replace(search, inputs=inputs.prompt_alone(float(prompt)))
            self.first = [one for machine in search.hardware for one in variants_on(alone, accounts, machine)]
        heads: dict[object, int] = {}
        groups: dict[object, int] = {}
        for number, variant in enumerate(variants):  # the first variant that shares the plan: its formulas are all's
            key = self._key(variant)
            self.heads[number] = heads.setdefault(key, number)
            groups.setdefault((key, frozenset(variant.values)), len(groups))
        self.group = np.array([groups[self._key(one), frozenset(one.values)] for one in variants])

    def _key(self, variant: Variant) -> object:
        return variant.plan, variant.phase

    def _formulas(self, number: int, split: Split, alone: bool = False) -> Formulas:
        key = (self.heads[number], split, alone)
        if key not in self.formulas:
            variant = (self.first if alone else self.variants)[key[0]]
            plan = replace(variant.plan, ffn=split)
            self.formulas[key] = Formulas(
                self.accounts, variant.phase, plan, self.search, self.minimise, variant.values)  # fmt: skip
        return self.formulas[key]

    def whole(self, numbers: Array, rows: Array) -> Whole:
        """Some layouts of one split, each on its variant, all of one group."""
        split = Split.STAGE if self.columns["ffn_all"][rows[0]] else Split.TENSOR
        return Whole(self._formulas(int(numbers[0]), split), _values(self.variants, numbers), self.columns, rows,
                     self._first_token(numbers, rows, split))  # fmt: skip

    def _first_token(self, numbers: Array, rows: Array, split: Split) -> Array | None:
        """Seconds of a prompt alone on each layout, where they are limited."""
        if not self.first:
            return None
        formulas = self._formulas(int(numbers[0]), split, alone=True)
        return np.asarray(formulas.at(_values(self.first, numbers), self.columns, rows, np.ones((1, 1))).step_time)

    def stream(self, kept: Kept) -> Iterator[int]:
        """Evaluate all points in blocks; how many are done."""
        batches, columns = np.array(self.search.batches, float)[None, :], self.columns
        done = 0
        for _, group in groupby(enumerate(self.variants), key=lambda one: self._key(one[1])):
            alike = list(group)
            every = np.arange(len(columns["tp"]))
            rows = every[alike[0][1].differs(columns)]
            done += (len(every) - len(rows)) * batches.size * len(alike)
            for split in Split:
                some = rows[columns["ffn_all"][rows] == (split == Split.STAGE)]
                if not len(some):
                    continue
                formulas = self._formulas(alike[0][0], split)
                for block in np.array_split(some, max(1, -(-len(some) * batches.size // BLOCK))):
                    if len(block):
                        for number, points in self._block(formulas, alike, block, batches):
                            first = self._first_token(np.full(len(block), number), block, split)
                            kept.add(number, block, replace(points, first_token=first))
                            done += block.size * batches.size
                            yield done

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


def _values(variants: Sequence[Variant], numbers: Array) -> dict[Symbol, Any]:
    """Numbers of variants with the same quantities: one for all, or a row for each."""
    used, which = np.unique(numbers, return_inverse=True)
    first, *others = (variants[int(number)].values for number in used)
    found: dict[Symbol, Any] = dict(first)
    for symbol in first:
        if any(other[symbol] != first[symbol] for other in others):
            found[symbol] = np.array([variants[int(number)].values[symbol] for number in used])[which][:, None]
    return found


def _spread(columns: Columns, rows: Array) -> tuple[Spread | None, Array]:
    """Executions of one layout share what only the layout decides: one row for each layout, and which row is whose."""
    if "layout_row" not in columns:
        return None, rows
    distinct, first, index = np.unique(columns["layout_row"][rows], return_index=True, return_inverse=True)
    return Spread(len(distinct), index), rows[first]
