"""Chapter 8, collectives: a ring's bytes and start-ups, and the size below which start-ups take longer than bytes."""

import sympy

from steptime.derivations.collectives.numbers import CHAN, H100, NCCL, THAKUR, eight_h100
from steptime.derivations.collectives.symbols import group_bytes, group_chips, group_time
from steptime.derivations.rules import equation, identity, limit, solve_for
from steptime.derivations.steps import Derivation, Step
from steptime.model.network.algorithms import ring_all_gather, ring_all_reduce, ring_reduce_scatter
from steptime.model.symbols import scale_up_bandwidth, scale_up_latency

LINK = (scale_up_bandwidth, scale_up_latency)
ONE_TIER = "chips on one tier, each link at full rate in both directions at once"
ring_gather, ring_scatter = (form(group_bytes, group_chips) for form in (ring_all_gather, ring_reduce_scatter))
ring_reduce = ring_all_reduce(group_bytes, group_chips)

gather = Derivation(
    name="ring-all-gather",
    title="Time of an all-gather round a ring",
    rows=("8.1",),
    claim="A ring hands on one chip's share in each of n - 1 steps, and every step starts up.",
    start=equation(group_time, ring_gather.time(*LINK)),
    steps=(
        Step(
            "one step after another",
            identity(),
            equation(
                group_time,
                (group_chips - 1) * (scale_up_latency + group_bytes / (group_chips * scale_up_bandwidth)),
            ),
        ),
    ),
    assumes=(ONE_TIER, "equal shares; a reduce-scatter goes the same way back, adding costs nothing"),
    sources=(THAKUR, CHAN),
    example=eight_h100,
    example_text=H100,
    holds=(group_chips - 1,),
)

gather_floor = Derivation(
    name="ring-all-gather-floor",
    title="An all-gather round a ring of many chips",
    rows=("8.1",),
    claim="Start-ups aside, a gather takes as long as the whole volume needs to enter one chip, however many chips.",
    start=gather.result,
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
    assumes=gather.assumes,
    sources=gather.sources,
    example=eight_h100,
    example_text=H100,
    holds=gather.holds,
)

reduce = Derivation(
    name="ring-all-reduce",
    title="Time of an all-reduce round a ring",
    rows=("8.1",),
    claim="Shares are summed on the way round once, and handed on once more: twice a gather.",
    start=equation(group_time, ring_scatter.time(*LINK) + ring_gather.time(*LINK)),
    steps=(
        Step(
            "the two halves are alike",
            identity(),
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
    assumes=(ONE_TIER, "equal shares, adding costs nothing"),
    sources=(THAKUR, CHAN),
    example=eight_h100,
    example_text=H100,
    holds=gather.holds,
)

latency_bound = Derivation(
    name="ring-latency-bound",
    title="Bytes below which a ring's start-ups take longer than its bytes",
    rows=("8.1",),
    claim="Each step must carry what the link sends in one start-up: the size grows with the ring.",
    start=equation(ring_reduce.starts * scale_up_latency, ring_reduce.carried / scale_up_bandwidth),
    steps=(
        Step(
            "solve for the bytes",
            solve_for(group_bytes),
            equation(group_bytes, group_chips * scale_up_latency * scale_up_bandwidth),
        ),
    ),
    assumes=(ONE_TIER, "an all-reduce or an all-gather: both tie at the same size"),
    sources=(THAKUR, NCCL),
    example=eight_h100,
    example_text=H100,
    holds=gather.holds,
)

DERIVATIONS = (gather, gather_floor, reduce, latency_bound)
