"""Chapter 5, prices: a KV cache computed again, held, or fetched, and for how long each is the cheapest."""

from collections.abc import Mapping
from functools import partial

from sympy import Symbol

from steptime.derivations.board import is_, numbers
from steptime.derivations.claims import Claim
from steptime.derivations.prices import formulas
from steptime.derivations.prices.symbols import fetch_cost, rematerialise_cost
from steptime.derivations.rules import drop, equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.catalog import economy
from steptime.model.economics import cache
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, chip_second_price, context, far_bandwidth, far_capacity, far_link_bandwidth,
    far_second_price, flops_per_mac, hold_time, kv_bytes, link_bandwidth, memory_capacity, peak_flops, tier_bandwidth,
    tier_capacity, tier_second_price,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapter 5"
CASE = "DeepSeek-V3 at fp8 on H100, KV cache at bf16"
LLAMA = "Llama-3.1-70B at bf16 on 8 H100, context 1000"
RENT = "tiers bought and written off over five years"

FAR = {
    far_capacity: tier_capacity,
    far_bandwidth: tier_bandwidth,
    far_link_bandwidth: link_bandwidth,
    far_second_price: tier_second_price,
}


def v3(near: str = "ddr", far: str = "nvme") -> Mapping[Symbol, float]:
    """DeepSeek-V3 on H100 with two tiers of the catalogue."""
    return {
        **numbers("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", context=1000, batch=2048),
        **economy.tier(near),
        **{symbol: economy.tier(far)[of] for symbol, of in FAR.items()},
    }


def llama() -> Mapping[Symbol, float]:
    return numbers("llama-3.1-70b", "h100-sxm", layout="tp=8", context=1000, batch=64)


rematerialise = Derivation(
    name="rematerialise-cost",
    title="Cost of computing a token's KV cache again",
    rows=("5.6",),
    claim="A token of KV cache costs a token of prefill.",
    start=equation(rematerialise_cost, formulas.rematerialise),
    steps=(
        Step(
            "a short context: attention's own multiply-adds left out",
            drop(chip_second_price * attention_flops * context / (2 * peak_flops), error=0.01),
            equation(rematerialise_cost, chip_second_price * flops_per_mac * active_parameters / peak_flops),
        ),
    ),
    assumes=("a prefill at the chip's peak", "the context is short against that of equal FLOPs"),
    sources=(LECTURE,),
    example=llama,
    example_text=LLAMA,
)

fetch = Derivation(
    name="fetch-cost",
    title="Cost of bringing a token's KV cache to the chip",
    rows=("5.6",),
    claim="While its cache arrives a chip costs far more than the tier it arrives from.",
    start=equation(fetch_cost, cache.fetch),
    steps=(
        Step(
            "the tier's own time left out",
            drop(cache.read, error=0.003),
            equation(fetch_cost, chip_second_price * kv_bytes / link_bandwidth),
        ),
    ),
    assumes=("the chip waits and does nothing else", RENT),
    sources=(LECTURE,),
    example=v3,
    example_text=f"{CASE}, from DDR over PCIe 5",
)

hold_in_chip = Derivation(
    name="hold-in-chip",
    title="How long to hold a KV cache in the chip's own memory rather than compute it again",
    rows=("5.6",),
    claim="Held in the chip's memory the price of the chip cancels: what counts is bytes against FLOPs.",
    start=equation(cache.hold, rematerialise.result.rhs),
    steps=(
        Step(
            "the tier is the chip's own memory, paid for with the chip",
            substitute(is_(tier_capacity, memory_capacity), is_(tier_second_price, chip_second_price)),
            equation(
                chip_second_price * kv_bytes * hold_time / memory_capacity,
                chip_second_price * flops_per_mac * active_parameters / peak_flops,
            ),
        ),
        Step(
            "solve for the time",
            solve_for(hold_time),
            equation(hold_time, flops_per_mac * active_parameters * memory_capacity / (kv_bytes * peak_flops)),
        ),
    ),
    assumes=("the whole price of the chip falls on its memory", "nothing is paid to read it"),
    sources=(LECTURE,),
    example=v3,
    example_text=CASE,
)

hold_in_tier = Derivation(
    name="hold-in-tier",
    title="How long to hold a KV cache in a tier rather than compute it again",
    rows=("5.6",),
    claim="A cheap tier holds a KV cache for long, if fetching costs less than computing.",
    start=equation(cache.hold + cache.fetch, rematerialise.result.rhs),
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
    assumes=("the chip waits for what it fetches", RENT),
    sources=(LECTURE,),
    example=v3,
    example_text=f"{CASE}, in DDR",
    holds=(rematerialise.result.rhs - cache.fetch,),
)

leave_chip = Derivation(
    name="leave-chip",
    title="How long to hold a KV cache in the chip's own memory rather than in a tier",
    rows=("5.6",),
    claim="A KV cache moves out once holding it has cost what bringing it back will.",
    start=equation(cache.hold.xreplace(cache.IN_CHIP), formulas.far_hold + formulas.far_fetch),
    steps=(
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
    assumes=("the whole price of the chip falls on its memory", "the chip waits for what it fetches", RENT),
    sources=(LECTURE,),
    example=partial(v3, "nvme", "ddr"),
    example_text=f"{CASE}, or in DDR",
    holds=(chip_second_price / memory_capacity - far_second_price / far_capacity,),
)

next_tier = Derivation(
    name="next-tier",
    title="How long to hold a KV cache in one tier rather than in the next",
    rows=("5.6",),
    claim="The tier further away is cheaper to hold in and dearer to fetch from.",
    start=equation(cache.hold + cache.fetch, formulas.far_hold + formulas.far_fetch),
    steps=(
        Step(
            "solve for the time",
            solve_for(hold_time),
            equation(
                hold_time,
                (
                    far_second_price / far_bandwidth
                    + chip_second_price / far_link_bandwidth
                    - tier_second_price / tier_bandwidth
                    - chip_second_price / link_bandwidth
                )
                / (tier_second_price / tier_capacity - far_second_price / far_capacity),
            ),
        ),
    ),
    assumes=("the chip waits for what it fetches", RENT),
    sources=(LECTURE,),
    example=v3,
    example_text=f"{CASE}, in DDR or on one NVMe drive",
    holds=(
        tier_second_price / tier_capacity - far_second_price / far_capacity,
        formulas.far_fetch - cache.fetch,
    ),
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


CLAIMS = (
    hold_claim("HBM or recompute", hold_in_chip, "ddr", "nvme"),
    hold_claim("HBM or DDR", leave_chip, "nvme", "ddr"),
    hold_claim("DDR or recompute", hold_in_tier, "ddr", "nvme"),
    hold_claim("DDR or flash", next_tier, "ddr", "nvme"),
    hold_claim("flash or recompute", hold_in_tier, "nvme", "disk"),
    hold_claim("flash or disk", next_tier, "nvme", "disk"),
)
