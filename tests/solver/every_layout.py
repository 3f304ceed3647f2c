"""A search by loops: every layout a case of its own, every batch looked at, ties decided by sorting."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from conftest import room_of

from steptime.model import symbols as q
from steptime.model.choices import Overlap
from steptime.model.layout.enumeration import layout_of, layouts
from steptime.model.layout.layout import Layout
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.limits import TIMED
from steptime.model.step.build import build_case, cases_at, prepare
from steptime.model.step.case import Case
from steptime.model.step.estimate import coefficients_of, estimated, estimated_time
from steptime.model.step.inputs import Question

COSTS = {
    "cost": q.dollars_per_million_tokens / 1e6, "latency": q.step_time, "energy": q.joules_per_token,
    "chip-seconds": q.chips / q.tokens_per_second,
}  # fmt: skip
EQUAL = 1 + 1e-12


@dataclass(frozen=True)
class One:
    """A layout on a machine in some formats at one batch; ``less_overlap``: its cost by operation, and without."""

    machine: str
    layout: Layout
    row: int
    batch: int
    cost: float
    speed: float
    share: float
    less_overlap: tuple[float, float]

    @property
    def preference(self) -> tuple[object, ...]:
        """Less is better: less overlap, fewer degrees, larger ep, then a smaller batch, fewer chips, the earlier."""
        one = self.layout
        less = [float(f"{bound:.11g}") for bound in self.less_overlap]
        degrees = sum(degree != 1 for degree in (one.tp, one.cp, one.dp, one.pp, one.replicas))
        return *less, degrees, -one.ep, self.batch, one.chips, self.row


def every_layout(search: Search, questions: Sequence[Question], batches: np.ndarray) -> Iterator[list[One]]:
    """All possible points of each layout, one list each."""
    columns = layouts(search.model, search.chips, search.held)
    for question in questions:
        for row in range(len(columns["tp"])):
            asked = question.but({q.batch: float(batches[-1])}, layout=layout_of(columns, row))
            if search.max_ttft is None or first_token(asked) <= search.max_ttft:
                yield points_of(cases_at(prepare(asked), layout_of(columns, row)), search, row, batches)


def first_token(question: Question) -> float:
    """Seconds of one prompt alone at the layout of a question, as long as its context: of its estimate where it has
    one."""
    lengths = [question.inputs.given[s] for s in (q.prompt, q.context) if s in question.inputs.given]
    inputs = question.inputs.prompt_alone(lengths[0])
    case = build_case(Question(question.model, question.hardware, inputs))
    found = estimated(case)
    return float(case.scenario.evaluate(q.step_time)) if found is None else found.step_time


def slower(case: Case, batches: np.ndarray) -> np.ndarray:
    """By how much a step, and the mean step, is slower in practice than at the bound: where there is an estimate."""
    chosen = coefficients_of(case)
    if chosen is None:
        return np.ones((2, len(batches)))
    there = case.changed({q.batch: batches})
    bounds = [there.scenario.evaluate(symbol) for symbol in (q.step_time, q.mean_step_time)]
    return np.array([np.broadcast_to(estimated_time(there, chosen, every) / bound, batches.shape)
                     for bound, every in zip(bounds, (False, True), strict=True)])  # fmt: skip


def points_of(ways: list[Case], search: Search, row: int, batches: np.ndarray) -> list[One]:
    """The possible points of one layout, each in the faster way to copy tokens to experts."""
    there = [case.scenario | {q.batch: batches} for case in ways]

    def of(expr: object) -> np.ndarray:
        return np.array([np.broadcast_to(one.evaluate(expr), batches.shape) for one in there])

    times = of(q.step_time)
    way, place = np.argmin(times, axis=0), np.arange(len(batches))
    case, layout = ways[0], ways[0].layout
    fine = np.array(batches >= layout.replicas * layout.dp * layout.pp)
    fine &= of(q.memory_per_chip)[way, place] <= room_of(case)
    step, mean = np.array([slower(case, batches) for case in ways])[way, :, place].T
    if search.max_step_time is not None:
        fine &= times[way, place] * step <= search.max_step_time
    for limit in search.limits:
        figure = of(limit.quantity)[way, place]
        if limit.quantity in TIMED:
            own = limit.quantity in (q.step_time, q.tokens_per_second_per_sequence)
            figure = figure * (step if own else mean) ** (1 if limit.upper else -1)
        fine &= figure <= limit.value if limit.upper else figure >= limit.value
    cost = of(COSTS[search.minimise or "cost"])[way, place]
    speed, rate = (of(expr)[way, place] for expr in (q.tokens_per_second_per_sequence, q.tokens_per_second))
    bounds = [cost / times[way, place] * np.array([np.broadcast_to(one.evaluate(case.bounds[overlap]), batches.shape)
              for one, case in zip(there, ways, strict=True)])[way, place]
              for overlap in (Overlap.PER_OPERATION, Overlap.NONE)]  # fmt: skip
    cost, speed, rate = cost * (step if search.minimise == "latency" else mean), speed / step, rate / mean
    return [
        One(case.hardware.name, layout, row, int(batches[n]), float(cost[n]), float(speed[n]),
            float(rate[n]) / layout.chips, (float(bounds[0][n]), float(bounds[1][n])))
        for n in np.flatnonzero(fine)
    ]  # fmt: skip


def cheapest(points: list[One]) -> One:
    """The cheapest of some, the smallest batch among equals."""
    least = min(point.cost for point in points)
    return min((point for point in points if point.cost <= least * EQUAL), key=lambda point: point.batch)


def decided(found: list[One], within: float = 0.01) -> tuple[One, int, float]:
    """The best of all, how many were ties, and the least cost: on the machine that has the least."""
    least = min(one.cost for one in found)
    machine = next(one.machine for one in found if one.cost <= least * EQUAL)
    ties = [one for one in found if one.machine == machine and one.cost <= least * (1 + within)]
    return min(ties, key=lambda one: one.preference), len(ties), least


def undominated(points: Sequence[One]) -> set[tuple[str, str]]:
    """Speed and share, to nine digits, of the points that no other equals or beats in both."""
    best, kept = -np.inf, set()
    for point in sorted(points, key=lambda point: (-point.speed, -point.share)):
        if point.share > best:
            best = point.share
            kept.add((f"{point.speed:.9g}", f"{point.share:.9g}"))
    return kept
