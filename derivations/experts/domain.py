"""Chapter 2, the size of a scale-up domain: how fast it streams the weights."""

from collections.abc import Callable, Mapping

from sympy import Expr, Symbol

from steptime.derivations.batch.symbols import memory_time
from steptime.derivations.batch.terms import latency_floor
from steptime.derivations.board import numbers
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.experts.messages import LECTURE
from steptime.derivations.experts.numbers import RACK
from steptime.derivations.experts.symbols import load_speedup, reference_bandwidth, reference_domain, reference_time
from steptime.derivations.facts import Compared, given, instance
from steptime.derivations.rules import equation, identity, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.layout.layout import Layout
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    bytes_per_weight, memory_bandwidth, memory_capacity, parameters, scale_up_domain,
)  # fmt: skip


def machine(hardware: str, chips: int) -> Mapping[Symbol, float]:
    """Numbers of DeepSeek-V3 on one scale-up domain, or several, of a kind of chip."""
    return numbers("deepseek-v3", hardware, layout=Layout(dp=chips, ep=chips), context=4096, batch=2048)


def compared(new: str, old: str) -> Mapping[Symbol, float]:
    """Numbers of a machine, beside the domain and the memory bandwidth of an older one."""
    before = machine(old, 32)
    return {
        **machine(new, 72),
        reference_domain: before[scale_up_domain],
        reference_bandwidth: before[memory_bandwidth],
    }


ONE_DOMAIN = given(q.stage_chips, scale_up_domain, "the model fills one scale-up domain")

weights_load = Derivation(
    name="weights-load",
    title="Time in which a scale-up domain streams the weights",
    rows=("2.4",),
    claim="All chips of a domain stream their share of the weights at once: a larger domain is faster.",
    start=latency_floor,
    steps=(
        Step(
            "the model fills one domain",
            substitute(ONE_DOMAIN),
            equation(memory_time, bytes_per_weight * parameters / (scale_up_domain * memory_bandwidth)),
        ),
    ),
    assumes=(ONE_DOMAIN,),
    sources=(LECTURE,),
    example=lambda: machine("gb200-nvl72", 72),
    example_text=RACK,
)

other_load = instance(
    latency_floor,
    {memory_time: reference_time, q.stage_chips: reference_domain, memory_bandwidth: reference_bandwidth},
)
"""The same weights on a stage of as many chips as the other machine's domain has."""

domain_speedup = Derivation(
    name="domain-speedup",
    title="How much faster a larger domain of faster chips streams the weights",
    rows=("2.4",),
    claim="The gain is the ratio of the domains times the ratio of the chips' memory bandwidths.",
    start=Compared(load_speedup, other_load, weights_load, "the time on the other machine over that on this one"),
    steps=(
        Step(
            "both read all experts; the weights cancel",
            identity(),
            equation(load_speedup, scale_up_domain / reference_domain * memory_bandwidth / reference_bandwidth),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=lambda: compared("gb200-nvl72", "h100-sxm"),
    example_text="GB200 NVL72 beside one domain of 8 H100",
)


def _gain(new: str, old: str, same: Mapping[Symbol, Symbol]) -> Callable[[], float]:
    """The gain with some quantities of the older machine set to those of the newer."""

    def ours() -> float:
        gain: Expr = domain_speedup.result.rhs.xreplace(dict(same))
        return float(Scenario(compared(new, old)).evaluate(gain))

    return ours


def _inputs(new: str, old: str) -> Callable[[], Mapping[str, float | str]]:
    chosen = (scale_up_domain, reference_domain, memory_bandwidth, reference_bandwidth)
    return lambda: {symbol.name: compared(new, old)[symbol] for symbol in chosen}


DERIVATIONS = (weights_load, domain_speedup)

CLAIMS = (
    Claim(
        "2.4",
        "Hopper's domain of 8 to Blackwell's of 72: gain from the domain alone",
        9.0,
        _gain("gb200-nvl72", "h100-sxm", {reference_bandwidth: memory_bandwidth}),
        _inputs("gb200-nvl72", "h100-sxm"),
    ),
    *(
        Claim(
            "2.4",
            f"{old} to GB200: gain from the chip's memory bandwidth alone (lecture: 1.5 to 2.5)",
            2.0,
            _gain("gb200-nvl72", hardware, {reference_domain: scale_up_domain}),
            _inputs("gb200-nvl72", hardware),
            wording=Wording.ABOUT,
        )
        for old, hardware in (("H100", "h100-sxm"), ("H200", "h200-sxm"))
    ),
    Claim(
        "2.4",
        "DeepSeek-V3 at fp8 on one GB200 NVL72: time to stream all weights, no longer than to drain all memory",
        None,
        lambda: weights_load.evaluate() * 1e3,
        lambda: {symbol.name: weights_load.numbers[symbol] for symbol in (parameters, scale_up_domain)},
        source=Source.OWN,
        unit="ms",
        must=lambda value: (
            value < 1e3 * float(weights_load.numbers[memory_capacity] / weights_load.numbers[memory_bandwidth])
        ),
    ),
)
