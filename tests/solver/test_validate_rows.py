"""Rows that cannot be read: each is named with its row and column, and spoils no other."""

import re
from pathlib import Path

import pytest
from measured_rows import CONFIG, DECODE, EXCHANGE, HEADER, REDUCE, REQUEST, SERVING, TRAIN, file_of, judged_of

from steptime.model.catalog.measurement import read_measurements
from steptime.model.errors import UserError
from steptime.model.solver.measured.places import Places
from steptime.model.solver.measured.validate import validate

BAD_CELLS = [
    ({"unit": "GB"}, "expected s"),
    ({"unit": "\x1b[31m"}, r"no known unit"),
    ({"quantity": "mfu", "value": "40"}, "not per cent"),
    ({"recompute": "foo"}, "not one of none, selective"),
    ({"phase": "dream"}, "phase 'dream' is not one of"),
    ({"scope": "requst"}, "scope 'requst' is not one of steps, request, serving"),
    ({"scope": "request", "phase": "prefill"}, "scope request is of a decode row"),
    ({"quantity": "speed"}, "quantity 'speed' is not one of"),
    ({"weights": "fp5"}, "weights 'fp5' is not one of"),
    *(({"value": value}, "value: ") for value in ("fast", "-1", "0", "nan", "inf", "", "1e400")),
    *(({"chips": chips}, "chips") for chips in ("2.5", "0", "nan", "inf", "1e29", "", "many")),
    *(({"tp": degree}, "tp: .* whole number between 1 and") for degree in ("0", "2.5", "nan", "inf", "1e29")),
    *(({"batch": batch}, "batch: ") for batch in ("abc", "nan", "inf", "0", "0.5", "-1", "1e29", "9" * 5000)),
    *(({"context": length}, "context: ") for length in ("0", "0.5", "nan", "1e29")),
    *((SERVING | {"detail": f"inflight={text}"}, "detail inflight: ") for text in ("abc", "nan", "inf", "0", "-1")),
    (SERVING | {"detail": "inflight="}, "write key=value"),
    (SERVING | {"detail": "inflight 9.7"}, "write key=value"),
    (SERVING | {"detail": "infligth=9.7"}, "did you mean inflight"),
    (SERVING | {"detail": "inflight=9.7;inflight=1"}, "'inflight' occurs twice"),
    *((REQUEST | {"detail": f"cached={text}"}, "detail cached: ") for text in ("abc", "nan", "inf", "-5", "1e29")),
    (REQUEST | {"output": "0"}, "output: '0' is not a number between 1"),
    *((TRAIN | {"detail": f"interleave={text}"}, "interleave: ") for text in ("abc", "nan", "inf", "0", "0.5", "1.5")),
    *((TRAIN | {"microbatch": text}, "microbatch: .* whole") for text in ("0", "0.5", "1.5", "nan")),
    (TRAIN | {"quantity": "mfu", "value": "0.4", "detail": "attention=cuasal"}, "not one of causal, full"),
    *((REDUCE | {"detail": f"bytes={text}"}, "detail bytes: ") for text in ("abc", "nan", "inf", "0", "-1", "1e400")),
    (REDUCE | {"detail": ""}, "detail bytes is not stated"),
    *((row | {"chips": "1"}, "nobody to exchange") for row in (REDUCE, EXCHANGE, REDUCE | {"phase": "all_gather"})),
    (EXCHANGE | {"detail": "tokens=128;hidden=7168;topk=8;dtype=fp9"}, "dtype 'fp9' is not one of"),
    *((EXCHANGE | {"detail": f"tokens=128;hidden=7168;topk={text}"}, "detail topk: ")
      for text in ("0", "2.5", "inf", "1e30")),
    (EXCHANGE | {"detail": "tokens=nan;hidden=7168;topk=8"}, "detail tokens: "),
    ({"id": ""}, "id: expected one line of text"),
    ({"id": "x\x1b[31m"}, "id: expected one line of text"),
    ({"id": "S-002"}, "id 'S-002' is that of line 2"),
    ({"note": "x" * 200_000}, "field larger than"),
    *(({"model": name}, "is a path") for name in ("../../x", "/dev/zero", "toy.toml", "..", "a\\b", "C:\\x.json")),
    *(({"hardware": name}, "is a path") for name in ("/dev/zero", "./toy.toml", "toy.toml", "../h100-sxm")),
    ({"model": "nowhere"}, "unknown model"),
    ({"model": "x" * 5000}, "unknown model"),
    ({"model": "a\0b"}, "unknown model"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "why"), BAD_CELLS, ids=[str(place) for place in range(len(BAD_CELLS))])
def test_a_bad_cell_spoils_its_own_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], why: str
) -> None:
    """It says why, and on which line; nothing takes its place, and the rows around it are as they were. Files that lie
    about are not read, whatever a row calls them."""
    (tmp_path / "nowhere").write_text(CONFIG)
    (tmp_path / "toy.toml").symlink_to("/dev/zero")
    monkeypatch.chdir(tmp_path)
    good = {**DECODE, "hardware": "h100-sxm"}
    path = file_of(tmp_path, {**good, "id": "S-002"}, {**good, "id": "S-001", **change}, {**good, "id": "S-003"})
    before, bad, after = validate(read_measurements(path), Places(tmp_path, tmp_path))
    assert before.ideal == after.ideal == judged_of(tmp_path, **DECODE).ideal and not before.why
    assert (bad.ideal, bad.measured, bad.in_flight, bad.row.line) == (None, None, None, 3)
    assert re.search(why, bad.why) and bad.why.isprintable() and len(bad.why) < 400, bad.why
    assert bad.row.id in ("S-001", change.get("id"), "line 3") and bad.row.id.isprintable()


def test_a_bad_row_is_shown_with_its_line(tmp_path: Path, run_json, run) -> None:
    good = {**DECODE, "hardware": "h100-sxm"}
    rows = [{**good, "id": f"S-00{place}", **({} if place == 1 else {"batch": "nan"})} for place in (1, 2, 3)]
    path = file_of(tmp_path, *rows)
    statuses = [row["status"] for row in run_json("validate", str(path))["rows"]]
    why = "batch: 'nan' is not a number between 1 and 1e+09"
    assert statuses == ["ok", f"not modelled: {why}, line 3", f"not modelled: {why}, line 4"]
    code, out, err = run("validate", str(path), "-v")
    assert (code, err) == (0, "") and f"2 rows: {why}, lines 3, 4" in " ".join(out.split())


def test_a_quote_that_is_never_closed_takes_no_other_row_with_it(tmp_path: Path) -> None:
    good = {**DECODE, "hardware": "h100-sxm"}
    path = file_of(tmp_path, *({**good, "id": f"S-00{place}"} for place in (1, 2, 3)))
    lines = path.read_text().splitlines()
    lines[2] = '"' + lines[2]
    path.write_text("\r\n".join(["\ufeff" + lines[0], "", *lines[1:], "," * 20]), encoding="utf-8")
    found = {one.row.line: one.why for one in validate(read_measurements(path))}
    assert list(found) == [3, 4, 5] and found[3] == found[5] == "" and "not valid CSV" in found[4]


def test_inflight_may_stand_beside_spaces(tmp_path: Path) -> None:
    spaced, plain = (judged_of(tmp_path, **SERVING | {"detail": text}) for text in ("inflight = 9.7 ", "inflight=9.7"))
    assert spaced.ideal == plain.ideal != judged_of(tmp_path, **SERVING).ideal


@pytest.mark.parametrize(("text", "message"), [
    ("", "no header"),
    (HEADER, "no row below the header"),
    (HEADER.replace("batch,", ""), None),
    (HEADER.replace("value,", ""), "line 1: no column value"),
    (HEADER + ",batch", "line 1: column 'batch' occurs twice"),
    (HEADER.replace("context", "contxt"), "line 1: column 'contxt': did you mean context?"),
    (HEADER.replace("weights", "Weight"), "line 1: column 'Weight': did you mean weights?"),
    ('"' + HEADER, "line 1: not valid CSV"),
])  # fmt: skip
def test_a_header_that_would_lose_a_column_is_refused(tmp_path: Path, text: str, message: str | None) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text if message and "below" in message else f"{text}\na,b\n" if text else "")
    if message is None:
        assert read_measurements(path)
    else:
        with pytest.raises(UserError, match=message.replace("?", r"\?")):
            read_measurements(path)
