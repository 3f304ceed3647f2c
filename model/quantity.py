"""Declare a quantity once: its unit, its LaTeX, its meaning. Check the units of any expression of them.

A quantity is a plain positive SymPy symbol. Its record lives here, so that the name means the same in Python,
in a TOML file, behind ``--set`` and in printed mathematics.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Symbol
from sympy.core.relational import Relational

from steptime.model.errors import unknown
from steptime.model.typeset import Typeset

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
    relaxed: bool = False

    @property
    def domain(self) -> tuple[Relational, ...]:
        """What is true of the quantity wherever it occurs in a formula, besides being no less than zero.

        A count from 1 is at least one, a share at most one, what may vanish at least zero, anything else positive.
        """
        low, high = self.sane
        one = self.unit == count
        if one and low == 1 and not self.relaxed:
            least = sympy.Ge(self.symbol, 1, evaluate=False)
        else:
            least = (sympy.Ge if low == 0 else sympy.Gt)(self.symbol, 0, evaluate=False)
        return (least, sympy.Le(self.symbol, 1, evaluate=False)) if one and high == 1 else (least,)


_declared: dict[str, Quantity] = {}
_within: list[tuple[Symbol, Symbol]] = []


def quantity(
    name: str,
    unit: Expr,
    latex: str,
    meaning: str,
    *,
    integer: bool = False,
    sane: tuple[float, float] = (1e-30, 1e30),
    relaxed: bool = False,
) -> Symbol:
    """Declare a quantity and return its symbol. A second declaration of a name is refused.

    ``integer`` says that only whole numbers are meant (chips, sequences); the symbol stays a plain positive one, so
    that the relaxed problem can be solved. ``sane`` is the range, in base units, outside which a value is a slip; a
    range from 0 admits zero, one to 1 is a share, one from 1 a count of at least one; ``relaxed`` says that formulas
    hold for less than one as well, as for a mean.
    """
    if name in _declared:
        raise ValueError(f"{name} is declared twice")
    symbol = Symbol(name, positive=True)
    _declared[name] = Quantity(symbol, name, unit, latex, meaning, integer, sane, relaxed)
    return symbol


def within(small: Symbol, large: Symbol) -> None:
    """Declare that one quantity never exceeds another: a part and its whole."""
    _within.append((small, large))


def parts_and_wholes(symbol: Symbol) -> tuple[Relational, ...]:
    """What the declarations say of a quantity that is part of another, or has one as its part."""
    return tuple(sympy.Le(small, large, evaluate=False) for small, large in _within if symbol in (small, large))


def domains(symbols: Iterable[Symbol]) -> tuple[Relational, ...]:
    """What the declarations say of so many quantities: the range of each, and which is part of which.

    >>> from steptime.model.symbols import active_parameters, parameters
    >>> domains({parameters, active_parameters})
    (active_parameters > 0, parameters > 0, active_parameters <= parameters)
    """
    chosen = set(symbols)
    records = [record for symbol in sorted(chosen, key=str) if (record := declared_as(symbol)) is not None]
    parts = [sympy.Le(small, large, evaluate=False) for small, large in _within if {small, large} <= chosen]
    return (*(relation for record in records for relation in record.domain), *parts)


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


def as_count(value: float, digits: int = 4) -> str:
    """A count or a ratio as people write it: thousands separated, no prefix, no power of ten that they need not read.

    >>> as_count(2411.37), as_count(0.25), as_count(1e9)
    ('2,411', '0.25', '1,000,000,000')
    """
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e16 else f"{value:.{digits}g}"


def declared_as(symbol: Symbol) -> Quantity | None:
    """The record of a symbol; None for one that is no declared quantity."""
    record = _declared.get(symbol.name)
    return record if record is not None and record.symbol == symbol else None


def latex(expr: Any) -> str:
    """LaTeX of an expression, each quantity by its declared name."""
    symbols = expr.atoms(Symbol) if isinstance(expr, sympy.Basic) else ()
    names = {symbol: record.latex for symbol in symbols if (record := declared_as(symbol)) is not None}
    return str(Typeset({"symbol_names": names, "ln_notation": True}).doprint(expr))
