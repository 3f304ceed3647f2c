"""Roots of an equation in one of its quantities: in closed form, else where its sides change their order."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sympy import Eq, Expr, LambertW, Symbol

from steptime.model.scenario import evaluate
from steptime.model.terms import crossover

GRID = np.geomspace(1e-15, 1e30, 4001)
NOISE = 1e-12
"""By how much, relative to them, the sides of an equation must differ for the sign of the difference to tell."""


def closed_roots(line: Eq, wanted: Symbol) -> tuple[Expr, ...]:
    """Roots in closed form: the equation is linear or quadratic in the unknown, or it stands alone on the left."""
    if line.lhs == wanted and wanted not in line.rhs.free_symbols:
        return (line.rhs,)
    if line.has(LambertW):
        return ()  # SymPy does not see where it is real
    return tuple(found.at.rhs for found in crossover(line.lhs, line.rhs, wanted))


def real_root(root: Expr, given: Mapping[Symbol, float]) -> float | None:
    try:
        value = float(evaluate(root, given))
    except (ZeroDivisionError, OverflowError):
        return None
    return value if np.isfinite(value) else None


@np.errstate(all="ignore")  # far from a root a power may overflow or a denominator vanish
def roots(
    line: Eq, closed: tuple[Expr, ...], wanted: Symbol, given: Mapping[Symbol, float]
) -> tuple[tuple[float, ...], tuple[float, float] | None]:
    if closed:
        found = {value for root in closed if (value := real_root(root, given)) is not None}
        return tuple(sorted(found)), None

    def gap(x: Any) -> Any:
        there = {**given, wanted: x}
        return evaluate(line.lhs, there) - evaluate(line.rhs, there)

    def size(x: Any) -> Any:
        there = {**given, wanted: x}
        return np.maximum(np.abs(evaluate(line.lhs, there)), np.abs(evaluate(line.rhs, there)))

    heights, sizes = (np.broadcast_to(values, GRID.shape) for values in (gap(GRID), size(GRID)))
    told = np.abs(heights) > NOISE * sizes  # where both sides are the same but for rounding, no sign means anything
    changes = np.flatnonzero((np.sign(heights[:-1]) * np.sign(heights[1:]) < 0) & told[:-1] & told[1:])
    if not len(changes):
        return (), (float(GRID[0]), float(GRID[-1]))
    from scipy.optimize import brentq

    brackets = [(float(GRID[i]), float(GRID[i + 1])) for i in changes]
    exact: list[float] = []
    for low, high in brackets:
        try:  # in logarithms, so that a root of any size is as exact
            root = float(np.exp(brentq(lambda u: float(gap(np.exp(u))), np.log(low), np.log(high), xtol=1e-15)))
        except (ValueError, ArithmeticError):
            continue
        if abs(gap(root)) <= 1e-6 * size(root):  # else it is a pole, not a root
            exact.append(root)
    return tuple(exact), brackets[0]
