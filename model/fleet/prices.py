"""Two machines by their prices: dollars per token, and the price ratio at which both cost the same.

A machine is cheaper for a token exactly where its price ratio is below the ratio of rates. Rates are of one chip, with
work spread evenly over chips; tokens per second there are one over the largest of three times.
"""

from sympy import Max, ceiling

from steptime.model.fleet.symbols import (  # isort: skip
    bandwidth_a, bandwidth_b, demanded_rate, link_a, link_b, peak_a, peak_b, price_a, price_b, rate_a, rate_b, size_a,
    size_b, token_bytes, token_flops, token_sent,
)  # fmt: skip

cost_on_a = price_a / rate_a
cost_on_b = price_b / rate_b
break_even = rate_a / rate_b
"""The price of a chip of A over that of a chip of B at which a token costs the same on both."""

rate_on_a = 1 / Max(token_bytes / bandwidth_a, token_flops / peak_a, token_sent / link_a, evaluate=False)
rate_on_b = 1 / Max(token_bytes / bandwidth_b, token_flops / peak_b, token_sent / link_b, evaluate=False)
"""Tokens per second of a chip: memory, FLOP/s and links work at the same time."""

whole_on_a = size_a * price_a * ceiling(demanded_rate / (size_a * rate_a))
whole_on_b = size_b * price_b * ceiling(demanded_rate / (size_b * rate_b))
"""Dollars per second of as many whole machines as a demand takes."""

whole_break_even = (
    size_b
    * ceiling(demanded_rate / (size_b * rate_b))
    / (size_a * ceiling(demanded_rate / (size_a * rate_a)))
)  # fmt: skip
"""The same ratio where machines are bought whole; it tends to that of rates as the demand grows."""
