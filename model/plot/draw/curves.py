"""Curves, points on them, and edges."""

from typing import TYPE_CHECKING, Any

import numpy as np

from steptime.model.plot.draw.labels import MOST_TICKS, Scale, scaled, ticked
from steptime.model.plot.draw.style import MARKERS, STROKES, Page
from steptime.model.plot.shapes import Array, Curves, Role

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Legend = list[tuple[Any, str, str]]
"""What a legend lists: what is drawn, its name, its formula."""
CROWD = 20
"""Samples of one name beyond which each is drawn small."""
MOST_BESIDE = 4
"""Ticks below axes that stand beside others."""
LOWEST = 1e-6
"""The least share of the largest value that an axis in equal ratios shows."""


def draw_curves(axes: "Axes", chart: Curves, page: Page, beside: int = 1) -> Legend:
    """Draw on axes, so many of which stand ``beside`` each other; returns what the legend lists."""
    legend: Legend = []
    across, up = (scaled(axis, _values(chart, which)) for which, axis in (("x", chart.x), ("y", chart.y)))
    others = 0
    for curve in chart.curves:
        colour, stroke = page.roles[curve.role], STROKES[curve.role]
        if curve.role == Role.OTHER:
            rounds, place = divmod(others, len(page.colours))
            colour, stroke = page.colours[place], "dashed" if rounds % 2 else "solid"
            others += 1
        binds = curve.role == Role.BOUND
        (line,) = axes.plot(curve.x / across.factor, curve.y / up.factor, color=colour, linestyle=stroke,
                            linewidth=2.4 if binds else 1.6, zorder=2 if binds else 3,
                            marker="" if len(curve.x) > 1 else ".")  # fmt: skip
        legend.append((line, curve.name, curve.formula))
    _ticks(axes, chart, across, up, MOST_TICKS if beside < 2 else MOST_BESIDE)
    for place, points in enumerate(chart.points):
        many = points.role == Role.SAMPLE
        inked = points.role in (Role.OTHER, Role.BOUND)
        colour = page.colours[place % len(page.colours)] if many else page.ink if inked else page.roles[points.role]
        size, edge, cover = (3.5 if len(points.x) > CROWD else 5.5, 0.0, 0.75) if many else (6.5, 1.3, 1.0)
        (mark,) = axes.plot(points.x / across.factor, points.y / up.factor, linestyle="none", zorder=5, clip_on=False,
                            marker=MARKERS[place % len(MARKERS)], markersize=size, markeredgecolor=colour, alpha=cover,
                            markerfacecolor=page.paper if points.role == Role.OTHER else colour,
                            markeredgewidth=edge)  # fmt: skip
        legend.append((mark, points.name, ""))
    for limit in chart.edges:
        at, grey = limit.x / across.factor, page.roles[Role.FLOOR]
        if limit.beyond:
            drawn: Any = axes.axvspan(at, axes.get_xlim()[1], facecolor="none", edgecolor=grey, hatch="////",
                                      linewidth=0, alpha=0.5, zorder=1)  # fmt: skip
        else:
            drawn = axes.axvline(at, color=grey, linestyle=(0, (1, 1.5)), linewidth=1.2)
        legend.append((drawn, limit.name, ""))
    return legend


def _values(chart: Curves, which: str) -> Array:
    """Everything along one axis."""
    found = np.concatenate([np.asarray(getattr(one, which), float) for one in (*chart.curves, *chart.points)])
    known: Array = found[np.isfinite(found)]
    return known


def _ticks(axes: "Axes", chart: Curves, across: Scale, up: Scale, most: int) -> None:
    """Scales, limits and ticks, of which ``most`` have room below the axes."""
    for which, axis, scale in (("x", chart.x, across), ("y", chart.y, up)):
        values = _values(chart, which) / scale.factor
        values = values[values > 0] if axis.log else values
        low, high = float(values.min()), float(values.max())
        if which == "y" and axis.log:  # what is far below all that matters is cut off
            low = min(max(low, LOWEST * high), _least(chart) / scale.factor)
        ticked(axes, which, axis.log, np.array([low, high]), scale.unit, most if which == "x" else MOST_TICKS)
        getattr(axes, f"set_{which}label")(scale.label)
        if not axis.log:
            getattr(axes, f"set_{which}lim")(min(0.0, low), high * 1.04)
        elif which == "x":
            axes.set_xlim(low, high)
        else:
            axes.set_ylim(low / 1.3, high * 1.3)


def _least(chart: Curves) -> float:
    """The least of what no limit of an axis may cut off: bounds, and points."""
    kept = [np.asarray(one.y, float) for one in chart.curves if one.role == Role.BOUND]
    found = np.concatenate([*kept, *(np.asarray(one.y, float) for one in chart.points), np.array([np.inf])])
    return float(np.min(found[found > 0]))
