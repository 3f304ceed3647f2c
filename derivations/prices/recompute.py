"""Chapter 5, prices: what it costs to compute a token's KV cache again, and what to bring it to the chip."""

from collections.abc import Mapping
from functools import partial

from sympy import Sum, Symbol

from steptime.derivations.axioms import ATTENDS_TO_ALL, CHIP_WAITS, ONE_CHIP_PREFILL, TIER_RENTED
from steptime.derivations.board import PEAK, numbers
from steptime.derivations.facts import Modelled
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.prices import formulas
from steptime.derivations.prices.symbols import fetch_cost, prompt_place, rematerialise_cost
from steptime.derivations.rules import drop, equation, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.catalog import economy
from steptime.model.economics import cache
from steptime.model.phases.prefill import flops_of
from steptime.model.terms import zero

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, chip_second_price, far_bandwidth, far_capacity, far_link_bandwidth,
    far_second_price, flops_per_mac, kv_bytes, link_bandwidth, peak_flops, prompt, tier_bandwidth, tier_capacity,
    tier_second_price,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapter 5"
CASE = "DeepSeek-V3 at fp8 on H100, KV cache at bf16, a prompt of 2048 tokens"
LLAMA = "Llama-3.1-70B at bf16 on 8 H100, a prompt of 8192 tokens"
BOUGHT = "tiers bought and written off over five years"

FAR = {
    far_capacity: tier_capacity,
    far_bandwidth: tier_bandwidth,
    far_link_bandwidth: link_bandwidth,
    far_second_price: tier_second_price,
}

SHORT_PROMPT = at_least(flops_per_mac * active_parameters, 5 * attention_flops * (prompt - 1))
"""Attention adds a tenth at most to the multiply-adds of a prompt."""

QUICKLY_READ = at_least(cache.wait, 10 * cache.read)
"""A tier costs a tenth at most of the chip that waits for it."""


def v3(near: str = "ddr", far: str = "nvme") -> Mapping[Symbol, float]:
    """DeepSeek-V3 on H100, a prefill, with two tiers of the catalogue."""
    return {
        **numbers("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", phase="prefill", prompt=2048, batch=32),
        **economy.tier(near),
        **{symbol: economy.tier(far)[of] for symbol, of in FAR.items()},
    }


def llama() -> Mapping[Symbol, float]:
    return numbers("llama-3.1-70b", "h100-sxm", layout="tp=8", phase="prefill", prompt=8192, batch=1)


_attention = chip_second_price * attention_flops * (prompt - 1) / (2 * peak_flops)
_each = flops_per_mac * active_parameters + attention_flops * (prompt_place - 1)

rematerialise = Derivation(
    name="rematerialise-cost",
    title="Cost of computing a token's KV cache again",
    rows=("5.6",),
    claim="A token of KV cache costs a token of prefill.",
    start=Modelled(rematerialise_cost, formulas.rematerialise),
    steps=(
        Step(
            "at the peak",
            substitute(PEAK[0]),
            equation(
                rematerialise_cost,
                chip_second_price * Sum(_each, (prompt_place, 1, prompt)) / (prompt * peak_flops),
            ),
        ),
        Step(
            "all tokens of the prompt: the multiply-adds that the model counts",
            total(Sum(_each, (prompt_place, 1, prompt)), flops_of(prompt, zero, prompt)),
            equation(
                rematerialise_cost,
                chip_second_price * flops_of(prompt, zero, prompt) / (prompt * peak_flops),
            ),
        ),
        Step(
            "a short prompt: attention's own multiply-adds left out",
            drop(_attention, error=0.1),
            equation(rematerialise_cost, chip_second_price * flops_per_mac * active_parameters / peak_flops),
        ),
    ),
    assumes=(ONE_CHIP_PREFILL, ATTENDS_TO_ALL, PEAK[0]),
    sources=(LECTURE,),
    example=llama,
    example_text=LLAMA,
    holds=(SHORT_PROMPT,),
)

fetch = Derivation(
    name="fetch-cost",
    title="Cost of bringing a token's KV cache to the chip",
    rows=("5.6",),
    claim="While its cache arrives a chip costs far more than the tier it arrives from.",
    start=Modelled(fetch_cost, cache.fetch),
    steps=(
        Step(
            "the tier's own time left out",
            drop(cache.read, error=0.1),
            equation(fetch_cost, chip_second_price * kv_bytes / link_bandwidth),
        ),
    ),
    assumes=(TIER_RENTED, CHIP_WAITS),
    sources=(LECTURE,),
    example=partial(v3, "nvme", "disk"),
    example_text=f"{CASE}, from one NVMe drive; {BOUGHT}",
    holds=(QUICKLY_READ,),
)
