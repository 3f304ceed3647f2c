"""What is set by hand and moves the bound alone: the estimate has coefficients in its place, and says so."""

import pytest

import steptime as st

SHARES = ("compute_efficiency", "memory_efficiency", "interconnect_efficiency")
TRAINING = {"phase": "train", "layout": "tp=8,pp=2", "batch": 64}


def replaced(**words: object) -> tuple[st.Step, list[str]]:
    step = st.step("llama-3.1-70b", "h100-sxm", **{"layout": "tp=8", **words})
    assert step.estimate is not None
    return step, [one for one in step.estimate.outside if "as set" in one]


@pytest.mark.parametrize("phase", [{}, {"phase": "prefill"}, {"scope": "serving", "output": 500}, TRAINING],
                         ids=["decode", "prefill", "serving", "train"])  # fmt: skip
@pytest.mark.parametrize("name", SHARES)
def test_an_efficiency_that_the_estimate_does_not_have_is_named(name: str, phase: dict[str, object]) -> None:
    usual, none = replaced(**phase)
    step, said = replaced(**phase, **{name: 0.9})
    assert none == [] and said == [f"{name} as set: the estimate has shares of its own"]
    assert step.estimate.step_time == pytest.approx(usual.estimate.step_time, rel=1e-12) and not step.estimate.inside


@pytest.mark.parametrize(("words", "said"), [
    ({"scale_up_latency": "10us"}, "scale_up_latency as set: the estimate has starts of its own"),
    ({"scale_out_latency": "10us", "scale_up_latency": "5us", "layout": "tp=8,cp=2"},
     "scale_up_latency and scale_out_latency as set: the estimate has starts of its own"),
    ({"memory_efficiency": 0.9, "scale_up_latency": "1us"},
     "memory_efficiency and scale_up_latency as set: the estimate has shares of its own and starts of its own"),
    ({**TRAINING, "scale_up_latency": "1us"}, "scale_up_latency as set: the estimate has no starts"),
])  # fmt: skip
def test_so_are_starts(words: dict[str, object], said: str) -> None:
    assert replaced(**words)[1] == [said]


def test_what_both_have_is_not_named() -> None:
    usual, _ = replaced()
    faster, said = replaced(memory_bandwidth="6TB/s")
    assert said == [] and faster.estimate.step_time < usual.estimate.step_time


def test_it_is_printed(run) -> None:
    code, out, _ = run("step", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--set", "memory_efficiency=0.9")
    assert code == 0 and "memory_efficiency as set: the estimate has shares of its own" in " ".join(out.split())


@pytest.mark.parametrize(("words", "instead"), [
    ({"batch": 4096, "context": 1}, "set `batch`, or the layout's replicas and pp"),
    ({"phase": "prefill"}, "set `batch`"), ({"scope": "serving", "output": 300}, "set `batch`"),
    ({"phase": "train", "layout": "dp=2", "batch": 16}, "set `microbatch`"),
])  # fmt: skip
def test_a_micro_batch_beside_a_batch_is_refused(words: dict[str, object], instead: str) -> None:
    """One sequence at once of 4,096 in flight take the time of one and count as all: 14 times the peak."""
    with pytest.raises(st.UserError, match="`micro_batch`: it follows from the batch and the layout; ") as refused:
        st.step("llama-3.1-8b", "h100-sxm", **{"layout": "tp=1", **words, "micro_batch": 1})
    assert instead in str(refused.value)
