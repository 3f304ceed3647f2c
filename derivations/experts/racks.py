"""Chapter 2, mixture of experts on a rack: experts over two racks, and what a larger scale-up domain is for."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.board import is_, numbers
from steptime.derivations.experts.experts import LECTURE, UNIFORM
from steptime.derivations.experts.formulas import exchanged, many_domains
from steptime.derivations.experts.symbols import copy_bytes, network_time, remote_share
from steptime.derivations.rules import equation, identity, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.phases.decode import blackboard

from steptime.model.symbols import (  # isort: skip
    micro_batch, scale_out_bandwidth, scale_out_bytes, scale_up_bandwidth, scale_up_bytes, scale_up_domain, stage_chips,
)  # fmt: skip

TWO_RACKS = "two scale-up domains of H100, 400 MB of copies a chip and layer"
sent = exchanged(copy_bytes, many_domains)
NO_START_UP = (is_(q.scale_up_latency, 0), is_(q.scale_out_latency, 0), is_(q.interconnect_efficiency, 1))


def racks(hardware: str, domains: int = 2) -> Mapping[Symbol, float]:
    """Numbers of a chip whose stage spans so many scale-up domains; the volume cancels in every ratio."""
    values = numbers("deepseek-v3", hardware, layout="dp=32,ep=32", context=1000, batch=2048)
    return {**values, stage_chips: domains * values[scale_up_domain], copy_bytes: 4e8}


crossing = Derivation(
    name="crossing-share",
    title="Share of the experts' traffic that leaves the scale-up domain",
    rows=("2.2",),
    claim="Of copies spread evenly over E chips, all but S/E leave the domain.",
    start=equation(remote_share, sent.scale_out / copy_bytes),
    steps=(Step("divide", identity(), equation(remote_share, 1 - scale_up_domain / stage_chips)),),
    assumes=(UNIFORM, "one copy of a token for each of its experts"),
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text=TWO_RACKS,
    holds=(stage_chips - scale_up_domain,),
)

two_racks = Derivation(
    name="two-racks",
    title="Experts over several scale-up domains",
    rows=("2.2",),
    claim="Both tiers work at once: the slower of what stays and what leaves sets the time.",
    start=equation(network_time, blackboard.interconnect),
    steps=(
        Step(
            "no start-up latency, links at their peak",
            substitute(*NO_START_UP),
            equation(
                network_time,
                sympy.Max(
                    scale_up_bytes * micro_batch / scale_up_bandwidth,
                    scale_out_bytes * micro_batch / scale_out_bandwidth,
                ),
            ),
        ),
        Step(
            "what stays, counted with the copies for the chip itself, and what leaves",
            substitute(
                is_(scale_up_bytes, (sent.scale_up + copy_bytes / stage_chips) / micro_batch),
                is_(scale_out_bytes, sent.scale_out / micro_batch),
            ),
            equation(
                network_time,
                sympy.Max(
                    scale_up_domain / stage_chips * copy_bytes / scale_up_bandwidth,
                    (1 - scale_up_domain / stage_chips) * copy_bytes / scale_out_bandwidth,
                ),
            ),
        ),
    ),
    assumes=(*crossing.assumes, "the two tiers overlap"),
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text=TWO_RACKS,
    holds=(stage_chips - scale_up_domain,),
)

exact_two_racks = Derivation(
    name="two-racks-exact",
    title="Experts over several scale-up domains, without what stays on the chip",
    rows=("2.2",),
    claim="The copies for the chip itself cross no link: S - 1 of E chips are reached over scale-up.",
    start=two_racks.lines[1],
    steps=(
        Step(
            "what the collectives send",
            substitute(
                is_(scale_up_bytes, sent.scale_up / micro_batch),
                is_(scale_out_bytes, sent.scale_out / micro_batch),
            ),
            equation(
                network_time,
                sympy.Max(
                    (scale_up_domain - 1) / stage_chips * copy_bytes / scale_up_bandwidth,
                    (1 - scale_up_domain / stage_chips) * copy_bytes / scale_out_bandwidth,
                ),
            ),
        ),
    ),
    assumes=two_racks.assumes,
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text=TWO_RACKS,
    holds=(stage_chips - scale_up_domain, scale_up_domain - 1),
)

DERIVATIONS = (crossing, two_racks, exact_two_racks)
