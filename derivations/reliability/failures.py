"""Chapter 14, failures and checkpoints: how often a job fails, and how long an interval of its work takes."""

import sympy

from steptime.derivations.axioms import AS_OFTEN_AS_IT_LASTS, AT_ANY_TIME, FROM_THE_LAST, RESTARTS_QUIET
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Crossing, Defined, Modelled
from steptime.derivations.reliability.formulas import each_fails
from steptime.derivations.reliability.numbers import DAYS, EPOCH, JOB, LLAMA_3, ROSS, UNEXPECTED, at, job
from steptime.derivations.reliability.symbols import failures_by_chance, failures_by_rate, failures_per_second
from steptime.derivations.rules import equation, identity, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.economics import failures

from steptime.model.economics.symbols import (  # isort: skip
    attempt_time, checkpoint_interval, checkpoint_stall, chip_failure_interval, failure_interval, interval_time,
    restart_time, slowdown,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    chips,
)  # fmt: skip

attempt = (checkpoint_interval + checkpoint_stall) / failure_interval
through, not_through = sympy.exp(-attempt), 1 - sympy.exp(-attempt)

MEAN_INTERVAL = Defined(failure_interval, 1 / failures_per_second, "one over the failures per second")
FAILURES = Modelled(failures_per_second, each_fails)

job_fails = Derivation(
    name="job-failure-interval",
    title="How often a job fails",
    rows=("14.1",),
    claim="Rates of failure add up, one chip being enough to stop all: a job of ten thousand chips that each last six "
    "years stops every five hours.",
    start=MEAN_INTERVAL,
    steps=(
        Step("the failures of all chips", substitute(FAILURES), equation(failure_interval, 1 / each_fails)),
        Step("as many as there are chips", total(each_fails, chips / chip_failure_interval),
             equation(failure_interval, failures.job_interval)),
    ),
    assumes=(AT_ANY_TIME,),
    sources=(LLAMA_3, ROSS),
    example=job,
    example_text=JOB,
)  # fmt: skip

attempts = Derivation(
    name="attempt-time",
    title="How long an attempt lasts",
    rows=("14.2",),
    claim="Failures come as often as an attempt lasts, and an attempt ends with one or with none: so it lasts as many "
    "times the mean interval as it is likely to fail.",
    start=Crossing(
        Modelled(failures_by_rate, failures.met),
        Modelled(failures_by_chance, failures.missed),
        "as many failures come while an attempt lasts as end one",
    ),
    steps=(
        Step("solve for the time", solve_for(attempt_time), equation(attempt_time, failure_interval * not_through)),
    ),
    assumes=(AT_ANY_TIME, AS_OFTEN_AS_IT_LASTS),
    sources=(ROSS,),
    example=job,
    example_text=JOB,
)

interval = Derivation(
    name="interval-time",
    title="How long an interval of work takes",
    rows=("14.3",),
    claim="One attempt, and after a failure a restart and all of it again. Long intervals take exponentially longer, "
    "for they hardly ever get through.",
    start=Modelled(interval_time, failures.renewed),
    steps=(
        Step(
            "how long an attempt lasts",
            substitute(attempts),
            equation(interval_time, failure_interval * not_through + not_through * (restart_time + interval_time)),
        ),
        Step(
            "solve for the time",
            solve_for(interval_time),
            equation(interval_time, (failure_interval + restart_time) * not_through / through),
        ),
        Step(
            "over the chance to get through",
            identity(),
            equation(interval_time, (failure_interval + restart_time) * (sympy.exp(attempt) - 1)),
        ),
    ),
    assumes=(FROM_THE_LAST, RESTARTS_QUIET),
    sources=(ROSS,),
    example=job,
    example_text=JOB,
)

slower = Derivation(
    name="failure-slowdown",
    title="Time over the work that is kept",
    rows=("14.3",),
    claim="Short intervals stall too often and long ones lose too much: a U-curve, as of two costs.",
    start=Defined(slowdown, interval_time / checkpoint_interval, "the time of an interval over the work in it"),
    steps=(Step("how long an interval takes", substitute(interval), equation(slowdown, failures.slowed)),),
    assumes=(),
    sources=(ROSS,),
    example=job,
    example_text=JOB,
)

DERIVATIONS = (job_fails, attempts, interval, slower)

CLAIMS = (
    Claim("14.1", f"hours between failures of 16,384 H100 ({LLAMA_3}; 419 in 54 days: about one in three hours)", 3.0,
          lambda: at(job_fails.result.rhs) / 3600, lambda: {"days": DAYS, "unexpected interruptions": UNEXPECTED},
          Wording.ABOUT, Source.PAPER, "h"),
    Claim("14.1", f"hours between failures of one H100, of which 16,384 stop each other ({EPOCH}: 50,000)", 50_000,
          lambda: at(failure_interval) * at(chips) / 3600, lambda: {"days": DAYS, "chips": at(chips)},
          Wording.ABOUT, Source.PAPER, "h"),
    Claim("14.1", f"minutes between failures of 100,000 H100 at that rate ({EPOCH}: 30)", 30,
          lambda: at(job_fails.result.rhs, chips=1e5) / 60, lambda: {"chips": 1e5}, Wording.ABOUT, Source.PAPER,
          "min"),
)  # fmt: skip
