"""Searches over layouts on one process and on two: CPU and wall time, memory; 10^9 points.

Run with ``python benchmarks/searches.py [NAME…]``. CPU time counts all processes; wall time is told too, and says
little where others work on the machine.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import steptime as st

FOUR = ("h100-sxm", "h200-sxm", "gb200-nvl72", "mi300x")
CHIPS = (8, 16, 32, 64, 72, 144)
MANY = (8, 16, 32, 64, 72, 96, 128, 144, 192, 256, 288, 384, 512, 576, 768, 1024, 1152)
ANY = {"weights": "any", "kv": "any", "activations": "any"}


def decode(workers: int) -> str:
    found = st.search("deepseek-v3", FOUR, CHIPS, workers=workers, **ANY)
    return f"{found.points:,} points, all formats open"


def limited(workers: int) -> str:
    found = st.search("deepseek-v3", FOUR, CHIPS, max_step_time="50ms", workers=workers, weights="any", kv="any")
    return f"{found.points:,} points, each timed at the bound and in practice"


def training(workers: int) -> str:
    found = st.search("gpt3-175b", "a100-sxm-80gb", (768, 1024, 1536, 2048, 3072), 4608, None, "latency", phase="train",
                      sequence=2048, dropout=True, workers=workers)  # fmt: skip
    return f"{found.points:,} executions"


def billion(workers: int) -> str:
    machines = (*FOUR, "b200-sxm")
    return f"{st.search('deepseek-v3', machines, MANY, workers=workers, **ANY).points:,} points"


KINDS: dict[str, Callable[[int], str]] = {
    "decode": decode, "limited": limited, "training": training, "billion": billion,
}  # fmt: skip


def once(name: str, workers: int) -> None:
    """One run, in a process of its own."""
    began = time.perf_counter()
    said = KINDS[name](workers)
    wall = time.perf_counter() - began
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = [one.ru_utime + one.ru_stime for one in (own, others)]
    peaks = [one.ru_maxrss / 1024 for one in (own, others)]
    print(f"{name} on {workers}: {said}; {sum(cpu):.1f} CPU s ({cpu[0]:.1f} in the first process), {wall:.1f} s; peak "
          f"{peaks[0]:.0f} MiB, {peaks[1]:.0f} MiB of another", flush=True)  # fmt: skip


def main() -> None:
    if len(sys.argv) > 2 and sys.argv[1] == "once":
        once(sys.argv[2], int(sys.argv[3]))
        return
    for name in sys.argv[1:] or KINDS:
        for workers in (1, 2):
            subprocess.run([sys.executable, __file__, "once", name, str(workers)], check=True)


if __name__ == "__main__":
    main()
