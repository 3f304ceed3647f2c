"""Chapter 2, mixture of experts on a rack: experts over two racks, and what a larger scale-up domain is for."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.axioms import COPY_PER_EXPERT, EVEN_PLACEMENT, EVEN_TOKENS, TIERS_OVERLAP, UNIFORM
from steptime.derivations.board import LINK_PEAK, NO_START_UP, numbers
from steptime.derivations.experts.formulas import exchanged, many_domains
from steptime.derivations.experts.messages import LECTURE, messages
from steptime.derivations.facts import Defined, Modelled, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.rules import equation, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.phases import decode

from steptime.derivations.experts.symbols import (  # isort: skip
    copy_bytes, domain_bytes, message_bytes, network_time, remote_bytes, remote_share, scale_out_time, scale_up_time,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    micro_batch, scale_out_bandwidth, scale_out_bytes, scale_up_bandwidth, scale_up_bytes, scale_up_domain, stage_chips,
)  # fmt: skip

TWO_RACKS = "two scale-up domains of H100, 400 MB of copies a chip and layer"
EVENLY = (UNIFORM, EVEN_PLACEMENT, EVEN_TOKENS, COPY_PER_EXPERT)
A_DOMAIN_AT_LEAST = at_least(stage_chips, scale_up_domain)
sent = exchanged(copy_bytes, many_domains)


def racks(hardware: str, domains: int = 2) -> Mapping[Symbol, float]:
    """Numbers of a chip whose stage spans so many scale-up domains; the volume cancels in every ratio."""
    values = numbers("deepseek-v3", hardware, layout="dp=32,ep=32", context=1000, batch=2048)
    return {**values, stage_chips: domains * values[scale_up_domain], copy_bytes: 4e8}


message_share = Derivation(
    name="message-share",
    title="One message out of all copies",
    rows=("2.2",),
    claim="Every chip, the sender too, gets the same part of a chip's copies: one in E.",
    start=Defined(copy_bytes, messages(1, stage_chips), "a message to each of the E chips, the sender included"),
    steps=(
        Step(
            "as many messages as chips",
            total(messages(1, stage_chips), stage_chips * message_bytes),
            equation(copy_bytes, stage_chips * message_bytes),
        ),
        Step("solve for one", solve_for(message_bytes), equation(message_bytes, copy_bytes / stage_chips)),
    ),
    assumes=EVENLY,
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text=TWO_RACKS,
)

inside = Derivation(
    name="bytes-inside-a-domain",
    title="What a chip sends to experts inside its scale-up domain",
    rows=("2.2",),
    claim="S - 1 of the E chips are reached over scale-up.",
    start=Defined(domain_bytes, messages(1, scale_up_domain - 1), "one message to each other chip of the domain"),
    steps=(
        Step(
            "as many messages as other chips in the domain",
            total(messages(1, scale_up_domain - 1), (scale_up_domain - 1) * message_bytes),
            equation(domain_bytes, (scale_up_domain - 1) * message_bytes),
        ),
        Step(
            "put in a message: what the model's all-to-all sends over scale-up",
            substitute(message_share),
            equation(domain_bytes, sent.scale_up),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text=TWO_RACKS,
)

beyond = Derivation(
    name="bytes-beyond-a-domain",
    title="What a chip sends to experts in other scale-up domains",
    rows=("2.2",),
    claim="E - S of the E chips are reached over scale-out.",
    start=Defined(
        remote_bytes, messages(1, stage_chips - scale_up_domain), "one message to each chip of the other domains"
    ),
    steps=(
        Step(
            "as many messages as chips in other domains",
            total(messages(1, stage_chips - scale_up_domain), (stage_chips - scale_up_domain) * message_bytes),
            equation(remote_bytes, (stage_chips - scale_up_domain) * message_bytes),
        ),
        Step(
            "put in a message: what the model's all-to-all sends over scale-out",
            substitute(message_share),
            equation(remote_bytes, sent.scale_out),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text=TWO_RACKS,
    holds=(A_DOMAIN_AT_LEAST,),
)

crossing = Derivation(
    name="crossing-share",
    title="Share of the experts' traffic that leaves the scale-up domain",
    rows=("2.2",),
    claim="Of copies spread evenly over E chips, all but S/E leave the domain.",
    start=Defined(remote_share, remote_bytes / copy_bytes, "what leaves the domain over all copies"),
    steps=(
        Step(
            "put in what leaves",
            substitute(beyond),
            equation(remote_share, 1 - scale_up_domain / stage_chips),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text=TWO_RACKS,
    holds=(A_DOMAIN_AT_LEAST,),
)

WITH_OWN = given(
    scale_up_bytes,
    (domain_bytes + message_bytes) / micro_batch,
    "over scale-up go the messages of one layer of experts, counted with those of each chip to itself",
)
WITHOUT_OWN = given(
    scale_up_bytes, domain_bytes / micro_batch, "over scale-up go the messages of one layer of experts, nothing else"
)
BEYOND = given(
    scale_out_bytes, remote_bytes / micro_batch, "over scale-out go the messages of one layer of experts, nothing else"
)

interconnect_term = Derivation(
    name="interconnect-term",
    title="Interconnect time of a step over two tiers",
    rows=("2.2",),
    claim="Both tiers work at once: the slower of what stays in a domain and what leaves it sets the time.",
    start=Defined(network_time, sympy.Max(scale_up_time, scale_out_time), "the longer of the times of both tiers"),
    steps=(
        Step(
            "what each tier carries, after its start-ups: the model's interconnect term",
            substitute(Modelled(scale_up_time, decode.scale_up.time), Modelled(scale_out_time, decode.scale_out.time)),
            equation(network_time, decode.blackboard.interconnect),
        ),
        Step(
            "no start-up latency, links at their peak",
            substitute(*NO_START_UP, LINK_PEAK),
            equation(
                network_time,
                sympy.Max(
                    scale_up_bytes * micro_batch / scale_up_bandwidth,
                    scale_out_bytes * micro_batch / scale_out_bandwidth,
                ),
            ),
        ),
    ),
    assumes=(TIERS_OVERLAP, *NO_START_UP, LINK_PEAK),
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text="DeepSeek-V3 at fp8 on 32 H100 (dp=32, ep=32), context 1000, 2048 sequences",
)

two_racks = Derivation(
    name="two-racks",
    title="Experts over several scale-up domains",
    rows=("2.2",),
    claim="S/E of all copies stay in a domain, the rest leaves it: the slower of the two sets the time.",
    start=interconnect_term,
    steps=(
        Step(
            "one layer's messages, counted with those of each chip to itself",
            substitute(WITH_OWN, BEYOND),
            equation(
                network_time,
                sympy.Max(
                    (domain_bytes + message_bytes) / scale_up_bandwidth,
                    remote_bytes / scale_out_bandwidth,
                ),
            ),
        ),
        Step(
            "put in what stays and what leaves",
            substitute(inside, message_share, beyond),
            equation(
                network_time,
                sympy.Max(
                    scale_up_domain / stage_chips * copy_bytes / scale_up_bandwidth,
                    (1 - scale_up_domain / stage_chips) * copy_bytes / scale_out_bandwidth,
                ),
            ),
        ),
    ),
    assumes=(WITH_OWN, BEYOND),
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text=TWO_RACKS,
    holds=(A_DOMAIN_AT_LEAST,),
)

exact_two_racks = Derivation(
    name="two-racks-exact",
    title="Experts over several scale-up domains, without what stays on the chip",
    rows=("2.2",),
    claim="The copies for the chip itself cross no link: S - 1 of E chips are reached over scale-up.",
    start=interconnect_term,
    steps=(
        Step(
            "one layer's messages",
            substitute(WITHOUT_OWN, BEYOND),
            equation(network_time, sympy.Max(domain_bytes / scale_up_bandwidth, remote_bytes / scale_out_bandwidth)),
        ),
        Step(
            "put in what the collectives send",
            substitute(inside, beyond),
            equation(
                network_time,
                sympy.Max(
                    (scale_up_domain - 1) / stage_chips * copy_bytes / scale_up_bandwidth,
                    (1 - scale_up_domain / stage_chips) * copy_bytes / scale_out_bandwidth,
                ),
            ),
        ),
    ),
    assumes=(WITHOUT_OWN, BEYOND),
    sources=(LECTURE,),
    example=lambda: racks("h100-sxm"),
    example_text=TWO_RACKS,
    holds=(A_DOMAIN_AT_LEAST,),
)

DERIVATIONS = (message_share, inside, beyond, crossing, interconnect_term, two_racks, exact_two_racks)
