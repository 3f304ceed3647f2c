"""What failures cost a job that writes checkpoints: how long an interval of work takes, and the best interval.

Failures come at random, one in ``failure_interval`` on average whenever the job works or writes a checkpoint; what was
done since the last checkpoint is lost, and a restart, itself not interrupted, comes before it is done again. An
interval counts work alone: checkpoints stall the job for a time of their own after each.
Sources: Young 1974 (doi 10.1145/361147.361115) for the square root, Daly 2006 (doi 10.1016/j.future.2004.11.016) for
exponential failures; restarts that are interrupted too would multiply by exp(R/M) in the place of 1 + R/M.
"""

import sympy

from steptime.model.economics.symbols import (  # isort: skip
    attempt_time, checkpoint_interval, checkpoint_stall, chip_failure_interval, failure_interval, interval_time,
    restart_time, slowdown,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    chips,
)  # fmt: skip

job_interval = chip_failure_interval / chips
"""Mean time between failures of a job that any of its chips stops."""

survival = sympy.exp(-(checkpoint_interval + checkpoint_stall) / failure_interval)
"""Chance that no failure comes while an interval is worked on and its checkpoint written."""

met = attempt_time / failure_interval
"""Failures that come while an attempt lasts, which ends with the first of them or when the interval is through."""

missed = 1 - survival
"""The same, since each attempt ends with one failure or with none: the chance of one."""

renewed = attempt_time + (1 - survival) * (restart_time + interval_time)
"""Time of an interval: one attempt, and where that fails a restart, and as long again."""

best_interval = failure_interval * (1 + sympy.LambertW(-sympy.exp(-1 - checkpoint_stall / failure_interval)))
"""Work between checkpoints with which a job is soonest done."""

first_loss = (
    checkpoint_stall / checkpoint_interval
    + checkpoint_interval / (2 * failure_interval)
    + restart_time / failure_interval
)
"""Share of the time that is lost, to first order: a stall an interval, half an interval and a restart a failure."""

young_interval = sympy.sqrt(2 * checkpoint_stall * failure_interval)
"""The same to first order, where a stall is far shorter than the time between failures."""

slowed = (
    (failure_interval + restart_time)
    * (sympy.exp((checkpoint_interval + checkpoint_stall) / failure_interval) - 1)
    / checkpoint_interval
)
"""Time over the work that is kept."""

goodput = 1 / slowdown
"""Share of the time that is work that is kept."""
