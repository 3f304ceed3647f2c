"""The closed list of rules by which one line of a derivation follows from the line before.

A rule is data: its arguments are expressions, so that a test can change each of them and see the change caught. Applied
to a line it computes the next; `Step.gives` states that line independently, and the two must agree.
"""

from collections.abc import Iterable
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Relational

from steptime.derivations.inequalities.conditions import RuleError
from steptime.derivations.rules.algebra import BothSides, Identity, SolveFor, Substitute, side
from steptime.derivations.rules.approached import Drop, Limit, Series
from steptime.derivations.rules.optima import Extreme, Minimise, Optimum
from steptime.derivations.rules.rule import Rule, equation
from steptime.derivations.rules.sums import Branch, Total
from steptime.derivations.rules.turning import Lambert, Turning

__all__ = [
    "BothSides", "Branch", "Drop", "Extreme", "Identity", "Lambert", "Limit", "Minimise", "Optimum", "Rule",
    "RuleError", "Series", "SolveFor", "Substitute", "Total", "Turning", "both_sides", "branch", "drop", "equation",
    "extreme", "identity", "lambert", "limit", "minimise", "optimum", "series", "side", "solve_for", "substitute",
    "total", "turning",
]  # fmt: skip


def both_sides(operation: Expr) -> BothSides:
    return BothSides(sympy.sympify(operation, strict=True))


def identity() -> Identity:
    return Identity()


def substitute(*facts: Any) -> Substitute:
    return Substitute(tuple(facts))


def solve_for(unknown: Symbol) -> SolveFor:
    return SolveFor(unknown)


def limit(variable: Symbol, to: Expr) -> Limit:
    return Limit(variable, sympy.sympify(to, strict=True))


def minimise(over: Symbol) -> Minimise:
    return Minimise(over)


def extreme(bound: Relational, least: bool = True) -> Extreme:
    return Extreme(bound, least)


def optimum(
    within: Relational | tuple[Relational, ...],
    at: Iterable[Eq],
    value: Expr,
    weights: Iterable[Expr],
    price: Expr | tuple[Expr, ...],
) -> Optimum:
    limits = within if isinstance(within, tuple) else (within,)
    prices = price if isinstance(price, tuple) else (price,)
    return Optimum(limits, tuple(at), value, tuple(weights), prices)


def total(of: sympy.Sum, closed: Expr) -> Total:
    return Total(of, closed)


def branch(of: Expr, takes: Expr) -> Branch:
    return Branch(of, takes)


def turning(over: Symbol, one: Expr, other: Expr, times: Expr, least: bool = True) -> Turning:
    one, other, times = (sympy.sympify(part, strict=True) for part in (one, other, times))
    return Turning(over, one, other, times, least)


def lambert(inner: Expr, branch: int = 0) -> Lambert:
    return Lambert(inner, branch)


def drop(*terms: Expr, error: Expr | float) -> Drop:
    return Drop(tuple(terms), exact(error))


def series(variable: Symbol, order: int, error: Expr | float) -> Series:
    return Series(variable, order, exact(error))


def exact(number: Expr | float) -> Expr:
    """A number as a fraction, as it is written."""
    return sympy.Rational(str(number)) if isinstance(number, float) else sympy.sympify(number, strict=True)
