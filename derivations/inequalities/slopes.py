"""Whether an expression rises or falls with a quantity all along."""

import sympy
from sympy import Expr, Symbol

from steptime.derivations.inequalities.certificate import sign

RISES, FALLS = ("+", "0+", "0"), ("-", "0-", "0")


def slope(expr: Expr, over: Symbol) -> str | None:
    """The sign of the slope, as `sign` says it; None where it is not shown. A maximum or a minimum, also times what is
    positive and keeps still, goes with its arguments where all go the same way.

    >>> from steptime.model.symbols import batch, chips, context
    >>> slope(sympy.Max(batch, 2 * context) / chips, context), slope(sympy.Max(batch - context, context), context)
    ('0+', None)
    """
    factors = sympy.Mul.make_args(expr)
    extremes = [part for part in factors if isinstance(part, sympy.Max | sympy.Min)]
    if len(extremes) != 1:
        return sign(sympy.factor(sympy.diff(expr, over)))
    rest = sympy.Mul(*[part for part in factors if part is not extremes[0]])
    if over in rest.free_symbols or sign(rest) != "+":
        return None
    found = {slope(part, over) for part in extremes[0].args}
    if found <= set(RISES):
        return "0+"
    return "0-" if found <= set(FALLS) else None
