"""Chapter 4, over-training: how many tokens to train on, where a model is served for a few months."""

from collections.abc import Mapping
from functools import partial

from sympy import Symbol

from steptime.derivations.axioms import ACTIVE_COUNT, CONSTANT_TRAFFIC
from steptime.derivations.claims import Claim, Wording
from steptime.derivations.facts import Modelled, given
from steptime.derivations.overtraining import formulas
from steptime.derivations.overtraining.budgets import DERIVATIONS as BUDGETS
from steptime.derivations.overtraining.budgets import pretraining_by_rl, pretraining_by_served
from steptime.derivations.overtraining.numbers import CHINCHILLA, LECTURE, LIFE, life
from steptime.derivations.overtraining.symbols import over_training, rl_flops_per_weight, service_life, serving_rate
from steptime.derivations.rules import equation, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, decode_efficiency, optimal_tokens_per_weight, pretraining_tokens, served_tokens,
)  # fmt: skip

TRAFFIC = Modelled(served_tokens, formulas.tokens_over_life)
AS_MANY = given(pretraining_tokens, served_tokens, "as many tokens of pre-training as are served")

life_tokens = Derivation(
    name="life-tokens",
    title="Tokens of pre-training from what a model serves",
    rows=("4.3",),
    claim="A model's traffic and its life decide how long to train it.",
    start=pretraining_by_served,
    steps=(
        Step(
            "served at a constant rate until it is replaced",
            substitute(TRAFFIC),
            equation(pretraining_tokens, serving_rate * service_life / (3 * decode_efficiency)),
        ),
    ),
    assumes=(CONSTANT_TRAFFIC,),
    sources=(LECTURE,),
    example=life,
    example_text=LIFE,
)

over_training_served = Derivation(
    name="over-training",
    title="Over-training, at equal compute in training and serving",
    rows=("4.3",),
    claim="A model that serves many is trained far beyond where training alone is cheapest.",
    start=Modelled(over_training, formulas.over_training_factor),
    steps=(
        Step(
            "put in the tokens of pre-training",
            substitute(life_tokens),
            equation(
                over_training,
                serving_rate * service_life / (3 * decode_efficiency * optimal_tokens_per_weight * active_parameters),
            ),
        ),
    ),
    assumes=(ACTIVE_COUNT,),
    sources=(LECTURE, CHINCHILLA),
    example=life,
    example_text=LIFE,
)

over_training_equal = Derivation(
    name="over-training-equal-tokens",
    title="Over-training, at as many tokens trained on as served",
    rows=("4.3",),
    claim="The lecture's shorter form: as many tokens of pre-training as are served.",
    start=Modelled(over_training, formulas.over_training_factor),
    steps=(
        Step(
            "as many tokens as are served",
            substitute(AS_MANY),
            equation(over_training, served_tokens / (optimal_tokens_per_weight * active_parameters)),
        ),
        Step(
            "served at a constant rate until it is replaced",
            substitute(TRAFFIC),
            equation(over_training, serving_rate * service_life / (optimal_tokens_per_weight * active_parameters)),
        ),
    ),
    assumes=(AS_MANY, CONSTANT_TRAFFIC, ACTIVE_COUNT),
    sources=(LECTURE, CHINCHILLA),
    example=life,
    example_text=LIFE,
)

DERIVATIONS = (*BUDGETS, life_tokens, over_training_served, over_training_equal)


def at_life(one: Derivation, **changed: float) -> float:
    """A result at the lecture's model, some quantities changed."""
    values = {**life(), **{Symbol(name, positive=True): value for name, value in changed.items()}}
    return float(Scenario(values).evaluate(one.result.rhs))


def inputs(*symbols: Symbol, **changed: float) -> Mapping[str, float | str]:
    values = {**life(), **{Symbol(name, positive=True): value for name, value in changed.items()}}
    return {symbol.name: values[symbol] for symbol in symbols}


def rl_ratio(flops_per_weight: float) -> float:
    """Tokens of pre-training per token of reinforcement learning."""
    return at_life(pretraining_by_rl, rl_tokens=1.0, rl_flops_per_weight=flops_per_weight)


def served_in_life(rate: str) -> float:
    """Tokens served over a life at one of the lecture's rates."""
    from steptime.model.catalog.economy import number

    return float(Scenario({**life(), serving_rate: number("life", rate)}).evaluate(formulas.tokens_over_life))


def rate_inputs(rate: str) -> Mapping[str, float | str]:
    from steptime.model.catalog.economy import number

    return {"serving_rate": number("life", rate), **inputs(service_life)}


CLAIMS = (
    *(
        Claim(
            "4.2",
            f"tokens of pre-training over tokens of reinforcement learning, {factor:g} FLOP per weight and token",
            guess,
            partial(rl_ratio, factor),
            partial(inputs, decode_efficiency, rl_flops_per_weight, rl_flops_per_weight=factor),
        )
        for factor, guess in ((2.0, 1.1), (6.0, 3.3))
    ),
    *(
        Claim(
            "4.2",
            f"tokens of pre-training and of reinforcement learning, {factor:g} FLOP per weight and token: about equal",
            1.0,
            partial(rl_ratio, factor),
            partial(inputs, decode_efficiency, rl_flops_per_weight, rl_flops_per_weight=factor),
            wording=Wording.ABOUT,
        )
        for factor in (2.0, 6.0)
    ),
    Claim(
        "4.2",
        "tokens of pre-training and tokens served: about equal",
        1.0,
        lambda: at_life(pretraining_by_served, served_tokens=1.0),
        lambda: inputs(decode_efficiency),
        wording=Wording.ABOUT,
    ),
    Claim(
        "4.2",
        "tokens of pre-training over tokens served",
        1.11,
        lambda: at_life(pretraining_by_served, served_tokens=1.0),
        lambda: inputs(decode_efficiency),
    ),
    *(
        Claim(
            "4.3",
            f"tokens served in two months, the lecture's {rate}",
            guess,
            partial(served_in_life, rate),
            partial(rate_inputs, rate),
        )
        for rate, guess in (("higher_serving_rate", 2.6e15), ("serving_rate", 2.6e14))
    ),
    Claim(
        "4.3",
        "over-training, tokens of pre-training as many as served: about 100",
        100.0,
        lambda: at_life(over_training_equal),
        lambda: inputs(active_parameters, serving_rate, service_life, optimal_tokens_per_weight),
        wording=Wording.ABOUT,
    ),
    Claim(
        "4.3",
        "over-training, equal compute in training and serving: about 100",
        100.0,
        lambda: at_life(over_training_served),
        lambda: inputs(active_parameters, serving_rate, service_life, optimal_tokens_per_weight, decode_efficiency),
        wording=Wording.ABOUT,
    ),
)
