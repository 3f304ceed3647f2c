"""Whether two expressions are shown to be equal; undecided counts as no."""

from typing import Any

import mpmath
import sympy
from sympy import Eq, Expr, Rational, Symbol

from steptime.derivations.checks.draws import DIGITS, number

REFUTED = sympy.Float("1e-25")
"""By how much, relative to it, two numbers of fifty digits must differ to be no rounding."""
SHORT = 200
"""Operations of the longest difference that is factored and simplified: with long ones that takes hours."""


def same_equation(one: Eq, other: Eq) -> bool:
    """Whether two lines agree side by side; undecided counts as no."""
    return same(one.lhs, other.lhs) and same(one.rhs, other.rhs)


def same(one: Expr, other: Expr) -> bool:
    """Whether two expressions are shown to be equal: as written, expanded, or simplified.

    >>> x = sympy.Symbol("x", positive=True)
    >>> same((x + 1)**2, x**2 + 2*x + 1), same(x, 2*x)
    (True, False)
    """
    difference = one - other
    if difference == 0 or sympy.expand(difference) == 0:
        return True
    if refuted(one, other) or difference.count_ops() > SHORT:
        return False
    if difference.has(sympy.Max, sympy.Min):
        one, other = factors_in(one), factors_in(other)
        difference = one - other
        if difference == 0:
            return True
    numerator, _ = sympy.fraction(sympy.together(difference))
    if sympy.expand(numerator) == 0 or vanishes_by_root(numerator):
        return True
    return bool(sympy.simplify(sympy.powsimp(sympy.expand_power_base(difference), force=True)) == 0)


def vanishes_by_root(expr: Expr) -> bool:
    """Whether an expression with one square root of a sum is nought once the root's square is what it is the root of.

    >>> x, y = sympy.symbols("x y", positive=True)
    >>> root = sympy.sqrt(x**2 + y)
    >>> vanishes_by_root((root - x) * (root + x) * root - y * root)
    True
    """
    halves = [part for part in expr.atoms(sympy.Pow) if part.exp.is_Rational and part.exp.q == 2]
    of_sums = [part for part in halves if isinstance(part.base, sympy.Add)]
    bases = {sympy.expand(part.base) for part in of_sums}
    if len(bases) != 1:
        return False
    (base,), mark = bases, sympy.Dummy("root", positive=True)
    powers = {part: mark ** int(2 * part.exp) for part in of_sums}
    numerator, _ = sympy.fraction(sympy.together(expr.xreplace(powers)))
    numerator = sympy.expand(numerator)
    if not numerator.is_polynomial(mark):
        return False
    return bool(sympy.expand(sympy.rem(numerator, mark**2 - base, mark)) == 0)


def factors_in(expr: Expr) -> Expr:
    """Each maximum and minimum with the positive factors before it put into its arguments, each one fraction."""
    parts = [factors_in(part) for part in expr.args]
    expr = expr.func(*parts) if parts else expr
    extremes = [part for part in sympy.Mul.make_args(expr) if isinstance(part, sympy.Max | sympy.Min)]
    if isinstance(expr, sympy.Max | sympy.Min):
        return expr.func(*[sympy.factor(sympy.together(part)) for part in expr.args])
    if len(extremes) != 1 or not isinstance(expr, sympy.Mul):
        return expr
    rest = expr / extremes[0]
    if not rest.is_positive:
        return expr
    return extremes[0].func(*[sympy.factor(sympy.together(rest * part)) for part in extremes[0].args])


def refuted(one: Expr, other: Expr) -> bool:
    """Whether two expressions differ at some numbers, which spares the long search for a proof that they are equal.

    Several points, so that each branch of a maximum is the larger one somewhere. Where either expression is not real,
    a point says nothing.
    """
    symbols = sorted(one.free_symbols | other.free_symbols, key=lambda symbol: symbol.name)
    counted = any(part.has(sympy.Sum) for part in (one, other))
    for point in range(5):
        numbers = {symbol: _picked(place, point, counted) for place, symbol in enumerate(symbols)}
        left, right = (_at(part, numbers, counted) for part in (one, other))
        if left is not None and right is not None and abs(left - right) > REFUTED * max(abs(left), abs(right)):
            return True
    return False


def _picked(place: int, point: int, counted: bool) -> Rational:
    """A number for the symbol at some place; whole, and not too large, where symbols count the summands of a sum."""
    over, under = 7 + 2 * point, 5 + 4 * point
    return Rational(
        1 + (over * place + point) % (9 if counted else 31), 1 if counted else 1 + (under * place + point) % 17
    )


def _at(expr: Expr, numbers: dict[Symbol, Rational], counted: bool) -> Any:
    """The number of an expression, to many digits; None where it is not real. Sums are added up by our own hand."""
    if not counted:
        found = sympy.N(expr.xreplace({symbol: sympy.Float(value, 50) for symbol, value in numbers.items()}), 50)
        return found if found.is_Float or found.is_Rational else None
    with mpmath.workdps(DIGITS):
        try:
            found = number(expr, {symbol: mpmath.mpf(int(value)) for symbol, value in numbers.items()})
        except (ValueError, ZeroDivisionError):
            return None
        return found if isinstance(found, mpmath.mpf) and mpmath.isfinite(found) else None
