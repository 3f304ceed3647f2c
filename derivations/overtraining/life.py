"""Chapter 4, over-training: the least FLOP of training and serving together for a loss."""

import sympy
from sympy import Le

from steptime.derivations.axioms import ACTIVE_COUNT, LOSS_LAW
from steptime.derivations.facts import Best, Chosen, Defined, Given, Modelled, Solved
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.overtraining import formulas
from steptime.derivations.overtraining.budgets import pretraining
from steptime.derivations.overtraining.numbers import LAW, LECTURE, LIFE_AT, life_at
from steptime.derivations.overtraining.symbols import best_tokens, life_work, pretraining_work, serving_work
from steptime.derivations.rules import both_sides, equation, optimum, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.economics import scaling

from steptime.model.symbols import (  # isort: skip
    active_parameters, data_coefficient, data_exponent, decode_efficiency, flops_per_mac, pretraining_tokens,
    served_tokens, size_coefficient, size_exponent,
)  # fmt: skip

more_by_serving = 1 + served_tokens / (3 * decode_efficiency * best_tokens)
"""FLOP of training and serving over those of training alone."""

best_weights = (
    size_exponent * size_coefficient * best_tokens**data_exponent / (data_exponent * data_coefficient * more_by_serving)
) ** (1 / size_exponent)
least_loss = data_coefficient * best_tokens**-data_exponent * (1 + data_exponent * more_by_serving / size_exponent)
least_work = 3 * flops_per_mac * best_weights * best_tokens * more_by_serving
AT_A_LOSS = Given(
    Le(scaling.loss_of_size + scaling.loss_of_data, least_loss),
    "weights and tokens of pre-training leave no more loss than some bound, which is written by the one number of "
    "tokens that reaches it at the least FLOP",
)
"""That bound falls with those tokens all along, from any loss to none: each has one such number."""

FEWEST = (
    Chosen(active_parameters, "the weights are those of the least FLOP over a model's life"),
    Chosen(pretraining_tokens, "the tokens of pre-training are those of the least FLOP over a model's life"),
)

least_life = Derivation(
    name="least-life-flops",
    title="The least FLOP of training and serving for a loss",
    rows=("4.4",),
    claim="Of all weights and tokens with no more loss, these cost least: the more is served, the fewer weights.",
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
    assumes=(LOSS_LAW, ACTIVE_COUNT, AT_A_LOSS, *FEWEST),
    sources=(LECTURE, LAW),
    example=life_at,
    example_text=LIFE_AT,
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
    sources=(LECTURE, LAW),
    example=life_at,
    example_text=LIFE_AT,
    holds=(at_least(size_exponent * scaling.loss_of_size, data_exponent * scaling.loss_of_data),),
)

DERIVATIONS = (least_life, life_optimum)
