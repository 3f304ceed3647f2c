"""Maximum and minimum of expressions, compared by SymPy only where that is quick: with at most one symbol."""

from functools import cache

import sympy
from sympy import Expr, Max, Min


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
