"""The KV cache between turns: held, or fetched from a tier of memory. Dollars per token of cache.

A tier is rented whole: a token pays for the bytes that it holds for as long as it holds them, and for the tier for as
long as it is read out. A chip waits while its cache arrives.
"""

from collections.abc import Mapping

from sympy import Symbol

from steptime.model.symbols import (
    chip_second_price,
    hold_time,
    kv_bytes,
    link_bandwidth,
    memory_capacity,
    tier_bandwidth,
    tier_capacity,
    tier_second_price,
)

hold = tier_second_price * kv_bytes / tier_capacity * hold_time
wait = chip_second_price * kv_bytes / link_bandwidth
read = tier_second_price * kv_bytes / tier_bandwidth
fetch = read + wait

IN_CHIP = {tier_capacity: memory_capacity, tier_second_price: chip_second_price}
"""The chip's own memory as a tier: paid for with the chip."""


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
