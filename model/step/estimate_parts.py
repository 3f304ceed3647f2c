"""What each term of an estimate is made of: its time, its time were all ideal, and what makes it longer."""

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import COEFFICIENTS, TRAINING_COEFFICIENTS, Coefficients
from steptime.model.choices import PhaseName, Scope
from steptime.model.errors import Unbound
from steptime.model.estimate import symbols as e
from steptime.model.estimate.terms import DECODE, PREFILL, along
from steptime.model.estimate.training import TRAINING
from steptime.model.estimate.waves import WAVES
from steptime.model.quantity import lookup, second
from steptime.model.scenario import Scenario
from steptime.model.step.case import Case
from steptime.model.step.coefficients import coefficient_values
from steptime.model.step.demands import others_per_step
from steptime.model.step.estimate import asked_of_chip, coefficients_of, parts_of_serving, prompts_of_pass
from steptime.model.step.training import asked_in_training

HIDDEN = (e.tensor_exposed, e.exchange_exposed)
"""Shares of which nothing is left where everything is hidden."""
COUNTS = (e.kernels, e.reduces, e.exchanges, e.sequences, e.launches, e.riding, q.head_padding, *WAVES)
"""Of what a chip is asked for that is neither bytes nor FLOP."""
TOLD = frozenset({*COEFFICIENTS, *TRAINING_COEFFICIENTS, *COUNTS})
"""Numbers that say why a term takes longer than it ideally would."""
NUDGE = 1.001
"""A number that makes a term longer moves it where it is this much larger."""


@dataclass(frozen=True)
class PartOfEstimate:
    """A term: seconds; seconds were every share one, all hidden that can be, no time lost on a start, every wave full;
    and the coefficients and counts that make it longer than that, by name, as they stand."""

    seconds: float
    ideal: float
    longer_by: Mapping[str, float]


def parts_of_estimate(case: Case) -> dict[str, PartOfEstimate]:
    """The terms of a step's estimate by name; none where it has no estimate."""
    chosen = coefficients_of(case)
    if chosen is None:
        return {}
    try:
        return _parts(case, chosen)
    except Unbound:
        return {}


def _parts(case: Case, chosen: Coefficients) -> dict[str, PartOfEstimate]:
    values = coefficient_values(case.inputs, case.hardware, chosen, case.scenario.values)
    if case.inputs.phase == PhaseName.TRAIN:
        return _made(TRAINING, values, asked_in_training(case))
    if case.inputs.phase == PhaseName.PREFILL:
        return _made(PREFILL, values, asked_of_chip(case))
    if case.inputs.scope != Scope.SERVING:
        return _made(DECODE, values, asked_of_chip(case))
    pure, alone = parts_of_serving(case)
    riding = {e.riding: float(case.scenario.evaluate(others_per_step) / prompts_of_pass(case))}
    return {**_made(DECODE, values, asked_of_chip(pure)),
            **_made({"prefills": along}, values, {**asked_of_chip(alone), **riding})}  # fmt: skip


def _made(
    terms: Mapping[str, Expr], values: Mapping[Symbol, float], asked: Mapping[Symbol, float]
) -> dict[str, PartOfEstimate]:
    there = Scenario({**values, **asked})
    best = there | {symbol: _ideal(symbol) for symbol in (*values, *WAVES) if symbol in there.values}
    found = {}
    for name, expr in terms.items():
        seconds = float(there.evaluate(expr))
        longer = {symbol.name: float(there.values[symbol]) for symbol in sorted(expr.free_symbols & TOLD, key=str)
                  if _lengthens(expr, symbol, there, seconds)}  # fmt: skip
        found[name] = PartOfEstimate(seconds, float(best.evaluate(expr)), longer)
    return found


def _ideal(symbol: Symbol) -> float:
    """A coefficient, or a wave, were everything ideal."""
    return 0.0 if lookup(symbol.name).unit == second or symbol in HIDDEN else 1.0


def _lengthens(expr: Expr, symbol: Symbol, there: Scenario, seconds: float) -> bool:
    """Whether a term grows with a count or a time, or as a share falls: not on the side of a larger of two that is the
    smaller here, and not where passes that take longer hide more."""
    moved = float((there | {symbol: there.values[symbol] * NUDGE}).evaluate(expr)) - seconds
    is_share = symbol not in COUNTS and symbol not in HIDDEN and lookup(symbol.name).unit != second
    return moved < 0 if is_share else moved > 0
