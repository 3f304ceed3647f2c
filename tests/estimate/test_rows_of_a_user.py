"""Rows of a user's file as `calibrate` takes them: those that cannot be are named, and why there are too few."""

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from steptime.model.api import measured
from steptime.model.catalog.coefficients import read_coefficients
from steptime.model.catalog.files import packaged
from steptime.model.catalog.measurement import catalogue, read_measurements
from steptime.model.solver.calibration.calibrate import Calibration, calibrate, coefficients_text
from steptime.model.solver.calibration.estimates import with_estimates
from steptime.model.solver.calibration.exchanges import calibrate_collectives
from steptime.model.solver.measured.judged import Drafts
from steptime.model.solver.measured.places import Places
from steptime.model.solver.measured.validate import validate
from steptime.model.text.format import si
from steptime.model.text.measured_rows import rows_table
from steptime.model.text.validate import drafted, groups_table

MODELS = {"llama-3.1-8b": "1", "llama-3.1-70b": "8", "qwen3-32b": "4"}
STEP = {"phase": "decode", "hardware": "h100-sxm", "weights": "bf16", "context": "2000", "quantity": "step_time"}


def steps() -> list[dict[str, str]]:
    """Decode steps of three models, a little longer than what is read takes."""
    return [
        {**STEP, "id": f"{model}-{batch:03}", "model": model, "chips": chips, "tp": chips, "batch": str(batch),
         "value": str(0.012 + 0.0002 * batch)}
        for model, chips in MODELS.items() for batch in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
    ]  # fmt: skip


def written(folder: Path, rows: list[dict[str, str]]) -> Path:
    path = folder / "rows.csv"
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def fitted(folder: Path, rows: list[dict[str, str]]) -> Calibration:
    return calibrate(read_measurements(written(folder, rows)))


def test_rows_without_a_scope_are_fitted_as_steps(tmp_path: Path) -> None:
    """As `validate` takes them: with the scope stated the fit is the same."""
    found, stated = (fitted(tmp_path, [{**row, **more} for row in steps()]) for more in ({}, {"scope": "steps"}))
    assert found.coefficients.seen.kinds == ("dense",) and found.coefficients.seen.scopes == ("steps",)
    assert len(found.table.rows) == 33 and coefficients_text(found) == coefficients_text(stated)


def test_what_the_rows_of_a_user_are_like_is_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(coefficients_text(fitted(tmp_path, steps())))
    seen = read_coefficients(tmp_path / "mine.toml").seen
    assert (seen.kinds, seen.scopes) == (("dense",), ("steps",))
    assert (seen.context, seen.sequences, seen.chips) == ((2000, 2000), (1, 48), (1, 8))


def test_what_cannot_be_is_in_no_fit_and_named(tmp_path: Path, run) -> None:
    train = {"id": "fast", "phase": "train", "model": "llama-3.1-8b", "hardware": "h100-sxm", "chips": "8",
             "weights": "bf16", "batch": "64", "sequence": "4096", "tp": "1", "dp": "8", "scope": "steps",
             "quantity": "step_time", "value": "0.001"}  # fmt: skip
    odd = {"odd-1": "1e-6", "odd-2": "1e29", "odd-3": "1e-29"}
    plain = fitted(tmp_path, steps())
    rows = [*steps(), train, *({**steps()[0], "id": name, "value": value} for name, value in odd.items())]
    found = fitted(tmp_path, rows)
    assert coefficients_text(found) == coefficients_text(plain)
    assert found.unusable["odd-1"] == found.unusable["odd-3"] == found.untrained["fast"] == "faster than the ideal"
    assert "above 1,000 times the ideal" in found.unusable["odd-2"]
    code, out, _ = run("calibrate", str(tmp_path / "rows.csv"))
    shown = " ".join(out.split())
    assert code == 0 and "training not used: faster than the ideal: fast" in shown
    assert "not used: faster than the ideal: odd-1, odd-3" in shown and "explains it: odd-2" in shown


def test_a_collective_faster_than_its_bound_is_named(tmp_path: Path) -> None:
    rows = [{"id": f"sum-{number}", "phase": "all_reduce", "hardware": "h100-sxm", "chips": "8",
             "quantity": "step_time", "value": value, "detail": "bytes=1e9"}
            for number, value in enumerate(("1e-6", "0.01"))]  # fmt: skip
    made, why = calibrate_collectives(read_measurements(written(tmp_path, rows)), Places())
    assert made is None and why["sum-0"] == "faster than the ideal" and "fewer than" in why["sum-1"]


def test_too_few_rows_say_why_the_others_are_none(tmp_path: Path, run) -> None:
    first, second, third, *_ = steps()
    many: list[dict[str, Any]] = [
        first, *({**first, "id": f"again-{number}"} for number in range(17)),
        *({**second, "id": f"odd-{number}", "value": f"1e-{number}"} for number in (7, 8)),
        {**third, "id": "request", "scope": "request"}, {**third, "id": "bad", "batch": "many"},
        *({"id": f"train-{number}", "phase": "train", "model": "llama-3.1-8b", "hardware": "h100-sxm", "chips": "8",
           "batch": "64", "sequence": "4096", "quantity": "step_time", "value": str(number)}
          for number in (9, 10, 11, 12)),
    ]  # fmt: skip
    code, out, err = run("calibrate", str(written(tmp_path, many)))
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert f"1 row can be fitted, of {len(many)}" in err
    for said in ("17 repeating another row", "2 faster than the ideal", "4 of train, no decode step",
                 "1 decode of scope request", "1 batch: 'many' is not a number"):  # fmt: skip
        assert said in err, err


def test_whose_errors_stand_beside_rows_is_said(tmp_path: Path, run) -> None:
    path = written(tmp_path, steps()[:1])
    (tmp_path / "mine.toml").write_text(packaged("coefficients.toml"))
    said = {
        (str(path),): "Errors of the shipped fit on these rows",
        (str(path), "--efficiency", str(tmp_path / "mine.toml")): "Errors of the given file on these rows",
    }
    for arguments, text in said.items():
        code, out, _ = run("validate", *arguments)
        assert code == 0 and text in " ".join(out.split()) and "in the fit" not in out
        assert out.startswith("1 of 1 row modelled")


def test_errors_of_the_catalogue_s_rows_are_of_the_fit_itself(monkeypatch: pytest.MonkeyPatch, run) -> None:
    """But for prefills and whole requests, which are in no fit: these are counted, and marked."""
    decode = next(row for row in catalogue() if row.phase == "decode" and row.scope == "serving")
    monkeypatch.setattr(measured, "catalogue", lambda: [decode])
    code, out, _ = run("validate")
    assert code == 0 and "Errors of rows in the fit; `steptime calibrate` has those of" in " ".join(out.split())
    some = [row for row in catalogue() if row.family in ("INF-VLLM70B", "INF-POPE", "INF-FT")]
    monkeypatch.setattr(measured, "catalogue", lambda: [decode, *some])
    code, out, _ = run("validate")
    unfitted = [row for row in some if row.phase == "prefill" or row.scope == "request"]
    said = f"but for {len(unfitted)} rows that are in none (prefills, whole requests; *)"
    assert 0 < len(unfitted) < len(some) and said in " ".join(out.split()), out
    marked = {line.split(" *")[0] for line in out.splitlines() if " * " in line}
    assert marked == {f"{row.family} · {row.phase}" for row in unfitted}
    data = json.loads(run("validate", "--json")[1])
    assert {row["id"] for row in data["rows"] if not row["in_fit"]} == {row.id for row in unfitted}


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_number_of_a_row_is_cut(tmp_path: Path, width: int) -> None:
    """No name is cut, and every number that stands there is whole, with its unit; columns that do not are named."""
    rows = [{**row, "id": f"{row['id']}-as-it-was-measured"} for row in steps()[:4]]
    judged = with_estimates(validate(read_measurements(written(tmp_path, rows))))
    shown = lines_of(rows_table(judged), width)
    assert max(map(len, shown.splitlines())) <= width
    for one in judged:
        left_out = shown.partition("left out for want of width: ")[2]
        times = [time for name, time in one.times.items() if name not in left_out]
        cells = [one.measured, one.ideal, one.practice and one.practice.seconds, *times]
        assert any(all(si(cell, "s") in line for cell in cells) for line in shown.splitlines()), shown
        assert one.row.id in shown
    assert "interconnect" in shown and "estimate" in shown and (width < 120 or not left_out)


def test_absurd_rows_leave_their_groups_a_name(tmp_path: Path) -> None:
    rows = [{**steps()[0], "id": f"A-{number}", "value": value} for number, value in enumerate(("1e29", "1e-9"))]
    judged = with_estimates(validate(read_measurements(written(tmp_path, rows))))
    shown = lines_of(groups_table(judged, ("family", "phase")), 80)
    assert ">999%" in shown and "e+" in shown and "band" in shown and "decode" in shown and "family" in shown


def test_drafts_that_no_time_is_left_for_have_no_tokens(tmp_path: Path) -> None:
    (one,) = validate(read_measurements(written(tmp_path, steps()[:1])))
    shown = lines_of(drafted([replace(one, drafts=Drafts(1, math.inf, None))]), 100)
    assert "inf" not in shown and shown.count("none") == 2


def lines_of(shown: Any, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    console.print(shown)
    return console.file.getvalue()  # type: ignore[attr-defined]
