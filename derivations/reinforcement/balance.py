"""Chapter 17, reinforcement learning: chips that draw answers and chips that train."""

from collections.abc import Mapping
from functools import partial

from sympy import Symbol

from steptime.derivations.axioms import BOTH_GRADIENTS
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Crossing, Defined
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.reinforcement.rollouts import FU
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario
from steptime.model.symbols import active_parameters, flops_per_mac, peak_flops

from steptime.derivations.reinforcement.symbols import (  # isort: skip
    answer_rate, answers_drawn, answers_in_flight, chips_to_trainers, generating_chips, generating_time,
    generation_efficiency, generation_share, rollout_tokens, scoring_passes, straggling, trainer_utilisation,
    training_chips, training_step_time,
)  # fmt: skip

OPENRLHF = "Hu et al. 2024, OpenRLHF, README: 80 percent of the time goes to drawing samples"
SEVENTY = (
    "a 70B model on H100 in bf16, 1,024 answers of 4,000 tokens a step, two scoring passes; training reaches 0.4 of "
    "the peak, drawing answers a tenth of that"
)


def step(efficiency: float = 0.1, scored: float = 2.0) -> Mapping[Symbol, float]:
    """One step of reinforcement learning of a 70B model."""
    share = 1 / efficiency / (1 / efficiency + 3 + scored)
    return {
        active_parameters: 70e9,
        flops_per_mac: 2.0,
        peak_flops: 989e12,
        rollout_tokens: 1024 * 4000.0,
        scoring_passes: scored,
        generation_efficiency: efficiency,
        trainer_utilisation: 0.4,
        generating_chips: 512.0,
        training_chips: 256.0,
        generation_share: share,
        chips_to_trainers: share / (1 - share),
        straggling: 1.6,
        answers_drawn: 1024.0,
        answers_in_flight: 4096.0,
        answer_rate: 1024 / 120,
    }


forward = flops_per_mac * active_parameters * rollout_tokens / (peak_flops * trainer_utilisation)
"""Chip-seconds of one forward pass over the tokens of a step, at the utilisation of training."""

DRAWN = Defined(
    generating_time,
    forward / (generation_efficiency * generating_chips),
    "one forward pass for each token, at the utilisation of drawing",
)
TRAINED = Defined(
    training_step_time,
    (3 + scoring_passes) * forward / training_chips,
    "a forward pass and two backward, and those that score",
)
OF_EACH = Defined(chips_to_trainers, generating_chips / training_chips, "chips that draw over chips that train")

ratio = Derivation(
    name="generators-to-trainers",
    title="Chips that draw answers for each that trains",
    rows=("17.2",),
    claim="Training multiplies three times as often, and scores on top; drawing uses its chips worse. Model, tokens "
    "and machine cancel.",
    start=Crossing(DRAWN, TRAINED, "both take equally long, so that neither waits"),
    steps=(
        Step(
            "by the ratio of chips",
            substitute(OF_EACH.for_(generating_chips)),
            equation(
                forward / (generation_efficiency * chips_to_trainers * training_chips),
                (3 + scoring_passes) * forward / training_chips,
            ),
        ),
        Step(
            "solve for the ratio",
            solve_for(chips_to_trainers),
            equation(chips_to_trainers, 1 / (generation_efficiency * (3 + scoring_passes))),
        ),
    ),
    assumes=(BOTH_GRADIENTS,),
    sources=(FU,),
    example=step,
    example_text=SEVENTY,
)

SHARE = Defined(
    generation_share,
    chips_to_trainers / (1 + chips_to_trainers),
    "of chips in balance, those that draw; of chips that take turns, their time",
)

share = Derivation(
    name="generation-share",
    title="Share of a step of reinforcement learning that drawing answers takes",
    rows=("17.2",),
    claim="Most of it as soon as drawing uses its chips a few times worse than training.",
    start=SHARE,
    steps=(
        Step(
            "the ratio in balance",
            substitute(ratio),
            equation(generation_share, 1 / (1 + generation_efficiency * (3 + scoring_passes))),
        ),
    ),
    assumes=(),
    sources=(OPENRLHF,),
    example=step,
    example_text=SEVENTY,
)

implied = Derivation(
    name="efficiency-by-share",
    title="The utilisation of drawing that its share of a step reveals",
    rows=("17.2",),
    claim="Four fifths of the time tell of a twentieth of the utilisation of training, with two scoring passes.",
    start=share,
    steps=(
        Step(
            "solve for the utilisation",
            solve_for(generation_efficiency),
            equation(generation_efficiency, (1 - generation_share) / (generation_share * (3 + scoring_passes))),
        ),
    ),
    assumes=(),
    sources=(OPENRLHF,),
    example=partial(step, 0.05),
    example_text=f"{SEVENTY}; drawing takes four fifths of the step",
    holds=(more(generation_share, 0),),
)

DERIVATIONS = (ratio, share, implied)


def _inputs() -> dict[str, float]:
    chosen = (scoring_passes, generation_efficiency, generation_share, straggling)
    return {symbol.name: step()[symbol] for symbol in chosen}


def _share(efficiency: float) -> float:
    return float(Scenario(step(efficiency)).evaluate(share.result.rhs))


CLAIMS = (
    Claim("17.2", "Utilisation of drawing over that of training, two scoring passes, that a share implies "
          f"({OPENRLHF}): a few percent, as of decode that memory binds", None, implied.evaluate, _inputs,
          source=Source.OWN, must=lambda value: 0.01 < value < 0.3),
    Claim("17.2", "Share of a step in drawing where both use their chips equally well, two scorings: one sixth", None,
          partial(_share, 1.0), _inputs, source=Source.OWN, must=lambda value: abs(value - 1 / 6) < 1e-12),
)  # fmt: skip
