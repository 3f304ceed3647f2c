"""Chapter 1, batch size, cost and speed: the terms, the latency floor, the cost of a token, the ridge."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.batch.symbols import memory_time, ridge, token_cost
from steptime.derivations.board import PEAK, PERFECT_SHARDS, is_, numbers
from steptime.derivations.rules import equation, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import cost as economics
from steptime.model.phases.decode import blackboard

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, bytes_per_weight, chip_second_price, context, flops_per_mac, kv_bytes,
    kv_written, memory_bandwidth, micro_batch, parameters_read, peak_flops, stage_chips,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapter 1"
V3 = "DeepSeek-V3 (fp8 weights, bf16 KV cache) on 32 H100 (dp=32, ep=32), context 1000, 2048 sequences"


def v3() -> Mapping[Symbol, float]:
    return numbers("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", context=1000, batch=2048)


compute_term = Derivation(
    name="compute-term",
    title="Compute time of a decode step",
    rows=("1.1",),
    claim="A step multiplies every active weight by every sequence, shared by the chips of a stage.",
    start=equation(q.compute_time, blackboard.compute.time),
    steps=(
        Step(
            "at the peak, perfectly sharded",
            substitute(PEAK[0], PERFECT_SHARDS[0]),
            equation(
                q.compute_time,
                (flops_per_mac * active_parameters + attention_flops * context)
                * micro_batch
                / (stage_chips * peak_flops),
            ),
        ),
        Step(
            "the lecture leaves out the multiply-adds of attention",
            substitute(is_(attention_flops, 0)),
            equation(q.compute_time, flops_per_mac * active_parameters * micro_batch / (stage_chips * peak_flops)),
        ),
    ),
    assumes=("every resource at its catalogue peak", "perfect sharding over the chips of a stage"),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

memory_term = Derivation(
    name="memory-term",
    title="Memory time of a decode step",
    rows=("1.1",),
    claim="A step streams the weights once for all sequences, and the KV cache of each sequence.",
    start=equation(memory_time, blackboard.memory.time),
    steps=(
        Step(
            "at the peak, perfectly sharded",
            substitute(PEAK[1], PERFECT_SHARDS[1], PERFECT_SHARDS[2]),
            equation(
                memory_time,
                (
                    bytes_per_weight * parameters_read / stage_chips
                    + (kv_bytes * context + kv_written) * micro_batch / stage_chips
                )
                / memory_bandwidth,
            ),
        ),
        Step(
            "the lecture leaves out the one token that is written",
            substitute(is_(kv_written, 0)),
            equation(
                memory_time,
                (bytes_per_weight * parameters_read + micro_batch * context * kv_bytes)
                / (stage_chips * memory_bandwidth),
            ),
        ),
    ),
    assumes=("weights and KV cache are read once per step", "perfect sharding over the chips of a stage"),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

latency_floor = Derivation(
    name="latency-floor",
    title="The least time of a step, at any price",
    rows=("1.2",),
    claim="However few the sequences, a step cannot be faster than the weights can be streamed.",
    start=memory_term.result,
    steps=(
        Step(
            "as the batch vanishes only the weights are left",
            limit(micro_batch, 0),
            equation(memory_time, bytes_per_weight * parameters_read / (stage_chips * memory_bandwidth)),
        ),
    ),
    assumes=("all weights are read; a router that touches few experts reads less",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

ridge_batch = Derivation(
    name="ridge",
    title="The ridge: FLOP/s per byte/s, in sequences",
    rows=("1.4",),
    claim="A dense model without KV cache turns compute-bound at a batch that only the chip decides.",
    start=equation(compute_term.result.rhs, latency_floor.result.rhs),
    steps=(
        Step(
            "a dense model reads and multiplies the same weights; call that batch the ridge",
            substitute(is_(parameters_read, active_parameters), is_(micro_batch, ridge)),
            equation(
                flops_per_mac * active_parameters * ridge / (stage_chips * peak_flops),
                bytes_per_weight * active_parameters / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "solve for the ridge",
            solve_for(ridge),
            equation(ridge, peak_flops * bytes_per_weight / (flops_per_mac * memory_bandwidth)),
        ),
    ),
    assumes=("a dense model, no KV cache",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)


def on_one_stage(binding: Symbol) -> Step:
    """The cost of a token on one stage and one replica, where a step takes the time of the term that binds."""
    return Step(
        "one stage, one replica; the price of a second",
        substitute(
            is_(q.chips, stage_chips),
            is_(q.batch, micro_batch),
            is_(q.chip_hour_price, chip_second_price * q.hour),
            is_(q.step_time, binding),
        ),
        equation(token_cost, chip_second_price * stage_chips * binding / micro_batch),
    )


compute_cost = Derivation(
    name="compute-cost",
    title="Cost of a token where compute binds",
    rows=("1.3",),
    claim="Where compute binds, a token costs the same at every batch.",
    start=equation(token_cost, economics.cost_per_token),
    steps=(
        on_one_stage(q.compute_time),
        Step(
            "put in the compute term",
            substitute(compute_term.result),
            equation(token_cost, chip_second_price * flops_per_mac * active_parameters / peak_flops),
        ),
    ),
    assumes=("every chip is paid for the whole step",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

memory_cost = Derivation(
    name="memory-cost",
    title="Cost of a token where memory binds",
    rows=("1.3",),
    claim="Where memory binds, the weights' part of the cost is a hyperbola in batch, the KV cache's part a constant.",
    start=equation(token_cost, economics.cost_per_token),
    steps=(
        on_one_stage(memory_time),
        Step(
            "put in the memory term",
            substitute(memory_term.result),
            equation(
                token_cost,
                chip_second_price
                * (
                    bytes_per_weight * parameters_read / (micro_batch * memory_bandwidth)
                    + context * kv_bytes / memory_bandwidth
                ),
            ),
        ),
    ),
    assumes=("every chip is paid for the whole step",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

memory_cost_floor = Derivation(
    name="memory-cost-floor",
    title="What no batch brings the cost of a token below",
    rows=("1.3",),
    claim="The floor of the cost per token is p max(2 N_a/F, L kappa/W): here its second part.",
    start=memory_cost.result,
    steps=(
        Step(
            "as batch grows the weights are shared by ever more tokens",
            limit(micro_batch, sympy.oo),
            equation(token_cost, chip_second_price * context * kv_bytes / memory_bandwidth),
        ),
    ),
    assumes=("the KV cache of every sequence fits",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

DERIVATIONS = (
    compute_term,
    memory_term,
    latency_floor,
    ridge_batch,
    compute_cost,
    memory_cost,
    memory_cost_floor,
)
