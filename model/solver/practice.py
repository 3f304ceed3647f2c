"""The estimate as a problem to solve: its terms are the parts of a step, each as long as its slower resource takes.

In the estimate groups of operations run one after another, and within each reading and multiplying overlap: a sum of
maxima, which is what the solver takes. So every term of the estimate, and every resource within it, has a price.
A step of training is one part: what is not hidden behind passes takes no time where it is, so that the step is solved
for as the longest of several times, and its price is shared out among its terms as its time is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients
from steptime.model.choices import Load, PhaseName, Scope
from steptime.model.errors import Unbound
from steptime.model.estimate import symbols as e
from steptime.model.estimate.terms import DECODE, PREFILL, along
from steptime.model.estimate.training import LONGEST, TRAINING
from steptime.model.estimate.waves import WAVES
from steptime.model.extremes import put_in
from steptime.model.scenario import Scenario
from steptime.model.solver.limits import least_batch, numbers_but_batch
from steptime.model.solver.parts import Parts
from steptime.model.solver.solution import Solution
from steptime.model.step.case import Case
from steptime.model.step.coefficients import coefficient_formulas
from steptime.model.step.demands import figures_of, others_per_step
from steptime.model.step.estimate import demanded, parts_of_serving
from steptime.model.step.training import RATES


@dataclass(frozen=True)
class Practice:
    """A case whose scenario holds what the estimate needs too, and the estimate's parts: each with its terms, named by
    resource where there are two, else by the part. ``terms``: what else the step adds up from, where it is one part."""

    case: Case
    parts: Parts
    chosen: Coefficients
    terms: Mapping[str, Expr] | None = None

    def prices(self, found: Solution) -> dict[str, float]:
        """Prices of the estimate's terms: those of their resources; of what is one part, by their time."""
        by_part = found.prices_by_part
        if self.terms is None:
            return {name: sum(by_part.get((name, one), 0.0) for one in terms) for name, terms in self.parts.items()}
        times, whole = self.times(found.value), sum(by_part.values())
        return {name: whole * time / sum(times.values()) for name, time in times.items()}

    def times(self, batch: float) -> dict[str, float]:
        """Seconds of each term at a batch."""
        there = self.case.scenario | {q.batch: batch}
        if self.terms is not None:
            times = {name: there.evaluate(time) for name, time in self.terms.items()}
            return {name: time for name, time in times.items() if time > 0}
        return {name: max(there.evaluate(time) for time in terms.values()) for name, terms in self.parts.items()}


def practice_of(case: Case, chosen: Coefficients) -> Practice | None:
    """The estimate of a case with its own load as expressions; None where the ledger lacks a number."""
    terms = PREFILL if case.inputs.phase == PhaseName.PREFILL else DECODE
    scenario = case.scenario
    figures = {rate: case.number(rate) or 1.0 for rate in RATES}
    figures |= figures_of(case.inputs, case.hardware, case.precision["activations"], figures[q.peak_flops])
    coefficients, also = coefficient_formulas(case.inputs, case.hardware, chosen)
    values = {**coefficients, **scenario.values, **figures}
    if values[q.wide_peak] == values[q.peak_flops]:  # the products' own: where that rises, it does
        also[q.wide_peak] = q.peak_flops
        del values[q.wide_peak]
    if case.inputs.scope != Scope.SERVING:
        there = Scenario(values, {**scenario.definitions, **demanded(case), **also})
        is_training = case.inputs.phase == PhaseName.TRAIN
        return _of_training(case, there, chosen) if is_training else _checked(case, there, terms, chosen)
    pure, alone = parts_of_serving(case)
    known = {q.context: scenario.value(q.context), **values}  # one that follows has its name in both
    here, step = _marked(pure if case.plan.load != Load.MEAN else pure.relaxed, known, "'")
    prompts = float(case.layout.dp if case.accounts.meets(case.layout) else 1)  # every rank has a sequence at least
    beside, prefill = _marked(alone.changed({q.batch: prompts}), values, "°")
    definitions = {**scenario.definitions, **here, **beside, **also, e.riding: others_per_step / prompts}
    terms = {name: put_in(expr, step) for name, expr in terms.items()}
    return _checked(case, Scenario(values, definitions), {**terms, "prefills": put_in(along, prefill)}, chosen)


def _of_training(case: Case, scenario: Scenario, chosen: Coefficients) -> Practice | None:
    """A step of training as one part: the times that are the longest at some batch."""
    there = replace(case, scenario=scenario)
    try:
        times = {name: numbers_but_batch(there, time) for name, time in LONGEST.items() if scenario.evaluate(time) > 0}
    except Unbound:
        return None
    kept = _longest_somewhere(times, least_batch(case))
    return Practice(there, {"step": {name: LONGEST[name] for name in kept}}, chosen, TRAINING)


def _longest_somewhere(times: Mapping[str, Expr], least: float) -> list[str]:
    """Of times a B + b + c/B those that no single other one equals or exceeds at every batch B from ``least`` on."""
    powers = {name: [float(sympy.expand(time).coeff(q.batch, power)) for power in (1, 0, -1)]
              for name, time in times.items()}  # fmt: skip
    kept = list(times)
    for name in times:
        others = [powers[other] for other in kept if other != name]
        if any(_exceeds(np.subtract(other, powers[name]), least) for other in others):
            kept.remove(name)
    return kept


def _exceeds(difference: np.ndarray, least: float) -> bool:
    """Whether a B + b + c/B is nowhere negative from ``least`` on: where a B^2 + b B + c is least it is not.

    >>> _exceeds(np.array([1.0, -4.0, 4.0]), 1.0), _exceeds(np.array([1.0, -4.0, 3.0]), 1.0)
    (True, False)
    """
    steepness, constant, _ = difference
    if steepness < 0 or (steepness == 0 and constant < 0):
        return False
    at = max(least, -constant / (2 * steepness)) if steepness > 0 else least
    return bool(np.polyval(difference, at) >= 0)


def _marked(case: Case, values: Mapping[Symbol, float], mark: str) -> tuple[dict[Symbol, Expr], dict[Symbol, Expr]]:
    """Definitions of a pass that differs from the one whose numbers are ``values``, under names with a mark; and what
    stands for each of its quantities there: a number where it has another one."""
    definitions = {**case.scenario.definitions, **demanded(case)}
    own = case.scenario.values
    there: dict[Symbol, Expr] = {s: Symbol(f"{s.name}{mark}", positive=True) for s in definitions if s not in own}
    there |= {s: sympy.Float(value, 17) for s, value in own.items() if values.get(s) != value}
    there |= {s: sympy.Float(values[s]) for s in WAVES if s in values}  # of a machine that does not say what they are
    return {there[s]: put_in(expr, there) for s, expr in definitions.items() if s not in own}, there


def _checked(case: Case, scenario: Scenario, terms: Mapping[str, Expr], chosen: Coefficients) -> Practice | None:
    """Terms that take no time here are left out."""
    try:
        parts = {name: {label: time for label, time in _resources(name, expr).items() if scenario.evaluate(time) > 0}
                 for name, expr in terms.items()}  # fmt: skip
    except Unbound:
        return None
    return Practice(replace(case, scenario=scenario), {name: found for name, found in parts.items() if found}, chosen)


def _resources(name: str, expr: Expr) -> dict[str, Expr]:
    """The times between which a term is the larger, by resource; one of its own name where it has no choice."""
    if not isinstance(expr, sympy.Max):
        return {name: expr}
    return {"memory" if q.memory_bandwidth in one.free_symbols else "compute": one for one in expr.args}
