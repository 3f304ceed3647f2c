"""Chapter 5, prices: a KV cache computed again, held, or fetched, and for how long each is the cheapest."""

from collections.abc import Callable, Mapping
from functools import partial

from steptime.derivations.axioms import CHIP_WAITS, PRICE_ON_MEMORY, TIER_RENTED
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Crossing, Modelled, instance
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.prices import formulas
from steptime.derivations.prices.recompute import BOUGHT, CASE, FAR, LECTURE, SHORT_PROMPT, fetch, rematerialise, v3
from steptime.derivations.prices.symbols import held_cost, hold_cost
from steptime.derivations.rules import both_sides, equation, side, solve_for
from steptime.derivations.steps import Derivation, Step
from steptime.model.catalog import economy
from steptime.model.economics import cache
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, chip_second_price, far_bandwidth, far_capacity, far_link_bandwidth, far_second_price,
    flops_per_mac, hold_time, kv_bytes, link_bandwidth, memory_capacity, peak_flops, tier_bandwidth, tier_capacity,
    tier_second_price,
)  # fmt: skip

CACHED = more(kv_bytes, 0)
"""There is a KV cache."""

DEARER_TO_HOLD = tier_second_price * far_capacity - far_second_price * tier_capacity
DEARER_TO_FETCH = (
    far_second_price / far_bandwidth
    + chip_second_price / far_link_bandwidth
    - tier_second_price / tier_bandwidth
    - chip_second_price / link_bandwidth
)
"""By how much the nearer tier is the dearer to hold in, and the tier further away the dearer to fetch from."""

CROSSING_TIERS = more(DEARER_TO_HOLD * DEARER_TO_FETCH, 0)
"""One tier is the dearer to hold in, and the other the dearer to fetch from, whichever is called the nearer."""

IN_CHIP = instance(Modelled(hold_cost, cache.hold), cache.IN_CHIP)
IN_TIER = Modelled(held_cost, formulas.held)
IN_FAR_TIER = Modelled(held_cost, formulas.far_held)


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
    holds=(SHORT_PROMPT, CACHED, at_least(rematerialise.result.rhs, cache.fetch)),
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
                DEARER_TO_FETCH / (tier_second_price / tier_capacity - far_second_price / far_capacity),
            ),
        ),
    ),
    assumes=(TIER_RENTED, CHIP_WAITS),
    sources=(LECTURE,),
    example=v3,
    example_text=f"{CASE}, in DDR or on one NVMe drive; {BOUGHT}",
    holds=(CACHED, CROSSING_TIERS),
)

DERIVATIONS = (rematerialise, fetch, hold_in_chip, hold_in_tier, leave_chip, next_tier)


def seconds(one: Derivation, near: str, far: str) -> float:
    """A hold time between two tiers."""
    return float(Scenario(v3(near, far)).evaluate(one.result.rhs))


def tier_inputs(near: str, far: str) -> Mapping[str, float | str]:
    values = v3(near, far)
    shown = (active_parameters, peak_flops, memory_capacity, kv_bytes, chip_second_price, *economy.tier(near), *FAR)
    return {"near": near, "far": far, **{symbol.name: values[symbol] for symbol in shown}}


def hold_claim(pair: str, says: str, must: Callable[[float, Callable[[str], float]], bool]) -> Claim:
    """The lecture gives no number: how the hold times between two choices are ordered says which tiers pay at all."""
    one, near, far = PAIRS[pair]
    return Claim(
        "5.6",
        f"hold time at which it costs the same: {pair} (DeepSeek-V3 on H100): {says}",
        None,
        partial(seconds, one, near, far),
        partial(tier_inputs, near, far),
        source=Source.OWN,
        unit="s",
        must=lambda value: must(value, lambda other: seconds(*PAIRS[other])),
    )


PAIRS = {
    "HBM or recompute": (hold_in_chip, "ddr", "nvme"),
    "HBM or DDR": (leave_chip, "nvme", "ddr"),
    "DDR or recompute": (hold_in_tier, "ddr", "nvme"),
    "DDR or flash": (next_tier, "ddr", "nvme"),
    "flash or recompute": (hold_in_tier, "nvme", "disk"),
    "flash or disk": (next_tier, "nvme", "disk"),
}

CLAIMS = (
    hold_claim("HBM or recompute", "a cache moves out before", lambda value, at: value > at("HBM or DDR") > 0),
    hold_claim("HBM or DDR", "DDR pays before flash does", lambda value, at: 0 < value < at("DDR or flash")),
    hold_claim("DDR or recompute", "longer than in HBM", lambda value, at: value > at("HBM or recompute")),
    hold_claim(
        "DDR or flash", "flash pays before computing again does", lambda value, at: value < at("DDR or recompute")
    ),
    hold_claim("flash or recompute", "longer than in DDR", lambda value, at: value > at("DDR or recompute")),
    hold_claim("flash or disk", "disk never pays", lambda value, at: value > at("flash or recompute")),
)
