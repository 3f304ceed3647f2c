"""Answers that no multiplier certifies, once more by another route.

The best point of a search: one case built for it alone, every limit asked again. The places of a cache: no choice is
cheaper anywhere, and the policy moves on where one over the hazard is the envelope's hold time.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from steptime.model import symbols as q
from steptime.model.errors import NotSolved
from steptime.model.solver.cache.holding import CacheAnswer
from steptime.model.solver.layouts.points import Answer
from steptime.model.solver.optimality import TOLERANCE
from steptime.model.step.case import Case


@dataclass(frozen=True)
class Recheck:
    """By how much the best point oversteps a limit, relative, and by how much its step time differs on both routes."""

    primal: float
    step_time: float


def recheck(answer: Answer, best: Case) -> Recheck:
    """The check of the best point; raises NotSolved where it fails. ``best`` is its case, built from the question."""
    step_time = best.scenario.evaluate(q.step_time)
    over = [0.0]
    if (capacity := best.number(q.memory_capacity)) is not None:
        over.append(best.scenario.evaluate(q.memory_per_chip) / capacity - 1)
    if answer.search.max_step_time is not None:
        over.append(step_time / answer.search.max_step_time - 1)
    found = Recheck(max(over), abs(step_time / answer.best.step_time - 1))
    if max(found.primal, found.step_time) > TOLERANCE:
        raise NotSolved(f"the best point failed its check: {found}")
    return found


@dataclass(frozen=True)
class CacheRecheck:
    """By how much some choice is cheaper than the envelope's, relative, and by how much one over the hazard differs
    from the envelope's hold time where the policy moves on."""

    primal: float
    stationarity: float


def recheck_cache(answer: CacheAnswer) -> CacheRecheck:
    """The check of a cache's places; raises NotSolved where it fails."""
    ends = [pair.hold_time for pair in answer.break_even if pair.hold_time]
    times = [0.0, *(by * end for end in ends for by in (0.5, 1.0, 2.0))]
    cheapest = [(answer.at(time).cost(time), min(one.cost(time) for one in answer.choices)) for time in times]
    primal = max(ours / least - 1 if least > 0 else ours for ours, least in cheapest)
    stationarity = 0.0
    if answer.policy is not None and answer.reuse is not None and primal <= TOLERANCE:
        until = {before.choice: before.end for before in answer.envelope}
        for before, _ in pairwise(answer.policy.spans):
            if isfinite(before.end) and isfinite(until[before.choice]):
                wanted = until[before.choice] * answer.reuse.hazard(before.end)
                stationarity = max(stationarity, abs(wanted - 1))
    found = CacheRecheck(primal, stationarity)
    if max(primal, stationarity) > TOLERANCE:
        raise NotSolved(f"the places of the cache failed their check: {found}")
    return found
