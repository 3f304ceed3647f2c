"""What the estimate is set against: the bound, of the same groups of operations; the bytes of one collective."""

import sympy

from steptime.model.estimate.symbols import (  # isort: skip
    cache_bytes, dense_bytes, dense_flops, exchange_out, exchange_up, expert_bytes, expert_flops, narrow_flops,
    narrow_grouped_flops, out_moving, paired_flops, replica_out, replica_up, riding, score_flops, sent_out, sent_up,
    streamed_bytes, tensor_out, tensor_up, up_moving, updated_bytes, wide_flops, wide_grouped_flops,
)  # fmt: skip
from steptime.model.symbols import memory_bandwidth, peak_flops, scale_out_bandwidth, scale_up_bandwidth

all_bytes = dense_bytes + expert_bytes + cache_bytes
"""Bytes that a chip reads and writes in a pass."""

all_flops = dense_flops + expert_flops + score_flops
"""FLOP of a chip in a pass."""

bound_of_groups = sympy.Max(
    all_bytes / memory_bandwidth,
    all_flops / peak_flops,
    sent_up / scale_up_bandwidth,
    sent_out / scale_out_bandwidth,
    evaluate=False,
)
"""The bound: the largest of the sums over all groups, each at the peak of its resource."""

bound_of_riders = sympy.Max(
    riding * all_flops / peak_flops,
    riding * sent_up / scale_up_bandwidth,
    riding * sent_out / scale_out_bandwidth,
    evaluate=False,
)
"""The same of prefills that ride along, but for what they read and write."""

bound_of_training = sympy.Max(
    (streamed_bytes + updated_bytes) / memory_bandwidth,
    (wide_flops + narrow_flops + wide_grouped_flops + narrow_grouped_flops + paired_flops) / peak_flops,
    (tensor_up + exchange_up + replica_up) / scale_up_bandwidth,
    (tensor_out + exchange_out + replica_out) / scale_out_bandwidth,
    evaluate=False,
)
"""The same of a step of training: gradients and weights travel too."""

bound_of_messages = sympy.Max(up_moving, out_moving, evaluate=False)
"""Time of one collective's bytes on the slower tier, at the share of its rate that they reach: at all of it the bound.
"""
