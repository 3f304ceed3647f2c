"""Chapter 5, prices: what the steps and ratios of a price list say about a model and its machine."""

from collections.abc import Mapping
from functools import partial

from sympy import Symbol

from steptime.derivations.batch.balance import kv_by_balance
from steptime.derivations.batch.batch import peak_by_ridge
from steptime.derivations.batch.symbols import balanced_context, ridge
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import given
from steptime.derivations.prices.numbers import LECTURE, v3
from steptime.derivations.prices.symbols import longest_context, upper_price_ratio
from steptime.derivations.prices.upper import DERIVATIONS as TWO_TIERS
from steptime.derivations.prices.upper import covered, two_tiers, two_tiers_exact
from steptime.derivations.rules import equation, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, bytes_per_weight, context, kv_bytes, memory_bandwidth, peak_flops,
)  # fmt: skip

STEPS_UP = given(balanced_context, context, "the price steps up at the balanced context")

kv_by_price_step = Derivation(
    name="kv-bytes-by-price-step",
    title="Bytes of KV cache from the context at which a price steps up",
    rows=("5.1",),
    claim="If a price steps up where KV cache begins to bind, the step tells the bytes of KV cache per token.",
    start=kv_by_balance,
    steps=(
        Step(
            "the chip's rates by the ridge",
            substitute(peak_by_ridge),
            equation(kv_bytes, active_parameters * bytes_per_weight / (ridge * balanced_context)),
        ),
        Step(
            "the price steps up at that context",
            substitute(STEPS_UP),
            equation(kv_bytes, active_parameters * bytes_per_weight / (ridge * context)),
        ),
    ),
    assumes=(STEPS_UP,),
    sources=(LECTURE,),
    example=lambda: {**PRICE_STEP, context: PRICE_STEP[balanced_context]},
    example_text="the lecture's: a step at 200k tokens, 100e9 active weights, a ridge of 300, a byte per weight",
)

DERIVATIONS = (kv_by_price_step, *TWO_TIERS)

PRICE_STEP: Mapping[Symbol, float] = {
    ridge: 300.0,
    active_parameters: 100e9,
    balanced_context: 200e3,
    bytes_per_weight: 1.0,
}
"""The lecture's assumptions: ridge, active weights, the context at which prices step up, one byte a weight."""


def at_step(one: Derivation, changed: Mapping[Symbol, float]) -> float:
    """A result at the lecture's price step."""
    return float(Scenario({**PRICE_STEP, **changed}).evaluate(one.result.rhs))


def step_inputs(changed: Mapping[Symbol, float]) -> Mapping[str, float | str]:
    return {symbol.name: value for symbol, value in {**PRICE_STEP, **changed}.items()}


def listed_step(model: str, of: str) -> float:
    """Published price above the step over that below."""
    from steptime.model.catalog.economy import number

    return number("token_price", model, f"long_{of}") / number("token_price", model, of)


def reach(model: str) -> float:
    """Context that a published step of the output price covers, in balanced contexts."""
    return at_step(covered, {upper_price_ratio: listed_step(model, "output"), balanced_context: 1.0})


def listed(model: str) -> Mapping[str, float | str]:
    from steptime.model.catalog.economy import number

    return {"model": model, **{key: number("token_price", model, key) for key in ("output", "long_output")}}


CLAIMS = (
    Claim(
        "5.1",
        "bytes of KV cache per token, if a price steps up at 200k tokens",
        1667.0,
        partial(at_step, kv_by_price_step, {context: PRICE_STEP[balanced_context]}),
        partial(step_inputs, {}),
        unit="B",
    ),
    Claim(
        "5.5",
        "longest context, in balanced ones, that gemini-2.5-pro's step covers: a step of a half",
        1.5,
        partial(reach, "gemini-2.5-pro"),
        partial(listed, "gemini-2.5-pro"),
    ),
    *(
        Claim(
            "5.5",
            f"longest context, in balanced ones, that {model}'s step covers: less than 1M at a balance of 200k",
            None,
            partial(reach, model),
            partial(listed, model),
            source=Source.OWN,
            must=lambda value: 1 < value < 5,
        )
        for model in ("claude-sonnet-4", "gpt-5.5", "grok-4.5", "gemini-1.5-pro", "qwen3.6-plus")
    ),
    Claim(
        "5.5",
        "smallest price ratio for 1M tokens at a balance of 200k",
        5.0,
        partial(at_step, two_tiers, {longest_context: 1e6}),
        partial(step_inputs, {longest_context: 1e6}),
    ),
    Claim(
        "5.5",
        "smallest price ratio with attention's FLOPs over that without, DeepSeek-V3 on H100: not to be left out",
        None,
        lambda: two_tiers_exact.evaluate() / two_tiers.evaluate(),
        lambda: {symbol.name: v3()[symbol] for symbol in (kv_bytes, attention_flops, peak_flops, memory_bandwidth)},
        source=Source.OWN,
        must=lambda value: 0 < value < 0.9,
    ),
)
