"""Chapter 8, collectives: all-reduce and all-to-all over two tiers, where the tiers tie, and where one tier is left."""

import sympy

from steptime.derivations.board import is_
from steptime.derivations.collectives.numbers import CHAN, GSHARD, THAKUR, domains_of
from steptime.derivations.collectives.symbols import group_bytes, group_chips, kept_bytes, link_bytes
from steptime.derivations.experts.formulas import many_domains
from steptime.derivations.pipelines.symbols import tier_time_ratio
from steptime.derivations.rules import both_sides, equation, identity, limit, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.network.algorithms import ring_all_reduce
from steptime.model.network.collectives import all_reduce, all_to_all
from steptime.model.symbols import scale_out_bandwidth, scale_up_bandwidth, scale_up_domain, stage_chips

reduced = all_reduce(group_bytes, many_domains, in_switch=False)
exchanged = all_to_all(group_bytes, many_domains)
RACKS = "256 chips in domains of 72 GB200"
IN_STEPS = "reduce-scatter inside each domain, all-reduce of every share across domains, all-gather inside"
PIPELINED = "both tiers work at once, on different pieces"
EVEN = "every chip sends every other as much, and as much to itself"

hierarchical = Derivation(
    name="hierarchical-all-reduce",
    title="Tiers of a hierarchical all-reduce",
    rows=("8.5",),
    claim="All chips of a domain share what leaves it: the larger the domain, the less a chip sends over scale-out.",
    start=equation(
        tier_time_ratio,
        (reduced.scale_up / scale_up_bandwidth) / (reduced.scale_out / scale_out_bandwidth),
    ),
    steps=(
        Step(
            "the volume cancels",
            identity(),
            equation(
                tier_time_ratio,
                (scale_up_domain - 1)
                * stage_chips
                * scale_out_bandwidth
                / ((stage_chips - scale_up_domain) * scale_up_bandwidth),
            ),
        ),
        Step(
            "over many domains",
            limit(stage_chips, sympy.oo),
            equation(tier_time_ratio, (scale_up_domain - 1) * scale_out_bandwidth / scale_up_bandwidth),
        ),
    ),
    assumes=(IN_STEPS, PIPELINED),
    sources=(THAKUR, CHAN),
    example=lambda: domains_of("gb200-nvl72", 256),
    example_text=RACKS,
    holds=(scale_up_domain - 1, stage_chips - scale_up_domain),
)

domain_that_hides = Derivation(
    name="domain-that-hides-scale-out",
    title="Chips of a domain with which scale-out keeps up in an all-reduce",
    rows=("8.5",),
    claim="A domain must hold one chip more than its links are faster: beyond, summing across domains costs no time.",
    start=hierarchical.result,
    steps=(
        Step(
            "both tiers take equally long",
            substitute(is_(tier_time_ratio, 1)),
            equation(sympy.S.One, (scale_up_domain - 1) * scale_out_bandwidth / scale_up_bandwidth),
        ),
        Step(
            "solve for the domain",
            solve_for(scale_up_domain),
            equation(scale_up_domain, 1 + scale_up_bandwidth / scale_out_bandwidth),
        ),
    ),
    assumes=hierarchical.assumes,
    sources=hierarchical.sources,
    example=lambda: domains_of("h100-sxm", 256),
    example_text="256 H100, of which a domain holds 8",
    holds=(scale_up_domain - 1,),
)

one_tier = Derivation(
    name="all-reduce-in-one-domain",
    title="A hierarchical all-reduce in one domain is a ring's",
    rows=("8.5",),
    claim="Where the group fills one domain, nothing leaves it, and the bytes are those of one tier.",
    start=equation(link_bytes, reduced.scale_up + reduced.scale_out),
    steps=(
        Step(
            "the domain is the group",
            substitute(is_(stage_chips, scale_up_domain)),
            equation(link_bytes, 2 * (scale_up_domain - 1) * group_bytes / scale_up_domain),
        ),
        Step(
            "of so many chips",
            substitute(is_(scale_up_domain, group_chips)),
            equation(link_bytes, ring_all_reduce(group_bytes, group_chips).carried),
        ),
    ),
    assumes=(IN_STEPS,),
    sources=hierarchical.sources,
    example=lambda: {**domains_of("gb200-nvl72", 72), group_chips: 72.0},
    example_text="72 GB200 in one domain",
    holds=(scale_up_domain - 1,),
)

kept = Derivation(
    name="all-to-all-kept",
    title="What an all-to-all leaves where it is",
    rows=("8.6",),
    claim="Of E shares (S - 1) go up, E - S go out, and one stays.",
    start=equation(kept_bytes, group_bytes - exchanged.scale_up - exchanged.scale_out),
    steps=(Step("what does not leave the chip", identity(), equation(kept_bytes, group_bytes / stage_chips)),),
    assumes=(EVEN,),
    sources=(GSHARD,),
    example=lambda: domains_of("gb200-nvl72", 256),
    example_text=RACKS,
    holds=(stage_chips - scale_up_domain, scale_up_domain - 1),
)

balanced = Derivation(
    name="all-to-all-balanced-domain",
    title="Domain at which both tiers of an all-to-all take equally long",
    rows=("8.6",),
    claim="Nearly the whole group must share a domain: what leaves is not shared as in a sum, and its links are slow.",
    start=equation(exchanged.scale_up / scale_up_bandwidth, exchanged.scale_out / scale_out_bandwidth),
    steps=(
        Step(
            "by the share of one chip",
            both_sides(side * stage_chips / group_bytes),
            equation(
                (scale_up_domain - 1) / scale_up_bandwidth,
                (stage_chips - scale_up_domain) / scale_out_bandwidth,
            ),
        ),
        Step(
            "solve for the domain",
            solve_for(scale_up_domain),
            equation(
                scale_up_domain,
                (stage_chips * scale_up_bandwidth + scale_out_bandwidth) / (scale_up_bandwidth + scale_out_bandwidth),
            ),
        ),
    ),
    assumes=(EVEN, PIPELINED),
    sources=(GSHARD,),
    example=lambda: domains_of("gb200-nvl72", 256),
    example_text=RACKS,
    holds=(stage_chips - scale_up_domain, scale_up_domain - 1),
)

DERIVATIONS = (hierarchical, domain_that_hides, one_tier, kept, balanced)
