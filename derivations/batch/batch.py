"""Chapter 1: the batch at which a token costs least, without KV cache, with it, and with the FLOPs of attention."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.batch.symbols import batch_one_ratio, optimal_batch, ridge
from steptime.derivations.board import READS_ALL, numbers
from steptime.derivations.facts import Compared, Crossing, Line, Tends, given
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

from steptime.derivations.batch.terms import (  # isort: skip
    LECTURE, NO_CONTEXT, V3, compute_cost, compute_term, memory_cost, memory_term, ridge_batch,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, bytes_per_weight, context, flops_per_mac, kv_bytes, memory_bandwidth,
    parameters, peak_flops, stage_chips,
)  # fmt: skip

ONE = given(q.micro_batch, 1, "a single sequence")
SHORT = Tends(context, sympy.S.Zero, "the context vanishes")
MEET = "both terms take equally long"
KV_ROOM = flops_per_mac * active_parameters * memory_bandwidth - context * kv_bytes * peak_flops
EXACT_ROOM = KV_ROOM + attention_flops * context * memory_bandwidth
WEIGHT_WORK = bytes_per_weight * parameters * peak_flops


def v3() -> Mapping[Symbol, float]:
    """DeepSeek-V3 with every expert read, and the ridge that follows."""
    values = dict(numbers("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", context=1000, batch=2048, experts="all"))
    values[ridge] = Scenario(values).evaluate(ridge_batch.result.rhs)
    return values


V3_ALL = f"{V3}, all experts read; the ridge as it follows"

peak_by_ridge = Derivation(
    name="peak-by-ridge",
    title="The peak in terms of the ridge",
    rows=("1.4",),
    claim="The ridge stands for the ratio of a chip's two rates.",
    start=ridge_batch,
    steps=(
        Step(
            "solve for the peak",
            solve_for(peak_flops),
            equation(peak_flops, ridge * flops_per_mac * memory_bandwidth / bytes_per_weight),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
)

batch_one = Derivation(
    name="batch-one-cost",
    title="What batch one costs over the floor",
    rows=("1.3",),
    claim="Without KV cache a single sequence costs the ridge times the sparsity as much as a full batch.",
    start=Compared(batch_one_ratio, memory_cost, compute_cost, "the cost at batch one over the floor"),
    steps=(
        Step(
            "one sequence, no context, every weight read",
            substitute(ONE, NO_CONTEXT, READS_ALL),
            equation(
                batch_one_ratio,
                WEIGHT_WORK / (memory_bandwidth * flops_per_mac * active_parameters),
            ),
        ),
        Step(
            "the rates as the ridge",
            substitute(peak_by_ridge),
            equation(batch_one_ratio, ridge * parameters / active_parameters),
        ),
    ),
    assumes=(ONE, NO_CONTEXT, READS_ALL),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
)

best_batch = Derivation(
    name="optimal-batch",
    title="The smallest batch at the cost floor",
    rows=("1.5",),
    claim="A token costs least from the ridge times the sparsity on, whatever the size of the model.",
    start=Crossing(memory_term, compute_term, MEET, over=q.micro_batch, at=optimal_batch),
    steps=(
        Step(
            "every weight is read; no KV cache",
            substitute(READS_ALL, NO_CONTEXT),
            equation(
                bytes_per_weight * parameters / (stage_chips * memory_bandwidth),
                flops_per_mac * active_parameters * optimal_batch / (stage_chips * peak_flops),
            ),
        ),
        Step(
            "clear the rates and the chips",
            both_sides(side * stage_chips * memory_bandwidth * peak_flops),
            equation(WEIGHT_WORK, flops_per_mac * active_parameters * optimal_batch * memory_bandwidth),
        ),
        Step(
            "solve for the batch",
            solve_for(optimal_batch),
            equation(optimal_batch, WEIGHT_WORK / (flops_per_mac * active_parameters * memory_bandwidth)),
        ),
        Step(
            "the rates as the ridge",
            substitute(peak_by_ridge),
            equation(optimal_batch, ridge * parameters / active_parameters),
        ),
    ),
    assumes=(READS_ALL, NO_CONTEXT),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
)

best_batch_with_kv = Derivation(
    name="optimal-batch-kv",
    title="The optimal batch with the KV cache read",
    rows=("1.6",),
    claim="Reading the KV cache raises the optimal batch with context; from the balanced context on there is none.",
    start=Crossing(memory_term, compute_term, MEET, over=q.micro_batch, at=optimal_batch),
    steps=(
        Step(
            "every weight is read",
            substitute(READS_ALL),
            equation(
                (bytes_per_weight * parameters + optimal_batch * context * kv_bytes) / (stage_chips * memory_bandwidth),
                flops_per_mac * active_parameters * optimal_batch / (stage_chips * peak_flops),
            ),
        ),
        Step(
            "clear the rates and the chips",
            both_sides(side * stage_chips * memory_bandwidth * peak_flops),
            equation(
                WEIGHT_WORK + optimal_batch * context * kv_bytes * peak_flops,
                flops_per_mac * active_parameters * optimal_batch * memory_bandwidth,
            ),
        ),
        Step(
            "collect the batch on one side",
            both_sides(side - optimal_batch * context * kv_bytes * peak_flops),
            equation(WEIGHT_WORK, optimal_batch * KV_ROOM),
        ),
        Step(
            "solve for the batch",
            solve_for(optimal_batch),
            equation(
                optimal_batch,
                bytes_per_weight
                * parameters
                * peak_flops
                / (flops_per_mac * active_parameters * memory_bandwidth - context * kv_bytes * peak_flops),
            ),
        ),
    ),
    assumes=(READS_ALL,),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
    holds=(more(flops_per_mac * active_parameters * memory_bandwidth, context * kv_bytes * peak_flops),),
)

best_batch_exact = Derivation(
    name="optimal-batch-exact",
    title="The optimal batch with the FLOPs of attention",
    rows=("1.6",),
    claim="Attention's own multiply-adds offset part of the KV cache's reads and keep the batch smaller.",
    start=Crossing(memory_term, Line(compute_term, 1), MEET, over=q.micro_batch, at=optimal_batch),
    steps=(
        Step(
            "every weight is read",
            substitute(READS_ALL),
            equation(
                (bytes_per_weight * parameters + optimal_batch * context * kv_bytes) / (stage_chips * memory_bandwidth),
                (flops_per_mac * active_parameters + attention_flops * context)
                * optimal_batch
                / (stage_chips * peak_flops),
            ),
        ),
        Step(
            "clear the rates and the chips",
            both_sides(side * stage_chips * memory_bandwidth * peak_flops),
            equation(
                WEIGHT_WORK + optimal_batch * context * kv_bytes * peak_flops,
                (flops_per_mac * active_parameters + attention_flops * context) * optimal_batch * memory_bandwidth,
            ),
        ),
        Step("solve for the batch", solve_for(optimal_batch), equation(optimal_batch, WEIGHT_WORK / EXACT_ROOM)),
    ),
    assumes=(READS_ALL,),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
    holds=(
        more(
            flops_per_mac * active_parameters * memory_bandwidth + attention_flops * context * memory_bandwidth,
            context * kv_bytes * peak_flops,
        ),
    ),
)

short_context = Derivation(
    name="optimal-batch-short-context",
    title="The optimal batch as the context vanishes",
    rows=("1.6",),
    claim="Without context the optimal batch is the ridge times the sparsity again.",
    start=best_batch_exact,
    steps=(
        Step(
            "let the context vanish",
            limit(context, 0),
            equation(optimal_batch, WEIGHT_WORK / (flops_per_mac * active_parameters * memory_bandwidth)),
        ),
        Step(
            "the rates as the ridge",
            substitute(peak_by_ridge),
            equation(optimal_batch, ridge * parameters / active_parameters),
        ),
    ),
    assumes=(SHORT,),
    sources=(LECTURE,),
    example=v3,
    example_text=V3_ALL,
)

DERIVATIONS = (peak_by_ridge, batch_one, best_batch, best_batch_with_kv, best_batch_exact, short_context)
