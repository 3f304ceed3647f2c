"""A sweep that is interrupted goes on, loses nothing, and gives the same bytes; what goes wrong on disk is one line."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import steptime as st
from steptime.model.api.sweep_spec import spec_of
from steptime.model.solver.sweep import store as stored
from steptime.model.solver.sweep.block import Worker
from steptime.model.solver.sweep.run import Here

SMALL: dict[str, Any] = {
    "name": "small",
    "block": 3000,
    "base": {"model": "llama-3.1-8b", "hardware": ["h100-sxm", "h200-sxm"]},
    "over": {"batch": {"log": [1, 4000, 24]}, "context": {"log": [100, 100_000, 40]},
             "memory_bandwidth": {"grid": ["1TB/s", "9TB/s", 7]}},
    "layouts": {"chips": [1, 2, 4]},
    "limits": ["step_time<=50ms"],
    "keep": [{"best": "step_time", "by": ["hardware"], "count": 4}, {"quantiles": "memory"},
             {"front": ["tokens_per_second_per_sequence", "tokens_per_second_per_chip"]}, {"counts": "bottleneck"},
             {"histogram": "step_time", "edges": ["1ms", "10ms"]}, {"slopes": "step_time"}],
}  # fmt: skip


@pytest.fixture(autouse=True)
def every_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block is kept at once."""
    monkeypatch.setattr(stored, "EVERY", 0.0)
    monkeypatch.setattr(stored, "SHARE", 0)


def interrupted(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep in this process stops, as if it had lost its power, once so many more blocks are done."""
    once = Worker.block
    left = [after]

    def block(self: Worker, number: int) -> Any:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return once(self, number)

    monkeypatch.setattr(Worker, "block", block)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name.startswith("part-")}


def without_times(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key not in ("seconds", "resumed_from", "out", "workers")}


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_interrupted_anywhere_it_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, rows: bool
) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    fewer = {**SMALL["over"], "batch": {"log": [1, 4000, 8]}}
    spec = {**SMALL, "rows": "feasible", "over": fewer} if rows else SMALL
    whole, out = tmp_path / f"whole.{form}", tmp_path / f"out.{form}"
    straight = st.sweep(spec, whole)
    for after in (0, 1, 5, 2):
        with monkeypatch.context() as patch:
            interrupted(after, patch)
            with pytest.raises(KeyboardInterrupt):
                st.sweep(spec, out, resume=True)
    again = st.sweep(spec, out, resume=True)
    assert without_times(again.to_dict()) == without_times(straight.to_dict())
    assert again.to_dict()["resumed_from"] == 8
    if rows:
        assert files_of(out) == files_of(whole)
        assert len(files_of(out)) >= 8
    elif form == "csv":
        assert out.read_bytes() == whole.read_bytes()
        assert not out.with_name("out.csv.state").exists()


def test_what_stands_is_readable_before_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "SHOWN", 0.0)
    interrupted(6, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        st.sweep(SMALL, tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0].startswith("kept,place,model,hardware,layout")
    assert len(lines) > 8


def test_only_the_same_sweep_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out.csv"
    with monkeypatch.context() as patch:
        interrupted(2, patch)
        with pytest.raises(KeyboardInterrupt):
            st.sweep(SMALL, out)
    with pytest.raises(st.UserError, match="`resume` goes on"):
        st.sweep(SMALL, out)
    with pytest.raises(st.UserError, match=r"another sweep.*spec differs"):
        st.sweep({**SMALL, "limits": []}, out, resume=True)
    state = next(tmp_path.glob("out.csv.state/_state-*.npz"))
    state.write_bytes(state.read_bytes()[:-1] + b"x")
    with pytest.raises(st.UserError, match="not what the manifest says"):
        st.sweep(SMALL, out, resume=True)
    (tmp_path / "out.csv.state" / "_manifest.json").write_text("[]")
    with pytest.raises(st.UserError, match="no manifest"):
        st.sweep(SMALL, out, resume=True)


def test_a_part_that_was_changed_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "rows.csv"
    with monkeypatch.context() as patch:
        interrupted(3, patch)
        with pytest.raises(KeyboardInterrupt):
            st.sweep({**SMALL, "rows": "all"}, out)
    part = next(out.glob("part-*"))
    part.write_text(part.read_text().replace("1", "2", 1))
    with pytest.raises(st.UserError, match="not what the manifest says"):
        st.sweep({**SMALL, "rows": "all"}, out, resume=True)


def test_a_folder_of_someone_elses_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    (tmp_path / "out.csv" / "mine.txt").write_text("mine")
    with pytest.raises(st.UserError, match="is there already"):
        st.sweep({**SMALL, "rows": "all"}, tmp_path / "out.csv")
    assert [path.name for path in (tmp_path / "out.csv").iterdir()] == ["mine.txt"]


# --- as processes ---------------------------------------------------------------------------------------------------


def toml_of(folder: Path, more: str = "") -> Path:
    """A sweep that takes some seconds."""
    path = folder / "spec.toml"
    path.write_text(f"""
name = "killed"
block = 200_000
{more}
keep = [{{ best = "step_time", by = ["context"], count = 3 }}, {{ quantiles = "step_time" }},
        {{ slopes = "step_time" }}, {{ front = ["tokens_per_second_per_sequence", "tokens_per_second_per_chip"] }}]
[base]
model = "llama-3.1-8b"
hardware = ["h100-sxm", "h200-sxm"]
[over.batch]
log = [1, 60000, 50]
[over.context]
log = [100, 1e6, 40]
[over.memory_bandwidth]
grid = ["1TB/s", "20TB/s", 50]
[layouts]
chips = [1, 2, 4, 8]
""")
    return path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "steptime.cli", "sweep", *arguments]


def end_of(arguments: list[str], **how: Any) -> tuple[int, str]:
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, **how)
    return done.returncode, done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_and_resumed(tmp_path: Path, workers: str) -> None:
    """SIGKILL at three moments; twenty of them are in `benchmarks/sweep_kill.py`."""
    spec, out = str(toml_of(tmp_path)), tmp_path / "out.csv"
    assert end_of(command(spec, "-o", str(tmp_path / "whole.csv"), "--workers", "1"))[0] == 0
    manifest = tmp_path / "out.csv.state" / "_manifest.json"
    for _ in range(3):
        before = manifest.read_bytes() if manifest.exists() else b""
        resumed = ["--resume"] if before else []
        running = subprocess.Popen(command(spec, "-o", str(out), "--workers", workers, *resumed),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        while running.poll() is None and (not manifest.exists() or manifest.read_bytes() == before):
            time.sleep(0.05)
        running.send_signal(signal.SIGKILL)
        running.wait()
    if manifest.exists():
        assert end_of(command(spec, "-o", str(out), "--workers", workers, "--resume"))[0] == 0
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def full_disk() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """What was written before stays, whole."""
    spec, out = toml_of(tmp_path, 'rows = "all"'), tmp_path / "out.csv"
    code, said = end_of(command(str(spec), "-o", str(out), "--workers", "1"), preexec_fn=full_disk)
    lines = [line for line in said.splitlines() if "%" not in line]
    assert (code, len(lines)) == (2, 1), said
    assert "cannot be written (File too large); what was written before stands" in lines[0]
    manifest = json.loads((out / "_manifest.json").read_text())
    assert manifest["parts"] == []
    assert not list(out.glob(".*"))


def test_an_unwritable_place_is_one_line(tmp_path: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    nowhere = tmp_path / "none" / "out.csv"
    code, out, err = run("sweep", str(toml_of(tmp_path)), "-o", str(nowhere), "--workers", "1")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "cannot be made (No such file or directory)" in err
    if os.geteuid():
        tmp_path.chmod(0o500)
        code, _, err = run("sweep", str(tmp_path / "spec.toml"), "-o", str(tmp_path / "o.csv"), "--workers", "1")
        assert (code, "cannot be made (Permission denied)" in err) == (2, True)


def test_blocks_are_the_same_whatever_comes_first() -> None:
    spec = spec_of(SMALL)
    worker = Worker(spec)
    late = worker.block(5)
    for result in Here().results(spec, range(4, 6)):
        if result.number == 5:
            for mine, other in zip(result.arrays, late.arrays, strict=True):
                assert all((mine[name] == other[name]).all() for name in mine)
