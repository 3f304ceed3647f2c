"""Chapter 8, collectives: a token's copies that leave its domain, one an expert or one a domain."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.board import is_
from steptime.derivations.collectives.numbers import DEEPSEEK, domains_of
from steptime.derivations.collectives.symbols import copies_ratio, domain_copies, domains, miss_exponent
from steptime.derivations.experts.experts import UNIFORM
from steptime.derivations.experts.formulas import many_domains
from steptime.derivations.experts.numbers import expert_blocks
from steptime.derivations.experts.symbols import experts_per_token
from steptime.derivations.rules import equation, limit, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.choices import Copies
from steptime.model.network.collectives import expert_exchange
from steptime.model.symbols import scale_up_domain, stage_chips

per_expert, per_domain = (
    expert_exchange(sympy.S.One, many_domains, experts_per_token, None, copies)
    for copies in (Copies.PER_EXPERT, Copies.PER_DOMAIN)
)
OF_DOMAINS = is_(stage_chips, domains * scale_up_domain)
passed_by = 1 - 1 / domains
INDEPENDENT = "choices fall on domains independently, a lower bound; the router keeps no groups"


def eight_domains() -> Mapping[Symbol, float]:
    """DeepSeek-V3's eight choices over eight domains of H100."""
    chosen = float(expert_blocks()[0].experts_per_token)
    return {**domains_of("h100-sxm", 64), domains: 8.0, experts_per_token: chosen}


EIGHT = "eight choices over eight domains of 8 H100"

copies = Derivation(
    name="copies-a-domain",
    title="Copies of a token that leave its domain, one a domain",
    rows=("8.7",),
    claim="However many experts a token chooses, it is sent to no more than the other domains.",
    start=equation(domain_copies, per_domain.scale_out),
    steps=(
        Step(
            "so many domains share the chips",
            substitute(OF_DOMAINS),
            equation(domain_copies, (domains - 1) * (1 - passed_by**experts_per_token)),
        ),
        Step(
            "write the domains by the chance that a choice passes one by",
            substitute(is_(domains, 1 / (1 - sympy.exp(-miss_exponent)))),
            equation(
                domain_copies,
                (1 / (1 - sympy.exp(-miss_exponent)) - 1) * (1 - sympy.exp(-miss_exponent * experts_per_token)),
            ),
        ),
        Step(
            "of many choices, none passes a domain by",
            limit(experts_per_token, sympy.oo),
            equation(domain_copies, 1 / (1 - sympy.exp(-miss_exponent)) - 1),
        ),
        Step(
            "put the domains back",
            substitute(is_(miss_exponent, -sympy.log(passed_by))),
            equation(domain_copies, domains - 1),
        ),
    ),
    assumes=(UNIFORM, INDEPENDENT),
    sources=(DEEPSEEK,),
    example=eight_domains,
    example_text=EIGHT,
    holds=(domains - 1,),
)

ratio = Derivation(
    name="copies-ratio",
    title="Copies that leave a domain, one a domain over one an expert",
    rows=("8.7",),
    claim="One copy a domain never leaves more often than one an expert; with many choices over few domains far less.",
    start=equation(copies_ratio, per_domain.scale_out / per_expert.scale_out),
    steps=(
        Step(
            "so many domains share the chips",
            substitute(OF_DOMAINS),
            equation(copies_ratio, domains * (1 - passed_by**experts_per_token) / experts_per_token),
        ),
    ),
    assumes=copies.assumes,
    sources=copies.sources,
    example=eight_domains,
    example_text=EIGHT,
    holds=(domains - 1,),
)

many = Derivation(
    name="copies-over-many-domains",
    title="Over many domains one copy a domain saves nothing",
    rows=("8.7",),
    claim="Where domains far outnumber a token's experts, no two of them share one.",
    start=ratio.result,
    steps=(Step("many domains", limit(domains, sympy.oo), equation(copies_ratio, sympy.S.One)),),
    assumes=copies.assumes,
    sources=copies.sources,
    example=eight_domains,
    example_text=EIGHT,
    holds=(domains - 1,),
)

DERIVATIONS = (copies, ratio, many)
