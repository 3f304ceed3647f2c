"""What somebody measured against the bound and the estimate."""

import pytest
from conftest import case_of

from steptime.model import symbols as q
from steptime.model.api.steps import measured_step, seconds_of
from steptime.model.errors import UserError
from steptime.model.step.estimate import estimated
from steptime.model.step.measured import against

STEP = {"layout": "tp=8", "batch": "64", "weights": "fp8"}


@pytest.fixture(scope="module")
def case():
    return case_of("llama-3.1-70b", "h100-sxm", **STEP)


@pytest.mark.parametrize("text", ["20ms", "0.02 s", "3200 tok/s", "3,200 tokens/s", "3.2k tok/s"])
def test_texts_that_mean_twenty_milliseconds(case, text) -> None:
    """64 sequences, a token each."""
    assert seconds_of(case, text) == pytest.approx(0.020)


def test_shares_of_the_peak_are_times(case) -> None:
    """MFU by hand: 64 tokens of 2 x 69.5e9 FLOP and of attention, over 8 x 1,979e12 FLOP/s."""
    flops = 64 * (2 * 69_501_714_432 + 4096 * 2_621_440)
    for text in ("0.03 MFU", "3% MFU", "3 % mfu"):
        assert seconds_of(case, text) == pytest.approx(flops / (8 * 1979e12 * 0.03), rel=1e-6)
    assert seconds_of(case, "59.37 TFLOP/s") == pytest.approx(flops / (8 * 59.37e12), rel=1e-6)
    assert against(case, seconds_of(case, "3% MFU")).mfu == pytest.approx(0.03)


def test_shares_and_what_alone_would_explain_the_rest(case) -> None:
    found, ours = against(case, 0.030), estimated(case)
    assert ours is not None and found.estimate == ours
    assert found.share_of_bound == pytest.approx(case.number(q.step_time) / 0.030)
    assert found.share_of_estimate == pytest.approx(ours.step_time / 0.030)
    assert found.unexplained == pytest.approx(0.030 - ours.step_time)
    for name, factor in found.factors.items():
        changed = ours.step_time + (factor - 1) * ours.terms[name]
        assert changed == pytest.approx(0.030), name
    factors = list(found.factors.values())
    assert factors == sorted(factors) and all(factor > 1 for factor in factors)


def test_faster_than_the_estimate_asks_for_smaller_terms(case) -> None:
    ours = estimated(case)
    assert ours is not None
    found = against(case, ours.step_time * 0.95)
    assert found.unexplained is not None and found.unexplained < 0
    assert found.factors and all(0 < factor < 1 for factor in found.factors.values())


def test_without_an_estimate_the_bound_stands_alone() -> None:
    options = {"phase": "train", "layout": "tp=1,dp=8", "batch": "64", "efficiency": "ideal"}
    found = measured_step(case_of("llama-3.1-8b", "h100-sxm", **options), "40% MFU").measured
    assert (found.share_of_estimate, found.unexplained, dict(found.factors)) == (None, None, {})
    assert found.mfu == pytest.approx(0.40)


@pytest.mark.parametrize("text", ["fast", "", "-3ms", "0 ms", "3 GB", "0 tok/s", "x MFU"])
def test_texts_that_mean_nothing_are_one_line(case, text) -> None:
    with pytest.raises(UserError, match="measured"):
        measured_step(case, text)


def test_the_command_line_says_what_cannot_be(run, run_json) -> None:
    options = ("step", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--batch", "64")
    data = run_json(*options, "--measured", "20ms")
    assert data["measured"]["step_time"] == 0.020
    assert {"share_of_bound", "share_of_estimate", "mfu", "mbu", "unexplained", "factors"} <= set(data["measured"])
    assert "cannot be" in run(*options, "--measured", "1ms")[1]
    code, _, err = run(*options, "--measured", "soon")
    assert code == 2 and "--measured" in err and err.count("\n") == 1
    assert run(*options, "--measured", "20ms", "--range", "context=1k..2k")[0] == 2


@pytest.mark.parametrize("options", [
    {"scope": "serving", "prompt": "4096", "output": "32", "batch": "1", "layout": "tp=8"},
    {"scope": "serving", "prompt": "1024", "output": "128", "batch": "16", "layout": "tp=4,replicas=2"},
    {"layout": "tp=4,dp=2", "batch": "65"},
    {"layout": "tp=8", "batch": "64"},
], ids=str)  # fmt: skip
def test_rates_of_bound_and_estimate_fed_back_are_theirs(options) -> None:
    """Every step counts in tokens per second, a request's own prefill and ranks with fewer sequences too."""
    case = case_of("llama-3.1-70b", "h100-sxm", weights="fp8", **options)
    data = measured_step(case, "1s").to_dict()
    ours = measured_step(case, f"{data['estimate']['tokens_per_second']!r} tok/s").measured
    assert (ours.share_of_estimate, ours.unexplained) == (pytest.approx(1), pytest.approx(0, abs=1e-12))
    at_bound = measured_step(case, f"{case.number(q.tokens_per_second)!r} tok/s").measured
    assert at_bound.share_of_bound == pytest.approx(1)


def test_more_may_be_hidden_than_an_overlap_says(run) -> None:
    options = ("step", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--batch", "64", "--weights", "fp8")
    said = run(*options, "--overlap", "none", "--measured", "6.5ms")[1]
    assert "at overlap none, which is no bound" in said and "cannot be" not in said
    assert "cannot be" not in run(*options, "--measured", "5.839ms")[1]
