"""Steps of training that were measured: what their rows leave open, and estimates of them, beside the bound."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import case_of

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import read_coefficients, shipped
from steptime.model.catalog.files import packaged
from steptime.model.catalog.measurement import catalogue
from steptime.model.choices import Recompute
from steptime.model.errors import UserError
from steptime.model.estimate import symbols as e
from steptime.model.estimate.training import TRAINING, training
from steptime.model.layout.layout import Layout
from steptime.model.solver.calibration.estimates import with_estimates
from steptime.model.solver.measured.likely import likely_step, of_trainers
from steptime.model.solver.measured.places import Places
from steptime.model.solver.measured.practised import practised
from steptime.model.solver.measured.validate import validate
from steptime.model.step.build import build_case
from steptime.model.step.estimate import estimated, evaluated

PLACES = Places()
ROWS = {row.id: row for row in catalogue() if row.phase == "train"}


def likely(name: str):
    row = ROWS[name]
    return likely_step(row, PLACES.model(row.model), PLACES.machine(row.hardware))


CHOSEN = [
    ("TRN-NARA-001", "all runs again before fused attention: in steps, norms on every chip", 1, "unfused", False, 0.0),
    ("TRN-KORT-004", "selective recomputation in steps, norms shared", 1, "unfused", True, 0.0),
    ("TRN-DGXC-007", "nothing runs again where there is room", 1, "fused", True, 0.0),
    ("TRN-DGXC-119", "70 billion weights on one chip: all state shared, most run again", 3, "fused", False, 0.875),
    ("TRN-DSV3-005", "two thirds of the layers run again", 1, "fused", False, 0.65),
]


@pytest.mark.parametrize(
    ("name", "zero", "kernel", "shared", "again"),
    [(row[0], *row[2:]) for row in CHOSEN],
    ids=[f"{row[0]}: {row[1]}" for row in CHOSEN],
)
def test_what_a_row_leaves_open(name: str, zero: int, kernel: str, shared: bool, again: float) -> None:
    found = likely(name)
    choices = found.case.inputs.training
    assert (choices.zero, str(choices.kernel), choices.sequence_parallel) == (zero, kernel, shared)
    assert found.again == pytest.approx(again, abs=0.02)
    values, row = found.case.scenario.value, ROWS[name]
    stated = row.number("microbatch") or row.number("interleave")
    if not stated and found.case.layout.pp > 1:
        layers = found.case.accounts.layers
        assert (values(q.microbatch), values(q.interleave)) == (1, layers // found.case.layout.pp)


def test_a_single_stage_works_on_as_many_sequences_as_have_room() -> None:
    case = likely("TRN-NARA-010").case
    size, capacity = case.scenario.value(q.microbatch), case.scenario.value(q.memory_capacity)
    assert case.scenario.evaluate(q.memory_per_chip) <= capacity
    assert size == 32 or case.changed({q.microbatch: 2 * size}).scenario.evaluate(q.memory_per_chip) > capacity


def test_so_many_layers_run_again_as_it_takes() -> None:
    """FLOP of a fourth pass of that share of the layers, the unembedding never again; with it the chip is full."""
    found = likely("TRN-DGXC-119")
    flops = {str(line.name): found.case.scenario.evaluate(line.flops) for line in found.case.operations}
    products = sum(flops.values()) - flops["attention"]
    more = found.again * (products - flops["unembedding"]) / 3
    assert found.asked[e.wide_flops] == pytest.approx(products + more)
    none, every = (replace(found.case.inputs.training, recompute=recompute) for recompute in Recompute if recompute in
                   (Recompute.NONE, Recompute.FULL))  # fmt: skip
    need = [build_case(found.case.question.but(training=way)).number(q.memory_per_chip) for way in (none, every)]
    assert (1 - found.again) * need[0] + found.again * need[1] == pytest.approx(found.case.number(q.memory_capacity))


def test_experts_lie_on_as_many_ranks_as_are_stated() -> None:
    """Grok-1 on 64 to 2,048 chips: the same exchange, whatever the number of ranks."""
    sent = {likely(name).asked[e.exchange_out] for name in ("TRN-DGXC-131", "TRN-DGXC-133", "TRN-DGXC-135")}
    assert max(sent) == pytest.approx(min(sent))
    for layout in (Layout(tp=8, dp=4), Layout(cp=4, dp=4, ep=2), Layout(dp=6, ep=4)):
        assert of_trainers(layout) == layout


def test_rows_at_once_are_rows_one_by_one() -> None:
    """The function over arrays gives what each row's own closed form does, with the nearest band, and none below the
    bound of `validate`, which says it of the row."""
    rows, chosen = list(ROWS.values()), shipped()
    found = practised(rows, PLACES)
    assert chosen.training is not None
    for row, one in list(zip(rows, found, strict=True))[::12]:
        if one is None:
            continue
        step = likely(row.id)
        values = {**chosen.of_family(step.case.hardware.family), **chosen.training.values, **step.asked}
        assert one.seconds == pytest.approx(evaluated(training, values), rel=1e-9)
        assert one.seconds >= step.bound
        band = chosen.training.bands[one.family]
        assert (one.low, one.high) == pytest.approx((band.low * one.seconds, band.high * one.seconds))
    for one, ours in zip(with_estimates(validate(rows, PLACES), PLACES), found, strict=True):
        assert (one.ideal is None) == (ours is None) == (one.practice is None), one.row.id
        if one.practice is not None and ours is not None:
            assert one.ideal is not None and one.ideal <= one.practice.low <= one.practice.seconds == ours.seconds
    assert practised([row for row in catalogue() if row.phase != "train"][:9], PLACES) == [None] * 9


def test_rows_of_one_name_are_told_apart() -> None:
    """A user's file may call two rows the same."""
    rows = [replace(ROWS[name], id="MINE-1") for name in ("TRN-NARA-001", "TRN-DGXC-007")]
    short, long = (with_estimates(validate([row], PLACES), PLACES)[0].practice for row in rows)
    assert [one.practice for one in with_estimates(validate(rows, PLACES), PLACES)] == [short, long]


def test_an_estimate_below_the_bound_is_raised_to_it() -> None:
    """Coefficients of a user that nothing can reach."""
    perfect = replace(shipped().training, values={**shipped().training.values, e.wide_share: 50.0})
    (bound,) = validate([ROWS["TRN-DGXC-007"]], PLACES)
    (one,) = with_estimates([bound], PLACES, replace(shipped(), training=perfect))
    assert one.practice is not None
    assert one.ideal == one.practice.low == one.practice.seconds


def test_a_set_without_training_leaves_rows_at_their_bound() -> None:
    (one,) = with_estimates(validate([ROWS["TRN-DGXC-007"]], PLACES), PLACES, replace(shipped(), training=None))
    assert one.practice is None and one.ideal is not None


def test_validate_has_the_errors_of_training_rows(run_json, run) -> None:
    data = run_json("validate", "--by", "source,phase")
    ours = {row["id"]: row for row in data["rows"]}["TRN-DGXC-007"]
    assert ours["error"] == pytest.approx(ours["calibrated"] / ours["measured"] - 1)
    assert ours["ideal"] <= ours["band"]["low"] < ours["calibrated"] < ours["band"]["high"]
    group = data["summary"]["TRN-DGXC train"]
    errors = [abs(row["error"]) for row in data["rows"] if row["source"] == "TRN-DGXC" and row["error"] is not None]
    assert group["estimated"] == len(errors) == group["modelled"] == 89
    assert group["median_error"] == pytest.approx(np.median(errors))
    assert group["p90_error"] == pytest.approx(np.quantile(errors, 0.9))


def test_a_row_without_a_layout_says_so() -> None:
    row = replace(ROWS["TRN-KORT-001"], degrees=dict.fromkeys(ROWS["TRN-KORT-001"].degrees))
    with pytest.raises(UserError, match="no layout is stated"):
        likely_step(row, PLACES.model(row.model), PLACES.machine(row.hardware))


# --- the set, and the command line -----------------------------------------------------------------------------------
def test_a_set_without_training_has_no_estimate_of_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(packaged("coefficients.toml").split("\n[training]")[0])
    assert read_coefficients(path).training is None
    options = {"layout": "tp=8", "batch": 64, "efficiency": str(path)}
    assert estimated(case_of("llama-3.1-8b", "h100-sxm", phase="train", **options)) is None
    assert estimated(case_of("llama-3.1-8b", "h100-sxm", **options)) is not None


@pytest.mark.parametrize(("change", "said"), [
    (("wide_share = ", "wider_share = "), "wider_share"), (("families = [", "families = [1, "), "families"),
    (('[training.bands."all"]', '[training.bands."every"]'), "training"),
])  # fmt: skip
def test_a_wrong_section_is_one_line(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(packaged("coefficients.toml").replace(*change))
    with pytest.raises(UserError, match=said):
        read_coefficients(path)


def test_outside_of_what_was_calibrated_is_said() -> None:
    found = estimated(case_of("llama-3.1-8b", "mi300x", phase="train", layout="dp=8", batch=64, sequence=512))
    assert found is not None
    assert any("family" in text for text in found.outside) and any("sequence 512" in text for text in found.outside)


def test_estimate_in_json_and_in_the_table(run_json, run) -> None:
    options = ("step", "llama-3.1-70b", "h100-sxm", "--phase", "train", "--layout", "tp=4,pp=4,dp=4", "--batch", "512")
    data = run_json(*options, "--measured", "40% MFU")
    found, ratio = data["estimate"], data["estimate"]["step_time"] / data["step_time"]
    assert set(found["terms"]) == set(TRAINING)
    assert found["tokens_per_second"] == pytest.approx(data["tokens_per_second"] / ratio)
    assert data["measured"]["share_of_estimate"] == pytest.approx(found["step_time"] / data["measured"]["step_time"])
    assert "in practice" in run(*options)[1]
    assert json.dumps(found)
