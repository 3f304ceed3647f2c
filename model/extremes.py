"""Maximum and minimum of expressions, compared by SymPy only where that is quick: with at most one symbol."""

from collections.abc import Mapping
from functools import cache

import sympy
from sympy import Expr, Max, Min, Symbol


@cache
def at_least(least: Expr | int, value: Expr) -> Expr:
    """max(least, value).

    >>> at_least(1, sympy.Integer(3))
    3
    """
    return Max(least, value, evaluate=len(sympy.Add(least, value).free_symbols) <= 1)


@cache
def at_most(most: Expr | int, value: Expr) -> Expr:
    """min(most, value).

    >>> at_most(1, sympy.Integer(3))
    1
    """
    return Min(most, value, evaluate=len(sympy.Add(most, value).free_symbols) <= 1)


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
