"""Chapter 5, prices: bytes of KV cache and FLOPs of attention, from the architecture."""

from collections.abc import Mapping
from functools import cache as once
from functools import partial

import sympy
from sympy import Rational

from steptime.derivations.board import is_, numbers
from steptime.derivations.claims import Claim
from steptime.derivations.prices import formulas
from steptime.derivations.prices.kv_numbers import growing_caches, shapes
from steptime.derivations.rules import equation, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.phases.decode import flops_per_token
from steptime.model.scenario import Scenario
from steptime.model.symbols import active_parameters, attention_flops, bytes_per_kv, context, flops_per_mac, kv_bytes

from steptime.derivations.prices.symbols import (  # isort: skip
    beyond_window, head_dim, kv_heads, kv_layers, kv_rank, rope_dim, value_dim, weights_flops_share, window,
    windowed_layers,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapter 5"
GROUPED = "Ainslie et al. 2023, arXiv 2305.13245"
LATENT = "DeepSeek-V2, arXiv 2405.04434, 2.1"


grouped = Derivation(
    name="kv-bytes-grouped",
    title="Bytes of KV cache per token, grouped heads",
    rows=("5.2",),
    claim="Each layer keeps a key and a value for each key-value head; layers that share a cache count once.",
    start=equation(kv_bytes, formulas.grouped_kv_bytes),
    steps=(
        Step(
            "values as wide as keys",
            substitute(is_(value_dim, head_dim)),
            equation(kv_bytes, kv_layers * 2 * head_dim * kv_heads * bytes_per_kv),
        ),
    ),
    assumes=("values as wide as keys", "no window"),
    sources=(LECTURE, GROUPED),
    example=lambda: shapes("llama-3.1-70b"),
    example_text="Llama-3.1-70B at bf16",
)

latent = Derivation(
    name="kv-bytes-latent",
    title="Bytes of KV cache per token, a latent for all heads",
    rows=("5.2",),
    claim="Each layer keeps one latent and one rotary key, however many heads it has.",
    start=equation(kv_bytes, formulas.latent_kv_bytes),
    steps=(
        Step(
            "DeepSeek's widths: a latent of four heads, a rotary key of half a head",
            substitute(is_(kv_rank, 4 * head_dim), is_(rope_dim, head_dim / 2)),
            equation(kv_bytes, Rational(9, 2) * kv_layers * head_dim * bytes_per_kv),
        ),
    ),
    assumes=("keys and values are computed from the latent, or absorbed", "the widths of DeepSeek-V2 and V3"),
    sources=(LECTURE, LATENT),
    example=lambda: shapes("deepseek-v3"),
    example_text="DeepSeek-V3 at bf16",
)

windowed = Derivation(
    name="kv-bytes-windowed",
    title="Bytes of KV cache per token of context, some layers with a window",
    rows=("5.2",),
    claim="Over a long context only the layers without a window count.",
    start=equation(kv_bytes, formulas.windowed_kv_bytes),
    steps=(
        Step(
            "beyond the window",
            substitute(is_(context, window + beyond_window)),
            equation(
                kv_bytes,
                (kv_layers + windowed_layers * window / (window + beyond_window))
                * (head_dim + value_dim)
                * kv_heads
                * bytes_per_kv,
            ),
        ),
        Step(
            "a context much longer than the window",
            limit(beyond_window, sympy.oo),
            equation(kv_bytes, kv_layers * (head_dim + value_dim) * kv_heads * bytes_per_kv),
        ),
    ),
    assumes=("layers with a window keep no more than it",),
    sources=(LECTURE, GROUPED),
    example=lambda: shapes("gemma-3-27b"),
    example_text="Gemma 3 27B at bf16",
)

attention_share = Derivation(
    name="attention-context",
    title="The context at which attention multiplies as much as the weights",
    rows=("5.4",),
    claim="Attention's multiply-adds grow with context, those of the weights do not.",
    start=equation(weights_flops_share, flops_per_mac * active_parameters / flops_per_token),
    steps=(
        Step(
            "the weights have half of all multiply-adds",
            substitute(is_(weights_flops_share, Rational(1, 2))),
            equation(
                Rational(1, 2),
                flops_per_mac * active_parameters / (flops_per_mac * active_parameters + attention_flops * context),
            ),
        ),
        Step(
            "solve for the context",
            solve_for(context),
            equation(context, flops_per_mac * active_parameters / attention_flops),
        ),
    ),
    assumes=("attention over all of the context",),
    sources=(LECTURE,),
    example=lambda: numbers("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", context=1000, batch=2048),
    example_text="DeepSeek-V3, latent attention absorbed as in decode",
)

DERIVATIONS = (grouped, latent, windowed, attention_share)


LECTURE_HEADS = {kv_heads: 8.0, head_dim: 128.0, kv_layers: 1.0, bytes_per_kv: 1.0}


def bytes_of(one: Derivation, model: str) -> float:
    """A result at the shapes of a model."""
    return float(Scenario(shapes(model)).evaluate(one.result.rhs))


def shape_inputs(model: str) -> Mapping[str, float | str]:
    return {"model": model, **{symbol.name: value for symbol, value in shapes(model).items()}}


def agrees(model: str, value: float) -> bool:
    """Whether the ledger of a model reads as many bytes per token of context."""
    return bool(value == numbers(model, "h200-sxm", layout="tp=8", context=1000, batch=1)[kv_bytes])


def equal_context(model: str) -> float:
    """The context at which attention multiplies as much as the weights; layers with a window stop growing at it."""
    from steptime.model.catalog.transformers import load_transformer
    from steptime.model.layout.choices import Plan
    from steptime.model.phases.ledger import Ledger

    transformer = load_transformer(model)
    total = Ledger(transformer, Plan()).slots[attention_flops]
    values = {flops_per_mac: 2.0, active_parameters: float(transformer.active_parameters)}
    found = 1e5
    for _ in range(100):  # a fixed point: attention_flops averages over the context
        values[attention_flops] = float(Scenario({flops_per_mac: 2.0, context: found}).evaluate(total))
        found = float(Scenario(values).evaluate(attention_share.result.rhs))
    return found


@once
def equal_contexts() -> Mapping[str, float]:
    """Of every model in the catalogue that has one: with a window on every layer attention never catches up."""
    from steptime.model.catalog.transformers import load_transformer, transformer_names

    def grows(name: str) -> bool:
        return any(mixer.window is None for mixer, _ in growing_caches(load_transformer(name)))

    return {name: equal_context(name) for name in transformer_names() if grows(name)}


def extreme(largest: bool) -> float:
    return sorted(equal_contexts().values())[-1 if largest else 0]


def extreme_inputs(largest: bool) -> Mapping[str, float | str]:
    by_context = sorted(equal_contexts(), key=lambda name: equal_contexts()[name])
    return {"model": by_context[-1 if largest else 0], "models": float(len(by_context))}


CLAIMS = (
    Claim(
        "5.2",
        "bytes of KV cache per token of 8 heads of 128, one layer, one byte",
        2048.0,
        lambda: float(Scenario(LECTURE_HEADS).evaluate(grouped.result.rhs)),
        lambda: {symbol.name: value for symbol, value in LECTURE_HEADS.items()},
        tolerance=1e-9,
        unit="B",
    ),
    *(
        Claim(
            "5.2",
            f"bytes of KV cache per token of {model} at bf16",
            guess,
            partial(bytes_of, one, model),
            partial(shape_inputs, model),
            tolerance=1e-9,
            unit="B",
            must=partial(agrees, model),
        )
        for one, model, guess in ((latent, "deepseek-v3", 70272.0), (grouped, "llama-3.1-70b", 327680.0))
    ),
    *(
        Claim(
            "5.4",
            f"{which} context at which attention multiplies as much as the weights: millions",
            1e6,
            partial(extreme, largest),
            partial(extreme_inputs, largest),
            tolerance=0.5,
            must=lambda value: value > 0,
        )
        for which, largest in (("shortest", False), ("longest", True))
    ),
)
