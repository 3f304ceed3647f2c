"""Regions of a plane, with each boundary's equation written on it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from steptime.model.plot.draw.curves import Legend
from steptime.model.plot.draw.labels import FRACTION, LARGE_FRACTION, ticked
from steptime.model.plot.draw.style import SMALL, Page
from steptime.model.plot.shapes import Regions, Role

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLACES = (0.5, 0.35, 0.65, 0.2, 0.8, 0.1, 0.9)
"""Where along a boundary its equation may stand, the best first."""
SIDES = (("left", 10), ("right", -10))


def draw_regions(axes: "Axes", chart: Regions, page: Page) -> Legend:
    """Draw on axes; returns what the legend lists."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    colours = [page.roles[Role(name)] for name in chart.names]
    axes.pcolormesh(_edges(chart.xs), _edges(chart.ys), chart.which.T, cmap=ListedColormap(colours), vmin=-0.5,
                    vmax=len(colours) - 0.5, alpha=0.35, linewidth=0, rasterized=True)  # fmt: skip
    used = set(np.unique(chart.which))
    legend: Legend = [
        (Patch(facecolor=colour, alpha=0.35), f"{name} binds", "")
        for place, (name, colour) in enumerate(zip(chart.names, colours, strict=True))
        if place in used
    ]
    for which, axis, values in (("x", chart.x, chart.xs), ("y", chart.y, chart.ys)):
        ticked(axes, which, axis.log, values)
        getattr(axes, f"set_{which}label")(axis.name)
        getattr(axes, f"set_{which}lim")(values[0], values[-1])
    axes.grid(False)
    for number, one in enumerate(chart.boundaries):
        stroke = ("solid", "dashed", "dotted")[number % 3]
        (line,) = axes.plot(one.x, one.y, color=page.ink, linewidth=1.6, linestyle=stroke, label=one.formula or None)
        legend.append((line, one.name, one.formula))
    if not chart.fits.all():
        axes.contourf(chart.xs, chart.ys, chart.fits.T.astype(float), levels=[-0.5, 0.5], colors="none",
                      hatches=["////"])  # fmt: skip
        legend.append((Patch(facecolor="none", edgecolor=page.ink, hatch="////", linewidth=0), "no room in memory", ""))
    return legend


def equations(axes: "Axes", renderer: Any, page: Page) -> list[Any]:
    """Write each boundary's equation beside it, where it is inside of the axes and on no other; one that has no room is
    in the legend alone."""
    inside, written = axes.get_window_extent(renderer), list[Any]()
    for line in axes.get_lines():
        formula = str(line.get_label())
        if formula.startswith("_"):  # matplotlib's word for none
            continue
        x, y = (np.asarray(one, float) for one in line.get_data())
        known = np.flatnonzero(np.isfinite(x))
        spots = [(known[int(share * (len(known) - 1))], *side) for share in PLACES for side in SIDES]
        for place, side, shift in spots:
            text = axes.annotate(
                f"${formula.replace(FRACTION, LARGE_FRACTION)}$",
                (x[place], y[place]),
                (shift, 0),
                textcoords="offset points",
                ha=side,
                va="center",
                fontsize=SMALL,
                zorder=6,
                bbox={"facecolor": page.paper, "edgecolor": "none", "alpha": 0.85, "pad": 2},
            )
            box = text.get_window_extent(renderer)
            if (
                inside.contains(box.x0, box.y0)
                and inside.contains(box.x1, box.y1)
                and not any(box.overlaps(other.get_window_extent(renderer)) for other in written)
            ):
                written.append(text)
                break
            text.remove()
    return written


def _edges(middles: Any) -> Any:
    """Edges of cells in equal ratios about their middles."""
    ratio = np.sqrt(middles[1] / middles[0])
    return np.append(middles / ratio, middles[-1] * ratio)
