"""Whether an expression only rises, or only falls, as one quantity grows: proved on its tree, or not claimed.

All quantities are positive. A sum moves as its parts do where they agree, a product of parts that are not negative
likewise; a negative factor turns it round.
"""

from collections.abc import Callable, Mapping

import sympy
from sympy import Expr, Symbol

Directions = Mapping[Symbol, int | None]
Sign = Callable[[Expr], int | None]


def sign_by_assumption(expr: Expr) -> int | None:
    """1 or -1 where it follows from the signs of the symbols, else None.

    A number below one to a positive power lies between zero and one, which settles how many experts are touched.

    >>> from steptime.model.symbols import batch
    >>> sign_by_assumption(3 - 2 * sympy.Rational(1, 2) ** batch), sign_by_assumption(1 - 1 / batch)
    (1, None)
    """
    if expr.is_nonnegative:
        return 1
    if expr.is_nonpositive:
        return -1
    if isinstance(expr, sympy.Mul):
        signs = [sign_by_assumption(factor) for factor in expr.args]
        return None if None in signs else int(sympy.prod(signs))
    if isinstance(expr, sympy.Add):
        signs = [sign_by_assumption(part) for part in expr.args]
        if None not in signs and len(set(signs)) == 1:
            return signs[0]
        least = sympy.Add(*[_least(part) for part in expr.args])
        return 1 if least.is_nonnegative else None
    return None


def _least(term: Expr) -> Expr:
    """A bound of a term from below: a share that is taken away is at most one, one that is added at least zero."""
    constant, rest = term.as_coeff_Mul()
    powers = [factor for factor in sympy.Mul.make_args(rest) if _is_share(factor)]
    if not powers:
        return term
    return term.xreplace(dict.fromkeys(powers, sympy.S.One if constant < 0 else sympy.S.Zero))


def _is_share(factor: Expr) -> bool:
    base, exponent = factor.as_base_exp()
    return bool(base.is_number and ((0 < base < 1 and exponent.is_positive) or (base > 1 and exponent.is_negative)))


def direction(expr: Expr, moving: Directions, sign: Sign = sign_by_assumption) -> int | None:
    """1 where the expression never falls, -1 where it never rises, 0 where it does not depend; None where no proof is
    found.

    ``moving``: the symbols that move, and in which direction each does. ``sign`` of a part that does not move.

    >>> from steptime.model.symbols import batch, context
    >>> grows = {batch: 1}
    >>> direction(3 + sympy.Min(batch, 8) * batch, grows), direction(1 / batch + 1 / batch**2, grows)
    (1, -1)
    >>> direction(1 - 1 / batch, grows), direction(batch + 1 / batch, grows), direction(context, grows)
    (1, None, 0)
    """
    if isinstance(expr, Symbol):
        return moving.get(expr, 0)
    if not expr.has(*moving):
        return 0
    if isinstance(expr, sympy.Add | sympy.Max | sympy.Min | sympy.ceiling | sympy.floor):
        return _agreed([direction(part, moving, sign) for part in expr.args])
    if isinstance(expr, sympy.Pow):
        return _of_power(expr, moving, sign)
    if isinstance(expr, sympy.Mul):
        return _of_product(expr, moving, sign)
    return None


def _agreed(parts: list[int | None]) -> int | None:
    """The one direction of all parts; those that do not depend have none."""
    found = {part for part in parts if part != 0}
    return found.pop() if len(found) == 1 else None if found else 0


def _turned(found: int | None, sign: int | None) -> int | None:
    return None if found is None or sign is None else found * sign


def _of_power(expr: sympy.Pow, moving: Directions, sign: Sign) -> int | None:
    """A positive base to a power that stays; or a base that stays, above or below one, to a power that moves."""
    base, exponent = expr.as_base_exp()
    if not exponent.has(*moving):
        return _turned(direction(base, moving, sign), sign(exponent)) if base.is_nonnegative else None
    if base.has(*moving) or sign(base) != 1:
        return None
    return _turned(direction(exponent, moving, sign), sign(base - 1))


def _of_product(expr: sympy.Mul, moving: Directions, sign: Sign) -> int | None:
    constant, depending = expr.as_independent(*moving, as_Add=False)
    factors = sympy.Mul.make_args(depending)
    if len(factors) > 1 and not all(factor.is_nonnegative for factor in factors):
        return None
    return _turned(_agreed([direction(factor, moving, sign) for factor in factors]), sign(constant))


def rises(expr: Expr, variable: Symbol) -> bool:
    """Whether an expression is proved never to fall."""
    return direction(expr, {variable: 1}) in (0, 1)
