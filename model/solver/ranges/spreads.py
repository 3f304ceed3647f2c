"""The spread of each solve's answer, where inputs are known within limits: what is solved again, what is proved."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.prices import PriceList
from steptime.model.catalog.tiers import Tier
from steptime.model.choices import Minimise
from steptime.model.economics.reuse import Reuse
from steptime.model.errors import UserError
from steptime.model.estimate import symbols as e
from steptime.model.quantity import lookup
from steptime.model.solver.batch import RESOURCE, solve_batch
from steptime.model.solver.cache.holding import STRANGERS, solve_cache
from steptime.model.solver.crossover import find_crossover
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.solver.machine.earns import who_earns
from steptime.model.solver.ranges.solved import Outcome, agreed_direction, spread_solved
from steptime.model.solver.ranges.uncertainty import Ranges, Spread, is_input
from steptime.model.solver.sensitivity import put_into
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.step.inputs import UserLimit

Progress = Callable[[float], None]
HELD = {"5 min": 300.0, "1 h": 3600.0}
"""Hold times that published prices are for."""
AS_ASKED = "as long as asked"
SEARCHES = 32
"""Searches over layouts for one spread: each takes as long as the search itself."""


def must_be_inputs(case: Case, ranges: Ranges, without: tuple[Symbol, ...] = ()) -> None:
    """Raises UserError for a range of something that is no input here, or that the solve chooses."""
    for symbol in ranges:
        if symbol in without:
            raise UserError(f"range of `{symbol.name}`: this is what is solved for")
        if not is_input(case, symbol):
            said = "not an input of this scenario; ranges are of figures and workload"
            raise UserError(f"range of `{symbol.name}`: {said}")


def batch_spread(
    case: Case,
    ranges: Ranges,
    minimise: Minimise | None,
    bound: float | None,
    limits: Sequence[UserLimit],
    progress: Progress,
) -> Spread:
    """The best batch, its step time and cost at the bound, and in practice where limits hold for the estimate. The cost
    by whichever holds is exact where every term and limit moves one way: the least of what rises at every batch rises,
    and a limit that tightens leaves less to choose from."""
    must_be_inputs(case, ranges, (q.batch,))

    def solve(values: Mapping[Symbol, float]) -> Outcome:
        answer = solve_batch(case.changed(values), minimise, bound, limits)
        if answer.solution is None:
            tends = {} if answer.practice is None else {ranked: answer.infimum or 0.0}
            return Outcome({"cost": answer.bound_cost or 0.0, **tends}, "no batch attains it")
        prices = answer.solution.term_prices
        found = {
            "batch": answer.solution.value,
            "step_time": answer.bound_time or 0.0,
            "cost": answer.bound_cost or 0.0,
        }
        if answer.practice is not None:
            found |= {"step_time in practice": answer.solution.step_time, ranked: answer.solution.cost}
        most = max(prices, key=lambda name: prices[name])
        return Outcome(found, RESOURCE.get(most, most))

    here = solve_batch(case, minimise, bound, limits)
    worth, scenario, ranked = here.worth, case.relaxed.scenario, "cost"
    if here.practice is not None:
        scenario, ranked = here.practice.case.scenario, "cost in practice"

    def proved(output: str, symbol: Symbol) -> int | None:
        if output != ranked or worth is None or symbol in scenario.reach(e.fullest_stage):
            return None
        return agreed_direction([put_into(scenario, expr) for expr in (worth.factor, *worth.rows)], symbol)

    return spread_solved(ranges, solve, proved, progress=progress)


def crossover_spread(case: Case, ranges: Ranges, between: tuple[str, str], over: Symbol, progress: Progress) -> Spread:
    """The crossover nearest to the present value; exact where its closed form is proved to move one way."""
    must_be_inputs(case, ranges, (over,))
    here = find_crossover(case, *between, over)

    def solve(values: Mapping[Symbol, float]) -> Outcome:
        answer = find_crossover(case.changed(values), *between, over, closed=here.bracket is None)
        if answer.value is None:
            raise UserError(answer.remark)
        return Outcome({over.name: answer.value}, case.changed(values).bottleneck or "unknown")

    closed = here.closed_form

    def proved(output: str, symbol: Symbol) -> int | None:
        if closed is None:
            return None
        way = slope_sign(case.scenario.expand(closed.rhs), symbol)
        # The closed form leaves out what is one here: a quantity that is not in it may still move the terms.
        moves = any(case.scenario.depends(case.comparable[name], symbol) for name in between)
        return None if way == 0 and moves else way

    return spread_solved(ranges, solve, proved, progress=progress)


def slope_sign(expr: Expr, symbol: Symbol) -> int | None:
    """The sign of a derivative where it is the same wherever the expression is positive, which an answer is; else None.

    >>> from steptime.model.symbols import batch, context
    >>> slope_sign(batch / (context - batch), batch), slope_sign(batch / (context - batch), context)
    (1, -1)
    """
    if (found := agreed_direction([expr], symbol)) is not None:
        return found
    slope = sympy.diff(expr, symbol)
    for form in (slope, slope / expr):
        rising, under = sympy.fraction(sympy.factor(form))
        known = rising.is_nonnegative or rising.is_nonpositive
        if known and under.is_nonnegative:  # where it is zero there is no answer at all
            return 1 if rising.is_nonnegative else -1
    return None


def earnings_spread(
    case: Case, ranges: Ranges, prices: PriceList | None, batch_adjusts: bool, progress: Progress
) -> Spread:
    """What each resource earns, and in which share of the sample it earns most."""
    must_be_inputs(case, ranges, (q.batch,) if batch_adjusts else ())

    def solve(values: Mapping[Symbol, float]) -> Outcome:
        found = who_earns(case.changed(values), prices, batch_adjusts)
        return Outcome({f"{one.name} earns": one.earns[1] for one in found.worths}, found.worths[0].name)

    return spread_solved(ranges, solve, progress=progress)


def cache_spread(
    case: Case, ranges: Ranges, tiers: Sequence[Tier], reuse: Reuse | None, progress: Progress,
    most: float | None = None, hold: float | None = None,
) -> Spread:  # fmt: skip
    """Break-even times between neighbours, and what a token's cache costs for five minutes, an hour, as long as asked
    for, and by the policy.

    A cost is exact where bytes, computing and the chip's price and room all move it one way: every choice is a sum of
    their products, and the cheapest of what rises rises. What binds is the choice for five minutes.
    """
    own = {symbol: q.prompt if symbol == q.context else symbol for symbol in ranges}  # the cache is what a prefill left
    for symbol, (low, _) in ranges.items():
        if symbol in STRANGERS:
            raise UserError(f"range of `{symbol.name}` says nothing here: {STRANGERS[symbol]}")
        if symbol == q.context and low < 2:
            raise UserError("range of `context`: a single token has nothing to compute again; give at least 2")
    must_be_inputs(case, {own[symbol]: ends for symbol, ends in ranges.items()})
    times = HELD if hold is None else {**HELD, AS_ASKED: hold}

    def solve(values: Mapping[Symbol, float]) -> Outcome:
        answer = solve_cache(case.changed({own[symbol]: value for symbol, value in values.items()}), tiers, reuse, most)
        kept = {f"held {name}": answer.at(time).cost(time) for name, time in times.items()}
        if answer.policy is not None:
            kept |= {"by the policy": answer.policy.expected_cost}
        spans = answer.envelope
        until = {f"{one.choice} until": one.end for one in spans[:-1]}
        return Outcome({**kept, **until}, answer.at(HELD["5 min"]).name)

    parts = (case.fullest_stage.kv / q.prompt, case.resources["compute"] / q.prompt, 1 / q.memory_capacity,
             q.chip_hour_price)  # fmt: skip

    def proved(output: str, symbol: Symbol) -> int | None:
        if output.endswith("until") or most is not None:  # a choice that becomes too slow is no longer one
            return None
        ways = {slope_sign(sympy.expand(case.scenario.expand(part)), own[symbol]) for part in parts} - {0}
        return ways.pop() if len(ways) == 1 else None if ways else 0

    return spread_solved(ranges, solve, proved, progress=progress)


def layout_spread(search: Search, best: Case, ranges: Ranges, progress: Progress) -> Spread:
    """The least cost and its step time, at the bound, and in practice where that decides; every point searched anew;
    what binds, and in which layout."""
    for symbol in ranges:
        if symbol in (q.batch, q.microbatch, q.interleave, q.chips):
            raise UserError(f"range of `{symbol.name}`: this is what is searched for")
        if symbol in search.inputs.by_hand and symbol != q.power_cap:  # no machine's entry has a cap
            raise UserError(f"range of `{symbol.name}`: set by hand as well")
    must_be_inputs(best, ranges)

    def solve(values: Mapping[Symbol, float]) -> Outcome:
        drawn = {symbol: _whole(symbol, value) for symbol, value in values.items()}
        answer = search_layouts(replace(search, inputs=search.inputs.with_given(drawn)))
        best = answer.best
        binds = f"{build_case(best.question).bottleneck} ({best.layout} on {best.question.hardware.name})"
        found = {"cost": best.cost, "step_time": best.step_time}
        if answer.in_practice and best.estimate is not None:
            found |= {"step_time in practice": best.estimate.step_time,
                      "cost in practice": best.ranked(True, answer.minimise)}  # fmt: skip
        return Outcome(found, binds)

    return spread_solved(ranges, solve, samples=SEARCHES, progress=progress)


def _whole(symbol: Symbol, value: float) -> float:
    """Counts that must be whole are rounded."""
    return float(round(value)) if lookup(symbol.name).integer else value
