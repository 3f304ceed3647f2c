"""The estimate in closed form: groups of operations run one after another, each at the pace of its slower resource.

Beside them stand what no byte and no FLOP explains: a time to start each collective and each kernel, and one for each
sequence. Pieces of work fill a chip's processors in waves, and take longer by what the last one leaves idle. With every
share at one, every time at zero and every wave full the sum of these maxima is still no less than the bound, which is
the maximum of their sums; so the estimate never lies below it.
"""

from collections.abc import Mapping

import sympy
from sympy import Expr

from steptime.model.extremes import at_least

from steptime.model.estimate.symbols import (  # isort: skip
    cache_bytes, cache_waves, dense_bytes, dense_flops, exchanges, expert_bytes, expert_flops, kernels, product_waves,
    reduces, riding, score_flops, sent_out, sent_up, sequences, weight_waves,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    cache_streaming, dense_streaming, exchange_start, expert_streaming, head_padding, kernel_time, link_streaming,
    memory_bandwidth, peak_flops, prefill_product_share, prefill_score_share, product_share, reduce_start,
    scale_out_bandwidth, scale_up_bandwidth, score_share, sequence_overhead, wide_peak,
)  # fmt: skip


def slower(reading: Expr, multiplying: Expr) -> Expr:
    """Reading and multiplying overlap within a group of operations."""
    return at_least(reading, multiplying)


reading_weights = weight_waves * dense_bytes / (dense_streaming * memory_bandwidth)
weights = slower(reading_weights, product_waves * dense_flops / (product_share * peak_flops))
experts = slower(expert_bytes / (expert_streaming * memory_bandwidth), expert_flops / (product_share * peak_flops))
cache = slower(
    cache_waves * cache_bytes / (cache_streaming * memory_bandwidth),
    head_padding * score_flops / (score_share * wide_peak),
)
links = sent_up / (link_streaming * scale_up_bandwidth) + sent_out / (link_streaming * scale_out_bandwidth)
collectives = reduces * reduce_start + exchanges * exchange_start

DECODE: Mapping[str, Expr] = {
    "weights": weights, "experts": experts, "cache": cache, "links": links, "collectives": collectives,
    "kernels": kernels * kernel_time, "sequences": sequences * sequence_overhead,
}  # fmt: skip
"""The terms of a decode step, by name."""
decode: Expr = sympy.Add(*DECODE.values())
"""Seconds of a decode step."""

products = (product_waves * dense_flops + expert_flops) / (prefill_product_share * peak_flops)
scores = score_flops / (prefill_score_share * wide_peak)
reading = reading_weights + expert_bytes / (expert_streaming * memory_bandwidth)
moved = cache_bytes / (cache_streaming * memory_bandwidth)

PREFILL: Mapping[str, Expr] = {
    "products": slower(reading, products), "attention": slower(moved, scores), "links": links,
    "collectives": collectives, "kernels": kernels * kernel_time,
}  # fmt: skip
"""The terms of a prefill that has the machine to itself, by name."""
prefill: Expr = sympy.Add(*PREFILL.values())
"""Seconds of such a prefill."""

along: Expr = riding * sympy.Add(products, scores, links, collectives, kernels * kernel_time)
"""Seconds that prefills add to a decode step in which they ride along: its weights are read anyway."""
