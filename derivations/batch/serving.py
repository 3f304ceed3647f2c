"""Chapter 1: how often a step departs, how long a request waits, how many tokens come out."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.batch import waiting as serving
from steptime.derivations.batch.batch import V3_ALL, best_batch, peak_by_ridge, v3
from steptime.derivations.batch.terms import LECTURE, compute_term, memory_term
from steptime.derivations.board import is_
from steptime.derivations.rules import equation, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import cost as economics
from steptime.model.scenario import Scenario

from steptime.derivations.batch.symbols import (  # isort: skip
    arrivals, drain_throughput_share, drain_time, optimal_batch, response_time, ridge, waiting_time,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, context, flops_per_mac, kv_bytes, memory_bandwidth, memory_capacity,
    micro_batch, parameters, peak_flops, stage_chips, step_time, tokens_per_second,
)  # fmt: skip


def serving_v3() -> Mapping[Symbol, float]:
    """DeepSeek-V3 with its optimal batch, and steps at the drain interval."""
    values = dict(v3())
    values[optimal_batch] = Scenario(values).evaluate(best_batch.result.rhs)
    values[drain_time] = Scenario(values).evaluate(drain.result.rhs)
    return {**values, step_time: values[drain_time], arrivals: 1000.0}


V3_SERVING = f"{V3_ALL}; steps at the drain interval, 1000 arrivals in each"

full_memory = Derivation(
    name="full-memory",
    title="The batch whose KV cache fills the memory",
    rows=("1.9",),
    claim="What the weights leave of the memory holds so many sequences.",
    start=equation(memory_capacity, serving.stored_per_chip),
    steps=(
        Step(
            "solve for the batch",
            solve_for(micro_batch),
            equation(
                micro_batch, (memory_capacity * stage_chips - bytes_per_weight * parameters) / (context * kv_bytes)
            ),
        ),
    ),
    assumes=("one stage, perfectly sharded", "nothing but weights and KV cache is stored"),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
    holds=(memory_capacity * stage_chips - bytes_per_weight * parameters,),
)

drain = Derivation(
    name="drain-time",
    title="The natural interval between steps",
    rows=("1.9",),
    claim="A step that reads a full memory once takes its capacity over its bandwidth, whatever is stored.",
    start=equation(drain_time, memory_term.result.rhs),
    steps=(
        Step(
            "every weight is read, and so many sequences that the memory is full",
            substitute(is_(q.parameters_read, parameters), full_memory.result),
            equation(drain_time, memory_capacity / memory_bandwidth),
        ),
    ),
    assumes=("the memory is full, and all that is stored is read once a step",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
)

worst_wait = Derivation(
    name="worst-response",
    title="The longest time to a token",
    rows=("1.10",),
    claim="A request that just misses a departure waits one interval and rides one step.",
    start=equation(response_time, serving.response_time),
    steps=(
        Step(
            "the departure just missed: a whole interval",
            substitute(is_(waiting_time, step_time)),
            equation(response_time, 2 * step_time),
        ),
    ),
    assumes=("steps depart one after another, each takes all who wait", "nobody is left behind"),
    sources=(LECTURE,),
    example=serving_v3,
    example_text=V3_SERVING,
)

mean_wait = Derivation(
    name="mean-response",
    title="The mean time to a token",
    rows=("1.10",),
    claim="Requests at random times wait half an interval on average, and ride one step.",
    start=equation(response_time, serving.response_time),
    steps=(
        Step(
            "the mean over evenly spaced arrivals",
            substitute(is_(waiting_time, serving.mean_waiting_time)),
            equation(response_time, step_time * (arrivals + 1) / (2 * arrivals) + step_time),
        ),
        Step(
            "many arrivals: random times",
            limit(arrivals, sympy.oo),
            equation(response_time, sympy.Rational(3, 2) * step_time),
        ),
    ),
    assumes=("arrivals are uniform in time", "steps depart one after another, each takes all who wait"),
    sources=("uniform arrivals; the lecture gives the worst case only",),
    example=serving_v3,
    example_text=V3_SERVING,
)

compute_throughput = Derivation(
    name="throughput-at-optimum",
    title="Throughput where compute binds",
    rows=("1.11",),
    claim="From the optimal batch on, the chips' FLOP/s and the active weights alone say how many tokens come out.",
    start=equation(tokens_per_second, economics.throughput),
    steps=(
        Step(
            "the optimal batch in one stage, whose step takes the compute time",
            substitute(is_(q.batch, optimal_batch), is_(step_time, compute_term.result.rhs)),
            equation(
                tokens_per_second,
                optimal_batch * stage_chips * peak_flops / (flops_per_mac * active_parameters * micro_batch),
            ),
        ),
        Step(
            "the batch of the step is that batch",
            substitute(is_(micro_batch, optimal_batch)),
            equation(tokens_per_second, stage_chips * peak_flops / (flops_per_mac * active_parameters)),
        ),
    ),
    assumes=("no KV cache", "one stage, one replica"),
    sources=(LECTURE,),
    example=serving_v3,
    example_text=V3_SERVING,
)

drain_throughput = Derivation(
    name="throughput-at-drain",
    title="Throughput of the optimal batch at the drain interval",
    rows=("1.11",),
    claim="The lecture sends the optimal batch off once per drain time.",
    start=equation(tokens_per_second, economics.throughput),
    steps=(
        Step(
            "the optimal batch, once per drain time",
            substitute(is_(q.batch, optimal_batch), is_(step_time, drain.result.rhs)),
            equation(tokens_per_second, optimal_batch * memory_bandwidth / memory_capacity),
        ),
    ),
    assumes=("a full memory is read each step",),
    sources=(LECTURE,),
    example=serving_v3,
    example_text=V3_SERVING,
)

throughput_gap = Derivation(
    name="throughput-gap",
    title="The two throughputs compared",
    rows=("1.11",),
    claim="The drain interval gives as much of the full throughput as the weights fill of the memory.",
    start=equation(drain_throughput_share, drain_throughput.result.rhs / compute_throughput.result.rhs),
    steps=(
        Step(
            "the optimal batch",
            substitute(best_batch.result),
            equation(
                drain_throughput_share,
                ridge * parameters * flops_per_mac * memory_bandwidth / (memory_capacity * stage_chips * peak_flops),
            ),
        ),
        Step(
            "the rates as the ridge",
            substitute(peak_by_ridge.result),
            equation(drain_throughput_share, bytes_per_weight * parameters / (memory_capacity * stage_chips)),
        ),
    ),
    assumes=("no KV cache in the compute-bound throughput",),
    sources=(LECTURE,),
    example=serving_v3,
    example_text=V3_SERVING,
)

DERIVATIONS = (
    full_memory,
    drain,
    worst_wait,
    mean_wait,
    compute_throughput,
    drain_throughput,
    throughput_gap,
)
