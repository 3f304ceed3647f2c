"""Units: of any expression of quantities, checked where an equation is written."""

from typing import Any

import sympy
from sympy import Expr, Symbol
from sympy.core.relational import Relational
from sympy.functions.elementary.integers import RoundFunction
from sympy.functions.elementary.miscellaneous import MinMaxBase

from steptime.model.quantity import FLOP, byte, count, declared_as, dollar, joule, second

__all__ = ["FLOP", "UnitError", "byte", "count", "dollar", "joule", "second", "unit_of", "unit_text"]


class UnitError(ValueError):
    """Two parts of an expression disagree in their units, or a part has no unit at all."""


def unit_of(expr: Any) -> Expr:
    """The unit of an expression, a product of powers of second, byte, FLOP, dollar, joule.

    Walks sums, products, powers, Max, Min, ceiling, floor, exp, log, Lambert's W, Gamma, binomial, Piecewise,
    relations. Zero and infinity fit any unit. Raises UnitError naming both parts that disagree.

    >>> from steptime.model.symbols import peak_flops, memory_bandwidth
    >>> unit_of(peak_flops / memory_bandwidth)
    FLOP/B
    >>> unit_of(peak_flops + memory_bandwidth)
    Traceback (most recent call last):
    ...
    steptime.model.units.UnitError: memory_bandwidth is in B/s but peak_flops is in FLOP/s
    """
    expr = sympy.sympify(expr, strict=True)
    if isinstance(expr, Symbol):
        record = declared_as(expr)
        if record is None:
            raise UnitError(f"{expr} is not a declared quantity")
        return record.unit
    if expr.is_number:
        return count
    if isinstance(expr, sympy.Mul):
        return sympy.Mul(*[unit_of(factor) for factor in expr.args])
    if isinstance(expr, sympy.Pow):
        base, exponent = expr.args
        _must_be_count(exponent, f"the exponent of {expr}")
        if not exponent.is_number:
            _must_be_count(base, f"the base of {expr}")
            return count
        return unit_of(base) ** exponent
    if isinstance(expr, sympy.Add | MinMaxBase | Relational):
        return _same_unit(expr.args)
    if isinstance(expr, sympy.Sum):
        for bound in expr.limits[0][1:]:
            _must_be_count(bound, f"the number of summands of {expr}")
        return unit_of(expr.function)
    if isinstance(expr, sympy.binomial | sympy.LambertW | sympy.gamma):
        for part in expr.args:
            _must_be_count(part, f"the arguments of {expr}")
        return count
    if isinstance(expr, RoundFunction | sympy.exp | sympy.log):
        _must_be_count(expr.args[0], f"the argument of {expr.func.__name__}")
        return count
    if isinstance(expr, sympy.Piecewise):
        for _, condition in expr.args:
            if isinstance(condition, Relational):
                unit_of(condition)
        return _same_unit([value for value, _ in expr.args])
    raise UnitError(f"no rule for the unit of {expr.func.__name__}")


def _same_unit(parts: Any) -> Expr:
    """The one unit of all parts; zeros and infinities take whatever unit is needed."""
    carrying = [part for part in parts if not (part.is_zero or part.is_infinite)]
    if not carrying:
        return count
    first, unit = carrying[0], unit_of(carrying[0])
    for other in carrying[1:]:
        if (found := unit_of(other)) != unit:
            raise UnitError(f"{first} is in {unit_text(unit)} but {other} is in {unit_text(found)}")
    return unit


def _must_be_count(expr: Expr, where: str) -> None:
    if (unit := unit_of(expr)) != count:
        raise UnitError(f"{where} must be a pure number but {expr} is in {unit_text(unit)}")


def unit_text(unit: Expr) -> str:
    """How a unit is printed; a pure number says so.

    >>> unit_text(byte / second), unit_text(count)
    ('B/s', 'a pure number')
    """
    return "a pure number" if unit == count else str(unit)
