"""A step over its batch: how long each term takes, and what a token costs."""

from typing import TYPE_CHECKING

import numpy as np

from steptime.model import symbols as q
from steptime.model.choices import PhaseName
from steptime.model.errors import UserError
from steptime.model.plot.shapes import Array, Axis, Curve, Curves, Edge, Points, Role
from steptime.model.text.format import plain

from steptime.model.plot.scenes import (  # isort: skip
    about, bound_name, cost_axis, crossing_points, crossings, estimate_name, must_be_known, spread,
    term_curves,
)  # fmt: skip

if TYPE_CHECKING:
    from steptime.model.api.step import Step

LEAST_SPAN, MOST = 1024.0, 2.0**20
WHOLE = 120
"""Whole batches at which bound and estimate are worked out."""
EVER_MORE = 1e12
"""A batch at which what does not grow with it is below a millionth of a token's cost."""


def batch(step: "Step") -> Curves:
    """Seconds of each term over the batch, at the mean load; bound and estimate of whole batches; where terms cross."""
    must_be_known(step.case)
    whole = batches(step)
    least, most = float(whole[0]), float(whole[-1])
    found = crossings(step.case, q.batch, least, most)
    grid = step.over(batch=whole)
    curves = [*term_curves(step.case, q.batch, spread(least, most, *(x for _, x in found))),
              Curve(bound_name(step.case), whole, grid.step_time, Role.BOUND)]  # fmt: skip
    if (estimate := grid.estimate) is not None:
        curves.append(Curve(estimate_name(step), whole, estimate, Role.ESTIMATE))
    return Curves(
        "batch", "Time of a step against batch", about(step.case, q.batch), Axis("batch, sequences in flight"),
        Axis("time of a step", "s"), tuple(curves), crossing_points(step.case, q.batch, found), room(step, most),
    )  # fmt: skip


def cost(step: "Step") -> Curves:
    """What a million tokens cost over the batch: each term's share at the mean load, bound, estimate, and the floor
    that no batch brings the bound below."""
    must_be_known(step.case)
    whole = batches(step)
    least, most = float(whole[0]), float(whole[-1])
    axis, expr = cost_axis(step.case)
    found = crossings(step.case, q.batch, least, most)
    at, each = spread(least, most, *(x for _, x in found)), expr / q.mean_step_time
    grid = step.over(batch=whole)
    dollars = grid.of(expr)
    curves = [*term_curves(step.case, q.batch, at, each), Curve(bound_name(step.case), whole, dollars, Role.BOUND)]
    if (estimate := grid.mean_estimate) is not None:
        curves.append(Curve(estimate_name(step), whole, dollars * estimate / grid.of(q.mean_step_time), Role.ESTIMATE))
    floor = step.case.relaxed.changed({q.batch: EVER_MORE}).number(expr)
    if floor:
        ends = np.array([least, most])
        said = f"${plain(floor)}" if axis.unit == "$" else f"{plain(floor)} {axis.unit}"
        curves.append(Curve(f"floor of the bound, {said}", ends, np.full(2, floor), Role.FLOOR))
    marks = (*crossing_points(step.case, q.batch, found, each), *_chosen(step, most))
    return Curves("cost", "Cost of a token against batch", about(step.case, q.batch),
                  Axis("batch, sequences in flight"), axis, tuple(curves), marks, room(step, most))  # fmt: skip


def batches(step: "Step") -> Array:
    """Whole batches in about equal ratios, to beyond the room for them and beyond every crossing; of training, those
    of whole micro-batches."""
    case = step.case
    unit = 1.0
    if case.inputs.phase == PhaseName.TRAIN:
        unit = float(case.scenario.evaluate(q.replicas * q.data_parallel * q.microbatch))
    here, held = case.scenario.evaluate(q.batch), step.largest_concurrency if _is_decode(step) else None
    met = [value for _, value in crossings(case, q.batch, 1.0, MOST)]
    most = min(MOST, max(4 * here, LEAST_SPAN, *(2 * value for value in met), 2.0 * (held or 0)))
    if unit > most:
        raise UserError(f"`batch`: no two batches of whole micro-batches up to {most:,.0f}; one has {unit:,.0f}")
    return np.unique(np.round(np.geomspace(1, 2 ** np.ceil(np.log2(most / unit)), WHOLE))) * unit


def room(step: "Step", most: float) -> tuple[Edge, ...]:
    """The batch beyond which a decode step has no room."""
    held = step.largest_concurrency if _is_decode(step) else None
    if held is None or held >= most:
        return ()
    return (Edge(f"beyond {plain(held)} sequences: no room in memory", float(held), beyond=True),)


def _is_decode(step: "Step") -> bool:
    return step.case.inputs.phase == PhaseName.DECODE


def _chosen(step: "Step", most: float) -> tuple[Points, ...]:
    """The best batch, where there is one."""
    try:
        found = step.best_batch()
    except UserError:
        return ()
    whole = found.whole
    if not whole.get("feasible") or not whole["batch"] <= most:
        return ()
    there = step.replace(batch=whole["batch"])
    _, expr = cost_axis(there.case)
    value = there.case.number(expr)
    estimate, mean = there.estimate, there.case.number(q.mean_step_time)
    if found.limits_hold_for == "estimate" and estimate is not None and value and mean:
        value *= estimate.mean_time / mean
    at = np.array([float(whole["batch"])])
    return (Points(f"best batch, {plain(at[0])}, by the {found.limits_hold_for}", at, np.array([float(value or 0.0)]),
                   Role.BOUND),)  # fmt: skip
