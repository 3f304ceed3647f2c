"""Chapter 4, over-training: training and serving together, at the least FLOP for a loss."""

from collections.abc import Mapping
from functools import partial

import sympy

from steptime.derivations.axioms import ACTIVE_COUNT, BOTH_GRADIENTS, LOSS_LAW, PRODUCTS_ALONE
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Modelled, Tends
from steptime.derivations.overtraining import formulas
from steptime.derivations.overtraining.budgets import pretraining_by_served
from steptime.derivations.overtraining.life import DERIVATIONS as LIFE
from steptime.derivations.overtraining.life import life_optimum
from steptime.derivations.overtraining.numbers import FITS, LAW, LECTURE, LIFE_AT, life, life_at
from steptime.derivations.overtraining.symbols import loss_price, relative_change
from steptime.derivations.rules import equation, limit
from steptime.derivations.steps import Derivation, Step
from steptime.model.catalog.economy import loss_law
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, data_coefficient, data_exponent, decode_efficiency, flops_per_mac, pretraining_tokens,
    served_tokens, size_coefficient, size_exponent,
)  # fmt: skip

A_LITTLE = Tends(relative_change, sympy.S.Zero, "the change vanishes")

priced_tokens = Derivation(
    name="loss-price-by-tokens",
    title="What a nat costs by more pre-training",
    rows=("4.4",),
    claim="The next token of pre-training costs FLOP in training only.",
    start=Modelled(loss_price, formulas.price_by_tokens),
    steps=(
        Step(
            "an ever smaller change",
            limit(relative_change, 0),
            equation(
                loss_price,
                3
                * flops_per_mac
                * active_parameters
                * pretraining_tokens ** (data_exponent + 1)
                / (data_exponent * data_coefficient),
            ),
        ),
    ),
    assumes=(LOSS_LAW, ACTIVE_COUNT, PRODUCTS_ALONE, BOTH_GRADIENTS, A_LITTLE),
    sources=(LECTURE, LAW),
    example=life_at,
    example_text=LIFE_AT,
)

priced_weights = Derivation(
    name="loss-price-by-weights",
    title="What a nat costs by more weights",
    rows=("4.4",),
    claim="The next weight costs FLOP in training and in serving.",
    start=Modelled(loss_price, formulas.price_by_weights),
    steps=(
        Step(
            "an ever smaller change",
            limit(relative_change, 0),
            equation(
                loss_price,
                flops_per_mac
                * (3 * pretraining_tokens + served_tokens / decode_efficiency)
                * active_parameters ** (size_exponent + 1)
                / (size_exponent * size_coefficient),
            ),
        ),
    ),
    assumes=(LOSS_LAW, ACTIVE_COUNT, PRODUCTS_ALONE, BOTH_GRADIENTS, A_LITTLE),
    sources=(LECTURE, LAW),
    example=life_at,
    example_text=LIFE_AT,
)

DERIVATIONS = (priced_tokens, priced_weights, *LIFE)


def best_tokens_of(fit: str) -> float:
    """Pre-training tokens at the optimum of training and serving, for the lecture's weights and served tokens."""
    from scipy.optimize import brentq

    scenario = Scenario(life_at(fit))
    wanted = float(scenario.value(served_tokens))

    def gap(tokens: float) -> float:
        return float((scenario | {pretraining_tokens: tokens}).evaluate(life_optimum.result.rhs) / wanted - 1)

    return float(brentq(gap, 1e9, 1e18))


def over_equal_flops(fit: str) -> float:
    """The optimum's tokens over those at equal FLOP in training and serving."""
    return best_tokens_of(fit) / float(Scenario(life_at(fit)).evaluate(pretraining_by_served.result.rhs))


def best_over_training(fit: str) -> float:
    """The optimum's tokens over 20 a weight."""
    values = {**life(), pretraining_tokens: best_tokens_of(fit)}
    return float(Scenario(values).evaluate(formulas.over_training_factor))


def price_ratio(fit: str) -> float:
    """What a nat costs by more weights over what it costs by more tokens, at the optimum."""
    scenario = Scenario({**life_at(fit), pretraining_tokens: best_tokens_of(fit)})
    return float(scenario.evaluate(priced_weights.result.rhs / priced_tokens.result.rhs))


def inputs(fit: str) -> Mapping[str, float | str]:
    named = (*loss_law(fit), active_parameters, served_tokens, decode_efficiency)
    return {"fit": fit, **{symbol.name: life_at(fit)[symbol] for symbol in named}}


def claims_of(fit: str) -> tuple[Claim, ...]:
    """The exact optimum beside the heuristic, under one fit of the loss law."""
    return (
        Claim(
            "4.4",
            f"pre-training tokens at the optimum of a whole life, over those at equal FLOP ({fit})",
            1.0,
            partial(over_equal_flops, fit),
            partial(inputs, fit),
            wording=Wording.ABOUT,
        ),
        Claim(
            "4.4",
            f"over-training at the optimum of a whole life: about 100 ({fit})",
            100.0,
            partial(best_over_training, fit),
            partial(inputs, fit),
            wording=Wording.ABOUT,
            must=lambda value: value > 1,
        ),
        Claim(
            "4.4",
            f"FLOP per nat by more weights over those by more tokens, at the optimum of a whole life: equal ({fit})",
            None,
            partial(price_ratio, fit),
            partial(inputs, fit),
            source=Source.OWN,
            must=lambda value: abs(value - 1) < 1e-6,
        ),
    )


CLAIMS = tuple(claim for fit in FITS for claim in claims_of(fit))
