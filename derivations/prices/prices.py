"""Chapter 5, prices: what the steps and ratios of a price list say about a model and its machine."""

from collections.abc import Mapping
from functools import partial

from sympy import Symbol

from steptime.derivations.batch.balance import balance_exact, kv_by_balance
from steptime.derivations.batch.batch import peak_by_ridge
from steptime.derivations.batch.symbols import balanced_context, ridge
from steptime.derivations.batch.terms import compute_cost, memory_cost_floor
from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.prices.numbers import LECTURE, V3, v3
from steptime.derivations.prices.symbols import longest_context, upper_price_ratio
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, bytes_per_weight, chip_second_price, context, flops_per_mac, kv_bytes,
    memory_bandwidth, peak_flops,
)  # fmt: skip

kv_by_price_step = Derivation(
    name="kv-bytes-by-price-step",
    title="Bytes of KV cache from the context at which a price steps up",
    rows=("5.1",),
    claim="If a price steps up where KV cache begins to bind, the step tells the bytes of KV cache per token.",
    start=kv_by_balance.result,
    steps=(
        Step(
            "the chip's rates by the ridge",
            substitute(peak_by_ridge.result),
            equation(kv_bytes, active_parameters * bytes_per_weight / (ridge * balanced_context)),
        ),
        Step(
            "the price steps up at that context",
            substitute(is_(balanced_context, context)),
            equation(kv_bytes, active_parameters * bytes_per_weight / (ridge * context)),
        ),
    ),
    assumes=("the price steps up at the balanced context", "attention's own multiply-adds are left out"),
    sources=(LECTURE,),
    example=lambda: {**PRICE_STEP, context: PRICE_STEP[balanced_context]},
    example_text="the lecture's: a step at 200k tokens, 100e9 active weights, a ridge of 300, a byte per weight",
)

two_tiers = Derivation(
    name="two-tier-price",
    title="The smallest step of a two-tier price",
    rows=("5.5",),
    claim="A price that steps up at the balanced context and never lies below cost steps by L_max/L* at least.",
    start=equation(upper_price_ratio * compute_cost.result.rhs, memory_cost_floor.result.rhs),
    steps=(
        Step(
            "the upper price just covers the longest context",
            substitute(is_(context, longest_context)),
            equation(
                upper_price_ratio * chip_second_price * flops_per_mac * active_parameters / peak_flops,
                chip_second_price * longest_context * kv_bytes / memory_bandwidth,
            ),
        ),
        Step(
            "bytes of KV cache by the balanced context",
            substitute(kv_by_balance.result),
            equation(
                upper_price_ratio * chip_second_price * flops_per_mac * active_parameters / peak_flops,
                chip_second_price
                * longest_context
                * flops_per_mac
                * active_parameters
                / (balanced_context * peak_flops),
            ),
        ),
        Step(
            "solve for the ratio of prices",
            solve_for(upper_price_ratio),
            equation(upper_price_ratio, longest_context / balanced_context),
        ),
    ),
    assumes=("a large batch: the weights' part of memory is shared away", "attention's own multiply-adds are left out"),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

covered = Derivation(
    name="two-tier-reach",
    title="The longest context that a step of the price covers",
    rows=("5.5",),
    claim="A small step covers little: half as much again covers half as much context again.",
    start=two_tiers.result,
    steps=(
        Step(
            "solve for the longest context",
            solve_for(longest_context),
            equation(longest_context, upper_price_ratio * balanced_context),
        ),
    ),
    assumes=two_tiers.assumes,
    sources=(LECTURE,),
    example=v3,
    example_text=f"{V3}; upper price 1.5 times the lower",
)

two_tiers_exact = Derivation(
    name="two-tier-price-exact",
    title="The smallest step of a two-tier price, with the FLOPs of attention",
    rows=("5.5",),
    claim="The ratio is L_max/L* again, with the exact balance: attention's multiply-adds make the lower tier dearer.",
    start=equation(
        upper_price_ratio * memory_cost_floor.result.rhs.xreplace({context: balanced_context}),
        memory_cost_floor.result.rhs.xreplace({context: longest_context}),
    ),
    steps=(
        Step(
            "at the exact balance computing costs what reading does, so that the lower tier pays for reading L*",
            solve_for(upper_price_ratio),
            equation(upper_price_ratio, longest_context / balanced_context),
        ),
        Step(
            "the balance with the multiply-adds of attention",
            substitute(balance_exact.result),
            equation(
                upper_price_ratio,
                longest_context
                * (kv_bytes * peak_flops - attention_flops * memory_bandwidth)
                / (flops_per_mac * active_parameters * memory_bandwidth),
            ),
        ),
    ),
    assumes=("a large batch: the weights' part of memory is shared away", "reading outgrows attention's multiply-adds"),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
    holds=(kv_bytes * peak_flops - attention_flops * memory_bandwidth,),
)

DERIVATIONS = (kv_by_price_step, two_tiers, covered, two_tiers_exact)

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
    *(
        Claim(
            "5.5",
            f"longest context, in balanced ones, that {model}'s step covers",
            1.5,
            partial(reach, model),
            partial(listed, model),
        )
        for model in ("claude-sonnet-4", "gpt-5.5", "gemini-2.5-pro", "grok-4.5", "gemini-1.5-pro", "qwen3.6-plus")
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
        "smallest price ratio with attention's FLOPs over that without, DeepSeek-V3 on H100",
        1.0,
        lambda: two_tiers_exact.evaluate() / two_tiers.evaluate(),
        lambda: {symbol.name: v3()[symbol] for symbol in (kv_bytes, attention_flops, peak_flops, memory_bandwidth)},
        must=lambda value: 0 < value <= 1,
    ),
)
