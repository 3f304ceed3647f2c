"""Pictures of the program as pgfplots: the numbers of a chart, set by LaTeX itself."""

from collections.abc import Callable, Sequence

import numpy as np

from steptime.derivations.printed.export import escape
from steptime.model.plot.draw.labels import factor_of
from steptime.model.plot.draw.style import LIGHT
from steptime.model.plot.shapes import Array, Axis, Bars, Chart, Curve, Curves, Points, Role, Schedule

MOST_POINTS = 60
"""Points of a curve, evenly through all of it; its ends are among them."""
STROKES = {Role.COMPUTE: "dashed", Role.MEMORY: "densely dotted", Role.INTERCONNECT: "dash dot", Role.BOUND: "solid",
           Role.ESTIMATE: "dash dot dot", Role.FLOOR: "loosely dotted"}  # fmt: skip
CYCLE = ("solid", "dashed", "densely dotted", "dash dot", "dash dot dot", "loosely dashed")
MARKS = ("mark=*,mark size=1.8pt", "mark=square,mark size=2.6pt", "mark=triangle,mark size=3.4pt",
         "mark=diamond,mark size=4pt", "mark=x,mark size=3pt")  # fmt: skip
"""Points of one legend, each larger and hollow, so that those at the same place are told apart."""
TICKS = (1, 2, 5)
SHORT = 2.5
"""Powers of ten up to which an axis has ticks between them, as numbers."""
PASSES = {"F": 0, "B": 1, "W": 2}
"""Which colour each kind of pass has."""
PASS_NAMES = {"F": "forward", "B": "backward", "W": "gradients of weights"}
LETTERS = 44
"""Letters of a name for two of which a legend's line has room."""


def pgf(chart: Chart) -> str:
    """The picture of a chart; raises TypeError for shapes that the book has none of."""
    for shape, drawn in DRAWN.items():
        if isinstance(chart, shape):
            return drawn(chart)
    raise TypeError(f"no picture of a {type(chart).__name__} in the book")


def colours() -> str:
    """The style's colours by the names under which pictures use them."""
    return "\n".join(rf"\definecolor{{tone{place}}}{{HTML}}{{{code[1:]}}}" for place, code in enumerate(LIGHT.colours))


def tone(place: int) -> str:
    """One of the style's colours by its name."""
    return f"tone{place % len(LIGHT.colours)}"


def ink(role: Role) -> str:
    """The colour of a role; black where it is that of what is written."""
    code = LIGHT.roles[role]
    return tone(LIGHT.colours.index(code)) if code in LIGHT.colours else "black"


def axis(x: Axis, xs: Array, y: Axis, ys: Array, more: Sequence[str] = ()) -> tuple[str, float, float]:
    """The opening of a pair of axes, and by what the numbers on each are divided."""
    (across, across_unit), (up, up_unit) = factor_of(x, xs), factor_of(y, ys)
    options = [
        "width=0.92\\linewidth", "height=70mm", f"xmode={'log' if x.log else 'linear'}",
        f"ymode={'log' if y.log else 'linear'}", rf"xlabel={{{_heading(x.name, across_unit)}}}",
        rf"ylabel={{{_heading(y.name, up_unit)}}}", "grid=major", "major grid style={black!12}",
        "legend style={at={(0.5,-0.2)},anchor=north,draw=none,font=\\footnotesize,cells={anchor=west}}",
        "tick label style={font=\\footnotesize}", "label style={font=\\small}",
        "/pgf/number format/1000 sep={\\,}", *_ticks("x", x, xs / across), *_ticks("y", y, ys / up), *more,
    ]  # fmt: skip
    return rf"\begin{{axis}}[{', '.join(options)}]", across, up


def _ticks(side: str, of: Axis, numbers: Array) -> list[str]:
    """Ticks at 1, 2 and 5 of each power of ten on a logarithmic axis of few powers: not at broken ones."""
    good = numbers[np.isfinite(numbers) & (numbers > 0)]
    if not of.log or not good.size:
        return []
    low, high = np.log10(good.min()), np.log10(good.max())
    if high - low > SHORT:
        return []
    every = [digit * 10.0**power for power in range(int(np.floor(low)), int(np.ceil(high)) + 1) for digit in TICKS]
    kept = [f"{tick:g}" for tick in every if low - 0.1 <= np.log10(tick) <= high + 0.1]
    return [f"{side}tick={{{','.join(kept)}}}", f"{side}ticklabels={{{','.join(kept)}}}"]


def _heading(name: str, unit: str) -> str:
    return f"{escape(name)}{f' [{escape(unit)}]' if unit else ''}"


def _curves(chart: Curves) -> str:
    """Curves in strokes of their own, points, and edges as vertical lines."""
    drawn: list[Curve | Points] = [*chart.curves, *chart.points]
    xs, ys = (np.concatenate([getattr(one, side) for one in drawn]) for side in "xy")
    longest = max(len(name) for name in (*(one.name for one in drawn), *(edge.name for edge in chart.edges)))
    opening, across, up = axis(chart.x, xs, chart.y, ys, [f"legend columns={1 if longest > LETTERS else 2}"])
    lines = [r"\begin{tikzpicture}", opening]
    others = 0
    for curve in sorted(chart.curves, key=lambda curve: curve.role != Role.BOUND):  # terms lie upon their bound
        known = curve.role in STROKES
        again = [one for one in chart.curves if one.role == curve.role].index(curve) if known else 0
        shade = ink(curve.role) if known else tone(others)
        stroke = STROKES[curve.role] if known and not again else CYCLE[(again or others) % len(CYCLE)]
        others += not known
        wide = "line width=2.4pt,opacity=0.35" if curve.role == Role.BOUND else "thick"
        lines += [rf"\addplot[{wide},{stroke},color={shade}] coordinates {{{_coordinates(curve, across, up)}}};",
                  rf"\addlegendentry{{{_legend(curve.name)}}}"]  # fmt: skip
    many = len(chart.points) > 1 and all(len(points.x) > 1 for points in chart.points)
    for place, points in enumerate(chart.points):
        at = " ".join(f"({x / across:.5g},{y / up:.5g})" for x, y in zip(points.x, points.y, strict=True))
        look = f"mark=*,mark size=0.9pt,color={tone(place)}" if many else f"{MARKS[place % len(MARKS)]},color=black"
        lines += [rf"\addplot[only marks,{look}] coordinates {{{at}}};",
                  rf"\addlegendentry{{{_legend(points.name)}}}"]  # fmt: skip
    for place, edge in enumerate(chart.edges):
        level, dash = f"{{axis cs:{edge.x / across:.5g},{ys[0] / up:.5g}}}", CYCLE[place % len(CYCLE)]
        lines += [rf"\draw[thin,{dash},black!60] ({level} |- {{rel axis cs:0,0}}) -- ({level} |- {{rel axis cs:0,1}});",
                  rf"\addlegendimage{{thin,{dash},black!60}}\addlegendentry{{{escape(edge.name)}}}"]  # fmt: skip
    return "\n".join([*lines, r"\end{axis}", r"\end{tikzpicture}"])


def _legend(name: str) -> str:
    """A name as it stands in a legend: formulas between dollars as they are."""
    parts = name.split("$")
    return "$".join(escape(part) if place % 2 == 0 else part for place, part in enumerate(parts)) if (
        len(parts) % 2) else escape(name)  # fmt: skip


def _coordinates(curve: Curve, across: float, up: float) -> str:
    good = np.flatnonzero(np.isfinite(curve.x) & np.isfinite(curve.y))
    chosen = good[np.unique(np.linspace(0, len(good) - 1, min(MOST_POINTS, len(good))).round().astype(int))]
    return " ".join(f"({curve.x[at] / across:.5g},{curve.y[at] / up:.5g})" for at in chosen)


def _bars(chart: Bars) -> str:
    """Stacked bars, their names below them, limits as lines across."""
    values = np.array([*(value for part in chart.parts.values() for value in part), *chart.limits.values()])
    totals = np.sum(list(chart.parts.values()), axis=0)
    places = np.arange(len(chart.bars), dtype=float)
    names = ",".join(rf"{{{escape(bar)}}}" for bar in chart.bars)
    opening, _, up = axis(
        Axis("", log=False), places, chart.axis, np.concatenate([values, totals]),
        ["ybar stacked", "legend columns=2", f"bar width={min(28, 240 // max(1, len(chart.bars)))}pt", "ymin=0",
         f"xtick={{{','.join(f'{place:g}' for place in places)}}}", f"xticklabels={{{names}}}",
         "x tick label style={font=\\scriptsize,align=center,text width=22mm}", "xmin=-0.6",
         f"xmax={len(places) - 0.4:g}"],
    )  # fmt: skip
    lines = [r"\begin{tikzpicture}", opening]
    for number, (part, heights) in enumerate(chart.parts.items()):
        at = " ".join(f"({place:g},{height / up:.5g})" for place, height in zip(places, heights, strict=True))
        lines += [rf"\addplot[fill={tone(number)},draw=black!60] coordinates {{{at}}};",
                  rf"\addlegendentry{{{escape(part)}}}"]  # fmt: skip
    for place, (name, value) in enumerate(chart.limits.items()):
        dash = CYCLE[place % len(CYCLE)]
        ends = f"(axis cs:-0.6,{value / up:.5g}) -- (axis cs:{len(places) - 0.4:g},{value / up:.5g})"
        lines += [rf"\draw[{dash}] {ends};",
                  rf"\addlegendimage{{{dash},black}}\addlegendentry{{{escape(name)}}}"]  # fmt: skip
    return "\n".join([*lines, r"\end{axis}", r"\end{tikzpicture}"])


def _schedule(chart: Schedule) -> str:
    """Passes as boxes: stages from above to below, time from left to right."""
    end = max(slot.end for slot in chart.slots)
    stages = 1 + max(slot.stage for slot in chart.slots)
    across, high = 150.0 / end, min(6.0, 60.0 / stages)
    lines = [r"\begin{tikzpicture}[x=1mm,y=1mm]"]
    for slot in chart.slots:
        pale = 80 - 45 * (slot.chunk // stages % 2)
        left, right, top = slot.start * across, slot.end * across, -high * slot.stage
        lines.append(rf"\filldraw[fill={tone(PASSES[slot.kind])}!{pale},draw=white,line width=0.2pt] "
                     rf"({left:.2f},{top:.2f}) rectangle ({right:.2f},{top - 0.86 * high:.2f});")  # fmt: skip
        if right - left > NUMBERED:
            lines.append(rf"\node[font=\tiny,inner sep=0pt] at ({(left + right) / 2:.2f},{top - 0.43 * high:.2f})"
                         rf" {{{slot.micro_batch + 1}}};")  # fmt: skip
    for stage in range(stages):
        lines.append(rf"\node[left,font=\scriptsize] at (0,{-high * (stage + 0.43):.2f}) {{{stage + 1}}};")
    kinds = [kind for kind in PASSES if any(slot.kind == kind for slot in chart.slots)]
    for place, kind in enumerate(kinds):
        low = -high * stages - 5
        lines.append(rf"\filldraw[fill={tone(PASSES[kind])}!80,draw=white] ({40 * place},{low:.2f}) rectangle "
                     rf"({40 * place + 5},{low - 3:.2f}) node[right,font=\footnotesize,yshift=1.5mm]"
                     rf" {{{PASS_NAMES[kind]}}};")  # fmt: skip
    return "\n".join([*lines, r"\end{tikzpicture}"])


NUMBERED = 2.4
"""Millimetres of a box from which on the number of its micro-batch stands in it."""
DRAWN: dict[type[Chart], Callable[..., str]] = {Curves: _curves, Bars: _bars, Schedule: _schedule}
