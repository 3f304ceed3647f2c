"""A page's own JavaScript, run in node, answers as `step --json` does, wherever its controls are; and its texts."""

import shlex
import shutil
from pathlib import Path

import pytest
from pages import Json, crossings, drawn, expected, model_of, node

import steptime as st

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
MACHINE = """
name = "toy"
peak_flops = { bf16 = "197 TFLOP/s", int8 = "394 TFLOP/s" }
memory_bandwidth = "810 GB/s"
memory_capacity = "16 GB"
scale_up_bandwidth = "90 GB/s"
scale_up_domain = 4
"""
SCENARIOS = {
    "experts over two tiers": ("deepseek-v3", "h200-sxm", {"layout": "tp=4,dp=4,ep=16", "context": "32k"}),
    "a model in four bits": ("gpt-oss-120b", "mi300x", {}),
    "a prefill behind a cache": ("llama-3.1-70b", "h100-sxm", {"phase": "prefill", "cached": 1000, "prompt": 9000}),
    "training": ("llama-3.1-70b", "h100-sxm", {"phase": "train", "batch": 64}),
    "in-flight batching": ("llama-3.1-70b", "h100-sxm", {"scope": "serving", "output": 300}),
    "in-flight batching, experts": ("deepseek-v3", "h200-sxm", {
        "scope": "serving", "prompt": 6000, "output": 400, "layout": "tp=2,dp=8,ep=16"}),
    "in-flight batching, what is set by hand": ("llama-3.1-70b", "h100-sxm", {
        "scope": "serving", "output": 300, "own_prefill": 0.5, "parameters_read": 3e10}),
    "a prefill under a power cap": ("llama-3.1-8b", "h200-sxm", {"phase": "prefill", "power_cap": "350W"}),
    "training in fp8 under a power cap": ("llama-3.1-70b", "h200-sxm", {
        "phase": "train", "batch": 64, "weights": "fp8", "power_cap": "350W"}),
    "slots set by hand, experts": ("deepseek-v3", "h200-sxm", {
        "layout": "tp=4,dp=4,ep=16", "kv_bytes": 5e4, "compute_shards": 12, "scale_up_starts": 99}),
    "a recurrent state, at nothing overlapped": ("nemotron-h-56b", "h100-sxm", {"overlap": "none", "chips": 2}),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_random_states_answer_as_the_command_line_does(name: str, run_json: Json) -> None:
    model, hardware, words = SCENARIOS[name]
    compared = 0
    for one in drawn(st.step(model, hardware, **words), seed=7 + len(name), count=10):
        assert one["back"], one["link"]
        if one["answer"]["refused"]:
            continue
        found = run_json(*shlex.split(one["command"])[1:])
        known = expected(found)
        assert {key: one["answer"][key] for key in known} == pytest.approx(known, rel=1e-9), one["command"]
        assert (one["answer"]["bottleneck"], one["answer"]["fits"]) == (found["bottleneck"], found["fits"])
        mine = [(over, tuple(met["between"]), met["value"]) for over, each in one["met"].items() for met in each]
        theirs = crossings(found)
        assert [part[:2] for part in sorted(mine)] == [part[:2] for part in theirs], one["command"]
        assert [part[2] for part in sorted(mine)] == pytest.approx([part[2] for part in theirs], rel=1e-8)
        compared += 1
    assert compared >= 3


def test_a_list_of_quantities_and_a_machine_without_figures(tmp_path: Path, run_json: Json) -> None:
    """What has no figure has no number; a figure may be typed in."""
    folder = str(tmp_path)
    with open(f"{folder}/machine.toml", "w") as file:
        file.write(MACHINE)
    with open(f"{folder}/model.toml", "w") as file:
        file.write('name = "toy-30b"\nparameters = 30e9\nactive_parameters = 30e9\nkv_bytes = "100 kB"\n')
    step = st.step(f"{folder}/model.toml", f"{folder}/machine.toml", chips=4)
    here, priced = node(f"""{model_of(step)}
        const state = beginning();
        const priced = {{ ...state, numbers: {{ ...state.numbers, chip_hour_price: 2, memory_bandwidth: 1.62e12 }} }};
        console.log(JSON.stringify([answer(state), answer(priced)]));""")
    assert here["step_time"] == pytest.approx(step.time, rel=1e-12)
    assert here["dollars_per_million_tokens"] is None  # NaN
    there = step.replace(chip_hour_price=2, memory_bandwidth="1.62 TB/s")
    assert priced["step_time"] == pytest.approx(there.time, rel=1e-12)
    assert priced["dollars_per_million_tokens"] == pytest.approx(there.dollars_per_million_tokens, rel=1e-12)


def test_a_layout_over_a_link_that_is_not_there_has_no_step_time(tmp_path: Path) -> None:
    """Four chips of domains of two need scale-out, whose bandwidth nobody gave: no number, until it is typed in."""
    path = f"{tmp_path}/machine.toml"
    with open(path, "w") as file:
        file.write(MACHINE)
    step = st.step("llama-3.1-8b", path, layout="tp=4,replicas=2")
    found = node(f"""{model_of(step)}
        const state = {{ ...beginning(), numbers: {{ ...beginning().numbers, scale_up_domain: 2 }} }};
        const joined = {{ ...state, numbers: {{ ...state.numbers, scale_out_bandwidth: 1e10 }} }};
        console.log(JSON.stringify([answer(beginning()), answer(state), answer(joined)]));""")
    assert found[0]["step_time"] == pytest.approx(step.time, rel=1e-12)
    nothing = ("step_time", "interconnect", "scale_out", "bottleneck", "tokens_per_second", "mfu", "estimate", "low")
    assert [found[1][key] for key in nothing] == [None] * len(nothing)
    lacking = step.replace(scale_up_domain=2)
    assert lacking.time is None and found[1]["memory"] == pytest.approx(lacking.terms.memory.seconds, rel=1e-12)
    there = step.replace(scale_up_domain=2, scale_out_bandwidth="10GB/s")
    assert found[2]["step_time"] == pytest.approx(there.time, rel=1e-12)


READ = {
    "10TB/s": 10e12, "3.35 TB/s": 3.35e12, "3350000000000": 3.35e12, "3.35e12": 3.35e12, "1,000 GB/s": 1e12,
    "8 T": 8e12, "-3 TB/s": None, "ten": None, "8 TFLOP/s": None, "": None, "1e99": None, "1 B/s": None,
}  # fmt: skip
WORK = {"64": 64, "200k": 200_000, "1.5": None, "0": None, "2 M": 2_000_000, "64 s": None}


def test_fields_read_numbers_with_units_and_refuse_the_rest() -> None:
    model = model_of(st.step("llama-3.1-70b", "h100-sxm", layout="tp=8"))
    texts = {"memory_bandwidth": READ, "context": WORK, "usable_memory": {"85%": 0.85, "0.5": 0.5, "120 %": None}}
    for name, wanted in texts.items():
        read = node(f"{model}console.log(JSON.stringify({list(wanted)!r}.map((text) => read(text, control.{name}))));")
        assert dict(zip(wanted, read, strict=True)) == pytest.approx(wanted)


def test_numbers_are_shown_as_tables_have_them() -> None:
    """The same words as in Python, value by value."""
    from steptime.model.page.answered import shown

    values = [0, 0.0021, 1.5e-7, 3.35e12, 2411.37, 0.25, 17.0, 99.996, 123456789.0, 12.3456]
    pairs = [(value, unit) for value in values for unit in ("s", "B", "FLOP/s", "/s", "%", "J", "")]
    model = model_of(st.step("llama-3.1-70b", "h100-sxm", layout="tp=8"))
    code = f"{[list(pair) for pair in pairs]!r}.map((pair) => shown(...pair))"
    assert node(f"{model}console.log(JSON.stringify({code}));") == [shown(*pair) for pair in pairs]


def test_a_link_with_nonsense_changes_nothing() -> None:
    model = model_of(st.step("llama-3.1-70b", "h100-sxm", layout="tp=8"))
    links = ["batch=-1&context=NaN&layout=tp%3D3&weights=__proto__&memory_bandwidth=1e999&x=1", "batch=2.5", "%%%"]
    for link in links:
        same = f"JSON.stringify(decoded({link!r})) === JSON.stringify(beginning())"
        assert node(f"{model}console.log({same});") is True


def test_a_format_brings_its_own_peak_and_a_moved_peak_stays() -> None:
    step = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8")
    peaks = node(f"""{model_of(step)}
        const eight = withFormat(beginning(), "weights", "fp8");
        const moved = {{ ...eight, numbers: {{ ...eight.numbers, peak_flops: 7e14 }} }};
        const kv = withFormat(moved, "kv", "fp8");
        console.log(JSON.stringify([beginning(), eight, kv].map((one) => one.numbers.peak_flops)));""")
    assert peaks == [step.quantities["peak_flops"], step.replace(weights="fp8").quantities["peak_flops"], 7e14]
