"""Chapter 4, over-training: tokens of pre-training that cost as much as reinforcement learning, or serving, does."""

from steptime.derivations.facts import Crossing, Defined, Modelled
from steptime.derivations.overtraining import formulas
from steptime.derivations.overtraining.numbers import KAPLAN, LEARNING, LECTURE, LIFE, life
from steptime.derivations.overtraining.symbols import (
    pretraining_work,
    rl_flops_per_weight,
    rl_tokens,
    rl_work,
    serving_work,
)
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.products import weights
from steptime.derivations.training.symbols import weight_training_flops
from steptime.model.economics import scaling
from steptime.model.symbols import decode_efficiency, flops_per_mac, pretraining_tokens

pretraining = Derivation(
    name="pretraining-flops",
    title="FLOP of pre-training",
    rows=("4.2",),
    claim="Six FLOP a weight and token: a multiply-add forward, and two backward.",
    start=Defined(
        pretraining_work,
        weight_training_flops * pretraining_tokens,
        "the FLOP that training takes in weights per token, for every token",
    ),
    steps=(
        Step(
            "three passes, each a multiply-add a weight and token",
            substitute(weights),
            equation(pretraining_work, formulas.pretraining_flops),
        ),
    ),
    assumes=(),
    sources=(LECTURE, KAPLAN),
    example=life,
    example_text=LIFE,
)

pretraining_by_rl = Derivation(
    name="pretraining-by-rl",
    title="Tokens of pre-training for as much compute as reinforcement learning",
    rows=("4.2",),
    claim="At equal time on the chips, tokens of pre-training and of reinforcement learning are about as many.",
    start=Crossing(
        pretraining,
        Modelled(rl_work, formulas.rl_flops),
        "pre-training occupies the chips as long as reinforcement learning: the heuristic of equal costs",
    ),
    steps=(
        Step(
            "solve for the tokens of pre-training: the weights drop out",
            solve_for(pretraining_tokens),
            equation(pretraining_tokens, rl_flops_per_weight * rl_tokens / (3 * flops_per_mac * decode_efficiency)),
        ),
    ),
    assumes=(),
    sources=(LECTURE, KAPLAN),
    example=life,
    example_text=LEARNING,
)

pretraining_by_served = Derivation(
    name="pretraining-by-served",
    title="Tokens of pre-training for as much compute as serving",
    rows=("4.2",),
    claim="Where both occupy the chips equally long, a model is trained on about as many tokens as it serves.",
    start=Crossing(
        pretraining,
        Modelled(serving_work, formulas.serving_flops),
        "pre-training occupies the chips as long as serving: the heuristic of equal costs",
    ),
    steps=(
        Step(
            "solve for the tokens of pre-training: the weights drop out",
            solve_for(pretraining_tokens),
            equation(pretraining_tokens, scaling.tokens_at_equal_compute),
        ),
    ),
    assumes=(),
    sources=(LECTURE, KAPLAN),
    example=life,
    example_text=LIFE,
)

DERIVATIONS = (pretraining, pretraining_by_rl, pretraining_by_served)
