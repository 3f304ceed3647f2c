"""Measurements against the ideal: rows of each kind by hand, reasons instead of guesses, errors with row and column."""

import re
from pathlib import Path

import pytest
from conftest import asked, case_of
from measured_rows import DECODE, file_of, judged_of

from steptime.model import symbols as q
from steptime.model.catalog.measurement import Measurement, catalogue, read_measurements
from steptime.model.choices import Load
from steptime.model.solver.measured.judged import Judged, summary
from steptime.model.solver.measured.places import Places
from steptime.model.solver.measured.validate import validate
from steptime.model.step.build import build_case
from steptime.model.step.request import whole_request


def test_a_decode_step_is_judged_by_its_case(tmp_path: Path) -> None:
    one = judged_of(tmp_path, **DECODE)
    case = case_of("llama-3.1-70b", "h100-sxm", batch="16", context="2000", layout="tp=8", weights="fp8", kv="fp8")
    assert (one.measured, one.ideal) == (0.02, case.scenario.evaluate(q.step_time))
    assert one.bottleneck == "memory" and one.layout == "tp=8,cp=1,dp=1,ep=1,pp=1,replicas=1" and not one.beats_ideal


def test_a_row_faster_than_physics_is_named(tmp_path: Path, run_json, run) -> None:
    slow = DECODE | {"id": "S-002", "hardware": "h100-sxm"}
    path = file_of(tmp_path, {**DECODE, "id": "S-001", "hardware": "h100-sxm", "value": "0.0001"}, slow)
    data = run_json("validate", str(path))
    assert data["beats_ideal"] == ["S-001"] and data["rows"][0]["ratio"] > 1 > data["rows"][1]["ratio"]
    assert data["summary"]["S decode"]["beat_ideal"] == 1 and data["rows"][0]["calibrated"] > data["rows"][0]["ideal"]
    code, out, err = run("validate", str(path), "--rows")
    assert (code, err) == (0, "") and "faster than the ideal" in out and "S-002" in out


def test_replicas_share_chips_and_batch(tmp_path: Path) -> None:
    one = judged_of(tmp_path, **(DECODE | {"chips": "16", "batch": "32"}))
    assert one.layout == "tp=8,cp=1,dp=1,ep=1,pp=1,replicas=2"
    assert one.ideal == judged_of(tmp_path, **DECODE).ideal


def test_without_a_layout_the_fastest_is_the_bound(tmp_path: Path) -> None:
    free = judged_of(tmp_path, **(DECODE | {"tp": ""}))
    assert free.ideal is not None and free.ideal <= (judged_of(tmp_path, **DECODE).ideal or 0)


def test_a_request_is_a_prefill_and_the_steps_after_it(tmp_path: Path) -> None:
    row = DECODE | {"prompt": "500", "output": "101", "context": "550", "scope": "request",
                    "quantity": "tokens_per_second", "value": "400"}  # fmt: skip
    one = judged_of(tmp_path, **row)
    assert one.measured == pytest.approx(16 * 101 / 400)
    options = {"layout": "tp=8", "weights": "fp8", "kv": "fp8", "batch": "16"}
    prefill = case_of("llama-3.1-70b", "h100-sxm", phase="prefill", prompt="500", **options)
    steps = [
        case_of("llama-3.1-70b", "h100-sxm", context=str(500 + step), **options).scenario.evaluate(q.step_time)
        for step in range(100)
    ]
    # Memory binds in every step, so that the closed form is their sum.
    assert one.ideal == pytest.approx(prefill.scenario.evaluate(q.step_time) + sum(steps), rel=1e-12)


@pytest.mark.parametrize("model", ["gemma-3-27b", "gpt-oss-20b", "qwen3-next-80b-a3b", "deepseek-v2-lite"])
def test_the_terms_of_an_answer_are_sums_over_its_steps(model: str) -> None:
    """Windows, experts, recurrent states and latents: each term of the closed form is that of 40 steps added up."""
    options = {"batch": "8", "layout": "tp=2"}
    answer = whole_request(asked(model, "h200-sxm", phase="prefill", prompt="1010", output="41", **options)).answer
    assert answer is not None
    steps = [case_of(model, "h200-sxm", context=str(1010 + step), **options).times for step in range(40)]
    for name, time in answer.times.items():
        assert time == pytest.approx(sum(step[name] for step in steps), rel=1e-12), name
    at_the_end = case_of(model, "h200-sxm", context="1050", **options)
    assert answer.number(answer.fullest_stage.kv) == pytest.approx(at_the_end.number(at_the_end.fullest_stage.kv))


def test_an_mfu_is_the_time_that_it_implies(tmp_path: Path) -> None:
    """Its FLOP count is 0.1445 TFLOP a token at 2083 tokens of prompt (attention in full), as that source states."""
    row = {"phase": "prefill", "model": "llama-3.1-70b", "chips": "4", "tp": "4", "batch": "1", "prompt": "2083",
           "scope": "steps", "quantity": "mfu", "value": "0.4022", "weights": "bf16"}  # fmt: skip
    one = judged_of(tmp_path, **row)
    assert one.measured == pytest.approx(0.1445e12 * 2083 / (0.4022 * 4 * 989e12), rel=2e-3)


def test_a_unit_is_converted(tmp_path: Path) -> None:
    assert judged_of(tmp_path, **DECODE | {"value": "20", "unit": "ms"}).measured == pytest.approx(0.02)


def test_serving_is_bound_by_the_decode_step_of_the_sequences_in_flight(tmp_path: Path) -> None:
    row = DECODE | {"scope": "serving", "prompt": "1000", "output": "200", "context": "1100", "detail": "inflight=9.7"}
    one = judged_of(tmp_path, **row)
    whole = asked("llama-3.1-70b", "h100-sxm", batch="9", context="1100", layout="tp=8", weights="fp8", kv="fp8")
    mean = build_case(whole.but({q.batch: 9.7}, load=Load.AT_LEAST_ONE))
    assert one.ideal == mean.scenario.evaluate(q.step_time) > build_case(whole).scenario.evaluate(q.step_time)
    assert one.in_flight is not None and one.in_flight > one.ideal


@pytest.mark.parametrize(("row", "ideal", "tier"), [
    pytest.param({"phase": "all_reduce", "chips": "8", "detail": "bytes=4.5e9"}, 0.01, "scale_up",
                 id="in the switch: 4.5e9 B once over 450e9 B/s"),
    pytest.param({"phase": "all_gather", "chips": "8", "detail": "bytes=4.5e9"}, 0.01 * 7 / 8, "scale_up",
                 id="all-gather: 7/8 of the buffer"),
    pytest.param({"phase": "all_to_all", "chips": "64", "detail": "tokens=128;hidden=7168;topk=8;dtype=fp8"},
                 128 * 7168 * 8 * (1 - (7 / 8) ** 8) * 7 / 8 / 50e9, "scale_out",
                 id="8 (1 - (7/8)^8) domains a token, 7/8 of them remote, over 50e9 B/s"),
    pytest.param({"phase": "all_to_all", "chips": "8", "detail": "bytes=8e6"}, 7e6 / 450e9, "scale_up",
                 id="a send buffer: 1/8 stays"),
])  # fmt: skip
def test_collectives_by_hand(tmp_path: Path, row: dict[str, str], ideal: float, tier: str) -> None:
    one = judged_of(tmp_path, quantity="step_time", value="1", **row)
    assert one.ideal == pytest.approx(ideal, rel=1e-9) and one.bottleneck == tier


@pytest.mark.parametrize(("change", "why"), [
    ({"phase": "train"}, "sequence is not stated"),
    ({"model": "llama-9"}, "unknown model"),
    ({"batch": ""}, "batch is not stated"),
    ({"tp": "3"}, "no multiple|does not divide"),
    ({"quantity": "hfu"}, "hfu of a decode"),
    ({"hardware": "h9000"}, "unknown hardware"),
    ({"scope": "request"}, "prompt is not stated"),
    ({"activations": "fp4"}, "no peak_flops.fp4"),
])  # fmt: skip
def test_what_cannot_be_modelled_says_why(tmp_path: Path, change: dict[str, str], why: str) -> None:
    one = judged_of(tmp_path, **(DECODE | change))
    assert one.ideal is None and re.search(why, one.why), one.why


def test_files_stand_in_for_names_that_the_catalogue_lacks(tmp_path: Path) -> None:
    (tmp_path / "toy.toml").write_text('parameters = 1e9\nkv_bytes = "10 kB"\n')
    (tmp_path / "made-up.toml").write_text("peak_flops = 1e15\nmemory_bandwidth = 1e12\nmemory_capacity = 1e11\n")
    row = {"id": "A-1", "phase": "decode", "model": "toy", "hardware": "made-up", "chips": "1", "tp": "1", "batch": "1",
           "context": "1", "scope": "steps", "quantity": "step_time", "value": "1"}  # fmt: skip
    (one,) = validate(read_measurements(file_of(tmp_path, row)), Places(tmp_path, tmp_path))
    assert one.ideal == pytest.approx((2e9 + 2 * 10e3) / 1e12), one.why


def test_medians_are_by_family_and_phase() -> None:
    def one(name: str, ideal: float) -> Judged:
        row = Measurement(name, "decode", "m", "h", 1, {}, {}, "steps", "step_time", 1.0, {}, "", {})
        return Judged(row, 1.0, ideal, "memory")

    found = summary([one("X-1", 0.2), one("X-2", 0.4), one("X-3h", 0.9), one("Y-1", 2.0)])
    assert (found["X decode"]["median"], found["X decode"]["rows"], found["Y decode"]["beat_ideal"]) == (0.4, 3, 1)


def test_no_published_measurement_beats_the_ideal() -> None:
    """Every decode, prefill and collective row of the catalogue is modelled, and none is faster than physics."""
    judged = validate(catalogue())
    assert [one.row.id for one in judged if one.beats_ideal] == []
    refused = {(one.row.phase, one.why) for one in judged if one.why}
    assert refused == {
        ("decode", "time per token of several a step, and drafts are not stated"),  # five of one engine
        ("train", "missing model/catalog/hardware.toml: [tpuv4] scale_out_bandwidth"),  # two pods of PaLM
    }
    medians = {name: found["median"] for name, found in summary(judged).items() if found["modelled"]}
    assert all(0.01 < median < 1 for median in medians.values()), medians
