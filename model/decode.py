"""One decode step: every sequence in flight gains one token.

Two levels, joined by slots. The **blackboard**, here, has few symbols and one line a term. The **ledger**
(`steptime.model.ledger`) has one line an operation, with the shapes of a real architecture and layout in it. With the
slots' definitions put in, the blackboard's terms are the ledger's sums exactly.

All stages of a pipeline are traversed one after another, so a term sums over all layers; it is per chip.
"""

from steptime.model.layout import SYMBOLIC
from steptime.model.symbols import (
    active_parameters,
    attention_flops,
    batch,
    bytes_per_weight,
    compute_efficiency,
    compute_shards,
    context,
    flops_per_mac,
    interconnect_efficiency,
    kv_bytes,
    kv_shards,
    kv_written,
    memory_bandwidth,
    memory_efficiency,
    micro_batch,
    parameters_read,
    peak_flops,
    scale_out_bandwidth,
    scale_out_bytes,
    scale_out_latency,
    scale_out_starts,
    scale_up_bandwidth,
    scale_up_bytes,
    scale_up_latency,
    scale_up_starts,
    weight_shards,
)  # fmt: skip
from steptime.model.terms import Operation, Rates, StepTime, Term, Transfer

# --- the blackboard ------------------------------------------------------------------------------------------------
rates = Rates(
    compute=compute_efficiency * peak_flops,
    memory=memory_efficiency * memory_bandwidth,
    scale_up=interconnect_efficiency * scale_up_bandwidth,
    scale_out=interconnect_efficiency * scale_out_bandwidth,
    scale_up_latency=scale_up_latency,
    scale_out_latency=scale_out_latency,
)

flops_per_token = flops_per_mac * active_parameters + attention_flops * context
kv_traffic_per_sequence = kv_bytes * context + kv_written
weight_traffic = bytes_per_weight * parameters_read

compute_slope = flops_per_token / compute_shards / rates.compute
"""Compute time that one more sequence in the micro-batch adds."""
memory_slope = kv_traffic_per_sequence / kv_shards / rates.memory
"""Memory time that one more sequence in the micro-batch adds, once every expert is read anyway."""

compute = Term("compute", flops_per_token * micro_batch / compute_shards, rates.compute)
memory_traffic = weight_traffic / weight_shards + kv_traffic_per_sequence * micro_batch / kv_shards
memory = Term("memory", memory_traffic, rates.memory)
scale_up = Term("scale_up", scale_up_bytes * micro_batch, rates.scale_up, scale_up_starts * scale_up_latency)
scale_out = Term("scale_out", scale_out_bytes * micro_batch, rates.scale_out, scale_out_starts * scale_out_latency)
blackboard = StepTime(compute, memory, scale_up, scale_out)

blackboard_ledger = (
    Operation(
        "weights",
        flops_per_mac * active_parameters * micro_batch / compute_shards,
        weight_traffic / weight_shards,
    ),
    Operation(
        "attention over the KV cache",
        attention_flops * context * micro_batch / compute_shards,
        kv_traffic_per_sequence * micro_batch / kv_shards,
    ),
    Operation("collectives", network=(Transfer(scale_up.work, scale_out.work, scale_up_starts, scale_out_starts),)),
)
"""The blackboard's own ledger: what an abstract model has, and what is left where a slot is set by hand."""

micro_batch_of_batch = batch / (SYMBOLIC.replicas * SYMBOLIC.pp)
"""What one pipeline stage works on at once."""
