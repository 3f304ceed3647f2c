"""A Dask scheduler and workers, each started from a command line on this machine: the same result as in one process,
whatever dies on the way. Needs the extra ``steptime[sweep]``.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import steptime as st
from steptime.model.api.sweep import Sweep

pytest.importorskip("distributed")

from test_resume import without_times

SPEC = {
    "name": "cluster",
    "block": 100_000,
    "base": {"model": "deepseek-v3", "hardware": ["h200-sxm", "gb200-nvl72"]},
    "over": {"batch": {"log": [1, 60000, 60]}, "context": {"log": [1000, 200000, 12]},
             "memory_bandwidth": {"grid": ["1TB/s", "20TB/s", 20]}},
    "layouts": {"chips": [8, 16]},
    "keep": [{"best": "step_time", "by": ["context"], "count": 2}, {"quantiles": "step_time"}, {"slopes": "step_time"},
             {"front": ["tokens_per_second_per_sequence", "tokens_per_second_per_chip"]}, {"counts": "bottleneck"}],
}  # fmt: skip
ROOT = Path(__file__).parents[3]


class Machines:
    """A scheduler and its workers as processes of their own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.address = folder, f"tcp://127.0.0.1:{self.port}"
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments], cwd=self.folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path}, start_new_session=True,
        )  # fmt: skip
        self.running.append(process)
        return process

    def scheduler(self) -> subprocess.Popen[bytes]:
        return self.start("scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")

    def worker(self) -> subprocess.Popen[bytes]:
        return self.start("worker", self.address, "--nthreads", "1", "--no-dashboard", "--death-timeout", "60")

    def end(self) -> None:
        for process in self.running:
            stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """With everything that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    found = Machines(tmp_path)
    try:
        yield found
    finally:
        found.end()


@pytest.fixture(scope="module")
def alone() -> Sweep:
    found = st.sweep(SPEC, workers=1)
    assert isinstance(found, Sweep)
    return found


def swept(machines: Machines, progress: Callable[[int, int], None] = lambda done, whole: None) -> Sweep:
    found = st.sweep(SPEC, scheduler=machines.address, progress=progress)
    assert isinstance(found, Sweep)
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_the_same_on_any_number_of_workers(machines: Machines, alone: Sweep, workers: int) -> None:
    machines.scheduler()
    for _ in range(workers):
        machines.worker()
    assert without_times(swept(machines).to_dict()) == without_times(alone.to_dict())
    if workers == 2:
        assert st.sweep(SPEC, scheduler=machines.address, dry_run=True).to_dict()["workers"] == 2


def test_a_worker_dies_midway(machines: Machines, alone: Sweep) -> None:
    machines.scheduler()
    first, _ = machines.worker(), machines.worker()

    def progress(done: int, whole: int) -> None:
        if done > whole / 4:
            stop(first)

    assert without_times(swept(machines, progress).to_dict()) == without_times(alone.to_dict())
    assert first.poll() is not None


def test_the_scheduler_starts_anew(machines: Machines, alone: Sweep) -> None:
    """It knows nothing of the sweep then; what was merged stays, the rest is asked for again."""
    scheduler = machines.scheduler()
    workers = [machines.worker(), machines.worker()]
    begun = []

    def progress(done: int, whole: int) -> None:
        if done > whole / 4 and not begun:
            begun.append(done)
            for process in (scheduler, *workers):
                stop(process)
            time.sleep(1.0)
            machines.scheduler()
            machines.worker()

    assert without_times(swept(machines, progress).to_dict()) == without_times(alone.to_dict())
    assert begun


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steptime.model.solver.sweep.cluster.PATIENCE", 1.0)
    monkeypatch.setattr("steptime.model.solver.sweep.cluster.ANSWER", 1.0)
    for dry_run in (False, True):
        with pytest.raises(st.UserError, match=r"`scheduler` tcp://127.0.0.1:9: is not there"):
            st.sweep(SPEC, scheduler="tcp://127.0.0.1:9", dry_run=dry_run)


def test_another_package_on_a_worker(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    machines.scheduler()
    machines.worker()
    monkeypatch.setattr("steptime.model.solver.sweep.cluster._mine", lambda: {"program": "another", "numpy": "0"})
    with pytest.raises(st.UserError, match="has another program than this process"):
        st.sweep(SPEC, scheduler=machines.address)
