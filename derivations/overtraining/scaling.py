"""Chapter 4, over-training: training and serving together, at the least FLOP for a loss."""

from collections.abc import Mapping
from functools import partial

from sympy import Symbol

from steptime.derivations.claims import Claim
from steptime.derivations.overtraining import formulas
from steptime.derivations.overtraining.overtraining import life as over_training_life
from steptime.derivations.overtraining.overtraining import pretraining_by_served
from steptime.derivations.overtraining.symbols import loss_price, relative_change
from steptime.derivations.rules import equation, limit, solve_for
from steptime.derivations.steps import Derivation, Step
from steptime.model.catalog.economy import loss_law
from steptime.model.economics import scaling
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, data_coefficient, data_exponent, decode_efficiency, flops_per_mac, pretraining_tokens,
    served_tokens, size_coefficient, size_exponent,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapter 4"
CHINCHILLA = "Hoffmann et al. 2022, arXiv 2203.15556, equation 10"
FITS = ("chinchilla", "besiroglu")


def life(fit: str = "chinchilla") -> Mapping[Symbol, float]:
    """The lecture's model of 100e9 active weights, served for two months, under one fit of the loss law."""
    from steptime.model.catalog.economy import number

    served = number("life", "serving_rate") * number("life", "service_life")
    return {
        **loss_law(fit),
        flops_per_mac: 2.0,
        active_parameters: number("life", "active_parameters"),
        served_tokens: served,
        pretraining_tokens: served,
        decode_efficiency: number("life", "decode_efficiency"),
    }


LIFE = "100e9 active weights, 50e6 tokens/s for 60.9 days, utilisation 0.3, as many tokens in pre-training; Chinchilla"

priced_tokens = Derivation(
    name="loss-price-by-tokens",
    title="What a nat costs by more pre-training",
    rows=("4.4",),
    claim="The next token of pre-training costs FLOP in training only.",
    start=equation(loss_price, formulas.flops_per_nat(pretraining_tokens)),
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
    assumes=("the loss law holds",),
    sources=(LECTURE, CHINCHILLA),
    example=life,
    example_text=LIFE,
)

priced_weights = Derivation(
    name="loss-price-by-weights",
    title="What a nat costs by more weights",
    rows=("4.4",),
    claim="The next weight costs FLOP in training and in serving.",
    start=equation(loss_price, formulas.flops_per_nat(active_parameters)),
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
    assumes=("the loss law holds",),
    sources=(LECTURE, CHINCHILLA),
    example=life,
    example_text=LIFE,
)

life_optimum = Derivation(
    name="life-optimum",
    title="Tokens served that an optimum of training and serving together implies",
    rows=("4.4",),
    claim="More serving moves the optimum to fewer weights and more tokens, until a nat costs the same by both.",
    start=equation(priced_weights.result.rhs, priced_tokens.result.rhs),
    steps=(
        Step(
            "at one loss and the least FLOP, a nat costs the same by either",
            solve_for(served_tokens),
            equation(served_tokens, scaling.served_at_optimum),
        ),
    ),
    assumes=("the loss law holds, far beyond the range that it was fitted in",),
    sources=(LECTURE, CHINCHILLA),
    example=life,
    example_text=LIFE,
    holds=(size_exponent * scaling.loss_of_size - data_exponent * scaling.loss_of_data,),
)

DERIVATIONS = (priced_tokens, priced_weights, life_optimum)


def best_tokens(fit: str) -> float:
    """Pre-training tokens at the optimum of training and serving, for the lecture's weights and served tokens."""
    from scipy.optimize import brentq

    scenario = Scenario(life(fit))
    wanted = float(scenario.value(served_tokens))

    def gap(tokens: float) -> float:
        return float((scenario | {pretraining_tokens: tokens}).evaluate(life_optimum.result.rhs) / wanted - 1)

    return float(brentq(gap, 1e9, 1e18))


def over_equal_flops(fit: str) -> float:
    """The optimum's tokens over those at equal FLOP in training and serving."""
    return best_tokens(fit) / float(Scenario(life(fit)).evaluate(pretraining_by_served.result.rhs))


def best_over_training(fit: str) -> float:
    """The optimum's tokens over 20 a weight."""
    values = {**over_training_life(), pretraining_tokens: best_tokens(fit)}
    return float(Scenario(values).evaluate(formulas.over_training_factor))


def inputs(fit: str) -> Mapping[str, float | str]:
    named = (*loss_law(fit), active_parameters, served_tokens, decode_efficiency)
    return {"fit": fit, **{symbol.name: life(fit)[symbol] for symbol in named}}


def claims_of(fit: str) -> tuple[Claim, ...]:
    """The exact optimum beside the heuristic, under one fit of the loss law."""
    return (
        Claim(
            "4.4",
            f"pre-training tokens at the optimum of a whole life, over those at equal FLOP ({fit})",
            1.0,
            partial(over_equal_flops, fit),
            partial(inputs, fit),
            must=lambda value: value > 0,
        ),
        Claim(
            "4.4",
            f"over-training at the optimum of a whole life: about 100 ({fit})",
            100.0,
            partial(best_over_training, fit),
            partial(inputs, fit),
            tolerance=0.5,
            must=lambda value: value > 1,
        ),
    )


CLAIMS = tuple(claim for fit in FITS for claim in claims_of(fit))
