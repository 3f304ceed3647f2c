"""Numbers, texts with units, layouts in three forms: what they mean, and that they mean the same."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as some

import steptime as st
from steptime.model.choices import Minimise, PhaseName

TOY = 'name = "toy"\nparameters = 30e9\nkv_bytes = "100 kB"\n'


@pytest.fixture(scope="module")
def step() -> st.Step:
    return st.step("llama-3.1-8b", "h100-sxm", layout="tp=2")


@pytest.mark.parametrize(("one", "other"), [
    ({"batch": 64}, {"batch": "64"}),
    ({"context": 200_000}, {"context": "200k"}),
    ({"memory_bandwidth": 10e12}, {"memory_bandwidth": "10TB/s"}),
    ({"scale_up_latency": 2e-6}, {"scale_up_latency": "2us"}),
    ({"batch": 64}, {"batch": np.int64(64)}),
    ({"batch": 64}, {"batch": np.float32(64)}),
    ({"batch": 64}, {"batch": sympy.Integer(64)}),
    ({"memory_efficiency": 0.75}, {"memory_efficiency": Fraction(3, 4)}),
    ({"scale_up_latency": 0}, {"scale_up_latency": np.float64(0)}),
    ({"layout": st.Layout(tp=4, dp=2)}, {"layout": "tp=4,dp=2"}),
    ({"layout": st.Layout(tp=4, dp=2)}, {"layout": {"tp": 4, "dp": "2"}}),
    ({"layout": st.Layout(tp=4)}, {"layout": st.Layout(tp=np.int64(4))}),
    ({"layout": "tp=4,ffn=all"}, {"layout": {"tp": 4, "ffn": "all"}}),
    ({"chips": 4}, {"chips": "4"}),
    ({"phase": "prefill"}, {"phase": PhaseName.PREFILL}),
    ({"batch": 64, "kv": None}, {"batch": 64}),
], ids=str)  # fmt: skip
def test_two_ways_to_say_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    found, same = (st.step("llama-3.1-8b", "h100-sxm", **words) for words in (one, other))
    assert found == same and found.to_dict() == same.to_dict()


@given(some.floats(1e9, 1e14), some.integers(1, 10**6))
def test_a_number_is_its_text(bandwidth: float, batch: int) -> None:
    step = st.step("gpt2", "h100-sxm", memory_bandwidth=bandwidth, batch=batch)
    assert step == st.step("gpt2", "h100-sxm", memory_bandwidth=f"{bandwidth!r} B/s", batch=f"{batch}")
    assert step.quantities["memory_bandwidth"] == bandwidth and step.quantities["batch"] == batch


@pytest.mark.parametrize("said", [st.Layout(tp=4, dp=2), "tp=4,dp=2", {"tp": "4", "dp": 2}], ids=str)
def test_a_layout_is_the_one_that_was_said(said: Any) -> None:
    layout = st.step("llama-3.1-8b", "h100-sxm", layout=said).layout
    assert (layout.tp, layout.dp, layout.chips) == (4, 2, 8)


def test_a_file_is_named_by_text_or_path(tmp_path: Path) -> None:
    path = tmp_path / "toy.toml"
    path.write_text(TOY)
    named, pathed = (st.step(model, "h100-sxm", chips=2) for model in (str(path), path))
    assert named.to_dict() == pathed.to_dict() and named.quantities["parameters"] == 30e9
    assert named.to_dict() == st.step(named.case.accounts.model, st.hardware("h100"), chips=2).to_dict()


@pytest.mark.parametrize(("ask", "number", "text"), [
    (lambda step, limit: step.best_batch("cost", limit).batch, 0.02, "20ms"),
    (lambda step, words: step.best_batch(words).batch, "latency", Minimise.LATENCY),
    (lambda step, limits: step.best_batch("cost", limits=limits).batch, ["batch<=99"], "batch <= 99"),
    (lambda step, ends: step.ranges(memory_bandwidth=ends).to_dict(), (1e12, 3e12), "1TB/s..3TB/s"),
    (lambda step, ends: step.ranges(memory_bandwidth=ends).to_dict(), (1e12, 3e12), np.array([1e12, 3e12])),
    (lambda step, seconds: st.cache("llama-3.1-8b", "h100-sxm").at(seconds), 600, "10min"),
    (lambda step, batch: st.search("gpt2", "h100-sxm", 1, batch).best.batch, [1, 4], np.array([1, 4])),
    (lambda step, batch: st.search("gpt2", "h100-sxm", 1, batch).points, 4, np.int64(4)),
    (lambda step, batch: st.search("gpt2", "h100-sxm", "1", batch).points, (1, 4), "1,4"),
])  # fmt: skip
def test_limits_ranges_and_lists(step: st.Step, ask: Callable[[st.Step, Any], Any], number: Any, text: Any) -> None:
    assert ask(step, number) == ask(step, text)


def test_a_search_without_a_batch_tries_many() -> None:
    assert st.search("gpt2", "h100-sxm", 1, weights="bf16").points > st.search("gpt2", "h100-sxm", 1, 8).points
