"""Chapter 1 in numbers, second part: optimal batch, balanced context, sparse attention."""

from collections.abc import Mapping

import sympy
from sympy import Expr, Symbol

from steptime.derivations.batch.balance import balance, balance_exact, compute_slope, memory_slope, utilisation_beyond
from steptime.derivations.batch.batch import best_batch, best_batch_exact, best_batch_with_kv
from steptime.derivations.batch.claims import at, changed, computed, deepseek, near
from steptime.derivations.claims import Wording
from steptime.model import symbols as q
from steptime.model.scenario import Scenario
from steptime.model.symbols import context

from steptime.derivations.batch.context import (  # isort: skip
    V32_INDEX_BYTES, V32_SELECTED, sparse_slopes, square_root, top_k_long, top_k_short,
)  # fmt: skip
from steptime.derivations.batch.symbols import (  # isort: skip
    balanced_context, dense_context, index_bytes, ridge, selected_tokens, tokens_read,
)  # fmt: skip

LECTURE_MODEL: Mapping[Symbol, float] = {ridge: 300.0, q.parameters: 256.0, q.active_parameters: 32.0}
"""The lecture's own: a ridge of 300, and 32 of 256 experts active."""


def balanced() -> Mapping[Symbol, float]:
    """DeepSeek-V3 on H100 and its balanced context in the lecture's form."""
    return {**deepseek(), balanced_context: Scenario(deepseek()).evaluate(balance.result.rhs)}


def at_share_of_balance(share: float) -> Mapping[Symbol, float]:
    """The same at a context that is some share of the balanced one."""
    return {**balanced(), context: share * balanced()[balanced_context]}


def beyond_exact_balance() -> Mapping[Symbol, float]:
    """The same at twice the balanced context that attention's multiply-adds allow; no token written."""
    return {**deepseek(), q.kv_written: 0.0, context: 2 * Scenario(deepseek()).evaluate(balance_exact.result.rhs)}


def fp8_cache() -> Mapping[Symbol, float]:
    """The same with a KV cache at fp8, and the selection and index of DeepSeek-V3.2."""
    values = {**deepseek(kv="fp8"), selected_tokens: float(V32_SELECTED), index_bytes: V32_INDEX_BYTES}
    return {**values, balanced_context: Scenario(values).evaluate(balance.result.rhs)}


def square_root_case() -> Mapping[Symbol, float]:
    """A square-root attention that is dense up to 128 tokens, at its own balanced context."""
    values = {**balanced(), dense_context: 128.0}
    return {**values, context: Scenario(values).evaluate(square_root.result.rhs)}


def without_kv() -> float:
    """The optimal batch without KV cache."""
    return at(best_batch.result.rhs, deepseek())


def in_lectures_form(tokens: float = 1000.0) -> float:
    """The optimal batch with the KV cache of so many tokens, in the lecture's form."""
    return at(best_batch_with_kv.result.rhs, {**deepseek(), context: tokens})


KV_OVER_FLOPS: Expr = q.kv_bytes * q.peak_flops / (q.attention_flops * q.memory_bandwidth)
"""Above one where reading KV cache outgrows attention's multiply-adds: only then is there a balanced context."""

BATCH = (
    computed("1.5", "300 x 256/32", 2400.0, best_batch.result.rhs, lambda: LECTURE_MODEL),
    computed(
        "1.5",
        "optimal batch with DeepSeek-V3's real configuration (671/37): about 5350",
        5350.0,
        best_batch.result.rhs,
        deepseek,
        Wording.ABOUT,
    ),
    computed(
        "1.6",
        "exact optimal batch at a context of one token, over that without KV cache: it is approached from above",
        None,
        best_batch_exact.result.rhs / best_batch.result.rhs,
        changed(deepseek, {context: 1.0}),
        must=lambda found: 1 < found < 1.001,
    ),
    computed(
        "1.6",
        "at 0.999 of the balanced context, over the batch without KV cache: it grows without bound",
        None,
        best_batch_with_kv.result.rhs / best_batch.result.rhs,
        lambda: at_share_of_balance(0.999),
        must=lambda found: abs(found / 1000 - 1) < 1e-6,
    ),
    computed(
        "1.6",
        "DeepSeek-V3 on H100 at fp8, context 1000: optimal batch in the lecture's form",
        None,
        best_batch_with_kv.result.rhs,
        deepseek,
        must=lambda found: found > without_kv(),
    ),
    computed(
        "1.6",
        "the same with the FLOPs of attention: a smaller batch, still above that without KV cache",
        None,
        best_batch_exact.result.rhs,
        deepseek,
        must=lambda found: without_kv() < found < in_lectures_form(),
    ),
    computed(
        "1.6",
        "at context 2000, where the lecture's form has no optimum any more: the exact optimal batch",
        None,
        best_batch_exact.result.rhs,
        changed(deepseek, {context: 2000.0}),
        must=lambda found: found > without_kv() > 0 > in_lectures_form(2000.0),
    ),
)
BALANCE = (
    computed(
        "1.7",
        "balanced context of DeepSeek-V3 on H100 at fp8, the lecture's form: as by hand with 37e9 active weights",
        None,
        balance.result.rhs,
        deepseek,
        must=lambda found: near(found, 2 * 37e9 * 3.35e12 / (70272 * 1979e12)),
    ),
    computed(
        "1.7",
        "the same with the FLOPs of attention",
        None,
        balance_exact.result.rhs,
        deepseek,
        must=lambda found: found > balanced()[balanced_context],
    ),
    computed(
        "1.7",
        "KV cache reads over attention's multiply-adds, in time per token of context: above 1 there is a balance",
        None,
        KV_OVER_FLOPS,
        deepseek,
        must=lambda found: found > 1,
    ),
    computed(
        "1.7",
        "MFU at twice the balanced context, from both terms at a batch of 10^9",
        0.5,
        utilisation_beyond.lines[2].rhs,
        lambda: {**at_share_of_balance(2.0), q.micro_batch: 1e9},
        must=lambda found: found < 0.5,
    ),
    computed(
        "1.7",
        "utilisation with attention's multiply-adds counted, at twice the exact balanced context and a large batch",
        None,
        compute_slope.lines[1].rhs / memory_slope.result.rhs,
        beyond_exact_balance,
        must=lambda found: 0.5 < found < 1,
    ),
)
SPARSE = (
    computed(
        "1.8",
        "square-root attention, dense up to 128 tokens: balanced context of DeepSeek-V3 on H100",
        None,
        square_root.result.rhs,
        square_root_case,
        must=lambda found: found > balanced()[balanced_context],
    ),
    computed(
        "1.8",
        "top-2048 with a bf16 KV cache: the dense balance is shorter than the selection, so that it stays",
        None,
        top_k_short.result.rhs,
        balanced,
        must=lambda found: found <= V32_SELECTED,
    ),
    computed(
        "1.8",
        "top-2048 with an fp8 KV cache (DeepSeek-V3.2): the balanced context is where the index's reads bring it",
        None,
        top_k_long.result.rhs,
        fp8_cache,
        must=lambda found: found > fp8_cache()[balanced_context] > V32_SELECTED,
    ),
    computed(
        "1.8",
        "without the index: multiply-adds over the selection's reads, above 1 compute binds at every context",
        None,
        sparse_slopes.result.lhs / sparse_slopes.result.rhs.xreplace({index_bytes: sympy.S.Zero}),
        lambda: {**fp8_cache(), tokens_read: float(V32_SELECTED)},
        must=lambda found: found > 1,
    ),
)
DERIVATIONS = ()
CLAIMS = (*BATCH, *BALANCE, *SPARSE)
