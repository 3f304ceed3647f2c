"""A sweep killed with SIGKILL at random moments, and resumed each time: what it gives is compared byte for byte with
what an uninterrupted one gives.

Run with ``python benchmarks/sweep_kill.py [KILLS [SEED]]``. Once for what a spec keeps, on two processes, and once for
rows in parts. Every second kill takes the processes that work out blocks along; after the others they end by
themselves.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KEPT = """
name = "kept"
block = 500_000
keep = [{ best = "step_time", by = ["context"], count = 3 }, { quantiles = "step_time" }, { slopes = "step_time" },
        { front = ["tokens_per_second_per_sequence", "tokens_per_second_per_chip"] }, { counts = "bottleneck" }]
[base]
model = "deepseek-v3"
hardware = ["h200-sxm", "gb200-nvl72"]
[over.batch]
log = [1, 60000, 100]
[over.context]
log = [1000, 200000, 50]
[over.memory_bandwidth]
grid = ["1TB/s", "20TB/s", 120]
[layouts]
chips = [8, 16]
"""
ROWS = """
name = "rows"
block = 20_000
rows = "feasible"
keep = [{ best = "step_time", by = ["context"] }]
[base]
model = "llama-3.1-8b"
hardware = ["h100-sxm", "h200-sxm"]
[over.batch]
log = [1, 4000, 40]
[over.context]
log = [100, 100_000, 60]
[over.memory_bandwidth]
grid = ["1TB/s", "9TB/s", 20]
[layouts]
chips = [1, 2, 4, 8]
"""
LONGEST = 1.5
"""Seconds within which a sweep is killed: after its first block of this life, and every fifth time after its start."""


def command(spec: Path, out: Path, workers: int) -> list[str]:
    return [sys.executable, "-m", "steptime.cli", "sweep", str(spec), "-o", str(out), "--workers", str(workers)]


def content(out: Path) -> dict[str, str]:
    """What a sweep wrote, one file, or parts and what is kept of them: a hash of each."""
    if not out.is_dir():
        return {"": hashed(out.read_bytes())}
    found = {path.name: hashed(path.read_bytes()) for path in out.glob("part-*")}
    summary = json.loads((out / "_summary.json").read_text())
    return found | {"kept": hashed(json.dumps(summary["kept"]).encode())}


def hashed(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def standing(out: Path) -> int:
    """The next block of what stands on the disk; -1 where nothing does."""
    for manifest in (out / "_manifest.json", out.with_name(f"{out.name}.state") / "_manifest.json"):
        if manifest.exists():
            return int(json.loads(manifest.read_text())["next"])
    return -1


def killed(spec: Path, out: Path, workers: int, kills: int, chance: random.Random) -> list[int]:
    """Start it, kill it, and go on; blocks that stood after each kill. A sweep that ends too early is an error."""
    stood = []
    for number in range(kills):
        resume = ["--resume"] if number else []
        running = subprocess.Popen([*command(spec, out, workers), *resume], start_new_session=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # fmt: skip
        before = standing(out)
        while number % 5 != 4 and running.poll() is None and standing(out) <= max(0, before):
            time.sleep(0.02)
        time.sleep(chance.uniform(0.0, LONGEST))
        if running.poll() is not None:
            said = running.stderr.read().decode() if running.stderr else ""
            raise SystemExit(f"over before kill {number + 1}, code {running.returncode}: {said}")
        if number % 2:
            os.killpg(running.pid, signal.SIGKILL)
        else:
            running.kill()
        running.wait()
        stood.append(standing(out))
    return stood


def compared(name: str, text: str, form: str, workers: int, kills: int, chance: random.Random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spec, whole, out = Path(folder, "spec.toml"), Path(folder, f"whole.{form}"), Path(folder, f"out.{form}")
        spec.write_text(text)
        subprocess.run(command(spec, whole, workers), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stood = killed(spec, out, workers, kills, chance)
        last = [*command(spec, out, workers), "--resume"]
        subprocess.run(last, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        same = content(out) == content(whole)
        print(f"{name}: {kills} kills, next block after each {stood}; "
              f"{'the same' if same else 'NOT the same'}, {len(content(out)):,} pieces", flush=True)  # fmt: skip
        if not same:
            raise SystemExit(1)


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    chance = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    compared("kept, on two processes", KEPT, "csv", 2, kills, chance)
    compared("rows, in one process", ROWS, "csv", 1, kills, chance)


if __name__ == "__main__":
    main()
