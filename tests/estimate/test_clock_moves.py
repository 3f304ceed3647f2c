"""A clock under a power cap wherever watts vary: each way to ask answers as a step that is asked for alone."""

import numpy as np
import pytest

import steptime as st
from steptime.model import symbols as q

PROMPTS = {"layout": "tp=1", "phase": "prefill", "batch": 8}
TRAINS = {"layout": "tp=2,dp=2", "phase": "train", "batch": 16}
SERVES = {"layout": "tp=2", "scope": "serving", "prompt": 1000, "output": 100, "batch": 16}
WAYS = pytest.mark.parametrize("words", [PROMPTS, TRAINS, SERVES], ids=["prefill", "train", "serving"])
WATTS = {"power": [500.0, 700.0], "power_cap": [200.0, 350.0, 900.0], "resting_power": [50.0, 150.0],
         "voltage_exponent": [0.0, 1.0]}  # fmt: skip


def alone(words: dict, **watts: float) -> dict:
    return st.step("llama-3.1-8b", "h200-sxm", **{"power_cap": 350.0, **words, **watts}).to_dict()


def test_seconds_by_hand() -> None:
    """Products and attention go with the clock, sqrt((P_cap - 80.3) / (P - 80.3)); the rest of the step stays."""
    usual = alone(PROMPTS, power_cap=700.0)["estimate"]["terms"]
    for watts, share in (({"power_cap": 200.0}, (119.7 / 619.7) ** 0.5), ({"power": 500.0}, (269.7 / 419.7) ** 0.5)):
        found = alone(PROMPTS, **watts)["estimate"]["terms"]
        assert found["products"] * share == pytest.approx(usual["products"])
        assert found["attention"] * share == pytest.approx(usual["attention"])
        assert found["kernels"] == usual["kernels"]


@pytest.mark.parametrize("name", WATTS)
@WAYS
def test_a_sweep(words: dict, name: str) -> None:
    base = {"model": "llama-3.1-8b", "hardware": "h200-sxm", "power_cap": "350W", **words}
    base = {key: value for key, value in base.items() if key != name}
    rows = st.sweep({"base": base, "over": {name: {"values": WATTS[name]}}, "keep": [{"best": "estimate", "count": 5}],
                     "outputs": ["estimate", "joules_per_token", "estimate.joules_per_token"]})  # fmt: skip
    for row in rows.kept("best estimate")[0]["rows"]:
        found = alone(words, **{name: row[name]})
        assert row["estimate"] == pytest.approx(found["estimate"]["step_time"], rel=1e-9)
        assert row["joules_per_token"] == pytest.approx(found["joules_per_token"], rel=1e-9)
        in_practice = found["estimate"]["joules_per_token"]
        assert row["estimate.joules_per_token"] == pytest.approx(in_practice, rel=1e-9)


@pytest.mark.parametrize("name", WATTS)
@WAYS
def test_a_grid(words: dict, name: str) -> None:
    stated = {"power_cap": 350.0, "power": 700.0, "resting_power": 80.3, "voltage_exponent": 0.5}
    grid = st.step("llama-3.1-8b", "h200-sxm", **stated, **words).over(**{name: WATTS[name]})
    expected = [alone(words, **{name: value}) for value in WATTS[name]]
    assert grid.estimate == pytest.approx([one["estimate"]["step_time"] for one in expected])
    assert grid.of(q.joules_per_token) == pytest.approx([one["joules_per_token"] for one in expected])


@WAYS
def test_exported_code(words: dict) -> None:
    room: dict = {}
    exec(st.step("llama-3.1-8b", "h200-sxm", **words, power_cap=350.0).export("python"), room)
    for watts in ({}, {"power": 500.0}, {"power_cap": 200.0}, {"power_cap": 900.0}, {"voltage_exponent": 1.0}):
        found, expected = room["step"](**watts), alone(words, **watts)
        assert found["estimate"] == pytest.approx(expected["estimate"]["step_time"], rel=1e-9)
        assert found["joules_per_token"] == pytest.approx(expected["joules_per_token"], rel=1e-9)


def test_an_interval(run_json) -> None:
    """The bound stays, joules follow the cap, and the step in practice the clock: its ends are those of the cap."""
    ranges = run_json("step", "llama-3.1-8b", "h200-sxm", "--layout", "tp=1", "--phase", "prefill", "--batch", "8",
                      "--set", "power_cap=350W", "--range", "power_cap=200W..600W")["ranges"]["outputs"]  # fmt: skip
    assert ranges["step_time"]["low"] == ranges["step_time"]["high"]
    joules, seconds = ranges["joules_per_token"], ranges["step_time in practice"]
    assert joules["high"] / joules["low"] == pytest.approx(3)
    ends = [alone(PROMPTS, power_cap=cap)["estimate"]["step_time"] for cap in (600.0, 200.0)]
    assert [seconds["low"], seconds["high"]] == pytest.approx(ends) and seconds["how"] == "sampled"
    assert seconds["dominant"] == "power_cap"


def test_other_ranges_have_no_such_interval(run_json) -> None:
    found = run_json("step", "llama-3.1-8b", "h200-sxm", "--layout", "tp=1", "--range", "memory_bandwidth=3TB/s..5TB/s")
    assert "step_time in practice" not in found["ranges"]["outputs"]


@pytest.mark.parametrize("words", [
    ("--range", "power_cap=50W..300W"), ("--range", "resting_power=50W..400W"), ("--range", "power=60W..700W"),
])  # fmt: skip
def test_what_leaves_no_watts_is_one_line(run, words: tuple[str, str]) -> None:
    caps = ("--set", "power_cap=300W", "--set", "resting_power=80W")
    code, out, error = run("step", "llama-3.1-8b", "h200-sxm", "--layout", "tp=1", "--phase", "prefill", *caps, *words)
    assert code == 2 and not out and " W" in error and error.count("\n") == 1


def test_on_other_ways_too() -> None:
    step = st.step("llama-3.1-8b", "h200-sxm", **PROMPTS, power_cap=350.0)
    with pytest.raises(st.UserError, match=r"power_cap` 50 W: h200-sxm draws 80\.3 W beside its multiply-adds"):
        _ = step.over(power_cap=[50.0, 300.0]).estimate
    with pytest.raises(st.UserError, match=r"power_cap` 50 W: h200-sxm draws 80\.3 W"):
        st.sweep({"base": {"model": "llama-3.1-8b", "hardware": "h200-sxm", **PROMPTS},
                  "over": {"power_cap": {"values": [50.0, 300.0]}}, "keep": [{"best": "estimate"}]})  # fmt: skip
    with pytest.raises(st.UserError, match=r"in `scope` serving"):
        st.step("llama-3.1-8b", "h200-sxm", **SERVES, power_cap=350.0).ranges(power_cap="200W..300W")


def test_prices_of_a_batch(run_json) -> None:
    """A per cent more of the cap lowers the cost of a prefill by half its share of what is above rest, as the clock."""
    found = run_json("solve", "batch", "llama-3.1-8b", "h200-sxm", "--layout", "tp=1", "--phase", "prefill", "--set",
                     "power_cap=350W")["sensitivities"]  # fmt: skip
    assert found["power_cap"] == pytest.approx(-350 / (2 * 269.7), abs=1e-3)
    assert found["power"] == pytest.approx(700 / (2 * 619.7), abs=1e-3)
    assert np.isclose(found["peak_flops"], -1, atol=1e-3)
