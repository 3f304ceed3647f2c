"""A clock under a power cap: by hand, its ends, which terms it moves, and where a figure is missing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import steptime
from steptime.derivations.practice import clock as derived
from steptime.model import symbols as q
from steptime.model.estimate.clock import clock_of
from steptime.model.scenario import Scenario

CHIP = {q.power: 700.0, q.resting_power: 80.3}
PROMPT = {"phase": "prefill", "prompt": 8192, "layout": "tp=4"}
WATTS = st.floats(1.0, 3000.0)


@pytest.mark.parametrize(("cap", "exponent", "share"), [
    (400.0, 0.5, (319.7 / 619.7) ** 0.5), (400.0, 1.0, (319.7 / 619.7) ** (1 / 3)), (400.0, 0.0, 319.7 / 619.7),
    (700.0, 0.5, 1.0), (1000.0, 0.5, 1.0), (80.3, 0.5, 0.0), (50.0, 0.5, 0.0),
])  # fmt: skip
def test_clock_by_hand(cap: float, exponent: float, share: float) -> None:
    """A voltage that falls with the clock allows its cube, one that stays allows it as it is."""
    assert clock_of({**CHIP, q.power_cap: cap, q.voltage_exponent: exponent}) == pytest.approx(share)


@given(low=WATTS, high=WATTS)
def test_more_watts_never_slow_a_chip(low: float, high: float) -> None:
    shares = [clock_of({**CHIP, q.power_cap: cap}) for cap in sorted((low, high))]
    assert 0.0 <= shares[0] <= shares[1] <= 1.0


@given(cap=st.floats(100.0, 700.0))
def test_a_chip_draws_its_cap_at_that_clock(cap: float) -> None:
    share = clock_of({**CHIP, q.power_cap: cap})
    assert 80.3 + 619.7 * share * share == pytest.approx(cap)  # energy with the clock, multiply-adds with it too


def test_the_derived_form_is_the_model_s() -> None:
    values = {**CHIP, q.power_cap: 400.0, q.voltage_exponent: 0.5}
    assert clock_of(values) == pytest.approx(float(Scenario(values).evaluate(derived.clock.result.rhs)))


@pytest.mark.parametrize("words", [PROMPT, {"layout": "tp=4", "batch": 64}, {"phase": "train", "layout": "tp=8,dp=4",
    "batch": 64}], ids=["prefill", "decode", "train"])  # fmt: skip
def test_the_estimate_slows_and_the_bound_stays(words: dict[str, object]) -> None:
    usual, capped = (steptime.step("llama-3.1-70b", "h200-sxm", **words, **more)
                     for more in ({}, {"power_cap": "250W"}))  # fmt: skip
    assert capped.time == usual.time <= capped.estimate.step_time
    longer = capped.estimate.step_time - usual.estimate.step_time
    assert longer == pytest.approx(capped.estimate.clock.seconds, abs=1e-12) and longer >= 0
    assert usual.estimate.clock is None
    assert capped.estimate.clock.share == pytest.approx((169.7 / 619.7) ** 0.5)
    if words is PROMPT:  # bound by products: their time goes with the clock
        ratio = capped.estimate.terms["products"] / usual.estimate.terms["products"]
        assert ratio == pytest.approx(1 / capped.estimate.clock.share)


def test_reading_keeps_its_pace() -> None:
    """A few sequences only read: a cap of half the watts costs nothing."""
    step = steptime.step("llama-3.1-70b", "h200-sxm", layout="tp=4", batch=1, power_cap="350W")
    assert step.estimate.clock.seconds == 0 and step.estimate.clock.share < 0.7


def test_it_is_printed(run, run_json) -> None:
    words = ("step", "llama-3.1-70b", "h200-sxm", "--phase", "prefill", "--layout", "tp=4", "--set", "power_cap=350W")
    code, out, _ = run(*words, "-v")
    assert code == 0 and "under the power cap the clock is at 66% of that at the rated power" in " ".join(out.split())
    found = run_json(*words)["estimate"]["clock"]
    assert found["share"] == pytest.approx((269.7 / 619.7) ** 0.5) and found["seconds"] > 0


def test_a_missing_figure_is_named_and_can_be_given(run) -> None:
    step = steptime.step("llama-3.1-70b", "h100-sxm", **PROMPT, power_cap="350W")
    usual = steptime.step("llama-3.1-70b", "h100-sxm", **PROMPT)
    assert step.estimate.clock is None and step.estimate.step_time == usual.estimate.step_time
    where = "model/catalog/hardware.toml: [h100-sxm] resting_power"
    assert f"power_cap as set: no clock follows without {where}" in step.estimate.outside
    given_ = steptime.step("llama-3.1-70b", "h100-sxm", **PROMPT, power_cap="350W", resting_power="120W")
    assert given_.estimate.step_time > usual.estimate.step_time


@pytest.mark.parametrize(
    ("given_", "named"), [("power_cap=60W", "draws 80.3 W beside"), ("resting_power=800W", "draws less")]
)
def test_what_cannot_be_is_one_line(run, given_: str, named: str) -> None:
    caps = ("--set", "power_cap=300W") if "cap" not in given_ else ()
    code, out, error = run("step", "llama-3.1-70b", "h200-sxm", "--layout", "tp=4", *caps, "--set", given_)
    assert code == 2 and not out and named in error and error.count("\n") == 1


def test_solvers_follow_the_clock(run_json) -> None:
    """The largest batch within a limit on the step is smaller under a cap that binds; layouts are judged alike."""
    words = ("solve", "batch", "llama-3.1-8b", "h200-sxm", "--layout", "tp=1", "--max-step-time", "60ms")
    usual, capped = (run_json(*words, *more)["integer"]["batch"] for more in ((), ("--set", "power_cap=110W")))
    assert capped < usual
    search = ("solve", "layout", "llama-3.1-8b", "h200-sxm", "--chips", "1", "--phase", "prefill", "--prompt", "8192")
    times = [run_json(*search, *more)["best"]["estimate"]["step_time"] for more in ((), ("--set", "power_cap=200W"))]
    assert times[1] > times[0]


def test_a_machine_of_a_user_may_state_what_it_draws_at_rest(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('peak_flops = "1e15"\nmemory_bandwidth = "3e12"\nmemory_capacity = "200e9"\npower = "600 W"\n'
                    'resting_power = "100 W"\n')  # fmt: skip
    step = steptime.step("llama-3.1-8b", str(path), phase="prefill", power_cap="225 W")
    assert step.estimate.clock.share == pytest.approx(0.5)
