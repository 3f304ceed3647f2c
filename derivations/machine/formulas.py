"""A machine bought by its resources: what they cost, how long a step takes on it, what one more of each is worth.

Prices are dollars for a FLOP/s, a byte/s of memory and of link, and a byte of capacity; a step brings work for each.
Prefill is short of FLOP/s and decode of memory bandwidth; what the other resource of each needs comes along.
Sources: Pope 2026, blackboard lecture; the balance of resources is Kung 1986 (doi 10.1145/17407.17362); Zhong et al.
2024, DistServe (arXiv 2401.09670) for the split of prefill and decode.
"""

from sympy import Max

from steptime.derivations.batch.symbols import memory_time as time_of_memory
from steptime.derivations.batch.symbols import token_cost
from steptime.model.economics.machine import stacked_spend
from steptime.model.symbols import compute_time as time_of_compute

from steptime.derivations.machine.symbols import (  # isort: skip
    capacity_price, decode_bytes, decode_cost, decode_flops, idle_compute, idle_link, idle_memory, lowered_cost,
    machine_memory_bandwidth, memory_bandwidth_price, prefill_bytes, prefill_cost, prefill_flops, raised_cost,
    request_cost, request_rate, rise, split_request_cost, step_tokens,
)  # fmt: skip
from steptime.derivations.machine.symbols import link_time as time_of_links

from steptime.model.symbols import (  # isort: skip
    answer, base_cost, batch, budget, bytes_per_weight, capacity_needed, chips, context, flops_price, kv_bytes,
    link_price, machine_flops, machine_life, machine_link_bandwidth, machine_scale_out_bandwidth, micro_batch,
    parameters, prompt, stack_bandwidth, stack_price, stacks, stage_chips, step_flops, step_link_bytes,
    step_memory_bytes, step_scale_out_bytes, step_time,
)  # fmt: skip

compute_time = step_flops / machine_flops
memory_time = step_memory_bytes / machine_memory_bandwidth
link_time = step_link_bytes / machine_link_bandwidth
full_overlap = Max(time_of_compute, time_of_memory, time_of_links)
"""A step whose terms run at the same time takes the longest of them."""

no_overlap = time_of_compute + time_of_memory
"""A step that reads, and then computes."""

spend_on_compute = flops_price * machine_flops
spend_on_memory = memory_bandwidth_price * machine_memory_bandwidth
spend_on_links = link_price * machine_link_bandwidth
spend_on_capacity = capacity_price * capacity_needed
spend = spend_on_compute + spend_on_memory + spend_on_links + spend_on_capacity
needed_flops = step_flops / step_time * (1 + idle_compute)
"""FLOP/s of a machine that computes within the step time, and some that idle: whatever is bought has this form."""

needed_memory_bandwidth = step_memory_bytes / step_time * (1 + idle_memory)
needed_link_bandwidth = step_link_bytes / step_time * (1 + idle_link)
share_on_compute = spend_on_compute / budget
share_on_memory = spend_on_memory / budget
share_on_links = spend_on_links / budget
share_on_capacity = spend_on_capacity / budget
stacks_for_bandwidth = step_memory_bytes / step_time / stack_bandwidth
"""Stacks of memory that stream a step's traffic within the step time."""

price_of_bandwidth = stack_price / stack_bandwidth
"""Dollars for a byte/s where bandwidth decides how many stacks are bought, so that the bytes come with it."""

needed_scale_out_bandwidth = step_scale_out_bytes / step_time
stack_time = step_memory_bytes / (stacks * stack_bandwidth)
scale_out_time = step_scale_out_bytes / machine_scale_out_bandwidth
stacked_time = Max(compute_time, stack_time, link_time, scale_out_time)
"""The step of a machine of stacks and two tiers of links, whose terms run at the same time."""

share_on_stacks = stack_price * stacks / (budget - base_cost)
"""What stacks take of the part of a budget that can be spent one way or another."""

cost_of_stacked = stacked_spend / machine_life * step_time / step_tokens
"""Dollars of a token: what a machine loses in value while a step lasts, over the tokens that the step yields."""

cost_on_budget = budget / machine_life * step_time / step_tokens
"""The same for a machine that takes the whole budget."""

elasticity = (1 - raised_cost / token_cost) / rise
"""By how many per cent the cost of a token falls for each per cent by which a resource is raised."""

elasticity_below = (lowered_cost / token_cost - 1) / rise
"""By how many per cent the cost of a token grows for each per cent by which a resource is lowered."""

elasticity_of_work = (raised_cost / token_cost - 1) / rise
"""By how many per cent the cost of a token grows for each per cent by which the work for a resource grows."""

cost_ratio = raised_cost / token_cost
memory_held = (bytes_per_weight * parameters + micro_batch * context * kv_bytes) / stage_chips
"""Bytes that a chip of one stage holds: its share of the weights and of the KV cache."""

chip_seconds_per_token = chips * step_time / batch
"""What a token costs where no price is known."""

# --- prefill and decode of a request, on one machine design for both, or on one for each ------------------------------
prefill_time = Max(prefill_flops / machine_flops, prefill_bytes / machine_memory_bandwidth)
decode_time = Max(decode_flops / machine_flops, decode_bytes / machine_memory_bandwidth)
"""Seconds to decode a request's answer, as its share of a batch."""

shared_cost = (spend_on_compute + spend_on_memory) * (prefill_time + decode_time) / machine_life
"""Dollars per request where one machine does both, one after the other: its price times the share of its life."""

phase_cost = budget * step_time / machine_life
"""Dollars per request of one phase on a machine of its own."""

split_cost = prefill_cost + decode_cost
saving = request_cost - split_request_cost
chips_to_prefill = request_rate * prompt * chip_seconds_per_token
"""Chips that keep up with the prompts that arrive."""

chips_to_decode = request_rate * answer * chip_seconds_per_token
"""Chips that keep up with the answers that are asked for."""
