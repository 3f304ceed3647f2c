"""Chapter 2, mixture of experts on a rack: how much slower experts are over two racks, by the chips' links."""

from collections.abc import Callable, Mapping

import sympy
from sympy import Symbol

from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.experts.messages import LECTURE
from steptime.derivations.experts.racks import A_DOMAIN_AT_LEAST, TWO_RACKS, exact_two_racks, racks, two_racks
from steptime.derivations.experts.symbols import copy_bytes, exchange_slowdown, network_time
from steptime.derivations.facts import Defined, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import branch, equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.choices import Copies
from steptime.model.network.collectives import Group, expert_exchange
from steptime.model.scenario import Scenario
from steptime.model.symbols import scale_out_bandwidth, scale_up_bandwidth, scale_up_domain, stage_chips

LINKS = (scale_up_bandwidth, scale_out_bandwidth)
CHIPS = (
    ("H100", "h100-sxm"),
    ("H800", "h800-sxm"),
    ("A100", "a100-sxm-80gb"),
    ("GB200 NVL72", "gb200-nvl72"),
)
PRINTED_RATIOS = (9.0, 4.0, 12.0, 18.0)
"""How much faster scale-up is than scale-out on these, as the row prints it beside the board's 8."""

leaving = (1 - scale_up_domain / stage_chips) * scale_up_bandwidth / scale_out_bandwidth
SLOWDOWN = Defined(
    exchange_slowdown,
    network_time * scale_up_bandwidth / copy_bytes,
    "the time over that of the same copies on scale-up alone",
)

ratio = Derivation(
    name="two-racks-ratio",
    title="Time of experts over several domains, over that inside one",
    rows=("2.2",),
    claim="Either what stays takes longer, S/E of the time inside one domain, or what leaves, over slower links.",
    start=SLOWDOWN,
    steps=(
        Step(
            "put in the time over several domains; the copies cancel",
            substitute(two_racks),
            equation(exchange_slowdown, sympy.Max(scale_up_domain / stage_chips, leaving)),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text=TWO_RACKS,
    holds=(A_DOMAIN_AT_LEAST,),
)

LEAVING_TAKES_LONGER = at_least(
    (stage_chips - scale_up_domain) * scale_up_bandwidth, scale_up_domain * scale_out_bandwidth
)
slowdown = Derivation(
    name="two-racks-slowdown",
    title="How much slower experts are over several domains than inside one",
    rows=("2.2",),
    claim="Where the part that leaves takes longer, it costs the ratio of the links times the share that leaves.",
    start=ratio,
    steps=(
        Step(
            "what leaves takes longer than what stays",
            branch(ratio.result.rhs, leaving),
            equation(exchange_slowdown, leaving),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text=TWO_RACKS,
    holds=(LEAVING_TAKES_LONGER,),
)

AS_FAST = given(exchange_slowdown, 1, "the experts are as fast as inside one domain")

most_chips = Derivation(
    name="chips-beyond-a-domain",
    title="Chips that may share the experts before scale-out is slower than scale-up",
    rows=("2.2",),
    claim="With links far apart in speed, hardly more chips than one domain holds.",
    start=slowdown,
    steps=(
        Step("as fast as inside one domain", substitute(AS_FAST), equation(sympy.S.One, leaving)),
        Step(
            "solve for the chips",
            solve_for(stage_chips),
            equation(
                stage_chips,
                scale_up_domain * scale_up_bandwidth / (scale_up_bandwidth - scale_out_bandwidth),
            ),
        ),
    ),
    assumes=(AS_FAST,),
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text=TWO_RACKS,
    holds=(LEAVING_TAKES_LONGER, more(scale_up_bandwidth, scale_out_bandwidth)),
)


def _against_one_domain(hardware: str) -> Callable[[], float]:
    return lambda: float(Scenario(racks(hardware)).evaluate(ratio.result.rhs))


def _links(hardware: str) -> Callable[[], Mapping[str, float | str]]:
    return lambda: {symbol.name: racks(hardware)[symbol] for symbol in (*LINKS, scale_up_domain, stage_chips)}


def _lecture_links() -> Mapping[Symbol, float]:
    """H100's domain of 8, with links between domains that are 8 times slower than inside."""
    values = racks("h100-sxm")
    return {**values, scale_out_bandwidth: values[scale_up_bandwidth] / 8}


def _link_ratio(hardware: str) -> Callable[[], float]:
    return lambda: float(Scenario(racks(hardware)).evaluate(scale_up_bandwidth / scale_out_bandwidth))


def _one_copy_a_domain() -> float:
    """DeepSeek-V3's 8 experts over 16 chips in 2 domains, no limit on groups."""
    over = Group(sympy.Integer(16), sympy.Integer(8))
    domain, expert = (expert_exchange(sympy.S.One, over, 8, None, copies) for copies in Copies)
    return float(domain.scale_out / expert.scale_out)


DERIVATIONS = (ratio, slowdown, most_chips)

CLAIMS = (
    Claim(
        "2.2",
        "Half leaves over links 8 times slower: time over that inside one domain, about 4",
        4.0,
        lambda: float(Scenario(_lecture_links()).evaluate(slowdown.result.rhs)),
        lambda: {symbol.name: _lecture_links()[symbol] for symbol in (*LINKS, scale_up_domain, stage_chips)},
        wording=Wording.ABOUT,
    ),
    *(
        Claim(
            "2.2",
            f"{name}: experts over two scale-up domains, time over that inside one (lecture: links 8 times slower)",
            4.0,
            _against_one_domain(hardware),
            _links(hardware),
            wording=Wording.ABOUT,
            must=lambda value: value >= 0.5,
        )
        for name, hardware in CHIPS
    ),
    *(
        Claim("2.2", f"{name}: scale-up over scale-out bandwidth", printed, _link_ratio(hardware), _links(hardware))
        for (name, hardware), printed in zip(CHIPS, PRINTED_RATIOS, strict=True)
    ),
    Claim(
        "2.2",
        "GB200 NVL72: chips that may share the experts before scale-out is slower, over those of a rack; hardly more",
        None,
        lambda: float(Scenario(racks("gb200-nvl72")).evaluate(most_chips.result.rhs / scale_up_domain)),
        _links("gb200-nvl72"),
        source=Source.OWN,
        must=lambda value: 1 < value < 1.1,
    ),
    Claim(
        "2.2",
        "H100, two domains: time with the copies that stay on the chip over that without; what leaves binds either way",
        None,
        lambda: float(Scenario(racks("h100-sxm")).evaluate(two_racks.result.rhs / exact_two_racks.result.rhs)),
        _links("h100-sxm"),
        source=Source.OWN,
        must=lambda value: abs(value - 1) < 1e-12,
    ),
    Claim(
        "2.2",
        "H100, two domains, 8 experts a token: bytes that leave with one copy a domain over those with one an expert, "
        "between one in 8 and all",
        None,
        _one_copy_a_domain,
        lambda: {"domains": 2.0, "experts_per_token": 8.0},
        source=Source.OWN,
        must=lambda value: 1 / 8 <= value <= 1,
    ),
)
