"""Answers that no multiplier certifies, once more by another route.

The points of a search: one case built for each alone, every limit asked again, every figure compared. The places of a
cache: no choice is cheaper anywhere, and the policy moves on where one over the hazard is the envelope's hold time.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf, isfinite

from steptime.model import symbols as q
from steptime.model.choices import Minimise, Scope
from steptime.model.errors import NotSolved
from steptime.model.phases.memory import filled, usable
from steptime.model.solver.cache.holding import CacheAnswer
from steptime.model.solver.layouts.points import Answer, Point, Search
from steptime.model.solver.limits import TIMED
from steptime.model.solver.optimality import TOLERANCE
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.step.estimate import Estimate, estimated


@dataclass(frozen=True)
class Recheck:
    """By how much points overstep a limit, relative, and by how much each figure differs on both routes."""

    primal: float
    figures: Mapping[str, float]


FIGURES = {
    "step_time": q.step_time, "per_sequence": q.tokens_per_second_per_sequence,
    "per_chip": q.tokens_per_second / q.chips, "dollars_per_million_tokens": q.dollars_per_million_tokens,
    "joules_per_token": q.joules_per_token,
}  # fmt: skip
COSTS = {
    Minimise.COST: q.dollars_per_million_tokens / q.million, Minimise.ENERGY: q.joules_per_token,
    Minimise.CHIP_SECONDS: q.chips / q.tokens_per_second, Minimise.LATENCY: q.step_time,
}  # fmt: skip
"""What a step says of each figure of a point."""


def recheck(answer: Answer) -> Recheck:
    """The check of the best point, of the next one, and of the best on each machine: each a case of its own, built from
    its question, every limit asked again and every figure compared. Raises NotSolved where one fails."""
    over, differ = 0.0, dict[str, float]()
    others = [point for point in (answer.runner_up, *answer.best_of.values()) if point not in (None, answer.best)]
    for point in (answer.best, *others):
        assert point is not None
        case = build_case(point.question)
        practice = estimated(case) if point.estimate is not None else None
        over = max(over, *_oversteps(answer.search, case, point, practice if answer.in_practice else None))
        for name, expr in {**FIGURES, "cost": COSTS[answer.minimise]}.items():
            differ[name] = max(differ.get(name, 0.0), _apart(case.number(expr), getattr(point, name)))
        times = [(one and one.step_time, one and one.mean_time) for one in (practice, point.estimate)]
        differ["estimate"] = max(differ.get("estimate", 0.0), *itertools.starmap(_apart, zip(*times, strict=True)))
    found = Recheck(over, differ)
    if max(over, *differ.values()) > TOLERANCE:
        raise NotSolved(f"a point failed its check: {found}")
    return found


def _oversteps(search: Search, case: Case, point: Point, practice: Estimate | None = None) -> Iterator[float]:
    """By how much a point oversteps each limit, relative; those on time with its estimate, where that is given."""
    yield 0.0
    if (most := case.number(usable)) is not None:
        yield case.scenario.evaluate(filled) / most - 1
    bounds = case.scenario.evaluate(q.step_time), case.scenario.evaluate(q.mean_step_time)
    step, mean = bounds if practice is None else (practice.step_time, practice.mean_time)
    if search.max_step_time is not None:
        yield step / search.max_step_time - 1
    for limit in search.limits:
        ratio = case.scenario.evaluate(limit.quantity) / limit.value
        if limit.quantity in TIMED:
            own = limit.quantity in (q.step_time, q.tokens_per_second_per_sequence)
            ratio *= (step / bounds[0] if own else mean / bounds[1]) ** (1 if limit.upper else -1)
        yield (ratio if limit.upper else 1 / ratio) - 1
    if search.max_ttft is not None:
        lengths = case.numbers((q.prompt, q.context))
        prompt = lengths[q.prompt if search.inputs.scope == Scope.SERVING else q.context]
        alone = build_case(replace(point.question, inputs=point.question.inputs.prompt_alone(prompt or 0.0)))
        time = alone.scenario.evaluate(q.step_time)
        yield _apart(time, point.time_to_first_token)
        if practice is not None and (found := estimated(alone)) is not None:
            time = found.step_time
            yield _apart(time, point.first_token_estimate)
        yield time / search.max_ttft - 1


def _apart(one: float | None, other: float | None) -> float:
    """How far two figures are apart, relative; not at all where neither exists."""
    if one is None or other is None:
        return 0.0 if one is other else inf
    return abs(one / other - 1) if other else abs(one)


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
