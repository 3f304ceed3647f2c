"""Declare a quantity once: its unit, its LaTeX, its meaning. Check the units of any expression of them.

A quantity is a plain positive SymPy symbol. Its record lives here, so that the name means the same in Python,
in a TOML file, behind ``--set`` and in printed mathematics.
"""

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Symbol

from steptime.model.errors import unknown

count: Expr = sympy.S.One
"""The unit of sequences, tokens, parameters, chips, layers, and of ratios: none."""
second, byte, FLOP, dollar, joule = sympy.symbols("s B FLOP $ J", positive=True)


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


def declared_as(symbol: Symbol) -> Quantity | None:
    """The record of a symbol; None for one that is no declared quantity."""
    record = _declared.get(symbol.name)
    return record if record is not None and record.symbol == symbol else None


def latex(expr: Any) -> str:
    """LaTeX of an expression, each quantity by its declared name."""
    names = {record.symbol: record.latex for record in _declared.values()}
    return str(sympy.latex(expr, symbol_names=names, ln_notation=True))
