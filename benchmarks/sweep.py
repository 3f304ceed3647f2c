"""Sweeps: points per second of CPU time, peak memory, the ratio to C by hand; what a block costs, and from how many
workers on the engine would be the limit.

Run with ``python benchmarks/sweep.py [POINTS]``; needs gcc. One process; CPU time, which a busy machine leaves alone.
"""

import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import steptime as st
from steptime.model.api.sweep_spec import spec_of
from steptime.model.solver.sweep.block import Worker, states_of
from steptime.model.solver.sweep.cluster import TOGETHER
from steptime.model.solver.sweep.run import sweep

FRONT = [{"front": ["tokens_per_second_per_sequence", "tokens_per_second_per_chip"]}]
FLAGS = ("-O3", "-march=native", "-ffast-math", "-shared", "-fPIC")
SIZES = (1500, 100, 560)  # batches, contexts, bandwidths


def decode(layouts: dict[str, Any], keep: list[dict[str, Any]], sizes: tuple[int, int, int] = SIZES) -> dict[str, Any]:
    """DeepSeek-V3 on H200: batch x context x bandwidth x layouts."""
    batches, contexts, bandwidths = sizes
    return {
        "name": "deepseek-v3 decode", "layouts": layouts, "keep": keep,
        "base": {"model": "deepseek-v3", "hardware": "h200-sxm"},
        "over": {"batch": {"log": [1, 60000, batches]}, "context": {"log": [1000, 200000, contexts]},
                 "memory_bandwidth": {"grid": ["1TB/s", "20TB/s", bandwidths]}},
    }  # fmt: skip


def timed(spec: dict[str, Any]) -> tuple[int, float, Any]:
    """Points and CPU seconds of a sweep in this process, formulas built once before."""
    read = spec_of(spec)
    worker = Worker(read)
    for family in worker.blocks.families[:1]:
        worker.work(family)
    began = time.process_time()
    found = sweep(read)
    return found.tally.points, time.process_time() - began, found


def said(title: str, points: int, seconds: float) -> None:
    print(f"  {title:44s} {points / seconds:14,.0f} points a CPU second ({points:,} points, {seconds:.2f} s)")


def rates() -> None:
    print("deepseek-v3 decode, batch x context x bandwidth")
    one = {"list": ["tp=8,dp=2,ep=16"]}
    kinds: dict[str, list[dict[str, Any]]] = {
        "exact front": FRONT,
        "five best": [{"best": "dollars_per_million_tokens", "count": 5}],
        "best for each context": [{"best": "dollars_per_million_tokens", "by": ["context"]}],
        "quantiles to 1 %": [{"quantiles": "step_time"}],
        "histogram": [{"histogram": "step_time", "log": ["1ms", "1s", 20]}],
        "what binds": [{"counts": "bottleneck"}],
        "slopes": [{"slopes": "step_time"}],
        "front of three": [{"front": ["tokens_per_second_per_sequence", "tokens_per_second_per_chip", "most context"]}],
    }
    for title, keep in kinds.items():
        said(f"one layout, {title}", *timed(decode(one, keep))[:2])
    points, seconds, _ = timed(decode({"chips": [8, 16]}, FRONT, (200, 60, 60)))
    said("all layouts of 8 and 16 chips, exact front", points, seconds)
    design = {
        **decode(one, FRONT),
        "over": {"batch": {"log_between": [1, 60000]}, "context": {"log_between": [1000, 200000]},
                 "memory_bandwidth": {"between": ["1TB/s", "20TB/s"]}},
        "design": {"sobol": 2**21},
    }  # fmt: skip
    said("one layout, 2^21 Sobol points, exact front", *timed(design)[:2])


# --- C by hand --------------------------------------------------------------------------------------------------------

C = """
#include <math.h>
// compute, network and bytes of a step for every batch and context; the bandwidth is the inner loop.
void run(long nb, long nc, long nw, const double *restrict rest, const double *restrict bytes,
         const double *restrict inverse, const double *restrict batch, double chips,
         double *restrict speed, double *restrict share, double *out) {
  double most = 0, sum = 0;
  for (long b = 0; b < nb; b++) for (long c = 0; c < nc; c++) {
    double r = rest[b * nc + c], m = bytes[b * nc + c], per_chip = batch[b] / chips;
    for (long w = 0; w < nw; w++) {
      double t = fmax(r, m * inverse[w]);
      speed[w] = 1 / t; share[w] = per_chip / t;
    }
    for (long w = 0; w < nw; w++) { most = fmax(most, share[w]); sum += speed[w]; }
  }
  out[0] = most; out[1] = sum;
}
"""


def by_hand() -> None:
    """Two rates of every point in C, with all that does not depend on the bandwidth worked out before; not kept."""
    spec = decode({"list": ["tp=8,dp=2,ep=16"]}, FRONT)
    over = spec_of(spec).over
    batch, context, bandwidth = (np.array(one.given) for one in over)
    step = st.step("deepseek-v3", "h200-sxm", layout="tp=8,dp=2,ep=16")
    grid = step.over(batch=batch, context=context)
    rest = np.maximum(grid.term("compute"), grid.term("interconnect"))
    bytes_read = grid.term("memory") * step.case.quantities["memory_bandwidth"]
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "run.c"), Path(folder, "run.so")
        source.write_text(C)
        subprocess.run(["gcc", *FLAGS, str(source), "-o", str(library), "-lm"], check=True)
        run = ctypes.CDLL(str(library)).run
        pointer = ctypes.POINTER(ctypes.c_double)
        held = [np.ascontiguousarray(one) for one in (rest, bytes_read, 1 / bandwidth, batch)]
        more = [np.empty(len(bandwidth)), np.empty(len(bandwidth)), np.empty(2)]
        sizes = [ctypes.c_long(len(one)) for one in (batch, context, bandwidth)]
        arguments = [*sizes, *(one.ctypes.data_as(pointer) for one in held), ctypes.c_double(16.0),
                     *(one.ctypes.data_as(pointer) for one in more)]  # fmt: skip
        run(*arguments)
        began = time.process_time()
        run(*arguments)
        seconds = time.process_time() - began
    points = len(batch) * len(context) * len(bandwidth)
    said("C by hand, two rates a point, none kept", points, seconds)
    ours, mine, _ = timed(decode({"list": ["tp=8,dp=2,ep=16"]}, []))
    said("the sweep, counts of limits alone", ours, mine)
    ours, mine, _ = timed(spec)
    said("the sweep, both rates and the exact front", ours, mine)
    print(f"  C is {(mine / ours) / (seconds / points):.1f} times as fast, and keeps no front")


# --- at scale ---------------------------------------------------------------------------------------------------------


def large(points: int) -> None:
    """As many points as asked, in blocks, with the front: rate and peak memory, and what 10^9 would take."""
    layouts, over = {"chips": [8, 16, 32]}, (300, 60, 60)
    spec = spec_of(decode(layouts, FRONT, over))
    worker = Worker(spec)
    whole, number = worker.blocks.points, worker.blocks.number
    blocks = max(1, min(number, round(points / whole * number)))
    began = time.process_time()
    chosen = np.linspace(0, number - 1, blocks).astype(int)
    state, done = states_of(spec)[0], 0
    for place in chosen.tolist():
        result = worker.block(place)
        other = states_of(spec)[0]
        other.load(result.arrays[0])
        state.merge(other)
        done += result.tally.points
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"\nlayouts of 8, 16 and 32 chips: a sweep of {whole:,} points; {done:,} of them in {blocks} of {number} blocks"
    )
    said("all layouts, exact front", done, seconds)
    print(f"  peak memory of this process {peak:.2f} GiB; 10^9 points: {1e9 / done * seconds:.0f} CPU s, so "
          f"{1e9 / done * seconds / 2:.0f} s on two cores of its own")  # fmt: skip


def scaling() -> None:
    """What a block takes of a worker, and of the one process that merges; `sweep_cluster.py` measures the scheduler."""
    spec = spec_of(decode({"chips": [8, 16]}, FRONT, (200, 60, 60)))
    worker = Worker(spec)
    worker.block(0)
    began = time.process_time()
    results = [worker.block(number) for number in range(worker.blocks.number)]
    block = (time.process_time() - began) / len(results)
    state = states_of(spec)[0]
    began = time.process_time()
    for result in results:
        other = states_of(spec)[0]
        other.load(result.arrays[0])
        state.merge(other)
    merge = (time.process_time() - began) / len(results)
    size = sum(array.nbytes for result in results for array in result.arrays[0].values()) / len(results)
    print(f"\na block: {block * 1e3:.0f} ms of a worker, {size / 1e3:.1f} kB of result, {merge * 1e3:.2f} ms to merge")
    task = f"Dask's scheduler at 3 ms a task of {TOGETHER} blocks"
    for name, each in (("merging", merge), (task, 3e-3 / TOGETHER)):
        print(f"  {name}: the limit from about {block / each:,.0f} workers on")


def main() -> None:
    rates()
    by_hand()
    large(int(float(sys.argv[1])) if len(sys.argv) > 1 else 200_000_000)
    scaling()
    print(json.dumps({"numpy": np.__version__, "cores": os.cpu_count()}))


if __name__ == "__main__":
    main()
