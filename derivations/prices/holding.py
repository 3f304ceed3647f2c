"""Chapter 5, prices: where a KV cache lies at each age, when it is not known how long it will be held."""

from collections.abc import Callable, Mapping

import sympy
from sympy import Symbol

from steptime.derivations.facts import Crossing, Given, Modelled, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.prices import formulas
from steptime.derivations.prices.cache import CACHED, DEARER_TO_FETCH, DEARER_TO_HOLD, next_tier
from steptime.derivations.prices.recompute import BOUGHT, CASE, LECTURE, v3
from steptime.derivations.prices.symbols import expected_rate, reuse_hazard, reuse_survival
from steptime.derivations.rules import both_sides, equation, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.economics import cache, reuse
from steptime.model.scenario import Scenario

from steptime.derivations.axioms import (  # isort: skip
    ALL_RETURN, CHIP_WAITS, FETCHED_AT_ONCE, FREE_MOVES, HAZARD_FALLS, SOME_RETURN, TIER_RENTED,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    chip_second_price, far_bandwidth, far_capacity, far_link_bandwidth, far_second_price, hold_time, kv_bytes,
    link_bandwidth, reuse_age, reuse_scale, reuse_shape, reuse_share, tier_bandwidth, tier_capacity, tier_second_price,
)  # fmt: skip

MIXTURE = "Proschan 1963, Theoretical explanation of observed decreasing failure rate, Technometrics 5(3)"
AT = given(reuse_hazard, 1 / hold_time, "the hazard is one over the hold time")
"""The age at which a cache moves: it is expected to wait for as long again as a cache is worth holding."""

OUTWARDS = Given(more(DEARER_TO_HOLD, 0), "the next tier is the cheaper to hold in: a cache moves outwards")

HEAVY_TAIL = Given(more(1, reuse_shape), "the shape is below 1, so that the hazard falls")


def at_next_tier(**values: float) -> Callable[[], Mapping[Symbol, float]]:
    """DDR and one NVMe drive, at the hold time at which they cost the same, and a distribution of reuse times."""

    def numbers() -> Mapping[Symbol, float]:
        there = v3()
        time = float(Scenario(there).evaluate(next_tier.result.rhs))
        named = {Symbol(name, positive=True): value for name, value in values.items()}
        return {**there, hold_time: time, reuse_hazard: 1 / time, **named}

    return numbers


age_rate = Derivation(
    name="expected-rate",
    title="What a KV cache costs per second at some age, held in a tier",
    rows=("5.6",),
    claim="Where the hazard is one over a hold time, the choice that is cheapest for that hold time costs least.",
    start=Modelled(expected_rate, formulas.near_rate),
    steps=(
        Step(
            "the hold time that is one over the hazard",
            substitute(AT),
            equation(
                expected_rate,
                tier_second_price * kv_bytes / tier_capacity
                + (tier_second_price * kv_bytes / tier_bandwidth + chip_second_price * kv_bytes / link_bandwidth)
                / hold_time,
            ),
        ),
        Step(
            "over that time: holding it and fetching it",
            both_sides(side * hold_time),
            equation(expected_rate * hold_time, cache.hold + cache.fetch),
        ),
    ),
    assumes=(TIER_RENTED, CHIP_WAITS, FETCHED_AT_ONCE, AT),
    sources=(LECTURE,),
    example=at_next_tier(),
    example_text=f"{CASE}, in DDR at the age at which it moves to an NVMe drive; {BOUGHT}",
)

move_hazard = Derivation(
    name="move-hazard",
    title="The hazard at which a KV cache moves to the next tier",
    rows=("5.6",),
    claim="A cache moves when its hazard has fallen to one over the hold time at which both tiers cost the same.",
    start=Crossing(
        Modelled(expected_rate, formulas.near_rate),
        Modelled(expected_rate, formulas.far_rate),
        "a cache is expected to cost the same per second in both tiers",
    ),
    steps=(
        Step(
            "for one byte of cache",
            both_sides(side / kv_bytes),
            equation(
                tier_second_price / tier_capacity
                + reuse_hazard * (tier_second_price / tier_bandwidth + chip_second_price / link_bandwidth),
                far_second_price / far_capacity
                + reuse_hazard * (far_second_price / far_bandwidth + chip_second_price / far_link_bandwidth),
            ),
        ),
        Step(
            "solve for the hazard",
            solve_for(reuse_hazard),
            equation(
                reuse_hazard,
                (tier_second_price / tier_capacity - far_second_price / far_capacity) / DEARER_TO_FETCH,
            ),
        ),
    ),
    assumes=(TIER_RENTED, CHIP_WAITS, FETCHED_AT_ONCE, FREE_MOVES, HAZARD_FALLS, OUTWARDS),
    sources=(LECTURE,),
    example=v3,
    example_text=f"{CASE}, from DDR to one NVMe drive; {BOUGHT}",
    holds=(CACHED, more(DEARER_TO_FETCH, 0)),
)

weibull_age = Derivation(
    name="weibull-age",
    title="The age at which a KV cache moves, reuse times of a Weibull distribution",
    rows=("5.6",),
    claim="A heavy tail keeps a cache for longer than it has been worth holding: whoever waited long will wait long.",
    start=Modelled(reuse_hazard, reuse.HAZARD["weibull"]),
    steps=(
        Step(
            "the hazard is one over the hold time at which both choices cost the same",
            substitute(AT),
            equation(1 / hold_time, reuse_shape * (reuse_age / reuse_scale) ** reuse_shape / reuse_age),
        ),
        Step(
            "collect the age in one power",
            both_sides(side * hold_time * (reuse_age / reuse_scale) ** (1 - reuse_shape)),
            equation((reuse_age / reuse_scale) ** (1 - reuse_shape), reuse_shape * hold_time / reuse_scale),
        ),
        Step(
            "take its root, in logarithms: near a shape of 1 the power is too large for numbers",
            both_sides(sympy.log(side) / (1 - reuse_shape)),
            equation(
                sympy.log(reuse_age / reuse_scale),
                (sympy.log(reuse_shape) + sympy.log(hold_time / reuse_scale)) / (1 - reuse_shape),
            ),
        ),
        Step(
            "back from logarithms",
            both_sides(reuse_scale * sympy.exp(side)),
            equation(
                reuse_age,
                reuse_scale
                * sympy.exp((sympy.log(reuse_shape) + sympy.log(hold_time / reuse_scale)) / (1 - reuse_shape)),
            ),
        ),
    ),
    assumes=(ALL_RETURN, HEAVY_TAIL, AT),
    sources=(LECTURE,),
    example=at_next_tier(reuse_shape=0.5, reuse_scale=600.0),
    example_text=f"{CASE}, from DDR to one NVMe drive; shape 0.5, scale 10 minutes",
)

lomax_age = Derivation(
    name="lomax-age",
    title="The age at which a KV cache moves, reuse times of a Lomax distribution",
    rows=("5.6",),
    claim="With a power-law tail the age to move grows in proportion to the hold time at which both cost the same.",
    start=Modelled(reuse_hazard, reuse.HAZARD["lomax"]),
    steps=(
        Step(
            "the hazard is one over the hold time at which both choices cost the same",
            substitute(AT),
            equation(1 / hold_time, reuse_shape / (reuse_scale + reuse_age)),
        ),
        Step(
            "solve for the age: a hold time too short for one has the cache move at once",
            solve_for(reuse_age),
            equation(reuse_age, reuse_shape * hold_time - reuse_scale),
        ),
    ),
    assumes=(ALL_RETURN, AT),
    sources=(LECTURE,),
    example=at_next_tier(reuse_shape=1.5, reuse_scale=300.0),
    example_text=f"{CASE}, from DDR to one NVMe drive; shape 1.5, scale 5 minutes",
    holds=(at_least(reuse_shape * hold_time, reuse_scale),),
)

share_age = Derivation(
    name="share-age",
    title="The age at which a KV cache moves, if some are never asked for",
    rows=("5.6",),
    claim="Even at a constant rate of return a cache moves outwards: the longer it lies, the likelier it is forgotten.",
    start=Modelled(reuse_hazard, formulas.returning_hazard),
    steps=(
        Step(
            "the hazard is one over the hold time at which both choices cost the same",
            substitute(AT),
            equation(
                1 / hold_time,
                reuse_share * reuse_survival / (reuse_scale * (1 - reuse_share + reuse_share * reuse_survival)),
            ),
        ),
        Step(
            "solve for the share not asked for so far, of those that ever are",
            solve_for(reuse_survival),
            equation(reuse_survival, reuse_scale * (1 - reuse_share) / (reuse_share * (hold_time - reuse_scale))),
        ),
        Step(
            "turn both sides over",
            both_sides(1 / side),
            equation(
                1 / reuse_survival,
                reuse_share * (hold_time - reuse_scale) / (reuse_scale * (1 - reuse_share)),
            ),
        ),
        Step(
            "times of return are exponential",
            substitute(Modelled(reuse_survival, formulas.exponential_survival)),
            equation(
                sympy.exp(reuse_age / reuse_scale),
                reuse_share * (hold_time - reuse_scale) / (reuse_scale * (1 - reuse_share)),
            ),
        ),
        Step(
            "take logarithms: a hold time too short for an age has the cache move at once",
            both_sides(reuse_scale * sympy.log(side)),
            equation(
                reuse_age,
                reuse_scale * sympy.log(reuse_share * (hold_time - reuse_scale) / (reuse_scale * (1 - reuse_share))),
            ),
        ),
    ),
    assumes=(SOME_RETURN, AT),
    sources=(LECTURE, MIXTURE),
    example=at_next_tier(reuse_scale=600.0, reuse_share=0.6),
    example_text=f"{CASE}, from DDR to one NVMe drive; mean 10 minutes, 60 % ever asked for",
    holds=(more(1, reuse_share), at_least(reuse_share * hold_time, reuse_scale)),
)

DERIVATIONS = (age_rate, move_hazard, weibull_age, lomax_age, share_age)
