"""Chapter 5, prices: what the steps and ratios of a price list say about a model and its machine."""

from collections.abc import Mapping
from functools import partial

from sympy import Le, Symbol

from steptime.derivations.axioms import PAID_THROUGHOUT, PRICED_AT_COST
from steptime.derivations.batch.balance import balance_exact, kv_by_balance
from steptime.derivations.batch.batch import peak_by_ridge
from steptime.derivations.batch.symbols import balanced_context, ridge, token_cost
from steptime.derivations.batch.terms import BINDS, compute_cost, compute_term, memory_cost_floor, on_one_stage
from steptime.derivations.board import ONE_STAGE
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Chosen, Compared, Given, Line, Modelled, given, instance
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.prices.numbers import LECTURE, V3, v3
from steptime.derivations.prices.symbols import longest_context, upper_price_ratio
from steptime.derivations.rules import equation, extreme, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.economics.cost import cost_per_token
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, bytes_per_weight, chip_second_price, compute_time, context, flops_per_mac,
    kv_bytes, memory_bandwidth, peak_flops,
)  # fmt: skip

STEPS_UP = given(balanced_context, context, "the price steps up at the balanced context")
COVERED = Given(Le(context, longest_context), "no context is longer than the longest that the price covers")
DEAREST = Chosen(context, "the upper price covers the dearest context", least=False)
COVERS = "the least price above the step, which covers what a token costs at every context, over the price below it"
REACHED = at_least(longest_context, balanced_context)

GAP = kv_bytes * peak_flops - attention_flops * memory_bandwidth
"""By how much reading a token of context outgrows attending to it."""

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

two_tiers = Derivation(
    name="two-tier-price",
    title="The smallest step of a two-tier price",
    rows=("5.5",),
    claim="A price that steps up at the balanced context and never lies below cost steps by L_max/L* at least.",
    start=Compared(upper_price_ratio, memory_cost_floor, compute_cost, COVERS),
    steps=(
        Step(
            "the longest context costs most",
            extreme(COVERED.relation, least=False),
            equation(
                upper_price_ratio,
                longest_context * kv_bytes * peak_flops / (flops_per_mac * active_parameters * memory_bandwidth),
            ),
        ),
        Step(
            "bytes of KV cache by the balanced context",
            substitute(kv_by_balance),
            equation(upper_price_ratio, longest_context / balanced_context),
        ),
    ),
    assumes=(PRICED_AT_COST, COVERED, DEAREST),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
    holds=(REACHED,),
)

covered = Derivation(
    name="two-tier-reach",
    title="The longest context that a step of the price covers",
    rows=("5.5",),
    claim="A small step covers little: half as much again covers half as much context again.",
    start=two_tiers,
    steps=(
        Step(
            "solve for the longest context",
            solve_for(longest_context),
            equation(longest_context, upper_price_ratio * balanced_context),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=v3,
    example_text=f"{V3}; upper price 1.5 times the lower",
)

compute_cost_exact = Derivation(
    name="compute-cost-exact",
    title="Cost of a token where compute binds, with the FLOPs of attention",
    rows=("5.5",),
    claim="Where compute binds, attention makes a token dearer in proportion to its context, whatever the batch.",
    start=Modelled(token_cost, cost_per_token),
    steps=(
        on_one_stage(compute_time),
        Step(
            "put in the compute term with the multiply-adds of attention",
            substitute(Line(compute_term, 1)),
            equation(
                token_cost,
                chip_second_price * (flops_per_mac * active_parameters + attention_flops * context) / peak_flops,
            ),
        ),
    ),
    assumes=(PAID_THROUGHOUT, *ONE_STAGE, BINDS[compute_time]),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

two_tiers_exact = Derivation(
    name="two-tier-price-exact",
    title="The smallest step of a two-tier price, with the FLOPs of attention",
    rows=("5.5",),
    claim="The ratio is L_max/L* again, with the exact balance: attention's multiply-adds make the lower tier dearer.",
    start=Compared(
        upper_price_ratio, memory_cost_floor, instance(compute_cost_exact, {context: balanced_context}), COVERS
    ),
    steps=(
        Step(
            "the longest context costs most",
            extreme(COVERED.relation, least=False),
            equation(
                upper_price_ratio,
                longest_context
                * kv_bytes
                * peak_flops
                / ((flops_per_mac * active_parameters + attention_flops * balanced_context) * memory_bandwidth),
            ),
        ),
        Step(
            "the balance with the multiply-adds of attention",
            substitute(balance_exact),
            equation(
                upper_price_ratio,
                longest_context * GAP / (flops_per_mac * active_parameters * memory_bandwidth),
            ),
        ),
    ),
    assumes=(PRICED_AT_COST, COVERED, DEAREST),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
    holds=(at_least(longest_context * GAP, flops_per_mac * active_parameters * memory_bandwidth),),
)

DERIVATIONS = (kv_by_price_step, two_tiers, covered, compute_cost_exact, two_tiers_exact)

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
