"""The numbers of every picture are the API's own: grids, crossovers, ledgers, searches, fleets."""


import numpy as np
import pytest
from pictures import at, crossing, curve, experts, training

import steptime as st
from steptime.model import symbols as q
from steptime.model.catalog.economy import figures, names
from steptime.model.plot.shapes import Role

DENSE = ("llama-3.1-70b", "h200-sxm")


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
