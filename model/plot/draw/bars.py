"""Bars: stacked, or from zero to both ends of an interval."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from steptime.model.plot.draw.curves import Legend
from steptime.model.plot.draw.labels import scaled, ticked
from steptime.model.plot.draw.style import HATCHES, Page
from steptime.model.plot.shapes import Array, Bars
from steptime.model.text.format import plain, si

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THICK = 0.62
OF_ANOTHER = ": "
THINNEST = 0.004
"""The least share of the longest bar that is seen."""
MOST_LISTED = 3
ROOM = 1.06
"""How much longer than the longest bar an axis is."""


def draw_bars(axes: "Axes", chart: Bars, page: Page) -> Legend:
    """Draw on axes; returns what the legend lists."""
    values = np.array(list(chart.parts.values()), float)
    longest = np.array([*np.abs(values).sum(axis=0), *chart.limits.values()]) if not chart.ends else values.ravel()
    scale = scaled(chart.axis, longest)
    factor = scale.factor
    places = np.arange(len(chart.bars))[::-1]
    legend = _ends(axes, chart, places, page) if chart.ends else _stacked(axes, chart, places, factor, page)
    ticked(axes, "x", False, longest)
    axes.set_xlabel(scale.label)
    axes.set_yticks(places, chart.bars)
    axes.set_ylim(-0.6, len(chart.bars) - 0.4)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    for number, (name, value) in enumerate(chart.limits.items()):
        line = axes.axvline(value / factor, color=page.ink, linewidth=1.3, linestyle=("solid", "dashed")[number % 2])
        said = f"${plain(value)}" if chart.axis.unit == "$" else si(value, chart.axis.unit)
        legend.append((line, f"{name}, {said}", ""))
    if not chart.ends:
        axes.set_xlim(0, longest.max() / factor * ROOM)
    return legend


def _stacked(axes: "Axes", chart: Bars, places: Any, factor: float, page: Page) -> Legend:
    """Each part in a colour of its own, or in that of the part of which it is another account; an account is hatched.
    Parts too thin to see are drawn and listed as one."""
    legend: Legend = []
    left, shown, thin = np.zeros(len(chart.bars)), dict[str, Array](), dict[str, Array]()
    least = THINNEST * float(np.sum(list(chart.parts.values()), axis=0).max())
    for name, values in chart.parts.items():
        (shown if max(values) >= least else thin)[name] = np.array(values) / factor
    if len(thin) == 1:
        shown = {name: np.array(values) / factor for name, values in chart.parts.items()}
    elif thin:
        shown[_listed(thin)] = np.sum(list(thin.values()), axis=0)
    accounts = dict.fromkeys(name.partition(OF_ANOTHER)[0] for name in shown if OF_ANOTHER in name)
    colours = dict[str, str]()
    for name, width in shown.items():
        account, another, _ = name.partition(OF_ANOTHER)
        colours[name] = colours.get(chart.same.get(name, "")) or page.colour(len(set(colours.values())))
        hatch = HATCHES[(1 + list(accounts).index(account)) % len(HATCHES)] if another else HATCHES[0]
        paint: dict[str, Any] = {"color": colours[name], "hatch": hatch, "edgecolor": page.paper, "linewidth": 0.4}
        drawn = axes.barh(places, width, THICK, left, **paint)
        left += width
        legend.append((drawn[0], name, ""))
    return legend


def _listed(thin: Iterable[str]) -> str:
    """What parts are called that are drawn as one."""
    names = list(thin)
    return " and ".join(names) if len(names) < MOST_LISTED else f"{len(names)} that are too thin to see"


def _ends(axes: "Axes", chart: Bars, places: Any, page: Page) -> Legend:
    """A bar to each end: the nearer one in full colour, the further one behind it, hatched where it differs."""
    low, high = (np.array(values) for values in chart.parts.values())
    near, far = np.where(np.abs(low) < np.abs(high), low, high), np.where(np.abs(low) < np.abs(high), high, low)
    names = list(chart.parts)
    legend: Legend = []
    if not np.allclose(near, far):
        behind = axes.barh(places, far, THICK, color=page.paper, hatch="////", edgecolor=page.colours[7], linewidth=0.6)
        legend.append((behind[0], f"between {names[0]} and {names[1]}", ""))
    for sign, colour, said in ((1, page.colours[3], "raises it"), (-1, page.colours[0], "lowers it")):
        chosen = np.sign(near) == sign
        if chosen.any():
            drawn = axes.barh(places[chosen], near[chosen], THICK, color=colour, edgecolor=page.paper, linewidth=0.4)
            legend.append((drawn[0], said, ""))
    axes.axvline(0.0, color=page.ink, linewidth=0.9)
    reach = float(np.abs(far).max())
    for place, one in zip(places, far, strict=True):
        side = "left" if one >= 0 else "right"
        axes.text(one + np.sign(one or 1) * 0.015 * reach, place, f"{one:+.2f}", va="center", ha=side, fontsize=7.5)
    axes.set_xlim(min(0.0, float(far.min())) - 0.16 * reach, max(0.0, float(far.max())) + 0.16 * reach)
    return legend


def height_of(chart: Bars) -> float:
    """Inches of the axes."""
    return max(1.2, 0.3 * len(chart.bars) + 0.5)
