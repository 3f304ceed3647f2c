"""A thousand random machines: the optimiser against its closed form, and mixes against trust-constr. Fixed seeds.

Run with ``python benchmarks/machines.py [N]``; takes about two minutes for N = 1000 on one core.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "independent"))

import numpy as np
from machine_instances import independent, random_mix, random_one

from steptime.model.solver.machine.best import best_machine


def main(number: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, started = Path(name), time.perf_counter()
        found = [best_machine(random_one(seed, folder)) for seed in range(100, 100 + number)]
        worst = max(abs(one.step_time(0) / one.closed.step_time - 1) for one in found if one.closed)
        bounds, counts = np.unique([one.closed.bound_by for one in found if one.closed], return_counts=True)
        print(f"one workload: {number} in {time.perf_counter() - started:.0f} s, worst difference {worst:.2e}; "
              f"bound by {dict(zip(bounds.tolist(), counts.tolist(), strict=True))}")  # fmt: skip
        started, differences = time.perf_counter(), []
        for seed in range(100, 100 + number):
            design = random_mix(seed, folder)
            differences.append(best_machine(design).mean_step_time / independent(design) - 1)
        print(f"mixes: {number} in {time.perf_counter() - started:.0f} s, ours over trust-constr's from "
              f"{1 + min(differences):.9f} to {1 + max(differences):.9f}")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
