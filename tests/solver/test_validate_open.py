"""What a measured row leaves open is bound from below: caches, chunks, drafts; what it states by kind is taken."""

from pathlib import Path

import pytest
from conftest import asked, case_of
from measured_rows import CONFIG, DECODE, SERVING, file_of, judged_of
from sympy import Symbol
from test_validate_training import ROW

from steptime.model import symbols as q
from steptime.model.catalog.hardware import load_hardware
from steptime.model.catalog.measurement import catalogue, read_measurements
from steptime.model.catalog.models import load_model
from steptime.model.choices import AttentionKernel, Format
from steptime.model.phases.train import Choices
from steptime.model.solver.measured.places import Places
from steptime.model.solver.measured.questions import ALL_OF_IT, one_pass
from steptime.model.solver.measured.validate import validate
from steptime.model.step.build import build_case


@pytest.mark.parametrize(("stated", "cache"), [
    ({"weights": "fp8"}, "fp8, not stated"), ({"weights": "fp8", "kv": "bf16"}, "bf16"),
    ({"weights": "fp8", "kv": "fp8"}, "fp8"), ({"weights": "bf16"}, "bf16, not stated"),
    ({"weights": "int8", "activations": "bf16"}, "bf16, not stated"), ({"weights": "fp16"}, "bf16, not stated"),
])  # fmt: skip
def test_a_cache_that_is_not_stated_is_the_narrowest_plausible(
    tmp_path: Path, stated: dict[str, str], cache: str
) -> None:
    one = judged_of(tmp_path, **{**DECODE, **stated, "batch": "256"})
    case = case_of("llama-3.1-70b", "h100-sxm", batch="256", context="2000", layout="tp=8", kv=cache[:4].strip(","),
                   **{key: value for key, value in stated.items() if key != "kv"})  # fmt: skip
    assert one.cache == cache and one.ideal == case.scenario.evaluate(q.step_time), one.why


@pytest.mark.parametrize("name", ["SIL-1166", "SIL-1171", "SIL-3723"])
def test_some_rows_had_no_room_for_a_cache_of_16_bits(name: str) -> None:
    """Nor does any of them state a cache: capacity says that it was of 8 bits."""
    (row,) = (row for row in catalogue() if row.id == name)
    question = one_pass(row, load_model(row.model), load_hardware(row.hardware)).but(ALL_OF_IT)
    assert row.formats["kv"] is None and build_case(question).fits
    assert build_case(question.but(kv=Format.BF16)).fits is False


def test_the_published_checkpoint_keeps_its_own_formats_by_kind(tmp_path: Path) -> None:
    """gpt-oss has only its experts in fp4: a row that says fp4 ran that, with multiply-adds in 16 bits."""
    row = {**DECODE, "model": "gpt-oss-120b", "weights": "fp4"}
    published = case_of("gpt-oss-120b", "h100-sxm", batch="16", context="2000", layout="tp=8", kv="fp8")
    assert judged_of(tmp_path, **row).ideal == published.scenario.evaluate(q.step_time)
    assert published.number(q.attention_weight_bytes) == 2.0


@pytest.mark.parametrize(("detail", "values"), [
    ("experts=fp4", {q.expert_weight_bytes: 17 / 32}), ("attention_bits=5.8", {q.attention_weight_bytes: 0.725}),
])  # fmt: skip
def test_a_row_may_state_a_format_of_one_kind_of_weights(
    tmp_path: Path, detail: str, values: dict[Symbol, float]
) -> None:
    row = {**DECODE, "model": "deepseek-r1", "hardware": "b200-sxm", "weights": "fp8", "detail": detail}
    question = asked("deepseek-r1", "b200-sxm", batch="16", context="2000", layout="tp=8", kv="fp8", weights="fp8")
    own = build_case(question.but(values)).number(q.step_time)
    assert judged_of(tmp_path, **row).ideal == own != build_case(question).number(q.step_time)


@pytest.mark.parametrize("drafts", [1, 3])
def test_several_tokens_a_step_are_bound_at_the_most_that_drafts_allow(tmp_path: Path, drafts: int) -> None:
    """All drafts accepted: the pass that checks them, over as many tokens and one."""
    row = {**SERVING, "detail": f"inflight=16;mtp=yes;drafts={drafts}"}
    one = judged_of(tmp_path, **row)
    check = case_of("llama-3.1-70b", "h100-sxm", batch="16", context="1100", layout="tp=8", weights="fp8", kv="fp8",
                    drafts=str(drafts), acceptance="0.5")  # fmt: skip
    assert one.ideal == pytest.approx(check.scenario.evaluate(q.step_time) / (drafts + 1), rel=1e-12)
    assert sum(one.times.values()) == pytest.approx(sum(t or 0 for t in check.times.values()) / (drafts + 1), rel=1e-12)


def test_several_tokens_a_step_of_unknown_drafts_are_not_modelled(tmp_path: Path) -> None:
    assert "drafts are not stated" in judged_of(tmp_path, **{**SERVING, "detail": "inflight=16;mtp=yes"}).why


def test_chunks_need_not_divide_the_layers(tmp_path: Path) -> None:
    """32 layers on 4 stages, three chunks a stage: at the bubble of three, and at the load of 8 layers a stage."""
    row = {**ROW, "model": "llama-3.1-8b", "hardware": "h100-sxm", "chips": "4", "tp": "1", "pp": "4", "batch": "8",
           "sequence": "2048", "microbatch": "1"}  # fmt: skip
    ideal = {v: judged_of(tmp_path, **row, detail=f"interleave={v}").ideal or 0.0 for v in (1, 2, 3, 4, 8)}
    assert ideal[1] > ideal[2] > ideal[3] > ideal[4] > ideal[8]
    case = case_of("llama-3.1-8b", "h100-sxm", phase="train", layout="pp=4", batch="8", sequence="2048",
                   microbatch="1", weights="bf16")  # fmt: skip
    as_measured = build_case(case.question.but(training=Choices(
        sequence_parallel=False, attention_kernel=AttentionKernel.UNFUSED)))  # fmt: skip
    assert as_measured.bottleneck == "compute"
    # A bubble of (P - 1)/(m v): 3/8 of the work of eight micro-batches at one chunk, an eighth of that at three.
    assert ideal[3] / ideal[1] == pytest.approx((1 + 3 / 24) / (1 + 3 / 8), rel=1e-9)
    assert (judged_of(tmp_path, **row).ideal or 1e9) <= min(ideal.values())


def test_a_printed_share_may_be_of_another_peak(tmp_path: Path) -> None:
    row = {"phase": "prefill", "model": "llama-3.1-70b", "chips": "4", "tp": "4", "batch": "1", "prompt": "2083",
           "scope": "steps", "quantity": "mfu", "value": "0.3", "weights": "fp8"}  # fmt: skip
    of_bf16, of_fp8 = judged_of(tmp_path, **row), judged_of(tmp_path, **row, detail="peak=1.978e15")
    assert of_fp8.measured == pytest.approx((of_bf16.measured or 0) / 2, rel=1e-12) and of_fp8.ideal == of_bf16.ideal


def test_printed_shares_and_times_of_one_run_agree() -> None:
    """DGXC prints seconds and an MFU of each run: to their digits the same, by our count of FLOP; of Grok's within 4 %
    (its table counts otherwise), and of Nemotron's as it counts keys and values of every head."""
    runs: dict[object, dict[str, tuple[str, float]]] = {}
    rows = [row for row in catalogue() if row.family == "TRN-DGXC"]
    for one in validate(rows):
        runs.setdefault(one.row.run, {})[one.row.quantity] = (one.row.model, one.measured or 0.0)
    both = [found for found in runs.values() if len(found) == 2]
    assert len(both) == 21 and {"nemotron-4-340b", "nemotron-4-15b"} < {found["mfu"][0] for found in both}
    for found in both:
        model, implied = found["mfu"]
        assert implied == pytest.approx(found["step_time"][1], rel=0.04 if "grok" in model else 0.01), model


def test_files_of_folders_within_folders_are_found(tmp_path: Path) -> None:
    (tmp_path / "org" / "tiny").mkdir(parents=True)
    (tmp_path / "org" / "tiny" / "config.json").write_text(CONFIG)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "made-up.toml").write_text("peak_flops = 1e15\nmemory_bandwidth = 1e12\n")
    row = {**DECODE, "id": "A-1", "model": "tiny", "hardware": "made-up", "chips": "1", "tp": "1", "weights": "bf16"}
    (one,) = validate(read_measurements(file_of(tmp_path, row)), Places(tmp_path, tmp_path))
    assert one.ideal is not None and one.bottleneck == "memory", one.why
    (one,) = validate(read_measurements(file_of(tmp_path, {**row, "model": "org"})), Places(tmp_path, tmp_path))
    assert "unknown model 'org'" in one.why
