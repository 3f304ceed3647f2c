"""What stands beside a picture: axes with units and ticks that people read; a legend below, which covers nothing."""

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from steptime.model.plot.draw.style import SMALL, WIDTH
from steptime.model.plot.shapes import Array, Axis
from steptime.model.text.format import plain, si

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PREFIXES = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"),
            (1e-6, "µ"), (1e-9, "n"))  # fmt: skip
PREFIXED = ("s", "B", "B/s", "FLOP", "FLOP/s", "W")
"""Units that take a prefix: dollars, counts and ratios do not."""
FRACTION, LARGE_FRACTION = r"\frac", r"\dfrac"
LETTERS = 112
"""Letters in a line of small print."""
HANDLE = 0.62
"""Inches of what stands before a name in a legend, and between columns."""
MOST_COLUMNS = 3
MOST_TICKS, FEW_DECADES = 7, 2.5
"""Ticks of an axis as long as a picture, and the decades of it between which 2 and 5 have room."""
LINE = 0.16
"""Inches of a line of small print."""
WIDE = 4.5
"""Decades beyond which numbers of units with prefixes are written with their own."""


def factor_of(axis: Axis, values: Array) -> tuple[float, str]:
    """By what base units are divided on an axis, and the unit that is printed.

    >>> import numpy as np
    >>> factor_of(Axis("time", "s"), np.array([1e-4, 1e-2])), factor_of(Axis("batch"), np.array([1.0, 1e6]))
    ((0.001, 'ms'), (1.0, ''))
    """
    known = np.abs(values[np.isfinite(values) & (values != 0)])
    if axis.unit not in PREFIXED or not len(known):
        return 1.0, axis.unit
    most = float(known.max()) / (10 if axis.log else 1)
    usual = [(factor, prefix) for factor, prefix in PREFIXES if axis.unit != "s" or factor <= 1]
    usual = [(factor, prefix) for factor, prefix in usual if axis.unit == "s" or factor >= 1]
    factor, prefix = next(((f, p) for f, p in usual if most >= f), usual[-1])
    return factor, f"{prefix}{axis.unit}"


class Scale(NamedTuple):
    """``factor``: base units of one unit of the axis; its ``label``; ``unit``: of numbers, where the label has none."""

    factor: float
    label: str
    unit: str = ""


def scaled(axis: Axis, values: Array) -> Scale:
    """How an axis with these values is written: by what they are divided, its label, and how a number on it is said."""
    known = np.abs(values[np.isfinite(values) & (values != 0)])
    if axis.log and axis.unit in PREFIXED and len(known) and known.max() / known.min() > 10**WIDE:
        return Scale(1.0, axis.name, axis.unit)
    factor, unit = factor_of(axis, values)
    return Scale(factor, f"{axis.name} ({unit})" if unit else axis.name)


def ticked(axes: "Axes", which: str, is_log: bool, ends: Array, unit: str = "", most: int = MOST_TICKS) -> None:
    """Ticks at 1, 10, 100, or at 1, 2, 5 where there are few decades between the ends; numbers written out, with a
    ``unit`` where the axis has none. ``most``: how many have room."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    line = getattr(axes, f"{which}axis")
    if is_log:
        getattr(axes, f"set_{which}scale")("log")
        decades = float(np.log10(np.max(ends) / np.min(ends)))
        few = decades <= FEW_DECADES * most / MOST_TICKS
        room = 12 if few else most + (0 if unit else 5)
        line.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=room))
        line.set_minor_formatter(NullFormatter())
    else:
        line.set_major_locator(MaxNLocator(most))
    line.set_major_formatter(FuncFormatter(lambda value, _: _said(value, unit)))


def _said(value: float, unit: str) -> str:
    """A number on an axis; seconds above one are so many seconds."""
    if not unit:
        return plain(value)
    return f"{plain(value)} s" if unit == "s" and value >= 1 else si(value, unit)


def headed(figure: "Figure", title: str, about: str) -> float:
    """The title, and the scenario in small print below it, hung from the top edge; returns the inches they take."""
    from matplotlib.transforms import ScaledTranslation

    lines, down = wrap(about, LETTERS), 0.08
    small: dict[str, Any] = {"fontsize": SMALL, "linespacing": 1.25}
    for text, high, how in ((title, 0.22, {"fontsize": 10.5, "fontweight": "bold"}),
                            ("\n".join(lines), LINE * len(lines), small)):  # fmt: skip
        hung = figure.transFigure + ScaledTranslation(0.08, -down, figure.dpi_scale_trans)
        figure.text(0, 1, text, transform=hung, va="top", ha="left", **how).set_in_layout(False)
        down += high
    return down + 0.06


def legend_below(figure: "Figure", handles: Sequence[Any], names: Sequence[tuple[str, str]]) -> Any:
    """A legend below the picture, in as many columns as have room; of formulas, those no wider than the picture."""
    texts = [_written(name, formula) for name, formula in names]
    widest = max((_width(text) for text in texts), default=1.0) + HANDLE
    columns = max(1, min(int(WIDTH // widest), MOST_COLUMNS, -(-len(texts) // 2)))
    return figure.legend(handles, texts, loc="outside lower left", ncols=columns, handlelength=3.0, borderaxespad=0.4,
                         labelspacing=0.6, columnspacing=1.2)  # fmt: skip


def _written(name: str, formula: str) -> str:
    """A name with its closed form, where mathtext can set it and it has room."""
    text = f"{name}   ${formula.replace(FRACTION, LARGE_FRACTION)}$"
    try:
        return text if formula and _width(text) + HANDLE < WIDTH else name
    except ValueError:
        return name


def _width(text: str) -> float:
    """Inches of a line of small print; raises ValueError for a formula that mathtext cannot set."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser

    plain_text = text if "$" in text and text.count("$") == 2 else text.replace("$", r"\$")
    parsed = MathTextParser("path").parse(plain_text, 72, FontProperties(size=SMALL))
    return float(parsed[0]) / 72
