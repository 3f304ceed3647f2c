"""Lambert's function, w exp(w) = x solved for w: as numbers, and of -exp(-K) by K, which no float is too small for."""

from typing import Any, TypeVar

import numpy as np
import sympy
from sympy import Basic, Expr

Form = TypeVar("Form", bound=Basic)
NEWTON_STEPS = 8


def lambert(value: Any, branch: Any = 0) -> Any:
    """Lambert's function: the w of which w·exp(w) is the value, of two the larger one (branch 0) or the other (-1); NaN
    where it is not real.

    >>> round(float(lambert(1.0)), 6), round(float(lambert(-0.2)), 6), round(float(lambert(-0.2, -1)), 6)
    (0.567143, -0.259171, -2.542641)
    """
    from scipy.special import lambertw  # few formulas ask for it, and SciPy takes half a second to load

    with np.errstate(all="ignore"):
        below = lambert_of_exponential(-np.log(-np.asarray(value, dtype=float)), branch)
        below = np.where(np.equal(branch, 0), value * np.exp(-below), below)
    above = np.where(np.equal(branch, 0), lambertw(value).real, np.nan)
    return np.where(np.less(value, 0), below, above)[()]


def lambert_of_exponential(height: Any, branch: Any = 0) -> Any:
    """Lambert's function of -exp(-height), NaN where the height is below one.

    SciPy's lower branch is -1 on the last billionth before -1/e, and minus infinity from a height of 745 on, where the
    exponential is no float any more. With w = d - 1 the equation is d + ln(1 - d) = 1 - height, concave in d on either
    side of nought, so that Newton's steps from beyond the root, or from the bound of Chatzigeorgiou 2013 (arXiv
    1601.04895), go one way: at most seven of them are needed.

    >>> float(lambert_of_exponential(1.0)), round(float(lambert_of_exponential(7000.0, -1)), 2)
    (-1.0, -7008.85)
    """
    over, upper = np.asarray(height, dtype=float) - 1, np.equal(branch, 0)
    with np.errstate(all="ignore"):
        near = np.sqrt(2 * over)
        d = np.where(upper, np.minimum(near, -np.expm1(-height)), -near - over)
        for _ in range(NEWTON_STEPS):
            step = (d + over + np.log1p(-d)) * (1 - d) / d
            d = np.where(np.isfinite(step), d + step, d)
    return np.where(upper, -np.exp(-over - d), d - 1)[()]


def height_of(inner: Expr) -> Expr | None:
    """K of -exp(-K), None where an expression is none.

    >>> from steptime.model.symbols import batch
    >>> height_of(-sympy.exp(-1 - batch)), height_of(-batch)
    (batch + 1, None)
    """
    return -(-inner).args[0] if isinstance(-inner, sympy.exp) else None


def by_heights(expr: Form) -> Form:
    """An expression whose Lambert's functions have the names of the two functions above, their branches always said.

    >>> from steptime.model.symbols import batch
    >>> by_heights(sympy.LambertW(batch)), by_heights(sympy.LambertW(-sympy.exp(-batch), -1))
    (lambert(batch, 0), lambert_of_exponential(batch, -1))
    """
    put: dict[Expr, Expr] = {}
    for part in expr.atoms(sympy.LambertW):
        height, branch = height_of(part.args[0]), part.args[1] if len(part.args) > 1 else sympy.S.Zero
        inner = by_heights(part.args[0] if height is None else height)
        put[part] = sympy.Function((lambert if height is None else lambert_of_exponential).__name__)(inner, branch)
    named: Form = expr.xreplace(put)
    return named
