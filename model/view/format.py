"""Numbers, units and formulas as people read them. Conversion from base units happens here and nowhere else."""

import math
from typing import Any

from rich.console import Console
from rich.table import Table
from sympy import Expr

from steptime.model.quantity import count, joule, second

_prefixes = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_small = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def si(value: float | None, unit: str = "", digits: int = 4) -> str:
    """A value with an SI prefix and its unit; an unknown one as an em dash.

    >>> si(3.35e12, "B/s"), si(0.0021, "s"), si(None)
    ('3.35 TB/s', '2.1 ms', '—')
    """
    if value is None:
        return "—"
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}".strip()
    steps = _prefixes if abs(value) >= 1 else _small
    factor, prefix = next(((f, p) for f, p in steps if abs(value) >= f * 0.99995), steps[-1])
    return f"{value / factor:.{digits}g} {prefix}{unit}".strip()


def plain(value: float | None, digits: int = 4) -> str:
    """A count or a ratio: thousands separated, no prefix.

    >>> plain(2411.37), plain(0.25), plain(None)
    ('2,411', '0.25', '—')
    """
    if value is None:
        return "—"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"


def in_unit(value: float | None, unit: Expr) -> str:
    """A value of a declared quantity: counts plain, the rest with prefix and unit."""
    if unit == count:
        return plain(value)
    return si(value, "W" if unit == joule / second else str(unit))


def formula(expr: Any) -> str:
    """A formula in one line of text.

    >>> x, y = sympy.symbols("x y"); formula(2 * x**2 / y)
    '2·x^2/y'
    """
    return str(expr).replace("**", "^").replace("*", "·")


def table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the product's one style."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for column in columns:
        made.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left", overflow="fold")
    return made


def console() -> Console:
    """Where tables go: standard output, at least 100 columns wide where it is not a terminal."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=120)


def finite(value: Any) -> Any:
    """A JSON value: infinities and NaN become null, whole floats of counts stay numbers."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
