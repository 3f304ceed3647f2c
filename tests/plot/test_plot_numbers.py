"""The numbers of every picture are the API's own: grids, crossovers, ledgers, searches, fleets."""

import csv
import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pictures import DEMAND, MARKET, ROWS, TOOLS, crossing, experts, searched, training

import steptime as st
from steptime.model import symbols as q
from steptime.model.catalog.economy import figures, names
from steptime.model.plot.shapes import Role

DENSE = ("llama-3.1-70b", "h200-sxm")


def curve(chart, name: str):
    return next(one for one in chart.curves if one.name.startswith(name))


def at(one, x: float) -> float:
    """The value of a curve at one of its points."""
    return float(one.y[np.flatnonzero(one.x == x)[0]])


def cell(bars, bar: str, part: str) -> float:
    return bars.parts[part][bars.bars.index(bar)]


# --- against batch -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("step", [crossing, experts, training], ids=lambda one: one.__name__)
def test_bound_and_estimate_over_batch_are_those_of_the_step(step) -> None:
    chart = step().chart("batch")
    for batch in curve(chart, "bound").x[::40]:
        there = step().replace(batch=float(batch))
        assert at(curve(chart, "bound"), batch) == pytest.approx(there.time, rel=1e-12)
        assert at(curve(chart, "estimate"), batch) == pytest.approx(there.estimate.step_time, rel=1e-12)


def test_the_bound_is_the_largest_term_where_every_rank_is_alike() -> None:
    chart = crossing().chart("batch")
    bound, terms = curve(chart, "bound"), chart.curves[:3]
    largest = np.max([np.interp(np.log(bound.x), np.log(one.x), np.log(one.y)) for one in terms], axis=0)
    assert np.log(bound.y) == pytest.approx(largest, abs=1e-4)
    assert [one.role for one in terms] == [Role.COMPUTE, Role.MEMORY, Role.INTERCONNECT]


def test_no_estimate_where_none_is_asked_for() -> None:
    chart = st.step(*DENSE, efficiency="ideal").chart("batch")
    assert {one.role for one in chart.curves} == {Role.COMPUTE, Role.MEMORY, Role.INTERCONNECT, Role.BOUND}


@pytest.mark.parametrize("kind", ["batch", "cost"])
@pytest.mark.parametrize("step", [crossing, experts], ids=lambda one: one.__name__)
def test_crossovers_lie_on_both_of_their_curves(step, kind: str) -> None:
    chart = step().chart(kind)
    points = [one for one in chart.points if " = " in one.name]
    assert points
    for point in points:
        first, second = point.name.split(" at ")[0].split(" = ")
        between = step().crossover(first, second, over="batch")
        assert point.x[0] in between.values
        for name in (first, second):
            assert at(curve(chart, name), point.x[0]) == pytest.approx(point.y[0], rel=1e-9)


def test_the_edge_is_the_largest_batch_that_fits() -> None:
    (edge,) = crossing().chart("batch").edges
    assert edge.x == crossing().largest_concurrency and edge.beyond
    assert crossing().replace(batch=edge.x).fits and not crossing().replace(batch=edge.x + 1).fits


def test_a_batch_of_training_is_of_whole_micro_batches() -> None:
    step = st.step("llama-3.1-8b", "h100-sxm", phase="train", layout="dp=8", batch=64, microbatch=2)
    assert not (curve(step.chart("batch"), "bound").x % 16).any()


def test_the_cost_over_batch_is_that_of_the_step_and_never_below_its_floor() -> None:
    chart = crossing().chart("cost")
    bound, floor = curve(chart, "bound"), curve(chart, "floor")
    for batch in bound.x[::30]:
        there = crossing().replace(batch=float(batch))
        assert at(bound, batch) == pytest.approx(there.dollars_per_million_tokens, rel=1e-12)
        dollars = there.to_dict()["estimate"]["dollars_per_million_tokens"]
        assert at(curve(chart, "estimate"), batch) == pytest.approx(dollars, rel=1e-12)
    assert bound.y.min() >= floor.y[0] * (1 - 1e-12)


@pytest.mark.parametrize("context", [500, 20_000])
def test_the_floor_is_what_multiplying_or_reading_a_cache_costs(context: int) -> None:
    """Derivation cost-floor, by hand: dollars of a chip's second, the dearer of FLOP and of KV bytes of a token."""
    step = crossing().replace(context=context)
    n = step.quantities
    compute = (n["flops_per_mac"] * n["active_parameters"] + n["attention_flops"] * context) / n["peak_flops"]
    read = (n["kv_bytes"] * context + n["kv_written"]) / n["memory_bandwidth"]
    assert (compute > read) == (context == 500)
    by_hand = 1e6 * n["chip_hour_price"] / 3600 * max(compute, read)
    assert curve(step.chart("cost"), "floor").y[0] == pytest.approx(by_hand, rel=1e-9)


def test_without_a_price_a_token_costs_chip_seconds() -> None:
    step = st.step("gpt2", "l4")
    assert step.dollars_per_million_tokens is None
    chart = step.chart("cost")
    whole = 1e6 * step.layout.chips / step.tokens_per_second
    assert chart.y.unit == "chip-s"
    bound = curve(chart, "bound")
    assert np.interp(np.log(64), np.log(bound.x), np.log(bound.y)) == pytest.approx(np.log(whole), abs=1e-3)


def test_the_best_batch_is_that_of_the_solver() -> None:
    best = crossing().best_batch()
    point = next(one for one in crossing().chart("cost").points if one.name.startswith("best"))
    assert point.x[0] == best.whole["batch"] and point.y[0] == pytest.approx(1e6 * best.whole["cost"], rel=1e-9)


# --- against context ---------------------------------------------------------------------------------------------
def test_the_cost_over_context_is_that_of_the_step() -> None:
    chart = crossing().chart("context")
    for context in curve(chart, "bound").x[::30]:
        there = crossing().replace(context=float(context))
        assert at(curve(chart, "bound"), context) == pytest.approx(there.dollars_per_million_tokens, rel=1e-12)
    edge = next(one for one in chart.edges if one.beyond)
    assert crossing().replace(context=int(edge.x)).fits and not crossing().replace(context=int(edge.x) + 1).fits


def test_price_steps_are_the_catalogues() -> None:
    steps = [one for one in crossing().chart("context").edges if not one.beyond]
    for model in names("token_price"):
        prices = figures("token_price", model)
        times = prices["long_output"].value / prices["output"].value if "long_output" in prices else None
        said = [one for one in steps if model in one.name]
        assert len(said) == (times is not None) and all(f"×{times:.3g} " in one.name for one in said)
        assert all(one.x == prices["long_from"].value for one in said)


# --- roofline, regimes -------------------------------------------------------------------------------------------
def test_operations_lie_on_the_roof() -> None:
    chart, n = crossing().chart("roofline"), crossing().quantities
    lines = [one for one in crossing().to_dict()["operations"] if one["flops"] and one["memory_bytes"]]
    drawn = {name: one for one in chart.points for name in one.name.split(", ")}
    for line in lines:
        x = line["flops"] / line["memory_bytes"]
        assert drawn[line["name"]].x[0] == pytest.approx(x, rel=2e-3)
        assert drawn[line["name"]].y[0] == pytest.approx(min(n["peak_flops"], n["memory_bandwidth"] * x), rel=2e-3)
    whole = drawn["whole step at the bound"]
    assert whole.y[0] == pytest.approx(sum(one["flops"] for one in lines) / crossing().time, rel=1e-9)
    assert drawn["whole step"].y[0] < whole.y[0]


@pytest.mark.parametrize("step", [crossing, experts, training], ids=lambda one: one.__name__)
def test_regions_are_of_the_largest_term(step) -> None:
    chart, case = step().chart("regimes"), step().case.relaxed
    for i, j in [(10, 10), (150, 10), (199, 30), (60, 120), (199, 199)]:
        there = case.changed({q.batch: float(chart.xs[i]), case.phase.varies: float(chart.ys[j])})
        assert there.bottleneck == chart.names[chart.which[i, j]]


@pytest.mark.parametrize("step", [crossing, experts, training], ids=lambda one: one.__name__)
def test_at_a_boundary_two_terms_are_equal_and_the_largest(step) -> None:
    case = step().case.relaxed
    (one,) = step().chart("regimes").boundaries
    known = np.flatnonzero(np.isfinite(one.x))[::60]
    assert len(known) > 2
    for x, y in zip(one.x[known], one.y[known], strict=True):
        times = case.changed({q.batch: float(x), case.phase.varies: float(y)}).times
        first, second = one.name.split(",")[0].split(" = ")
        assert times[first] == pytest.approx(times[second], rel=1e-6)
        assert max(times.values()) == pytest.approx(times[first], rel=1e-6)


def test_a_boundary_has_its_closed_form_or_says_that_it_has_none() -> None:
    (dense,), (mixture,) = (step().chart("regimes").boundaries for step in (crossing, experts))
    assert dense.formula.startswith("B = ") and mixture.formula == "" and mixture.name.endswith("no closed form")


def test_where_there_is_no_room_is_where_a_step_does_not_fit() -> None:
    chart = crossing().chart("regimes")
    for i, j in [(20, 20), (150, 40), (199, 199), (100, 150)]:
        there = crossing().case.changed({q.batch: np.floor(chart.xs[i]), q.context: chart.ys[j]})
        assert chart.fits[i, j] == there.fits


# --- ledger ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("step", [
    crossing, experts, training, lambda: st.step(*DENSE, phase="prefill", prompt=3000, layout="tp=2,pp=2", batch=4),
], ids=["decode", "experts", "train", "prefill"])  # fmt: skip
def test_operations_add_up_to_the_terms(step) -> None:
    bars, data = step().chart("breakdown"), step().to_dict()
    whole = dict(zip(bars.bars, np.sum(list(bars.parts.values()), axis=0), strict=True))
    terms = {"compute": data["terms"]["compute"], "memory": data["terms"]["memory"], **data["network"]}
    for name, time in terms.items():
        assert whole.get(f"{name.replace('_', '-')} term", 0.0) == pytest.approx(time, rel=1e-9)
    assert whole["in practice"] == pytest.approx(step().estimate.step_time, rel=1e-9)
    assert bars.limits["bound"] == step().time


def test_what_fills_a_chip_is_what_the_step_says_of_each_layout() -> None:
    layouts = ["tp=2", "tp=8", "tp=4,pp=2"]
    step = st.step(*DENSE, layout="tp=2")
    bars = step.chart("memory", against=layouts[1:])
    assert bars.bars == ("tp=2", "tp=8", "tp=4 pp=2")
    for place, layout in enumerate(layouts):
        held = step.replace(layout=layout).to_dict()["memory_per_chip"]
        assert sum(values[place] for values in bars.parts.values()) == pytest.approx(held["total"] + held["workspace"])
    assert bars.limits["capacity"] == held["capacity"] and bars.limits["may be filled"] == held["usable"]


def test_other_ways_to_share_a_model_are_of_as_many_chips() -> None:
    bars = experts().replace(layout="tp=2,dp=4,ep=8").chart("memory")
    assert 3 <= len(bars.bars) <= 13 and "pp=8" in bars.bars and len(set(bars.bars)) == len(bars.bars)


# --- what changes it ---------------------------------------------------------------------------------------------
def test_elasticities_are_slopes_of_the_time() -> None:
    step = st.step(*DENSE, efficiency="ideal")
    bars = step.chart("sensitivity")
    for name, by in (("memory_bandwidth", 1e-5), ("context", 1 / 4096)):
        more = step.replace(**{name: step.quantities[name] * (1 + by)}).time
        assert cell(bars, name, "a little more") == pytest.approx((more / step.time - 1) / by, rel=1e-3)
    assert "peak_flops" not in bars.bars


def test_the_largest_come_first_and_both_ends_of_a_kink_are_there() -> None:
    kink = crossing().crossover("memory", "compute", over="memory_bandwidth").value
    bars = crossing().replace(efficiency="ideal", memory_bandwidth=kink).chart("sensitivity")
    largest = [max(abs(values[place]) for values in bars.parts.values()) for place in range(len(bars.bars))]
    assert largest == sorted(largest, reverse=True)
    more, less = (cell(bars, "memory_bandwidth", end) for end in bars.parts)
    assert abs(more - less) > 0.5


def test_sensitivity_of_answers_is_their_own() -> None:
    best = crossing().best_batch()
    bars, found = best.chart("sensitivity"), best.to_dict()["sensitivities"]
    assert all(cell(bars, name, "a little more") == pytest.approx(found[name]) for name in bars.bars)
    earned = crossing().who_earns()
    bars = earned.chart()
    for worth in earned.worths:
        if worth.name in bars.bars:
            assert cell(bars, worth.name, "a little more") == pytest.approx(-worth.earns[1], abs=1e-12)


# --- pipelines ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("how", [
    {}, {"interleave": 2}, {"schedule": "zb-h1"}, {"schedule": "zb-h2"}, {"recompute": "full"},
], ids=str)  # fmt: skip
def test_a_schedule_takes_as_long_as_the_compute_term(how) -> None:
    step = training().replace(**how)
    chart = step.chart("schedule")
    lanes = [sorted((one.start, one.end) for one in chart.slots if one.stage == stage) for stage in range(4)]
    assert min(lane[0][0] for lane in lanes) == 0
    assert max(lane[-1][1] - lane[0][0] for lane in lanes) == pytest.approx(step.terms.compute.seconds, rel=1e-9)
    assert all(end <= start + 1e-12 for lane in lanes for (_, end), (start, _) in pairwise(lane))


# --- money, searches, fleets, measurements -----------------------------------------------------------------------
@settings(max_examples=20)
@given(exponent=some.floats(-0.9, 4.5))
def test_the_cheapest_place_is_the_lowest_line(exponent: float) -> None:
    kept = st.cache("deepseek-v3", "h100-sxm", context="32k")
    chart = kept.chart()
    cheapest, seconds = curve(chart, "the cheapest"), 10**exponent
    place = int(np.argmin(np.abs(np.log(cheapest.x / seconds))))
    chosen = kept.at(float(cheapest.x[place]))
    assert cheapest.y[place] == pytest.approx(curve(chart, chosen).y[place], rel=1e-9)
    assert all(cheapest.y[place] <= one.y[place] * (1 + 1e-12) for one in chart.curves)
    assert [point.x[0] for point in chart.points] == [span.start for span in kept.answer.envelope[1:]]


def test_the_spend_is_whole() -> None:
    designed = st.machine("llama-3.1-8b", MARKET, budget=5e6, layout="tp=8", chips=8)
    bars = designed.chart("spend")
    assert np.sum(list(bars.parts.values()), axis=0) == pytest.approx(100 * np.ones(len(bars.bars)))
    assert cell(bars, "dollars", "memory") == pytest.approx(100 * designed.spend_share["stack"])


def test_groups_of_a_fleet_add_up_to_its_cost() -> None:
    found = st.fleet(DEMAND)
    bars = found.chart()
    whole = dict(zip(bars.bars, np.sum(list(bars.parts.values()), axis=0), strict=True))
    assert whole["in practice"] == pytest.approx(found.dollars_per_hour)
    assert whole["at the bound"] == pytest.approx(found.bound.dollars_per_hour)


def test_a_front_is_that_of_the_search_by_each_measure() -> None:
    found = searched()
    panels = {one.title: one for one in found.chart("pareto").charts}
    by_chip = panels["per chip"].curves[0]
    rates = [point.rates(found.answer.in_practice) for point in found.pareto]
    assert list(zip(by_chip.x, by_chip.y, strict=True)) == rates
    price = found.step().quantities["chip_hour_price"] / 3600
    assert panels["per dollar"].curves[0].y == pytest.approx(by_chip.y / price)
    watts = found.step().quantities["power"]
    assert panels["per megawatt"].curves[0].y == pytest.approx(by_chip.y / watts * 1e6)
    point = panels["per chip"].points[0]
    assert (point.x[0], point.y[0]) == found.best.rates(found.answer.in_practice)


def test_measured_rows_are_those_that_were_judged(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    found = st.validate(tmp_path / "rows.csv")
    chart = found.chart("truth", by="model")
    known = [one for one in found.judged if one.practice is not None]
    assert sum(len(one.x) for one in chart.points) == len(known) == 4
    drawn = {(x, y) for one in chart.points for x, y in zip(one.x, one.y, strict=True)}
    assert drawn == {(one.measured, one.practice.seconds) for one in known}
    ideal = st.validate(tmp_path / "rows.csv", efficiency="ideal").chart()
    assert all((one.y <= one.x).all() for one in ideal.points) and "bound" in ideal.y.name


# --- grids, crossovers -------------------------------------------------------------------------------------------
def test_an_estimate_over_a_grid_is_that_of_each_step() -> None:
    grid = crossing().over(layout=["tp=2", "tp=4,dp=2"], batch=[1, 7, 64], context=[500, 5000])
    for i, layout in enumerate(("tp=2", "tp=4,dp=2")):
        for j, batch in enumerate((1, 7, 64)):
            there = crossing().replace(layout=layout, batch=batch, context=5000).estimate
            assert grid.estimate[i, j, 1] == pytest.approx(there.step_time, rel=1e-12)


def test_an_estimate_over_a_grid_counts_prefills_that_ride_along() -> None:
    step = st.step("llama-3.1-70b", "h200-sxm", scope="serving", prompt=1000, output=200)
    grid = step.over(batch=[8, 64])
    found = [step.replace(batch=batch).estimate for batch in (8, 64)]
    assert grid.estimate == pytest.approx([one.step_time for one in found], rel=1e-12)
    assert grid.mean_estimate == pytest.approx([one.mean_time for one in found], rel=1e-12)
    assert step.replace(efficiency="ideal").over(batch=[8]).estimate is None


def test_a_grid_is_drawn_over_its_longest_axis() -> None:
    grid = crossing().over(batch=[1, 64], context=[100, 1000, 10000])
    chart = grid.chart()
    assert [one.name for one in chart.curves] == ["batch 1", "batch 64"]
    assert np.stack([one.y for one in chart.curves]) == pytest.approx(grid.step_time)
    alone = crossing().over(batch=[1, 8]).chart()
    assert [one.name for one in alone.curves] == ["bound", "estimate"]


def test_a_crossover_is_drawn_over_its_quantity() -> None:
    found = crossing().crossover("memory", "compute", over="memory_bandwidth")
    chart = found.chart()
    assert chart.points[0].x[0] == found.value and chart.x.unit == "B/s"
    assert at(curve(chart, "memory"), found.value) == pytest.approx(at(curve(chart, "compute"), found.value))


@pytest.mark.parametrize("over", ["context", "chip_hour_price"])
def test_two_machines_cost_the_same_where_their_curves_meet(over: str) -> None:
    found = st.crossover_of("llama-3.1-70b", "h200-sxm", "h100-sxm", over=over)
    chart = found.chart()
    for level, values in (("at the bound", found.values), ("in practice", found.estimate.values)):
        for value in values:
            one, other = (at(curve(chart, f"{name} {level}"), value) for name in ("h200-sxm", "h100-sxm"))
            assert one == pytest.approx(other, rel=1e-6)
            assert any(level in point.name and point.x[0] == value for point in chart.points)
    best = st.step("llama-3.1-70b", "h100-sxm").best_batch(efficiency="ideal")
    if over == "chip_hour_price":  # of the first machine: the other one's cost stays what it is
        assert curve(chart, "h100-sxm at the bound").y == pytest.approx(1e6 * best.cost, rel=1e-6)


def test_answers_of_tools_stand_against_ours(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(TOOLS)
    found = st.compare(tmp_path / "f.csv")
    chart = found.chart()
    rows = [row for row in found.found.rows if row.answer and row.estimate]
    drawn = {(x, y) for one in chart.points for x, y in zip(one.x, one.y, strict=True)}
    assert drawn == {(row.estimate, row.answer) for row in rows} and len(rows) == 3
    assert [one.name for one in chart.points] == ["one (2)", "two (1)"]


# --- forms, errors -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", st.Step.kinds)
def test_the_csv_holds_every_number(kind: str) -> None:
    chart = (training() if kind == "schedule" else crossing()).chart(kind)
    headings, *rows = csv.reader(io.StringIO(chart.csv()))
    assert len(rows) == len(list(chart.rows())) - 1 > 3 and all(len(row) == len(headings) for row in rows)
    data = chart.to_dict()
    assert data["kind"] == kind and data["columns"] == headings and len(data["rows"]) == len(rows)


@pytest.mark.parametrize(("asked", "message"), [
    (lambda: crossing().chart("bach"), "did you mean batch?"),
    (lambda: crossing().chart("batch", by="model"), "`by` says nothing in a picture of kind batch"),
    (lambda: crossing().chart("memory", layouts=["tp=4"]), "it takes `against`"),
    (lambda: crossing().chart("schedule"), "give `phase` train"),
    (lambda: training().replace(batch=60_000).chart("schedule"), "more than can be drawn"),
    (lambda: st.library().plot(), "there is no picture of a Book"),
    (lambda: crossing().over(batch=[1]).chart(), "two values or more"),
    (lambda: crossing().over(batch=range(1, 12), context=range(100, 112)).chart(), "give shorter axes"),
], ids=lambda one: one if isinstance(one, str) else "")  # fmt: skip
def test_what_cannot_be_drawn_says_why(asked, message: str) -> None:
    with pytest.raises(st.UserError) as error:
        asked()
    assert message in str(error.value)
