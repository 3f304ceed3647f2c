"""Chapter 9, serving: hits of a cache of prefixes whose popularity falls as a power of their rank (Zipf), under Che."""

from collections.abc import Mapping

import numpy as np
from sympy import Expr, S, Symbol, exp, log

from steptime.derivations.axioms import BY_RANK, CHE
from steptime.derivations.facts import Area, Beside, Defined, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import equation, identity, solve_for, substitute
from steptime.derivations.serving.prefix_cache import CHES, NESTED
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario
from steptime.model.symbols import turn

from steptime.derivations.serving.symbols import (  # isort: skip
    asked_requests, fall_off, fewer_prefixes, kept_for, kept_prefixes, missed_requests, prefix_hits, prefix_rate,
    prefixes,
)  # fmt: skip

RANKS = "10,000 prefixes whose popularity falls as the power 0.8 of the rank; the first is asked for every ten seconds"


def ranks(power: float = 0.8, age: float = 1000.0, number: float = 1e4) -> Mapping[Symbol, float]:
    """Prefixes by rank, and what a cache keeps that throws out what is so old: areas by their closed forms and sums."""
    logarithms = np.linspace(0.0, np.log(number), 20_001)
    held = -np.expm1(-0.1 * age * np.exp(-power * logarithms)) * np.exp(logarithms)
    room = float((held[1:] + held[:-1]).sum() / 2 * (logarithms[1] - logarithms[0]))
    values = {fall_off: power, kept_for: age, prefixes: number, prefix_rate: 0.1}
    values |= {kept_prefixes: room, fewer_prefixes: room}
    return {**values, asked_requests: float(Scenario(values).evaluate(summed(power != 1, prefixes)))}


ask = turn**-fall_off
"""How often a prefix is asked for by its rank, over the first."""
within = prefix_rate * kept_for
"""Requests for the first while the cache keeps what nobody asks for."""
gone = exp(-within * ask)
"""The chance that nobody asked for it in that time."""


def over_ranks(symbol: Symbol, high: Symbol, why: str, power: bool = True) -> Area:
    """Requests for so many of the first prefixes."""
    if power:
        return Area(symbol, turn, high, ask, turn ** (1 - fall_off) / (1 - fall_off), why)
    return Area(symbol, turn, high, 1 / turn, log(turn), why)


def summed(power: bool, high: Symbol) -> Expr:
    """Those requests in closed form."""
    return (high ** (1 - fall_off) - 1) / (1 - fall_off) if power else log(high)


MANY = more(summed(True, prefixes), 0)
"""There is more than one prefix."""
ALL = "requests for all prefixes, each over those for the first"
asked = Derivation(
    name="requests-by-rank",
    title="Requests for all prefixes, by a power of the rank",
    rows=("9.12",),
    claim="With a small power most are for rare ones; above one those for the first few are most of all there are.",
    start=over_ranks(asked_requests, prefixes, ALL),
    steps=(Step("together", identity(), equation(asked_requests, summed(True, prefixes))),),
    assumes=(BY_RANK,),
    sources=(CHES,),
    example=ranks,
    example_text=RANKS,
    holds=(MANY,),
)
HARMONIC = given(fall_off, 1, "popularity falls as one over the rank")
KEPT = Area(
    kept_prefixes,
    turn,
    prefixes,
    1 - gone,
    turn * (1 - gone),
    "how many prefixes were asked for since they would have been thrown out",
    (Beside(fall_off * within, missed_requests, ask * gone),),
)
first, last = 1 - exp(-within), 1 - exp(-within * prefixes**-fall_off)
"""The chances that the first prefix, and the last, are there."""
beyond = kept_prefixes - prefixes * last + first
SOME = at_least(beyond, 0)
"""A cache keeps more than all prefixes would have it keep, were they as rare as the last."""

missed = Derivation(
    name="misses-by-rank",
    title="Requests that a cache misses, by how long it keeps what nobody asks for",
    rows=("9.12",),
    claim="What it keeps beyond what even the last prefix would have it keep, over requests in that time: by parts, "
    "with no integral left.",
    start=KEPT,
    steps=(
        Step(
            "solve for the misses",
            solve_for(missed_requests),
            equation(missed_requests, beyond / (fall_off * within)),
        ),
    ),
    assumes=(BY_RANK, CHE),
    sources=(CHES, NESTED),
    example=ranks,
    example_text=RANKS,
    holds=(more(fall_off, 0), SOME),
)
HITS = Defined(prefix_hits, 1 - missed_requests / asked_requests, "what is asked for, less what is not found")

share = 1 - beyond / (fall_off * within * summed(True, prefixes))
of_harmonic = 1 - beyond.xreplace({fall_off: S.One}) / (within * log(prefixes))

hits = Derivation(
    name="hits-by-rank",
    title="Hits of a cache that throws out what was used longest ago, by a power of the rank",
    rows=("9.12",),
    claim="Size, the age at which it throws out and hits of a cache hang together without a sum over prefixes: two of "
    "them that are measured give the third.",
    start=HITS,
    steps=(
        Step(
            "what is missed, and what is asked for",
            substitute(missed, asked),
            equation(prefix_hits, share),
        ),
    ),
    assumes=(),
    sources=(CHES, NESTED),
    example=ranks,
    example_text=RANKS,
    holds=(more(fall_off, 0), MANY, SOME, at_least(share, 0)),
)

harmonic = Derivation(
    name="hits-by-rank-harmonic",
    title="Hits of a cache where popularity falls as one over the rank",
    rows=("9.12",),
    claim="Requests for all are a logarithm of their number then, the limit of both neighbouring powers.",
    start=HITS,
    steps=(
        Step(
            "what is missed",
            substitute(missed),
            equation(prefix_hits, 1 - beyond / (fall_off * within * asked_requests)),
        ),
        Step(
            "one over the rank",
            substitute(HARMONIC, over_ranks(asked_requests, prefixes, ALL, power=False)),
            equation(prefix_hits, of_harmonic),
        ),
    ),
    assumes=(HARMONIC,),
    sources=(CHES, NESTED),
    example=lambda: ranks(1.0),
    example_text=RANKS.replace("the power 0.8 of", "one over"),
    holds=(more(prefixes, 1), at_least(beyond.xreplace({fall_off: S.One}), 0), at_least(of_harmonic, 0)),
)

DERIVATIONS = (asked, missed, hits, harmonic)
