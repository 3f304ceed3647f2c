"""Prefill and decode of a request: on one machine design for both, or on one for each.

Prefill is short of FLOP/s and decode of memory bandwidth; what the other resource of each needs comes along. Costs are
the machine's price times the share of its life that a request takes.
Source: Zhong et al. 2024, DistServe (arXiv 2401.09670) for the split; the prices are those of `economics.machine`.
"""

from steptime.derivations.machine.formulas import chip_seconds_per_token, spend_on_compute, spend_on_memory
from steptime.model.symbols import answer, budget, machine_flops, machine_life, prompt, step_time

from steptime.derivations.machine.symbols import (  # isort: skip
    decode_bytes, decode_cost, machine_memory_bandwidth, prefill_cost, prefill_flops, request_cost, request_rate,
    split_request_cost,
)  # fmt: skip

prefill_time = prefill_flops / machine_flops
"""Seconds to prefill a request where compute binds."""
decode_time = decode_bytes / machine_memory_bandwidth
"""Seconds to decode a request, its share of a batch, where memory binds."""

shared_cost = (spend_on_compute + spend_on_memory) * (prefill_time + decode_time) / machine_life
"""Dollars per request where one machine does both, one after the other."""
phase_cost = budget * step_time / machine_life
"""Dollars per request of one phase on a machine of its own."""
split_cost = prefill_cost + decode_cost
saving = request_cost - split_request_cost
gain = request_cost / split_request_cost

chips_to_prefill = request_rate * prompt * chip_seconds_per_token
"""Chips that keep up with the prompts that arrive."""
chips_to_decode = request_rate * answer * chip_seconds_per_token
"""Chips that keep up with the answers that are asked for."""
