"""Whether two expressions are shown to be equal; undecided counts as no."""

import sympy
from sympy import Eq, Expr


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
    if difference.has(sympy.Max, sympy.Min):
        one, other = factors_in(one), factors_in(other)
        difference = one - other
        if difference == 0:
            return True
    if refuted(one, other):
        return False
    numerator, _ = sympy.fraction(sympy.together(difference))
    if sympy.expand(numerator) == 0:
        return True
    return bool(sympy.simplify(sympy.powsimp(sympy.expand_power_base(difference), force=True)) == 0)


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
    for point in range(5):
        over, under = 7 + 2 * point, 5 + 4 * point
        numbers = {
            symbol: sympy.Float(sympy.Rational(1 + (over * place + point) % 31, 1 + (under * place + point) % 17), 50)
            for place, symbol in enumerate(symbols)
        }
        left, right = (sympy.N(expr.xreplace(numbers), 50) for expr in (one, other))
        if not all(part.is_Float or part.is_Rational for part in (left, right)):
            continue
        if abs(left - right) > sympy.Float("1e-25") * max(abs(left), abs(right)):
            return True
    return False
