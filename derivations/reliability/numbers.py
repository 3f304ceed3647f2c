"""Numbers of a run that fails, for the examples of chapter 14."""

from collections.abc import Mapping

from sympy import Expr, Symbol

from steptime.derivations.reliability import symbols as own
from steptime.derivations.training.run import llama_run
from steptime.model import symbols as q
from steptime.model.economics import failures
from steptime.model.economics import symbols as m
from steptime.model.scenario import Scenario

LLAMA_3 = "Llama team 2024, The Llama 3 herd of models, arXiv 2407.21783, section 3.3.4: 54 days on 16,384 H100"
YOUNG = "Young 1974, A first order approximation to the optimum checkpoint interval, doi 10.1145/361147.361115"
DALY = "Daly 2006, A higher order estimate of the optimum checkpoint interval, doi 10.1016/j.future.2004.11.016"
CORLESS = "Corless et al. 1996, On the Lambert W function, doi 10.1007/BF02124750"
ROSS = "Ross 2014, Introduction to Probability Models, chapters 5 and 7: exponential times and renewal rewards"
EPOCH = "epoch.ai/blog/hardware-failures-wont-limit-ai-scaling, 2024"

DAYS, UNEXPECTED, INTERRUPTIONS = 54.0, 419.0, 466.0
"""Of the published run: its days, the interruptions that nobody planned, and all of them."""

STALL, RESTART = 30.0, 600.0
"""Seconds of a checkpoint's stall and of a restart: the report gives neither, so that these are the example's own."""

JOB = (
    "Llama 3 405B as published: a failure in 54 days / 419 on 16,384 H100; a stall of 30 s and a restart of 10 minutes "
    "are the example's own"
)


def job(stall: float = STALL) -> Mapping[Symbol, float]:
    """The published run, with a stall and a restart of our own, checkpoints as often as is best."""
    between = DAYS * 86400 / UNEXPECTED
    run = llama_run()
    values = {
        **run,
        m.failure_interval: between,
        m.chip_failure_interval: between * run[q.chips],
        m.checkpoint_stall: stall,
        m.restart_time: RESTART,
        own.failures_per_second: 1 / between,
        own.part_number: 1.0,
        own.repair_time: 86400.0,
    }
    values[m.checkpoint_interval] = float(Scenario(values).evaluate(failures.best_interval))
    return values


def at(expr: Expr, **changed: float) -> float:
    """A formula of the chapter at the numbers of the published run, some of them changed."""
    values = {**job(), **{Symbol(name, positive=True): value for name, value in changed.items()}}
    return float(Scenario(values).evaluate(expr))
