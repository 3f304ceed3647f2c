"""The KV cache between turns: computed again, held, or fetched from a tier of memory. Dollars per token of cache.

A tier is rented whole: a token pays for the bytes that it holds for as long as it holds them, and for the tier for as
long as it is read out. A chip waits while its cache arrives.
"""

from collections.abc import Mapping

from sympy import Symbol

from steptime.model.architecture.attended import attended
from steptime.model.architecture.attention import GroupedAttention, LatentAttention
from steptime.model.symbols import (
    active_parameters,
    attention_flops,
    bytes_per_kv,
    chip_second_price,
    context,
    far_bandwidth,
    far_capacity,
    far_link_bandwidth,
    far_second_price,
    flops_per_mac,
    head_dim,
    hold_time,
    kv_bytes,
    kv_heads,
    kv_layers,
    kv_rank,
    link_bandwidth,
    memory_capacity,
    peak_flops,
    query_heads,
    rope_dim,
    tier_bandwidth,
    tier_capacity,
    tier_second_price,
    value_dim,
    window,
    windowed_layers,
)

rematerialise = chip_second_price * (flops_per_mac * active_parameters + attention_flops * context / 2) / peak_flops
"""A prefill at the chip's peak; a token attends to half of the context on average."""

hold = tier_second_price * kv_bytes / tier_capacity * hold_time
wait = chip_second_price * kv_bytes / link_bandwidth
read = tier_second_price * kv_bytes / tier_bandwidth
fetch = read + wait

IN_CHIP = {tier_capacity: memory_capacity, tier_second_price: chip_second_price}
"""The chip's own memory as a tier: paid for with the chip."""

far_hold = far_second_price * kv_bytes / far_capacity * hold_time
far_fetch = far_second_price * kv_bytes / far_bandwidth + chip_second_price * kv_bytes / far_link_bandwidth

# --- bytes of KV cache per token of context, from the architecture ---------------------------------------------------
grouped = GroupedAttention(heads=query_heads, kv_heads=kv_heads, head_dim=head_dim, value_dim=value_dim)
windowed = GroupedAttention(heads=query_heads, kv_heads=kv_heads, head_dim=head_dim, value_dim=value_dim, window=window)
latent = LatentAttention(heads=query_heads, nope_dim=head_dim, rope_dim=rope_dim, value_dim=value_dim, kv_rank=kv_rank)

grouped_kv_bytes = kv_layers * grouped.cache_elements * bytes_per_kv
latent_kv_bytes = kv_layers * latent.cache_elements * bytes_per_kv
windowed_kv_bytes = grouped_kv_bytes + windowed_layers * windowed.cache_elements * bytes_per_kv * (
    attended(windowed) / context
)
"""Layers that keep everything, and layers that keep a window."""


def tier(name: str) -> Mapping[Symbol, float]:
    """Capacity, bandwidth, link and price per second of a tier of the catalogue.

    >>> tier("ddr")[link_bandwidth]
    55400000000.0
    """
    from steptime.model.catalog.economy import figures, number

    row = {key: float(figure.value) for key, figure in figures("tier", name).items()}
    return {
        tier_capacity: row["capacity"],
        tier_bandwidth: row["bandwidth"],
        link_bandwidth: row["link"],
        tier_second_price: row["dollars_per_byte"] * row["capacity"] / number("tier_life", "years"),
    }
