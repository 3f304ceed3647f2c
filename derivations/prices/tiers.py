"""Chapter 5, prices: the drain time that picks a tier, and what a cache hit should cost."""

from collections.abc import Mapping
from functools import partial

from sympy import Symbol

from steptime.derivations.axioms import PRICED_AT_COST, READ_ONCE_HELD, TIER_RENTED
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Crossing, Defined, Modelled
from steptime.derivations.prices.cache import CACHED
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.catalog import economy
from steptime.model.economics import cache
from steptime.model.scenario import Scenario

from steptime.derivations.prices.recompute import (  # isort: skip
    BOUGHT, CASE, LECTURE, QUICKLY_READ, SHORT_PROMPT, fetch, llama, rematerialise, v3,
)  # fmt: skip
from steptime.derivations.prices.symbols import (  # isort: skip
    cache_price_ratio, fetch_cost, hold_cost, read_cost, rematerialise_cost,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, flops_per_mac, hold_time, kv_bytes, link_bandwidth, memory_bandwidth,
    memory_capacity, peak_flops, prompt, tier_bandwidth, tier_capacity,
)  # fmt: skip

tier_drain = Derivation(
    name="tier-drain-time",
    title="The hold time that a tier is made for",
    rows=("5.7",),
    claim="A tier's bytes and its bandwidth are both used if a cache is held for as long as the tier takes to drain.",
    start=Crossing(
        Modelled(hold_cost, cache.hold), Modelled(read_cost, cache.read), "holding costs as much as reading"
    ),
    steps=(
        Step(
            "solve for the time: price and bytes drop out",
            solve_for(hold_time),
            equation(hold_time, tier_capacity / tier_bandwidth),
        ),
    ),
    assumes=(TIER_RENTED, READ_ONCE_HELD),
    sources=(LECTURE,),
    example=v3,
    example_text="24 modules of DDR5-6400 in a server of 8 H100",
    holds=(CACHED,),
)

cache_hit = Derivation(
    name="cache-hit-price",
    title="Computing a token's KV cache again over fetching it",
    rows=("5.8",),
    claim="What a cache hit saves follows from FLOP and bytes per token, and from the chip's peak and its link.",
    start=Defined(
        cache_price_ratio, rematerialise_cost / fetch_cost, "the cost of computing again over that of fetching"
    ),
    steps=(
        Step(
            "put in both: the price of the chip cancels",
            substitute(rematerialise, fetch),
            equation(cache_price_ratio, flops_per_mac * active_parameters * link_bandwidth / (peak_flops * kv_bytes)),
        ),
    ),
    assumes=(PRICED_AT_COST,),
    sources=(LECTURE,),
    example=v3,
    example_text=f"{CASE}, from DDR over PCIe 5; {BOUGHT}",
    holds=(SHORT_PROMPT, QUICKLY_READ, CACHED),
)

DERIVATIONS = (tier_drain, cache_hit)

_HOUR, _FIVE_MINUTES = 3600.0, 300.0


def _tier(name: str) -> Mapping[Symbol, float]:
    """Capacity and bandwidth of a tier of the catalogue, or of the chip's own memory."""
    if name == "hbm":
        return {tier_capacity: v3()[memory_capacity], tier_bandwidth: v3()[memory_bandwidth]}
    return economy.tier(name)


def drain(name: str) -> float:
    """Drain time of a tier of the catalogue, or of the chip's own memory."""
    return float(Scenario(_tier(name)).evaluate(tier_drain.result.rhs))


def drain_inputs(name: str) -> Mapping[str, float | str]:
    return {"tier": name, **{s.name: _tier(name)[s] for s in (tier_capacity, tier_bandwidth)}}


def nearest_tier(hold: float) -> str:
    """The tier whose drain time is nearest to a hold time, as a ratio."""
    from steptime.model.catalog.economy import names

    return min(("hbm", *names("tier")), key=lambda name: max(drain(name) / hold, hold / drain(name)))


def nearest_drain(hold: float) -> float:
    return drain(nearest_tier(hold))


def nearest_inputs(hold: float) -> Mapping[str, float | str]:
    return {"hold_time": hold, **drain_inputs(nearest_tier(hold))}


def _hit(tier: str, key: str) -> Mapping[Symbol, float]:
    """DeepSeek-V3 on H100 with a tier of the catalogue, and one of its links."""
    from steptime.model.catalog.economy import number

    return {**v3(near=tier), link_bandwidth: number("tier", tier, key)}


def hit_ratio(tier: str, key: str) -> float:
    """Recompute over fetch, DeepSeek-V3 on H100."""
    return float(Scenario(_hit(tier, key)).evaluate(cache_hit.result.rhs))


def counts_all(tier: str, key: str, ratio: float) -> bool:
    """Whether attention's multiply-adds and the tier's own time change the ratio by no more than a tenth each."""
    exact = rematerialise.lines[2].rhs / cache.fetch
    return 1 / 1.1 <= float(Scenario(_hit(tier, key)).evaluate(exact)) / ratio <= 1.1


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


def drain_claim(name: str, guess: str, seconds: float, wording: Wording) -> Claim:
    """The lecture's guess of a drain time."""
    return Claim(
        "5.7", f"drain time of {guess}", seconds, partial(drain, name), partial(drain_inputs, name), wording, unit="s"
    )


def attention_in_recompute(tokens: float) -> float:
    """Recomputing a prompt with attention's multiply-adds over recomputing without."""
    scenario = Scenario({**llama(), prompt: tokens})
    return float(scenario.evaluate(rematerialise.lines[2].rhs) / scenario.evaluate(rematerialise.result.rhs))


_LONG = 131072.0

CLAIMS = (
    drain_claim("hbm", "HBM: 20 ms-ish", 0.02, Wording.ISH),
    drain_claim("ddr", "DDR: 1 to 10 s", 10**0.5, Wording.DECADE),
    drain_claim("nvme", "flash: about a minute", 60.0, Wording.ABOUT),
    drain_claim("disk", "disk: about an hour", _HOUR, Wording.ABOUT),
    *(
        Claim(
            "5.7",
            f"drain time of the tier nearest to a list price of a cache for {what}: about as long",
            hold,
            partial(nearest_drain, hold),
            partial(nearest_inputs, hold),
            Wording.ABOUT,
            Source.PAPER,
            "s",
        )
        for what, hold in (("5 minutes", _FIVE_MINUTES), ("1 hour", _HOUR))
    ),
    Claim(
        "5.7",
        "list price of a cache write for 1 hour over one for 5 minutes: dearer, by less than the ratio of times",
        None,
        partial(listed_ratio, "claude-opus-5", "cache_write_1h", "cache_write_5m"),
        partial(listed, "claude-opus-5", "cache_write_1h", "cache_write_5m"),
        source=Source.OWN,
        must=lambda value: 1 < value < _HOUR / _FIVE_MINUTES,
    ),
    *(
        Claim(
            "5.8",
            f"list price of input over a cache hit: about 10 ({model})",
            10.0,
            partial(listed_ratio, model, "input", "cache_read"),
            partial(listed, model, "input", "cache_read"),
            Wording.ABOUT,
        )
        for model in ("claude-opus-5", "gpt-5.5", "gpt-4o", "gpt-4.1", "deepseek-v4-flash", "claude-fable-5.1")
    ),
    Claim(
        "5.8",
        "recompute over fetch, DeepSeek-V3 on H100, DDR over PCIe 5: about 10",
        10.0,
        partial(hit_ratio, "ddr", "link"),
        partial(hit_inputs, "ddr", "link"),
        Wording.ABOUT,
    ),
    *(
        Claim(
            "5.8",
            f"recompute over fetch, DeepSeek-V3 on H100, {what}: within a tenth of all that is counted",
            None,
            partial(hit_ratio, tier, key),
            partial(hit_inputs, tier, key),
            source=Source.OWN,
            must=partial(counts_all, tier, key),
        )
        for what, tier, key in (
            ("DDR over PCIe 5 as measured", "ddr", "link"),
            ("DDR over PCIe 5 at its nominal rate", "ddr", "link_nominal"),
            ("one NVMe drive", "nvme", "link"),
        )
    ),
    Claim(
        "5.8",
        "recompute over fetch, DeepSeek-V3 on H100, one disk: computing again is always cheaper",
        None,
        partial(hit_ratio, "disk", "link"),
        partial(hit_inputs, "disk", "link"),
        source=Source.OWN,
        must=lambda value: value < 1,
    ),
    Claim(
        "5.6",
        "recompute with attention's FLOPs over without, Llama-3.1-70B at 128k tokens: no longer a short prompt",
        None,
        partial(attention_in_recompute, _LONG),
        lambda: {"prompt": _LONG, **{s.name: llama()[s] for s in (active_parameters, attention_flops)}},
        source=Source.OWN,
        must=lambda value: value > 1.1,
    ),
)
