"""Chapter 1: how often a step departs, how long a request waits, how many tokens come out."""

from collections.abc import Mapping

import sympy
from sympy import Le, Symbol

from steptime.derivations.axioms import ALL_ABOARD, EQUAL_STEPS, STORED_ONLY
from steptime.derivations.batch import waiting as serving
from steptime.derivations.batch.batch import V3_ALL, best_batch, peak_by_ridge, v3
from steptime.derivations.batch.terms import BINDS, COMPUTING_V3, LECTURE, compute_term, computing_v3, memory_term
from steptime.derivations.board import ONE_STAGE, READS_ALL
from steptime.derivations.facts import Chosen, Compared, Defined, Given, Modelled, Tends, given, instance
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import equation, extreme, limit, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import cost as economics
from steptime.model.scenario import Scenario

from steptime.derivations.batch.symbols import (  # isort: skip
    arrivals, drain_throughput_share, drain_time, memory_time, optimal_batch, response_time, ridge, stored_bytes,
    waiting_time,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, context, flops_per_mac, kv_bytes, memory_bandwidth, memory_capacity,
    micro_batch, parameters, peak_flops, stage_chips, step_time, tokens_per_second, turn,
)  # fmt: skip

FULL = given(stored_bytes, memory_capacity, "the memory is full")
RESPONSE = Defined(response_time, serving.response_time, "the wait for the next departure and one step")
NEXT = Given(Le(waiting_time, step_time), "a request waits for the next departure: one step at most")
JUST_MISSED = Chosen(waiting_time, "a request waits as long as can be", least=False)
WAITS = sympy.Sum(turn, (turn, 1, arrivals))
MEAN_WAIT = step_time / arrivals**2 * WAITS
EVENLY = given(
    waiting_time,
    MEAN_WAIT,
    "requests arrive evenly spaced: their mean wait is that of one part of an interval, of two parts, and so on",
)
MANY = Tends(arrivals, sympy.oo, "ever more requests arrive in an interval, at any time")
EACH_DRAIN = given(step_time, drain_time, "a step departs once per drain time")
OPTIMAL = given(q.batch, optimal_batch, "a step carries the optimal batch")


def serving_v3() -> Mapping[Symbol, float]:
    """DeepSeek-V3 with its optimal batch, and steps at the drain interval."""
    values = dict(v3())
    values[optimal_batch] = Scenario(values).evaluate(best_batch.result.rhs)
    values[drain_time] = Scenario(values).evaluate(drain.result.rhs)
    return {**values, step_time: values[drain_time], arrivals: 1000.0}


V3_SERVING = f"{V3_ALL}; steps at the drain interval, 1000 arrivals in each"
HAS_ROOM = (at_least(memory_capacity * stage_chips, bytes_per_weight * parameters), more(kv_bytes, 0))
"""The weights fit, and there is a cache to fill what they leave."""

full_memory = Derivation(
    name="full-memory",
    title="The batch whose KV cache fills the memory",
    rows=("1.9",),
    claim="What the weights leave of the memory holds so many sequences.",
    start=Defined(stored_bytes, serving.stored_per_chip, "weights and the KV cache of each sequence, evenly split"),
    steps=(
        Step(
            "the memory is full",
            substitute(FULL),
            equation(memory_capacity, (bytes_per_weight * parameters + micro_batch * context * kv_bytes) / stage_chips),
        ),
        Step(
            "solve for the batch",
            solve_for(micro_batch),
            equation(
                micro_batch, (memory_capacity * stage_chips - bytes_per_weight * parameters) / (context * kv_bytes)
            ),
        ),
    ),
    assumes=(FULL, STORED_ONLY),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
    holds=HAS_ROOM,
)

drain = Derivation(
    name="drain-time",
    title="The natural interval between steps",
    rows=("1.9",),
    claim="A step that reads a full memory once takes its capacity over its bandwidth, whatever is stored.",
    start=instance(memory_term, {memory_time: drain_time}),
    steps=(
        Step(
            "every weight is read",
            substitute(READS_ALL),
            equation(
                drain_time,
                (bytes_per_weight * parameters + micro_batch * context * kv_bytes) / (stage_chips * memory_bandwidth),
            ),
        ),
        Step("the memory is full", substitute(full_memory), equation(drain_time, memory_capacity / memory_bandwidth)),
    ),
    assumes=(READS_ALL,),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
    holds=HAS_ROOM,
)

worst_wait = Derivation(
    name="worst-response",
    title="The longest time to a token",
    rows=("1.10",),
    claim="A request that just misses a departure waits one interval and rides one step.",
    start=RESPONSE,
    steps=(
        Step("a departure just missed", extreme(NEXT.relation, least=False), equation(response_time, 2 * step_time)),
    ),
    assumes=(ALL_ABOARD, EQUAL_STEPS, NEXT, JUST_MISSED),
    sources=(LECTURE,),
    example=serving_v3,
    example_text=V3_SERVING,
)

even_wait = Derivation(
    name="mean-response-evenly",
    title="The mean time to a token of evenly spaced requests",
    rows=("1.10",),
    claim="Of n requests the j-th before a departure waits j parts of an interval.",
    start=RESPONSE,
    steps=(
        Step("the mean over the requests", substitute(EVENLY), equation(response_time, MEAN_WAIT + step_time)),
        Step(
            "one and two and so on",
            total(WAITS, arrivals * (arrivals + 1) / 2),
            equation(response_time, serving.mean_waiting_time + step_time),
        ),
    ),
    assumes=(ALL_ABOARD, EQUAL_STEPS, EVENLY),
    sources=("evenly spaced arrivals; the lecture gives the worst case only",),
    example=serving_v3,
    example_text=V3_SERVING,
)

mean_wait = Derivation(
    name="mean-response",
    title="The mean time to a token",
    rows=("1.10",),
    claim="Requests at random times wait half an interval on average, and ride one step.",
    start=even_wait,
    steps=(Step("many arrivals: random times", limit(arrivals, sympy.oo), equation(response_time, 3 * step_time / 2)),),
    assumes=(MANY,),
    sources=("uniform arrivals; the lecture gives the worst case only",),
    example=serving_v3,
    example_text=V3_SERVING,
)

compute_throughput = Derivation(
    name="throughput-at-optimum",
    title="Throughput where compute binds",
    rows=("1.11",),
    claim="From the optimal batch on, the chips' FLOP/s and the active weights alone say how many tokens come out.",
    start=Modelled(tokens_per_second, economics.throughput),
    steps=(
        Step(
            "one stage, whose step takes the compute time",
            substitute(ONE_STAGE[1], BINDS[q.compute_time]),
            equation(tokens_per_second, micro_batch / q.compute_time),
        ),
        Step(
            "put in the compute term",
            substitute(compute_term),
            equation(tokens_per_second, stage_chips * peak_flops / (flops_per_mac * active_parameters)),
        ),
    ),
    assumes=(ONE_STAGE[1], BINDS[q.compute_time]),
    sources=(LECTURE,),
    example=computing_v3,
    example_text=COMPUTING_V3,
)

drain_throughput = Derivation(
    name="throughput-at-drain",
    title="Throughput of the optimal batch at the drain interval",
    rows=("1.11",),
    claim="The lecture sends the optimal batch off once per drain time.",
    start=Modelled(tokens_per_second, economics.throughput),
    steps=(
        Step(
            "the optimal batch, once per drain time",
            substitute(OPTIMAL, EACH_DRAIN),
            equation(tokens_per_second, optimal_batch / drain_time),
        ),
        Step(
            "a drain time by the chip's memory",
            substitute(drain),
            equation(tokens_per_second, optimal_batch * memory_bandwidth / memory_capacity),
        ),
    ),
    assumes=(OPTIMAL, EACH_DRAIN),
    sources=(LECTURE,),
    example=serving_v3,
    example_text=V3_SERVING,
    holds=HAS_ROOM,
)

throughput_gap = Derivation(
    name="throughput-gap",
    title="The two throughputs compared",
    rows=("1.11",),
    claim="The drain interval gives as much of the full throughput as the weights fill of the memory.",
    start=Compared(
        drain_throughput_share,
        drain_throughput,
        compute_throughput,
        "a departure per drain time over one per compute time",
    ),
    steps=(
        Step(
            "the optimal batch",
            substitute(best_batch),
            equation(
                drain_throughput_share,
                ridge * parameters * flops_per_mac * memory_bandwidth / (memory_capacity * stage_chips * peak_flops),
            ),
        ),
        Step(
            "the rates as the ridge",
            substitute(peak_by_ridge),
            equation(drain_throughput_share, bytes_per_weight * parameters / (memory_capacity * stage_chips)),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=serving_v3,
    example_text=V3_SERVING,
    holds=HAS_ROOM,
)

DERIVATIONS = (
    full_memory,
    drain,
    worst_wait,
    even_wait,
    mean_wait,
    compute_throughput,
    drain_throughput,
    throughput_gap,
)
