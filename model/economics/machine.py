"""A machine of FLOP/s, stacks of memory, two tiers of links and a base: what it costs and draws.

Prices are dollars for a FLOP/s, for a byte/s of link, and for a stack of memory.
"""

from steptime.model.symbols import (  # isort: skip
    base_cost, base_power, capacity_needed, electricity_price, flops_energy, flops_price, link_energy, link_price,
    machine_flops, machine_life, machine_link_bandwidth, machine_scale_out_bandwidth, scale_out_energy, scale_out_price,
    stack_capacity, stack_power, stack_price, stacks,
)  # fmt: skip

stacks_for_bytes = capacity_needed / stack_capacity
"""Stacks of memory that hold what must be held. A stack sells bytes and bytes/s together, for one price."""

stacked_spend = (
    base_cost
    + flops_price * machine_flops
    + stack_price * stacks
    + link_price * machine_link_bandwidth
    + scale_out_price * machine_scale_out_bandwidth
)
stacked_power = (
    base_power
    + flops_energy * machine_flops
    + stack_power * stacks
    + link_energy * machine_link_bandwidth
    + scale_out_energy * machine_scale_out_bandwidth
)
running_cost = stacked_spend / machine_life + electricity_price * stacked_power
"""Dollars a second: what was bought, written off over its life, and what it draws."""
