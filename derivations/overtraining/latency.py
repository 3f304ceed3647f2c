"""Chapter 4, over-training: fewer weights than the optimum's, for the sake of latency, at the same loss."""

from collections.abc import Mapping
from functools import partial

from sympy import S, Symbol

from steptime.derivations.axioms import ACTIVE_COUNT, LOSS_LAW
from steptime.derivations.batch.terms import LECTURE, latency_floor
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Crossing, Defined, given
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.overtraining.numbers import CHINCHILLA
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario

from steptime.derivations.batch.symbols import memory_time  # isort: skip
from steptime.derivations.overtraining.symbols import (  # isort: skip
    data_loss, optimal_loss, other_loss, serving_over_training, size_loss, tokens_needed, training_overhead,
    weights_kept,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    bytes_per_weight, data_exponent, memory_bandwidth, parameters, size_exponent, stage_chips,
)  # fmt: skip

DE_VRIES = "de Vries 2023, Go smol or go home, harmdevries.com: compute overhead of models smaller than the optimum"
HALF = "half of the optimum's weights, by the exponents of Chinchilla; nothing served"


def fewer(kept: float = 0.5, served: float = 0.0) -> Mapping[Symbol, float]:
    """So many of the optimum's weights, under Chinchilla's law; so much serving counted in the optimum."""
    one, other = 0.34, 0.28
    return {
        size_exponent: one,
        data_exponent: other,
        serving_over_training: served,
        weights_kept: kept,
        size_loss: other / one * (1 + served) * 0.1,
        data_loss: 0.1,
        bytes_per_weight: 1.0,
        memory_bandwidth: 8e12,
        stage_chips: 72.0,
        memory_time: 0.002,
    }


fitting = Derivation(
    name="weights-for-latency",
    title="The weights that a time between tokens leaves room for",
    rows=("4.5",),
    claim="What all chips of a stage stream in that time. Of a mixture of experts it bounds all weights once batches "
    "touch them all, and those of one token at a batch of one.",
    start=latency_floor,
    steps=(
        Step(
            "solve for the weights",
            solve_for(parameters),
            equation(parameters, memory_time * stage_chips * memory_bandwidth / bytes_per_weight),
        ),
    ),
    assumes=(),
    sources=(LECTURE,),
    example=fewer,
    example_text="2 ms between tokens on 72 chips of 8 TB/s, one byte a weight",
)

AT_BEST = Defined(optimal_loss, size_loss + data_loss, "what weights and tokens of the optimum leave")
ELSEWHERE = Defined(
    other_loss,
    size_loss * weights_kept**-size_exponent + data_loss * tokens_needed**-data_exponent,
    "what other ones leave, each part a power",
)
bare = size_loss / data_loss * (weights_kept**-size_exponent - 1)

tokens = Derivation(
    name="tokens-for-fewer-weights",
    title="Tokens that make up for fewer weights, at the same loss",
    rows=("4.5",),
    claim="Slowly at first, then without end: what fewer weights leave must come off a part that tokens can only bring "
    "to nought.",
    start=Crossing(AT_BEST, ELSEWHERE, "the loss is the same"),
    steps=(
        Step(
            "solve for the tokens",
            solve_for(tokens_needed),
            equation(tokens_needed, (1 - bare) ** (-1 / data_exponent)),
        ),
    ),
    assumes=(LOSS_LAW, ACTIVE_COUNT),
    sources=(CHINCHILLA, DE_VRIES),
    example=fewer,
    example_text=HALF,
    holds=(more(size_loss + data_loss, size_loss * weights_kept**-size_exponent),),
)
AT_OPTIMUM = given(
    size_loss,
    data_exponent / size_exponent * (1 + serving_over_training) * data_loss,
    "at the optimum of training and serving a nat costs the same by weights as by tokens",
)
missing = data_exponent / size_exponent * (1 + serving_over_training) * (weights_kept**-size_exponent - 1)

of_optimum = Derivation(
    name="tokens-for-latency",
    title="Tokens that make up for weights that latency forbids",
    rows=("4.5",),
    claim="Both exponents and what is served decide, and neither size nor loss: an optimum with much serving is small "
    "already, and little can be taken off it.",
    start=tokens,
    steps=(
        Step(
            "what weights and tokens leave at the optimum",
            substitute(AT_OPTIMUM),
            equation(tokens_needed, (1 - missing) ** (-1 / data_exponent)),
        ),
    ),
    assumes=(AT_OPTIMUM,),
    sources=(CHINCHILLA, DE_VRIES),
    example=fewer,
    example_text=HALF,
    holds=(more(S.One, missing),),
)

overhead = Derivation(
    name="training-for-latency",
    title="FLOP of pre-training with fewer weights, over those of the optimum",
    rows=("4.5",),
    claim="Near the optimum almost nothing, as at the bottom of any valley; far from it everything.",
    start=Defined(training_overhead, weights_kept * tokens_needed, "as many weights, each for as many tokens"),
    steps=(
        Step(
            "the tokens that make up for them",
            substitute(of_optimum),
            equation(training_overhead, weights_kept * (1 - missing) ** (-1 / data_exponent)),
        ),
    ),
    assumes=(),
    sources=(CHINCHILLA, DE_VRIES),
    example=fewer,
    example_text=HALF,
    holds=(more(S.One, missing),),
)

NO_END = Defined(other_loss, size_loss * weights_kept**-size_exponent, "what other weights leave, tokens without end")
fewest = Derivation(
    name="fewest-weights",
    title="The fewest weights that reach a loss at all",
    rows=("4.5",),
    claim="A tenth of the optimum's for Chinchilla's law: below it no data makes up, and a limit on latency is one on "
    "quality.",
    start=Crossing(AT_BEST, NO_END, "weights alone leave as much as weights and tokens of the optimum"),
    steps=(
        Step(
            "solve for the weights",
            solve_for(weights_kept),
            equation(weights_kept, (size_loss / (size_loss + data_loss)) ** (1 / size_exponent)),
        ),
        Step(
            "at the optimum",
            substitute(AT_OPTIMUM),
            equation(
                weights_kept,
                (1 + size_exponent / (data_exponent * (1 + serving_over_training))) ** (-1 / size_exponent),
            ),
        ),
    ),
    assumes=(AT_OPTIMUM, LOSS_LAW, ACTIVE_COUNT),
    sources=(CHINCHILLA, DE_VRIES),
    example=fewer,
    example_text=HALF,
)


def _overhead(kept: float) -> float:
    """FLOP beyond those of the optimum, relative to it."""
    return float(Scenario(fewer(kept)).evaluate(overhead.result.rhs)) - 1


def _inputs(kept: float) -> dict[str, float]:
    chosen = (size_exponent, data_exponent, serving_over_training, weights_kept)
    return {symbol.name: fewer(kept)[symbol] for symbol in chosen}


DERIVATIONS = (fitting, tokens, of_optimum, overhead, fewest)

CLAIMS = (
    Claim("4.5", f"FLOP beyond the optimum's of a model of 30 percent of its weights ({DE_VRIES}: around 100 percent)",
          1.0, partial(_overhead, 0.3), partial(_inputs, 0.3), wording=Wording.ABOUT, source=Source.PAPER),
    Claim("4.5", "The same of nine tenths of its weights: next to nothing", None, partial(_overhead, 0.9),
          partial(_inputs, 0.9), source=Source.OWN, must=lambda value: 0 < value < 0.01),
)  # fmt: skip
