"""The KV cache between turns: held, or fetched from a tier of memory. Dollars per token of cache.

A tier is rented whole: a token pays for the bytes that it holds for as long as it holds them, and for the tier for as
long as it is read out. A chip waits while its cache arrives.
"""

from steptime.model.symbols import (  # isort: skip
    chip_second_price, context, hold_time, kv_bytes, link_bandwidth, memory_capacity, tier_bandwidth, tier_capacity,
    tier_second_price,
)  # fmt: skip

hold = tier_second_price * kv_bytes / tier_capacity * hold_time
wait = chip_second_price * kv_bytes / link_bandwidth
read = tier_second_price * kv_bytes / tier_bandwidth
fetch = read + wait
restore = context * kv_bytes / link_bandwidth
"""Seconds until the whole cache of one sequence is in the chip: its link is no faster than the tier is read."""

IN_CHIP = {tier_capacity: memory_capacity, tier_second_price: chip_second_price}
"""The chip's own memory as a tier: paid for with the chip."""
