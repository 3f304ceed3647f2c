"""How long a fleet takes: 20 kinds of hardware, 10 classes, three roles; and 50 classes over 24 hours.

`python benchmarks/fleet.py [large]`. CPU seconds by part, and the gap that HiGHS reaches in the time that it has.
"""

import sys
import time

from steptime.model.api.fleet_demand import demand_of
from steptime.model.solver.fleet.candidates import Filling
from steptime.model.solver.fleet.chosen import with_apart
from steptime.model.solver.fleet.demand import Demand
from steptime.model.solver.fleet.families import families
from steptime.model.solver.fleet.limits import limited
from steptime.model.solver.fleet.needed import needed
from steptime.model.solver.fleet.program import Program
from steptime.model.solver.fleet.solved import relaxed, solved

HARDWARE = {
    "h100-sxm": 2.2, "h200-sxm": 3.0, "b200-sxm": 4.5, "gb200-nvl72": 4.2, "b300-sxm": 5.0, "gb300-nvl72": 5.2,
    "mi300x": 2.0, "mi325x": 2.4, "mi355x": 4.0, "a100-sxm-80gb": 1.3, "tpuv5e": 1.2, "tpuv5p": 3.0, "tpuv6e": 2.0,
    "tpuv4": 2.5, "l40s": 0.9, "h20": 1.5, "h100-pcie": 1.9, "gaudi3": 2.0, "trainium2": 2.0, "h100-nvl": 2.1,
}  # fmt: skip
MODELS = ("llama-3.1-8b", "llama-3.3-70b", "qwen3-235b-a22b", "deepseek-v3", "gpt-oss-120b")


def demand(classes: int, hours: int, options: int) -> Demand:
    """Classes of five models with lengths and limits of their own, in turn."""
    stated = []
    for number in range(classes):
        rate = 2.0 + 3 * number
        rates = [rate * (1 + 0.8 * ((hour + number) % 24 > 12)) for hour in range(hours)]
        prompt = [[500 * (1 + number % 10), 0.7], [3000 * (1 + number % 10), 0.3]] if number % 2 else 1000
        stated.append({
            "name": f"class {number}", "model": MODELS[number % 5], "rates": rates, "prompt": prompt,
            "output": 200 + 40 * (number % 10), "cached": 0.3 if number % 3 else 0.0,
            "max_ttft": f"{1 + number % 3} s", "max_tpot": f"{30 + 10 * (number % 4)} ms",
        })  # fmt: skip
    hardware = [{"name": name, "price": f"{price} $/h"} for name, price in list(HARDWARE.items())[:options]]
    return demand_of({"class": stated, "hardware": hardware})


def main() -> None:
    asked = demand(50, 24, 8) if "large" in sys.argv else demand(10, 1, 20)
    began, wall = time.process_time(), time.perf_counter()
    found = list(families(asked, lambda share: None))
    print(f"times of all layouts {time.process_time() - began:.1f} CPU s")
    began = time.process_time()
    columns = [column for family in found for column in Filling(asked, with_apart(asked, family, True), True).columns()]
    print(f"groups filled {time.process_time() - began:.1f} CPU s: {len(columns)} kinds")
    began = time.process_time()
    kept = needed(asked, columns)
    print(f"those that may be needed {time.process_time() - began:.1f} CPU s: {len(kept)}")
    program = limited(Program(asked, kept, {k: v for family in found for k, v in family.handed.items()}))
    began = time.process_time()
    base = relaxed(program)
    print(f"linear program {time.process_time() - began:.1f} CPU s, {len(program.cost):,} variables")
    began = time.process_time()
    fleet = solved(program, base=base)
    assert base is not None and fleet is not None
    print(
        f"whole groups {time.process_time() - began:.1f} CPU s: ${fleet.cost:,.2f} an hour, gap {100 * fleet.gap:.2f} %"
    )
    print(f"parts of groups ${base.cost:,.2f}")
    print(f"{time.perf_counter() - wall:.0f} s in all")


if __name__ == "__main__":
    main()
