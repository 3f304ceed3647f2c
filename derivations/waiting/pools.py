"""Chapter 12, waiting: several groups with one queue, or with their requests spread evenly."""

from steptime.derivations.axioms import ALLEN_CUNNEEN, AT_RANDOM, EVENLY_ROUTED, LITTLE, SHARED_EVENLY
from steptime.derivations.facts import Modelled, given
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.waiting.clumps import BUSY
from steptime.derivations.waiting.law import SHARING
from steptime.derivations.waiting.mean import LEFT, LOAD
from steptime.derivations.waiting.numbers import ALLEN, GROUP, KINGMAN, KLEINROCK, LITTLES, group
from steptime.model.waiting import formulas

from steptime.model.waiting.symbols import (  # isort: skip
    arrival_spread, chance_busy, clump, decode_left, decoded, first_wait, mean_in_service, prefill_mean,
    prefill_deviation, group_rate, servers, service_spread, sharing, step_base, step_slope, token_gap,
)  # fmt: skip

ONE_SERVER = given(servers, 1, "a single group")
BUSY_SHARE = given(chance_busy, BUSY, "a single group is busy for the share of time that its prefills take")
POISSON = given(arrival_spread, 1, "requests come at random")
SPREAD = given(
    service_spread, prefill_deviation**2 / prefill_mean**2, "the variance of a prefill over its squared mean"
)

one = Derivation(
    name="pool-of-one",
    title="A pool of one group",
    rows=("12.5",),
    claim="For a single group and requests at random the approximation is exact: Pollaczek and Khinchine's.",
    start=Modelled(first_wait, formulas.pool_wait),
    steps=(
        Step(
            "a single group, requests at random, prefills of any law",
            substitute(ONE_SERVER, BUSY_SHARE, POISSON, SPREAD),
            equation(first_wait, formulas.queue_wait),
        ),
    ),
    assumes=(ALLEN_CUNNEEN, ONE_SERVER, BUSY_SHARE, POISSON, SPREAD),
    sources=(ALLEN, KINGMAN, KLEINROCK),
    example=group,
    example_text=GROUP,
    holds=(more(1, BUSY),),
)

pooled_service = Derivation(
    name="pooled-in-service",
    title="Sequences in service of groups that share evenly",
    rows=("12.5",),
    claim="The constant part of a step counts once for each group, the clump once for all.",
    start=Modelled(mean_in_service, formulas.pooled_held),
    steps=(
        Step(
            "what a token finds of its group",
            substitute(Modelled(token_gap, formulas.pooled_token)),
            equation(
                mean_in_service,
                group_rate * decoded * (servers * step_base + step_slope * (mean_in_service + clump)) / decode_left,
            ),
        ),
        Step(
            "the rate by the work that is shared",
            substitute(SHARING.for_(group_rate)),
            equation(mean_in_service, sharing * (servers * step_base / step_slope + mean_in_service + clump)),
        ),
        Step(
            "solve for the mean",
            solve_for(mean_in_service),
            equation(mean_in_service, (servers * step_base / step_slope + clump) * sharing / (1 - sharing)),
        ),
    ),
    assumes=(AT_RANDOM, SHARED_EVENLY, LITTLE, EVENLY_ROUTED),
    sources=(LITTLES,),
    example=group,
    example_text=GROUP,
    holds=(more(1, sharing),),
)

pooled = Derivation(
    name="pooled-time-between-tokens",
    title="What pooling saves",
    rows=("12.5",),
    claim="Of the time between tokens groups that share evenly save what a sequence adds to its own step; the constant "
    "part, and the load at which it grows without bound, stay.",
    start=Modelled(token_gap, formulas.pooled_token),
    steps=(
        Step(
            "what a token finds of its group",
            substitute(pooled_service),
            equation(token_gap, (step_base + clump * step_slope / servers) / (decode_left * (1 - sharing))),
        ),
        Step(
            "by the rate of one group",
            substitute(SHARING),
            equation(
                token_gap,
                (step_base + clump * step_slope / servers) / (decode_left - group_rate * decoded * step_slope),
            ),
        ),
        Step(
            "the time that prefills leave",
            substitute(LEFT),
            equation(token_gap, (step_base + clump * step_slope / servers) / (1 - LOAD)),
        ),
    ),
    assumes=(LEFT,),
    sources=(LITTLES,),
    example=group,
    example_text=GROUP,
    holds=(more(1, LOAD),),
)

DERIVATIONS = (one, pooled_service, pooled)
