"""Failures of a whole training run, where their figures are given: how often, and how long until work goes on.

Nobody's figures are taken by default: without them a run counts no failures, and says so.
"""

from collections.abc import Iterable, Mapping

from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.economics import failures
from steptime.model.economics import symbols as m
from steptime.model.errors import UserError

OFTEN = (m.failure_interval, m.chip_failure_interval)
BESIDE = (m.checkpoint_stall, m.restart_time)
FIGURES = frozenset({*OFTEN, *BESIDE, m.checkpoint_interval, m.slowdown})
"""What says how often a job fails and what that costs; a slowdown alone says it all."""


def failing(values: Mapping[Symbol, float]) -> dict[Symbol, Expr]:
    """Definitions of the interval between failures, of that between checkpoints, and of what a run takes over the work
    in it: none where no figure is given. Raises UserError for some figures without the others."""
    given = {symbol for symbol in FIGURES if symbol in values}
    if not given or m.slowdown in given:
        return {}
    if q.training_tokens not in values:
        raise UserError(f"{_names(given)}: failures are of a whole training run; give its `tokens`")
    if len(given & set(OFTEN)) > 1:
        raise UserError(f"{_names(OFTEN)}: one says what the other follows from; leave one of them out")
    lacking = [*BESIDE] if given & set(OFTEN) else [m.failure_interval, *BESIDE]
    if missing := [symbol for symbol in lacking if symbol not in given]:
        raise UserError(f"{_names(given)}: to count failures {_names(missing)} must be given too")
    often = {} if m.failure_interval in given else {m.failure_interval: failures.job_interval}
    return {**often, m.checkpoint_interval: failures.best_interval, m.slowdown: failures.slowed}


def _names(symbols: Iterable[Symbol]) -> str:
    """Quantities as they are set, in order."""
    return ", ".join(sorted(f"`{symbol}`" for symbol in symbols))
