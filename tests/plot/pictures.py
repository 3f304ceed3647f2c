"""What tests of pictures share: answers of every kind, quickly had, and what is wrong with how a picture lies."""

from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

import steptime as st

MARKET = "examples/prices-market.toml"
DEMAND = {
    "class": [{"model": "llama-3.1-8b", "rate": "20 /s", "prompt": 1000, "output": 200, "max_tpot": "30 ms"}],
    "hardware": [{"name": "h100-sxm", "price": "2 $/h", "sizes": [1]}, {"name": "l4", "price": "0.7 $/h"}],
}
ROWS = """id,phase,model,hardware,chips,tp,batch,context,prompt,quantity,value
A1,decode,llama-3.1-8b,h100-sxm,1,1,1,1024,,step_time,0.0085
A2,decode,llama-3.1-8b,h100-sxm,1,1,64,2048,,step_time,0.0150
A3,decode,llama-3.1-70b,h200-sxm,4,4,32,2048,,step_time,0.0150
A4,prefill,llama-3.1-8b,h100-sxm,1,1,1,,2000,step_time,0.0600
"""
TOOLS = """case,tool,phase,model,hardware,chips,batch,context,tp,quantity,value
a,one,decode,llama-3.1-8b,h100-sxm,1,1,1024,1,step_time,0.006
b,one,decode,llama-3.1-8b,h100-sxm,1,64,1024,1,step_time,0.009
a,two,decode,llama-3.1-8b,h100-sxm,1,1,1024,1,step_time,0.007
"""


@cache
def crossing() -> st.Step:
    """A step of a dense model with a crossover over batch, in closed form."""
    return st.step("llama-3.1-70b", "h200-sxm", context=500)


@cache
def experts() -> st.Step:
    """A step of a mixture, spread over ranks."""
    return st.step("deepseek-v3", "gb200-nvl72", context=300, layout="dp=72,ep=72")


@cache
def training() -> st.Step:
    """A step of training through a pipeline."""
    return st.step("llama-3.1-8b", "h100-sxm", phase="train", layout="tp=2,pp=4", batch=8)


def searched() -> Any:
    return st.search("llama-3.1-8b", "h100-sxm", chips=[1, 2], batch=[1, 8, 64])


def figure_texts(figure: Any) -> list[tuple[str, Any]]:
    """Every text that is drawn, with its box in pixels; ticks outside of their axis are not drawn."""
    from matplotlib.text import Text

    renderer, hidden = figure.canvas.get_renderer(), set()
    for axes in figure.axes:
        for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            low, high = sorted(ends)
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low - 1e-9 * abs(low) <= tick.get_loc() <= high + 1e-9 * abs(high):
                    hidden |= {id(tick.label1), id(tick.label2)}
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and id(text) not in hidden
    ]


def wrongs(figure: Any) -> list[str]:
    """Texts that are cut off or lie on one another, and a legend that lies on axes."""
    boxes, found = figure_texts(figure), []
    width, height = figure.canvas.get_width_height()
    for text, box in boxes:
        if box.x0 < -0.5 or box.y0 < -0.5 or box.x1 > width + 0.5 or box.y1 > height + 0.5:
            found.append(f"cut: {text}")
    for (one, a), (other, b) in combinations(boxes, 2):
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1:
            found.append(f"{one!r} lies on {other!r}")
    renderer = figure.canvas.get_renderer()
    legend = figure.legends[0].get_window_extent(renderer)
    found += ["the legend lies on axes" for axes in figure.axes if legend.y1 - axes.get_tightbbox(renderer).y0 > 2]
    return found


def curve(chart, name: str):
    return next(one for one in chart.curves if one.name.startswith(name))


def at(one, x: float) -> float:
    """The value of a curve at one of its points."""
    return float(one.y[np.flatnonzero(one.x == x)[0]])


def cell(bars, bar: str, part: str) -> float:
    return bars.parts[part][bars.bars.index(bar)]
