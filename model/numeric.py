"""The one door to numbers: an expression becomes a vectorised function of arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import mul
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol

BLOCK = 16_384
"""Points evaluated in one piece: intermediate arrays of a ledger then stay in cache."""

REMEMBERED = 4 * BLOCK
"""Longest array of a part of an expression that is kept for its next occurrence."""

Function = Callable[..., Any]


@lru_cache(maxsize=4096)
def compiled(expr: Expr | tuple[Expr, ...], over: tuple[Symbol, ...]) -> Function:
    """A function of ``over``, one argument a symbol: scalars or arrays of one length in, float arrays out.

    A tuple of expressions gives a tuple of results that share their common parts. Cached by expression.

    >>> from steptime.model.symbols import batch, context
    >>> float(compiled(batch * context, (batch, context))(2.0, 3.0))
    6.0
    """
    together = isinstance(expr, tuple)
    function: Function = sympy.lambdify(over, list(expr) if together else expr, modules="numpy", cse=together)
    return function


def _power(base: Any, exponent: Any) -> Any:
    """A power; the root of a negative number is NaN, one over zero infinite, and what no float holds, as in arrays."""
    try:
        value = base**exponent
    except (ZeroDivisionError, OverflowError):
        return np.inf
    return np.nan if isinstance(value, complex) else value


_rules: dict[Any, Function] = {
    sympy.Add: lambda *terms: sum(terms[1:], terms[0]),
    sympy.Mul: lambda *factors: reduce(mul, factors),
    sympy.Pow: lambda base, exponent: _power(base, exponent),
    sympy.Max: lambda *values: reduce(np.maximum, values),
    sympy.Min: lambda *values: reduce(np.minimum, values),
    sympy.floor: np.floor,
    sympy.ceiling: np.ceil,
}


@dataclass(frozen=True)
class Spread:
    """Two lengths of arrays: a short one with a row for each layout, and a long one with a row for each way to run it;
    ``index`` says to which short row each long row belongs."""

    short: int
    index: np.ndarray

    def long(self, value: Any) -> Any:
        """A value with a row for each long row; scalars and single rows stay as they are."""
        rows = np.shape(value)[:1]
        return value[self.index] if rows == (self.short,) and self.short != 1 else value

    def level(self, parts: Sequence[Any]) -> Sequence[Any]:
        """Parts of an expression on one level: short, unless one of them is long."""
        if any(np.shape(part)[:1] == (len(self.index),) for part in parts):
            return [self.long(part) for part in parts]
        return parts


def evaluate(
    expr: Expr, values: Mapping[Symbol, Any], memo: dict[Expr, Any] | None = None, spread: Spread | None = None
) -> Any:
    """The number for an expression that is needed once, by walking it: compiling would take a hundred times as long.

    Values may be arrays of one length. A root of a negative number is NaN. Agrees with ``compiled`` to rounding.
    ``memo`` holds the arrays of parts, not too long ones, that occur again in this or in a later expression. With
    ``spread``, arrays have one of its two lengths, and what only short ones enter is worked out once a short row.

    >>> from steptime.model.symbols import batch, context
    >>> evaluate(batch * context + 1, {batch: 2.0, context: 3.0})
    7.0
    """
    if isinstance(expr, Symbol):
        return values[expr]
    if expr.is_number:
        return float(expr)
    if memo is not None and expr in memo:
        return memo[expr]
    rule = _rules.get(expr.func)
    if rule is None:
        over = tuple(expr.free_symbols)
        numbers: Sequence[Any] = [values[symbol] for symbol in over]
        found = compiled(expr, over)(*(spread.level(numbers) if spread else numbers))
    else:
        parts: Sequence[Any] = [evaluate(part, values, memo, spread) for part in expr.args]
        found = rule(*(spread.level(parts) if spread else parts))
    if memo is not None and 1 < np.size(found) <= REMEMBERED:
        memo[expr] = found
    return found


def in_blocks(function: Function, arguments: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """The results of a compiled tuple over long arrays of one length, computed block by block in bounded memory."""
    length = len(arguments[0])
    results: tuple[np.ndarray, ...] = ()
    for start in range(0, length, BLOCK):
        part = function(*(argument[start : start + BLOCK] for argument in arguments))
        if not results:
            results = tuple(np.empty(length) for _ in part)
        for whole, piece in zip(results, part, strict=True):
            whole[start : start + BLOCK] = piece
    return results
