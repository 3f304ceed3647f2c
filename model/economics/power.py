"""Watts and joules of a chip, a step under a cap of watts, and a site that runs out of them.

A chip draws a constant, and energy for each FLOP and each byte of memory traffic. A cap is one more term of a step:
what it must draw beside the constant, over the watts that are left for that. A slower clock takes less voltage,
and with it less energy a FLOP. Every watt of a chip takes more of a site, by what cooling and conversion draw (PUE).
Sources: Choi et al. 2013, A roofline model of energy (doi 10.1109/IPDPS.2013.77); `estimate/clock` for the voltage.
"""

from sympy import Max

from steptime.model.economics.symbols import (  # isort: skip
    byte_energy, clock, drawn_power, idle_power, intensity, power_usage, site_power, step_energy,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    flops_energy, memory_bandwidth, peak_flops, power, power_cap, resting_power, step_flops, step_memory_bytes,
    step_time, voltage_exponent,
)  # fmt: skip

worked = flops_energy * step_flops + byte_energy * step_memory_bytes
"""Joules of a step beside those of the constant."""

drawn = idle_power + worked / step_time
"""Watts of a chip in a step, on average."""

energy = drawn_power * step_time
"""Joules of a chip in a step."""

power_time = worked / (power_cap - idle_power)
"""Time of a step that draws all that a cap allows."""

capped_step = Max(step_flops / peak_flops, step_memory_bytes / memory_bandwidth, power_time, evaluate=False)
"""Time of a step under a cap, where compute, memory and the supply of watts work at the same time."""

streaming_time = step_memory_bytes / memory_bandwidth
byte_power_time = (flops_energy * intensity + byte_energy) * step_memory_bytes / (power_cap - idle_power)
"""The time of the traffic, and that of the watts for it and for its FLOP."""

power_ridge = ((power_cap - idle_power) / memory_bandwidth - byte_energy) / flops_energy
"""FLOP for each byte from which on a step that streams from memory is held by its watts."""

flops_at_cap = (power_cap - idle_power) / (flops_energy + byte_energy / intensity)
"""FLOP/s of a chip that draws all that a cap allows."""

slowed_energy = idle_power * step_flops / (peak_flops * clock) + flops_energy * step_flops * clock ** (
    2 * voltage_exponent
)
"""Joules of multiply-adds at a clock: the constant for as long as they take, and each by the square of the voltage."""

clock_slope = power_cap / ((1 + 2 * voltage_exponent) * (power_cap - resting_power))
"""By how many per cent the clock under a cap rises for each per cent more watts."""

chips_on_site = site_power / (power_usage * power)
"""Chips that a site feeds and cools."""

steps_of_site = site_power / (power_usage * step_energy)
"""Steps of a chip per second on a site whose watts are all that is short: as many chips as it feeds."""
