"""What must hold for every phase, model and layout: bounds, monotone rates, memory that sharding never raises."""

from functools import partial

import drawn
import pytest
from conftest import case_of
from hypothesis import given, settings
from hypothesis import strategies as st

from steptime.model import symbols as q

MODELS = (
    "deepseek-v2-lite",
    "mixtral-8x7b",
    "qwen3-next-80b-a3b",
    "gpt-oss-20b",
    "gemma-3-27b",
    "nemotron-3-nano-30b-a3b",
)
RATES = (q.peak_flops, q.memory_bandwidth, q.scale_up_bandwidth, q.scale_out_bandwidth)
phases = st.one_of(
    st.fixed_dictionaries({"phase": st.just("decode"), "context": st.integers(1, 100_000).map(str)}),
    st.fixed_dictionaries({
        "phase": st.just("prefill"), "prompt": st.integers(300, 50_000).map(str),
        "cached": st.none() | st.integers(1, 200).map(str), "chunk": st.none() | st.integers(1, 100).map(str),
    }),
    st.fixed_dictionaries({
        "scope": st.just("serving"), "prompt": st.integers(2, 50_000).map(str), "output": st.integers(2, 5000).map(str),
    }),
    st.fixed_dictionaries({"sets": st.sampled_from([("drafts=2", "acceptance=0.7"), ("drafts=5", "acceptance=0")])}),
)  # fmt: skip
scenarios = st.fixed_dictionaries({
    "model": st.sampled_from(MODELS), "hardware": st.sampled_from(["h100-sxm", "mi300x", "tpuv5p"]),
    "batch": st.integers(1, 4096).map(str),
    "layout": st.sampled_from(["tp=1", "tp=2,cp=2", "dp=4,ep=4", "tp=2,dp=8,ep=8,pp=2", "tp=2,cp=4,dp=2,ffn=all"]),
})  # fmt: skip


possible = partial(drawn.possible, impossible=(*drawn.IMPOSSIBLE, "has no peak"))


@settings(max_examples=40)
@given(scenarios, phases, st.sampled_from(RATES), st.floats(1.01, 100))
def test_a_faster_rate_never_slows_any_phase(options, phase, rate, factor) -> None:
    scenario = possible({**options, **phase}).scenario
    faster = scenario | {rate: scenario.value(rate) * factor}
    assert faster.evaluate(q.step_time) <= scenario.evaluate(q.step_time) * (1 + 1e-12)


@settings(max_examples=40)
@given(scenarios, phases)
def test_the_band_of_any_phase_is_ordered(options, phase) -> None:
    case = possible({**options, **phase})
    full, operation, none = (case.scenario.evaluate(bound) for bound in case.bounds.values())
    assert 0 < full <= operation * (1 + 1e-12) and operation <= none * (1 + 1e-12) and none <= 4 * full * (1 + 1e-12)


@settings(max_examples=40)
@given(scenarios, phases, st.sampled_from(["tp", "cp", "dp", "pp"]))
def test_sharding_never_raises_a_chips_memory(options, phase, degree) -> None:
    """Twice as many chips, spent on any one degree: the fullest chip holds no more."""
    case = possible({**options, **phase})
    more = {"tp": case.layout.tp, "cp": case.layout.cp, "dp": case.layout.dp, "pp": case.layout.pp}
    more[degree] *= 2
    written = ",".join(f"{name}={value}" for name, value in more.items())
    finer = possible({**options, **phase, "layout": f"{written},ep={case.layout.ep},ffn={case.layout.ffn}"})
    assert finer.number(finer.fullest_stage.total) <= case.number(case.fullest_stage.total) * (1 + 1e-12)


@pytest.mark.parametrize("model", ["llama-3.1-70b", "deepseek-v3"])
def test_pipelining_leaves_a_chips_cache_as_it_is_at_a_fixed_micro_batch(model: str) -> None:
    """Lecture row 3.3: each stage has 1/P of the layers, and P micro-batches in flight. 80 and 60 of 61 layers divide;
    with 61 the fullest stage has 16 of 15.25."""
    one = case_of(model, "h200-sxm", layout="tp=8,pp=1", batch="64", context="10000")
    four = case_of(model, "h200-sxm", layout="tp=8,pp=4", batch="256", context="10000")
    layers = one.accounts.layers
    expected = one.number(one.fullest_stage.kv) * -(-layers // 4) / (layers / 4)
    assert four.number(four.fullest_stage.kv) == pytest.approx(expected, rel=1e-12)
    assert four.number(four.fullest_stage.weights) < one.number(one.fullest_stage.weights) / 3


@settings(max_examples=30)
@given(scenarios, phases, st.integers(1, 3))
def test_replicas_are_the_same_layout_spelled_differently(options, phase, replicas) -> None:
    one = possible({**options, **phase})
    batch = str(int(options["batch"]) * replicas)
    more = possible({**options, **phase, "batch": batch, "layout": f"{options['layout']},replicas={replicas}"})
    assert more.scenario.evaluate(q.step_time) == pytest.approx(one.scenario.evaluate(q.step_time), rel=1e-12)
    assert more.number(more.fullest_stage.total) == pytest.approx(one.number(one.fullest_stage.total), rel=1e-12)


@settings(max_examples=20)
@given(st.sampled_from(MODELS), phases)
def test_one_chip_has_no_network(model, phase) -> None:
    case = case_of(model, "h100-sxm", layout="tp=1", **phase)
    assert case.times["interconnect"] == 0 and all(not line.network for line in case.operations)


@settings(max_examples=20)
@given(st.floats(1, 5))
def test_a_hotter_chip_multiplies_the_experts_flops_and_traffic(load) -> None:
    """Only routed experts: their FLOP, their dispatch and combine; weights are read as often as before."""
    even = case_of("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", batch="4096")
    hot = case_of("deepseek-v3", "h100-sxm", layout="dp=32,ep=32", batch="4096", sets=(f"expert_load={load!r}",))
    before, after = ({line.name: line for line in case.operations} for case in (even, hot))
    for name, line in before.items():
        times = load if name in ("routed experts", "expert dispatch", "expert combine") else 1
        assert hot.number(after[name].flops) == pytest.approx(even.number(line.flops) * times, rel=1e-9)
        assert hot.number(after[name].memory_bytes) == pytest.approx(even.number(line.memory_bytes), rel=1e-9)
        moved = hot.number(after[name].traffic.scale_out), even.number(line.traffic.scale_out) * times
        assert moved[0] == pytest.approx(moved[1], rel=1e-9)
