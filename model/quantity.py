"""Declare a quantity once: its unit, its LaTeX, its meaning. Check the units of any expression of them.

A quantity is a plain positive SymPy symbol. Its record lives here, so that the name means the same in Python,
in a TOML file, behind ``--set`` and in printed mathematics.
"""

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Symbol
from sympy.core.relational import Relational
from sympy.functions.elementary.integers import RoundFunction
from sympy.functions.elementary.miscellaneous import MinMaxBase

from steptime.model.errors import unknown

count: Expr = sympy.S.One
"""The unit of sequences, tokens, parameters, chips, layers, and of ratios: none."""
second, byte, FLOP, dollar, joule = sympy.symbols("s B FLOP $ J", positive=True)


class UnitError(ValueError):
    """Two parts of an expression disagree in their units, or a part has no unit at all."""


@dataclass(frozen=True)
class Quantity:
    """The record of one declared quantity; ``symbol`` is what formulas use."""

    symbol: Symbol
    name: str
    unit: Expr
    latex: str
    meaning: str
    integer: bool
    sane: tuple[float, float]


_declared: dict[str, Quantity] = {}


def quantity(
    name: str,
    unit: Expr,
    latex: str,
    meaning: str,
    *,
    integer: bool = False,
    sane: tuple[float, float] = (1e-30, 1e30),
) -> Symbol:
    """Declare a quantity and return its symbol. A second declaration of a name is refused.

    ``integer`` says that only whole numbers are meant (chips, sequences); the symbol stays a plain positive one, so
    that the relaxed problem can be solved. ``sane`` is the range, in base units, outside which a value is a slip; a
    range from 0 admits zero.
    """
    if name in _declared:
        raise ValueError(f"{name} is declared twice")
    symbol = Symbol(name, positive=True)
    _declared[name] = Quantity(symbol, name, unit, latex, meaning, integer, sane)
    return symbol


def declared() -> dict[str, Quantity]:
    """Every declared quantity by name, in order of declaration."""
    return dict(_declared)


def lookup(name: str) -> Quantity:
    """The record of a name; raises UserError with the best matches.

    >>> import steptime.model.symbols
    >>> lookup("kv_bytes").unit
    B
    """
    if name not in _declared:
        raise unknown("quantity", name, list(_declared))
    return _declared[name]


def unit_of(expr: Any) -> Expr:
    """The unit of an expression, a product of powers of second, byte, FLOP, dollar, joule.

    Walks sums, products, powers, Max, Min, ceiling, floor, exp, log, Piecewise and relations. Zero and infinity fit any
    unit. Raises UnitError naming both parts that disagree.

    >>> from steptime.model.symbols import peak_flops, memory_bandwidth
    >>> unit_of(peak_flops / memory_bandwidth)
    FLOP/B
    >>> unit_of(peak_flops + memory_bandwidth)
    Traceback (most recent call last):
    ...
    steptime.model.quantity.UnitError: memory_bandwidth is in B/s but peak_flops is in FLOP/s
    """
    expr = sympy.sympify(expr, strict=True)
    if isinstance(expr, Symbol):
        record = _declared.get(expr.name)
        if record is None or record.symbol != expr:
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


def latex(expr: Any) -> str:
    """LaTeX of an expression, each quantity by its declared name."""
    names = {record.symbol: record.latex for record in _declared.values()}
    return str(sympy.latex(expr, symbol_names=names, ln_notation=True))
