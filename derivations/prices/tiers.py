"""Chapter 5, prices: the drain time that picks a tier, and what a cache hit should cost."""

from collections.abc import Mapping
from functools import partial

from sympy import Symbol

from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.prices.cache import CASE, LECTURE, fetch, llama, rematerialise, v3
from steptime.derivations.prices.symbols import cache_price_ratio
from steptime.derivations.rules import equation, identity, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.catalog import economy
from steptime.model.economics import cache
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, context, flops_per_mac, hold_time, kv_bytes, link_bandwidth, memory_bandwidth,
    memory_capacity, peak_flops, tier_bandwidth, tier_capacity,
)  # fmt: skip

tier_drain = Derivation(
    name="tier-drain-time",
    title="The hold time that a tier is made for",
    rows=("5.7",),
    claim="A tier's bytes and its bandwidth are both used if a cache is held for as long as the tier takes to drain.",
    start=equation(cache.hold, cache.read),
    steps=(
        Step(
            "solve for the time: price and bytes drop out",
            solve_for(hold_time),
            equation(hold_time, tier_capacity / tier_bandwidth),
        ),
    ),
    assumes=("as much is paid for holding as for reading", "a cache is read once for each time it is held"),
    sources=(LECTURE,),
    example=v3,
    example_text="24 modules of DDR5-6400 in a server of 8 H100",
)

chip_drain = Derivation(
    name="chip-drain-hold",
    title="The hold time that a chip's own memory is made for",
    rows=("5.7",),
    claim="The chip's own memory is the tier that drains first.",
    start=tier_drain.result,
    steps=(
        Step(
            "the tier is the chip's own memory",
            substitute(is_(tier_capacity, memory_capacity), is_(tier_bandwidth, memory_bandwidth)),
            equation(hold_time, memory_capacity / memory_bandwidth),
        ),
    ),
    assumes=tier_drain.assumes,
    sources=(LECTURE,),
    example=v3,
    example_text="H100",
)

cache_hit = Derivation(
    name="cache-hit-price",
    title="Computing a token's KV cache again over fetching it",
    rows=("5.8",),
    claim="What a cache hit saves follows from FLOP and bytes per token, and from the chip's peak and its link.",
    start=equation(cache_price_ratio, rematerialise.result.rhs / fetch.result.rhs),
    steps=(
        Step(
            "the price of the chip cancels",
            identity(),
            equation(cache_price_ratio, flops_per_mac * active_parameters * link_bandwidth / (peak_flops * kv_bytes)),
        ),
    ),
    assumes=("the chip waits for what it fetches", "the tier's own time and attention's FLOPs left out"),
    sources=(LECTURE,),
    example=v3,
    example_text=f"{CASE}, from DDR over PCIe 5",
)

DERIVATIONS = (tier_drain, chip_drain, cache_hit)

_HOUR, _FIVE_MINUTES = 3600.0, 300.0


def drain(name: str) -> float:
    """Drain time of a tier of the catalogue, or of the chip's own memory."""
    if name == "hbm":
        return chip_drain.evaluate()
    return float(Scenario(economy.tier(name)).evaluate(tier_drain.result.rhs))


def drain_inputs(name: str) -> Mapping[str, float | str]:
    if name == "hbm":
        return {"hardware": "h100-sxm", **{s.name: v3()[s] for s in (memory_capacity, memory_bandwidth)}}
    return {"tier": name, **{s.name: economy.tier(name)[s] for s in (tier_capacity, tier_bandwidth)}}


def nearest_tier(hold: float) -> str:
    """The tier whose drain time is nearest to a hold time, as a ratio."""
    from steptime.model.catalog.economy import names

    return min(("hbm", *names("tier")), key=lambda name: max(drain(name) / hold, hold / drain(name)))


def nearest_drain(hold: float) -> float:
    return drain(nearest_tier(hold))


def nearest_inputs(hold: float) -> Mapping[str, float | str]:
    return {"hold_time": hold, **drain_inputs(nearest_tier(hold))}


def hit_ratio(tier: str, key: str) -> float:
    """Recompute over fetch, DeepSeek-V3 on H100."""
    from steptime.model.catalog.economy import number

    return float(Scenario({**v3(), link_bandwidth: number("tier", tier, key)}).evaluate(cache_hit.result.rhs))


def hit_inputs(tier: str, key: str) -> Mapping[str, float | str]:
    from steptime.model.catalog.economy import number

    shown: tuple[Symbol, ...] = (active_parameters, kv_bytes, peak_flops)
    return {"tier": tier, "link_bandwidth": number("tier", tier, key), **{s.name: v3()[s] for s in shown}}


def listed(model: str, *keys: str) -> Mapping[str, float | str]:
    from steptime.model.catalog.economy import number

    return {"model": model, **{key: number("token_price", model, key) for key in keys}}


def listed_ratio(model: str, over: str, under: str) -> float:
    """One published price over another."""
    from steptime.model.catalog.economy import number

    return number("token_price", model, over) / number("token_price", model, under)


def drain_claim(name: str, guess: str, seconds: float, tolerance: float) -> Claim:
    """The lecture's guess of a drain time, good to an order of magnitude."""
    return Claim(
        "5.7",
        f"drain time of {guess}",
        seconds,
        partial(drain, name),
        partial(drain_inputs, name),
        tolerance,
        "s",
        must=lambda value: value > 0,
    )


def attention_in_recompute(context_tokens: float) -> float:
    """Recomputing with attention's multiply-adds over recomputing without."""
    scenario = Scenario({**llama(), context: context_tokens})
    return float(scenario.evaluate(rematerialise.start.rhs) / scenario.evaluate(rematerialise.result.rhs))


_LONG = 131072.0

CLAIMS = (
    drain_claim("hbm", "HBM: about 20 ms", 0.02, 0.3),
    drain_claim("ddr", "DDR: 1 to 10 s", 5.5, 4.5 / 5.5),
    drain_claim("nvme", "flash: about a minute", 60.0, 0.5),
    drain_claim("disk", "disk: about an hour", _HOUR, 0.5),
    *(
        Claim(
            "5.7",
            f"drain time of the tier nearest to a cache price for {what}",
            hold,
            partial(nearest_drain, hold),
            partial(nearest_inputs, hold),
            0.5,
            "s",
        )
        for what, hold in (("5 minutes", _FIVE_MINUTES), ("1 hour", _HOUR))
    ),
    Claim(
        "5.7",
        "list price of a cache write for 1 hour over one for 5 minutes, against the ratio of times",
        _HOUR / _FIVE_MINUTES,
        partial(listed_ratio, "claude-opus-5", "cache_write_1h", "cache_write_5m"),
        partial(listed, "claude-opus-5", "cache_write_1h", "cache_write_5m"),
    ),
    *(
        Claim(
            "5.8",
            f"list price of input over a cache hit: about 10 ({model})",
            10.0,
            partial(listed_ratio, model, "input", "cache_read"),
            partial(listed, model, "input", "cache_read"),
        )
        for model in ("claude-opus-5", "gpt-5.5", "gpt-4o", "gpt-4.1", "deepseek-v4-flash", "claude-fable-5.1")
    ),
    *(
        Claim(
            "5.8",
            f"recompute over fetch, DeepSeek-V3 on H100, {what}",
            guess,
            partial(hit_ratio, tier, key),
            partial(hit_inputs, tier, key),
            tolerance,
        )
        for what, tier, key, guess, tolerance in (
            ("DDR over PCIe 5: about 10", "ddr", "link", 10.0, 0.5),
            ("DDR over PCIe 5 as measured", "ddr", "link", 29.0, 0.5 / 29),
            ("DDR over PCIe 5 at its nominal rate", "ddr", "link_nominal", 33.0, 0.5 / 33),
            ("one NVMe drive", "nvme", "link", 7.0, 0.5 / 7),
        )
    ),
    Claim(
        "5.8",
        "recompute over fetch, DeepSeek-V3 on H100, one disk: computing again is always cheaper",
        None,
        partial(hit_ratio, "disk", "link"),
        partial(hit_inputs, "disk", "link"),
        must=lambda value: 0 < value < 1,
    ),
    Claim(
        "5.6",
        "recompute with attention's FLOPs over without, Llama-3.1-70B at 128k tokens of context",
        1.0,
        partial(attention_in_recompute, _LONG),
        lambda: {"context": _LONG, **{s.name: llama()[s] for s in (active_parameters, attention_flops)}},
        must=lambda value: value > 1,
    ),
)
