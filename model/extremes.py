"""Maximum and minimum of expressions, compared by SymPy only where that is quick: with at most one symbol, of which no
two values decide it differently."""

from collections.abc import Mapping
from functools import cache

import sympy
from sympy import Expr, Max, Min, Symbol

SAMPLES = (sympy.Float(1), sympy.Float(1e9))
"""Values of a positive quantity at which two expressions are compared first."""


@cache
def at_least(least: Expr | int, value: Expr) -> Expr:
    """max(least, value).

    >>> at_least(1, sympy.Integer(3))
    3
    """
    return Max(least, value, evaluate=_is_worth_comparing(least, value))


@cache
def at_most(most: Expr | int, value: Expr) -> Expr:
    """min(most, value).

    >>> at_most(1, sympy.Integer(3))
    1
    """
    return Min(most, value, evaluate=_is_worth_comparing(most, value))


def _is_worth_comparing(one: Expr | int, other: Expr) -> bool:
    """Whether SymPy may find quickly which of two expressions is the larger: not where there is no such one, since at
    one value of their symbol it is the first, and at another the second. It would look for milliseconds.

    >>> x = sympy.Symbol("x", positive=True)
    >>> _is_worth_comparing(2, x + 3), _is_worth_comparing(2, x)
    (True, False)
    """
    symbols = sympy.Add(one, other).free_symbols
    if len(symbols) != 1 or isinstance(other, Max | Min) or isinstance(one, Max | Min):
        return len(symbols) <= 1
    (symbol,) = symbols
    signs = {sympy.sign((other - one).xreplace({symbol: value})) for value in SAMPLES}
    return signs != {sympy.S.One, sympy.S.NegativeOne}


def put_in(expr: Expr, values: Mapping[Symbol, Expr]) -> Expr:
    """The expression with values for symbols, what it compares left as it stands.

    >>> x, y = sympy.symbols("x y", positive=True)
    >>> put_in(at_least(x, 2 * y), {x: y})
    Max(y, 2*y)
    """
    if isinstance(expr, Symbol):
        return values.get(expr, expr)
    parts = [put_in(part, values) for part in expr.args]
    if all(part is before for part, before in zip(parts, expr.args, strict=True)):
        return expr
    return expr.func(*parts, evaluate=False) if isinstance(expr, Max | Min) else expr.func(*parts)
