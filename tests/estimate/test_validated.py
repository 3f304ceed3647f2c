"""Measured rows beside the estimate: by a step's own formulas, never below the bound; drafts and their acceptance."""

import csv
from pathlib import Path

import pytest
from conftest import case_of

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import shipped
from steptime.model.catalog.files import packaged
from steptime.model.catalog.measurement import catalogue, read_measurements
from steptime.model.estimate import symbols as e
from steptime.model.solver.calibration.acceptance import implied
from steptime.model.solver.calibration.estimates import with_estimates
from steptime.model.solver.calibration.fit import DecodeTable, Fit
from steptime.model.solver.calibration.rows import rows_of
from steptime.model.solver.measured.judged import Judged
from steptime.model.solver.measured.places import Places
from steptime.model.solver.measured.validate import validate
from steptime.model.step.estimate import asked_of_chip, estimated

DECODE = {"id": "A-001", "phase": "decode", "model": "llama-3.1-70b", "hardware": "h100-sxm", "chips": "8",
          "weights": "fp8", "tp": "8", "batch": "16", "context": "2000", "scope": "steps", "quantity": "step_time",
          "value": "0.02"}  # fmt: skip


def judged_of(folder: Path, *changes: dict[str, str]) -> list[Judged]:
    rows = [{**DECODE, "id": f"A-{number:03}", **change} for number, change in enumerate(changes, 1)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    path = folder / "rows.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return with_estimates(validate(read_measurements(path)))


@pytest.fixture(scope="module")
def ours() -> list[Judged]:
    return with_estimates(validate(catalogue()))


def test_a_decode_row_is_the_step_s_own_estimate(tmp_path: Path) -> None:
    """TensorRT-LLM keeps the cache of fp8 weights in fp8; of another engine it is taken to be in 16 bits."""
    for stack, kv in (("trtllm 1.0", "fp8"), ("vllm 0.9", "bf16")):
        (one,) = judged_of(tmp_path, {"detail": f"stack={stack}"})
        step = estimated(case_of("llama-3.1-70b", "h100-sxm", batch="16", context="2000", layout="tp=8",
                                 weights="fp8", kv=kv))  # fmt: skip
        assert one.practice is not None and step is not None
        assert (one.practice.seconds, one.practice.low, one.practice.high) == pytest.approx(
            (step.step_time, step.low, step.high), rel=1e-12)  # fmt: skip
        assert one.practice.family == step.family
        assert one.error == pytest.approx(step.step_time / 0.02 - 1)


def test_rows_of_the_fit_are_as_the_fit_has_them(ours: list[Judged]) -> None:
    """Two routes: the table of the fit with the shipped coefficients, and what `validate` says."""
    rows, _ = rows_of(catalogue(), Places())
    chosen = shipped()
    predicted = Fit(chosen.values, chosen.kernels).predict(DecodeTable(rows))
    by_id = {one.row.id: one for one in ours}
    assert len(rows) > 430
    for row, seconds in zip(rows, predicted, strict=True):
        practice = by_id[row.source.id].practice
        assert practice is not None and practice.seconds == pytest.approx(seconds, rel=1e-9), row.source.id


def test_no_row_s_estimate_is_below_its_bound(ours: list[Judged]) -> None:
    there = [one for one in ours if one.practice is not None]
    assert {one.row.phase for one in there} >= {"decode", "prefill", "train"}
    for one in there:
        assert one.ideal is not None and one.practice is not None
        assert one.ideal * (1 - 1e-9) <= one.practice.low <= one.practice.seconds <= one.practice.high, one.row.id


def test_together_as_alone(ours: list[Judged]) -> None:
    for one in ours[::61]:
        (alone,) = with_estimates(validate([one.row]))
        assert (alone.practice is None) == (one.practice is None)
        if alone.practice and one.practice:
            assert alone.practice.seconds == pytest.approx(one.practice.seconds, rel=1e-12), one.row.id


def test_a_request_is_a_prefill_and_each_of_its_steps(tmp_path: Path) -> None:
    """Step by step, each with its own context; in one formula the sums of bytes and of FLOP stand in the maxima, and
    waves are those of the mean context, where each step has its own."""
    row = {"scope": "request", "prompt": "1000", "output": "65", "quantity": "tokens_per_second", "value": "500",
           "detail": "stack=vllm 0.9"}  # fmt: skip
    (one,) = judged_of(tmp_path, row)
    said = {"layout": "tp=8", "weights": "fp8", "kv": "bf16", "batch": "16"}
    first = estimated(case_of("llama-3.1-70b", "h100-sxm", phase="prefill", prompt="1000", **said))
    steps = [estimated(case_of("llama-3.1-70b", "h100-sxm", context=str(1000 + step), **said)) for step in range(64)]
    total = first.step_time + sum(step.step_time for step in steps)
    assert one.practice is not None and one.practice.seconds == pytest.approx(total, rel=5e-3)
    assert one.measured == pytest.approx(16 * 65 / 500)


def test_all_stages_of_a_pipeline_run_each_kernel_once() -> None:
    """A token passes every layer, on whichever chip it is; each stage's host serves its own sequences meanwhile."""
    flat = asked_of_chip(case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", batch="64"))
    piped = asked_of_chip(case_of("llama-3.1-70b", "h100-sxm", layout="tp=8,pp=4", batch="64"))
    assert piped[e.kernels] == flat[e.kernels] == 3 + 80 * 10
    assert piped[e.sequences] == flat[e.sequences] == 64


@pytest.mark.parametrize(("drafts", "chance"), [(1, 0.3), (2, 0.7), (3, 0.0), (3, 1.0), (5, 0.9)])
def test_the_acceptance_that_made_a_time_is_found(drafts: int, chance: float) -> None:
    """One token, and each draft that is accepted with all before it, summed one by one."""
    tokens = sum(chance**place for place in range(drafts + 1))
    found = implied(drafts, check=0.03, riding=0.002, measured=0.03 / tokens + 0.002)
    assert found.tokens == pytest.approx(tokens) and found.acceptance == pytest.approx(chance, abs=1e-6)


@pytest.mark.parametrize("measured", [0.003, 0.0019, 0.05])
def test_more_or_fewer_tokens_than_there_can_be_have_no_acceptance(measured: float) -> None:
    assert implied(2, check=0.03, riding=0.002, measured=measured).acceptance is None


def test_a_row_that_checks_drafts_says_what_it_implies(tmp_path: Path) -> None:
    """Three tokens of each of 16 sequences pass at once; without prefills the pass alone is what it takes."""
    row = {"model": "deepseek-r1", "hardware": "h200-sxm", "ep": "8", "value": "0.01", "prompt": "1000",
           "output": "1000", "detail": "mtp=yes;drafts=2;stack=sglang 0.5"}  # fmt: skip
    (one,) = judged_of(tmp_path, row)
    step = estimated(case_of("deepseek-r1", "h200-sxm", batch="16", context="2000", layout="tp=8,ep=8", kv="bf16",
                             weights="fp8"))  # fmt: skip
    assert one.practice is None and one.drafts is not None and step is not None
    assert step.step_time < one.drafts.tokens * 0.01 < 1.6 * step.step_time
    assert one.drafts.most == 3


def test_the_command_takes_other_coefficients_and_none(tmp_path: Path, run_json) -> None:
    judged_of(tmp_path, {})
    slower = tmp_path / "slower.toml"
    kernel = f"kernel_time = {shipped().values[q.kernel_time]:.6g}"
    text = packaged("coefficients.toml")
    assert kernel in text
    slower.write_text(text.replace(kernel, "kernel_time = 60e-6"))
    words = ("calibrated", str(slower), "ideal")
    choices: tuple[tuple[str, ...], ...] = ((), *(("--efficiency", word) for word in words))
    times = [run_json("validate", str(tmp_path / "rows.csv"), *choice)["rows"][0]["calibrated"] for choice in choices]
    assert times[0] == times[1] and times[2] > times[0] * 2 and times[3] is None


def test_groups_say_how_far_estimates_lie(tmp_path: Path, run, run_json) -> None:
    judged = judged_of(tmp_path, {}, {"value": "0.03"}, {"value": "0.04"})
    data = run_json("validate", str(tmp_path / "rows.csv"))
    errors = sorted(abs(one.error) for one in judged)
    found = data["summary"]["A decode"]
    assert found["median_error"] == pytest.approx(errors[1]) and found["estimated"] == 3
    assert found["in_band"] == sum(one.is_in_band for one in judged)
    assert [row["error"] for row in data["rows"]] == pytest.approx([one.error for one in judged])
    code, out, _ = run("validate", str(tmp_path / "rows.csv"), "--rows")
    assert code == 0 and "estimate" in out
