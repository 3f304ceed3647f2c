"""Pictures of what changes a step, of pipelines, and of what was measured: the numbers that they show."""

from itertools import pairwise

import pytest
from pictures import cell, crossing, training

import steptime as st


# --- what changes it ---------------------------------------------------------------------------------------------
def test_elasticities_are_slopes_of_the_time() -> None:
    step = st.step("llama-3.1-70b", "h200-sxm", efficiency="ideal")
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


# --- what was measured, and what is held -------------------------------------------------------------------------
@pytest.mark.parametrize(("text", "seconds"), [("30ms", 0.030), ("9ms", 0.009), ("4ms", 0.004)])
def test_a_measurement_is_what_the_bound_takes_what_the_estimate_adds_and_the_rest(text: str, seconds: float) -> None:
    step = crossing()
    bars = step.against(text).chart("breakdown")
    parts = {name: cell(bars, "measured", name) for name in bars.parts if name.startswith("measured")}
    assert sum(parts.values()) == pytest.approx(seconds) == sum(cell(bars, "measured", name) for name in bars.parts)
    bound, expected = step.time, step.estimate.step_time
    by_hand = {"as long as the bound": bound, "what the estimate adds": min(seconds, expected) - bound,
               "explained by neither": max(0.0, seconds - expected)}  # fmt: skip
    by_hand = by_hand if seconds > bound else {"less than the bound": seconds}
    kept = {f"measured: {name}": pytest.approx(time) for name, time in by_hand.items() if time}
    assert parts == kept
    assert sum(cell(bars, "in practice", name) for name in bars.parts) == pytest.approx(expected)


def test_a_measured_rate_of_serving_is_of_the_mean_step() -> None:
    step = st.step("llama-3.1-8b", "h100-sxm", scope="serving", prompt=2000, output=100, batch=32)
    assert step.against("30ms").chart("breakdown").bars[-1] == "measured"
    bars = step.against("500 tok/s").chart("breakdown")
    assert bars.bars[-1] == "measured, mean step"
    assert sum(cell(bars, bars.bars[-1], name) for name in bars.parts) == pytest.approx(32 / 500)


def test_a_best_batch_says_at_which_batch_and_layout_it_is() -> None:
    best = crossing().best_batch()
    bars = best.chart("sensitivity")
    assert f"batch {best.whole['batch']:,} " in bars.about and "2 chips: tp=2" in bars.about
    assert bars.title.endswith("at the best batch")
