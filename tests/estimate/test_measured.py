"""What somebody measured against the bound and the estimate."""

from dataclasses import replace

import pytest
from conftest import case_of

from steptime.model import symbols as q
from steptime.model.api.steps import measured_step, seconds_of
from steptime.model.catalog.coefficients import shipped
from steptime.model.errors import UserError
from steptime.model.step.estimate import estimated
from steptime.model.step.measured import against
from steptime.model.units import unit_of

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


@pytest.mark.parametrize("time", [0.0150, 0.0152, 0.0174, 0.0204, 0.0206])
def test_a_time_lies_in_the_band_or_out_of_it(case, time) -> None:
    ours = estimated(case)
    by = time / 0.0176 * ours.step_time  # whatever the estimate is, some of these lie in its band and some do not
    found, shown = measured_step(case, f"{by!r} s"), f"{by:.3g}"
    inside = ours.low <= by <= ours.high
    assert (found.measured.inside, found.measured.band) == (inside, (ours.low, ours.high)), shown
    words = " ".join(str(found).split())
    assert ("; inside the band (" in words, "below the band" in words) == (inside, by < ours.low)


def test_the_band_of_a_rate_is_of_the_mean_step() -> None:
    case = case_of("llama-3.1-8b", "h100-sxm", scope="serving", prompt="4096", output="32", batch="4", layout="tp=1")
    found = measured_step(case, "100 tok/s").measured
    ours = found.estimate
    assert found.band == pytest.approx([end * ours.mean_time / ours.step_time for end in (ours.low, ours.high)])
    assert against(case, 0.1).band == (ours.low, ours.high)
    for name, factor in found.factors.items():
        more = ours.own * (name == "prefills")
        changed = ours.mean_time + (factor - 1) * (ours.terms[name] + more)
        assert changed == pytest.approx(found.step_time), name


@pytest.fixture(scope="module")
def perfect():
    """Every share one and every start nothing, and nothing overlapped: the bound is more than the terms add up to."""
    shares = {s: 1.0 if unit_of(s) == 1 else 1e-12 for s in shipped().values}
    case = case_of("llama-3.1-70b", "h100-sxm", overlap="none", **STEP)
    chosen = replace(shipped(), values=shares, kernels={})
    return replace(case, inputs=replace(case.inputs, coefficients=chosen))


@pytest.mark.parametrize("times", [0.9, 0.999, 1.001, 1.5])
def test_where_the_bound_is_the_estimate_a_term_explains_what_lies_above_it(perfect, times) -> None:
    """Put into the estimate, max(sum of terms, bound), each factor gives what was measured."""
    ours, bound = estimated(perfect), perfect.number(q.step_time)
    assert ours.step_time == bound > sum(ours.terms.values()) * 1.01
    found = against(perfect, bound * times)
    assert bool(found.factors) == (times > 1)
    for name, factor in found.factors.items():
        changed = {**ours.terms, name: ours.terms[name] * factor}
        assert max(sum(changed.values()), bound) == pytest.approx(bound * times, rel=1e-9), name


def test_no_term_brings_an_estimate_below_its_bound(case) -> None:
    found = measured_step(case, f"{case.number(q.step_time) * 0.9!r} s")
    assert dict(found.measured.factors) == {} and "would explain it: no single term" in " ".join(str(found).split())


@pytest.mark.parametrize(("text", "said"), [
    ("38", "write 38ms or 38s"), (" 0.5 ", "write 0.5ms or 0.5s"), ("1e-3", "write 1e-3ms or"), ("42%", "42% MFU"),
])  # fmt: skip
def test_a_number_without_a_unit_is_asked_back(case, text, said, run) -> None:
    with pytest.raises(UserError, match=said):
        measured_step(case, text)
    code, out, err = run("step", "llama-3.1-8b", "h100-sxm", "--measured", text)
    assert (code, out, err.count("\n")) == (2, "", 1) and said in err


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
    assert "with nothing overlapped, which is no bound" in said and "cannot be" not in said
    assert "cannot be" not in run(*options, "--measured", "5.839ms")[1]
