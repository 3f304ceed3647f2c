"""Chapter 14, failures and checkpoints: the best interval between checkpoints, and what a run loses at it."""

import sympy

from steptime.derivations.axioms import IN_THE_MIDDLE
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Chosen, Defined, Modelled, Solved, Tends
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.reliability.failures import attempt, slower
from steptime.derivations.reliability.formulas import squared_ratio
from steptime.derivations.reliability.numbers import CORLESS, DALY, JOB, LLAMA_3, YOUNG, at, job
from steptime.derivations.reliability.symbols import (
    first_order_loss,
    kept_share_of_time,
    lost_share_of_time,
    young_ratio,
)
from steptime.derivations.steps import Derivation, Step
from steptime.model.economics import failures
from steptime.model.scenario import Scenario

from steptime.derivations.rules import (  # isort: skip
    both_sides, equation, identity, lambert, limit, minimise, side, solve_for, substitute, turning,
)  # fmt: skip
from steptime.model.economics.symbols import (  # isort: skip
    checkpoint_interval, checkpoint_stall, failure_interval, restart_time,
)  # fmt: skip

SOONEST = Chosen(checkpoint_interval, "checkpoints are written as often as makes the job soonest done")
through, share = sympy.exp(-attempt), checkpoint_interval / failure_interval
"""The chance to get through, and an interval as a share of the mean time between failures."""

SLOPE = (failure_interval + restart_time) * sympy.exp(attempt) / checkpoint_interval**2
"""What multiplies the difference that the sign of the slope is that of."""

at_best = Derivation(
    name="stall-of-best-interval",
    title="The stall for which an interval is best",
    rows=("14.4",),
    claim="At the best interval the chance to get through is one less the interval over the time between failures. "
    "How long a restart takes does not matter: it is paid once a failure, whatever the interval.",
    start=slower,
    steps=(
        Step(
            "the slope changes its sign once, and there the job is soonest done",
            turning(checkpoint_interval, through, 1 - share, SLOPE),
            equation(through, 1 - share),
        ),
        Step("its logarithm", both_sides(sympy.log(side)), equation(-attempt, sympy.log(1 - share))),
        Step(
            "solve for the stall",
            solve_for(checkpoint_stall),
            equation(checkpoint_stall, -checkpoint_interval - failure_interval * sympy.log(1 - share)),
        ),
    ),
    assumes=(SOONEST,),
    sources=(DALY,),
    example=job,
    example_text=JOB,
    holds=(more(failure_interval, checkpoint_interval),),
)

best = Derivation(
    name="best-checkpoint-interval",
    title="The best interval between checkpoints",
    rows=("14.4",),
    claim="Exact, by Lambert's function, which undoes u e^u. It counts work alone, not the stall, and stays below the "
    "mean time between failures however long a checkpoint takes.",
    start=slower,
    steps=(
        Step(
            at_best.steps[0].why,
            turning(checkpoint_interval, share - 1, -through, SLOPE),
            equation(share - 1, -through),
        ),
        Step(
            "times an exponential, so that the interval stands in one product",
            both_sides(side * sympy.exp(share - 1)),
            equation((share - 1) * sympy.exp(share - 1), -through * sympy.exp(share - 1)),
        ),
        Step(
            "it cancels on the right",
            identity(),
            equation((share - 1) * sympy.exp(share - 1), -sympy.exp(-1 - checkpoint_stall / failure_interval)),
        ),
        Step(
            "Lambert's function undoes it: the interval is no less than nought",
            lambert(share - 1),
            equation(share - 1, sympy.LambertW(-sympy.exp(-1 - checkpoint_stall / failure_interval))),
        ),
        Step(
            "solve for the interval",
            solve_for(checkpoint_interval),
            equation(checkpoint_interval, failures.best_interval),
        ),
    ),
    assumes=(SOONEST,),
    sources=(DALY, CORLESS),
    example=job,
    example_text=JOB,
)

young = Derivation(
    name="young-interval",
    title="Young's square root",
    rows=("14.5",),
    claim="Four times the stall, or chips that last four times as long: twice the interval. At it stalls cost as "
    "much as work that is done twice.",
    start=Modelled(first_order_loss, failures.first_loss),
    steps=(
        Step(
            "where it is least",
            minimise(checkpoint_interval),
            equation(checkpoint_interval, failures.young_interval),
        ),
    ),
    assumes=(IN_THE_MIDDLE, Chosen(checkpoint_interval, "checkpoints are written as often as loses least")),
    sources=(YOUNG,),
    example=job,
    example_text=JOB,
)

limit_of = Derivation(
    name="young-limit",
    title="Young's square root as a limit",
    rows=("14.5",),
    claim="The exact interval tends to the square root as failures become rare; it is the shorter of the two, "
    "by a third of the interval over the time between failures.",
    start=Modelled(young_ratio, squared_ratio),
    steps=(
        Step(
            "the stall for which the interval is best",
            substitute(at_best),
            equation(
                young_ratio,
                2
                * failure_interval
                * (-checkpoint_interval - failure_interval * sympy.log(1 - share))
                / checkpoint_interval**2,
            ),
        ),
        Step("failures become rare", limit(failure_interval, sympy.oo), equation(young_ratio, 1)),
    ),
    assumes=(Tends(failure_interval, sympy.oo, "failures become ever rarer beside the interval"),),
    sources=(YOUNG, DALY),
    example=job,
    example_text=JOB,
)

kept = Derivation(
    name="goodput-at-best",
    title="Goodput at the best interval",
    rows=("14.6",),
    claim="Of a mean time between failures and a restart all is kept but the one interval and the restart: the stall "
    "matters only by the interval that it asks for.",
    start=Defined(kept_share_of_time, failures.goodput, "the work that is kept over the time that it takes"),
    steps=(
        Step(
            "time over the work that is kept",
            substitute(slower),
            equation(kept_share_of_time, 1 / failures.slowed),
        ),
        Step(
            "the stall for which the interval is best",
            substitute(at_best),
            equation(
                kept_share_of_time,
                checkpoint_interval / ((failure_interval + restart_time) * (1 / (1 - share) - 1)),
            ),
        ),
        Step(
            "the interval cancels",
            identity(),
            equation(kept_share_of_time, (failure_interval - checkpoint_interval) / (failure_interval + restart_time)),
        ),
    ),
    assumes=(),
    sources=(DALY,),
    example=job,
    example_text=JOB,
    holds=(more(failure_interval, checkpoint_interval),),
)

lost = Derivation(
    name="lost-at-best",
    title="What a run loses",
    rows=("14.6",),
    claim="An interval and a restart for each failure: half of the interval is stalls, the other half work done twice.",
    start=Defined(lost_share_of_time, 1 - kept_share_of_time, "what is not kept"),
    steps=(
        Step(
            "what is kept",
            substitute(kept),
            equation(
                lost_share_of_time, 1 - (failure_interval - checkpoint_interval) / (failure_interval + restart_time)
            ),
        ),
        Step(
            "as one fraction",
            identity(),
            equation(lost_share_of_time, (checkpoint_interval + restart_time) / (failure_interval + restart_time)),
        ),
    ),
    assumes=(),
    sources=(DALY,),
    example=job,
    example_text=JOB,
    holds=(more(failure_interval, checkpoint_interval),),
)

DERIVATIONS = (at_best, best, young, limit_of, kept, lost)


def restart_for(share: float, between: float) -> float:
    """Seconds that a restart may take if such a share is kept, with checkpoints that cost nothing."""
    known = {kept_share_of_time: share, checkpoint_interval: 0.0, failure_interval: between}
    return float(Scenario(known).evaluate(Solved(kept, restart_time).line.rhs))


BYTE_ROBUST = "arXiv 2509.16293: 97 % effective on 9,600 GPUs"
FEWER = 9_600.0

CLAIMS = (
    Claim("14.6", f"minutes that a restart may take where nine tenths are kept ({LLAMA_3}: over 90 % effective)", None,
          lambda: restart_for(0.9, at(failure_interval)) / 60, lambda: {"failure_interval": at(failure_interval)},
          source=Source.OWN, unit="min", must=lambda value: 15 < value < 25),
    Claim("14.6", f"minutes that a restart may take where 97 % are kept ({BYTE_ROBUST}), at the rate of Llama 3",
          None, lambda: restart_for(0.97, at(failures.job_interval, chips=FEWER)) / 60, lambda: {"chips": FEWER},
          source=Source.OWN, unit="min", must=lambda value: 5 < value < 15),
    Claim("14.5", "Young's interval over the best one, at a stall of 30 s", None,
          lambda: at(failures.young_interval) / at(failures.best_interval), lambda: {"checkpoint_stall": 30.0},
          source=Source.OWN, must=lambda value: 1 < value < 1.1),
)  # fmt: skip
