"""Chapter 11, in practice: the chip whose experts are touched most, for which the others of an exchange wait."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from itertools import accumulate

import sympy
from sympy import Symbol, sqrt

from steptime.derivations.axioms import LARGEST_BY_MOMENTS
from steptime.derivations.claims import Claim, Source
from steptime.derivations.experts.symbols import untouched_share
from steptime.derivations.experts.touched import experts_touched
from steptime.derivations.facts import Chosen, Defined, Given, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.practice.numbers import CRAMER, RANKS, V3, ranks, v3
from steptime.derivations.rules import equation, identity, optimum, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario
from steptime.model.symbols import data_parallel, expert_parallel

from steptime.derivations.practice.symbols import (  # isort: skip
    excess_variance, fullest_experts, fullest_ratio, fullest_sequences, held_experts, largest_excess, mean_sequences,
    moment_sum, tilt, waiting_chips,
)  # fmt: skip

SUB_GAUSSIAN = given(
    moment_sum,
    waiting_chips * sympy.exp(tilt**2 * excess_variance / 2),
    "what each has beyond the mean has no larger exponential moments than a normal number of its variance",
)
BEST_TILT = Chosen(tilt, "the exponent is the one that says most")
SEVERAL = Given(more(waiting_chips, 1), "more than one waits")
best = sqrt(2 * sympy.log(waiting_chips) / excess_variance)

largest = Derivation(
    name="largest-of-many",
    title="By how much the largest of several numbers exceeds their mean",
    rows=("11.2",),
    claim="On average by no more than a root of twice the logarithm of their number, times their standard deviation.",
    start=Defined(
        largest_excess,
        sympy.log(moment_sum) / tilt,
        "what the mean of the largest does not exceed, whatever the exponent: exp(s max) is one summand of the sum",
    ),
    steps=(
        Step(
            "each has the moment of a normal number",
            substitute(SUB_GAUSSIAN),
            equation(largest_excess, sympy.log(SUB_GAUSSIAN.line.rhs) / tilt),
        ),
        Step(
            "the logarithm of a product",
            identity(),
            equation(largest_excess, sympy.log(waiting_chips) / tilt + tilt * excess_variance / 2),
        ),
        Step(
            "least where both summands are equal",
            optimum(
                (),
                (equation(tilt, best),),
                sqrt(2 * excess_variance * sympy.log(waiting_chips)),
                (sympy.S.One,),
                (),
            ),
            equation(largest_excess, sqrt(2 * excess_variance * sympy.log(waiting_chips))),
        ),
    ),
    assumes=(LARGEST_BY_MOMENTS, SUB_GAUSSIAN, BEST_TILT, SEVERAL),
    sources=(CRAMER,),
    example=v3,
    example_text=V3,
)

touched_mean = held_experts * (1 - untouched_share)
INDEPENDENT_TRIALS = given(
    excess_variance,
    held_experts * untouched_share * (1 - untouched_share),
    "the experts of a chip are touched independently of one another: the variance of so many trials",
)
HALF_TOUCHED = Given(
    at_least(1, 2 * untouched_share),
    "at least half of the experts are touched: a trial that succeeds so often has no larger moments than a normal one, "
    "for the curvature of their logarithm is q(1 - q) with q at least its chance, and falls as the exponent grows",
)
EXCHANGE = given(waiting_chips, expert_parallel, "all chips among which the experts are shared wait for one another")
spread = sqrt(2 * sympy.log(expert_parallel) * held_experts * untouched_share * (1 - untouched_share))

fullest = Derivation(
    name="fullest-chip",
    title="Experts touched on the fullest chip of an exchange",
    rows=("11.2",),
    claim="The mean chip's, and a root: more chips with fewer experts each wait longer next to what they do. Of a "
    "chip's experts no more than all are touched, which the model adds.",
    start=Defined(fullest_experts, touched_mean + largest_excess, "the mean, and what the largest exceeds it by"),
    steps=(
        Step(
            "put in the largest of many",
            substitute(largest),
            equation(fullest_experts, touched_mean + sqrt(2 * excess_variance * sympy.log(waiting_chips))),
        ),
        Step(
            "the variance of independent trials, on each chip of the exchange",
            substitute(INDEPENDENT_TRIALS, EXCHANGE),
            equation(fullest_experts, touched_mean + spread),
        ),
    ),
    assumes=(INDEPENDENT_TRIALS, HALF_TOUCHED, EXCHANGE),
    sources=(CRAMER,),
    example=v3,
    example_text=V3,
)

passed_by_all = experts_touched.result.rhs

ratio = Derivation(
    name="fullest-over-mean",
    title="Experts touched on the fullest chip, over those of the mean one",
    rows=("11.2",),
    claim="It falls to one as tokens touch everything, and as each chip holds more experts.",
    start=Defined(fullest_ratio, fullest_experts / touched_mean, "the fullest chip's experts over the mean chip's"),
    steps=(
        Step(
            "put in the fullest",
            substitute(fullest),
            equation(fullest_ratio, 1 + spread / touched_mean),
        ),
        Step(
            "experts that no token chooses",
            substitute(experts_touched),
            equation(
                fullest_ratio,
                1
                + sqrt(2 * sympy.log(expert_parallel) * held_experts * passed_by_all * (1 - passed_by_all))
                / (held_experts * (1 - passed_by_all)),
            ),
        ),
    ),
    assumes=(),
    sources=(CRAMER,),
    example=v3,
    example_text=V3,
)

AS_THEY_COME = given(
    excess_variance,
    mean_sequences,
    "requests go to ranks as they come, many to each: their number is taken for a normal one, of a count's variance, "
    "its mean",
)
RANKS_MEET = given(waiting_chips, data_parallel, "all ranks wait for one another")

rank = Derivation(
    name="fullest-rank",
    title="Sequences on the fullest of several ranks",
    rows=("11.2",),
    claim="Many ranks with few sequences each wait longest, next to what they do. No rank has more than all sequences, "
    "which the model adds.",
    start=Defined(fullest_sequences, mean_sequences + largest_excess, "the mean, and what the largest exceeds it by"),
    steps=(
        Step(
            "put in the largest of many",
            substitute(largest),
            equation(fullest_sequences, mean_sequences + sqrt(2 * excess_variance * sympy.log(waiting_chips))),
        ),
        Step(
            "the variance of a count, on each rank",
            substitute(AS_THEY_COME, RANKS_MEET),
            equation(fullest_sequences, mean_sequences + sqrt(2 * mean_sequences * sympy.log(data_parallel))),
        ),
    ),
    assumes=(AS_THEY_COME, RANKS_MEET),
    sources=(CRAMER,),
    example=ranks,
    example_text=RANKS,
)


def least_that_fits(ways: int, tokens: int) -> float:
    """The mean of the largest of so many independent binomial numbers, over what the theorem says of DeepSeek-V3."""
    values = v3(ways, tokens)
    held, chance = round(values[held_experts]), 1 - values[untouched_share]
    terms = [math.comb(held, number) * chance**number * (1 - chance) ** (held - number) for number in range(held + 1)]
    below = [sum(terms[:number]) for number in range(1, held + 1)]
    return sum(1 - one**ways for one in below) / float(Scenario(values).evaluate(fullest.result.rhs))


def largest_on_average(ways: int, mean: float) -> float:
    """The mean of the largest of so many independent Poisson counts, worked out exactly."""
    most = round(mean + 20 * mean**0.5 + 60)
    terms = [math.exp(number * math.log(mean) - mean - math.lgamma(number + 1)) for number in range(most)]
    below = accumulate(terms)
    return sum(1 - min(one, 1.0) ** ways for one in below)


def counts_that_fit(ways: int, mean: float) -> float:
    """That mean over what the theorem says."""
    return largest_on_average(ways, mean) / float(Scenario(ranks(ways, mean)).evaluate(rank.result.rhs))


def _named(example: Callable[..., Mapping[Symbol, float]], *numbers: float) -> dict[str, float]:
    """The numbers of an example by name."""
    return {symbol.name: value for symbol, value in example(*numbers).items()}


DERIVATIONS = (largest, fullest, ratio, rank)

FEWER = (
    "the mean of the largest of as many binomial numbers, worked out exactly, over the theorem's: no more than one, "
    "where no number lies wider than a normal one"
)
CLAIMS = (
    *(
        Claim(
            "11.2",
            f"DeepSeek-V3's experts over {ways} chips, {tokens} tokens: {FEWER}",
            None,
            partial(least_that_fits, ways, tokens),
            partial(_named, v3, ways, tokens),
            source=Source.OWN,
            must=lambda value: 0.8 < value <= 1,
        )
        for ways, tokens in ((8, 64), (8, 8), (32, 64), (64, 128))
    ),
    Claim(
        "11.2",
        "The same for one token over 64 chips: few trials lie wider than a normal number, and the mean of the largest "
        "is more than the theorem's, whose assumption fails there",
        None,
        partial(least_that_fits, 64, 1),
        partial(_named, v3, 64, 1),
        source=Source.OWN,
        must=lambda value: 1 < value < 1.2,
    ),
    *(
        Claim(
            "11.2",
            f"{mean:g} sequences on each of {ways} ranks on average: the mean of the largest of as many Poisson "
            "counts, worked out exactly, over the theorem's: no more than one, though a count lies wider than a normal "
            "number",
            None,
            partial(counts_that_fit, ways, mean),
            partial(_named, ranks, ways, mean),
            source=Source.OWN,
            must=lambda value: 0.8 < value <= 1,
        )
        for ways, mean in ((8, 4.0), (32, 16.0), (32, 64.0))
    ),
)
