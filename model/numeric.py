"""Expressions as functions of arrays: compiled once, evaluated in blocks. `scenario` walks what is needed once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Symbol

from steptime.model.lambert import by_heights, lambert, lambert_of_exponential

BLOCK = 16_384
"""Points evaluated in one piece: intermediate arrays of a ledger then stay in cache."""

Function = Callable[..., Any]

ROUNDING = 1e-12
"""A ratio of whole numbers, worked out as a product with a reciprocal, may lie this far beside its whole number."""


LARGEST_HELD = 2**22 - 2**12
"""Numbers in an array just below 32 MiB, the largest that glibc takes from memory that it keeps."""


def hold_memory() -> None:
    """Let memory of arrays that are freed be used again at once. Else glibc gives it back to the system, page by page,
    and each page costs a fault when it is asked for again: a fifth of the time of a search. One large block that is
    freed raises what is kept (mallopt(3), `M_MMAP_THRESHOLD`: dynamic, twice of it for `M_TRIM_THRESHOLD`); it is never
    touched. Under another allocator nothing happens."""
    np.empty(LARGEST_HELD)


def ceiling(value: Any) -> Any:
    """The least whole number that is not below, of a value known to rounding: 1,050 · (1/75) is fourteen.

    >>> import math
    >>> math.ceil(1050 * (1 / 75)), float(ceiling(1050 * (1 / 75)))
    (15, 14.0)
    """
    return np.ceil(value - ROUNDING * np.abs(value))


def floor(value: Any) -> Any:
    """The largest whole number that is not above, of a value known to rounding."""
    return np.floor(value + ROUNDING * np.abs(value))


def gamma(value: Any) -> Any:
    """Euler's Gamma function.

    >>> float(gamma(5.0))
    24.0
    """
    from scipy.special import gamma as found  # few formulas ask for it, and SciPy takes half a second to load

    return found(np.asarray(value, dtype=float))[()]


WITH_ROUNDING = [
    {one.__name__: one for one in (ceiling, floor, gamma, lambert, lambert_of_exponential)}, np,
]  # fmt: skip
"""Where a compiled function finds its functions."""


@lru_cache(maxsize=4096)
def compiled(expr: Expr | tuple[Expr, ...], over: tuple[Symbol, ...]) -> Function:
    """A function of ``over``, one argument a symbol: scalars or arrays of one length in, float arrays out.

    A tuple of expressions gives a tuple of results that share their common parts. Cached by expression.

    >>> from steptime.model.symbols import batch, context
    >>> float(compiled(batch * context, (batch, context))(2.0, 3.0))
    6.0
    """
    together = isinstance(expr, tuple)
    named = [by_heights(one) for one in expr] if isinstance(expr, tuple) else by_heights(expr)
    function: Function = sympy.lambdify(over, named, modules=WITH_ROUNDING, cse=together)
    return function


@dataclass(frozen=True)
class Spread:
    """Two lengths of arrays: a short one with a row for each layout, and a long one with a row for each way to run it;
    ``index`` says to which short row each long row belongs."""

    short: int
    index: np.ndarray

    def long(self, value: Any) -> Any:
        """A value with a row for each long row; scalars and single rows stay as they are."""
        rows = np.shape(value)[:1]
        return np.take(value, self.index, axis=0) if rows == (self.short,) and self.short != 1 else value

    def level(self, parts: Sequence[Any]) -> Sequence[Any]:
        """Parts of an expression on one level: short, unless one of them is long."""
        if any(np.shape(part)[:1] == (len(self.index),) for part in parts):
            return [self.long(part) for part in parts]
        return parts


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
