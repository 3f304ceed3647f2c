"""Chapter 1: the context at which reading KV cache takes as long as computing, and what lies beyond it."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.axioms import CACHES_FIT, STREAMED_ONCE
from steptime.derivations.batch import waiting as serving
from steptime.derivations.batch.batch import V3_ALL, best_batch_with_kv, peak_by_ridge, v3
from steptime.derivations.batch.terms import BINDS, EVER_MORE, LECTURE, compute_term, latency_floor
from steptime.derivations.board import NO_ATTENTION_FLOPS, NOTHING_WRITTEN, PEAK, PERFECT_SHARDS
from steptime.derivations.facts import Crossing, Defined, Line, Modelled, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.phases import decode
from steptime.model.scenario import Scenario

from steptime.derivations.batch.symbols import (  # isort: skip
    balanced_context, memory_time, optimal_batch, ridge, sequence_compute_time, sequence_memory_time, utilisation,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, context, flops_per_mac, kv_bytes, kv_written, memory_bandwidth,
    peak_flops, stage_chips,
)  # fmt: skip

WORK = flops_per_mac * active_parameters * memory_bandwidth
MEET = "one more sequence takes as long to compute as to read"
TWICE = given(context, 2 * balanced_context, "the context is twice the balanced one")


def balanced_v3() -> Mapping[Symbol, float]:
    """DeepSeek-V3 as for the optimal batch, and the balanced context that follows."""
    values = v3()
    return {**values, balanced_context: Scenario(values).evaluate(balance.result.rhs)}


V3_BALANCED = f"{V3_ALL}; so does the balanced context"

compute_slope = Derivation(
    name="compute-slope",
    title="Compute time that one more sequence adds",
    rows=("1.7",),
    claim="One more sequence multiplies every active weight once more.",
    start=Modelled(sequence_compute_time, decode.compute_slope),
    steps=(
        Step(
            "at the peak, perfectly sharded",
            substitute(PEAK[0], PERFECT_SHARDS[0]),
            equation(
                sequence_compute_time,
                (flops_per_mac * active_parameters + attention_flops * context) / (stage_chips * peak_flops),
            ),
        ),
        Step(
            "the lecture leaves out the multiply-adds of attention",
            substitute(NO_ATTENTION_FLOPS),
            equation(sequence_compute_time, flops_per_mac * active_parameters / (stage_chips * peak_flops)),
        ),
    ),
    assumes=(PEAK[0], PERFECT_SHARDS[0], NO_ATTENTION_FLOPS),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
)

memory_slope = Derivation(
    name="memory-slope",
    title="Memory time that one more sequence adds",
    rows=("1.7",),
    claim="One more sequence streams its own KV cache; the weights are read anyhow.",
    start=Modelled(sequence_memory_time, decode.memory_slope),
    steps=(
        Step(
            "at the peak, perfectly sharded",
            substitute(PEAK[1], PERFECT_SHARDS[2]),
            equation(sequence_memory_time, (kv_bytes * context + kv_written) / (stage_chips * memory_bandwidth)),
        ),
        Step(
            "the lecture leaves out the one token that is written",
            substitute(NOTHING_WRITTEN),
            equation(sequence_memory_time, kv_bytes * context / (stage_chips * memory_bandwidth)),
        ),
    ),
    assumes=(STREAMED_ONCE, PEAK[1], PERFECT_SHARDS[2], NOTHING_WRITTEN),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
)

balance = Derivation(
    name="balanced-context",
    title="The balanced context",
    rows=("1.7",),
    claim="Beyond this context memory binds at every batch.",
    start=Crossing(compute_slope, memory_slope, MEET, over=context, at=balanced_context),
    steps=(
        Step(
            "clear the rates and the chips",
            both_sides(side * stage_chips * peak_flops * memory_bandwidth),
            equation(WORK, kv_bytes * balanced_context * peak_flops),
        ),
        Step(
            "solve for the context",
            solve_for(balanced_context),
            equation(balanced_context, WORK / (kv_bytes * peak_flops)),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
    holds=(more(kv_bytes, 0),),
)

balance_exact = Derivation(
    name="balanced-context-exact",
    title="The balanced context with the FLOPs of attention",
    rows=("1.7",),
    claim="Attention's multiply-adds move the balance to a longer context; it exists only where reading outgrows them.",
    start=Crossing(Line(compute_slope, 1), memory_slope, MEET, over=context, at=balanced_context),
    steps=(
        Step(
            "clear the rates and the chips",
            both_sides(side * stage_chips * peak_flops * memory_bandwidth),
            equation(
                WORK + attention_flops * balanced_context * memory_bandwidth, kv_bytes * balanced_context * peak_flops
            ),
        ),
        Step(
            "solve for the context",
            solve_for(balanced_context),
            equation(balanced_context, WORK / (kv_bytes * peak_flops - attention_flops * memory_bandwidth)),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
    holds=(more(kv_bytes * peak_flops, attention_flops * memory_bandwidth),),
)

kv_by_balance = Derivation(
    name="kv-by-balance",
    title="KV cache bytes in terms of the balanced context",
    rows=("1.7",),
    claim="The balanced context stands for the KV cache bytes of a token.",
    start=balance,
    steps=(
        Step("solve for the KV cache", solve_for(kv_bytes), equation(kv_bytes, WORK / (balanced_context * peak_flops))),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=balanced_v3,
    example_text=V3_BALANCED,
)

batch_near_balance = Derivation(
    name="optimal-batch-near-balance",
    title="The optimal batch as the context nears the balanced one",
    rows=("1.6",),
    claim="The optimal batch grows as one over what is left to the balanced context: without bound.",
    start=best_batch_with_kv,
    steps=(
        Step(
            "the KV cache in terms of the balanced context",
            substitute(kv_by_balance),
            equation(
                optimal_batch,
                q.bytes_per_weight * q.parameters * peak_flops / (WORK * (1 - context / balanced_context)),
            ),
        ),
        Step(
            "the rates as the ridge",
            substitute(peak_by_ridge),
            equation(optimal_batch, ridge * q.parameters / (active_parameters * (1 - context / balanced_context))),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=balanced_v3,
    example_text=V3_BALANCED,
    holds=(more(balanced_context, context),),
)

utilisation_beyond = Derivation(
    name="utilisation-beyond-balance",
    title="Utilisation beyond the balanced context",
    rows=("1.7",),
    claim="Beyond the balanced context no batch uses more of the chip than the balanced context over the context.",
    start=Defined(
        utilisation, serving.utilisation, "the time of the multiply-adds at the peak over the time that passes"
    ),
    steps=(
        Step("memory binds", substitute(BINDS[memory_time]), equation(utilisation, q.compute_time / memory_time)),
        Step(
            "put in both terms; every weight is read",
            substitute(compute_term, Line(latency_floor, 1)),
            equation(
                utilisation,
                WORK
                * q.micro_batch
                / (peak_flops * (q.bytes_per_weight * q.parameters + q.micro_batch * context * kv_bytes)),
            ),
        ),
        Step(
            "as batch grows the weights no longer count",
            limit(q.micro_batch, sympy.oo),
            equation(utilisation, WORK / (peak_flops * context * kv_bytes)),
        ),
        Step(
            "the KV cache in terms of the balanced context",
            substitute(kv_by_balance),
            equation(utilisation, balanced_context / context),
        ),
    ),
    assumes=(CACHES_FIT, BINDS[memory_time], EVER_MORE),
    sources=(LECTURE,),
    example=lambda: {**balanced_v3(), context: 2 * balanced_v3()[balanced_context]},
    example_text=f"{V3_BALANCED}; context twice that",
    holds=(at_least(context, balanced_context),),
)

half = Derivation(
    name="half-utilisation",
    title="Utilisation at twice the balanced context",
    rows=("1.7",),
    claim="At twice the balanced context half of the chip's FLOP/s lie idle, however large the batch.",
    start=utilisation_beyond,
    steps=(Step("twice the balanced context", substitute(TWICE), equation(utilisation, sympy.Rational(1, 2))),),
    assumes=(TWICE,),
    sources=(LECTURE,),
    example=balanced_v3,
    example_text=V3_BALANCED,
)

DERIVATIONS = (
    compute_slope,
    memory_slope,
    balance,
    balance_exact,
    kv_by_balance,
    batch_near_balance,
    utilisation_beyond,
    half,
)
