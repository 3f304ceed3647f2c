"""Chapter 1, batch size, cost and speed: the terms, the latency floor, the cost of a token, the ridge."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.axioms import PAID_THROUGHOUT, STREAMED_ONCE
from steptime.derivations.batch.symbols import memory_time, ridge, token_cost
from steptime.derivations.facts import Crossing, Defined, Modelled, Tends, given
from steptime.derivations.rules import equation, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import cost as economics
from steptime.model.phases.decode import blackboard

from steptime.derivations.board import (  # isort: skip
    NO_ATTENTION_FLOPS, NOTHING_WRITTEN, ONE_STAGE, PEAK, PERFECT_SHARDS, READS_ALL, numbers,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, bytes_per_weight, chip_second_price, context, flops_per_mac, kv_bytes,
    kv_written, memory_bandwidth, micro_batch, parameters, parameters_read, peak_flops, stage_chips,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapter 1"
DENSE_CASE = "Llama 3.1 70B in fp8 on eight H100 (tp=8)"
V3 = "DeepSeek-V3 (fp8 weights, bf16 KV cache) on 32 H100 (dp=32, ep=32), context 1000, 2048 sequences"
ONE_SEQUENCE = Tends(micro_batch, sympy.S.Zero, "the batch vanishes beside the weights")
EVER_MORE = Tends(micro_batch, sympy.oo, "ever more sequences share the weights")
NO_CONTEXT = given(context, 0, "no KV cache")
DENSE = given(parameters_read, active_parameters, "a dense model: it reads what it multiplies")
PRICE_OF_A_SECOND = Defined(chip_second_price, q.chip_hour_price / q.hour, "the price of a chip-second")
BINDS = {
    q.compute_time: given(q.step_time, q.compute_time, "compute binds: the step takes its time"),
    memory_time: given(q.step_time, memory_time, "memory binds: the step takes its time"),
}


def dense() -> Mapping[Symbol, float]:
    """A model that multiplies all the weights that it reads."""
    return numbers("llama-3.1-70b", "h100-sxm", layout="tp=8", weights="fp8", context=1000, batch=64)


def v3() -> Mapping[Symbol, float]:
    return numbers("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", context=1000, batch=2048)


def computing_v3() -> Mapping[Symbol, float]:
    """DeepSeek-V3 with so many sequences, and so short a context, that compute binds."""
    return numbers("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", context=500, batch=16384, experts="all")


COMPUTING_V3 = "DeepSeek-V3 (fp8 weights, bf16 KV cache) on 32 H100, context 500, 16,384 sequences: compute binds"

compute_term = Derivation(
    name="compute-term",
    title="Compute time of a decode step",
    rows=("1.1",),
    claim="A step multiplies every active weight by every sequence, shared by the chips of a stage.",
    start=Modelled(q.compute_time, blackboard.compute.time),
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
            substitute(NO_ATTENTION_FLOPS),
            equation(q.compute_time, flops_per_mac * active_parameters * micro_batch / (stage_chips * peak_flops)),
        ),
    ),
    assumes=(PEAK[0], PERFECT_SHARDS[0], NO_ATTENTION_FLOPS),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

memory_term = Derivation(
    name="memory-term",
    title="Memory time of a decode step",
    rows=("1.1",),
    claim="A step streams the weights once for all sequences, and the KV cache of each sequence.",
    start=Modelled(memory_time, blackboard.memory.time),
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
            substitute(NOTHING_WRITTEN),
            equation(
                memory_time,
                (bytes_per_weight * parameters_read + micro_batch * context * kv_bytes)
                / (stage_chips * memory_bandwidth),
            ),
        ),
    ),
    assumes=(STREAMED_ONCE, PEAK[1], *PERFECT_SHARDS[1:], NOTHING_WRITTEN),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

latency_floor = Derivation(
    name="latency-floor",
    title="The least time of a step, at any price",
    rows=("1.2",),
    claim="However few the sequences, a step cannot be faster than the weights can be streamed.",
    start=memory_term,
    steps=(
        Step(
            "every weight is read, however few the sequences",
            substitute(READS_ALL),
            equation(
                memory_time,
                (bytes_per_weight * parameters + micro_batch * context * kv_bytes) / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "as the batch vanishes only the weights are left",
            limit(micro_batch, 0),
            equation(memory_time, bytes_per_weight * parameters / (stage_chips * memory_bandwidth)),
        ),
    ),
    assumes=(READS_ALL, ONE_SEQUENCE),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

ridge_batch = Derivation(
    name="ridge",
    title="The ridge: FLOP/s per byte/s, in sequences",
    rows=("1.4",),
    claim="A dense model without KV cache turns compute-bound at a batch that only the chip decides.",
    start=Crossing(compute_term, memory_term, "both take equally long", over=micro_batch, at=ridge),
    steps=(
        Step(
            "a dense model reads and multiplies the same weights; no KV cache",
            substitute(DENSE, NO_CONTEXT),
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
    assumes=(DENSE, NO_CONTEXT),
    sources=(LECTURE,),
    example=dense,
    example_text=DENSE_CASE,
)


def on_one_stage(binding: Symbol) -> Step:
    """The cost of a token on one stage and one replica, where a step takes the time of the term that binds."""
    return Step(
        "one stage, one replica; the price of a second",
        substitute(
            *ONE_STAGE,
            PRICE_OF_A_SECOND.for_(q.chip_hour_price),
            BINDS[binding],
        ),
        equation(token_cost, chip_second_price * stage_chips * binding / micro_batch),
    )


compute_cost = Derivation(
    name="compute-cost",
    title="Cost of a token where compute binds",
    rows=("1.3",),
    claim="Where compute binds, a token costs the same at every batch.",
    start=Modelled(token_cost, economics.cost_per_token),
    steps=(
        on_one_stage(q.compute_time),
        Step(
            "put in the compute term",
            substitute(compute_term),
            equation(token_cost, chip_second_price * flops_per_mac * active_parameters / peak_flops),
        ),
    ),
    assumes=(PAID_THROUGHOUT, *ONE_STAGE, BINDS[q.compute_time]),
    sources=(LECTURE,),
    example=computing_v3,
    example_text=COMPUTING_V3,
)

memory_cost = Derivation(
    name="memory-cost",
    title="Cost of a token where memory binds",
    rows=("1.3",),
    claim="Where memory binds, the weights' part of the cost is a hyperbola in batch, the KV cache's part a constant.",
    start=Modelled(token_cost, economics.cost_per_token),
    steps=(
        on_one_stage(memory_time),
        Step(
            "put in the memory term",
            substitute(memory_term),
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
    assumes=(PAID_THROUGHOUT, *ONE_STAGE, BINDS[memory_time]),
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
)
