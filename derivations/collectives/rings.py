"""Chapter 8, collectives: a ring step by step, and the size below which start-ups take longer than bytes."""

import sympy
from sympy import Symbol

from steptime.derivations.axioms import ADDING_IS_FREE, FULL_RATE, IN_TURN, START_UP
from steptime.derivations.collectives import shares
from steptime.derivations.collectives.numbers import CHAN, H100, NCCL, THAKUR, eight_h100
from steptime.derivations.collectives.shares import EQUAL_SHARES, step, steps_of_ring
from steptime.derivations.facts import Crossing, Defined, Instance, Tends, instance
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import equation, identity, limit, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.network.algorithms import Form, ring_all_gather, ring_all_reduce, ring_reduce_scatter
from steptime.model.symbols import scale_up_bandwidth, scale_up_latency

from steptime.derivations.collectives.symbols import (  # isort: skip
    group_bytes, group_chips, group_time, reducing_time, ring_steps, share_bytes, sharing_time,
)  # fmt: skip

LINK = (scale_up_bandwidth, scale_up_latency)
ring_gather, ring_scatter = (form(group_bytes, group_chips) for form in (ring_all_gather, ring_reduce_scatter))
ring_reduce = ring_all_reduce(group_bytes, group_chips)
NO_START_UP = Tends(scale_up_latency, sympy.S.Zero, "start-ups take no time beside the bytes")
NO_BYTES = Tends(group_bytes, sympy.S.Zero, "the bytes take no time beside the start-ups")
MANY_CHIPS = Tends(group_chips, sympy.oo, "ever more chips, each with an ever smaller share")
one_step = scale_up_latency + share_bytes / scale_up_bandwidth
"""Time of one step of a ring: it starts up and sends one share."""


def once_round(what: str, hands_on: str, form: Form) -> tuple[Defined, tuple[Step, ...]]:
    """The time of all shares once round a ring, as that of its steps, and how it becomes the model's."""
    start = Defined(
        group_time,
        sympy.Sum(one_step, (step, 1, ring_steps)),
        f"the time of {what} round a ring, which hands on one {hands_on} in each step",
    )
    each = scale_up_latency + group_bytes / (group_chips * scale_up_bandwidth)
    steps = (
        Step(
            "as many start-ups and shares as steps",
            total(sympy.Sum(one_step, (step, 1, ring_steps)), ring_steps * one_step),
            equation(group_time, ring_steps * one_step),
        ),
        Step(
            "n - 1 steps, equal shares",
            substitute(steps_of_ring, EQUAL_SHARES),
            equation(group_time, (group_chips - 1) * each),
        ),
        Step("which is the model's", identity(), equation(group_time, form.time(*LINK))),
    )
    return start, steps


gathering = once_round("an all-gather", "share", ring_gather)
scattering = once_round("a reduce-scatter", "partial sum", ring_scatter)

gather = Derivation(
    name="ring-all-gather",
    title="Time of an all-gather round a ring",
    rows=("8.1",),
    claim="A ring hands on one chip's share in each of n - 1 steps, and every step starts up.",
    start=gathering[0],
    steps=gathering[1],
    assumes=(FULL_RATE, START_UP, IN_TURN, EQUAL_SHARES),
    sources=(THAKUR, CHAN),
    example=eight_h100,
    example_text=H100,
)

scatter = Derivation(
    name="ring-reduce-scatter",
    title="Time of a reduce-scatter round a ring",
    rows=("8.1",),
    claim="The partial sum of each share goes round as a share does in a gather, and every chip adds its own.",
    start=scattering[0],
    steps=scattering[1],
    assumes=(*gather.assumes, ADDING_IS_FREE),
    sources=(THAKUR, CHAN),
    example=eight_h100,
    example_text=H100,
)

gather_floor = Derivation(
    name="ring-all-gather-floor",
    title="An all-gather round a ring of many chips",
    rows=("8.1",),
    claim="Start-ups aside, a gather takes as long as the whole volume needs to enter one chip, however many chips.",
    start=gather,
    steps=(
        Step(
            "no start-up latency",
            limit(scale_up_latency, 0),
            equation(group_time, (group_chips - 1) * group_bytes / (group_chips * scale_up_bandwidth)),
        ),
        Step(
            "of many chips each holds little",
            limit(group_chips, sympy.oo),
            equation(group_time, group_bytes / scale_up_bandwidth),
        ),
    ),
    assumes=(NO_START_UP, MANY_CHIPS),
    sources=gather.sources,
    example=eight_h100,
    example_text=H100,
)


def half(of: Derivation, time: Symbol) -> Instance:
    """One half of an all-reduce, under a name of its own."""
    return instance(of, {of.result.lhs: time})


reduce = Derivation(
    name="ring-all-reduce",
    title="Time of an all-reduce round a ring",
    rows=("8.1",),
    claim="Shares are summed on the way round once, and handed on once more: twice a gather.",
    start=Defined(
        group_time,
        reducing_time + sharing_time,
        "the time of a reduce-scatter, which leaves every chip the sum of one share, and of an all-gather of the sums",
    ),
    steps=(
        Step(
            "both halves go round the ring",
            substitute(half(scatter, reducing_time), half(gather, sharing_time)),
            equation(
                group_time,
                2 * (group_chips - 1) * (scale_up_latency + group_bytes / (group_chips * scale_up_bandwidth)),
            ),
        ),
        Step(
            "which is the model's all-reduce",
            identity(),
            equation(group_time, ring_reduce.starts * scale_up_latency + ring_reduce.carried / scale_up_bandwidth),
        ),
    ),
    assumes=(IN_TURN,),
    sources=(THAKUR, CHAN),
    example=eight_h100,
    example_text=H100,
)

start_ups = Derivation(
    name="ring-all-reduce-start-ups",
    title="An all-reduce of few bytes round a ring",
    rows=("8.1",),
    claim="However few the bytes, a ring starts up once in each of its steps.",
    start=reduce,
    steps=(
        Step("no bytes", limit(group_bytes, 0), equation(group_time, ring_reduce.starts * scale_up_latency)),
    ),
    assumes=(NO_BYTES,),
    sources=reduce.sources,
    example=eight_h100,
    example_text=H100,
)  # fmt: skip

large = Derivation(
    name="ring-all-reduce-bytes",
    title="An all-reduce of many bytes round a ring",
    rows=("8.1",),
    claim="Start-ups aside, a chip's link carries almost twice the volume.",
    start=reduce,
    steps=(
        Step(
            "no start-up latency",
            limit(scale_up_latency, 0),
            equation(group_time, ring_reduce.carried / scale_up_bandwidth),
        ),
    ),
    assumes=(NO_START_UP,),
    sources=reduce.sources,
    example=eight_h100,
    example_text=H100,
)

latency_bound = Derivation(
    name="ring-latency-bound",
    title="Bytes below which a ring's start-ups take longer than its bytes",
    rows=("8.1",),
    claim="Each step must carry what the link sends in one start-up: the size grows with the ring.",
    start=Crossing(start_ups, large, "the start-ups alone take as long as the bytes alone"),
    steps=(
        Step(
            "solve for the bytes",
            solve_for(group_bytes),
            equation(group_bytes, group_chips * scale_up_latency * scale_up_bandwidth),
        ),
    ),
    assumes=(),
    sources=(THAKUR, NCCL),
    example=eight_h100,
    example_text=H100,
    holds=(more(group_chips, 1),),
)

DERIVATIONS = (*shares.DERIVATIONS, gather, scatter, gather_floor, reduce, start_ups, large, latency_bound)
