"""When each stage of a pipeline runs which pass of a step of training."""

from typing import TYPE_CHECKING

from steptime.derivations.pipelines.simulated import deferring, interleaved, timed
from steptime.model import symbols as q
from steptime.model.choices import PhaseName, Schedule
from steptime.model.errors import UserError
from steptime.model.phases.train import TrainPhase
from steptime.model.plot.scenes import about
from steptime.model.plot.shapes import Schedule as Gantt
from steptime.model.plot.shapes import Slot
from steptime.model.text.format import plain

if TYPE_CHECKING:
    from steptime.model.api.step import Step

MOST = 20_000
"""Passes that can be drawn."""
ROUNDS = {Schedule.ZB_H1: 1, Schedule.ZB_H2: 2}


def schedule(step: "Step") -> Gantt:
    """The passes of a step of training, each stage by the list of its schedule, every pass as early as it can be, as
    long as the compute term has it: what the bubble's formula is of.

    Raises UserError for other phases, for one stage, and where there are more passes than can be drawn.
    """
    case, phase = step.case, step.case.phase
    if case.inputs.phase != PhaseName.TRAIN or not isinstance(phase, TrainPhase) or case.layout.pp == 1:
        raise UserError("a schedule is of a pipeline in training: give `phase` train and a `layout` with pp above 1")
    stages, chunks = case.layout.pp, int(case.scenario.evaluate(q.interleave))
    number = round(case.scenario.evaluate(q.micro_batches))
    choices = phase.choices
    delayed = choices.schedule in ROUNDS
    orders = deferring(stages, number, ROUNDS[choices.schedule]) if delayed else interleaved(stages, number, chunks)
    if (passes := sum(map(len, orders))) > MOST:
        raise UserError(f"`batch`: {passes:,} passes of {number:,} micro-batches are more than can be drawn")
    backward = 2.0 if choices.runs_layers_again else 1.0
    worked = case.scenario.evaluate(case.resources["compute"]) / (1 + case.scenario.evaluate(q.bubble_ratio))
    unit = worked / number / (2.0 + backward)
    durations = {"F": unit, "B": unit * backward, "W": unit} if delayed else {
        "F": unit / chunks, "B": unit * (1 + backward) / chunks}  # fmt: skip
    times = timed(orders, durations)
    slots = [Slot(stage, *one, *times[one]) for stage, order in enumerate(orders) for one in order]
    whole = max(slot.end for slot in slots)
    idle = f"{plain(100 * (1 - worked / whole))} % of {plain(whole)} s idle"
    said = f"{about(case)} · {plain(number)} micro-batches · {choices.schedule}, {idle}"
    return Gantt("schedule", "Passes of a pipeline in one step of training", said, tuple(slots), chunks)
