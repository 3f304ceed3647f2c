"""Chapter 8, collectives: a token's copies that leave its domain, one an expert or one a domain."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.axioms import (
    COPY_PER_EXPERT,
    EVEN_CHOICES,
    EVEN_PLACEMENT,
    INDEPENDENT_CHOICES,
    ONE_COPY_A_DOMAIN,
)
from steptime.derivations.collectives.numbers import DEEPSEEK, domains_of
from steptime.derivations.experts.formulas import many_domains
from steptime.derivations.experts.numbers import expert_blocks
from steptime.derivations.experts.symbols import experts_per_token
from steptime.derivations.facts import Compared, Defined, Expected, Tends, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import equation, identity, limit, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.choices import Copies
from steptime.model.network.collectives import expert_exchange
from steptime.model.symbols import scale_up_domain, stage_chips

from steptime.derivations.collectives.symbols import (  # isort: skip
    choice_domains, copies_ratio, domain_copies, domains, expert_copies, hit_chance, other_domains, pass_chance,
)  # fmt: skip

per_expert, per_domain = (
    expert_exchange(sympy.S.One, many_domains, experts_per_token, None, copies)
    for copies in (Copies.PER_EXPERT, Copies.PER_DOMAIN)
)
ONE_CHOICE = given(choice_domains, 1, "a choice falls on one domain")
SO_MANY_DOMAINS = given(domains, stage_chips / scale_up_domain, "all domains hold equally many chips of the stage")
MANY_CHOICES = Tends(experts_per_token, sympy.oo, "a token chooses ever more experts")
MANY_DOMAINS = Tends(domains, sympy.oo, "ever more domains")
OTHERS = Defined(other_domains, domains - 1, "the domains of a stage less the chip's own")
place, choice = (Symbol(name, integer=True, positive=True) for name in ("i", "j"))
passed_by = 1 - 1 / domains


def eight_domains() -> Mapping[Symbol, float]:
    """DeepSeek-V3's eight choices over eight domains of H100."""
    chosen = float(expert_blocks()[0].experts_per_token)
    return {**domains_of("h100-sxm", 64), domains: 8.0, experts_per_token: chosen}


EIGHT = "eight choices over eight domains of 8 H100"

hit = Derivation(
    name="choice-on-a-domain",
    title="Chance that one choice falls on one given domain",
    rows=("8.7",),
    claim="A choice falls on one domain, on any of them as likely as on any other.",
    start=Expected(
        choice_domains,
        place,
        sympy.S.One,
        domains,
        hit_chance,
        "how many domains one choice falls on: on each with the same chance",
    ),
    steps=(
        Step(
            "as many chances as domains",
            total(sympy.Sum(hit_chance, (place, 1, domains)), domains * hit_chance),
            equation(choice_domains, domains * hit_chance),
        ),
        Step("on one, whichever it is", substitute(ONE_CHOICE), equation(sympy.S.One, domains * hit_chance)),
        Step("solve for the chance", solve_for(hit_chance), equation(hit_chance, 1 / domains)),
    ),
    assumes=(EVEN_CHOICES, EVEN_PLACEMENT, ONE_CHOICE),
    sources=(DEEPSEEK,),
    example=eight_domains,
    example_text=EIGHT,
)

missed = Derivation(
    name="domain-passed-by",
    title="Chance that all choices of a token pass one given domain by",
    rows=("8.7",),
    claim="Each choice passes the domain by with the same chance, whatever the others do.",
    start=Defined(
        pass_chance,
        (1 - hit_chance) ** experts_per_token,
        "the chance that one choice, and the next, and all of them fall on other domains",
    ),
    steps=(
        Step("one in so many domains", substitute(hit), equation(pass_chance, passed_by**experts_per_token)),
    ),
    assumes=(INDEPENDENT_CHOICES,),
    sources=(DEEPSEEK,),
    example=eight_domains,
    example_text=EIGHT,
)  # fmt: skip

expected = Derivation(
    name="expected-copies-a-domain",
    title="Expected copies of a token that leave its domain, one a domain",
    rows=("8.7",),
    claim="Each of the other domains gets a copy, unless all choices pass it by.",
    start=Expected(
        domain_copies,
        place,
        sympy.S.One,
        domains - 1,
        1 - pass_chance,
        "how many other domains get a copy of a token: each does unless all choices pass it by",
    ),
    steps=(
        Step(
            "as many chances as other domains",
            total(sympy.Sum(1 - pass_chance, (place, 1, domains - 1)), (domains - 1) * (1 - pass_chance)),
            equation(domain_copies, (domains - 1) * (1 - pass_chance)),
        ),
        Step(
            "the chance to be passed by",
            substitute(missed),
            equation(domain_copies, (domains - 1) * (1 - passed_by**experts_per_token)),
        ),
    ),
    assumes=(ONE_COPY_A_DOMAIN,),
    sources=(DEEPSEEK,),
    example=eight_domains,
    example_text=EIGHT,
)

by_chips = Derivation(
    name="expected-copies-by-chips",
    title="Expected copies of a token that leave its domain, by the chips of a stage and of a domain",
    rows=("8.7",),
    claim="So many copies does the model send over scale-out.",
    start=expected,
    steps=(
        Step(
            "so many domains share the chips: what the model's exchange sends",
            substitute(SO_MANY_DOMAINS),
            equation(domain_copies, per_domain.scale_out),
        ),
    ),
    assumes=(SO_MANY_DOMAINS,),
    sources=(DEEPSEEK,),
    example=eight_domains,
    example_text=EIGHT,
    holds=(at_least(stage_chips, scale_up_domain),),
)

copies = Derivation(
    name="copies-a-domain",
    title="The most copies of a token that leave its domain",
    rows=("8.7",),
    claim="However many experts a token chooses, it is sent to no more than the other domains.",
    start=expected,
    steps=(
        Step(
            "by the other domains",
            substitute(OTHERS.for_(domains)),
            equation(domain_copies, other_domains * (1 - (1 - 1 / (1 + other_domains)) ** experts_per_token)),
        ),
        Step(
            "of many choices, none passes a domain by",
            limit(experts_per_token, sympy.oo),
            equation(domain_copies, other_domains),
        ),
        Step("all domains but one", substitute(OTHERS), equation(domain_copies, domains - 1)),
    ),
    assumes=(MANY_CHOICES,),
    sources=(DEEPSEEK,),
    example=eight_domains,
    example_text=EIGHT,
)

each = Derivation(
    name="expected-copies-an-expert",
    title="Expected copies of a token that leave its domain, one an expert",
    rows=("8.7",),
    claim="Each of a token's copies leaves, unless its expert lies in the token's own domain.",
    start=Expected(
        expert_copies,
        choice,
        sympy.S.One,
        experts_per_token,
        1 - hit_chance,
        "how many copies of a token leave its domain, one for each choice that does not fall on it",
    ),
    steps=(
        Step(
            "as many chances as choices",
            total(sympy.Sum(1 - hit_chance, (choice, 1, experts_per_token)), experts_per_token * (1 - hit_chance)),
            equation(expert_copies, experts_per_token * (1 - hit_chance)),
        ),
        Step("one in so many domains", substitute(hit), equation(expert_copies, experts_per_token * passed_by)),
    ),
    assumes=(COPY_PER_EXPERT,),
    sources=(DEEPSEEK,),
    example=eight_domains,
    example_text=EIGHT,
)

ratio = Derivation(
    name="copies-ratio",
    title="Copies that leave a domain, one a domain over one an expert",
    rows=("8.7",),
    claim="One copy a domain never leaves more often than one an expert; with many choices over few domains far less.",
    start=Compared(copies_ratio, expected, each, "copies that leave, one a domain over one an expert"),
    steps=(
        Step(
            "of the same domains",
            identity(),
            equation(copies_ratio, domains * (1 - passed_by**experts_per_token) / experts_per_token),
        ),
    ),
    assumes=(),
    sources=(DEEPSEEK,),
    example=eight_domains,
    example_text=EIGHT,
    holds=(more(domains, 1),),
)

many = Derivation(
    name="copies-over-many-domains",
    title="Over many domains one copy a domain saves nothing",
    rows=("8.7",),
    claim="Where domains far outnumber a token's experts, no two of them share one.",
    start=ratio,
    steps=(Step("many domains", limit(domains, sympy.oo), equation(copies_ratio, sympy.S.One)),),
    assumes=(MANY_DOMAINS,),
    sources=(DEEPSEEK,),
    example=eight_domains,
    example_text=EIGHT,
)

DERIVATIONS = (hit, missed, expected, by_chips, copies, each, ratio, many)
