"""``compare``: its file, its answers by every form, and what it says of what cannot be used."""

import csv
import io
import json
from pathlib import Path

import pytest
from conftest import case_of
from rich.console import Console
from toys_compared import DECODES, HEADER, Case, in_overlap, of_cache, ours, tool, written

import steptime as st
from steptime.model.catalog import other_tools
from steptime.model.catalog.measurement import catalogue
from steptime.model.catalog.other_tools import read_other_tools
from steptime.model.choices import Overlap
from steptime.model.errors import UserError
from steptime.model.step.estimate import estimated

SOME = DECODES[:6]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tool that bills the cache twice, one that says what we say, and one with two answers."""
    answers = {"billing": tool(of_cache(2.0), cases=SOME), "same": tool(cases=SOME),
               "short": tool(in_overlap(Overlap.NONE), cases=SOME[:2])}  # fmt: skip
    return written(tmp_path_factory.mktemp("compare") / "tools.csv", answers)


def test_json(run_json, file: Path) -> None:
    data = run_json("compare", str(file))
    billing, same, short = data["tools"]
    assert [one["name"] for one in data["tools"]] == ["billing", "same", "short"]
    assert [(cause["term"], cause["explains"]) for cause in billing["causes"]] == [("KV cache", "twice")]
    assert billing["causes"][0]["factor"] == pytest.approx(2, rel=1e-4) and billing["left"] < 1e-6
    assert billing["causes"][0]["low"] <= 2.0001 and billing["causes"][0]["high"] >= 1.9999
    assert billing["alone"][0]["term"] == "KV cache" and billing["left_out"] < 1e-6 < billing["one_factor"]["left_out"]
    assert (same["causes"], same["left"]) == ([], pytest.approx(0, abs=1e-9))
    assert (short["causes"], short["left"], short["cases"]) == ([], None, 2) and "of at least" in short["not_explained"]
    ratio = billing["ratio_to_bound"]
    assert 1 < ratio["least"] < ratio["median"] < ratio["largest"] <= 2 and ratio["rows"] == len(SOME)
    assert len(data["rows"]) == 2 * len(SOME) + 2 and {row["status"] for row in data["rows"]} == {"ok"}


def test_rows_are_the_bound_and_the_estimate_of_step(run_json, file: Path) -> None:
    rows = {(row["tool"], row["case"]): row for row in run_json("compare", str(file))["rows"]}
    for case in SOME:
        step = case_of(case.model, "h100-sxm", batch=case.batch, context=case.context, layout=f"tp={case.tp}",
                       weights=case.form, activations=case.form, kv=case.form)  # fmt: skip
        row, practice = rows["billing", case.name], estimated(step)
        assert row["bound"] == pytest.approx(ours(case), rel=1e-9) and practice is not None
        assert row["estimate"] == pytest.approx(practice.step_time, rel=1e-9)
        assert row["explained"] == pytest.approx(row["answer"], rel=1e-5)
        assert rows["short", SOME[0].name]["explained"] is None


def test_what_has_no_cause_has_no_error_with_causes(run, file: Path) -> None:
    """The bound's own error is none of the causes'."""
    code, out, _ = run("compare", str(file))
    lines = {line.split()[0]: line.split() for line in out.splitlines() if len(line.split()) > 6}
    assert code == 0 and lines["same"][-1] == "—" and lines["same"][-2] != "—"
    assert lines["billing"][-1].endswith("%")


def test_one_answer_is_one(tmp_path: Path, run) -> None:
    code, out, _ = run("compare", str(written(tmp_path / "one.csv", {"single": tool(cases=SOME[:1])})))
    assert code == 0 and out.startswith("1 tool, 1 answer to 1 case\n") and "1 case, of at least" in out


def test_table_and_csv(run, file: Path) -> None:
    code, out, _ = run("compare", str(file), "--rows")
    assert code == 0 and "twice" in out and SOME[0].name in out and "short: 2 cases, of at least 4" in out
    _, causes, _ = run("compare", str(file), "--csv")
    table = list(csv.DictReader(io.StringIO(causes)))
    assert [row["term"] for row in table] == ["KV cache", "", ""] and float(table[0]["factor"]) == pytest.approx(2)
    _, answers, _ = run("compare", str(file), "--csv", "--rows")
    assert len(list(csv.DictReader(io.StringIO(answers)))) == 2 * len(SOME) + 2
    assert run("compare", str(file), "--csv", "--json")[0] == 2


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(file: Path, width: int) -> None:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, markup=False).print(st.compare(file).table(rows=True))
    assert max(map(len, out.getvalue().splitlines())) <= width


def test_the_same_from_python(run, file: Path) -> None:
    found = st.compare(file)
    _, out, _ = run("compare", str(file), "--json")
    assert json.loads(out) == found.to_dict() and repr(found) == "Comparison(3 tools, 14 answers)"
    assert found.csv(rows=False).startswith("tool,cases,") and found.tools[0].best is not None


def test_a_case_that_the_catalogue_measured(tmp_path: Path) -> None:
    """The fastest measured pass of the same case stands beside the answer."""
    row = next(row for row in catalogue()
               if (row.phase, row.scope, row.quantity) == ("decode", "steps", "step_time")
               and "mtp" not in row.detail and all(row.formats.values()) and row.degrees["tp"])  # fmt: skip
    names = ("weights", "activations", "kv")
    cells = [f"case,tool,phase,model,hardware,chips,{','.join(names)},batch,context,tp,pp,dp,cp,ep,quantity,value",
             f"one,mine,decode,{row.model},{row.hardware},{row.chips},{','.join(str(row.formats[n]) for n in names)},"
             f"{row.number('batch')},{row.number('context')},"
             + ",".join(str(row.degrees[name] or "") for name in ("tp", "pp", "dp", "cp", "ep"))
             + ",step_time,1"]  # fmt: skip
    (tmp_path / "f.csv").write_text("\n".join(cells))
    (found,) = st.compare(tmp_path / "f.csv").to_dict()["rows"]
    assert found["status"] == "ok" and 0 < found["measured"] <= row.value


LINE = Case("llama-3.1-8b", 1, 4, 1000).line("mine", 0.01)
BAD = {
    "phase": (LINE.replace("decode", "train"), "phase train is not compared"),
    "unknown phase": (LINE.replace("decode", "decoding"), "phase 'decoding' is not one of"),
    "batch": (LINE.replace(",4,,", ",four,,"), "batch: 'four' is not a number"),
    "model": (LINE.replace(",llama-3.1-8b,", ",llama-3.1-9b,"), "llama-3.1-9b"),
    "path": (LINE.replace(",llama-3.1-8b,", ",/etc/passwd,"), "is a path"),
    "layout": (LINE.replace("h100-sxm,1,", "h100-sxm,3,").replace(",1,step_time", ",2,step_time"), "no multiple"),
    "value": (LINE.replace("0.01", "nan"), "value"),
    "cells": (LINE + ",more", "more cells than columns"),
    "quote": (LINE.replace("mine", '"mi"ne'), "not valid CSV"),
    "tool": (LINE.replace("mine", ""), "tool: expected one line of text"),
    "control": (LINE.replace("mine", "mi\x1bne"), "tool: expected one line of text"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_cell_spoils_its_row_alone(run_json, tmp_path: Path, name: str) -> None:
    line, why = BAD[name]
    (tmp_path / "f.csv").write_text(f"{HEADER}\n{line}\n{LINE.replace('mine', 'yours')}\n")
    bad, good = run_json("compare", str(tmp_path / "f.csv"))["rows"]
    assert bad["status"].startswith("not compared: ") and why in bad["status"] and bad["status"].endswith(", line 2")
    assert (good["status"], good["line"], bad["answer"]) == ("ok", 3, None)


def test_a_case_is_answered_once_by_each_tool(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(f"{HEADER}\n{LINE}\n{LINE}\n")
    first, second = read_other_tools(tmp_path / "f.csv")
    assert first.row.wrong == "" and "in line 2" in second.row.wrong


@pytest.mark.parametrize(("text", "why"), [
    ("", "no header"), (HEADER, "no row below"), (HEADER.replace("tool", "name"), "no column tool"),
    (HEADER.replace("batch", "bach"), "did you mean batch?"), (HEADER + ",batch", "occurs twice"),
])  # fmt: skip
def test_a_file_that_cannot_be_used_is_one_line(run, tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "f.csv").write_text(text + ("\n" + LINE if text and text != HEADER else ""))
    code, out, err = run("compare", str(tmp_path / "f.csv"))
    assert (code, out) == (2, "") and why in err and err.count("\n") == 1
    assert run("compare", str(tmp_path / "missing.csv"))[0] == 2


def test_limits_of_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "f.csv", {"one": tool(cases=SOME[:3]), "two": tool(cases=SOME[:3])})
    for name, most, said in (("MOST_ROWS", 5, "more than 5 rows"), ("MOST_TOOLS", 1, "more than 1 tools")):
        with monkeypatch.context() as patch, pytest.raises(UserError, match=said):
            patch.setattr(other_tools, name, most)
            read_other_tools(path)


def test_throughput_is_turned_into_seconds(run_json, tmp_path: Path) -> None:
    line = LINE.replace("step_time,0.01,s", "tokens_per_second,400,")
    (tmp_path / "f.csv").write_text(f"{HEADER}\n{line}\n")
    assert run_json("compare", str(tmp_path / "f.csv"))["rows"][0]["answer"] == pytest.approx(4 / 400)
