"""Chapter 9, serving: hits where the most popular prefixes are kept for good, and what other caches lose to that."""

from sympy import Le

from steptime.derivations.axioms import RANKED
from steptime.derivations.facts import Chosen, Defined, Given
from steptime.derivations.inequalities.conditions import at_least, more, related
from steptime.derivations.rules import equation, extreme, substitute
from steptime.derivations.serving.prefix_cache import CHES, NESTED
from steptime.derivations.serving.prefix_ranks import ALL, MANY, RANKS, over_ranks, ranks, summed
from steptime.derivations.steps import Derivation, Step

from steptime.derivations.serving.symbols import (  # isort: skip
    asked_requests, fewer_prefixes, found_rate, last_rate, popular_missed, prefixes, rare_found, room_taken, top_hits,
    top_rate, top_requests,
)  # fmt: skip

TOP = "requests for as many of the first prefixes as are kept"
KEPT_FOR_GOOD = Defined(top_hits, top_requests / asked_requests, "requests for those that are kept, over all")


def static(name: str, title: str, claim: str, power: bool) -> Derivation:
    """Hits where the most popular are kept for good."""
    ratio = summed(power, fewer_prefixes) / summed(power, prefixes)
    of_power = (MANY, at_least(summed(power, fewer_prefixes), 0), at_least(ratio, 0))
    facts = (over_ranks(top_requests, fewer_prefixes, TOP, power), over_ranks(asked_requests, prefixes, ALL, power))
    return Derivation(
        name=name,
        title=title,
        rows=("9.12",),
        claim=claim,
        start=KEPT_FOR_GOOD,
        steps=(
            Step(
                "both as areas",
                substitute(*facts),
                equation(top_hits, ratio),
            ),
        ),
        assumes=(RANKED,),
        sources=(CHES, NESTED),
        example=ranks if power else lambda: ranks(1.0),
        example_text=RANKS if power else RANKS.replace("the power 0.8 of", "one over"),
        holds=(
            *(of_power if power else (more(prefixes, 1),)),
            at_least(fewer_prefixes, 1),
            at_least(1, ratio),
        ),
    )


top = static(
    "hits-of-the-most-popular",
    "Hits of a cache that keeps the most popular prefixes for good",
    "No cache of its size is hit more often where requests do not depend on one another.",
    power=True,
)
top_harmonic = static(
    "hits-of-the-most-popular-harmonic",
    "Hits of the most popular where popularity falls as one over the rank",
    "A ratio of logarithms: the first tenth of a million prefixes takes five of six requests.",
    power=False,
)

OFTEN = Given(
    at_least(popular_missed, last_rate * room_taken),
    "each of the most popular is asked for as often as the last of them or more; they lack the room that others take",
)
SELDOM = Given(
    related(Le, rare_found, last_rate * room_taken),
    "each of the others is asked for as often as that last one or less, and they are found where they take room",
)
MOST = (
    Chosen(popular_missed, "of the most popular as few requests are missed as may be", least=False),
    Chosen(rare_found, "of the others as many are found as may be", least=False),
)

never = Derivation(
    name="most-that-a-cache-finds",
    title="The most requests that any cache of a size finds",
    rows=("9.12",),
    claim="Those for the most popular prefixes, whatever is thrown out: each place given to a rarer one loses as many "
    "requests as the last popular one brings, or more, and finds as many, or fewer. Under Che the oldest goes, and "
    "finds no more.",
    start=Defined(
        found_rate, top_rate - popular_missed + rare_found, "those for the popular that are there, and others"
    ),
    steps=(
        Step(
            "as few of the popular missed as may be",
            extreme(OFTEN.relation, least=False),
            equation(found_rate, top_rate - last_rate * room_taken + rare_found),
        ),
        Step(
            "as many of the others found as may be",
            extreme(SELDOM.relation, least=False),
            equation(found_rate, top_rate),
        ),
    ),
    assumes=(OFTEN, SELDOM, *MOST),
    sources=(CHES, NESTED),
    example=lambda: {last_rate: 0.01, room_taken: 10.0, popular_missed: 0.3, rare_found: 0.05, top_rate: 5.0},
    example_text="ten places of a hundred taken by rarer prefixes, the last popular one asked for every 100 s",
)

DERIVATIONS = (top, top_harmonic, never)
