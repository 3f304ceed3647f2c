"""Chapter 4, over-training: training and serving together, at the least FLOP for a loss."""

from collections.abc import Mapping
from functools import partial

import sympy
from sympy import Le, Symbol

from steptime.derivations.axioms import LOSS_LAW
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.conditions import at_least
from steptime.derivations.facts import Best, Chosen, Defined, Given, Modelled, Solved, Tends
from steptime.derivations.overtraining import formulas
from steptime.derivations.overtraining.overtraining import life as over_training_life
from steptime.derivations.overtraining.overtraining import pretraining, pretraining_by_served
from steptime.derivations.rules import both_sides, equation, limit, optimum, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.catalog.economy import loss_law
from steptime.model.economics import scaling
from steptime.model.scenario import Scenario

from steptime.derivations.overtraining.symbols import (  # isort: skip
    best_tokens, life_work, loss_price, pretraining_work, relative_change, serving_work,
)  # fmt: skip
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
        best_tokens: served,
    }


LIFE = "100e9 active weights, 50e6 tokens/s for 60.9 days, utilisation 0.3, as many tokens in pre-training; Chinchilla"

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
    assumes=(LOSS_LAW, A_LITTLE),
    sources=(LECTURE, CHINCHILLA),
    example=life,
    example_text=LIFE,
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
    assumes=(LOSS_LAW, A_LITTLE),
    sources=(LECTURE, CHINCHILLA),
    example=life,
    example_text=LIFE,
)

more_by_serving = 1 + served_tokens / (3 * decode_efficiency * best_tokens)
"""FLOP of training and serving over those of training alone."""

best_weights = (
    size_exponent * size_coefficient * best_tokens**data_exponent / (data_exponent * data_coefficient * more_by_serving)
) ** (1 / size_exponent)
least_loss = data_coefficient * best_tokens**-data_exponent * (1 + data_exponent * more_by_serving / size_exponent)
least_work = 3 * flops_per_mac * best_weights * best_tokens * more_by_serving
AT_A_LOSS = Given(
    Le(scaling.loss_of_size + scaling.loss_of_data, least_loss),
    "weights and tokens of pre-training leave no more loss than the best ones",
)
FEWEST = (
    Chosen(active_parameters, "the weights are those of the least FLOP over a model's life"),
    Chosen(pretraining_tokens, "the tokens of pre-training are those of the least FLOP over a model's life"),
)

least_life = Derivation(
    name="least-life-flops",
    title="The least FLOP of training and serving for a loss",
    rows=("4.4",),
    claim="The more is served, the fewer weights go with so many tokens of pre-training at the least FLOP for their loss.",
    start=Defined(life_work, pretraining_work + serving_work, "the FLOP of pre-training and of serving"),
    steps=(
        Step(
            "what each of them takes",
            substitute(pretraining, Modelled(serving_work, formulas.serving_flops)),
            equation(life_work, formulas.life_flops),
        ),
        Step(
            "the least of all weights and tokens that leave no more loss",
            optimum(
                AT_A_LOSS.relation,
                (equation(active_parameters, best_weights), equation(pretraining_tokens, best_tokens)),
                least_work,
                (sympy.S.One,),
                3
                * flops_per_mac
                * best_weights
                * best_tokens ** (1 + data_exponent)
                / (data_exponent * data_coefficient),
            ),
            equation(life_work, least_work),
        ),
    ),
    assumes=(LOSS_LAW, AT_A_LOSS, *FEWEST),
    sources=(LECTURE, CHINCHILLA),
    example=life,
    example_text=LIFE,
)

life_optimum = Derivation(
    name="life-optimum",
    title="Tokens served that an optimum of training and serving together implies",
    rows=("4.4",),
    claim="More serving moves the optimum to fewer weights and more tokens, until a nat costs the same by both.",
    start=Best(least_life, active_parameters),
    steps=(
        Step(
            "the tokens of pre-training are the best ones",
            substitute(Solved(Best(least_life, pretraining_tokens), best_tokens)),
            equation(active_parameters, best_weights.xreplace({best_tokens: pretraining_tokens})),
        ),
        Step(
            "out of the power",
            both_sides(side**size_exponent),
            equation(
                active_parameters**size_exponent,
                size_exponent
                * size_coefficient
                * pretraining_tokens**data_exponent
                / (data_exponent * data_coefficient * more_by_serving.xreplace({best_tokens: pretraining_tokens})),
            ),
        ),
        Step(
            "solve for the tokens served",
            solve_for(served_tokens),
            equation(served_tokens, scaling.served_at_optimum),
        ),
    ),
    assumes=(),
    sources=(LECTURE, CHINCHILLA),
    example=life,
    example_text=LIFE,
    holds=(at_least(size_exponent * scaling.loss_of_size, data_exponent * scaling.loss_of_data),),
)

DERIVATIONS = (priced_tokens, priced_weights, least_life, life_optimum)


def best_tokens_of(fit: str) -> float:
    """Pre-training tokens at the optimum of training and serving, for the lecture's weights and served tokens."""
    from scipy.optimize import brentq

    scenario = Scenario(life(fit))
    wanted = float(scenario.value(served_tokens))

    def gap(tokens: float) -> float:
        return float((scenario | {pretraining_tokens: tokens}).evaluate(life_optimum.result.rhs) / wanted - 1)

    return float(brentq(gap, 1e9, 1e18))


def over_equal_flops(fit: str) -> float:
    """The optimum's tokens over those at equal FLOP in training and serving."""
    return best_tokens_of(fit) / float(Scenario(life(fit)).evaluate(pretraining_by_served.result.rhs))


def best_over_training(fit: str) -> float:
    """The optimum's tokens over 20 a weight."""
    values = {**over_training_life(), pretraining_tokens: best_tokens_of(fit)}
    return float(Scenario(values).evaluate(formulas.over_training_factor))


def price_ratio(fit: str) -> float:
    """What a nat costs by more weights over what it costs by more tokens, at the optimum."""
    scenario = Scenario({**life(fit), pretraining_tokens: best_tokens_of(fit)})
    return float(scenario.evaluate(priced_weights.result.rhs / priced_tokens.result.rhs))


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
