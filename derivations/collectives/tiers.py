"""Chapter 8, collectives: all-reduce and all-to-all over two tiers, where the tiers tie, and where one tier is left."""

import sympy
from sympy import Expr, Symbol

from steptime.derivations.axioms import TIERS_OVERLAP
from steptime.derivations.collectives import exchanges
from steptime.derivations.collectives.exchanges import exchange_across, exchange_inside
from steptime.derivations.collectives.numbers import CHAN, GSHARD, RACKS, THAKUR, domains_of
from steptime.derivations.collectives.shares import bytes_of_ring
from steptime.derivations.experts.formulas import many_domains
from steptime.derivations.facts import Defined, Instance, Tends, given, instance
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.pipelines.symbols import tier_time_ratio
from steptime.derivations.rules import equation, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.network.algorithms import ring_all_reduce
from steptime.model.network.collectives import all_reduce
from steptime.model.symbols import scale_out_bandwidth, scale_up_bandwidth, scale_up_domain, stage_chips

from steptime.derivations.collectives.symbols import (  # isort: skip
    across_bytes, domain_share, group_bytes, group_chips, kept_bytes, link_bytes, reducing_bytes, ring_bytes,
    share_bytes, sharing_bytes, up_bytes,
)  # fmt: skip

reduced = all_reduce(group_bytes, many_domains, in_switch=False)
BOTH_AS_LONG = given(tier_time_ratio, 1, "both tiers take equally long")
ONE_DOMAIN = given(stage_chips, scale_up_domain, "the group fills one domain")
SO_MANY_CHIPS = given(scale_up_domain, group_chips, "as many chips as the ring has")
MANY_DOMAINS = Tends(stage_chips, sympy.oo, "ever more domains")
BYTES_OVER_RATE = Defined(
    tier_time_ratio,
    (up_bytes / scale_up_bandwidth) / (across_bytes / scale_out_bandwidth),
    "the time of the bytes on scale-up over that of the bytes on scale-out",
)


def turn(of: Symbol, volume: Expr, chips: Expr, share: Symbol) -> Instance:
    """What a chip sends as so many shares of a volume go once round a ring."""
    return instance(bytes_of_ring, {ring_bytes: of, group_bytes: volume, group_chips: chips, share_bytes: share})


def twice(volume: Expr, chips: Expr, share: Symbol) -> tuple[Instance, Instance]:
    """A reduce-scatter and an all-gather of the same volume over the same chips."""
    return turn(reducing_bytes, volume, chips, share), turn(sharing_bytes, volume, chips, share)


inside = Derivation(
    name="hierarchical-all-reduce-inside",
    title="Bytes of a hierarchical all-reduce on scale-up",
    rows=("8.5",),
    claim="Inside each domain the whole volume goes round twice: a reduce-scatter first, an all-gather last.",
    start=Defined(
        up_bytes,
        reducing_bytes + sharing_bytes,
        "the bytes of a reduce-scatter and of an all-gather of the volume, both inside the domain",
    ),
    steps=(
        Step(
            "both go round a ring of the domain: what the model's all-reduce sends",
            substitute(*twice(group_bytes, scale_up_domain, domain_share)),
            equation(up_bytes, reduced.scale_up),
        ),
    ),
    assumes=(),
    sources=(THAKUR, CHAN),
    example=lambda: domains_of("gb200-nvl72", 256),
    example_text=RACKS,
)

across = Derivation(
    name="hierarchical-all-reduce-across",
    title="Bytes of a hierarchical all-reduce on scale-out",
    rows=("8.5",),
    claim="Across domains a chip sums its own share of the domain's sums with the chips that have the same share.",
    start=Defined(
        across_bytes,
        reducing_bytes + sharing_bytes,
        "the bytes of a reduce-scatter and of an all-gather of one chip's share, both with one chip of each domain",
    ),
    steps=(
        Step(
            "both go round a ring of as many chips as domains: what the model's all-reduce sends",
            substitute(*twice(group_bytes / scale_up_domain, stage_chips / scale_up_domain, share_bytes)),
            equation(across_bytes, reduced.scale_out),
        ),
    ),
    assumes=(),
    sources=(THAKUR, CHAN),
    example=lambda: domains_of("gb200-nvl72", 256),
    example_text=RACKS,
    holds=(at_least(stage_chips, scale_up_domain),),
)

hierarchical = Derivation(
    name="hierarchical-all-reduce",
    title="Tiers of a hierarchical all-reduce",
    rows=("8.5",),
    claim="All chips of a domain share what leaves it: the larger the domain, the less a chip sends over scale-out.",
    start=BYTES_OVER_RATE,
    steps=(
        Step(
            "the volume cancels",
            substitute(inside, across),
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
    assumes=(MANY_DOMAINS,),
    sources=(THAKUR, CHAN),
    example=lambda: domains_of("gb200-nvl72", 256),
    example_text=RACKS,
)

domain_that_hides = Derivation(
    name="domain-that-hides-scale-out",
    title="Chips of a domain with which scale-out keeps up in an all-reduce",
    rows=("8.5",),
    claim="A domain must hold one chip more than its links are faster: beyond, summing across domains costs no time.",
    start=hierarchical,
    steps=(
        Step(
            "both tiers take equally long",
            substitute(BOTH_AS_LONG),
            equation(sympy.S.One, (scale_up_domain - 1) * scale_out_bandwidth / scale_up_bandwidth),
        ),
        Step(
            "solve for the domain",
            solve_for(scale_up_domain),
            equation(scale_up_domain, 1 + scale_up_bandwidth / scale_out_bandwidth),
        ),
    ),
    assumes=(BOTH_AS_LONG, TIERS_OVERLAP),
    sources=hierarchical.sources,
    example=lambda: domains_of("h100-sxm", 65536),
    example_text="65,536 H100, of which a domain holds 8: two too few",
)

one_tier = Derivation(
    name="all-reduce-in-one-domain",
    title="A hierarchical all-reduce in one domain is a ring's",
    rows=("8.5",),
    claim="Where the group fills one domain, nothing leaves it, and the bytes are those of one tier.",
    start=Defined(link_bytes, up_bytes + across_bytes, "the bytes of a hierarchical all-reduce on both tiers"),
    steps=(
        Step(
            "both tiers",
            substitute(inside, across),
            equation(link_bytes, reduced.scale_up + reduced.scale_out),
        ),
        Step(
            "the domain is the group",
            substitute(ONE_DOMAIN),
            equation(link_bytes, 2 * (scale_up_domain - 1) * group_bytes / scale_up_domain),
        ),
        Step(
            "of so many chips",
            substitute(SO_MANY_CHIPS),
            equation(link_bytes, ring_all_reduce(group_bytes, group_chips).carried),
        ),
    ),
    assumes=(ONE_DOMAIN, SO_MANY_CHIPS),
    sources=hierarchical.sources,
    example=lambda: {**domains_of("gb200-nvl72", 72), group_chips: 72.0},
    example_text="72 GB200 in one domain",
)


kept = Derivation(
    name="all-to-all-kept",
    title="What an all-to-all leaves where it is",
    rows=("8.6",),
    claim="Of E shares (S - 1) go up, E - S go out, and one stays.",
    start=Defined(kept_bytes, group_bytes - up_bytes - across_bytes, "what is left of the volume"),
    steps=(
        Step(
            "what does not leave the chip",
            substitute(exchange_inside, exchange_across),
            equation(kept_bytes, group_bytes / stage_chips),
        ),
    ),
    assumes=(),
    sources=(GSHARD,),
    example=lambda: domains_of("gb200-nvl72", 256),
    example_text=RACKS,
    holds=(at_least(stage_chips, scale_up_domain),),
)

balanced = Derivation(
    name="all-to-all-balanced-domain",
    title="Domain at which both tiers of an all-to-all take equally long",
    rows=("8.6",),
    claim="Nearly the whole group must share a domain: what leaves is not shared as in a sum, and its links are slow.",
    start=BYTES_OVER_RATE,
    steps=(
        Step(
            "the share of one chip cancels",
            substitute(exchange_inside, exchange_across),
            equation(
                tier_time_ratio,
                (scale_up_domain - 1) * scale_out_bandwidth / ((stage_chips - scale_up_domain) * scale_up_bandwidth),
            ),
        ),
        Step(
            "both tiers take equally long",
            substitute(BOTH_AS_LONG),
            equation(
                sympy.S.One,
                (scale_up_domain - 1) * scale_out_bandwidth / ((stage_chips - scale_up_domain) * scale_up_bandwidth),
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
    assumes=(BOTH_AS_LONG, TIERS_OVERLAP),
    sources=(GSHARD,),
    example=lambda: domains_of("gb200-nvl72", 256),
    example_text=RACKS,
    holds=(more(stage_chips, 1),),
)

DERIVATIONS = (inside, across, hierarchical, domain_that_hides, one_tier, *exchanges.DERIVATIONS, kept, balanced)
