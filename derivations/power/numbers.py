"""Watts and joules of an H200, and of a site of them, for the examples of chapter 15."""

from collections.abc import Mapping
from functools import cache

from sympy import Symbol

from steptime.derivations.board import numbers
from steptime.derivations.power import symbols as own
from steptime.model import symbols as q
from steptime.model.economics import symbols as m
from steptime.model.scenario import Scenario

CHOI = "Choi et al. 2013, A roofline model of energy, doi 10.1109/IPDPS.2013.77"
DECODE_WATTS = "Ma et al. 2026, arXiv 2605.11999: decode on H200 draws 137 to 300 W of 700 W, and no cap triggers"
HBM_BIT = "3.9 pJ a bit of HBM3e (chinaflashmarket.com, 2025)"
KYBER = "regantih.github.io, sand-to-superintelligence, chapter 14: racks past 600 kW (Kyber)"
REACH = (
    "docs.nvidia.com: passive copper of 100 Gb/s a lane up to 3 m (MCP7Y00), at 200 Gb/s a lane too short "
    "(800g200gpam4list)"
)
BARROSO = "Barroso, Hölzle and Ranganathan 2018, The Datacenter as a Computer, section 5.1: PUE"

BIT = 3.9e-12
IDLE = 80.3
CHIP = (
    f"H200 of 700 W: 80.3 W whatever it does (catalogue), {HBM_BIT}, and the rest of the watts for multiply-adds at "
    "the bf16 peak"
)
TEXT = f"Llama 3.1 70B in bf16 on {CHIP}; 64 sequences of 4,096 tokens over eight chips"
ELECTRICITY = 0.08 / 3.6e6
"""Dollars a joule: 8 cents a kilowatt-hour, the example's own."""


@cache
def board(cap: float = 400.0) -> Mapping[Symbol, float]:
    """A decode step of one chip, and what it draws."""
    values = numbers("llama-3.1-70b", "h200-sxm", layout="tp=8", weights="bf16", context=4096, batch=64)
    step = {
        q.step_flops: 64 * (2 * values[q.active_parameters] + 4096 * values[q.attention_flops]) / 8,
        q.step_memory_bytes: (2 * values[q.parameters_read] + 64 * 4096 * values[q.kv_bytes]) / 8,
    }
    watts = {m.idle_power: IDLE, m.byte_energy: 8 * BIT, q.power_cap: cap, q.power: 700.0, q.resting_power: IDLE,
             q.voltage_exponent: 0.5}  # fmt: skip
    left = 700.0 - IDLE - 8 * BIT * values[q.memory_bandwidth]
    found = {**values, **step, **watts, q.flops_energy: left / values[q.peak_flops]}
    found[m.intensity] = step[q.step_flops] / step[q.step_memory_bytes]
    found[q.step_time] = step[q.step_memory_bytes] / values[q.memory_bandwidth]
    return _with_site(found)


def _with_site(found: dict[Symbol, float]) -> Mapping[Symbol, float]:
    """The same on a site of ten megawatts."""
    from steptime.model.economics import power

    found[m.drawn_power] = float(Scenario(found).evaluate(power.drawn))
    found[m.step_energy] = float(Scenario(found).evaluate(power.energy))
    found |= {m.site_power: 1e7, m.power_usage: 1.25, q.electricity_price: ELECTRICITY, m.clock: 1.0}
    found |= {own.site_cost: 10.0, own.step_yields: 8.0, own.energy_rise: 0.01, own.chip_price_rate: 2.0 / 3600,
              own.rack_power: 6e5, own.reached_racks: 1.0, own.cable_reach: 3.0, own.cable_run: 3.0}  # fmt: skip
    found[own.site_steps] = float(Scenario(found).evaluate(power.steps_of_site))
    return found


def multiplying() -> Mapping[Symbol, float]:
    """The same chip on products alone."""
    values = dict(board())
    return {**values, m.intensity: 1e4, q.step_flops: 1e12, q.step_memory_bytes: 1e8}
