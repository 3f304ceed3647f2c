"""One decode step: every sequence in flight gains one token.

Two levels, joined by slots. The **blackboard**, here, has few symbols and one line a term. The **ledger**
(`ledger`) has one line an operation, with the shapes of a real architecture and layout in it. With the slots'
definitions put in, the blackboard's terms are the ledger's sums exactly.

All stages of a pipeline are traversed one after another, so a term sums over all layers; it is per chip.
"""

from steptime.model.architecture.stream import Stream
from steptime.model.choices import PhaseName
from steptime.model.phases.phase import Phase, weight_traffic
from steptime.model.phases.rates import rates
from steptime.model.terms import StepTime, Term

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, batch, compute_shards, context, flops_per_mac, kv_bytes, kv_shards, kv_written,
    micro_batch, pipeline_parallel, replicas, scale_out_bytes, scale_out_latency, scale_out_starts, scale_up_bytes,
    scale_up_latency, scale_up_starts, weight_shards,
)  # fmt: skip

flops_per_token = flops_per_mac * active_parameters + attention_flops * context
kv_traffic_per_sequence = kv_bytes * context + kv_written

compute = Term("compute", work=flops_per_token * micro_batch / compute_shards, rate=rates.compute)
memory = Term(
    "memory",
    work=weight_traffic / weight_shards + kv_traffic_per_sequence * micro_batch / kv_shards,
    rate=rates.memory,
)
scale_up = Term("scale_up", scale_up_bytes * micro_batch, rates.scale_up, scale_up_starts, scale_up_latency)
scale_out = Term("scale_out", scale_out_bytes * micro_batch, rates.scale_out, scale_out_starts, scale_out_latency)

blackboard = StepTime(compute, memory, scale_up, scale_out)

DECODE = Phase(
    PhaseName.DECODE, blackboard, (Stream(cached=context),), flops_per_token, kv_traffic_per_sequence, held=context
)
"""One token of each sequence, behind its context."""

compute_slope, memory_slope = DECODE.compute_slope, DECODE.memory_slope
"""Compute and memory time that one more sequence in the micro-batch adds."""

micro_batch_of_batch = batch / (replicas * pipeline_parallel)
"""What one pipeline stage works on at once."""
