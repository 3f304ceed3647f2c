"""What a page and exported code work out, by name: every output of a step as an expression, its estimate beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import Overlap, Scope, TermName
from steptime.model.layout.choices import Plan
from steptime.model.page.passes import in_flight
from steptime.model.phases.memory import filled, usable
from steptime.model.solver.sweep.outputs import Way, output_of
from steptime.model.step.bounds import step_bound
from steptime.model.step.coefficients import coefficient_formulas, coefficients_for
from steptime.model.step.demands import demands_of, figures_of, terms_of_phase
from steptime.model.step.prepared import Prepared
from steptime.model.terms import zero

LISTED_PEAK = Symbol("listed_wide_peak", positive=True)
"""A machine's 16-bit peak as listed, where products are narrower: attention has it, or theirs where that is less."""
UNLIMITED = 1e300
"""A listed peak where there is none."""
SHOWN = ("step_time", "mean_step_time", "tokens_per_second", "tokens_per_second_per_sequence",
         "dollars_per_million_tokens", "joules_per_token", "mfu", "mbu", "memory_per_chip")  # fmt: skip
FOLLOWING = ("tokens_per_second", "dollars_per_million_tokens", "joules_per_token")
"""What follows from the mean step."""


@dataclass(frozen=True)
class Practice:
    """The estimate of a way: its terms in quantities, definitions of these, and numbers that belong to it alone; the
    mean step takes ``own`` seconds longer."""

    terms: Mapping[str, Expr]
    definitions: Mapping[Symbol, Expr]
    values: Mapping[Symbol, float]
    own: Expr = zero

    def outputs(self, bound: Mapping[str, Expr]) -> dict[str, Expr]:
        """Its terms, the estimate, and what follows from it."""
        found = {f"estimate_{name.replace(' ', '_').replace('-', '_')}": expr for name, expr in self.terms.items()}
        found["estimate"] = sympy.Max(sympy.Add(*self.terms.values()), q.step_time, evaluate=False)
        longer = (found["estimate"] + self.own) / q.mean_step_time
        for name in FOLLOWING:
            power = -1 if name == "tokens_per_second" else 1
            found[f"estimate_{name}"] = bound[name] * longer**power
        speed = q.tokens_per_second_per_sequence * q.step_time / found["estimate"]
        return {**found, "estimate_tokens_per_second_per_sequence": speed}


def bound_outputs(way: Way) -> dict[str, Expr]:
    """The terms, the bounds by overlap, and what follows; memory of the fullest chip and what may be taken of it."""
    found: dict[str, Expr] = {str(name): expr for name, expr in way.phase.resources.items()}
    found |= {name: way.expression(output_of(name)) for name in SHOWN}
    for overlap in Overlap:
        name = f"bound_{overlap.replace('-', '_')}"
        found[name] = step_bound(way.phase, way.operations, overlap, way.stages)
    return {**found, "filled": filled, "usable": usable, "micro_batch": q.micro_batch}


def terms_alone(way: Way) -> dict[str, Expr]:
    """The terms alone: what curves and their crossings are of; and how many sequences wait for one another's prefills,
    below one of which a batch has no meaning."""
    found: dict[str, Expr] = {str(name): expr for name, expr in way.phase.resources.items() if name in TERMS}
    return {**found, "in_flight": q.in_flight} if q.in_flight in way.definitions else found


TERMS = (TermName.COMPUTE, TermName.MEMORY, TermName.INTERCONNECT)


def practice_of(asked: Prepared, way: Way, plan: Plan) -> Practice | None:
    """The estimate of a step in one way; None where there is none."""
    if (known := known_in_practice(asked)) is None:
        return None
    values, definitions = known
    if asked.inputs.scope == Scope.SERVING:
        found = in_flight(asked, way, plan, values)
        return Practice(found.terms, {**found.definitions, **definitions}, values, found.own)
    asks = demands_of(asked.accounts, way.phase, plan, way.operations)
    kept = {symbol: expr for symbol, expr in asks.items() if symbol not in values}
    return Practice(terms_of_phase(asked.inputs.phase), {**kept, **definitions}, values)


def known_in_practice(asked: Prepared) -> tuple[dict[Symbol, float], dict[Symbol, Expr]] | None:
    """What an estimate has beside the demands on a chip, whatever the layout: numbers, coefficients among them, and
    definitions; None where there is no estimate."""
    chosen = coefficients_for(asked.inputs)
    if chosen is None or asked.accounts.transformer is None:
        return None
    inputs, hardware = asked.inputs, asked.hardware
    figures = figures_of(inputs, hardware, asked.precision["activations"], float("inf"))
    listed = figures.pop(q.wide_peak)
    coefficients, clocked = coefficient_formulas(inputs, hardware, chosen)
    values: dict[Symbol, float] = {**coefficients, **figures}
    values[LISTED_PEAK] = listed if isfinite(listed) else UNLIMITED
    return values, {q.wide_peak: sympy.Min(LISTED_PEAK, q.peak_flops, evaluate=False), **clocked}


def with_practice(way: Way, practice: Practice | None) -> tuple[Way, dict[str, Expr]]:
    """The way with all that its outputs need, and these: of the bound, and of the estimate where there is one."""
    found = bound_outputs(way)
    if practice is None:
        return way, found
    values = {**way.values, **practice.values}
    definitions = {**way.definitions, **practice.definitions}
    return replace(way, values=values, definitions=definitions), {**found, **practice.outputs(found)}
