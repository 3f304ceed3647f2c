"""When each stage of a pipeline runs which pass."""

from typing import TYPE_CHECKING

import numpy as np

from steptime.model.plot.draw.curves import Legend
from steptime.model.plot.draw.labels import scaled, ticked
from steptime.model.plot.draw.style import Page
from steptime.model.plot.shapes import Axis, Schedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PASSES = {"F": (0, "forward"), "B": (3, "backward"), "W": (2, "gradient of the weights")}
NUMBERED = 60
"""Passes of a stage up to which each carries the number of its micro-batch."""


def draw_schedule(axes: "Axes", chart: Schedule, page: Page) -> Legend:
    """Draw on axes; returns what the legend lists."""
    end = max(one.end for one in chart.slots)
    scale = scaled(Axis("time in the step's compute term", "s", log=False), np.array([end]))
    factor = scale.factor
    stages = max(one.stage for one in chart.slots) + 1
    legend: Legend = []
    for kind, (colour, name) in PASSES.items():
        for later in range(chart.chunks):
            some = [one for one in chart.slots if one.kind == kind and one.chunk // stages == later]
            if not some:
                continue
            said = name if chart.chunks == 1 else f"{name}, chunk {later + 1} of a stage"
            drawn = axes.barh(
                [one.stage for one in some],
                [(one.end - one.start) / factor for one in some],
                0.84,
                [one.start / factor for one in some],
                color=page.colours[colour],
                alpha=1.0 - 0.55 * later / chart.chunks,
                edgecolor=page.paper,
                linewidth=0.5,
            )
            legend.append((drawn[0], said, ""))
    if len(chart.slots) / stages <= NUMBERED:
        for one in chart.slots:
            axes.text((one.start + one.end) / 2 / factor, one.stage, str(one.micro_batch + 1), ha="center", va="center",
                      fontsize=5.5, color=page.paper)  # fmt: skip
    ticked(axes, "x", False, np.array([end]))
    axes.set_xlim(0, end / factor)
    axes.set_ylim(stages - 0.5, -0.5)
    axes.set_yticks(range(stages), [str(stage + 1) for stage in range(stages)])
    axes.grid(False, axis="y")
    axes.set_xlabel(scale.label)
    axes.set_ylabel("pipeline stage")
    return legend
