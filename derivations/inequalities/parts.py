"""What is known of the parts of an expression that are no polynomials: powers, logarithms, roots, the larger of two."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import sympy
from sympy import Dummy, Expr, Rational, Symbol

from steptime.derivations.inequalities.polynomials import Known
from steptime.model.lambert import height_of
from steptime.model.quantity import declared_as

if TYPE_CHECKING:
    from steptime.derivations.inequalities.signs import Signs

Part = tuple[bool, bool, Callable[[Expr], Iterable[Known]]]
"""Whether a part is negative, whether it is never zero, and what else is known of it."""


def about(signs: Signs, expr: Expr) -> Part:
    """Of a part that is no polynomial: whether it is negative, whether it is never zero, what else is known."""
    if expr.is_number:
        return bool(expr.is_negative), True, _nothing
    if isinstance(expr, sympy.exp | sympy.Pow):
        return _power(signs, expr)
    if isinstance(expr, sympy.log) and (over := signs.of(expr.args[0] - 1)) in ("+", "-", "0+", "0-"):
        inner = expr.args[0]  # a logarithm is no more than what it is of, less one
        return over[-1] == "-", len(over) == 1, lambda atom: [(inner - 1 - atom, len(over) == 1)]
    if isinstance(expr, sympy.LambertW):
        return _lambert(signs, expr)
    if isinstance(expr, sympy.Sum) and _summand(signs, expr) in ("+", "0+"):
        return False, False, _nothing
    if isinstance(expr, sympy.gamma) and signs.of(expr.args[0]) == "+":
        return False, True, _nothing
    if isinstance(expr, sympy.binomial):
        return False, False, _nothing  # of what are counts
    if isinstance(expr, sympy.Min | sympy.Max):
        return _extreme(signs, expr)
    if isinstance(expr, sympy.ceiling | sympy.floor):
        return _rounded(signs, expr)
    raise UndecidedError


def _nothing(atom: Expr) -> list[Known]:
    return []


def _summand(signs: Signs, expr: sympy.Sum) -> str | None:
    """The sign of each summand, whose number lies in the bounds of the sum."""
    index, low, high = expr.limits[0]
    own, inside = Dummy(index.name, positive=True), signs.copy()  # nothing is known of the index but its bounds
    inside.add([(own - low, False), (high - own, False)])
    return inside.of(expr.function.xreplace({index: own}))


def _extreme(signs: Signs, expr: Expr) -> Part:
    """A maximum is no less than any of its arguments, a minimum no more."""
    up = isinstance(expr, sympy.Max)
    found, enough = [signs.of(part) for part in expr.args], any if up else all
    if not enough(one in ("+", "0+") for one in found):
        raise UndecidedError
    sure = enough(one == "+" for one in found)
    return False, sure, lambda atom: [(atom - part if up else part - atom, False) for part in expr.args]


def _rounded(signs: Signs, expr: Expr) -> Part:
    """A number rounded up is no less than it, and less than one more; rounded down likewise."""
    inner, up = expr.args[0], isinstance(expr, sympy.ceiling)
    if signs.of(inner) not in ("+", "0+"):
        raise UndecidedError
    sure = signs.of(inner) == "+" if up else signs.of(inner - 1) in ("+", "0+")

    def told(atom: Expr) -> list[Known]:
        near = (
            [(atom - inner, False), (inner + 1 - atom, True)]
            if up
            else [(inner - atom, False), (atom + 1 - inner, True)]
        )
        return [*near, *([(atom - 1, False)] if sure else [])]

    return False, sure, told


def _lambert(signs: Signs, expr: Expr) -> Part:
    """Lambert's function of what lies between -1/e and nought is below nought too: at least -1 on its upper branch, at
    most -1 on the lower one, and there of -exp(-K) at most -K."""
    inner, branch = expr.args if len(expr.args) > 1 else (expr.args[0], sympy.S.Zero)
    height = height_of(inner)
    over = signs.of(inner + sympy.exp(-1) if height is None else height - 1)
    if branch not in (0, -1) or over not in ("+", "0+", "0") or signs.of(inner) != "-":
        raise UndecidedError

    def told(atom: Expr) -> list[Known]:
        if branch == 0:
            return [(1 + atom, over == "+")]
        return [(-1 - atom, over == "+"), *([] if height is None else [(-height - atom, over == "+")])]

    return True, True, told


def _power(signs: Signs, expr: Expr) -> Part:
    """A power of what is positive is positive; where the base lies, beside one, and the exponent, beside nought, says
    on which side of one the power lies."""
    base, exponent = (sympy.E, expr.args[0]) if isinstance(expr, sympy.exp) else expr.args
    lies, grows, over = signs.of(base), signs.of(exponent), signs.of(base - 1)
    if lies != "+" and not (lies in ("0+", "0") and grows in ("+", "0+")):
        raise UndecidedError

    def told(atom: Expr) -> list[Known]:
        found: list[Known] = []
        side = times(grows, over)
        if side not in (None, "0"):
            found.append((atom - 1 if side[-1] == "+" else 1 - atom, len(side) == 1))
        if over in ("-", "0-") and signs.of(exponent - 1) in ("+", "0+"):
            found.append((base - atom, False))  # a share to a power above one is no more than the share
        if exponent == Rational(1, 2):
            found += [(atom**2 - base, False), (base - atom**2, False)]
        return found

    return False, lies == "+", told


def radical_sign(signs: Signs, expr: Expr) -> str | None:
    """The sign of p + q sqrt(r), by comparing squares; one over a root is the root over what it is of."""
    bases = {
        part.base for part in expr.atoms(sympy.Pow)
        if abs(part.exp) == Rational(1, 2) and not isinstance(part.base, Symbol) and not part.base.is_number
    }  # fmt: skip
    if len(bases) != 1:
        return None
    (base,) = bases
    mark = Dummy("radical")
    line = expr.xreplace({sympy.sqrt(base): mark, 1 / sympy.sqrt(base): mark / base})
    if sympy.expand(line).is_polynomial(mark):
        return _by_squares(signs, line, mark, base)
    numerator, denominator = sympy.fraction(sympy.together(line))
    return times(*(_by_squares(signs, part, mark, base) for part in (numerator, denominator)))


def _by_squares(signs: Signs, line: Expr, mark: Symbol, base: Expr) -> str | None:
    """The sign of a polynomial in a root, once its square is what it is of: of p + q sqrt(r), by comparing squares."""
    line = sympy.expand(line)
    if mark not in line.free_symbols:
        return signs.of(line)
    if not line.is_polynomial(mark):
        return None
    powers = [(power, number * base ** (power // 2)) for (power,), number in sympy.Poly(line, mark).terms()]
    p, q = (sympy.Add(*[number for power, number in powers if power % 2 == odd]) for odd in (0, 1))
    one, other = signs.of(p), times(signs.of(q), signs.of(base))
    if other is None or (one is not None and (one[-1] == other[-1] or "0" in (one, other))):
        return None if one is None or other is None else plus(one, other)
    larger = signs.of(p**2 - q**2 * base)
    if larger in ("+", "0+") and one is not None:
        return one if larger == "+" and one in ("+", "-") else "0" + one[-1]
    if larger in ("-", "0-"):  # the root's part decides, whatever the sign of the other
        return other[-1] if larger == "-" else "0" + other[-1]
    return None


def may_vanish(symbol: Symbol) -> bool:
    """Whether the range of a quantity begins with zero."""
    record = declared_as(symbol)
    return record is not None and record.sane[0] == 0


class UndecidedError(Exception):
    """The sign of a part is not shown."""


def times(one: str | None, other: str | None) -> str | None:
    """The sign of a product."""
    if "0" in (one, other):
        return "0"
    if one is None or other is None:
        return None
    weak = "0" if len(one) + len(other) > 2 else ""
    return weak + ("+" if one[-1] == other[-1] else "-")


def plus(one: str, other: str) -> str | None:
    """The sign of a sum, where it follows from those of the summands."""
    if one == "0":
        return other
    if other == "0":
        return one
    return None if one[-1] != other[-1] else one if len(one) == 1 else other
