"""Numbers, units and formulas as people read them. Conversion from base units happens here and nowhere else."""

import math
import os
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import sympy
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.table import Table
from sympy import Expr

from steptime.model.quantity import Quantity, as_count, count, declared_as, joule, second

WIDEST = 1000
"""Columns within which every table has room."""
_prefixes = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_rates_bought = {"$*s/B": (1e9, "GB/s"), "$*s/FLOP": (1e12, "TFLOP/s")}
"""Prices of a rate, for as much of it as people speak of."""
_small = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def si(value: float | None, unit: str = "", digits: int = 4) -> str:
    """A value with an SI prefix and its unit; an unknown one as an em dash.

    >>> si(3.35e12, "B/s"), si(0.0021, "s"), si(None)
    ('3.35 TB/s', '2.1 ms', '—')
    """
    if value is None:
        return "—"
    if unit in _rates_bought:
        scale, of = _rates_bought[unit]
        return f"{money(value * scale)} per {of}"
    if unit.startswith("$"):
        return money(value) + unit[1:]
    if "**" in unit:  # a prefix would be raised with its unit: 36 µs² are no 36 millionths of a square second
        return f"{value:.{digits}g} {_squared(unit)}"
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}".strip()
    # Half a byte is half a byte, not 500 millibytes; a long time is so many seconds.
    steps: tuple[tuple[float, str], ...] = _small if abs(value) < 1 else _prefixes
    if (unit.startswith(("B", "FLOP")) and abs(value) < 1) or (unit == "s" and abs(value) >= 1):
        steps = ((1.0, ""),)
    factor, prefix = next(((f, p) for f, p in steps if abs(value) >= f * 0.99995), steps[-1])
    return f"{value / factor:.{digits}g} {prefix}{unit}".strip()


def _squared(unit: str) -> str:
    return unit.replace("**2", "²").replace("**3", "³").replace("**", "^").replace("*", "·")


def money(value: float | None) -> str:
    """Dollars as a price tag has them: never with a prefix or a power of ten.

    >>> money(0.9093), money(2.7), money(410_489.2), money(3e-9), money(None)
    ('$0.909', '$2.70', '$410,489', '$0.000000003', '—')
    """
    if value is None:
        return "—"
    if not math.isfinite(value):
        return f"${value:g}"
    sign, size = "-" * (value < 0), abs(value)
    if size >= 100:
        return f"{sign}${size:,.0f}"
    if size >= 0.9995 or size == 0:
        return f"{sign}${size:.2f}"
    figures = f"{size:.2e}"
    return f"{sign}${size:.{2 - int(figures[5:])}f}".rstrip("0")


def plain(value: float | None, digits: int = 4) -> str:
    """A count or a ratio: thousands separated, no prefix.

    >>> plain(2411.37), plain(0.25), plain(None)
    ('2,411', '0.25', '—')
    """
    return "—" if value is None else as_count(value, digits)


def counted(number: int, thing: str, several: str = "") -> str:
    """So many things, in words.

    >>> counted(1, "row"), counted(0, "row"), counted(2, "quantity", "quantities")
    ('1 row', '0 rows', '2 quantities')
    """
    return f"{number} {thing if number == 1 else several or f'{thing}s'}"


def in_unit(value: float | None, unit: Expr, digits: int = 4) -> str:
    """A value of a declared quantity: counts plain, the rest with prefix and unit."""
    if unit == count:
        return plain(value, digits)
    return si(value, "W" if unit == joule / second else str(unit).removeprefix("1"), digits)


@cache
def letter(record: Quantity) -> str:
    """The one-letter name of a quantity in plain text, from its LaTeX.

    >>> from steptime.model.quantity import lookup
    >>> import steptime.model.symbols
    >>> letter(lookup("kv_bytes")), letter(lookup("scale_up_bandwidth")), letter(lookup("kv_shards"))
    ('κ', 'I_up', 'E_kv')
    """
    text = re.sub(r"\\math\w+", "", record.latex).replace("^*", "∗").replace("*", "∗")
    text = re.sub(r"\\([a-zA-Z]+)", lambda found: _letters.get(found[1], found[1]), text)
    return text.replace("{", "").replace("}", "").replace(" ", "")


_letters = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "eta": "η", "theta": "θ",
    "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "ϕ",
    "uparrow": "↑", "to": "→",
    "varphi": "φ", "psi": "ψ", "omega": "ω", "Delta": "Δ", "Omega": "Ω", "Phi": "Φ", "Sigma": "Σ", "ell": "ℓ",
}  # fmt: skip


def formula(expr: Any) -> str:
    """A formula in one line of text, in the letters of the field.

    >>> from steptime.model.symbols import context, kv_bytes, memory_bandwidth
    >>> formula(kv_bytes * context**2 / memory_bandwidth)
    'L^2·κ/W'
    """
    names = {symbol: _one_letter(symbol) for symbol in expr.free_symbols}
    return str(expr.xreplace(names)).replace("**", "^").replace("*", "·")


@cache
def _one_letter(symbol: sympy.Symbol) -> sympy.Symbol:
    record = declared_as(symbol)
    return symbol if record is None else sympy.Symbol(letter(record), positive=True)


def table(*columns: str) -> Table:
    """An empty table in the product's one style; without any heading it shows none."""
    made = Table(box=None, pad_edge=False, header_style="dim", show_header=any(map(str.strip, columns)))
    for column in columns:
        right = column.startswith(">")
        first = not made.columns
        made.add_column(
            column.lstrip(">"), justify="right" if right else "left", overflow="fold", no_wrap=right or first
        )
    return made


def layout_said(layout: object, separator: str = " ", otherwise: str = "tp=1") -> str:
    """The degrees of a layout that are not one; ``otherwise`` where there are none.

    >>> layout_said("tp=8,cp=1,dp=4,ep=32,pp=1,replicas=1"), layout_said("tp=1,dp=1", ",", "one chip")
    ('tp=8 dp=4 ep=32', 'one chip')
    """
    return separator.join(part for part in str(layout).split(",") if not part.endswith("=1")) or otherwise


def console() -> Console:
    """Where tables go: standard output, as wide as the terminal, or as COLUMNS says; else 80 columns."""
    found = Console(highlight=False, markup=False)
    if found.is_terminal or os.environ.get("COLUMNS", "").isdigit():
        return found
    return Console(highlight=False, markup=False, width=80)


def has_room(made: Table, console: Console, options: ConsoleOptions) -> bool:
    """Whether no row of a table need be folded."""
    return Measurement.get(console, options.update(width=WIDEST), made).maximum <= options.max_width


class Roomy:
    """The first of some forms of a table that has room, else the last."""

    def __init__(self, *forms: Table) -> None:
        self.forms = forms

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        yield next((made for made in self.forms if has_room(made, console, options)), self.forms[-1])


_trailing = re.compile(r" +(?=(?:\x1b\[[\d;]*m)*$)", re.MULTILINE)


def without_trailing_blanks(text: str) -> str:
    """Lines without blanks at their end, which pad a table and are in the way where it is copied.

    >>> without_trailing_blanks("term   time  \\nmemory 2 ms")
    'term   time\\nmemory 2 ms'
    """
    return _trailing.sub("", text)


def finite(value: Any) -> Any:
    """A JSON value: infinities and NaN become null, whole floats of counts stay numbers."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
