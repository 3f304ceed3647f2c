"""Chapter 14, failures and checkpoints: chips that fail, and those that are in repair.

Rates of independent failures add up: each chip brings its own, and any of them stops the job.
What is in repair is what fails per second times how long each is away (Little).
"""

import sympy
from sympy import S

from steptime.derivations.reliability.symbols import failures_per_second, part_number, repair_time
from steptime.model.economics.symbols import (
    checkpoint_interval,
    checkpoint_stall,
    chip_failure_interval,
    failure_interval,
)
from steptime.model.symbols import chips

each_fails = sympy.Sum(1 / chip_failure_interval, (part_number, S.One, chips))
"""Failures of a job per second: those of each of its chips, one as often as any other."""

away = failures_per_second * repair_time
"""Chips in repair."""

squared_ratio = 2 * checkpoint_stall * failure_interval / checkpoint_interval**2
"""Young's interval over another one, squared."""
