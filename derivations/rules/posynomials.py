"""Sums of powers with positive coefficients, which are convex in logarithms: what is one, and where slopes balance."""

from collections.abc import Iterable, Mapping
from typing import Any

import sympy
from sympy import Expr

from steptime.derivations.checks.same import same
from steptime.derivations.inequalities.certificate import sign
from steptime.derivations.inequalities.conditions import RuleError


def balanced(parts: Iterable[tuple[Expr, Expr]], over: Expr, point: Mapping[Any, Expr]) -> bool:
    """Whether what rises and what falls with a quantity are equal at a point, of sums with a multiplier each.

    Compared with each other they have a size by which to tell a rounding of roots; with nought they have none.
    """
    changes = [(times, over * sympy.diff(part, over)) for times, part in parts]
    if same(sympy.Add(*(times * change for times, change in changes)).xreplace(point), sympy.S.Zero):
        return True
    rises: list[Expr] = []
    falls: list[Expr] = []
    for times, change in changes:
        for term in sympy.Add.make_args(sympy.expand(change)):
            (falls if term.could_extract_minus_sign() else rises).append(times * term)
    return same(sympy.Add(*rises).xreplace(point), -sympy.Add(*falls).xreplace(point))


def must_be_posynomial(expr: Expr, over: list[Expr]) -> None:
    """Refuse what is no sum of powers with positive coefficients: it need not be convex in logarithms."""
    for term in sympy.Add.make_args(sympy.expand(expr)):
        rest = term
        for symbol in over:
            coefficient, power = rest.as_coeff_exponent(symbol)
            if coefficient.has(symbol) or power.free_symbols & set(over):
                raise RuleError(f"{term} is no product of powers")
            rest = coefficient
        if sign(rest) not in ("+", "0+"):
            raise RuleError(f"{rest} in {term} is not shown to be positive")
