"""Chapter 9, serving: hits of small caches of prefixes, and what throwing out the oldest misses (Euler's integral)."""

from collections.abc import Mapping
from functools import partial

from sympy import S, Symbol, gamma

from steptime.derivations.axioms import ALL_RANKS, CHE
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Defined, DyingArea, PowerArea, given
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import equation, identity, substitute
from steptime.derivations.serving.prefix_cache import CHES, NESTED
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario

from steptime.derivations.serving.symbols import (  # isort: skip
    asked_requests, beyond_requests, fall_off, found_requests, hits_ratio, kept_for, kept_prefixes, misses_ratio,
    missed_requests, prefix_rate, prefixes,
)  # fmt: skip

JELENKOVIC = "Jelenković 1999, Annals of Applied Probability 9, doi 10.1214/aoap/1029962750"
ONCE = "a cache that keeps what nobody asks for as long as the first prefix is asked for once"
SMALL = "a million prefixes whose popularity falls as the power 0.8 of the rank, a thousand of them kept"


def small(power: float = 0.8, kept: float = 1e3, number: float = 1e6) -> Mapping[Symbol, float]:
    """A small cache of prefixes by rank."""
    return {fall_off: power, kept_prefixes: kept, prefixes: number, prefix_rate: 1.0, kept_for: 1.0}


within = prefix_rate * kept_for
FOUND = PowerArea(
    found_requests,
    within,
    fall_off,
    fall_off,
    "requests for prefixes that were asked for since they would have been thrown out",
)
RARE = given(
    kept_for,
    kept_prefixes / (prefix_rate * asked_requests),
    "so small a cache that almost each prefix in it was asked for once: it keeps as many as are asked for in that time",
)
SO_MANY = given(
    asked_requests,
    prefixes ** (1 - fall_off) / (1 - fall_off),
    "so many prefixes that the first few weigh little in requests for all",
)
of_small = gamma(2 - 1 / fall_off) * ((1 - fall_off) * kept_prefixes / prefixes) ** ((1 - fall_off) / fall_off)

few = Derivation(
    name="hits-of-a-small-cache",
    title="Hits of a small cache that throws out what was used longest ago",
    rows=("9.12",),
    claim="A higher power of its share than where the most popular are kept for good, by one over the power of the "
    "rank: at one over the rank both agree.",
    start=Defined(hits_ratio, found_requests / asked_requests, "what is found over what a cache of everything finds"),
    steps=(
        Step(
            "what is found, by Euler's integral",
            substitute(FOUND),
            equation(hits_ratio, FOUND.line.rhs / asked_requests),
        ),
        Step(
            "as old as it gets in a small cache",
            substitute(RARE),
            equation(
                hits_ratio,
                (kept_prefixes / asked_requests) ** ((1 - fall_off) / fall_off)
                * gamma(2 - 1 / fall_off)
                / ((1 - fall_off) * asked_requests),
            ),
        ),
        Step("requests for all", substitute(SO_MANY), equation(hits_ratio, of_small)),
    ),
    assumes=(ALL_RANKS, CHE, RARE, SO_MANY),
    sources=(CHES, JELENKOVIC, NESTED),
    example=small,
    example_text=SMALL,
    holds=(more(S.One, fall_off), more(2 * fall_off, 1), more(kept_prefixes, 0)),
)

KEPT = PowerArea(
    kept_prefixes, within, S.Zero, fall_off, "how many prefixes were asked for since they would have been thrown out"
)
MISSED = DyingArea(
    missed_requests,
    within,
    fall_off,
    fall_off,
    "requests for prefixes that were thrown out since anybody asked",
)
BEYOND = given(
    beyond_requests,
    kept_prefixes ** (1 - fall_off) / (fall_off - 1),
    "the other cache misses all prefixes beyond as many first ones: the area under a power of the rank",
)
aged = Derivation(
    name="kept-of-ever-more",
    title="Prefixes that a cache keeps of ever more, by how long it keeps what nobody asks for",
    rows=("9.12",),
    claim="A root of the requests for the first in that time: where popularity falls fast, few are kept however long.",
    start=KEPT,
    steps=(
        Step(
            "Euler's integral",
            identity(),
            equation(kept_prefixes, within ** (1 / fall_off) * gamma(1 - 1 / fall_off)),
        ),
    ),
    assumes=(ALL_RANKS, CHE),
    sources=(CHES, NESTED),
    example=lambda: small(1.5),
    example_text=f"{ONCE}; popularity falls as the power 1.5 of the rank",
    holds=(more(fall_off, 1),),
)
ratio = (1 - 1 / fall_off) * gamma(1 - 1 / fall_off) ** fall_off

over_static = Derivation(
    name="misses-over-the-most-popular",
    title="Misses of throwing out the oldest over those of keeping the most popular",
    rows=("9.12",),
    claim="However large the cache: nothing lost at a power of one, more with each, and never more than 1.78 "
    "times as many.",
    start=Defined(misses_ratio, missed_requests / beyond_requests, "what is missed by one and by the other"),
    steps=(
        Step(
            "what is missed, by Euler's integral, and what lies beyond as many first ones",
            substitute(MISSED, BEYOND),
            equation(misses_ratio, MISSED.line.rhs / BEYOND.line.rhs),
        ),
        Step(
            "what is kept for so long",
            substitute(aged),
            equation(misses_ratio, ratio),
        ),
    ),
    assumes=(ALL_RANKS, CHE, BEYOND),
    sources=(JELENKOVIC, NESTED),
    example=lambda: small(1.5),
    example_text="popularity falls as the power 1.5 of the rank",
    holds=(more(fall_off, 1),),
)

DERIVATIONS = (few, aged, over_static)


def _at(power: float) -> float:
    return float(Scenario(small(power)).evaluate(over_static.result.rhs))


CLAIMS = (
    Claim("9.12", f"Misses of throwing out the oldest over those of keeping the most popular, the power 50 of the rank "
          f"({JELENKOVIC}: 1.78 for ever higher powers)", 1.78,
          partial(_at, 50.0), lambda: {fall_off.name: 50.0}, source=Source.PAPER),
    Claim("9.12", "The same just above one over the rank: nothing is lost", None, partial(_at, 1.001),
          lambda: {fall_off.name: 1.001}, source=Source.OWN, must=lambda value: 1 <= value < 1.01),
)  # fmt: skip
