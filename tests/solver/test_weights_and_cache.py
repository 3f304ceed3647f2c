"""Where as much KV cache is read as weights: by hand, at random, and what has no such point."""

import pytest
from conftest import case_of
from hypothesis import given, settings
from hypothesis import strategies as some

import steptime as st
from steptime.model import symbols as q
from steptime.model.choices import PartName


@pytest.mark.parametrize(("model", "batch", "layout"), [
    ("llama-3.1-70b", 64, "tp=8"), ("llama-3.1-8b", 1, "tp=1"), ("qwen3-32b", 16, "tp=2,dp=2"),
])  # fmt: skip
def test_the_context_is_that_at_which_bytes_are_equal_by_hand(model: str, batch: int, layout: str) -> None:
    """Bytes of weights on a chip against batch x (kv_bytes x L + kv_written) on a chip."""
    step = st.step(model, "h100-sxm", batch=batch, layout=layout)
    found, n = step.crossover("weights", "kv", over="context"), step.quantities
    weights = n["parameters_read"] * n["bytes_per_weight"] / n["weight_shards"]
    by_hand = (weights * n["kv_shards"] / n["micro_batch"] - n["kv_written"]) / n["kv_bytes"]
    assert found.value == pytest.approx(by_hand, rel=1e-12) and found.exists_when is not None
    assert {str(one) for one in found.formula.rhs.free_symbols} >= {"kv_bytes", "parameters_read"}
    assert "memory_bandwidth" not in {str(one) for one in found.formula.rhs.free_symbols}


@settings(max_examples=20, deadline=None)
@given(
    model=some.sampled_from(["llama-3.1-70b", "deepseek-v3", "gpt-oss-120b", "gemma-3-27b"]),
    over=some.sampled_from(["batch", "context", "bytes_per_kv"]), batch=some.integers(1, 4096),
    context=some.integers(100, 100_000), efficiency=some.floats(0.3, 1),
)  # fmt: skip
def test_both_are_equal_there_and_half_of_the_memory_term(model, over, batch, context, efficiency) -> None:
    layout = "dp=8,ep=8" if model == "deepseek-v3" else "tp=8"
    step = st.step(model, "h100-sxm", layout=layout, batch=batch, context=context, memory_efficiency=efficiency)
    found = step.crossover("KV", "weights", over=over)
    for value in found.values:
        there = found.case.scenario | {found.answer.over: value}
        parts = [there.evaluate(found.case.comparable[part]) for part in PartName]
        assert parts[0] == pytest.approx(parts[1], rel=1e-9)
        assert sum(parts) == pytest.approx(there.evaluate(found.case.resources["memory"]), rel=1e-9)


def test_parts_are_what_the_first_screen_shows(run) -> None:
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", context="32000")
    _, out, _ = run("step", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--context", "32k")
    for name, part in (("weights", PartName.WEIGHTS), ("KV cache", PartName.KV)):
        line = next(one for one in out.splitlines() if one.startswith(f"  {name} "))
        assert f"{1000 * case.number(case.comparable[part]):.4g} ms" in line


@pytest.mark.parametrize("of", [{"experts": "all"}, {}], ids=["all experts", "those touched"])
def test_where_experts_read_depend_on_the_batch_there_is_a_root_and_no_closed_form(of) -> None:
    found = st.step("deepseek-v3", "h100-sxm", layout="dp=16,ep=16", **of).crossover("weights", "kv", over="batch")
    assert (found.formula is not None) == bool(of) and found.value is not None


def test_the_command_says_it_in_words(run, run_json) -> None:
    asked = ("solve", "crossover", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--between", "weights,KV", "--over",
             "context")  # fmt: skip
    code, out, _ = run(*asked)
    assert code == 0 and "where reading weights = reading the KV cache, over context" in out
    value = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").crossover("weights", "kv", over="context").value
    found = run_json(*asked)
    assert found["value"] == value and found["between"] == ["weights", "kv"] and found["closed_form"] is not None
    exact = run_json(*asked, "--range", "batch=32..64")
    assert exact["ranges"]["outputs"]["context"]["low"] == pytest.approx(value, rel=1e-9)
    code, out, _ = run(*asked[:-1], "memory_bandwidth")
    said = " ".join(out.split())
    assert "no crossover: reading weights exceeds reading the KV cache at every memory_bandwidth" in said


@pytest.mark.parametrize(("between", "words", "message"), [
    ("memory,weights", (), "not two different terms"), ("kv,memory", (), "not two different terms"),
    ("weights,kv", ("--phase", "train"), "'weights' is not a term"),
    ("weights,cache", (), "'cache' is not a term; terms are compute, memory, interconnect, "),
])  # fmt: skip
def test_what_has_no_such_point_is_said(run, between: str, words: tuple[str, ...], message: str) -> None:
    code, _, err = run("solve", "crossover", "llama-3.1-8b", "h100-sxm", "--between", between, *words)
    assert code == 2 and message in err and err.count("\n") == 1


def test_the_picture_shows_both_and_where_they_meet() -> None:
    found = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").crossover("weights", "kv", over="context")
    chart = found.chart()
    curves = {one.name: one for one in chart.curves}
    assert {"weights", "kv", "memory"} < curves.keys() and q.context == found.answer.over
    (point,) = chart.points
    at = int((curves["kv"].x == found.value).nonzero()[0][0])
    assert curves["kv"].y[at] == pytest.approx(curves["weights"].y[at]) == point.y[0]
