"""Chapter 5, prices: bytes of KV cache and FLOPs of attention, from the architecture."""

from collections.abc import Mapping
from functools import partial

import sympy
from sympy import Expr, Rational, Sum

from steptime.derivations.axioms import ATTENDS_TO_ALL, KEY_AND_VALUE, LATENT_AND_ROTARY_KEY, WINDOW_KEPT
from steptime.derivations.board import numbers
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Modelled, Tends, given
from steptime.derivations.prices import attention, formulas
from steptime.derivations.prices.kv_numbers import shapes
from steptime.derivations.prices.recompute import LECTURE
from steptime.derivations.rules import Rule, branch, equation, limit, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.architecture.attended import kept
from steptime.model.architecture.attention import GroupedAttention
from steptime.model.scenario import Scenario
from steptime.model.symbols import bytes_per_kv, context, kv_bytes

from steptime.derivations.prices.symbols import (  # isort: skip
    head_dim, kv_head, kv_heads, kv_layer, kv_layers, kv_rank, rope_dim, value_dim, window, windowed_layers,
)  # fmt: skip

GROUPED = "Ainslie et al. 2023, arXiv 2305.13245"
LATENT = "DeepSeek-V2, arXiv 2405.04434, 2.1"

AS_WIDE = given(value_dim, head_dim, "values as wide as keys")
DEEPSEEK_WIDTHS = (
    given(kv_rank, 4 * head_dim, "a latent as wide as four heads, as in DeepSeek-V2 and V3"),
    given(rope_dim, head_dim / 2, "a rotary key half as wide as a head, as in DeepSeek-V2 and V3"),
)
LONG = Tends(context, sympy.oo, "the context is much longer than the window")

of_heads = Sum(head_dim + value_dim, (kv_head, 1, kv_heads))
"""Elements that a token leaves in one layer: a key and a value for each head."""

every_head = total(of_heads, kv_heads * (head_dim + value_dim))


def every_layer(of: Expr, layers: Expr = kv_layers) -> Rule:
    """As much in each layer."""
    return total(Sum(of, (kv_layer, 1, layers)), layers * of)


grouped = Derivation(
    name="kv-bytes-grouped",
    title="Bytes of KV cache per token, grouped heads",
    rows=("5.2",),
    claim="Each layer keeps a key and a value for each key-value head; layers that share a cache count once.",
    start=Modelled(kv_bytes, formulas.kept_by_heads),
    steps=(
        Step(
            "the heads of a layer",
            every_head,
            equation(
                kv_bytes,
                Sum(bytes_per_kv * kv_heads * (head_dim + value_dim), (kv_layer, 1, kv_layers)),
            ),
        ),
        Step(
            "the layers: the bytes that the model counts",
            every_layer(bytes_per_kv * kv_heads * (head_dim + value_dim)),
            equation(kv_bytes, formulas.grouped_kv_bytes),
        ),
        Step(
            "values as wide as keys",
            substitute(AS_WIDE),
            equation(kv_bytes, kv_layers * 2 * head_dim * kv_heads * bytes_per_kv),
        ),
    ),
    assumes=(KEY_AND_VALUE, ATTENDS_TO_ALL, AS_WIDE),
    sources=(LECTURE, GROUPED),
    example=lambda: shapes("llama-3.1-70b"),
    example_text="Llama-3.1-70B at bf16",
)

latent = Derivation(
    name="kv-bytes-latent",
    title="Bytes of KV cache per token, a latent for all heads",
    rows=("5.2",),
    claim="Each layer keeps one latent and one rotary key, however many heads it has.",
    start=Modelled(kv_bytes, formulas.kept_as_latent),
    steps=(
        Step(
            "the layers: the bytes that the model counts",
            every_layer(bytes_per_kv * (kv_rank + rope_dim)),
            equation(kv_bytes, formulas.latent_kv_bytes),
        ),
        Step(
            "DeepSeek's widths: a latent of four heads, a rotary key of half a head",
            substitute(*DEEPSEEK_WIDTHS),
            equation(kv_bytes, Rational(9, 2) * kv_layers * head_dim * bytes_per_kv),
        ),
    ),
    assumes=(LATENT_AND_ROTARY_KEY, ATTENDS_TO_ALL, *DEEPSEEK_WIDTHS),
    sources=(LECTURE, LATENT),
    example=lambda: shapes("deepseek-v3"),
    example_text="DeepSeek-V3 at bf16",
)

_layer = bytes_per_kv * kv_heads * (head_dim + value_dim)
_kept = kept(formulas.windowed, context)

windowed = Derivation(
    name="kv-bytes-windowed",
    title="Bytes of KV cache per token of context, some layers with a window",
    rows=("5.2",),
    claim="Over a long context only the layers without a window count.",
    start=Modelled(kv_bytes, formulas.kept_by_windows),
    steps=(
        Step(
            "the heads of a layer",
            every_head,
            equation(
                kv_bytes,
                Sum(_layer * context, (kv_layer, 1, kv_layers)) / context
                + Sum(_layer * _kept, (kv_layer, 1, windowed_layers)) / context,
            ),
        ),
        Step(
            "the layers without a window",
            every_layer(_layer * context),
            equation(
                kv_bytes,
                kv_layers * _layer + Sum(_layer * _kept, (kv_layer, 1, windowed_layers)) / context,
            ),
        ),
        Step(
            "the layers with a window: the bytes that the model counts",
            every_layer(_layer * _kept, windowed_layers),
            equation(kv_bytes, formulas.windowed_kv_bytes),
        ),
        Step(
            "a context no shorter than the window",
            branch(_kept, window),
            equation(
                kv_bytes,
                (kv_layers + windowed_layers * window / context) * (head_dim + value_dim) * kv_heads * bytes_per_kv,
            ),
        ),
        Step(
            "a context much longer than the window",
            limit(context, sympy.oo),
            equation(kv_bytes, kv_layers * (head_dim + value_dim) * kv_heads * bytes_per_kv),
        ),
    ),
    assumes=(KEY_AND_VALUE, WINDOW_KEPT, LONG),
    sources=(LECTURE, GROUPED),
    example=lambda: shapes("gemma-3-27b"),
    example_text="Gemma 3 27B at bf16",
)

DERIVATIONS = (grouped, latent, windowed, attention.attention_share)


LECTURE_HEADS = {kv_heads: 8.0, head_dim: 128.0, kv_layers: 1.0, bytes_per_kv: 1.0}
LECTURE_ELEMENTS = GroupedAttention(heads=8, kv_heads=8, head_dim=128, value_dim=128).cache_elements


def bytes_of(one: Derivation, model: str) -> float:
    """A result at the shapes of a model."""
    return float(Scenario(shapes(model)).evaluate(one.result.rhs))


def shape_inputs(model: str) -> Mapping[str, float | str]:
    return {"model": model, **{symbol.name: value for symbol, value in shapes(model).items()}}


def agrees(model: str, value: float) -> bool:
    """Whether the ledger of a model reads as many bytes per token of context."""
    return bool(value == numbers(model, "h200-sxm", layout="tp=8", context=1000, batch=1)[kv_bytes])


CLAIMS = (
    Claim(
        "5.2",
        "bytes of KV cache per token of 8 heads of 128, one layer, one byte",
        2048.0,
        lambda: float(Scenario(LECTURE_HEADS).evaluate(grouped.result.rhs)),
        lambda: {symbol.name: value for symbol, value in LECTURE_HEADS.items()},
        unit="B",
        must=lambda value: value == LECTURE_ELEMENTS,
    ),
    Claim(
        "5.2",
        "bytes of KV cache per token of deepseek-v3 at bf16 (arXiv 2505.09343, table 1)",
        70272.0,
        partial(bytes_of, latent, "deepseek-v3"),
        partial(shape_inputs, "deepseek-v3"),
        source=Source.PAPER,
        unit="B",
        must=partial(agrees, "deepseek-v3"),
    ),
    Claim(
        "5.2",
        "bytes of KV cache per token of llama-3.1-70b at bf16: those that its step reads",
        None,
        partial(bytes_of, grouped, "llama-3.1-70b"),
        partial(shape_inputs, "llama-3.1-70b"),
        source=Source.OWN,
        unit="B",
        must=partial(agrees, "llama-3.1-70b"),
    ),
    *attention.CLAIMS,
)
