"""The numbers of pictures of money, searches, fleets, measurements and grids are the API's own; forms and errors."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pictures import DEMAND, MARKET, ROWS, TOOLS, at, cell, crossing, curve, searched, training

import steptime as st

DENSE = ("llama-3.1-70b", "h200-sxm")




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
