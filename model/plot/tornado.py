"""What one per cent more of each quantity changes: elasticities, the largest first."""

from typing import TYPE_CHECKING, Any

from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.plot.scenes import about, must_be_known
from steptime.model.plot.shapes import Axis, Bars
from steptime.model.solver.practice import practice_of
from steptime.model.solver.sensitivity import Elasticity, envelope_at
from steptime.model.step.estimate import coefficients_of

if TYPE_CHECKING:
    from steptime.model.api.answers import BestBatch, Earnings
    from steptime.model.api.machine import Designed
    from steptime.model.api.search import Found
    from steptime.model.api.step import Step

MOST, LEAST = 16, 5e-3
"""Bars that are shown, and the elasticity below which there is nothing to see."""
AXIS = Axis("per cent of change for one per cent more", "%", log=False)
ENDS = ("a little more", "a little less")


def sensitivity(answer: "Step | BestBatch | Found | Designed | Earnings") -> Bars:
    """Elasticities: of the time of a step as it stands, in practice where there is an estimate; of the least cost,
    whatever was optimised adjusting; of what a chip's resources earn. At a kink a little more changes it by less than a
    little less does: both ends are drawn."""
    found, title, said = _elasticities(answer)
    felt = {name: ends for name, ends in found.items() if max(map(abs, ends)) >= LEAST}
    if not felt:
        raise UserError("no quantity changes anything here: there is nothing to draw")
    first = dict(sorted(felt.items(), key=lambda item: -max(map(abs, item[1])))[:MOST])
    parts = {end: tuple(ends[place] for ends in first.values()) for place, end in enumerate(ENDS)}
    return Bars("sensitivity", title, said, AXIS, tuple(first), parts, {}, ends=True)


def _elasticities(answer: Any) -> tuple[dict[str, tuple[float, float]], str, str]:
    """Ends by quantity, what they are of, and the scenario."""
    data = answer.to_dict()
    if not {"who_earns", "sensitivities"} & data.keys():  # a step, which is not solved for
        return _of_step(answer)
    if "who_earns" in data:
        ends = {one["resource"]: tuple(one["elasticity"]) for one in data["who_earns"]}
        return ends, "What the resources of a chip change of the cost of a token", about(answer.case)
    intervals = data["sensitivity_intervals"]
    ends = {name: tuple(intervals.get(name, (value, value))) for name, value in data["sensitivities"].items()}
    held = f"limits hold for the {data['limits_hold_for']}"
    goal = f"What changes the least {data['minimise']}"
    if hasattr(answer, "whole"):
        best = answer.case.changed({q.batch: answer.whole["batch"]}) if answer.whole else answer.case
        return ends, f"{goal}, at the best batch" if answer.whole else goal, f"{about(best)} · {held}"
    if hasattr(answer, "best"):
        return ends, f"{goal}, at the best layout and batch", f"{about(answer.step().case)} · {held}"
    where = ", ".join(one) if isinstance(one := data.get("hardware", ""), list) else one
    return ends, goal, f"{data['model']}{' on ' * bool(where)}{where} · {held}"


def _of_step(step: "Step") -> tuple[dict[str, tuple[float, float]], str, str]:
    case, chosen = step.case, coefficients_of(step.case)
    must_be_known(case)
    practice = None if chosen is None else practice_of(case, chosen)
    if practice is None:
        worth, whose = envelope_at(case).of_every(case), case.inputs.overlap.said
    else:
        worth, whose = envelope_at(practice.case, of_estimate=practice.parts).of_every(practice.case), "in practice"
    return {name: _ends(one) for name, one in worth.items()}, f"What changes the time of a step, {whose}", about(case)


def _ends(one: Elasticity) -> tuple[float, float]:
    return (one.least, one.most) if one.open else (one.found, one.found)
