"""What machines cost by their parts, with sources: the unit prices behind the numbers of chapter 7."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Symbol

from steptime.derivations.board import numbers
from steptime.model import symbols as q
from steptime.model.phases.decode import blackboard
from steptime.model.scenario import Scenario

from steptime.derivations.machine.symbols import (  # isort: skip
    capacity_price, capacity_share, idle_compute, idle_link, idle_memory, machine_memory_bandwidth,
    memory_bandwidth_price,
)  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """Dollars of one chip's worth of a machine: FLOP/s, memory, links, and all that is none of these."""

    compute: float
    memory: float
    links: float
    other: float
    source: str

    @property
    def whole(self) -> float:
        return self.compute + self.memory + self.links + self.other


B200_MADE = Parts(900, 2900, 0, 2600, "B200, to manufacture: siliconanalysts.com 2026, fourweekmba.com")
H100_MADE = Parts(300, 1400, 0, 1670, "H100 SXM, to manufacture: siliconanalysts.com 2026")
MI300X_MADE = Parts(600, 2900, 0, 1800, "MI300X, to manufacture: siliconanalysts.com 2026")
H100_SOLD = Parts(300, 1400, 0, 26300, "H100 SXM, sold for about 28000 dollars: siliconanalysts.com 2026")

_RACK = 5.9e6 / 72
_CHIP, _NETWORK = 0.39 * _RACK, 0.13 * _RACK
_SOURCE = (
    "GB200 NVL72, one of 72 chips: 5.9e6 dollars a rack with its building, chips 39 %, networking 13 % "
    "(Bernstein 2025, via investing.com)"
)
_HBM_MADE = "HBM of a B200 2900 of 6400 dollars to manufacture (siliconanalysts.com 2026)"


def _rack(memory: float, how: str) -> Parts:
    """One chip's worth of a rack, with so many dollars of the chip's price for its memory."""
    return Parts(_CHIP - memory, memory, _NETWORK, _RACK - _CHIP - _NETWORK, f"{_SOURCE}; {_HBM_MADE}, {how}")


GB200_LEAST_MEMORY = _rack(B200_MADE.memory, "priced at that: all of the margin is on the rest of the chip")
GB200_RACK = _rack(_CHIP * B200_MADE.memory / B200_MADE.whole, "with its share of the chip's margin")
"""What a buyer pays for memory is not published: it lies between what it costs the maker of the chip, and that with the
same margin as all else on the chip. Networking is not divided into tiers either: each is priced at all of it.
"""

SCALE_OUT_PRICE = _NETWORK / 50e9
"""Dollars for a byte/s: networking is 13 % of a data centre's 5.9e6 dollars a rack (Bernstein 2025, via investing.com),
for the 50e9 B/s of each of 72 chips."""

YEARS = 5.0
"""Over which a machine is paid off, in examples: a usual time of depreciation."""


def machine_numbers(model: str, hardware: str, parts: Parts, **options: Any) -> Mapping[Symbol, float]:
    """A decode step's work for one chip's worth of a machine, and prices as if the chip's parts were sold apart.

    Memory is priced once, by its bandwidth; capacity comes with it, so its own price is zero.
    """
    values = numbers(model, hardware, **options)
    case = Scenario(values)
    return {
        **values,
        q.step_flops: float(case.evaluate(blackboard.compute.work)),
        q.step_memory_bytes: float(case.evaluate(blackboard.memory.work)),
        q.step_link_bytes: float(case.evaluate(blackboard.scale_up.work)),
        q.step_scale_out_bytes: float(case.evaluate(blackboard.scale_out.work)),
        q.capacity_needed: values[q.memory_per_chip],
        q.machine_flops: values[q.peak_flops],
        machine_memory_bandwidth: values[q.memory_bandwidth],
        q.machine_link_bandwidth: values[q.scale_up_bandwidth],
        q.machine_scale_out_bandwidth: values[q.scale_out_bandwidth],
        q.flops_price: parts.compute / values[q.peak_flops],
        memory_bandwidth_price: parts.memory / values[q.memory_bandwidth],
        q.link_price: parts.links / values[q.scale_up_bandwidth],
        capacity_price: 0.0,
        capacity_share: 0.0,
        q.budget: parts.compute + parts.memory + parts.links,
        idle_compute: 0.1,
        idle_memory: 0.1,
        idle_link: 0.1,
        q.stack_capacity: values[q.memory_capacity] / 8,
        q.stack_bandwidth: values[q.memory_bandwidth] / 8,
        q.stack_price: parts.memory / 8,
        q.machine_life: YEARS * 365.25 * 86400,
    }
