"""The triangle of budgets: how much longer a step is for every split of the spend over three resources."""

from collections.abc import Sequence

import numpy as np

from steptime.derivations.printed.export import escape
from steptime.derivations.steps import Derivation
from steptime.model.scenario import evaluate

SIDE = 95.0
"""Millimetres of a side."""
LEVELS = (1.1, 1.25, 1.5, 2.0, 3.0)
"""Times of a step over that of the balanced machine, each a contour."""


def triangle(shares: Sequence[Derivation], labels: Sequence[str]) -> str:
    """Contours of the step over every split of what is not spent on capacity.

    The time is the largest of the three terms, each in proportion to its balanced share over the share that is spent on
    it: a contour is a small triangle, similar to the whole, about the balanced machine.
    """
    found = np.array([float(evaluate(one.result.rhs, one.numbers)) for one in shares])
    balanced = found / found.sum()
    corners = np.array([[0.0, 0.0], [SIDE, 0.0], [SIDE / 2, SIDE * np.sqrt(3) / 2]])
    lines = [r"\begin{tikzpicture}[x=1mm,y=1mm]", rf"\draw {_path(corners)};"]
    named = r"\node[font=\tiny,fill=white,inner sep=1pt] at"
    for level in reversed(LEVELS):
        least = balanced / level
        inner = np.array([least + (1 - least.sum()) * np.eye(3)[place] for place in range(3)]) @ corners
        lines += [rf"\filldraw[fill=blue!{int(60 / level**2)},draw=blue!60!black,thin] {_path(inner)};",
                  rf"{named} {_at((inner[0] + inner[2]) / 2)} {{${level:g}$}};"]  # fmt: skip
    centre = balanced @ corners
    beside = np.array([0.92, 0.42]) * SIDE
    lines.append(rf"\fill {_at(centre)} circle[radius=1]; \draw[thin] {_at(centre)} -- {_at(beside)} "
                 r"node[font=\footnotesize,right] {balanced};")  # fmt: skip
    anchors = ("below", "below", "above")
    for place, corner in enumerate(corners):
        said = rf"all on {escape(labels[place])}\\(balanced: {100 * balanced[place]:.0f}\,\%)"
        lines.append(rf"\node[{anchors[place]},font=\footnotesize,align=center] at {_at(corner)} {{{said}}};")
    return "\n".join([*lines, r"\end{tikzpicture}"])


def _at(point: np.ndarray) -> str:
    return f"({point[0]:.2f},{point[1]:.2f})"


def _path(points: np.ndarray) -> str:
    return " -- ".join([*map(_at, points), "cycle"])
