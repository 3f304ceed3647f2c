"""A picture that needs no script: the terms of a step against the batch, on logarithmic axes, as SVG."""

from math import floor, isfinite, log, log10

import numpy as np

from steptime.model import symbols as q
from steptime.model.page.controls import AXES
from steptime.model.page.outputs import TERMS
from steptime.model.step.case import Case
from steptime.model.text.format import si

Array = np.ndarray
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 330, 66, 14, 12, 44
POINTS = 97
DEEPEST = 1e6
"""How far below the highest point a curve is drawn."""


def picture(case: Case) -> str:
    """The figure: terms at the mean load, and the step as the largest of them."""
    batches = np.geomspace(1.0, AXES[q.batch], POINTS)
    there = case.relaxed.scenario | {q.batch: batches}
    curves = {str(name): np.broadcast_to(there.evaluate(case.resources[name]), POINTS)
              for name in TERMS if not there.missing(case.resources[name])}  # fmt: skip
    high = max((float(curve.max()) for curve in curves.values()), default=1.0) * 1.2
    lows = [float(curve[curve > 0].min()) for curve in curves.values() if (curve > 0).any()]
    low = max(min(lows, default=high / 10), high / DEEPEST) / 1.2
    drawn = "".join(_curve(name, batches, curve, low, high) for name, curve in curves.items())
    legend = "".join(f'<li><svg viewBox="0 0 32 10" aria-hidden="true"><path class="curve {name}" d="M1 5H31"/></svg>'
                     f"{name}</li>" for name in curves)  # fmt: skip
    return (f'<figure><figcaption>Time of the terms against batch, at the mean load.</figcaption>\n'
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Time of the terms against batch">'
            f'{_axes(low, high)}{drawn}</svg>\n<ul class="legend">{legend}</ul></figure>\n')  # fmt: skip


def _place(value: float, low: float, high: float, start: float, end: float) -> float:
    return start + (end - start) * log(value / low) / log(high / low)


def _across(batch: float) -> float:
    return _place(batch, 1.0, AXES[q.batch], LEFT, WIDTH - RIGHT)


def _up(seconds: float, low: float, high: float) -> float:
    return _place(seconds, low, high, HEIGHT - BOTTOM, TOP)


def _curve(name: str, batches: Array, curve: Array, low: float, high: float) -> str:
    shown = [(batch, float(seconds)) for batch, seconds in zip(batches, curve, strict=True)
             if isfinite(seconds) and seconds >= low]  # fmt: skip
    points = [f"{_across(batch):.1f} {_up(seconds, low, high):.1f}" for batch, seconds in shown]
    return f'<path class="curve {name}" d="M{"L".join(points)}"/>' if points else ""


def _axes(low: float, high: float) -> str:
    found = f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>'
    for power in range(floor(log10(AXES[q.batch])) + 1):
        x = _across(10.0**power)
        found += f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{si(10.0**power)}</text>'
    for power in range(floor(log10(low)) + 1, floor(log10(high)) + 1):
        y = _up(10.0**power, low, high)
        found += f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        found += f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{si(10.0**power, "s")}</text>'
    return f'{found}<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">batch</text>'
