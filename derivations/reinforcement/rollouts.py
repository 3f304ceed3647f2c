"""Chapter 17, reinforcement learning: how long a rollout takes, whose longest answer everything waits for."""

import math
import random
from collections.abc import Mapping
from functools import cache, partial

from sympy import Symbol, exp, log, sqrt

from steptime.derivations.axioms import MEMORYLESS, NEVER_REFILLED
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Compared, Defined, given
from steptime.derivations.practice.fullest import largest
from steptime.derivations.practice.numbers import CRAMER
from steptime.derivations.practice.symbols import excess_variance, largest_excess, waiting_chips
from steptime.derivations.rules import equation, identity, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario
from steptime.model.waiting.symbols import step_base, step_slope

from steptime.derivations.reinforcement.symbols import (  # isort: skip
    answer_spread, answers_drawn, harmonic_number, longest_answer, mean_answer, median_answer, refilled_time,
    rollout_time, straggling,
)  # fmt: skip

RENYI = "Renyi 1953, On the theory of order statistics: the gaps between ends are exponential"
FU = "Fu et al. 2025, AReaL, arXiv 2505.24298: a synchronous rollout waits for its longest answer"
SEVERAL = (
    "256 answers of 4,000 tokens on average, by a 70B model in bf16 on eight H100: a step takes 5.3 ms for its weights "
    "and 25 microseconds for each answer"
)


@cache
def harmonic(number: int) -> float:
    """1 + 1/2 + ... + 1/number."""
    return math.fsum(1 / turn for turn in range(1, number + 1))


def rollout(answers: int = 256, mean: float = 4000.0) -> Mapping[Symbol, float]:
    """So many answers, lengths exponential, or lognormal with a deviation of one."""
    return {
        answers_drawn: float(answers),
        waiting_chips: float(answers),
        mean_answer: mean,
        median_answer: mean * math.exp(-0.5),
        answer_spread: 1.0,
        excess_variance: 1.0,
        harmonic_number: harmonic(answers),
        longest_answer: mean * harmonic(answers),
        step_base: 5.3e-3,
        step_slope: 25e-6,
    }


LONGEST = given(
    longest_answer,
    mean_answer * harmonic_number,
    "with j answers left the first of them ends after a j-th of the mean, whatever came before: those times together",
)
OF_LENGTHS = given(excess_variance, answer_spread**2, "logarithms of lengths are normal, so widely spread")
ANSWERS_WAIT = given(waiting_chips, answers_drawn, "the longest of all answers is waited for")

lognormal = Derivation(
    name="longest-answer-lognormal",
    title="The longest of many answers whose lengths are lognormal",
    rows=("17.1",),
    claim="Typically no more than the median times an exponential: where lengths spread widely one answer outlasts "
    "all others, and more the more there are.",
    start=Defined(
        longest_answer,
        median_answer * exp(largest_excess),
        "the median, and what the largest logarithm exceeds its own by: the typical longest, whose logarithm is a mean",
    ),
    steps=(
        Step(
            "the largest of many logarithms",
            substitute(largest),
            equation(longest_answer, median_answer * exp(sqrt(2 * excess_variance * log(waiting_chips)))),
        ),
        Step(
            "as widely spread, as many",
            substitute(OF_LENGTHS, ANSWERS_WAIT),
            equation(longest_answer, median_answer * exp(answer_spread * sqrt(2 * log(answers_drawn)))),
        ),
    ),
    assumes=(OF_LENGTHS, ANSWERS_WAIT),
    sources=(CRAMER,),
    example=rollout,
    example_text=SEVERAL,
)

UNTIL_LAST = Defined(
    rollout_time,
    step_base * longest_answer + step_slope * answers_drawn * mean_answer,
    "a step for each token of the longest answer, and in all steps together each token of every answer once",
)

time = Derivation(
    name="rollout-time",
    title="Time of a rollout",
    rows=("17.1",),
    claim="Weights are read for as long as the longest answer lasts, caches for each token: more answers at once share "
    "the weights, and wait for a longer one.",
    start=UNTIL_LAST,
    steps=(
        Step(
            "the longest of exponential lengths",
            substitute(LONGEST),
            equation(rollout_time, mean_answer * (step_base * harmonic_number + step_slope * answers_drawn)),
        ),
    ),
    assumes=(MEMORYLESS, NEVER_REFILLED, LONGEST),
    sources=(RENYI, FU),
    example=rollout,
    example_text=SEVERAL,
)

REFILLED = Defined(
    refilled_time,
    mean_answer * (step_base + step_slope * answers_drawn),
    "as many tokens in steps that are always full",
)

waiting = Derivation(
    name="waiting-for-the-longest",
    title="What waiting for the longest answer costs",
    rows=("17.1",),
    claim="A logarithm of the answers where weights take most of a step, nothing where caches do: large rollouts of "
    "long answers lose less than small ones.",
    start=Compared(straggling, time, REFILLED, "the time of the rollout over that with every place refilled at once"),
    steps=(
        Step(
            "the mean length cancels",
            identity(),
            equation(
                straggling,
                (step_base * harmonic_number + step_slope * answers_drawn) / (step_base + step_slope * answers_drawn),
            ),
        ),
    ),
    assumes=(),
    sources=(RENYI, FU),
    example=rollout,
    example_text=SEVERAL,
)


def drawn(answers: int, spread: float | None, turns: int = 4000) -> float:
    """The longest of so many lengths, drawn many times, over the theorem's: the mean of exponential lengths of mean
    one, or the typical one of lognormal ones of median one."""
    source, found = random.Random(answers), 0.0
    values = {**rollout(answers, 1.0), median_answer: 1.0, answer_spread: spread or 1.0}
    for _ in range(turns):
        if spread is None:
            found += max(source.expovariate(1) for _ in range(answers))
        else:
            found += max(source.gauss(0, spread) for _ in range(answers))
    theorem = LONGEST.line.rhs if spread is None else lognormal.result.rhs
    mean = found / turns if spread is None else math.exp(found / turns)
    return mean / float(Scenario(values).evaluate(theorem))


def _inputs(answers: int) -> dict[str, float]:
    return {answers_drawn.name: float(answers), harmonic_number.name: harmonic(answers)}


DERIVATIONS = (lognormal, time, waiting)

CLAIMS = (
    *(
        Claim(
            "17.1",
            f"The longest of {answers} exponential lengths, drawn 4,000 times, over the mean times the harmonic number",
            None,
            partial(drawn, answers, None),
            partial(_inputs, answers),
            source=Source.OWN,
            must=lambda value: abs(value - 1) < 0.03,
        )
        for answers in (4, 32)
    ),
    Claim(
        "17.1",
        "The typical longest of 64 lognormal lengths, drawn 4,000 times, over the theorem's: no more than one",
        None,
        partial(drawn, 64, 1.0),
        partial(_inputs, 64),
        source=Source.OWN,
        must=lambda value: 0.5 < value <= 1,
    ),
)
