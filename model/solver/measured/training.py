"""The optimizer step of a measured row: the fastest of all choices that it leaves open, so that its time is a bound."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import AttentionKernel, PhaseName, Recompute, Schedule, TermName
from steptime.model.errors import UserError
from steptime.model.phases.accounts import Model, accounts_of
from steptime.model.phases.train import Choices
from steptime.model.solver.measured.questions import (
    asked_of,
    has_layout,
    needed,
    searched,
    stated_layout,
    whole_number,
)  # fmt: skip
from steptime.model.solver.measured.sheets import sheet_of
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.step.inputs import Inputs, Question

COMPUTE = TermName.COMPUTE
SHARDED = range(4)
"""Degrees to which state is sharded over data-parallel ranks (ZeRO, arXiv 1910.02054)."""


@dataclass(frozen=True)
class Fastest:
    """The least time of a step in seconds, and the case of the choices that take it. ``floor``: what its compute alone
    takes at least, however state is kept."""

    time: float
    case: Case
    floor: float = 0.0


def optimizer_step(row: Measurement, model: Model, machine: Hardware) -> Fastest:
    """An optimizer step of a row, whatever memory its choices would take: it ran, so that it had room.

    Recomputation that is only called partial counts as unstated. A row that states its chunks a stage runs 1F1B; any
    number of them that leaves a layer for each is tried where it does not, as stages need not be even.
    """
    given = {q.batch: whole_number(needed(row, "batch")), q.sequence: whole_number(needed(row, "sequence"))}
    given |= {symbol: row.number(symbol.name) or 1.0 for symbol in (q.microbatch, q.interleave)}
    question = asked_of(row, model, machine, Inputs(PhaseName.TRAIN, given, training=_least_work(row)))
    if not has_layout(row):
        return _of_any_layout(row, question)
    layout = stated_layout(row)
    question = question.but({q.interleave: 1.0}, layout=layout)
    ways = [way for schedule in _schedules(row, layout.pp) for way in _ways_to_keep_state(row, question, schedule)]
    return min(ways, key=lambda way: way.time)


def _ways_to_keep_state(row: Measurement, question: Question, schedule: Schedule) -> Iterator[Fastest]:
    """The least time in each way, until one takes no more than its compute, which is the same in all."""
    for zero in SHARDED:
        way = _least(row, question, schedule, zero)
        yield way
        if way.time <= way.floor:
            return


def _least(row: Measurement, question: Question, schedule: Schedule, zero: int) -> Fastest:
    """The least over micro-batches and chunks a stage, in one schedule and one way to keep state."""
    training = replace(question.inputs.training, schedule=schedule, zero=zero)
    sizes, chunks = np.meshgrid(_microbatches(row, question), _chunks(row, question, schedule))
    columns = {q.microbatch: sizes.ravel().astype(float), q.interleave: chunks.ravel().astype(float)}
    smallest = {q.microbatch: float(sizes.min())}
    sheet = sheet_of(question.but(smallest, training=training), columns)
    times, compute = (np.broadcast_to(found, sizes.size) for found in (sheet.of(q.step_time), sheet.times()[COMPUTE]))
    place = int(np.argmin(times))
    best = {symbol: float(values[place]) for symbol, values in columns.items()}
    cases = [way.changed(best) for way in sheet.ways]
    case = min(cases, key=lambda case: case.number(q.step_time) or float("inf")) if len(cases) > 1 else cases[0]
    return Fastest(float(times[place]), case, float(compute.min()))


def _microbatches(row: Measurement, question: Question) -> list[int]:
    """Sequences that a rank may work on at once: as stated, else every divisor of its share."""
    if (stated := row.number("microbatch")) is not None:
        return [int(stated)]
    layout, batch = question.inputs.layout, int(question.inputs.given[q.batch])
    ranks = layout.dp * layout.replicas if layout else 1
    if batch % ranks:
        raise UserError(f"batch {batch} is no multiple of the {ranks} ranks that share it")
    share = batch // ranks
    return [size for size in range(1, share + 1) if share % size == 0]


def _schedules(row: Measurement, stages: int) -> list[Schedule]:
    """Orders of passes that a row leaves open; one stage has no bubble in any."""
    return list(Schedule) if stages > 1 and row.number("interleave") is None else [Schedule.ONE_F_ONE_B]


def _chunks(row: Measurement, question: Question, schedule: Schedule) -> list[int]:
    """Chunks of layers that a stage may hold."""
    if (stated := row.number("interleave")) is not None:
        return [int(stated)]
    stages = question.inputs.layout.pp if question.inputs.layout else 1
    if stages == 1 or schedule != Schedule.ONE_F_ONE_B:
        return [1]
    return list(range(1, max(1, accounts_of(question.model).layers // stages) + 1))


def _of_any_layout(row: Measurement, question: Question) -> Fastest:
    """The fastest layout on a row's chips, of those that fit: what fits decides, and what keeps less takes longer."""
    free = {"zero", "sequence_parallel", "attention_kernel"}
    free |= {name for name in ("microbatch", "interleave") if row.number(name) is None}
    free |= {"schedule"} if "interleave" in free else set()
    free |= {"recompute"} if _is_open(row) else set()
    case = build_case(searched(row, question, frozenset(free)))
    return Fastest(case.number(q.step_time) or float("nan"), case)


def _least_work(row: Measurement) -> Choices:
    """The choices that no other beats in any term, where memory is no limit: what a row does not state is not computed
    again, scores are kept, and tensor-parallel chips add up without gathering again."""
    recompute = Recompute.NONE if _is_open(row) else Recompute(row.recompute)
    return Choices(recompute, sequence_parallel=False, attention_kernel=AttentionKernel.UNFUSED)


def _is_open(row: Measurement) -> bool:
    """Whether a row leaves open what is computed again."""
    return row.recompute not in tuple(Recompute)
