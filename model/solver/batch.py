"""The best batch of a case: least cost per token, least energy or least step time, under named limits.

Cost, and limits on time, are those of the estimate of a step where there is one: who asks for the least cost within 30
ms means both as they will be measured. The bound's own answer stands beside it.
"""

from collections.abc import Sequence

import numpy as np
import sympy
from sympy import Expr

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients
from steptime.model.choices import Minimise, PhaseName, TermName
from steptime.model.errors import Unbound, UserError
from steptime.model.phases.memory import filled
from steptime.model.solver.batch_answer import BatchAnswer
from steptime.model.solver.limits import least_batch, limits_of, numbers_but_batch
from steptime.model.solver.parts import Parts, parts_of
from steptime.model.solver.posynomial import falls_per_unit, slope_at_infinity
from steptime.model.solver.practice import Practice, practice_of
from steptime.model.solver.problem import Problem, TimedPart
from steptime.model.solver.sensitivity import envelope
from steptime.model.solver.solution import Solution
from steptime.model.solver.solve import solve
from steptime.model.step.case import Case
from steptime.model.step.estimate import coefficients_of, estimated_time
from steptime.model.step.inputs import UserLimit

RESOURCE = {"compute": TermName.COMPUTE, "memory": TermName.MEMORY, "scale_up": TermName.INTERCONNECT,
            "scale_out": TermName.INTERCONNECT}  # fmt: skip
SCALES: dict[Minimise, tuple[Expr, int, str]] = {
    Minimise.COST: (q.chips * q.chip_hour_price / q.hour, -1, "$ per token"),
    Minimise.ENERGY: (q.chips * q.power, -1, "J per token"),
    Minimise.CHIP_SECONDS: (q.chips, -1, "chip-seconds per token"),
    Minimise.LATENCY: (sympy.S.One, 0, "s per step"),
}
"""What can be minimised: the factor of step_time·batch^exponent, the exponent, the unit."""


def scale_of(case: Case, minimise: Minimise) -> tuple[Expr, int, str]:
    """The same of a case, whose joules may count a cap."""
    factor, exponent, unit = SCALES[minimise]
    return factor.xreplace({q.power: case.counted_power}), exponent, unit


ROUNDING = 1e-12
FULL = 2**11
"""Batches with which every rank is full that are looked at below the continuous optimum."""
FAR = sympy.Float(1e15)
"""A batch that no limit on what grows with it admits."""


def solve_batch(
    case: Case,
    minimise: Minimise | None = None,
    max_step_time: float | None = None,
    limits: Sequence[UserLimit] = (),
    start: float = 64.0,
    in_practice: bool = True,
) -> BatchAnswer:
    """The smallest batch of least cost, at the mean load of every rank; and the best whole one next to it, with whole
    sequences. ``in_practice``: whether it is of the estimate, where there is one; else of the bound. Raises
    UserError where the problem is infeasible or a figure is missing."""
    if case.phase.name == PhaseName.PREFILL and q.answer in case.inputs.given:
        raise UserError("`output`: the best batch is of no whole requests; see `scope` serving")
    minimise = minimise or (Minimise.COST if case.number(q.chip_hour_price) is not None else Minimise.CHIP_SECONDS)
    of_bound = _of_bound(case, minimise, max_step_time, limits, start)
    chosen = coefficients_of(case) if in_practice else None
    practice = None if chosen is None else practice_of(case.relaxed, chosen)
    if practice is None:
        return of_bound
    try:
        return _in_practice(case, practice, of_bound, max_step_time, limits, start)
    except UserError as error:
        alone = of_bound.integer.get("batch")
        said = "" if alone is None else f"; the ideal bound alone would choose batch {alone:,} (`efficiency` ideal)"
        raise UserError(f"in practice {error}{said}") from None


def _of_bound(
    whole: Case, minimise: Minimise, max_step_time: float | None, limits: Sequence[UserLimit], start: float
) -> BatchAnswer:
    """The best batch where limits, cost and prices are those of the bound."""
    case = whole.relaxed
    factor, exponent, unit = scale_of(case, minimise)
    factor = factor if exponent == 0 else factor / case.phase.yields
    timed = case if exponent == 0 else case.of_all_steps
    try:
        scale = case.scenario.evaluate(factor)
        labelled = parts_of(timed)
        parts = _numbered(timed, labelled)
    except Unbound as error:
        missing = ", ".join(case.where(name) for name in sorted(error.names))
        offer = "; `minimise` chip-seconds needs no price" if minimise == Minimise.COST else ""
        raise UserError(f"the best batch needs {missing}{offer}") from None
    bounds, step_limits, shown = limits_of(case, max_step_time, limits, exponent)
    least = bounds["minimum_batch"].value
    problem = Problem(parts, q.batch, scale, exponent, bounds, step_limits, least)
    infimum = None if exponent == 0 else _infimum_not_attained(problem)
    if infimum is not None:
        return BatchAnswer(case, whole, minimise, unit, infimum, None, {}, None, shown)
    found = solve(problem, start)
    return BatchAnswer(case, whole, minimise, unit, None, found, _integer(whole, problem, found),
                       envelope(timed, problem, found, labelled, factor), shown)  # fmt: skip


def _in_practice(
    whole: Case, practice: Practice, of_bound: BatchAnswer, max_step_time: float | None, limits: Sequence[UserLimit],
    start: float,
) -> BatchAnswer:  # fmt: skip
    """The best batch where limits, cost and prices are those of the estimate.

    A step takes the sum of its parts, so scaling all times and the limit by k scales the cost by k: term prices and the
    price of a limit on the step add up to one.
    """
    case, minimise = whole.relaxed, of_bound.minimise
    factor, exponent, unit = scale_of(case, minimise)
    factor = factor if exponent == 0 else factor / case.phase.yields
    bounds, step_limits, shown = limits_of(case, max_step_time, limits, None)
    problem = Problem(_numbered(practice.case, practice.parts), q.batch, case.scenario.evaluate(factor), exponent,
                      bounds, step_limits, bounds["minimum_batch"].value)  # fmt: skip
    infimum = None if exponent == 0 else _infimum_not_attained(problem)
    if infimum is not None:
        return BatchAnswer(case, whole, minimise, unit, infimum, None, {}, None, shown, practice, of_bound)
    found = solve(problem, start)
    return BatchAnswer(case, whole, minimise, unit, None, found, _integer(whole, problem, found, practice.chosen),
                       envelope(practice.case, problem, found, practice.parts, factor), shown, practice,
                       of_bound)  # fmt: skip


def _numbered(case: Case, labelled: Parts) -> tuple[TimedPart, ...]:
    """Parts with numbers for everything but the batch."""
    return tuple(TimedPart(name, {label: numbers_but_batch(case, time) for label, time in terms.items()})
                 for name, terms in labelled.items())  # fmt: skip


def _infimum_not_attained(problem: Problem) -> float | None:
    """The cost that is approached and never reached as batch grows without limit; None where some batch attains it.

    Every term is a constant, a multiple of batch and falling exponentials, so cost per token tends to the sum over the
    parts of the steepest term. It is attained where in each part that term is proportional and strictly the steepest.
    """
    terms = [expr for part in problem.parts for expr in part.terms.values()]
    rising = any(
        limit.upper and float(part.xreplace({problem.over: FAR})) > limit.value
        for limit in problem.limits.values()
        for part in limit.parts
    )
    if rising or not all(falls_per_unit(expr, problem.over, problem.least) for expr in terms):
        return None
    if any(limit.exponent == 0 for limit in problem.step_limits.values()):
        return None
    total, attained = 0.0, True
    for part in problem.parts:
        slopes = {name: float(slope_at_infinity(expr, problem.over)) for name, expr in part.terms.items()}
        steepest = max(slopes, key=lambda name: slopes[name])
        rest = sympy.expand(part.terms[steepest] - slopes[steepest] * problem.over)
        proportional = rest == 0 or abs(float(rest.xreplace({problem.over: sympy.S.One}))) < 1e-18
        strictly = all(slope < slopes[steepest] for name, slope in slopes.items() if name != steepest)
        attained = attained and proportional and (strictly or len(slopes) == 1)
        total += slopes[steepest]
    return None if attained else problem.scale * total


def _integer(
    case: Case, problem: Problem, found: Solution, chosen: Coefficients | None = None
) -> dict[str, float | bool]:
    """The best whole batch next to the continuous optimum, re-checked with whole sequences on every rank; with the
    estimate's time where there are coefficients for one."""
    below, ranks = int(np.floor(found.value * (1 + 1e-12))), int(least_batch(case))
    even = ranks * case.layout.cp  # the next batch at which every rank, and group of chips, is as full as the fullest
    tried = list(range((below // even + 1) * even, max(0, below - 2 * ranks - 1), -1))
    if case.phase.name == PhaseName.TRAIN:  # micro-batches are whole
        tried = list(range((below // ranks + 1) * ranks, 0, -ranks)[:3])
    if chosen is not None:  # whole sequences may take longer than their mean by more than a few batches
        tried += list(range(below // ranks * ranks, 0, -ranks)[:FULL])
    best = _cheapest(case, problem, tried, chosen)
    # The next full batch may break a limit that some before it keep; in training no other is whole.
    if chosen is not None and best["feasible"] and case.phase.name != PhaseName.TRAIN:
        full = int(best["batch"])
        best = _cheapest(case, problem, list(range(full + even, max(0, full - ranks), -1)), chosen)
    return best


def _cheapest(
    case: Case, problem: Problem, tried: Sequence[int], chosen: Coefficients | None
) -> dict[str, float | bool]:
    """The cheapest of some whole batches within all limits, the smallest where several cost as little."""
    batches = np.array(tried, float)
    step_times, costs = _whole_costs(case, problem, batches, chosen)
    if not np.isfinite(costs).any():
        return {"feasible": False}
    place = int(min(np.flatnonzero(costs <= costs.min() * (1 + 1e-12)), key=lambda place: batches[place]))
    return {"feasible": True, "batch": int(batches[place]), "cost": float(costs[place]),
            "step_time": float(step_times[place])}  # fmt: skip


def _whole_costs(
    case: Case, problem: Problem, batches: np.ndarray, chosen: Coefficients | None
) -> tuple[np.ndarray, np.ndarray]:
    """Step time and cost at whole batches; the cost is infinite where a limit is broken."""
    there = case.scenario | {q.batch: batches}
    step_times, allowed = np.broadcast_to(there.evaluate(q.step_time), batches.shape), np.full(batches.shape, True)
    paces = np.broadcast_to(there.evaluate(q.mean_step_time), batches.shape)
    if chosen is not None:
        asked = case.changed({q.batch: batches})
        step_times, paces = (np.broadcast_to(estimated_time(asked, chosen, every), batches.shape)
                             for every in (False, True))  # fmt: skip
    on_steps = [*problem.step_limits.values(), *(one.step for one in problem.limits.values() if one.step is not None)]
    for name, limit in problem.limits.items():
        if limit.step is not None:  # asked of the whole step below, not of its terms at the mean load
            continue
        # Capacity is what whole sequences on the fullest rank need, not the relaxed average.
        whole = {q.micro_batch.name: q.micro_batch, "memory_per_chip": q.memory_per_chip, "memory_capacity": filled}
        for part in (whole[name],) if name in whole else limit.parts:
            ratio = np.asarray(there.evaluate(part)) / limit.value
            allowed = allowed & (ratio <= 1 + ROUNDING if limit.upper else ratio >= 1 - ROUNDING)
    for bound in on_steps:
        times = step_times if bound.exponent == 0 else paces
        allowed = allowed & (times * batches**bound.exponent <= bound.bound * (1 + ROUNDING))
    timed = step_times if problem.exponent == 0 else paces
    return step_times, np.where(allowed, problem.scale * timed * batches**problem.exponent, np.inf)
