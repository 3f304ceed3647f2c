"""Chapter 12, waiting: how many sequences are in service on average, and the time between two tokens."""

from steptime.derivations.axioms import AT_RANDOM, LITTLE, SHARED_EVENLY
from steptime.derivations.facts import Modelled, given
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.waiting.law import SHARING
from steptime.derivations.waiting.numbers import GROUP, LITTLES, SARATHI_SERVE, group
from steptime.model.waiting import formulas

from steptime.model.waiting.symbols import (  # isort: skip
    clump, decode_left, decoded, mean_in_service, prefill_mean, group_rate, sharing, step_base, step_slope, token_gap,
)  # fmt: skip

LEFT = given(decode_left, formulas.left, "prefills take their share of the time, and leave the rest to decode")
TOKEN = Modelled(token_gap, formulas.token)
WORLD = (AT_RANDOM, SHARED_EVENLY, LITTLE)
LOAD = group_rate * (prefill_mean + decoded * step_slope)
NO_CLUMPS = given(clump, 1, "a token finds what time finds, and itself: prefills run elsewhere, or take no time")

service = Derivation(
    name="in-service",
    title="Sequences in service on average",
    rows=("12.2",),
    claim="Grows without bound as shared work fills the time that prefills leave.",
    start=Modelled(mean_in_service, formulas.held),
    steps=(
        Step(
            "what a token finds",
            substitute(TOKEN),
            equation(
                mean_in_service,
                group_rate * decoded * (step_base + step_slope * (mean_in_service + clump)) / decode_left,
            ),
        ),
        Step(
            "the rate by the work that is shared",
            substitute(SHARING.for_(group_rate)),
            equation(mean_in_service, sharing * (step_base / step_slope + mean_in_service + clump)),
        ),
        Step(
            "solve for the mean",
            solve_for(mean_in_service),
            equation(mean_in_service, (step_base / step_slope + clump) * sharing / (1 - sharing)),
        ),
    ),
    assumes=WORLD,
    sources=(LITTLES,),
    example=group,
    example_text=GROUP,
    holds=(more(1, sharing),),
)

between = Derivation(
    name="time-between-tokens",
    title="The time between two tokens",
    rows=("12.2",),
    claim="A step alone, over what all work leaves of the time: prefills and shared decode count alike, and decode is "
    "stable while their sum is below one.",
    start=TOKEN,
    steps=(
        Step(
            "what a token finds",
            substitute(service),
            equation(token_gap, (step_base + clump * step_slope) / (decode_left * (1 - sharing))),
        ),
        Step(
            "shared work by the rate",
            substitute(SHARING),
            equation(token_gap, (step_base + clump * step_slope) / (decode_left - group_rate * decoded * step_slope)),
        ),
        Step(
            "the time that prefills leave",
            substitute(LEFT),
            equation(token_gap, (step_base + clump * step_slope) / (1 - LOAD)),
        ),
    ),
    assumes=(LEFT,),
    sources=(LITTLES, SARATHI_SERVE),
    example=group,
    example_text=GROUP,
    holds=(more(1, LOAD),),
)

alone = Derivation(
    name="time-between-tokens-decode-only",
    title="The time between two tokens without clumps",
    rows=("12.2",),
    claim="Of a group that only decodes: a step with one sequence, over the share of time that is not asked for.",
    start=between,
    steps=(
        Step(
            "no clumps",
            substitute(NO_CLUMPS),
            equation(token_gap, (step_base + step_slope) / (1 - LOAD)),
        ),
    ),
    assumes=(NO_CLUMPS,),
    sources=(LITTLES,),
    example=group,
    example_text=GROUP,
    holds=(more(1, LOAD),),
)

DERIVATIONS = (service, between, alone)
