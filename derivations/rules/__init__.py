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
from steptime.derivations.rules.exponentials import Turn, Unwind
from steptime.derivations.rules.optima import Extreme, Minimise, Optimum
from steptime.derivations.rules.rule import Rule, equation
from steptime.derivations.rules.sums import Branch, Total

__all__ = [
    "BothSides", "Branch", "Drop", "Extreme", "Identity", "Limit", "Minimise", "Optimum", "Rule", "RuleError", "Series",
    "SolveFor", "Substitute", "Total", "Turn", "Unwind", "both_sides", "branch", "drop", "equation", "extreme",
    "identity", "limit", "minimise", "optimum", "series", "side", "solve_for", "substitute", "total", "turn", "unwind",
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


def turn(over: Symbol, factor: Expr, least: bool = False) -> Turn:
    return Turn(over, sympy.sympify(factor, strict=True), least)


def unwind(unknown: Symbol) -> Unwind:
    return Unwind(unknown)


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


def drop(*terms: Expr, error: Expr | float) -> Drop:
    return Drop(tuple(terms), exact(error))


def series(variable: Symbol, order: int, error: Expr | float) -> Series:
    return Series(variable, order, exact(error))


def exact(number: Expr | float) -> Expr:
    """A number as a fraction, as it is written."""
    return sympy.Rational(str(number)) if isinstance(number, float) else sympy.sympify(number, strict=True)
