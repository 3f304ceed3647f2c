"""Files of a sweep: what is read back is what was written, in whatever reads it; the same from any number of
processes.
"""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import steptime as st
from steptime.model.solver.sweep.files import as_csv

SPEC: dict[str, Any] = {
    "name": "files",
    "block": 1500,
    "base": {"model": "llama-3.1-8b", "hardware": ["h100-sxm", "h200-sxm"], "kv": ["bf16", "fp8"]},
    "over": {"batch": {"log": [1, 900, 12]}, "context": {"log": [100, 200_000, 15]}},
    "layouts": {"chips": [1, 2]},
    "outputs": ["step_time", "estimate", "dollars_per_million_tokens", "bottleneck", "broken"],
    "rows": "all",
}


def kept(spec: dict[str, Any]) -> dict[str, Any]:
    outputs = [name for name in spec["outputs"] if name != "broken"]
    return {**{key: value for key, value in spec.items() if key != "rows"}, "outputs": outputs,
            "keep": [{"best": "estimate", "by": ["hardware", "kv"], "count": 3},
                     {"front": ["step_time", "dollars_per_million_tokens"]}]}  # fmt: skip


def test_csv_holds_every_number(tmp_path: Path) -> None:
    found = st.sweep(SPEC, tmp_path / "rows.csv", workers=1)
    rows = [row for part in sorted((tmp_path / "rows.csv").glob("part-*.csv"))
            for row in csv.DictReader(part.read_text().splitlines())]  # fmt: skip
    assert len(rows) == found.points > 3 * 1500
    row = next(row for row in rows if row["broken"] == "" and float(row["batch"]) > 1)
    step = st.step(row["model"], row["hardware"], layout=row["layout"], kv=row["kv"], batch=float(row["batch"]),
                   context=float(row["context"]))  # fmt: skip
    assert float(row["step_time"]) == pytest.approx(step.time, rel=1e-12)
    assert {row["feasible"] for row in rows} == {"true", "false"}
    summary = json.loads((tmp_path / "rows.csv" / "_summary.json").read_text())
    assert summary["points"] == found.points


def test_numbers_are_written_as_they_are() -> None:
    values = np.array([1 / 3, 1e300, 5e-324, 64.0, float("nan"), 2.0**60])
    header, *cells = as_csv({"x": values}).splitlines()
    assert (header, cells[3], cells[4]) == ("x", "64", '""')
    assert [float(cell) for cell in cells if cell != '""'] == [value for value in values if value == value]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("part-*")}


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow"])
def test_any_number_of_processes_writes_the_same(tmp_path: Path, form: str) -> None:
    if form != "csv":
        pytest.importorskip("pyarrow")
    written = []
    for workers in (1, 2):
        st.sweep(SPEC, tmp_path / f"rows-{workers}.{form}", workers=workers)
        st.sweep(kept(SPEC), tmp_path / f"kept-{workers}.{form}", workers=workers)
        alone = (tmp_path / f"kept-{workers}.{form}").read_bytes() if form == "csv" else b""  # seconds are inside
        written.append((contents(tmp_path / f"rows-{workers}.{form}"), alone))
    assert written[0] == written[1]


READERS: dict[str, Callable[[Path], Any]] = {
    "pandas": lambda folder: pytest.importorskip("pandas").read_parquet(folder)["step_time"].to_list(),
    "polars": lambda folder: pytest.importorskip("polars").read_parquet(folder / "*.parquet")["step_time"].to_list(),
    "duckdb": lambda folder: [row[0] for row in pytest.importorskip("duckdb").sql(
        f"select step_time from '{folder}/*.parquet'").fetchall()],
}  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
def test_parquet_reads_in(tmp_path: Path, reader: str) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "rows.parquet"
    found = st.sweep(SPEC, out, workers=1)
    values = READERS[reader](out)
    assert len(values) == found.points
    table = parquet.read_table(next(out.glob("part-*")))
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items() if key != b"ARROW:schema"}
    assert json.loads(metadata["units"])["step_time"] == "s"
    assert json.loads(metadata["spec"])["base"]["model"] == "llama-3.1-8b"
    assert set(json.loads(metadata["identity"])) == {"spec", "figures", "program", "numpy"}
    assert "aiconfigurator" in json.loads(metadata["sources"])["h100-sxm"]["memory_bandwidth"]


def test_a_name_says_the_format(tmp_path: Path) -> None:
    with pytest.raises(st.UserError, match=r"`out` .*a name that ends in .csv, .arrow, .parquet"):
        st.sweep(SPEC, tmp_path / "rows.txt")
