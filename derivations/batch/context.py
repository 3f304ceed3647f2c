"""Chapter 1: what sparse attention does to the balanced context."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.axioms import ALL_SCORED, STREAMED_ONCE
from steptime.derivations.batch import sparse
from steptime.derivations.batch.balance import MEET, balance, balanced_v3, compute_slope, kv_by_balance
from steptime.derivations.batch.terms import LECTURE
from steptime.derivations.board import PEAK, PERFECT_SHARDS, numbers
from steptime.derivations.facts import Crossing, Defined, Given, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import both_sides, branch, equation, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

from steptime.derivations.batch.symbols import (  # isort: skip
    balanced_context, dense_context, index_bytes, selected_tokens, sparse_sequence_time, tokens_read,
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
NO_INDEX = given(index_bytes, 0, "the index costs nothing")
SQUARE_ROOT_READ = sympy.Min(context, sparse.square_root_read)
"""A short context is read whole: its square root would be the longer."""
SQUARE_ROOT = given(
    tokens_read, SQUARE_ROOT_READ, "as many tokens are read as the square root of the context, or all of it"
)
BEYOND_DENSE = Given(at_least(context, dense_context), "the context is no shorter than what attention reads densely")
WITHIN_SELECTION = Given(at_least(selected_tokens, context), "the selection holds all of the context")
BEYOND_SELECTION = Given(at_least(context, selected_tokens), "the context holds all of the selection")
TOP_K = given(tokens_read, sparse.top_k_read, "the best k of the context are read")
COMPUTED = flops_per_mac * active_parameters * memory_bandwidth / peak_flops
"""Bytes that a chip could read while it multiplies every active weight once."""


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
    start=Crossing(
        compute_slope,
        Defined(
            sparse_sequence_time,
            sparse.memory_slope,
            "the time to read the selected tokens' KV cache, and the index over all",
        ),
        MEET,
    ),
    steps=(
        Step(
            "at the peak, perfectly sharded",
            substitute(PEAK[1], PERFECT_SHARDS[2]),
            equation(
                flops_per_mac * active_parameters / (stage_chips * peak_flops),
                (kv_bytes * tokens_read + index_bytes * context) / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "clear the rates and the chips",
            both_sides(side * stage_chips * memory_bandwidth),
            equation(COMPUTED, kv_bytes * tokens_read + index_bytes * context),
        ),
    ),
    assumes=(STREAMED_ONCE, ALL_SCORED, PEAK[1], PERFECT_SHARDS[2]),
    sources=(LECTURE,),
    example=lambda: {**v32(), tokens_read: float(V32_SELECTED)},
    example_text=V32_TEXT,
)

square_root = Derivation(
    name="square-root-attention",
    title="Balanced context where attention reads the square root",
    rows=("1.8",),
    claim="With reads that grow as the square root the balanced context is that of dense attention, squared.",
    start=sparse_slopes,
    steps=(
        Step(
            "tokens read as the square root of the context, no index",
            substitute(NO_INDEX, SQUARE_ROOT),
            equation(COMPUTED, kv_bytes * SQUARE_ROOT_READ),
        ),
        Step(
            "a context longer than what is dense",
            branch(SQUARE_ROOT_READ, sparse.square_root_read),
            equation(COMPUTED, kv_bytes * sparse.square_root_read),
        ),
        Step(
            "the KV cache in terms of the dense balance",
            substitute(kv_by_balance),
            equation(COMPUTED, COMPUTED * sparse.square_root_read / balanced_context),
        ),
        Step(
            "square both sides",
            both_sides(side**2),
            equation(COMPUTED**2, COMPUTED**2 * context * dense_context / balanced_context**2),
        ),
        Step("solve for the context", solve_for(context), equation(context, balanced_context**2 / dense_context)),
    ),
    assumes=(NO_INDEX, SQUARE_ROOT, BEYOND_DENSE),
    sources=(LECTURE,),
    example=lambda: {**balanced_v3(), dense_context: 128.0},
    example_text="DeepSeek-V3 at fp8 on H100, its attention dense up to 128 tokens, then as the square root",
    holds=(at_least(balanced_context, dense_context),),
)

top_k_short = Derivation(
    name="top-k-short",
    title="Balanced context where the selection holds all of it",
    rows=("1.8",),
    claim="A selection at least as long as the dense balance changes nothing about it.",
    start=sparse_slopes,
    steps=(
        Step(
            "the best k of the context, no index",
            substitute(NO_INDEX, TOP_K),
            equation(COMPUTED, kv_bytes * sparse.top_k_read),
        ),
        Step(
            "the selection is no shorter than the context, so that all of it is read",
            branch(sparse.top_k_read, context),
            equation(COMPUTED, kv_bytes * context),
        ),
        Step(
            "the KV cache in terms of the dense balance",
            substitute(kv_by_balance),
            equation(COMPUTED, COMPUTED * context / balanced_context),
        ),
        Step("solve for the context", solve_for(context), equation(context, balanced_context)),
    ),
    assumes=(NO_INDEX, TOP_K, WITHIN_SELECTION),
    sources=(LECTURE, V32),
    example=lambda: {**balanced_v3(), selected_tokens: float(V32_SELECTED)},
    example_text="DeepSeek-V3 at fp8 on H100, KV cache at bf16: balanced below 2048 tokens",
    holds=(at_least(selected_tokens, balanced_context),),
)

top_k_long = Derivation(
    name="top-k-long",
    title="Balanced context where the selection is the shorter",
    rows=("1.8",),
    claim="Beyond the selection only the index's reads grow; without them compute binds for good.",
    start=sparse_slopes,
    steps=(
        Step(
            "the best k of the context",
            substitute(TOP_K),
            equation(COMPUTED, kv_bytes * sparse.top_k_read + index_bytes * context),
        ),
        Step(
            "the context is no shorter than the selection, so that only the selection is read",
            branch(sparse.top_k_read, selected_tokens),
            equation(COMPUTED, kv_bytes * selected_tokens + index_bytes * context),
        ),
        Step(
            "solve for the context",
            solve_for(context),
            equation(context, (COMPUTED - kv_bytes * selected_tokens) / index_bytes),
        ),
    ),
    assumes=(TOP_K, BEYOND_SELECTION),
    sources=(LECTURE, V32),
    example=v32,
    example_text=V32_TEXT,
    holds=(
        more(index_bytes, 0),
        at_least(
            flops_per_mac * active_parameters * memory_bandwidth,
            selected_tokens * (kv_bytes + index_bytes) * peak_flops,
        ),
    ),
)

DERIVATIONS = (sparse_slopes, square_root, top_k_short, top_k_long)
