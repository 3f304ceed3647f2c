"""Ranges on solves: proved ends are those of a grid of solves, samples lie inside, what is solved for has no range."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from conftest import case_of
from machine_instances import random_mix
from questions import MARKET, cache_of, search_of

from steptime.model import symbols as q
from steptime.model.catalog.prices import read_prices
from steptime.model.catalog.tiers import catalogue_tiers
from steptime.model.errors import UserError
from steptime.model.solver.batch import solve_batch
from steptime.model.solver.cache.holding import solve_cache
from steptime.model.solver.crossover import find_crossover
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.solver.machine.best import best_machine
from steptime.model.solver.ranges import solved as spread_solved
from steptime.model.solver.ranges.machine_spread import machine_spread, with_values
from steptime.model.solver.ranges.spreads import (
    batch_spread,
    cache_spread,
    crossover_spread,
    earnings_spread,
    layout_spread,
)
from steptime.model.step.solver_words import reuse_of

PRICES = str(MARKET)


def quiet(share: float) -> None:
    pass


@pytest.fixture(autouse=True)
def few_samples(monkeypatch) -> None:
    monkeypatch.setattr("steptime.model.view.progress.Progress.show", lambda self, share: None)
    monkeypatch.setattr(spread_solved.spread_solved, "__defaults__", (spread_solved.no_proof, 32, quiet))


def grid(ranges):
    for point in product(*(np.geomspace(low, high, 5) for low, high in ranges.values())):
        yield dict(zip(ranges, map(float, point), strict=True))


@pytest.mark.parametrize("model, options, ranges", [
    ("llama-3.1-70b", {"layout": "tp=8"}, {q.memory_efficiency: (0.5, 0.9), q.context: (200.0, 20000.0)}),
    ("deepseek-v3", {"layout": "dp=32,ep=32"}, {q.chip_hour_price: (1.0, 4.0), q.memory_capacity: (6e10, 2e11)}),
])  # fmt: skip
@pytest.mark.parametrize("efficiency", ["ideal", "calibrated"])
def test_the_cost_of_the_best_batch_is_exact(model, options, ranges, efficiency) -> None:
    """By whichever decides."""
    case = case_of(model, "h100-sxm", efficiency=efficiency, **options)
    found = batch_spread(case, ranges, None, None, (), quiet)
    costs = [solve_batch(case.changed(point)).solution.cost for point in grid(ranges)]
    cost, batch = found.intervals["cost" if efficiency == "ideal" else "cost in practice"], found.intervals["batch"]
    assert cost.exact and not batch.exact
    assert (cost.low, cost.high) == pytest.approx((min(costs), max(costs)), rel=1e-6)
    assert cost.low <= cost.median <= cost.high
    assert sum(found.binds.values()) == pytest.approx(1) and found.solved == 1


def test_points_that_break_a_limit_are_counted_out() -> None:
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8")
    found = batch_spread(case, {q.memory_capacity: (1e10, 1e11)}, None, None, (), quiet)
    assert 0 < found.solved < 1
    assert not found.intervals["cost"].exact
    with pytest.raises(UserError, match=r"no point of the sample has an answer.*infeasible"):
        batch_spread(case, {q.memory_capacity: (1e9, 2e9)}, None, None, (), quiet)


def test_a_crossover_in_closed_form_is_exact() -> None:
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", context="500")
    ranges = {q.peak_flops: (5e14, 1e15), q.bytes_per_weight: (1.0, 2.0)}
    found = crossover_spread(case, ranges, ("memory", "compute"), q.batch, quiet)
    values = [find_crossover(case.changed(p), "memory", "compute", q.batch).value for p in grid(ranges)]
    interval = found.intervals["batch"]
    assert interval.exact
    assert (interval.low, interval.high) == pytest.approx((min(values), max(values)), rel=1e-9)
    assert interval.dominant == "peak_flops"


def test_what_a_machine_is_designed_for_is_exact(tmp_path) -> None:
    design = random_mix(3, tmp_path)
    found = best_machine(design)
    price = design.numbers[q.stack_price]
    budget = design.limits["budget"]
    ranges = {q.stack_price: (price * 0.8, price * 1.1), q.budget: (budget * 1.1, budget * 2), q.context: (1e3, 4e3)}
    spread = machine_spread(found, ranges, quiet)
    times = [best_machine(with_values(design, point)).mean_step_time for point in grid(ranges)]
    interval = spread.intervals["step_time"]
    assert interval.exact
    assert (interval.low, interval.high) == pytest.approx((min(times), max(times)), rel=1e-6)
    share = spread.intervals["stack share"]
    assert 0 < share.low <= share.high < 1 and not share.exact


@pytest.mark.parametrize("symbol, value, read", [
    (q.stack_price, 123.0, lambda d: d.numbers[q.stack_price]),
    (q.flops_price, 3e-12, lambda d: d.numbers[q.flops_price]),
    (q.link_energy, 1e-10, lambda d: d.numbers[q.link_energy]),
    (q.base_cost, 1e4, lambda d: d.numbers[q.base_cost]),
    (q.stack_bandwidth, 2e12, lambda d: d.numbers[q.stack_bandwidth]),
    (q.machine_life, 1e8, lambda d: d.numbers[q.machine_life]),
    (q.budget, 5e6, lambda d: d.limits["budget"]),
    (q.kv_bytes, 5e4, lambda d: d.workloads[0].case.scenario.value(q.kv_bytes)),
])  # fmt: skip
def test_every_value_arrives_where_it_is_used(symbol, value, read, tmp_path) -> None:
    assert read(with_values(random_mix(1, tmp_path), {symbol: value})) == pytest.approx(value)


def test_who_earns_most_over_a_range_of_contexts() -> None:
    case = case_of("deepseek-v3", "gb200-nvl72", layout="dp=72,ep=72")
    found = earnings_spread(case, {q.context: (500.0, 64000.0)}, None, True, quiet)
    assert set(found.binds) == {"peak_flops", "memory_stacks"}
    assert found.intervals["memory_stacks earns"].high > 1


@pytest.mark.parametrize("reuse", [None, "lomax shape=1.5 scale=5min share=0.6"])
def test_what_a_cache_costs_is_exact_where_all_that_it_is_made_of_moves_one_way(reuse) -> None:
    case, tiers = cache_of("llama-3.1-70b", context="8000"), catalogue_tiers()
    times = None if reuse is None else reuse_of(reuse)
    ranges = {q.chip_hour_price: (1.0, 6.0), q.memory_capacity: (2e10, 2e11), q.peak_flops: (2e14, 2e15)}
    found = cache_spread(case, ranges, tiers, times, quiet)
    answers = [solve_cache(case.changed(point), tiers, times) for point in grid(ranges)]
    hold = {"held 5 min": 300.0, "held 1 h": 3600.0}
    kept = {name: [answer.at(time).cost(time) for answer in answers] for name, time in hold.items()}
    if reuse:
        kept["by the policy"] = [answer.policy.expected_cost for answer in answers]
    for name, costs in kept.items():
        interval = found.intervals[name]
        assert interval.exact
        assert (interval.low, interval.high) == pytest.approx((min(costs), max(costs)), rel=1e-9)
    assert not found.intervals["hbm until"].exact


def test_what_only_some_answers_have_is_shown_with_its_share_and_corners_count(monkeypatch) -> None:
    case, tiers = cache_of("qwen3-next-80b-a3b", "h200-sxm", context="8000"), catalogue_tiers()
    ranges = {q.context: (200.0, 64e3), q.compute_efficiency: (0.2, 0.9)}
    monkeypatch.setattr(spread_solved.spread_solved, "__defaults__", (spread_solved.no_proof, 256, quiet))
    found = cache_spread(case, ranges, tiers, None, quiet)
    corners = [
        solve_cache(case.changed({q.prompt: c, q.compute_efficiency: e}), tiers) for c in (200.0, 64e3)
        for e in (0.2, 0.9)
    ]  # fmt: skip
    held = [one.at(3600.0).cost(3600.0) for one in corners]
    assert found.intervals["held 1 h"].low <= min(held) and found.intervals["held 1 h"].high >= max(held)
    spans = [any(span.choice == "nvme" for span in one.envelope[:-1]) for one in corners]
    assert any(spans) and not all(spans)
    assert 0.5 < found.intervals["nvme until"].present < 1


def test_a_range_of_context_is_one_of_the_cache() -> None:
    case, tiers = cache_of("llama-3.1-70b", context="8000"), catalogue_tiers()
    found = cache_spread(case, {q.context: (1e3, 1e5)}, tiers, None, quiet)
    ends = [
        solve_cache(cache_of("llama-3.1-70b", context=text), tiers).envelope[-1].start
        for text in ("1000", "100000")
    ]
    assert found.intervals["nvme until"].swings["context"] == pytest.approx(ends[1] / ends[0], rel=1e-6)


def test_a_search_is_made_anew_for_every_sample(monkeypatch) -> None:
    monkeypatch.setattr("steptime.model.solver.ranges.spreads.SEARCHES", 8)
    search = search_of("llama-3.1-8b", "h100-sxm", (1, 2), (8, 64))
    best = case_of("llama-3.1-8b", "h100-sxm", layout="tp=1")
    found = layout_spread(search, best, {q.context: (1000.0, 9000.0)}, quiet)
    ends = [
        search_layouts(replace(search, inputs=search.inputs.with_given({q.context: context}))).best.cost
        for context in (1000.0, 9000.0)
    ]
    assert (found.intervals["cost"].low, found.intervals["cost"].high) == pytest.approx(ends)
    assert found.samples == 8


@pytest.mark.parametrize("arguments, message", [
    (("batch", "llama-3.1-8b", "h100-sxm", "--range", "batch=1..9"), "this is what is solved for"),
    (("batch", "llama-3.1-8b", "h100-sxm", "--range", "kv_bytes=1..9"), "not an input of this scenario"),
    (("batch", "llama-3.1-8b", "h100-sxm", "--range", "context=1..9", "--range", "context=1..8"), "given twice"),
    (("crossover", "llama-3.1-8b", "h100-sxm", "--over", "context", "--range", "context=1..9"), "what is solved for"),
    (("layout", "llama-3.1-8b", "h100-sxm", "--chips", "1", "--range", "batch=1..9"), "what is searched for"),
    (("layout", "llama-3.1-8b", "h100-sxm", "--chips", "1", "--range", "stack_price=1..9"), "not an input"),
    (("layout", "llama-3.1-8b", "h100-sxm", "--chips", "1", "--csv", "--range", "context=1..9"), "holds no ranges"),
    (("machine", "llama-3.1-8b", "--prices", PRICES, "--budget", "5e6", "--layout", "tp=8", "--minimise", "cost",
      "--range", "batch=8..64"), "what is solved for"),
    (("machine", "llama-3.1-8b", "--prices", PRICES, "--budget", "5e6", "--layout", "tp=8", "--range",
      "scale_up_domain=8..64"), "no price, limit or figure"),
    (("machine", "llama-3.1-8b", "--prices", PRICES, "--budget", "5e6", "--layout", "tp=8", "--range",
      "chips=8..64"), "no price, limit or figure"),
    (("machine", "llama-3.1-8b", "--prices", PRICES, "--budget", "5e6", "--layout", "tp=8",
      "--range", "power_limit=1..9"), "no price, limit or figure"),
    (("machine", "llama-3.1-8b", "--prices", PRICES, "--budget", "5e6", "--layout", "tp=8",
      "--range", "memory_bandwidth=1TB/s..2TB/s"), "no price, limit or figure"),
    (("machine", "llama-3.1-8b", "--from", "h100-sxm", "--range", "batch=1..9"), "what is solved for"),
    (("cache", "llama-3.1-8b", "h100-sxm", "--range", "kv_bytes=1..9"), "not an input of this scenario"),
    (("cache", "llama-3.1-8b", "h100-sxm", "--range", "batch=1..9"), "says nothing here: the cache is that of one"),
    (("cache", "llama-3.1-8b", "h100-sxm", "--range", "prompt=2k..4k"), "says nothing here"),
    (("cache", "llama-3.1-8b", "h100-sxm", "--range", "context=1..9"), "at least 2"),
    (("cache", "llama-3.1-8b", "h100-sxm", "--set", "reuse_share=0.5"), "when a cache is asked for: --reuse"),
])  # fmt: skip
def test_a_range_of_what_is_no_input_is_refused(run, arguments, message) -> None:
    code, out, err = run("solve", *arguments)
    assert (code, out) == (2, "") and message in err and err.count("\n") == 1


@pytest.mark.parametrize("arguments", [
    ("batch", "llama-3.1-8b", "h100-sxm", "--range", "context=1k..8k"),
    ("crossover", "llama-3.1-8b", "h100-sxm", "--context", "100", "--range", "context=10..200"),
    ("machine", "llama-3.1-8b", "--prices", PRICES, "--budget", "5e6", "--layout", "tp=8", "--range",
     "stack_price=500..900"),
    ("machine", "llama-3.1-8b", "--from", "h100-sxm", "--range", "context=1k..8k"),
    ("cache", "llama-3.1-8b", "h100-sxm", "--range", "context=1k..8k", "--reuse", "exponential mean=5min share=0.5"),
])  # fmt: skip
def test_the_commands_give_intervals(run, run_json, arguments) -> None:
    data = run_json("solve", *arguments, "--json")["ranges"]
    assert data["outputs"] and data["samples"] == 32
    for one in data["outputs"].values():
        assert one["low"] <= one["median"] <= one["high"] and one["how"] in ("exact", "sampled")
    code, out, _ = run("solve", *arguments)
    assert code == 0 and "Sobol points" in " ".join(out.split())


def test_prices_of_a_file_reach_the_list() -> None:
    prices = read_prices(MARKET)
    assert prices.goods["stack"].unit("dollars") == 818
