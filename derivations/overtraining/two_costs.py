"""Chapter 4, over-training: where a rising and a falling cost together are least."""

from collections.abc import Mapping
from functools import partial

from sympy import Symbol

from steptime.derivations.axioms import TWO_POWERS
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Chosen, Crossing, Modelled, Solved, given, instance
from steptime.derivations.overtraining import formulas
from steptime.derivations.overtraining.numbers import FITS, LECTURE
from steptime.derivations.rules import both_sides, equation, minimise, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.catalog.economy import loss_law
from steptime.model.scenario import Scenario
from steptime.model.symbols import data_exponent, size_exponent

from steptime.derivations.overtraining.symbols import (  # isort: skip
    equal_cost_lever, equal_cost_penalty, falling_cost, falling_exponent, falling_scale, least_cost_lever,
    lever, rising_cost, rising_exponent, rising_scale, total_cost,
)  # fmt: skip


def trade_off(fit: str = "chinchilla") -> Mapping[Symbol, float]:
    """The two powers of the weights at fixed training compute: more weights leave fewer tokens."""
    law = loss_law(fit)
    powers = {rising_exponent: law[data_exponent], falling_exponent: law[size_exponent]}
    return {**powers, rising_scale: 1.0, falling_scale: 1.0, lever: 2.0}


def at_best(fit: str = "chinchilla") -> Mapping[Symbol, float]:
    """The same at the lever where both costs together are least."""
    powers_of_it = trade_off(fit)
    best = {**powers_of_it, lever: float(Scenario(powers_of_it).evaluate(least_cost.result.rhs))}
    return {**best, falling_cost: float(Scenario(best).evaluate(formulas.falling))}


POWERS = "Chinchilla's exponents at fixed training compute, both scales one dollar"
BEST_LEVER = Chosen(lever, "the lever is where both costs together are least")
EQUAL_POWERS = given(rising_exponent, falling_exponent, "both costs are the same power of the lever")
RISING, FALLING = Modelled(rising_cost, formulas.rising), Modelled(falling_cost, formulas.falling)
powers = rising_exponent + falling_exponent

least_cost = Derivation(
    name="least-cost-lever",
    title="The lever at which a rising and a falling cost together are least",
    rows=("4.1",),
    claim="A x^a + A' x^-a' falls up to one lever and rises from there on.",
    start=Modelled(total_cost, formulas.two_costs),
    steps=(
        Step(
            "the slope is below zero up to its one root, and above zero from there on",
            minimise(lever),
            equation(lever, (falling_exponent * falling_scale / (rising_exponent * rising_scale)) ** (1 / powers)),
        ),
    ),
    assumes=(TWO_POWERS, BEST_LEVER),
    sources=(LECTURE,),
    example=trade_off,
    example_text=POWERS,
)

cost_balance = Derivation(
    name="cost-balance",
    title="The two costs at the optimum",
    rows=("4.1",),
    claim="At the optimum a cost_A = a' cost_A': the costs are equal only where the two powers are.",
    start=least_cost,
    steps=(
        Step(
            "both sides to the power of both exponents together",
            both_sides(side**powers),
            equation(lever**powers, falling_exponent * falling_scale / (rising_exponent * rising_scale)),
        ),
        Step(
            "what rises on one side, what falls on the other",
            both_sides(side * rising_exponent * rising_scale * lever**-falling_exponent),
            equation(
                rising_exponent * rising_scale * lever**rising_exponent,
                falling_exponent * falling_scale * lever**-falling_exponent,
            ),
        ),
        Step(
            "name the two costs at that lever",
            substitute(Solved(RISING, rising_scale), Solved(FALLING, falling_scale)),
            equation(rising_exponent * rising_cost, falling_exponent * falling_cost),
        ),
        Step(
            "solve for the rising cost",
            solve_for(rising_cost),
            equation(rising_cost, falling_exponent * falling_cost / rising_exponent),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=at_best,
    example_text=POWERS,
)

conjecture = Derivation(
    name="equal-costs",
    title="When the two costs are equal at the optimum",
    rows=("4.1",),
    claim="With equal powers the lecture's conjecture is exact.",
    start=cost_balance,
    steps=(Step("equal powers", substitute(EQUAL_POWERS), equation(rising_cost, falling_cost)),),
    assumes=(EQUAL_POWERS,),
    sources=(LECTURE,),
    example=lambda: {rising_exponent: 0.5, falling_exponent: 0.5, falling_cost: 1.0},
    example_text="square roots that rise and fall, both scales one dollar",
)

equal_lever = Derivation(
    name="equal-cost-lever",
    title="The lever at which a rising and a falling cost are equal",
    rows=("4.1",),
    claim="Where both costs are equal is a matter of their scales; where they are least, of their powers as well.",
    start=Crossing(RISING, FALLING, "both costs are equal", over=lever, at=equal_cost_lever),
    steps=(
        Step(
            "all powers of the lever to one side",
            both_sides(side * equal_cost_lever**falling_exponent / rising_scale),
            equation(equal_cost_lever**powers, falling_scale / rising_scale),
        ),
        Step(
            "take the root",
            both_sides(side ** (1 / powers)),
            equation(equal_cost_lever, (falling_scale / rising_scale) ** (1 / powers)),
        ),
    ),
    assumes=(TWO_POWERS,),
    sources=(LECTURE,),
    example=trade_off,
    example_text=POWERS,
)

penalty = Derivation(
    name="equal-cost-penalty",
    title="What making two costs equal loses",
    rows=("4.1",),
    claim="Where two powers are not far apart, making their costs equal comes very close to the least cost.",
    start=Modelled(equal_cost_penalty, formulas.equal_cost_penalty),
    steps=(
        Step(
            "put in the lever of least cost",
            substitute(instance(least_cost, {lever: least_cost_lever})),
            equation(
                equal_cost_penalty,
                formulas.equal_cost_penalty.xreplace({least_cost_lever: least_cost.result.rhs}),
            ),
        ),
        Step(
            "write the falling cost by the lever at which both are equal",
            substitute(Solved(equal_lever, falling_scale)),
            equation(
                equal_cost_penalty,
                2
                / (
                    (falling_exponent / rising_exponent) ** (rising_exponent / powers)
                    + (rising_exponent / falling_exponent) ** (falling_exponent / powers)
                ),
            ),
        ),
    ),
    assumes=(TWO_POWERS,),
    sources=(LECTURE,),
    example=trade_off,
    example_text=POWERS,
)

DERIVATIONS = (least_cost, cost_balance, conjecture, equal_lever, penalty)


def at_fit(one: Derivation, fit: str) -> float:
    """A result at the powers of one fit."""
    return float(Scenario(at_best(fit)).evaluate(one.result.rhs))


def exponents(fit: str) -> Mapping[str, float | str]:
    powers = trade_off(fit)
    return {"fit": fit, **{symbol.name: powers[symbol] for symbol in (rising_exponent, falling_exponent)}}


def claims_of(fit: str) -> tuple[Claim, ...]:
    """What the lecture's conjecture misses by under one fit of the loss law."""
    return (
        Claim(
            "4.1",
            f"at fixed training compute, the data's part of the loss over the weights' part ({fit})",
            1.0,
            partial(at_fit, cost_balance, fit),
            partial(exponents, fit),
        ),
        Claim(
            "4.1",
            f"reducible loss with both parts equal, over the least: hardly more ({fit})",
            None,
            partial(at_fit, penalty, fit),
            partial(exponents, fit),
            source=Source.OWN,
            must=lambda value: 1 <= value < 1.01,
        ),
    )


CLAIMS = tuple(claim for fit in FITS for claim in claims_of(fit))
