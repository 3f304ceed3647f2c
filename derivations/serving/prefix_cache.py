"""Chapter 9, serving: how often a cache of prefixes is hit, by its size, and what hits are worth."""

from collections.abc import Mapping

import sympy
from sympy import Symbol, exp, log

from steptime.derivations.axioms import CHE, PREFILL_SPARED, RANKED
from steptime.derivations.facts import Defined, Expected, Given, given
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import both_sides, equation, identity, side, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.symbols import turn

from steptime.derivations.serving.symbols import (  # isort: skip
    fall_off, fewer_prefixes, hits_gain, hits_ratio, kept_for, kept_prefixes, other_prefixes, other_store,
    prefill_part, prefix_bytes, prefix_hits, prefix_rate, prefix_store, prefixes,
)  # fmt: skip

CHES = "Che, Tung and Wang 2002, Hierarchical web caching systems, IEEE JSAC 20; Fricker et al. 2012, arXiv 1202.3974"
MOONCAKE = "Qin et al. 2024, Mooncake, arXiv 2407.00079, table of hit rates by capacity (LRU, blocks of 512 tokens)"
NESTED = "prefixes nest: a hit on a long one is a hit on all that it begins with, which no independent law knows"
HALF = "1,000 prefixes of 1 GB, each asked for once a minute; a cache of 500 GB; three quarters of the work in prefill"


def kept(share: float = 0.5, power: float = 0.8) -> Mapping[Symbol, float]:
    """A cache for such a share of a thousand prefixes."""
    values = {
        prefixes: 1000.0,
        prefix_bytes: 1e9,
        prefix_store: share * 1e12,
        prefix_rate: 1 / 60,
        kept_prefixes: share * 1000,
        prefix_hits: share,
        fall_off: power,
        prefill_part: 0.75,
        fewer_prefixes: share * 1000,
        other_prefixes: 100.0,
        other_store: 1e11,
        hits_ratio: (10 * share) ** (1 - power),
    }
    return {**values, kept_for: float(-log(1 - share) * 60)}


asked_again = 1 - exp(-prefix_rate * kept_for)
"""The chance that a prefix was asked for within the time for which it is kept."""

HELD = Expected(
    kept_prefixes,
    turn,
    sympy.S.One,
    prefixes,
    asked_again,
    "how many prefixes were asked for since they would have been thrown out; requests for each come at random",
)
HIT = Defined(prefix_hits, asked_again, "a request finds what was asked for since it would have been thrown out")
STORED = given(kept_prefixes, prefix_store / prefix_bytes, "the cache is full: as many prefixes as fit, on average")

held = Derivation(
    name="prefixes-kept",
    title="Prefixes that a cache holds, by how long it keeps them",
    rows=("9.10",),
    claim="A prefix is there if it was asked for within the time for which the cache keeps what nobody asks for. Where "
    "popularity falls off each has a rate of its own, and the sum has no closed form.",
    start=HELD,
    steps=(
        Step(
            "all are asked for equally often",
            total(sympy.Sum(asked_again, (turn, 1, prefixes)), prefixes * asked_again),
            equation(kept_prefixes, prefixes * asked_again),
        ),
    ),
    assumes=(CHE,),
    sources=(CHES, NESTED),
    example=kept,
    example_text=HALF,
)

how_long = Derivation(
    name="prefix-kept-for",
    title="How long a cache keeps a prefix that nobody asks for",
    rows=("9.10",),
    claim="Without end where all fit; little else than what is asked for at once where few do.",
    start=held,
    steps=(
        Step(
            "the cache is full",
            substitute(STORED),
            equation(prefix_store / prefix_bytes, prefixes * asked_again),
        ),
        Step(
            "the exponential alone",
            both_sides(1 - side / prefixes),
            equation(1 - prefix_store / (prefixes * prefix_bytes), exp(-prefix_rate * kept_for)),
        ),
        Step(
            "its logarithm",
            both_sides(-log(side)),
            equation(-log(1 - prefix_store / (prefixes * prefix_bytes)), prefix_rate * kept_for),
        ),
        Step(
            "solve for the time",
            solve_for(kept_for),
            equation(kept_for, -log(1 - prefix_store / (prefixes * prefix_bytes)) / prefix_rate),
        ),
    ),
    assumes=(STORED,),
    sources=(CHES, NESTED),
    example=kept,
    example_text=HALF,
    holds=(more(prefixes * prefix_bytes, prefix_store),),
)

alike = Derivation(
    name="prefix-hits-alike",
    title="How often a cache is hit whose prefixes are equally popular",
    rows=("9.10",),
    claim="As often as it holds what is asked for: no rule of throwing out does better where nothing stands out.",
    start=HIT,
    steps=(
        Step(
            "the time for which it keeps them",
            substitute(how_long),
            equation(prefix_hits, prefix_store / (prefixes * prefix_bytes)),
        ),
    ),
    assumes=(),
    sources=(CHES, NESTED),
    example=kept,
    example_text=HALF,
    holds=how_long.holds,
)

area, other_area = (kept ** (1 - fall_off) / (1 - fall_off) for kept in (fewer_prefixes, other_prefixes))
MOST_POPULAR = Defined(
    hits_ratio,
    area / other_area,
    "requests for the prefixes that either cache keeps, the most popular: areas under a power of the rank",
)
SLOWLY = Given(more(sympy.S.One, fall_off), "popularity falls off more slowly than one over the rank")
ROOMS = (
    given(fewer_prefixes, prefix_store / prefix_bytes, "the one keeps as many prefixes as fit"),
    given(other_prefixes, other_store / prefix_bytes, "the other keeps as many as fit"),
)

ranked = Derivation(
    name="hits-by-cache-size",
    title="How hits grow with a cache of the most popular prefixes",
    rows=("9.10",),
    claim="With a small power of its size, until all fits: where popularity falls off nearly as one over the rank a "
    "tenfold cache finds little more.",
    start=MOST_POPULAR,
    steps=(
        Step(
            "as many as fit",
            substitute(*ROOMS),
            equation(hits_ratio, (prefix_store / other_store) ** (1 - fall_off)),
        ),
    ),
    assumes=(RANKED, SLOWLY, *ROOMS),
    sources=(CHES, NESTED),
    example=kept,
    example_text=f"{HALF}, against one of 100 GB; popularity falls as the power 0.8 of the rank",
)

size = Derivation(
    name="cache-size-by-hits",
    title="The cache of prefixes that is hit so much more often",
    rows=("9.10",),
    claim="The last hits are the dearest: the size grows with a high power of them.",
    start=ranked,
    steps=(
        Step(
            "take the root",
            both_sides(side ** (1 / (1 - fall_off))),
            equation(hits_ratio ** (1 / (1 - fall_off)), prefix_store / other_store),
        ),
        Step(
            "solve for the size",
            solve_for(prefix_store),
            equation(prefix_store, other_store * hits_ratio ** (1 / (1 - fall_off))),
        ),
    ),
    assumes=(),
    sources=(CHES, NESTED),
    example=kept,
    example_text=f"{HALF}, against one of 100 GB; popularity falls as the power 0.8 of the rank",
)

SERVED = Defined(
    hits_gain,
    1 / (prefill_part * (1 - prefix_hits) + 1 - prefill_part),
    "chip-seconds of a request without hits over those with them: what is missed is still prefilled",
)

gain = Derivation(
    name="hits-gain",
    title="Requests a second that hits of a cache gain",
    rows=("9.10",),
    claim="Hits spare prefill alone: where that is all the work a hit rate of one half doubles what is served, where "
    "decode is most of it hits hardly count.",
    start=SERVED,
    steps=(Step("what is spared", identity(), equation(hits_gain, 1 / (1 - prefill_part * prefix_hits))),),
    assumes=(PREFILL_SPARED,),
    sources=(CHES,),
    example=kept,
    example_text=HALF,
    holds=(more(sympy.S.One, prefill_part * prefix_hits),),
)

DERIVATIONS = (held, how_long, alike, ranked, size, gain)
