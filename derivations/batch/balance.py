"""Chapter 1: the context at which reading KV cache takes as long as computing, and what lies beyond it."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.batch import waiting as serving
from steptime.derivations.batch.batch import V3_ALL, best_batch_with_kv, peak_by_ridge, v3
from steptime.derivations.batch.symbols import balanced_context, optimal_batch, ridge, utilisation
from steptime.derivations.batch.terms import LECTURE, compute_term, memory_term
from steptime.derivations.board import PEAK, PERFECT_SHARDS, is_
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.phases.decode import compute_slope, memory_slope
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, context, flops_per_mac, kv_bytes, kv_written, memory_bandwidth, parameters_read,
    peak_flops, stage_chips,
)  # fmt: skip

SHARED = substitute(*PEAK, PERFECT_SHARDS[0], PERFECT_SHARDS[2])


def balanced_v3() -> Mapping[Symbol, float]:
    """DeepSeek-V3 as for the optimal batch, and the balanced context that follows."""
    values = v3()
    return {**values, balanced_context: Scenario(values).evaluate(balance.result.rhs)}


V3_BALANCED = f"{V3_ALL}; so does the balanced context"

slopes = Derivation(
    name="slopes",
    title="What one more sequence adds to each term",
    rows=("1.7",),
    claim="At the balanced context one more sequence takes as long to compute as to read.",
    start=equation(compute_slope, memory_slope),
    steps=(
        Step(
            "at the peak, perfectly sharded",
            SHARED,
            equation(
                (flops_per_mac * active_parameters + attention_flops * context) / (stage_chips * peak_flops),
                (kv_bytes * context + kv_written) / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "leave out the one token written; call that context the balanced one",
            substitute(is_(kv_written, 0), is_(context, balanced_context)),
            equation(
                (flops_per_mac * active_parameters + attention_flops * balanced_context) / (stage_chips * peak_flops),
                kv_bytes * balanced_context / (stage_chips * memory_bandwidth),
            ),
        ),
    ),
    assumes=("every resource at its catalogue peak", "perfect sharding over the chips of a stage"),
    sources=(LECTURE,),
    example=lambda: balanced_v3(),
    example_text=V3_BALANCED,
)

balance = Derivation(
    name="balanced-context",
    title="The balanced context",
    rows=("1.7",),
    claim="Beyond this context memory binds at every batch.",
    start=slopes.result,
    steps=(
        Step(
            "the lecture leaves out the multiply-adds of attention",
            substitute(is_(attention_flops, 0)),
            equation(
                flops_per_mac * active_parameters / (stage_chips * peak_flops),
                kv_bytes * balanced_context / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "solve for the context",
            solve_for(balanced_context),
            equation(balanced_context, flops_per_mac * active_parameters * memory_bandwidth / (kv_bytes * peak_flops)),
        ),
    ),
    assumes=("attention's own multiply-adds are left out", "attention reads all of the context"),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
)

balance_exact = Derivation(
    name="balanced-context-exact",
    title="The balanced context with the FLOPs of attention",
    rows=("1.7",),
    claim="Attention's multiply-adds move the balance to a longer context; it exists only where reading outgrows them.",
    start=slopes.result,
    steps=(
        Step(
            "clear the rates and the chips",
            both_sides(side * stage_chips * peak_flops * memory_bandwidth),
            equation(
                flops_per_mac * active_parameters * memory_bandwidth
                + attention_flops * balanced_context * memory_bandwidth,
                kv_bytes * balanced_context * peak_flops,
            ),
        ),
        Step(
            "solve for the context",
            solve_for(balanced_context),
            equation(
                balanced_context,
                flops_per_mac
                * active_parameters
                * memory_bandwidth
                / (kv_bytes * peak_flops - attention_flops * memory_bandwidth),
            ),
        ),
    ),
    assumes=("attention reads all of the context",),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
    holds=(kv_bytes * peak_flops - attention_flops * memory_bandwidth,),
)

kv_by_balance = Derivation(
    name="kv-by-balance",
    title="KV cache bytes in terms of the balanced context",
    rows=("1.7",),
    claim="The balanced context stands for the KV cache bytes of a token.",
    start=balance.result,
    steps=(
        Step(
            "solve for the KV cache",
            solve_for(kv_bytes),
            equation(kv_bytes, flops_per_mac * active_parameters * memory_bandwidth / (balanced_context * peak_flops)),
        ),
    ),
    assumes=("attention's own multiply-adds are left out",),
    sources=(LECTURE,),
    example=lambda: balanced_v3(),
    example_text=V3_BALANCED,
)

batch_near_balance = Derivation(
    name="optimal-batch-near-balance",
    title="The optimal batch as the context nears the balanced one",
    rows=("1.6",),
    claim="The optimal batch grows as one over what is left to the balanced context: without bound.",
    start=best_batch_with_kv.result,
    steps=(
        Step(
            "the KV cache in terms of the balanced context",
            substitute(kv_by_balance.result),
            equation(
                optimal_batch,
                q.bytes_per_weight
                * q.parameters
                * peak_flops
                / (flops_per_mac * active_parameters * memory_bandwidth * (1 - context / balanced_context)),
            ),
        ),
        Step(
            "the rates as the ridge",
            substitute(peak_by_ridge.result),
            equation(
                optimal_batch,
                ridge * q.parameters / (active_parameters * (1 - context / balanced_context)),
            ),
        ),
    ),
    assumes=("attention's own multiply-adds are left out", "every expert is read in every step"),
    sources=(LECTURE,),
    example=lambda: balanced_v3(),
    example_text=V3_BALANCED,
    holds=(balanced_context - context,),
)

utilisation_beyond = Derivation(
    name="utilisation-beyond-balance",
    title="Utilisation beyond the balanced context",
    rows=("1.7",),
    claim="Beyond the balanced context no batch uses more of the chip than the balanced context over the context.",
    start=equation(utilisation, serving.utilisation),
    steps=(
        Step(
            "memory binds; put in both terms",
            substitute(is_(q.step_time, memory_term.result.rhs), compute_term.result),
            equation(
                utilisation,
                flops_per_mac
                * active_parameters
                * q.micro_batch
                * memory_bandwidth
                / (peak_flops * (q.bytes_per_weight * parameters_read + q.micro_batch * context * kv_bytes)),
            ),
        ),
        Step(
            "as batch grows the weights no longer count",
            limit(q.micro_batch, sympy.oo),
            equation(
                utilisation, flops_per_mac * active_parameters * memory_bandwidth / (peak_flops * context * kv_bytes)
            ),
        ),
        Step(
            "the KV cache in terms of the balanced context",
            substitute(kv_by_balance.result),
            equation(utilisation, balanced_context / context),
        ),
    ),
    assumes=("attention's own multiply-adds are left out, in the time and in the utilisation", "memory binds"),
    sources=(LECTURE,),
    example=lambda: {**balanced_v3(), context: 2 * balanced_v3()[balanced_context]},
    example_text=f"{V3_BALANCED}; context twice that",
)

half = Derivation(
    name="half-utilisation",
    title="Utilisation at twice the balanced context",
    rows=("1.7",),
    claim="At twice the balanced context half of the chip's FLOP/s lie idle, at any batch.",
    start=utilisation_beyond.result,
    steps=(
        Step(
            "twice the balanced context",
            substitute(is_(context, 2 * balanced_context)),
            equation(utilisation, sympy.Rational(1, 2)),
        ),
    ),
    assumes=("attention's own multiply-adds are left out", "the batch is large"),
    sources=(LECTURE,),
    example=lambda: balanced_v3(),
    example_text=V3_BALANCED,
)

DERIVATIONS = (slopes, balance, balance_exact, kv_by_balance, batch_near_balance, utilisation_beyond, half)
