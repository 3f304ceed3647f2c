"""What must be true for a line to follow and to mean anything: collected from the lines and the rules themselves.

Denominators are not zero, radicands not negative, arguments of logarithms and bases of variable powers positive; what
equals a quantity lies in that quantity's range; what is left out is as small as was said. A condition that follows from
the ranges of the quantities alone is none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Ge, Gt, Le, Lt, Ne, Relational

from steptime.derivations.inequalities.certificate import implied, sign
from steptime.model.lambert import height_of
from steptime.model.quantity import declared_as, parts_and_wholes


class RuleError(ValueError):
    """A rule does not apply to a line, or may not be used there."""


@dataclass(frozen=True)
class Condition:
    """An inequality that a line needs, and why.

    ``or_zero`` says that nought is as good: a positive quantity vanishes where one that it is made of may. ``narrows``
    says that the line before has other solutions, where this is not so: what solves the line need not solve that one.
    """

    relation: Relational
    why: str
    or_zero: bool = False
    narrows: bool = False

    def follows(self, facts: Iterable[Relational]) -> bool:
        """Whether it is shown to follow from others and the ranges of the quantities."""
        relation = self.relation
        return implied(related(Ge, relation.lhs, relation.rhs) if self.or_zero else relation, facts)

    def put(self, replacements: Mapping[Any, Any]) -> "Condition":
        """The same after quantities, or parts, are replaced."""
        left, right = (part.xreplace(replacements) for part in self.relation.args)
        return Condition(related(type(self.relation), left, right), self.why, self.or_zero, self.narrows)


def related(kind: type[Relational], left: Expr, right: Expr | int) -> Relational:
    """An inequality as written, even where it is plain."""
    return kind(left, sympy.sympify(right, strict=True), evaluate=False)


def more(left: Expr, right: Expr | int) -> Relational:
    """left > right, as a condition."""
    return related(Gt, left, right)


def at_least(left: Expr, right: Expr | int) -> Relational:
    """left ≥ right, as a condition."""
    return related(Ge, left, right)


def as_relation(condition: Relational | Expr) -> Relational:
    """A condition; an expression alone is meant to be positive."""
    return condition if isinstance(condition, Relational) else more(condition, 0)


def of_expression(expr: Expr, where: str) -> Iterator[Condition]:
    """What an expression needs to have a value; inside a sum, for every index within its bounds."""
    if isinstance(expr, sympy.Sum):
        index, low, high = expr.limits[0]
        within = (at_least(index, low), at_least(high, index))
        for condition in of_expression(expr.function, where):
            if index not in condition.relation.free_symbols:
                yield condition
            elif not condition.follows(within):
                raise RuleError(f"{condition.why}: {condition.relation} is not shown for every {index}")
        yield from of_expression(high, where)
        return
    for part in expr.args:
        yield from of_expression(part, where)
    yield from _of_part(expr, where)


def _of_part(part: Expr, where: str) -> Iterator[Condition]:
    """What a logarithm or a power needs, whose own parts have values."""
    if isinstance(part, sympy.log) and part.args[0].free_symbols:
        yield Condition(more(part.args[0], 0), f"the logarithm of {part.args[0]}, {where}")
    if isinstance(part, sympy.gamma) and part.args[0].free_symbols:
        yield Condition(more(part.args[0], 0), f"the Gamma function of {part.args[0]}, {where}")
    if isinstance(part, sympy.LambertW) and part.args[0].free_symbols:
        yield from _of_lambert(part, where)
    if not isinstance(part, sympy.Pow) or not part.base.free_symbols:
        return
    base, exponent = part.args
    if exponent.is_Integer and exponent < 0 and isinstance(base, sympy.binomial):
        yield Condition(at_least(*base.args), f"there are ways to choose, {where}")
    elif exponent.is_Integer and exponent < 0:
        yield Condition(related(Ne, base, 0), f"{base} divides, {where}")
    elif exponent.is_number and not exponent.is_Integer:
        yield Condition(related(Ge if exponent > 0 else Gt, base, 0), f"the root of {base}, {where}")
    elif not exponent.is_number:
        # nought to a power above nought is nought, and to the power of nought one
        power = sign(exponent)
        harmless = power == "+" or (power == "0+" and sign(base) in ("0+", "+"))
        yield Condition(related(Ge if harmless else Gt, base, 0), f"a power of {base}, {where}")


def _of_lambert(part: Expr, where: str) -> Iterator[Condition]:
    """Lambert's function is real from -1/e on, its lower branch below nought; of -exp(-K) both are from K = 1 on."""
    inner, why = part.args[0], f"Lambert's function of {part.args[0]}, {where}"
    height = height_of(inner)
    yield Condition(at_least(inner, -sympy.exp(-1)) if height is None else at_least(height, 1), why)
    if height is None and len(part.args) > 1 and part.args[1] != 0:
        yield Condition(related(Lt, inner, 0), f"the lower branch of {why}")


def in_range(symbol: Symbol, value: Expr, where: str, among: Iterable[Symbol] = ()) -> Iterator[Condition]:
    """What a value must be to be one of a quantity: its declared range, whose ends count where they are numbers; and no
    more than the whole, no less than the part, of those quantities that are there (``among``)."""
    there = set(among)
    for relation in parts_and_wholes(symbol):
        if relation.free_symbols - {symbol} <= there:
            yield Condition(relation, f"{relation.lhs} is part of {relation.rhs}, {where}").put({symbol: value})
    record = declared_as(symbol)
    ranges = record.domain if record is not None else (related(Gt, symbol, 0),)
    for relation in ranges:
        kind = {Gt: Ge, Lt: Le}.get(type(relation), type(relation)) if value.is_number else type(relation)
        why = f"{symbol} {relation.rel_op} {relation.rhs}, {where}"
        yield Condition(related(kind, value, relation.rhs), why, or_zero=kind is Gt)


def of_line(line: Eq, where: str) -> Iterator[Condition]:
    """What an equation needs: both sides have values, and what equals a quantity lies in its range."""
    yield from of_expression(line.lhs, where)
    yield from of_expression(line.rhs, where)
    for one, other in ((line.lhs, line.rhs), (line.rhs, line.lhs)):
        if isinstance(one, Symbol) and one not in other.free_symbols:
            yield from in_range(one, other, where, line.free_symbols)


def telling(conditions: Iterable[Condition], facts: Iterable[Relational] = ()) -> tuple[Condition, ...]:
    """Conditions that do not follow from the ranges of the quantities, each once."""
    found: dict[Relational, Condition] = {}
    facts = tuple(facts)
    for condition in conditions:
        if not condition.relation.free_symbols:
            if not bool(condition.relation.doit()):
                raise RuleError(f"{condition.why}: {condition.relation} is not so")
        elif condition.relation not in found and not condition.follows(facts):
            found[condition.relation] = condition
    return tuple(found.values())


def far_along(condition: Condition, variable: Symbol, to: Expr) -> Iterator[Condition]:
    """A condition as one quantity vanishes or grows without bound: on its leading term."""
    if variable not in condition.relation.free_symbols:
        yield condition
        return
    left, right = condition.relation.args
    difference = right - left if isinstance(condition.relation, Lt | Le) else left - right
    why = f"{condition.why}, as {variable} tends to {to}"
    numerator, denominator = sympy.fraction(sympy.together(difference))
    if not (numerator.is_polynomial(variable) and denominator.is_polynomial(variable)):
        try:
            end = sympy.limit(difference, variable, to, "-" if to == sympy.oo else "+")
        except (NotImplementedError, RecursionError, ValueError):
            end = sympy.nan
        if end == 0 or end.has(sympy.nan, sympy.zoo) or end == -sympy.oo:
            raise RuleError(f"it is not shown that {condition.relation} stays so as {variable} tends to {to}")
        if end != sympy.oo:
            kind = Ne if isinstance(condition.relation, Ne) else Gt
            yield Condition(related(kind, end, 0), why, condition.or_zero)
        return
    leading, others = _leading(numerator, variable, to)
    below, _ = _leading(denominator, variable, to)
    if isinstance(condition.relation, Ne):
        yield Condition(related(Ne, leading, 0), why)
        return
    helped = sign(denominator) == "+" and all(sign(other) in ("+", "0+", "0") for other in others)
    weak = isinstance(condition.relation, Ge | Le) and helped  # nought at the end of what is not below it
    yield Condition(related(Ge if weak else Gt, leading * below, 0), why, condition.or_zero)


def _leading(expr: Expr, variable: Symbol, to: Expr) -> tuple[Expr, list[Expr]]:
    """The coefficient that outweighs all others as a quantity vanishes or grows without bound, and the others."""
    found = [part for part in sympy.Poly(expr, variable).all_coeffs() if part != 0]
    return (found[0], found[1:]) if to == sympy.oo else (found[-1], found[:-1])
