"""Chapter 4, over-training: weights, tokens and FLOP of the optimum with serving, over those of training alone."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.derivations.axioms import ACTIVE_COUNT, LOSS_LAW
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Crossing, Defined, given
from steptime.derivations.overtraining.latency import AT_BEST, ELSEWHERE
from steptime.derivations.overtraining.numbers import CHINCHILLA
from steptime.derivations.rules import both_sides, equation, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario

from steptime.derivations.overtraining.symbols import (  # isort: skip
    data_loss, life_ratio, serving_over_training, size_loss, tokens_needed, weights_kept,
)  # fmt: skip
from steptime.model.symbols import data_exponent, size_exponent

SARDANA = "Sardana et al. 2023, Beyond Chinchilla-optimal, arXiv 2401.00448"
THIRTEEN = "the quality of 13e9 weights at their training optimum, 2e12 tokens served at the utilisation of training"
COEFFICIENTS, EXPONENTS = (406.4, 410.7), (0.3392, 0.2849)
"""Chinchilla's, the exponents unrounded: those of model/catalog/economy.toml, and its notes."""


def served(weights: float = 13e9, tokens: float = 2e12) -> Mapping[Symbol, float]:
    """Quality by the weights that training alone would have, and so many tokens served."""
    from scipy.optimize import brentq  # only where an example is asked for: SciPy takes half a second to load

    (of_size, of_data), (one, other) = COEFFICIENTS, EXPONENTS
    trained = (other * of_data / (one * of_size)) ** (1 / other) * weights ** (one / other)
    values = {size_exponent: one, data_exponent: other, data_loss: of_data * trained**-other}
    values[size_loss] = other / one * values[data_loss]

    def beyond(share: float) -> float:
        more = Scenario({**values, serving_over_training: share}).evaluate(best_tokens.result.rhs)
        return float(share * more - tokens / (3 * trained))

    values[serving_over_training] = brentq(beyond, 0.0, 1e4)
    values[tokens_needed] = float(Scenario(values).evaluate(best_tokens.result.rhs))
    values[weights_kept] = float(Scenario(values).evaluate(fewer.result.rhs))
    return values


more = 1 + serving_over_training
AT_TRAINING = given(
    size_loss,
    data_exponent / size_exponent * data_loss,
    "where training alone is cheapest a nat costs the same by weights as by tokens",
)
as_dear = (more * tokens_needed**-data_exponent) ** (-1 / size_exponent)
WHY = "where so much is served besides, a nat by weights costs more in that proportion"
AT_SERVING = given(weights_kept, as_dear, WHY)
least = (size_exponent + data_exponent * more) / (size_exponent + data_exponent)

best_tokens = Derivation(
    name="tokens-when-served",
    title="Tokens of pre-training at the optimum with serving, over those of training alone",
    rows=("4.6",),
    claim="A power of one plus a share of serving over training: what is served moves the optimum slowly, at the same "
    "loss, and neither size nor loss matters.",
    start=Crossing(AT_BEST, ELSEWHERE, "the loss is the same"),
    steps=(
        Step(
            "both optima",
            substitute(AT_TRAINING, AT_SERVING),
            equation(
                data_loss * (1 + data_exponent / size_exponent),
                data_loss * tokens_needed**-data_exponent * (1 + data_exponent / size_exponent * more),
            ),
        ),
        Step(
            "for the tokens alone",
            both_sides(side * tokens_needed**data_exponent / data_loss),
            equation(
                tokens_needed**data_exponent * (1 + data_exponent / size_exponent),
                1 + data_exponent / size_exponent * more,
            ),
        ),
        Step(
            "solve for the tokens",
            solve_for(tokens_needed),
            equation(tokens_needed, least ** (1 / data_exponent)),
        ),
    ),
    assumes=(LOSS_LAW, ACTIVE_COUNT, AT_TRAINING, AT_SERVING),
    sources=(CHINCHILLA, SARDANA),
    example=served,
    example_text=THIRTEEN,
)

fewer = Derivation(
    name="weights-when-served",
    title="Weights at the optimum with serving, over those of training alone",
    rows=("4.6",),
    claim="Fewer, as each costs serving as well; but however much is served, not below a power of the data's exponent "
    "over both.",
    start=Defined(weights_kept, as_dear, WHY),
    steps=(
        Step(
            "the tokens at that optimum",
            substitute(best_tokens),
            equation(weights_kept, (least / more) ** (1 / size_exponent)),
        ),
    ),
    assumes=(),
    sources=(CHINCHILLA, SARDANA),
    example=served,
    example_text=THIRTEEN,
)

saving = Derivation(
    name="life-when-served",
    title="FLOP of a model's life at the optimum with serving, over those of training alone and then serving",
    rows=("4.6",),
    claim="Little at first, as in any valley: serving must cost as much as training before a tenth is saved.",
    start=Defined(
        life_ratio,
        weights_kept * tokens_needed * more / (1 + serving_over_training * tokens_needed),
        "weights and tokens of the one optimum over those of the other, and what is served on top of both",
    ),
    steps=(
        Step(
            "both of them",
            substitute(fewer, best_tokens),
            equation(
                life_ratio,
                (least / more) ** (1 / size_exponent)
                * least ** (1 / data_exponent)
                * more
                / (1 + serving_over_training * least ** (1 / data_exponent)),
            ),
        ),
    ),
    assumes=(),
    sources=(SARDANA,),
    example=served,
    example_text=THIRTEEN,
)


def _inputs() -> dict[str, float]:
    chosen = (size_exponent, data_exponent, serving_over_training)
    return {"weights": 13e9, "served_tokens": 2e12, **{symbol.name: served()[symbol] for symbol in chosen}}


DERIVATIONS = (best_tokens, fewer, saving)

CLAIMS = (
    Claim("4.6", f"Weights of the best model for {THIRTEEN} ({SARDANA}: 7e9)", 7e9, lambda: 13e9 * fewer.evaluate(),
          _inputs, source=Source.PAPER, wording=Wording.ABOUT),
    Claim("4.6", f"Share of all FLOP that it saves ({SARDANA}: 17 percent)", 0.17, lambda: 1 - saving.evaluate(),
          _inputs, source=Source.PAPER, wording=Wording.ABOUT),
)  # fmt: skip
