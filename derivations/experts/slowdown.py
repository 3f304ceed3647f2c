"""Chapter 2, mixture of experts on a rack: how much slower experts are over two racks, by the chips' links."""

from collections.abc import Callable, Mapping

import sympy
from sympy import Symbol

from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.experts.experts import LECTURE
from steptime.derivations.experts.racks import NO_START_UP, TWO_RACKS, exact_two_racks, racks, sent, two_racks
from steptime.derivations.experts.symbols import copy_bytes, exchange_slowdown, network_time
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.choices import Copies
from steptime.model.network.collectives import Group, expert_exchange
from steptime.model.phases.decode import blackboard
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    micro_batch, scale_out_bandwidth, scale_out_bytes, scale_up_bandwidth, scale_up_domain, stage_chips,
)  # fmt: skip

LINKS = (scale_up_bandwidth, scale_out_bandwidth)
CHIPS = (
    ("H100", "h100-sxm"),
    ("H800", "h800-sxm"),
    ("A100", "a100-sxm-80gb"),
    ("GB200 NVL72", "gb200-nvl72"),
)

slowdown = Derivation(
    name="two-racks-slowdown",
    title="How much slower experts are over several domains than inside one",
    rows=("2.2",),
    claim="Where the part that leaves takes longer, it costs the ratio of the links times the share that leaves.",
    start=equation(network_time, blackboard.scale_out.time),
    steps=(
        Step(
            "what leaves, at the link's peak",
            substitute(*NO_START_UP[1:], is_(scale_out_bytes, sent.scale_out / micro_batch)),
            equation(network_time, (1 - scale_up_domain / stage_chips) * copy_bytes / scale_out_bandwidth),
        ),
        Step(
            "against the same volume on scale-up alone",
            substitute(is_(network_time, exchange_slowdown * copy_bytes / scale_up_bandwidth)),
            equation(
                exchange_slowdown * copy_bytes / scale_up_bandwidth,
                (1 - scale_up_domain / stage_chips) * copy_bytes / scale_out_bandwidth,
            ),
        ),
        Step(
            "solve for the ratio",
            solve_for(exchange_slowdown),
            equation(
                exchange_slowdown,
                (1 - scale_up_domain / stage_chips) * scale_up_bandwidth / scale_out_bandwidth,
            ),
        ),
    ),
    assumes=two_racks.assumes,
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text=TWO_RACKS,
    holds=(stage_chips - scale_up_domain,),
)

most_chips = Derivation(
    name="chips-beyond-a-domain",
    title="Chips that may share the experts before scale-out is slower than scale-up",
    rows=("2.2",),
    claim="With links far apart in speed, hardly more chips than one domain holds.",
    start=slowdown.result,
    steps=(
        Step(
            "as fast as inside one domain",
            substitute(is_(exchange_slowdown, 1)),
            equation(
                sympy.S.One,
                (1 - scale_up_domain / stage_chips) * scale_up_bandwidth / scale_out_bandwidth,
            ),
        ),
        Step(
            "solve for the chips",
            solve_for(stage_chips),
            equation(
                stage_chips,
                scale_up_domain * scale_up_bandwidth / (scale_up_bandwidth - scale_out_bandwidth),
            ),
        ),
    ),
    assumes=two_racks.assumes,
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text=TWO_RACKS,
    holds=(scale_up_bandwidth - scale_out_bandwidth,),
)


def _against_one_domain(hardware: str) -> Callable[[], float]:
    def ours() -> float:
        scenario = Scenario(racks(hardware))
        return float(scenario.evaluate(two_racks.result.rhs) / scenario.evaluate(copy_bytes / scale_up_bandwidth))

    return ours


def _links(hardware: str) -> Callable[[], Mapping[str, float | str]]:
    return lambda: {symbol.name: racks(hardware)[symbol] for symbol in (*LINKS, scale_up_domain, stage_chips)}


def _lecture_links() -> Mapping[Symbol, float]:
    """H100's domain of 8, with links between domains that are 8 times slower than inside."""
    values = racks("h100-sxm")
    return {**values, scale_out_bandwidth: values[scale_up_bandwidth] / 8}


def _ratio(hardware: str) -> Callable[[], float]:
    return lambda: float(Scenario(racks(hardware)).evaluate(scale_up_bandwidth / scale_out_bandwidth))


def _one_copy_a_domain() -> float:
    """DeepSeek-V3's 8 experts over 16 chips in 2 domains, no limit on groups."""
    over = Group(sympy.Integer(16), sympy.Integer(8))
    domain, expert = (expert_exchange(sympy.S.One, over, 8, None, copies) for copies in Copies)
    return float(domain.scale_out / expert.scale_out)


DERIVATIONS = (slowdown, most_chips)

CLAIMS = (
    Claim(
        "2.2",
        "Half leaves over links 8 times slower: time over that inside one domain",
        4.0,
        lambda: float(Scenario(_lecture_links()).evaluate(slowdown.result.rhs)),
        lambda: {symbol.name: _lecture_links()[symbol] for symbol in (*LINKS, scale_up_domain, stage_chips)},
        must=lambda value: value > 0,
    ),
    *(
        Claim(
            "2.2",
            f"{name}: experts over two scale-up domains, time over that inside one (lecture: links 8 times slower)",
            4.0,
            _against_one_domain(hardware),
            _links(hardware),
            must=lambda value: value >= 0.5,
        )
        for name, hardware in CHIPS
    ),
    *(
        Claim("2.2", f"{name}: scale-up over scale-out bandwidth", 8.0, _ratio(hardware), _links(hardware))
        for name, hardware in CHIPS
    ),
    Claim(
        "2.2",
        "GB200 NVL72: chips that may share the experts before scale-out is slower, over the chips of a rack",
        None,
        lambda: float(Scenario(racks("gb200-nvl72")).evaluate(most_chips.result.rhs / scale_up_domain)),
        _links("gb200-nvl72"),
        must=lambda value: value > 1,
    ),
    Claim(
        "2.2",
        "H100, two domains: the lecture's time over that without the copies that stay on the chip",
        1.0,
        lambda: float(Scenario(racks("h100-sxm")).evaluate(two_racks.result.rhs / exact_two_racks.result.rhs)),
        _links("h100-sxm"),
        must=lambda value: value >= 1,
    ),
    Claim(
        "2.2",
        "H100, two domains, 8 experts a token: bytes that leave with one copy a domain instead of one an expert",
        1.0,
        _one_copy_a_domain,
        lambda: {"domains": 2.0, "experts_per_token": 8.0},
        must=lambda value: 0 < value <= 1,
    ),
)
