"""Points in practice: the estimate of many layouts at many batches, and what is limited and minimised by it.

The bound prunes: since no estimate lies below it, a point that breaks a limit at the bound breaks it in practice, and
no estimate of it is asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients
from steptime.model.choices import PhaseName, Scope, Split
from steptime.model.estimate import symbols as e
from steptime.model.estimate.terms import PREFILL, along
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import Accounts
from steptime.model.scenario import Scenario
from steptime.model.solver.layouts.boxes import fastest
from steptime.model.solver.layouts.evaluated import Points
from steptime.model.solver.layouts.passes import Pass, joined
from steptime.model.solver.layouts.variants import Variant
from steptime.model.step.coefficients import coefficient_values, coefficients_for
from steptime.model.step.demands import figures_of, others_per_step, prompts_together, terms_of_phase
from steptime.model.step.estimate import Estimate, estimate_of
from steptime.model.step.formats import formats

Array = np.ndarray
LENGTHS: Mapping[PhaseName, Mapping[str, Symbol]] = {
    PhaseName.TRAIN: {"sequence": q.sequence, "microbatch": q.microbatch},
}  # fmt: skip
OTHERS: Mapping[str, Symbol] = {"context": q.context, "sequences": q.rank_batch, "stages": q.pipeline_parallel}
"""What says whether a step is like those of the fit, by phase and of the others."""
AT_ONCE = 2**18
"""Points whose estimates are worked out in one piece, so that the many quantities of a ledger stay bounded."""


class Estimates:
    """The estimate of each layout on each variant. ``step``: the pass that is asked for; ``alone``: one prompt that has
    the machine to itself."""

    def __init__(self, step: Pass, alone: Pass | None, chosen: Coefficients) -> None:
        self.step, self.alone, self.chosen, self.pure = step, alone, chosen, step
        self.serves = step.search.inputs.scope == Scope.SERVING
        if self.serves:
            first = step.variants[0]
            own: dict[Symbol, float | None] = {
                q.prompt: None,
                q.answer: None,
                q.context: first.phase.number(q.context, first.values),
            }
            inputs = step.search.inputs.with_given(own, scope=Scope.STEPS)
            self.pure = Pass(replace(step.search, inputs=inputs), step.accounts, step.columns, step.minimise)
        self.coefficients = [_figures(one, step.accounts, chosen) for one in step.variants]

    def terms(self, numbers: Array, rows: Array, batches: Array) -> tuple[dict[str, Any], Any]:
        """Seconds by term of some layouts, each on its variant, at batches of their own; and by how much the mean step
        is longer."""
        split, coefficients = self.step.split(rows), joined(self.coefficients, numbers)
        terms = terms_of_phase(self.step.search.inputs.phase)
        found = _evaluated(self.pure.at(numbers, rows, split, batches), terms, coefficients)
        if not self.serves or self.alone is None:
            return found, 0.0
        asked = self.step.at(numbers, rows, split, batches).scenarios[0]
        prompts = self._prompts(asked, split)
        together = self.alone.at(numbers, rows, split, prompts)
        prefill = _evaluated(together, {"along": along}, {**coefficients, e.riding: 1 / prompts})["along"]
        others, every = (one.evaluate(others_per_step) for one in (asked, asked | {q.own_prefill: 0.0}))
        return {**found, "prefills": others * prefill}, (every - others) * prefill

    def least(self, numbers: Sequence[int], rows: Array, points: Points) -> Array:
        """Seconds that no estimate of some layouts on any of some variants of one machine lies below: ``points`` are
        these layouts with the fewest bytes and the highest peak of all, copied whichever way is the faster."""
        split, figures = self.step.split(rows), self.coefficients[numbers[0]]
        terms = terms_of_phase(self.step.search.inputs.phase)
        pure = points if not self.serves else self._fastest(self.pure, numbers, rows, split, points.batches)
        found = _fastest_way(pure, terms, figures)
        if self.serves and self.alone is not None:
            asked = points.scenarios[0]
            prompts = self._prompts(asked, split)
            together = self._fastest(self.alone, numbers, rows, split, prompts)
            prefill = _fastest_way(together, {"along": along}, {**figures, e.riding: 1 / prompts})
            found = found + asked.evaluate(others_per_step) * prefill
        return np.asarray(np.maximum(found, points.step_time))

    def _prompts(self, asked: Scenario, split: Split) -> Array:
        """Prompts of one prefill that rides along, a row for each layout."""
        return np.atleast_2d(asked.evaluate(prompts_together(self.step.accounts.meets(Layout(ffn=split)))))

    def _fastest(self, one: Pass, numbers: Sequence[int], rows: Array, split: Split, batches: Array) -> Points:
        """A pass of some layouts, no slower than on any of some variants."""
        values = fastest([one.variants[number].values for number in numbers])
        assert values is not None, "the variants of a screen differ in formats alone"
        return one.formulas(numbers[0], split).at(values, one.columns, rows, batches)

    def first_token(self, numbers: Array, rows: Array) -> Array | None:
        """Seconds of one prompt alone, a row for each layout."""
        if self.alone is None:
            return None
        points = self.alone.at(numbers, rows, self.step.split(rows), np.ones((1, 1)))
        terms = _evaluated(points, PREFILL, joined(self.coefficients, numbers))
        return np.asarray(np.maximum(sum(terms.values()), points.step_time))

    def each(self, numbers: Array, rows: Array, points: Points) -> list[Estimate]:
        """An estimate for each of some layouts at one batch, as a step has it."""
        found, own = self.terms(numbers, rows, points.batches)
        size = len(rows)
        columns = {name: np.broadcast_to(time, (size, 1))[:, 0] for name, time in found.items()}
        longer, bounds = np.broadcast_to(own, (size, 1))[:, 0], points.at_bound.step_time[:, 0]
        model, inputs = self.step.accounts.transformer, self.step.search.inputs
        told = LENGTHS.get(inputs.phase, OTHERS)
        seen = {name: _column(points, symbol) for name, symbol in told.items()}
        estimates = []
        for place in range(size):
            machine = self.step.variants[int(numbers[place])].question.hardware
            lengths = {name: column[place] for name, column in seen.items()}
            lengths["chips"] = float(self.step.columns["chips"][rows[place]])
            terms = {name: float(column[place]) for name, column in columns.items()}
            estimates.append(estimate_of(model, machine, inputs, self.chosen, float(bounds[place]), terms,
                                         float(longer[place]), lengths))  # fmt: skip
        return estimates


def estimates_of(step: Pass, alone: Pass | None) -> Estimates | None:
    """The estimates of a search; None where a step has none."""
    chosen = coefficients_for(step.search.inputs)
    return None if chosen is None else Estimates(step, alone, chosen)


def _figures(one: Variant, accounts: Accounts, chosen: Coefficients) -> dict[Symbol, float]:
    """Coefficients on a machine, with what its formats say beside its rates."""
    inputs, hardware = one.question.inputs, one.question.hardware
    precision, _ = formats(inputs, accounts, hardware)
    return {**coefficient_values(inputs, hardware, chosen),
            **figures_of(inputs, hardware, precision["activations"], one.values[q.peak_flops])}  # fmt: skip


def _column(points: Points, symbol: Symbol) -> Sequence[float | None]:
    """A quantity at each of some layouts at one batch; None where there is none."""
    found = points.scenarios[0].numbers([symbol]).get(symbol)
    size = len(points.batches)
    return [None] * size if found is None else np.broadcast_to(found, (size, 1))[:, 0].astype(float).tolist()


def _evaluated(points: Points, terms: Mapping[str, Expr], figures: Mapping[Symbol, Any]) -> dict[str, Any]:
    """Seconds by term, in the way to copy tokens to experts that is the faster at the bound."""
    ways = _each_way(points, terms, figures)
    if len(ways) == 1:
        return ways[0]
    with np.errstate(all="ignore"):
        faster = points.faster
    return {name: np.choose(faster, [np.broadcast_to(way[name], faster.shape) for way in ways]) for name in terms}


def _fastest_way(points: Points, terms: Mapping[str, Expr], figures: Mapping[Symbol, Any]) -> Any:
    """Seconds of all terms, in the way to copy tokens that makes them the fewest."""
    return np.minimum.reduce(np.broadcast_arrays(*(sum(way.values()) for way in _each_way(points, terms, figures))))


def _each_way(points: Points, terms: Mapping[str, Expr], figures: Mapping[Symbol, Any]) -> list[dict[str, Any]]:
    """Seconds by term, in each way to copy tokens to experts. What the ways share is evaluated once."""
    ways, first, apart = [], None, points.formulas.apart
    with np.errstate(all="ignore"):
        for scenario, demanded in zip(points.scenarios, points.formulas.demanded, strict=True):
            there = Scenario({**scenario.values, **figures}, {**scenario.definitions, **demanded})
            known = scenario.known
            if first is not None:
                known = {s: value for s, value in first.known.items() if there.reach(s).isdisjoint(apart)}
            there = there.knowing(known)
            ways.append({name: there.evaluate(expr) for name, expr in terms.items()})
            first = first or there
    return ways


@dataclass(frozen=True)
class InPractice(Points):
    """Points whose times are estimates, on the variants ``numbers``; ``ideal``: the same at the bound; ``times``:
    seconds of each that are known already."""

    ideal: Points | None = None
    estimates: Estimates | None = None
    numbers: Array | None = None
    rows: Array | None = None
    times: Array | None = None

    @property
    def at_bound(self) -> Points:
        assert self.ideal is not None
        return self.ideal

    @cached_property
    def _times(self) -> tuple[Array, Array]:
        """Seconds of a step, and of the mean step; at the bound where the bound breaks a limit already."""
        bound = self.at_bound
        step, mean = bound.step_time.copy(), bound.step_time.copy()
        fine = bound.possible
        if self.times is not None:
            step[fine] = mean[fine] = self.times[fine]
            return step, mean
        rows, columns = np.flatnonzero(fine.any(axis=1)), np.flatnonzero(fine.any(axis=0))
        for some in np.array_split(rows, max(1, -(-len(rows) * len(columns) // AT_ONCE))):
            if len(some):
                place = np.ix_(some, columns)
                times = self._at(some, bound.batches[place], step[place])
                for whole, part in zip((step, mean), times, strict=True):
                    whole[place] = np.where(fine[place], part, whole[place])
        return step, mean

    def _at(self, rows: Array, batches: Array, bounds: Array) -> tuple[Array, Array]:
        """Seconds of a step, and of the mean step, of some rows at batches whose bounds are known."""
        assert self.estimates is not None and self.numbers is not None and self.rows is not None
        alike = bool((batches == batches[:1]).all())
        terms, own = self.estimates.terms(self.numbers[rows], self.rows[rows], batches[:1] if alike else batches)
        times = np.maximum(sum(terms.values()), bounds)
        return times, times + own

    @property
    def step_time(self) -> Array:
        return self._times[0]

    @property
    def mean_step_time(self) -> Array:
        """At the pace of the fullest rank, every prefill counted."""
        return self._times[1]

    @property
    def _held(self) -> Array:
        return np.asarray(self.at_bound._held)

    def tie_bounds(self) -> list[Array]:
        return list(self.at_bound.tie_bounds())


def in_practice(points: Points, estimates: Estimates, numbers: Array, rows: Array, first: Array | None) -> InPractice:
    """The same points in practice; ``first``: the estimate of a prompt alone."""
    return InPractice(points.formulas, points.scenarios, points.columns, points.heads, points.batches, first,
                      points.shared, points, estimates, numbers, rows)  # fmt: skip
