"""A Dask scheduler and one or two workers on this machine, each started from its own command: scaling, and what a task
takes of the scheduler and of the process that asks.

Run with ``python benchmarks/sweep_cluster.py``; needs the extra ``steptime[sweep]``. CPU time of each process, read
from the system, beside wall time: on a busy machine only the first says anything.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import steptime as st
from steptime.model.solver.sweep.cluster import TOGETHER, together

ROOT = Path(__file__).parents[2]


def spec(block: int, bandwidths: int) -> dict[str, Any]:
    """DeepSeek-V3 decode on all layouts of 8 and 16 chips, in blocks of so many points."""
    return {
        "name": "deepseek-v3 decode", "block": block,
        "base": {"model": "deepseek-v3", "hardware": "h200-sxm"}, "layouts": {"chips": [8, 16]},
        "over": {"batch": {"log": [1, 60000, 200]}, "context": {"log": [1000, 200000, 60]},
                 "memory_bandwidth": {"grid": ["1TB/s", "20TB/s", bandwidths]}},
        "keep": [{"front": ["tokens_per_second_per_sequence", "tokens_per_second_per_chip"]}],
    }  # fmt: skip


def dask(folder: str, *arguments: str) -> "subprocess.Popen[bytes]":
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
    return subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)  # fmt: skip


def cpu_seconds(group: int) -> float:
    """CPU seconds of all processes of a group that live."""
    found = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group:
                found += int(fields[11]) + int(fields[12])
    return found / os.sysconf("SC_CLK_TCK")


def measured(address: str, scheduler: int, workers: list[int], asked: dict[str, Any]) -> dict[str, Any]:
    """One sweep on the cluster: seconds of everyone."""
    before = [cpu_seconds(one) for one in (scheduler, *workers)]
    wall, own = time.perf_counter(), time.process_time()
    found = st.sweep(asked, scheduler=address)
    wall, own = time.perf_counter() - wall, time.process_time() - own
    spent = [cpu_seconds(one) - start for one, start in zip((scheduler, *workers), before, strict=True)]
    said = found.to_dict()
    return {"points": said["points"], "blocks": said["blocks"], "wall": wall, "own": own, "scheduler": spent[0],
            "workers": spent[1:], "kept": said["kept"]}  # fmt: skip


def told(title: str, one: dict[str, Any]) -> None:
    workers = " + ".join(f"{seconds:.1f}" for seconds in one["workers"])
    print(f"  {title:34s} {one['points']:>11,} points, {one['blocks']:>5,} blocks: wall {one['wall']:5.1f} s; CPU: "
          f"workers {workers} s, scheduler {one['scheduler']:.2f} s, this process {one['own']:.2f} s",
          flush=True)  # fmt: skip


def main() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    running = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            running.append(dask(folder, "scheduler", "--host", "127.0.0.1", "--port", str(port)))
            for number in (1, 2):
                running.append(dask(folder, "worker", address, "--nthreads", "1"))
                groups = [process.pid for process in running]
                st.sweep(spec(2**22, 6), scheduler=address)  # formulas and connections are there
                while number > st.sweep(spec(2**22, 6), scheduler=address, dry_run=True).to_dict()["workers"]:
                    time.sleep(0.2)
                large = measured(address, groups[0], groups[1:], spec(2**22, 60))
                told(f"{number} worker{'s' * (number > 1)}, blocks of 4,194,304", large)
                small = measured(address, groups[0], groups[1:], spec(20_000, 6))
                told(f"{number} worker{'s' * (number > 1)}, blocks of 20,000", small)
                tasks = -(-small["blocks"] // together(small["blocks"], number, False))
                each = {name: small[name] / tasks * 1e3 for name in ("scheduler", "own")}
                task = TOGETHER * sum(large["workers"]) / large["blocks"] * 1e3
                print(f"  a task: {each['scheduler']:.2f} ms of the scheduler, {each['own']:.2f} ms of this process; "
                      f"{TOGETHER} large blocks: {task:,.0f} ms of a worker; the busier of the two is the limit from "
                      f"about {task / max(each.values()):,.0f} workers on")  # fmt: skip
                if number == 1:
                    first = large["kept"]
            print(f"  one and two workers: {'the same' if first == large['kept'] else 'NOT the same'}")
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()


if __name__ == "__main__":
    main()
