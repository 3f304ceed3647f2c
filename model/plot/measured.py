"""What was measured, and what other tools answer, beside what the model says."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from steptime.model.errors import UserError
from steptime.model.plot.shapes import Axis, Curve, Curves, Points, Role
from steptime.model.solver.measured.judged import Judged, columns_of, groups
from steptime.model.text.format import counted

if TYPE_CHECKING:
    from steptime.model.api.compared import Comparison
    from steptime.model.api.measured import Validated

MOST = 10
"""Groups that are told apart; all others are one."""


def truth(found: "Validated", by: str | Sequence[str] = "phase") -> Curves:
    """Seconds by the estimate against measured ones, grouped by columns; where there is no estimate, at the bound.
    On the line both are the same; above a bound's line nothing may lie."""
    practice = any(one.practice is not None for one in found.judged)
    said: Callable[[Judged], float | None] = _estimate if practice else _ideal
    known = [one for one in found.judged if one.measured and said(one)]
    if not known:
        raise UserError("no row has both a measured time and one of the model: there is nothing to draw")
    sorted_groups = sorted(groups(known, columns_of(by)).items(), key=lambda item: -len(item[1]))
    points = [_points(" ".join(names), members, said) for names, members in sorted_groups[:MOST]]
    if rest := [one for _, members in sorted_groups[MOST:] for one in members]:
        points.append(_points("others", rest, said))
    every = np.concatenate([one.x for one in points])
    ends = np.array([every.min() / 1.5, every.max() * 1.5])
    lines = [Curve("as measured", ends, ends, Role.BOUND)]
    lines += [Curve(name, ends, ends * factor, Role.FLOOR) for name, factor in (("twice", 2.0), ("half", 0.5))]
    whose = "by the estimate" if practice else "at the bound"
    fit = ", a part of them rows of the fit itself" if practice and found.of_fit else ""
    return Curves("truth", f"Times {whose} against measured ones", f"{counted(len(known), 'measured row')}{fit}",
                  Axis("measured time", "s"), Axis(f"time {whose}", "s"), tuple(lines), tuple(points))  # fmt: skip


def tools(found: "Comparison") -> Curves:
    """What other tools answered against our estimate, seconds of the same case; against the bound where there is no
    estimate of any."""
    practice = any(row.estimate is not None for row in found.found.rows)
    points = []
    for tool in found.tools:
        pairs = [(row.estimate if practice else row.bound, row.answer) for row in tool.rows]
        known = np.array([(ours, theirs) for ours, theirs in pairs if ours and theirs], float).reshape(-1, 2)
        if len(known):
            points.append(Points(f"{tool.name} ({len(known)})", known[:, 0], known[:, 1], Role.SAMPLE))
    if not points:
        raise UserError("no case has both a tool's answer and ours: there is nothing to draw")
    every = np.concatenate([one.x for one in points])
    ends = np.array([every.min() / 1.5, every.max() * 1.5])
    whose = "by our estimate" if practice else "at the bound"
    return Curves("tools", "What tools answer to the same cases", f"{len(every)} answers of {len(points)} tools",
                  Axis(f"time {whose}", "s"), Axis("time that the tool answers", "s"),
                  (Curve("the same", ends, ends, Role.BOUND),), tuple(points))  # fmt: skip


def _points(name: str, members: list[Judged], said: Callable[[Judged], float | None]) -> Points:
    x, y = (np.array([float(value(one) or 0.0) for one in members]) for value in (_measured, said))
    return Points(f"{name} ({len(members)})", x, y, Role.SAMPLE)


def _measured(one: Judged) -> float | None:
    return one.measured


def _estimate(one: Judged) -> float | None:
    return None if one.practice is None else one.practice.seconds


def _ideal(one: Judged) -> float | None:
    return one.ideal
