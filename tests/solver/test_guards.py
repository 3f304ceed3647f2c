"""What the solvers refuse, where they begin, what is worth nothing, and what a search counts."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import sympy
from conftest import case_of
from questions import search_of
from sympy import Expr, Integer, Max, Rational, Symbol

from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.solver.batch import solve_batch
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.solver.posynomial import falls_per_unit, slope_at_infinity
from steptime.model.solver.problem import Limit, Problem, StepLimit, TimedPart
from steptime.model.solver.sensitivity import envelope_at, log_slope
from steptime.model.solver.solve import Program, _feasible_start, solve
from steptime.model.step.solver_words import limit_of

x, y, c = q.batch, q.context, q.kv_bytes
real = Symbol("real", real=True)

HALF = Rational(1, 2) ** x
FALLING: dict[str, tuple[Expr, bool]] = {
    "a constant": (Integer(2), True),
    "a negative one": (Integer(-2), False),
    "a line from zero": (3 * x, True),
    "a falling line": (5 - 3 * x, False),
    "concave from zero": (4 * (1 - HALF), True),
    "written with the inverse": (4 * (1 - Integer(2) ** (-x)), True),
    "concave from below zero": (1 - 4 * HALF, False),
    "convex": (4 * HALF, False),
    "growing without bound": (4 * (1 - Integer(2) ** x), False),
    "an exponential of a square": (1 - Rational(1, 2) ** (x**2), False),
    "a square": (x**2, False),
    "a maximum of some": (Max(3 * x, 2, evaluate=False), True),
    "a maximum with one that rises": (Max(x**2, 2, evaluate=False), False),
}


@pytest.mark.parametrize("name", FALLING)
def test_what_falls_per_unit(name: str) -> None:
    expr, expected = FALLING[name]
    assert falls_per_unit(expr, x) is expected
    if expected:
        values = [float(expr.subs(x, n) / n) for n in np.geomspace(0.01, 100, 200)]
        assert all(later <= earlier * (1 + 1e-12) for earlier, later in pairwise(values))
        assert float(slope_at_infinity(expr, x)) == pytest.approx(values[-1], abs=0.1) or expr.has(Max)


def problem(least: float = 1e-3, **limits: tuple[Expr, float, bool]) -> Problem:
    """Time 8 + x and cost of it per x, under limits."""
    named = {name: Limit((expr,), value, upper) for name, (expr, value, upper) in limits.items()}
    part = TimedPart("all", {"fixed": sympy.Float(8.0), "grows": 2 * x})
    return Problem((part,), x, 1.0, -1, named, {}, least)


STARTS = {
    "one that is allowed stays": ({}, 1e-3, 7.0, 7.0, 7.0),
    "one below the least is lifted to it": ({}, 20.0, 7.0, 20.0, 20.0),
    "one that is too large falls to the nearest point below": ({"most": (x, 100.0, True)}, 1e-3, 5e3, 95.0, 100.0),
    "one that is too small rises to the nearest point above": ({"fewest": (x, 100.0, False)}, 1e-3, 5.0, 100.0, 105.0),
}


@pytest.mark.parametrize("name", STARTS)
def test_where_a_solve_begins(name: str) -> None:
    """At the start, if no limit forbids it, else at the nearest point that is allowed: 1,200 from the least to 1e15."""
    limits, least, start, low, high = STARTS[name]
    assert low <= _feasible_start(Program(problem(least, **limits)), start) <= high * (1 + 1e-9)


def test_where_limits_leave_less_than_the_grid_shows_the_point_is_found() -> None:
    limits = {"most": (x, 100.0, True), "fewest": (x, 99.999, False)}
    found = solve(problem(**limits), 3.0)
    assert 99.998 < found.value < 100.001


def test_where_nothing_is_allowed_the_worst_limit_is_as_little_broken_as_may_be() -> None:
    """Between 10 at most and 40 at least, 20 breaks each twice."""
    limits = {"most": (x, 10.0, True), "fewest": (x, 40.0, False)}
    with pytest.raises(UserError, match="infeasible: at best, at batch 20, most is exceeded 2 times, fewest"):
        solve(problem(**limits), 64.0)
    with pytest.raises(UserError, match="infeasible: even at batch 40, most is exceeded 4 times"):
        solve(problem(40.0, most=(x, 10.0, True)), 64.0)


@pytest.mark.parametrize("start", [1.0, 64.0, 1e6])
@pytest.mark.parametrize("model", ["llama-3.1-70b", "mixtral-8x7b"])
def test_the_best_batch_does_not_depend_on_where_the_solve_begins(model: str, start: float) -> None:
    """The program is convex, or falls and then rises: the start of 64 is a start and nothing else."""
    case = case_of(model, "h100-sxm", layout="tp=8", context="1000")
    usual = solve_batch(case).solution
    found = solve_batch(case, start=start).solution
    assert (found.value, found.cost) == (pytest.approx(usual.value, rel=1e-6), pytest.approx(usual.cost, rel=1e-9))


PER_TOKEN = {"joules_per_token": q.power, "dollars_per_million_tokens": q.chip_hour_price * q.million / q.hour}


@pytest.mark.parametrize("layout", ["tp=8", "tp=8,pp=2", "tp=8,replicas=3", "tp=4,pp=2,dp=2,replicas=2"])
@pytest.mark.parametrize("limit", PER_TOKEN)
def test_limits_on_what_a_token_costs_count_every_chip(limit: str, layout: str) -> None:
    """The least step time under such a limit meets it: all chips of all stages and replicas are paid for."""
    case = case_of("llama-3.1-70b", "h100-sxm", layout=layout, context="1000", efficiency="ideal")
    each = case.layout.chips * case.number(PER_TOKEN[limit])
    at_64 = each * case.number(q.step_time) / case.number(q.batch)
    found = solve_batch(case, "latency", limits=[limit_of(f"{limit}<={at_64 * 0.9!r}")]).solution
    assert each * found.step_time / found.value == pytest.approx(at_64 * 0.9, rel=1e-6)
    assert found.shadow_prices[limit] < 0


@pytest.mark.parametrize("limit", ["tokens_per_second>=9000", "tokens_per_second_per_sequence>=40"])
def test_limits_on_rates(limit: str) -> None:
    """The batch of least cost under a rate for each sequence, and of least latency under one for all, meets it."""
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8,replicas=3", context="1000", efficiency="ideal")
    name, _, value = limit.partition(">=")
    found = solve_batch(case, "latency" if name == "tokens_per_second" else None, limits=[limit_of(limit)]).solution
    rate = (found.value if name == "tokens_per_second" else 1) / found.step_time
    assert rate >= float(value) * (1 - 1e-6)
    assert found.shadow_prices[name] >= 0


def test_a_step_limit_with_an_exponent_is_met() -> None:
    limited = Problem(problem().parts, x, 1.0, 0, {}, {"rate": StepLimit(4.0, -1, False)})
    found = solve(limited, 64.0)
    assert found.value == pytest.approx(2.0, rel=1e-5), "(8 s at 2 or fewer) / 2 = 4"


def test_what_is_zero_has_no_elasticity() -> None:
    """d ln cost / d ln q at q = 0 is (q/cost) dcost/dq = 0, however much the cost depends on it."""
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", context="1000")
    assert case.number(q.scale_up_latency) == 0
    board = case.phase.blackboard
    assert log_slope(board.scale_up.time, case.scenario, q.scale_up_latency) == 0.0
    found = solve_batch(case).sensitivities
    assert all(worth.ends == (0.0, 0.0) for name, worth in found.items() if "latency" in name)


def test_a_term_that_does_not_bind_is_worth_nothing() -> None:
    """A step that waits for memory alone: a per cent of bandwidth is a per cent of time, and FLOP/s are nothing."""
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", context="1000", batch="8")
    found = envelope_at(case).of_every(case)
    assert found["memory_bandwidth"].ends == (pytest.approx(-1, abs=1e-6), pytest.approx(-1, abs=1e-6))
    assert found["peak_flops"].ends == (0.0, 0.0)
    assert found["memory_bandwidth"].found == pytest.approx(-1, abs=1e-6)


def test_where_two_terms_tie_one_of_them_carries_the_price() -> None:
    """Compute made exactly as slow as memory: more of one alone brings nothing, more of both their per cent; what
    is found is one division of it, not both."""
    asked = {"layout": "tp=8", "context": "1000", "batch": "8"}
    case = case_of("llama-3.1-70b", "h100-sxm", **asked)
    board = case.phase.blackboard
    peak = case.number(board.compute.work) / case.number(board.memory.time)
    tied = envelope_at(case_of("llama-3.1-70b", "h100-sxm", sets=(f"peak_flops={peak!r}",), **asked))
    each = [tied.to(symbol) for symbol in (q.peak_flops, q.memory_bandwidth)]
    assert sum(one.found for one in each) == pytest.approx(-1, abs=1e-6)
    for one in each:
        assert one.ends == (pytest.approx(-1, abs=1e-6), pytest.approx(0, abs=1e-6))
        assert -1.000001 <= one.found <= 0
    assert tied.to(q.peak_flops, q.memory_bandwidth).ends == (pytest.approx(-1, abs=1e-6),) * 2


def test_where_nothing_overlaps_every_term_is_worth_its_share() -> None:
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", context="1000", batch="8", overlap="none")
    board, found = case.phase.blackboard, envelope_at(case).of_every(case)
    times = {term.name: case.number(term.time) for term in board.terms}
    whole = sum(times.values())
    for name, rate in {"compute": "peak_flops", "memory": "memory_bandwidth", "scale_up": "scale_up_bandwidth"}.items():
        assert found[rate].found == pytest.approx(-times[name] / whole, rel=1e-4)


def test_counts_of_a_search_add_up() -> None:
    """Over machines, numbers of chips and batches: what each part counts alone, together; every point is counted once
    as feasible or breaks a limit."""
    asked = {"max_step_time": 0.02, "context": "9000", "weights": "fp8", "kv": "bf16"}
    whole = search_layouts(search_of("llama-3.1-8b", ("h100-sxm", "mi300x"), (1, 2), (8, 96, 2048), "latency", **asked))
    points, feasible, broken = 0, 0, Counter[str]()
    for machine in ("h100-sxm", "mi300x"):
        for chips in (1, 2):
            for batch in (8, 96, 2048):
                try:
                    part = search_layouts(search_of("llama-3.1-8b", machine, (chips,), (batch,), "latency", **asked))
                except UserError:
                    part = None
                if part is not None:
                    points, feasible = points + part.points, feasible + part.feasible
                    broken.update(part.infeasible)
                    assert part.feasible + max(part.infeasible.values()) <= part.points
                    assert part.feasible + sum(part.infeasible.values()) >= part.points
    assert whole.points == whole.layouts * len(whole.questions) * 3
    assert whole.feasible == feasible
    assert whole.feasible < whole.points <= whole.feasible + sum(whole.infeasible.values())
    assert all(whole.infeasible[name] >= count for name, count in broken.items())


def test_counts_of_what_breaks_each_limit() -> None:
    """Two chips, 8B weights in fp8, contexts of 9,000: a batch of one leaves no sequence for a second replica, rank or
    stage; 2,048 caches of 1.2 GB fit nowhere; and no point is left out."""
    found = search_layouts(search_of("llama-3.1-8b", "h100-sxm", (2,), (1, 2048), "latency", context="9000",
                                     weights="fp8", kv="bf16"))  # fmt: skip
    assert found.points == found.layouts * 2
    assert found.infeasible["memory_capacity"] >= found.layouts
    assert found.feasible <= found.layouts
    assert found.feasible + sum(found.infeasible.values()) >= found.points


def test_the_progress_of_a_search_rises_to_all_of_it() -> None:
    """Each choice of formats on each machine counts once, in both ways to cut feed-forward blocks."""
    shares: list[float] = []
    search = search_of("mixtral-8x7b", ("h100-sxm", "mi300x"), (2,), (8, 16), "latency", context="1000")
    search_layouts(search, shares.append)
    assert shares == sorted(shares) and shares[0] > 0 and shares[-1] == pytest.approx(1.0)
