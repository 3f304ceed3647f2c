"""Chapter 4, over-training: where a rising and a falling cost together are least."""

from collections.abc import Mapping
from functools import partial

from sympy import Symbol

from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.overtraining import formulas
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.catalog.economy import loss_law
from steptime.model.scenario import Scenario
from steptime.model.symbols import data_exponent, size_exponent

from steptime.derivations.overtraining.symbols import (  # isort: skip
    cost_slope, equal_cost_lever, equal_cost_penalty, falling_cost, falling_exponent, falling_scale, least_cost_lever,
    lever, relative_change, rising_cost, rising_exponent, rising_scale,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapter 4"
CHINCHILLA = "Hoffmann et al. 2022, arXiv 2203.15556, equation 10"
FITS = ("chinchilla", "besiroglu")


def trade_off(fit: str = "chinchilla") -> Mapping[Symbol, float]:
    """The two powers of the weights at fixed training compute: more weights leave fewer tokens."""
    law = loss_law(fit)
    powers = {rising_exponent: law[data_exponent], falling_exponent: law[size_exponent]}
    return {**powers, rising_scale: 1.0, falling_scale: 1.0, falling_cost: 1.0, lever: 2.0}


POWERS = "Chinchilla's exponents at fixed training compute, both scales one dollar"
stationary = Derivation(
    name="stationary-cost",
    title="What a little more of a lever costs",
    rows=("4.1",),
    claim="Of two costs that are powers of one lever, each changes by its own power times itself.",
    start=equation(cost_slope, formulas.cost_slope),
    steps=(
        Step(
            "an ever smaller change",
            limit(relative_change, 0),
            equation(
                cost_slope,
                rising_exponent * rising_scale * lever**rising_exponent
                - falling_exponent * falling_scale * lever**-falling_exponent,
            ),
        ),
    ),
    assumes=("both costs are powers of one lever",),
    sources=(LECTURE,),
    example=trade_off,
    example_text=POWERS,
)

cost_balance = Derivation(
    name="cost-balance",
    title="The two costs at the optimum",
    rows=("4.1",),
    claim="At the optimum a cost_A = a' cost_A': the costs are equal only where the two powers are.",
    start=stationary.result,
    steps=(
        Step(
            "name the two costs at that lever",
            substitute(
                is_(rising_scale, rising_cost / lever**rising_exponent),
                is_(falling_scale, falling_cost * lever**falling_exponent),
            ),
            equation(cost_slope, rising_exponent * rising_cost - falling_exponent * falling_cost),
        ),
        Step(
            "what falls to the other side",
            both_sides(side + falling_exponent * falling_cost),
            equation(cost_slope + falling_exponent * falling_cost, rising_exponent * rising_cost),
        ),
        Step(
            "at the optimum a little more of the lever costs nothing",
            substitute(is_(cost_slope, 0)),
            equation(falling_exponent * falling_cost, rising_exponent * rising_cost),
        ),
        Step(
            "solve for the rising cost",
            solve_for(rising_cost),
            equation(rising_cost, falling_exponent * falling_cost / rising_exponent),
        ),
    ),
    assumes=("both costs are powers of one lever", "the slope rises with the lever, so that it vanishes at a minimum"),
    sources=(LECTURE,),
    example=trade_off,
    example_text=POWERS,
)

least_cost = Derivation(
    name="least-cost-lever",
    title="The lever at which a rising and a falling cost together are least",
    rows=("4.1",),
    claim="A x^a + A' x^-a' has one minimum, where its two slopes cancel.",
    start=stationary.result,
    steps=(
        Step(
            "what rises to the other side",
            both_sides(side - rising_exponent * rising_scale * lever**rising_exponent),
            equation(
                cost_slope - rising_exponent * rising_scale * lever**rising_exponent,
                -falling_exponent * falling_scale * lever**-falling_exponent,
            ),
        ),
        Step(
            "at the optimum a little more of the lever costs nothing",
            substitute(is_(cost_slope, 0)),
            equation(
                -rising_exponent * rising_scale * lever**rising_exponent,
                -falling_exponent * falling_scale * lever**-falling_exponent,
            ),
        ),
        Step(
            "all powers of the lever to one side",
            both_sides(-side * lever**falling_exponent / (rising_exponent * rising_scale)),
            equation(
                lever ** (rising_exponent + falling_exponent),
                falling_exponent * falling_scale / (rising_exponent * rising_scale),
            ),
        ),
        Step(
            "take the root",
            both_sides(side ** (1 / (rising_exponent + falling_exponent))),
            equation(
                lever,
                (falling_exponent * falling_scale / (rising_exponent * rising_scale))
                ** (1 / (rising_exponent + falling_exponent)),
            ),
        ),
    ),
    assumes=("both costs are powers of one lever",),
    sources=(LECTURE,),
    example=trade_off,
    example_text=POWERS,
)

penalty = Derivation(
    name="equal-cost-penalty",
    title="What making two costs equal loses",
    rows=("4.1",),
    claim="Where two powers are not far apart, making their costs equal comes very close to the least cost.",
    start=equation(equal_cost_penalty, formulas.equal_cost_penalty),
    steps=(
        Step(
            "measure the lever so that the costs are equal where it is one",
            substitute(is_(falling_scale, rising_scale), is_(equal_cost_lever, 1)),
            equation(
                equal_cost_penalty,
                2 / (least_cost_lever**rising_exponent + least_cost_lever**-falling_exponent),
            ),
        ),
        Step(
            "put in the lever of least cost, in that measure",
            substitute(is_(least_cost_lever, least_cost.result.rhs.xreplace({falling_scale: rising_scale}))),
            equation(
                equal_cost_penalty,
                2
                / (
                    (falling_exponent / rising_exponent) ** (rising_exponent / (rising_exponent + falling_exponent))
                    + (rising_exponent / falling_exponent) ** (falling_exponent / (rising_exponent + falling_exponent))
                ),
            ),
        ),
    ),
    assumes=("both costs are powers of one lever",),
    sources=(LECTURE,),
    example=trade_off,
    example_text=POWERS,
)

conjecture = Derivation(
    name="equal-costs",
    title="When the two costs are equal at the optimum",
    rows=("4.1",),
    claim="With equal powers the lecture's conjecture is exact.",
    start=cost_balance.result,
    steps=(
        Step(
            "equal powers",
            substitute(is_(rising_exponent, falling_exponent)),
            equation(rising_cost, falling_cost),
        ),
    ),
    assumes=("both costs are the same power of one lever",),
    sources=(LECTURE,),
    example=trade_off,
    example_text=POWERS,
)

DERIVATIONS = (stationary, cost_balance, conjecture, least_cost, penalty)


def at_fit(one: Derivation, fit: str) -> float:
    """A result at the powers of one fit."""
    return float(Scenario(trade_off(fit)).evaluate(one.result.rhs))


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
            f"reducible loss with both parts equal, over the least ({fit})",
            1.0,
            partial(at_fit, penalty, fit),
            partial(exponents, fit),
            must=lambda value: value >= 1,
        ),
    )


CLAIMS = tuple(claim for fit in FITS for claim in claims_of(fit))
