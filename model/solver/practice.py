"""The estimate as a problem to solve: its terms are the parts of a step, each as long as its slower resource takes.

In the estimate groups of operations run one after another, and within each reading and multiplying overlap: a sum of
maxima, which is what the solver takes. So every term of the estimate, and every resource within it, has a price.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients
from steptime.model.choices import Load, PhaseName, Scope
from steptime.model.errors import Unbound
from steptime.model.estimate import symbols as e
from steptime.model.estimate.terms import DECODE, PREFILL, along
from steptime.model.extremes import put_in
from steptime.model.scenario import Scenario
from steptime.model.solver.parts import Parts
from steptime.model.step.case import Case
from steptime.model.step.estimate import demanded, others_per_step, parts_of_serving, wide_peak_of

RATES = (q.peak_flops, q.memory_bandwidth, q.scale_up_bandwidth, q.scale_out_bandwidth)


@dataclass(frozen=True)
class Practice:
    """A case whose scenario holds what the estimate needs too, and the estimate's parts: each with its terms, named by
    resource where there are two, else by the part."""

    case: Case
    parts: Parts
    chosen: Coefficients

    def prices(self, by_part: Mapping[tuple[str, str], float]) -> dict[str, float]:
        """Prices of the estimate's terms from those of their resources."""
        return {name: sum(by_part.get((name, one), 0.0) for one in terms) for name, terms in self.parts.items()}

    def times(self, batch: float) -> dict[str, float]:
        """Seconds of each part at a batch."""
        there = self.case.scenario | {q.batch: batch}
        return {name: max(there.evaluate(time) for time in terms.values()) for name, terms in self.parts.items()}


def practice_of(case: Case, chosen: Coefficients) -> Practice | None:
    """The estimate of a case with its own load as expressions; None where the ledger lacks a number."""
    terms = PREFILL if case.inputs.phase == PhaseName.PREFILL else DECODE
    scenario = case.scenario
    figures = {rate: case.number(rate) or 1.0 for rate in RATES}
    figures[q.wide_peak] = wide_peak_of(case.hardware, figures[q.peak_flops])
    values = {**scenario.values, **figures, **chosen.of_family(case.hardware.family)}
    if case.inputs.scope != Scope.SERVING:
        definitions = {**scenario.definitions, **demanded(case)}
        return _checked(case, Scenario(values, definitions), terms, chosen)
    pure, alone = parts_of_serving(case)
    here, step = _marked(pure if case.plan.load != Load.MEAN else pure.relaxed, values, "'")
    beside, prefill = _marked(alone, values, "°")
    definitions = {**scenario.definitions, **here, **beside, e.riding: others_per_step}
    terms = {name: put_in(expr, step) for name, expr in terms.items()}
    return _checked(case, Scenario(values, definitions), {**terms, "prefills": put_in(along, prefill)}, chosen)


def _marked(case: Case, values: Mapping[Symbol, float], mark: str) -> tuple[dict[Symbol, Expr], dict[Symbol, Expr]]:
    """Definitions of a pass that differs from the one whose numbers are ``values``, under names with a mark; and what
    stands for each of its quantities there: a number where it has another one."""
    definitions = {**case.scenario.definitions, **demanded(case)}
    own = case.scenario.values
    there: dict[Symbol, Expr] = {s: Symbol(f"{s.name}{mark}", positive=True) for s in definitions if s not in own}
    there |= {s: sympy.Float(value, 17) for s, value in own.items() if values.get(s) != value}
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
