"""Pipelines run pass by pass, each stage by its list: what the schedules of chapter 3 are said to do, checked.

Nothing here knows a formula. A pass starts once its stage is free and what it needs is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Pass = tuple[str, int, int]
"""Forward ``F``, backward ``B`` (both gradients, or that of the inputs where the weights' waits) or weight gradient
``W``; the chunk of layers that it passes, counted along the pipeline; the micro-batch."""


@dataclass(frozen=True)
class Run:
    """What came out: the idle time of the stage that has most, from its first pass to its last, over its work; and how
    many chunks of micro-batches each stage held at most."""

    idle: float
    held: tuple[int, ...]


def timed(orders: list[list[Pass]], durations: Mapping[str, float]) -> dict[Pass, tuple[float, float]]:
    """When each pass starts and ends: every stage works through its list in order, as early as it can."""
    last = max(place for order in orders for _, place, _ in order)
    started: dict[Pass, float] = {}
    ended: dict[Pass, float] = {}
    done = [0] * len(orders)
    while any(number < len(order) for number, order in zip(done, orders, strict=True)):
        before = list(done)
        for stage, order in enumerate(orders):
            while done[stage] < len(order) and all(one in ended for one in needed(order[done[stage]], last)):
                this = order[done[stage]]
                free = ended[order[done[stage] - 1]] if done[stage] else 0.0
                started[this] = max([free, *(ended[one] for one in needed(this, last))])
                ended[this] = started[this] + durations[this[0]]
                done[stage] += 1
        if done == before:
            raise ValueError("the passes wait for one another")
    return {one: (started[one], ended[one]) for one in ended}


def run(orders: list[list[Pass]], durations: Mapping[str, float]) -> Run:
    """What comes out where every stage works through its list in order, as early as it can."""
    times = timed(orders, durations)
    work = sum(durations[kind] for kind, _, _ in orders[0])
    spans = [times[order[-1]][1] - times[order[0]][0] for order in orders]
    return Run((max(spans) - work) / work, tuple(held(order) for order in orders))


def needed(this: Pass, last: int) -> list[Pass]:
    """What must have ended before a pass."""
    kind, place, number = this
    if kind == "F":
        return [("F", place - 1, number)] if place else []
    if kind == "W":
        return [("B", place, number)]
    return [("F", place, number), *([("B", place + 1, number)] if place < last else [])]


def held(order: list[Pass]) -> int:
    """Forward passes whose activations are still needed, where most are."""
    frees = "W" if any(kind == "W" for kind, _, _ in order) else "B"
    now = most = 0
    for kind, _, _ in order:
        now += (kind == "F") - (kind == frees)
        most = max(most, now)
    return most


def interleaved(stages: int, micro_batches: int, chunks: int = 1) -> list[list[Pass]]:
    """1F1B; several chunks of a stage as Megatron-LM runs them: in turn, for as many micro-batches as stages."""

    def passes(kind: str, stage: int) -> list[Pass]:
        turns = [(turn // stages % chunks, turn) for turn in range(micro_batches * chunks)]
        ordered = [(chunk if kind == "F" else chunks - 1 - chunk, turn) for chunk, turn in turns]
        every = stages * chunks
        return [(kind, chunk * stages + stage, turn // every * stages + turn % stages) for chunk, turn in ordered]

    orders = []
    for stage in range(stages):
        after = stages - 1 - stage
        ahead = after if chunks == 1 else 2 * after + (chunks - 1) * stages
        forward, backward = passes("F", stage), passes("B", stage)
        steady = [one for pair in zip(forward[ahead:], backward, strict=False) for one in pair]
        orders.append([*forward[:ahead], *steady, *backward[len(forward[ahead:]) :]])
    return orders


def deferring(stages: int, micro_batches: int, rounds: int) -> list[list[Pass]]:
    """Each stage holds one micro-batch, and ``rounds`` for each other stage: in flight, or its weight gradient left."""
    orders = []
    for stage in range(stages):
        ahead, waiting = 1 + rounds * (stages - 1 - stage), rounds * stage
        order: list[Pass] = [("F", stage, number) for number in range(min(ahead, micro_batches))]
        for number in range(micro_batches):
            order.append(("B", stage, number))
            if number >= waiting:
                order.append(("W", stage, number - waiting))
            if number + ahead < micro_batches:
                order.append(("F", stage, number + ahead))
        waits = range(max(0, micro_batches - waiting), micro_batches)
        orders.append([*order, *(("W", stage, number) for number in waits)])
    return orders


def busy_share_of_a_loop(stages: int, micro_batches: int, slots: int = 1000) -> float:
    """The share of slots in which a stage works, where micro-batches pass all stages in turn, again and again."""
    queues = [micro_batches, *([0] * (stages - 1))]
    busy = 0
    for slot in range(2 * slots):
        moving = [stage for stage in range(stages) if queues[stage]]
        busy += slot >= slots and 0 in moving  # the first rounds only fill the pipeline
        for stage in moving:
            queues[stage] -= 1
            queues[(stage + 1) % stages] += 1
    return busy / slots
