"""A picture as a matplotlib Figure of its own, and as a file. No pyplot, hence no global state."""

import io
from typing import TYPE_CHECKING, Any

from steptime.model.plot.draw.bars import draw_bars, height_of
from steptime.model.plot.draw.curves import Legend, draw_curves
from steptime.model.plot.draw.gantt import draw_schedule
from steptime.model.plot.draw.labels import headed, legend_below
from steptime.model.plot.draw.regions import draw_regions, equations
from steptime.model.plot.draw.style import HEIGHT, WIDTH, Page, page_of, settings
from steptime.model.plot.shapes import Bars, Chart, Curves, Panels, Regions, Schedule

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AXIS = 0.62
"""Inches of ticks and labels below the axes, and of gaps."""
PANEL = 2.9
"""Inches of the axes of panels."""
FORMS = ("png", "svg", "pdf")
UNDATED: dict[str, dict[str, Any]] = {
    "png": {"Software": None}, "svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None, "Producer": None},
}  # fmt: skip
"""What makes a file the same each time."""


def drawn(chart: Chart, dark: bool = False) -> "Figure":
    """The picture: its legend below it, the whole as high as both need."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.style import context

    page = page_of(dark)
    with context(settings(page), after_reset=True):
        figure = Figure(figsize=(WIDTH, 3 * HEIGHT), layout="constrained")
        canvas = FigureCanvasAgg(figure)
        axes, legend, height = _drawn(figure, chart, page)
        above = headed(figure, chart.title, chart.about)
        below = legend_below(figure, [one for one, _, _ in legend], [(name, formula) for _, name, formula in legend])
        taken = below.get_window_extent(canvas.get_renderer()).height / figure.dpi
        whole = above + height + AXIS + taken
        figure.set_size_inches(WIDTH, whole)
        figure.set_layout_engine("constrained", rect=(0, 0, 1, 1 - above / whole))
        canvas.draw()
        if isinstance(chart, Regions):
            equations(axes, canvas.get_renderer(), page)
    return figure


def _drawn(figure: "Figure", chart: Chart, page: Page) -> tuple[Any, Legend, float]:
    """The first axes, what the legend lists, and inches of the axes."""
    if isinstance(chart, Panels):
        every = figure.subplots(1, len(chart.charts), squeeze=False)[0]
        beside = len(chart.charts)
        legends = [draw_curves(axes, one, page, beside) for axes, one in zip(every, chart.charts, strict=True)]
        return every[0], legends[0], PANEL
    axes = figure.add_subplot()
    match chart:
        case Curves():
            return axes, draw_curves(axes, chart, page), HEIGHT
        case Bars():
            return axes, draw_bars(axes, chart, page), height_of(chart)
        case Regions():
            return axes, draw_regions(axes, chart, page), HEIGHT
        case Schedule():
            return axes, draw_schedule(axes, chart, page), 0.8 + 0.3 * (1 + max(one.stage for one in chart.slots))
    raise TypeError(type(chart).__name__)


def as_file(figure: "Figure", form: str) -> bytes:
    """The picture as png, svg or pdf: the same bytes each time."""
    from matplotlib.style import context

    out = io.BytesIO()
    with context(settings(page_of(False)), after_reset=True):
        figure.savefig(out, format=form, metadata=UNDATED[form])
    return out.getvalue()
