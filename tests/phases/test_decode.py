"""Decode: blackboard and ledger agree symbolically, published numbers come out, and the bound behaves like one."""

import random

import pytest
import sympy
from conftest import case_of
from drawn import possible
from hypothesis import given, settings
from hypothesis import strategies as st

from steptime.model import symbols as q
from steptime.model.catalog.hardware import load_hardware
from steptime.model.catalog.transformers import load_transformer
from steptime.model.choices import Copies, Experts, Split
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import SYMBOLIC, Layout
from steptime.model.phases.decode import blackboard
from steptime.model.phases.ledger import Ledger, touched_experts
from steptime.model.phases.rates import rates
from steptime.model.scenario import Scenario
from steptime.model.step.case import TERMS
from steptime.model.terms import Transfer

MODELS = ("deepseek-v3", "llama-3.1-70b", "mixtral-8x7b", "gemma-2-27b", "gpt-oss-120b", "llama-4-maverick", "gpt2")
LAYOUTS = (Layout(), Layout(tp=4, dp=2, cp=2, pp=2), Layout(dp=8, ep=8, replicas=2))


@pytest.mark.parametrize(
    "degrees", [SYMBOLIC, *(layout.degrees for layout in LAYOUTS)], ids=["symbolic", *map(str, LAYOUTS)]
)
@pytest.mark.parametrize(
    "plan", [Plan(), Plan(Split.STAGE, Copies.PER_EXPERT, True, Experts.ALL)], ids=["default", "other choices"]
)
@pytest.mark.parametrize("name", MODELS)
def test_blackboard_expands_to_the_ledger_exactly(name, plan, degrees) -> None:
    ledger = Ledger(load_transformer(name), plan, degrees)
    slots = {symbol: expr for symbol, expr in ledger.slots.items() if symbol != q.micro_batch}
    scenario = Scenario({}, slots)
    for term, sums in zip(blackboard.terms, rates.step(ledger.operations).terms, strict=True):
        for left, right in ((term.work, sums.work), (term.fixed, sums.fixed)):
            difference = sympy.expand(scenario.expand(left) - right)
            assert difference == 0 or sympy.simplify(difference) == 0
            _equal_at_random_rationals(scenario.expand(left), right)


def _equal_at_random_rationals(left: sympy.Expr, right: sympy.Expr) -> None:
    generator = random.Random(7)
    for _ in range(2):
        numbers = {symbol: sympy.Integer(generator.randint(1, 40)) for symbol in left.free_symbols | right.free_symbols}
        assert sympy.nsimplify(left.xreplace(numbers) - right.xreplace(numbers)) == 0


@pytest.mark.parametrize(("model", "hardware", "layout"), [
    ("deepseek-v3", "h800-sxm", "dp=32,ep=32"),
    ("deepseek-v3", "h800-sxm", "tp=8,dp=4,ep=16,pp=1"),
    ("llama-3.1-70b", "h100-sxm", "tp=8"),
    ("llama-2-7b", "a100-sxm-80gb", None),
    ("mixtral-8x7b", "mi300x", None),
    ("gemma-3-27b", "tpuv5e", "tp=8,pp=2"),
])  # fmt: skip
@pytest.mark.parametrize("overlap", ["full", "per-operation", "none"])
def test_json_terms_follow_from_its_own_operations_and_quantities(run_json, model, hardware, layout, overlap) -> None:
    data = run_json("step", model, hardware, "--overlap", overlap, *(["--layout", layout] if layout else []))
    n, lines = data["quantities"], data["operations"]
    compute = sum(line["flops"] for line in lines) / n["peak_flops"]
    memory = sum(line["memory_bytes"] for line in lines) / n["memory_bandwidth"]
    tiers = {
        tier: sum(line["network_bytes"][tier] for line in lines) / n.get(f"{tier}_bandwidth", 1)
        for tier in ("scale_up", "scale_out")
    }
    expected = {"compute": compute, "memory": memory, "interconnect": max(tiers.values())}
    assert data["terms"] == pytest.approx(expected, rel=1e-9)
    assert data["network"] == pytest.approx(tiers, rel=1e-9)
    b = n["micro_batch"]
    by_hand = {
        "compute": (2 * n["active_parameters"] + n["attention_flops"] * n["context"])
        * b
        / n["compute_shards"]
        / n["peak_flops"],
        "memory": (
            n["bytes_per_weight"] * n["parameters_read"] / n["weight_shards"]
            + (n["kv_bytes"] * n["context"] + n["kv_written"]) * b / n["kv_shards"]
        )
        / n["memory_bandwidth"],
        "interconnect": max(
            n["scale_up_bytes"] * b / n["scale_up_bandwidth"],
            n["scale_out_bytes"] * b / n.get("scale_out_bandwidth", 1),
        ),
    }
    assert data["terms"] == pytest.approx(by_hand, rel=1e-9)
    per_operation = sum(
        max(line["flops"] / n["peak_flops"], line["memory_bytes"] / n["memory_bandwidth"],
            line["network_bytes"]["scale_up"] / n["scale_up_bandwidth"],
            line["network_bytes"]["scale_out"] / n.get("scale_out_bandwidth", 1)) for line in lines
    )  # fmt: skip
    bounds = {
        "full": max(expected.values()),
        "per_operation": per_operation,
        "none": compute + memory + sum(tiers.values()),
    }
    assert data["bounds"] == pytest.approx(bounds, rel=1e-9)
    assert data["step_time"] == pytest.approx(bounds[overlap.replace("-", "_")], rel=1e-9)
    assert data["bottleneck"] == max(expected, key=lambda name: expected[name])


@pytest.mark.parametrize(("name", "kv_bytes"), [
    pytest.param("llama-3.1-70b", 327_680, id="llama-3.1-70b: 80 layers x 2 x 8 heads x 128 x 2 B"),
    pytest.param("deepseek-v3", 70_272, id="deepseek-v3: 61 layers x (512 + 64) x 2 B"),
])  # fmt: skip
def test_kv_bytes_per_token(name: str, kv_bytes: int) -> None:
    assert case_of(name, "h100-sxm", layout="tp=8").scenario.evaluate(q.kv_bytes) == kv_bytes


@pytest.mark.parametrize("context", [1, 1000, 4096, 4097, 8192, 100_000])
def test_gemma_2_windows_cap_the_cache_of_every_second_layer(context: int) -> None:
    per_layer = 2 * 16 * 128 * 2
    expected = per_layer * (23 * context + 23 * min(context, 4096)) / context
    found = case_of("gemma-2-27b", "h100-sxm", layout="tp=1", context=str(context)).scenario.evaluate(q.kv_bytes)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("batch", "step_time"), [
    pytest.param("4", 2.5677e-3, id="30e9 int8 weights / (16 x 8.1e11) + 4 x 8193 x 100 kB / (16 x 8.1e11)"),
    pytest.param("256", 21.0568e-3, id="weights compute-bound 4.873 ms + KV 16.183 ms"),
])  # fmt: skip
def test_abstract_model_on_sixteen_chips(tmp_path, run_json, batch: str, step_time: float) -> None:
    model, machine = tmp_path / "model.toml", tmp_path / "machine.toml"
    model.write_text('name = "toy-30b"\nparameters = 30e9\nactive_parameters = 30e9\nkv_bytes = "100 kB"\n')
    machine.write_text(
        'name = "toy"\npeak_flops = { bf16 = 1.97e14, int8 = "394 TFLOP/s" }\nmemory_bandwidth = "810 GB/s"\n'
        'memory_capacity = "16 GB"\nscale_up_bandwidth = "90 GB/s"\nscale_up_domain = 16\n'
    )
    arguments = (
        "--batch",
        batch,
        "--context",
        "8192",
        "--weights",
        "int8",
        "--activations",
        "bf16",
        "--overlap",
        "per-operation",
    )
    data = run_json("step", str(model), str(machine), "--set", "chips=16", *arguments)
    assert data["step_time"] == pytest.approx(step_time, rel=1e-4)
    assert data["terms"]["interconnect"] is None and "width" in data["missing"]["terms.interconnect"]
    assert any("interconnect" in text for text in data["not_modelled"])
    assert (
        "chip_hour_price" in data["missing"]["dollars_per_million_tokens"]
        and data["dollars_per_million_tokens"] is None
    )


def test_ridge_of_h100_at_fp8() -> None:
    machine = load_hardware("h100-sxm")
    ridge = machine.peak("fp8") * 1 / (2 * machine.figures["memory_bandwidth"].value)
    assert ridge == pytest.approx(295.4, abs=0.05)


def test_expected_experts_of_a_tiny_router() -> None:
    """Two experts, one chosen: two tokens touch 1.5 on average, counted by hand over the four outcomes."""
    ledger = Ledger(load_transformer("mixtral-8x7b"), Plan())
    _, block = ledger.expert_layers[0]
    tiny = type(block)(experts=2, experts_per_token=1, intermediate=8)
    assert touched_experts(tiny, Experts.EXPECTED).xreplace({q.micro_batch: sympy.Integer(2)}) == sympy.Rational(3, 2)
    assert touched_experts(tiny, Experts.ALL) == 2


LAYOUT = st.sampled_from(
    ["tp=1", "tp=8", "tp=4,dp=2", "dp=8,ep=8", "tp=2,dp=2,pp=2", "tp=2,cp=2,dp=2,ep=4", "dp=16,ep=16,ffn=all"]
)
SCENARIOS = st.fixed_dictionaries({
    "model": st.sampled_from(["deepseek-v3", "mixtral-8x7b", "qwen3-30b-a3b"]),
    "hardware": st.sampled_from(["h100-sxm", "mi300x", "h800-sxm"]),
    "layout": LAYOUT,
    "batch": st.integers(1, 4096).map(str),
    "context": st.integers(1, 200_000).map(str),
    "experts": st.sampled_from(["expected", "all"]),
})  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(options=SCENARIOS)
def test_the_band_is_ordered(options) -> None:
    case = possible(options)
    full, operation, none = (case.scenario.evaluate(bound) for bound in case.bounds.values())
    assert full <= operation * (1 + 1e-12) and operation <= none * (1 + 1e-12) and none <= 4 * full * (1 + 1e-12)


@settings(max_examples=25, deadline=None)
@given(options=SCENARIOS, factor=st.floats(1.01, 100), rate=st.sampled_from(
    [q.peak_flops, q.memory_bandwidth, q.scale_up_bandwidth, q.scale_out_bandwidth]))  # fmt: skip
def test_a_faster_rate_never_slows_a_step(options, factor, rate) -> None:
    scenario = possible(options).scenario
    faster = scenario | {rate: scenario.value(rate) * factor}
    assert faster.evaluate(blackboard.time) <= scenario.evaluate(blackboard.time) * (1 + 1e-12)


@settings(max_examples=15, deadline=None)
@given(options=SCENARIOS, factor=st.floats(0.01, 100))
def test_time_is_homogeneous_in_all_rates(options, factor) -> None:
    """Seconds only enter through rates: all rates twice as high, every term half as long."""
    scenario = possible(options).scenario
    all_rates = (q.peak_flops, q.memory_bandwidth, q.scale_up_bandwidth, q.scale_out_bandwidth)
    scaled = scenario | {rate: scenario.value(rate) * factor for rate in all_rates}
    for term in blackboard.terms:
        assert scaled.evaluate(term.time) * factor == pytest.approx(scenario.evaluate(term.time), rel=1e-9, abs=1e-30)


@settings(max_examples=15, deadline=None)
@given(options=SCENARIOS, more=st.integers(1, 4096))
def test_more_sequences_take_longer_and_cost_less_each(options, more) -> None:
    scenario = possible(options).scenario
    larger = scenario | {q.batch: scenario.value(q.batch) + more}
    before, after = scenario.evaluate(q.step_time), larger.evaluate(q.step_time)
    assert after >= before * (1 - 1e-12)
    assert after / larger.value(q.batch) <= before / scenario.value(q.batch) * (1 + 1e-12)


def test_a_single_chip_has_no_network() -> None:
    case = case_of("llama-3.1-8b", "apple-m2-ultra")
    assert case.layout.chips == 1
    assert case.times["interconnect"] == 0
    assert all(line.traffic == Transfer() for line in case.operations)


def test_pipelining_at_a_fixed_micro_batch_is_neutral_for_a_token() -> None:
    """Lecture row 3.2: the same chips a stage, the same micro-batch: more stages change neither compute nor memory."""
    one = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", batch="32").times
    four = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8,pp=4", batch="128").times
    assert {name: four[name] for name in TERMS[:2]} == pytest.approx({name: one[name] for name in TERMS[:2]}, rel=1e-12)
