"""Chapter 1: what sparse attention does to the balanced context."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.batch import sparse
from steptime.derivations.batch.balance import balance, balanced_v3, kv_by_balance
from steptime.derivations.batch.terms import LECTURE
from steptime.derivations.board import PEAK, PERFECT_SHARDS, is_, numbers
from steptime.derivations.rules import both_sides, equation, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.phases.decode import compute_slope
from steptime.model.scenario import Scenario

from steptime.derivations.batch.symbols import (  # isort: skip
    balanced_context, dense_context, index_bytes, selected_tokens, skipped_tokens, tokens_read,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, context, flops_per_mac, kv_bytes, memory_bandwidth, peak_flops, stage_chips,
)  # fmt: skip

V32_LAYERS = 61
V32_SELECTED = 2048
V32_INDEX_WIDTH = 128
V32_INDEX_BYTES = float(V32_LAYERS * (V32_INDEX_WIDTH * 1 + 4))
"""One key of 128 elements at fp8 a layer, with a scale of four bytes."""
V32 = "DeepSeek-V3.2 published configuration (61 layers, index_topk 2048, index_head_dim 128), Hugging Face"
NO_ATTENTION_FLOPS = "the multiply-adds of attention and of the index are left out"


def v32() -> Mapping[Symbol, float]:
    """DeepSeek-V3.2: the architecture of V3, a KV cache at fp8, an index with keys of its own."""
    values = dict(numbers("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", context=8000, kv="fp8", experts="all"))
    values |= {selected_tokens: float(V32_SELECTED), index_bytes: V32_INDEX_BYTES, q.attention_flops: 0.0}
    return {**values, balanced_context: Scenario(values).evaluate(balance.result.rhs)}


V32_TEXT = (
    "DeepSeek-V3.2 at fp8, weights and KV cache, on 32 H100; selects 2048 tokens, its index reads 132 bytes a layer"
)

sparse_slopes = Derivation(
    name="sparse-slopes",
    title="Balance of a sparse attention",
    rows=("1.8",),
    claim="Sparse attention reads some tokens' KV cache, and an index over all of them.",
    start=equation(compute_slope, sparse.memory_slope),
    steps=(
        Step(
            "at the peak, perfectly sharded, without the multiply-adds of attention",
            substitute(*PEAK, PERFECT_SHARDS[0], PERFECT_SHARDS[2], is_(q.attention_flops, 0)),
            equation(
                flops_per_mac * active_parameters / (stage_chips * peak_flops),
                (kv_bytes * tokens_read + index_bytes * context) / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "clear the rates and the chips",
            both_sides(side * stage_chips * memory_bandwidth),
            equation(
                flops_per_mac * active_parameters * memory_bandwidth / peak_flops,
                kv_bytes * tokens_read + index_bytes * context,
            ),
        ),
    ),
    assumes=("every resource at its catalogue peak", "perfect sharding", NO_ATTENTION_FLOPS),
    sources=(LECTURE,),
    example=lambda: {**v32(), tokens_read: float(V32_SELECTED)},
    example_text=V32_TEXT,
)

square_root = Derivation(
    name="square-root-attention",
    title="Balanced context where attention reads the square root",
    rows=("1.8",),
    claim="With reads that grow as the square root the balanced context is that of dense attention, squared.",
    start=sparse_slopes.result,
    steps=(
        Step(
            "tokens read as the square root of the context, no index",
            substitute(is_(index_bytes, 0), is_(tokens_read, sparse.square_root_read)),
            equation(
                flops_per_mac * active_parameters * memory_bandwidth / peak_flops,
                kv_bytes * sympy.sqrt(context * dense_context),
            ),
        ),
        Step(
            "the KV cache in terms of the dense balance",
            substitute(kv_by_balance.result),
            equation(
                flops_per_mac * active_parameters * memory_bandwidth / peak_flops,
                flops_per_mac
                * active_parameters
                * memory_bandwidth
                * sympy.sqrt(context * dense_context)
                / (balanced_context * peak_flops),
            ),
        ),
        Step(
            "square both sides",
            both_sides(side**2),
            equation(
                (flops_per_mac * active_parameters * memory_bandwidth / peak_flops) ** 2,
                (flops_per_mac * active_parameters * memory_bandwidth / peak_flops) ** 2
                * context
                * dense_context
                / balanced_context**2,
            ),
        ),
        Step("solve for the context", solve_for(context), equation(context, balanced_context**2 / dense_context)),
    ),
    assumes=("the index costs nothing", NO_ATTENTION_FLOPS),
    sources=(LECTURE,),
    example=lambda: {**balanced_v3(), dense_context: 128.0},
    example_text="DeepSeek-V3 at fp8 on H100, its attention dense up to 128 tokens, then as the square root",
)

top_k_short = Derivation(
    name="top-k-short",
    title="Balanced context where the selection holds all of it",
    rows=("1.8",),
    claim="A selection at least as long as the dense balance changes nothing about it.",
    start=sparse_slopes.result,
    steps=(
        Step(
            "the selection could hold more than the context, so that all of it is read; no index",
            substitute(is_(index_bytes, 0), is_(tokens_read, context)),
            equation(flops_per_mac * active_parameters * memory_bandwidth / peak_flops, kv_bytes * context),
        ),
        Step(
            "the KV cache in terms of the dense balance",
            substitute(kv_by_balance.result),
            equation(
                flops_per_mac * active_parameters * memory_bandwidth / peak_flops,
                flops_per_mac * active_parameters * memory_bandwidth * context / (balanced_context * peak_flops),
            ),
        ),
        Step("solve for the context", solve_for(context), equation(context, balanced_context)),
    ),
    assumes=("the selection is at least the balanced context", "the index costs nothing", NO_ATTENTION_FLOPS),
    sources=(LECTURE, V32),
    example=balanced_v3,
    example_text="DeepSeek-V3 at fp8 on H100, KV cache at bf16: balanced below 2048 tokens",
)

top_k_long = Derivation(
    name="top-k-long",
    title="Balanced context where the selection is the shorter",
    rows=("1.8",),
    claim="Beyond the selection only the index's reads grow; without them compute binds for good.",
    start=sparse_slopes.result,
    steps=(
        Step(
            "the best k of the context",
            substitute(is_(tokens_read, sparse.top_k_read)),
            equation(
                flops_per_mac * active_parameters * memory_bandwidth / peak_flops,
                kv_bytes * sympy.Min(context, selected_tokens) + index_bytes * context,
            ),
        ),
        Step(
            "the context is longer than the selection, so that only the selection is read",
            substitute(is_(context, selected_tokens + skipped_tokens)),
            equation(
                flops_per_mac * active_parameters * memory_bandwidth / peak_flops,
                kv_bytes * selected_tokens + index_bytes * (selected_tokens + skipped_tokens),
            ),
        ),
        Step(
            "solve for what is skipped",
            solve_for(skipped_tokens),
            equation(
                skipped_tokens,
                (flops_per_mac * active_parameters * memory_bandwidth / peak_flops - kv_bytes * selected_tokens)
                / index_bytes
                - selected_tokens,
            ),
        ),
        Step(
            "count the context again",
            substitute(is_(skipped_tokens, context - selected_tokens)),
            equation(
                context - selected_tokens,
                (flops_per_mac * active_parameters * memory_bandwidth / peak_flops - kv_bytes * selected_tokens)
                / index_bytes
                - selected_tokens,
            ),
        ),
        Step(
            "the selection on both sides",
            both_sides(side + selected_tokens),
            equation(
                context,
                (flops_per_mac * active_parameters * memory_bandwidth / peak_flops - kv_bytes * selected_tokens)
                / index_bytes,
            ),
        ),
    ),
    assumes=("the selection is shorter than the balanced context", NO_ATTENTION_FLOPS),
    sources=(LECTURE, V32),
    example=v32,
    example_text=V32_TEXT,
)

DERIVATIONS = (sparse_slopes, square_root, top_k_short, top_k_long)
