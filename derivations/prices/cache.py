"""Chapter 5, prices: a KV cache computed again, held, or fetched, and for how long each is the cheapest."""

from collections.abc import Callable, Mapping
from functools import partial

from sympy import Sum, Symbol

from steptime.derivations.axioms import ATTENDS_TO_ALL, CHIP_WAITS, ONE_CHIP_PREFILL, PRICE_ON_MEMORY, TIER_RENTED
from steptime.derivations.board import PEAK, numbers
from steptime.derivations.claims import Claim, Source
from steptime.derivations.conditions import at_least, more
from steptime.derivations.facts import Crossing, Modelled, instance
from steptime.derivations.prices import formulas
from steptime.derivations.prices.symbols import fetch_cost, held_cost, hold_cost, prompt_place, rematerialise_cost
from steptime.derivations.rules import both_sides, drop, equation, side, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.catalog import economy
from steptime.model.economics import cache
from steptime.model.phases.prefill import flops_of
from steptime.model.scenario import Scenario
from steptime.model.terms import zero

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, chip_second_price, far_bandwidth, far_capacity, far_link_bandwidth,
    far_second_price, flops_per_mac, hold_time, kv_bytes, link_bandwidth, memory_capacity, peak_flops, prompt,
    tier_bandwidth, tier_capacity, tier_second_price,
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

CACHED = more(kv_bytes, 0)
"""There is a KV cache."""

PER_BYTE = {
    "far hold": tier_second_price * far_capacity - far_second_price * tier_capacity,
    "near fetch": (
        far_second_price / far_bandwidth
        + chip_second_price / far_link_bandwidth
        - tier_second_price / tier_bandwidth
        - chip_second_price / link_bandwidth
    ),
}
"""By how much the tier further away is the cheaper to hold in, and the nearer one the cheaper to fetch from."""

CHEAPER_OR_SOONER = more(PER_BYTE["far hold"] * PER_BYTE["near fetch"], 0)
"""One tier is the cheaper to hold in, and the other the cheaper to fetch from."""

IN_CHIP = instance(Modelled(hold_cost, cache.hold), cache.IN_CHIP)
IN_TIER = Modelled(held_cost, formulas.held)
IN_FAR_TIER = Modelled(held_cost, formulas.far_held)


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

hold_in_chip = Derivation(
    name="hold-in-chip",
    title="How long to hold a KV cache in the chip's own memory rather than compute it again",
    rows=("5.6",),
    claim="Held in the chip's memory the price of the chip cancels: what counts is bytes against FLOPs.",
    start=Crossing(IN_CHIP, rematerialise, "held in the chip's memory it costs what computing it again does"),
    steps=(
        Step(
            "solve for the time",
            solve_for(hold_time),
            equation(hold_time, flops_per_mac * active_parameters * memory_capacity / (kv_bytes * peak_flops)),
        ),
    ),
    assumes=(PRICE_ON_MEMORY,),
    sources=(LECTURE,),
    example=v3,
    example_text=CASE,
    holds=(SHORT_PROMPT, CACHED),
)

hold_in_tier = Derivation(
    name="hold-in-tier",
    title="How long to hold a KV cache in a tier rather than compute it again",
    rows=("5.6",),
    claim="A cheap tier holds a KV cache for long, if fetching costs less than computing.",
    start=Crossing(IN_TIER, rematerialise, "held in a tier and fetched it costs what computing it again does"),
    steps=(
        Step(
            "solve for the time",
            solve_for(hold_time),
            equation(
                hold_time,
                tier_capacity
                / tier_second_price
                * (
                    chip_second_price * flops_per_mac * active_parameters / (peak_flops * kv_bytes)
                    - chip_second_price / link_bandwidth
                    - tier_second_price / tier_bandwidth
                ),
            ),
        ),
    ),
    assumes=(TIER_RENTED, CHIP_WAITS),
    sources=(LECTURE,),
    example=v3,
    example_text=f"{CASE}, in DDR; {BOUGHT}",
    holds=(SHORT_PROMPT, CACHED, more(rematerialise.result.rhs, cache.fetch)),
)

leave_chip = Derivation(
    name="leave-chip",
    title="How long to hold a KV cache in the chip's own memory rather than in a tier",
    rows=("5.6",),
    claim="A KV cache moves out once holding it has cost what bringing it back will.",
    start=Crossing(IN_CHIP, IN_FAR_TIER, "held in the chip's memory it costs what it does held in a tier and fetched"),
    steps=(
        Step(
            "for one byte of cache",
            both_sides(side / kv_bytes),
            equation(
                chip_second_price * hold_time / memory_capacity,
                far_second_price * hold_time / far_capacity
                + far_second_price / far_bandwidth
                + chip_second_price / far_link_bandwidth,
            ),
        ),
        Step(
            "solve for the time",
            solve_for(hold_time),
            equation(
                hold_time,
                (far_second_price / far_bandwidth + chip_second_price / far_link_bandwidth)
                / (chip_second_price / memory_capacity - far_second_price / far_capacity),
            ),
        ),
    ),
    assumes=(PRICE_ON_MEMORY, TIER_RENTED, CHIP_WAITS),
    sources=(LECTURE,),
    example=partial(v3, "nvme", "ddr"),
    example_text=f"{CASE}, or in DDR; {BOUGHT}",
    holds=(CACHED, more(chip_second_price / memory_capacity, far_second_price / far_capacity)),
)

next_tier = Derivation(
    name="next-tier",
    title="How long to hold a KV cache in one tier rather than in another",
    rows=("5.6",),
    claim="Two tiers cost the same at some time only where one is cheaper to hold in and the other to fetch from.",
    start=Crossing(IN_TIER, IN_FAR_TIER, "held and fetched it costs the same in both tiers"),
    steps=(
        Step(
            "for one byte of cache",
            both_sides(side / kv_bytes),
            equation(
                tier_second_price * hold_time / tier_capacity
                + tier_second_price / tier_bandwidth
                + chip_second_price / link_bandwidth,
                far_second_price * hold_time / far_capacity
                + far_second_price / far_bandwidth
                + chip_second_price / far_link_bandwidth,
            ),
        ),
        Step(
            "solve for the time",
            solve_for(hold_time),
            equation(
                hold_time,
                PER_BYTE["near fetch"] / (tier_second_price / tier_capacity - far_second_price / far_capacity),
            ),
        ),
    ),
    assumes=(TIER_RENTED, CHIP_WAITS),
    sources=(LECTURE,),
    example=v3,
    example_text=f"{CASE}, in DDR or on one NVMe drive; {BOUGHT}",
    holds=(CACHED, CHEAPER_OR_SOONER),
)

DERIVATIONS = (rematerialise, fetch, hold_in_chip, hold_in_tier, leave_chip, next_tier)


def seconds(one: Derivation, near: str, far: str) -> float:
    """A hold time between two tiers."""
    return float(Scenario(v3(near, far)).evaluate(one.result.rhs))


def tier_inputs(near: str, far: str) -> Mapping[str, float | str]:
    values = v3(near, far)
    shown = (active_parameters, peak_flops, memory_capacity, kv_bytes, chip_second_price, *economy.tier(near), *FAR)
    return {"near": near, "far": far, **{symbol.name: values[symbol] for symbol in shown}}


def hold_claim(what: str, one: Derivation, near: str, far: str) -> Claim:
    """The lecture gives no number: a hold time beyond zero says that the tier pays at all."""
    return Claim(
        "5.6",
        f"hold time at which it costs the same: {what} (DeepSeek-V3 on H100)",
        None,
        partial(seconds, one, near, far),
        partial(tier_inputs, near, far),
        unit="s",
        must=lambda value: value > 0,
    )


CLAIMS = ()
