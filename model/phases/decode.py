"""One decode step: every sequence in flight gains one token.

Two levels, joined by slots. The **blackboard**, here, has few symbols and one line a term. The **ledger**
(`ledger`) has one line an operation, with the shapes of a real architecture and layout in it. With the
slots' definitions put in, the blackboard's terms are the ledger's sums exactly.

All stages of a pipeline are traversed one after another, so a term sums over all layers; it is per chip.
"""

from steptime.model.layout.layout import SYMBOLIC
from steptime.model.phases.phase import Phase, Stream, rates, weight_traffic
from steptime.model.symbols import (
    active_parameters,
    attention_flops,
    batch,
    context,
    flops_per_mac,
    kv_bytes,
    kv_written,
)  # fmt: skip

__all__ = [
    "DECODE", "blackboard", "blackboard_ledger", "compute", "compute_slope", "flops_per_token",
    "kv_traffic_per_sequence", "memory", "memory_slope", "micro_batch_of_batch", "rates", "scale_out", "scale_up",
    "weight_traffic",
]  # fmt: skip

# --- the blackboard ------------------------------------------------------------------------------------------------
flops_per_token = flops_per_mac * active_parameters + attention_flops * context
kv_traffic_per_sequence = kv_bytes * context + kv_written

DECODE = Phase("decode", (Stream(cached=context),), flops_per_token, kv_traffic_per_sequence, held=context)
"""One token of each sequence, behind its context."""

blackboard = DECODE.blackboard
compute, memory, scale_up, scale_out = blackboard.terms
compute_slope, memory_slope = DECODE.compute_slope, DECODE.memory_slope

blackboard_ledger = DECODE.ledger

micro_batch_of_batch = batch / (SYMBOLIC.replicas * SYMBOLIC.pp)
"""What one pipeline stage works on at once."""
