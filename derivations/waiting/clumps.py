"""Chapter 12, waiting: prefills make requests join the decode in clumps."""

from steptime.derivations.axioms import AT_RANDOM, EACH_BRINGS_AS_MANY
from steptime.derivations.facts import Modelled
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.waiting.numbers import GROUP, KLEINROCK, SARATHI_SERVE, group
from steptime.model.waiting import formulas

from steptime.model.waiting.symbols import (  # isort: skip
    clump_mean, clump_spread, clump_variance, prefill_mean, prefill_deviation, group_rate,
)  # fmt: skip

BUSY = group_rate * prefill_mean
WORLD = (AT_RANDOM, EACH_BRINGS_AS_MANY)
IDLE = (more(1, BUSY),)

mean = Derivation(
    name="clump-mean",
    title="How many prefills follow one another",
    rows=("12.3",),
    claim="One over the share of time that prefills leave.",
    start=Modelled(clump_mean, formulas.followers),
    steps=(Step("solve for the mean", solve_for(clump_mean), equation(clump_mean, 1 / (1 - BUSY))),),
    assumes=WORLD,
    sources=(KLEINROCK,),
    example=group,
    example_text=GROUP,
    holds=IDLE,
)

variance = Derivation(
    name="clump-variance",
    title="By how much their number varies",
    rows=("12.3",),
    claim="Grows as the third power of one over the time that prefills leave.",
    start=Modelled(clump_variance, formulas.followers_vary),
    steps=(
        Step(
            "solve for the variance",
            solve_for(clump_variance),
            equation(clump_variance, (BUSY + group_rate**2 * prefill_deviation**2) * clump_mean**2 / (1 - BUSY)),
        ),
        Step(
            "as many as follow on average",
            substitute(mean),
            equation(clump_variance, (BUSY + group_rate**2 * prefill_deviation**2) / (1 - BUSY) ** 3),
        ),
    ),
    assumes=WORLD,
    sources=(KLEINROCK,),
    example=group,
    example_text=GROUP,
    holds=IDLE,
)

spread = Derivation(
    name="clump-spread",
    title="What a request finds of its clump",
    rows=("12.3",),
    claim="A request is as likely in a clump as it is large: it finds more than the mean, itself counted.",
    start=Modelled(clump_spread, formulas.clump_square),
    steps=(
        Step(
            "variance and mean",
            substitute(variance, mean),
            equation(clump_spread, (1 + group_rate**2 * prefill_deviation**2) / (1 - BUSY) ** 2),
        ),
    ),
    assumes=(),
    sources=(KLEINROCK, SARATHI_SERVE),
    example=group,
    example_text=GROUP,
    holds=IDLE,
)

DERIVATIONS = (mean, variance, spread)
