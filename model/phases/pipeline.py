"""Pipelines: what one stage does, when it stands idle, what it must hold.

Training schedules: GPipe (Huang et al. 2018, arXiv 1811.06965), 1F1B and its interleaved form (Narayanan et al. 2021,
arXiv 2104.04473, section 2.2), zero-bubble schedules (Qi et al. 2023, arXiv 2401.10241, section 2), activations of 1F1B
(Korthikanti et al. 2022, arXiv 2205.05198).
"""

from steptime.model.network.experts import hop_time
from steptime.model.phases.decode import kv_traffic_per_sequence, rates, weight_traffic
from steptime.model.symbols import (
    activation_bytes,
    active_parameters,
    backward_time,
    batch,
    bytes_per_weight,
    flops_per_mac,
    forward_time,
    hop_latency,
    interleave,
    kv_shards,
    memory_bandwidth,
    micro_batch,
    micro_batch_overhead,
    micro_batches,
    parameters_read,
    pass_tokens,
    peak_flops,
    pipeline_parallel,
    scale_out_latency,
    sequence_time,
    stage_chips,
    stage_index,
    stage_time,
    step_time,
    weight_gradient_time,
    weight_shards,
)
from steptime.model.terms import Term

# --- inference -----------------------------------------------------------------------------------------------------
stage_memory = Term(
    "memory of one stage",
    (weight_traffic / weight_shards + kv_traffic_per_sequence * micro_batch / kv_shards) / pipeline_parallel,
    rates.memory,
)
"""A stage holds one of P equal shares of the layers: of the weights, and of the KV cache of each sequence."""

round_time = pipeline_parallel * stage_time
"""Time between two visits of one micro-batch to a stage: a token passes all stages before the next one starts."""

busy = micro_batches * stage_time / round_time
"""Share of a round that a stage works, with up to P micro-batches in flight."""

hop_duration = scale_out_latency + hop_time
"""Start-up latency, and the time to send."""

token_duration = step_time + pipeline_parallel * hop_latency
"""Time of a token: P-1 hops between the stages, and one that brings the sampled token back to the first."""

# --- training ------------------------------------------------------------------------------------------------------
micro_batch_time = forward_time + backward_time + weight_gradient_time
"""Time that a stage works on one micro-batch."""

work_time = micro_batches * micro_batch_time
"""Time that a stage works in one step: the ideal."""

bubble = (pipeline_parallel - 1) * micro_batch_time / interleave
"""Idle time of a stage under 1F1B: the pipeline fills and drains once, by chunks of 1/v of a stage's layers."""

bubble_zb_h1 = (pipeline_parallel - 1) * (forward_time + backward_time - weight_gradient_time)
"""Idle time of schedule ZB-H1: weight gradients wait for the drain. It holds no more activations than 1F1B."""

bubble_zb_h2 = (pipeline_parallel - 1) * (forward_time + backward_time - 2 * weight_gradient_time)
"""Idle time of schedule ZB-H2, where it is positive: weight gradients fill the start as well, for about twice the
activations."""

pipeline_time = (micro_batches + (pipeline_parallel - 1) / interleave) * stage_time
"""Time of a training step: every stage works on m micro-batches and stands idle for the fill and the drain."""

stage_time_of_micro_batch = micro_batch_overhead + sequence_time * batch / micro_batches
"""Nothing overlaps: what every micro-batch costs, and what each of its sequences adds."""

passes = 3
"""Forward, gradient of the inputs, gradient of the weights: each multiplies and streams every weight once."""

stage_compute_time = (
    passes
    * flops_per_mac
    * active_parameters
    * (pass_tokens * batch / micro_batches)
    / (pipeline_parallel * stage_chips * peak_flops)
)
"""Compute time of one stage for one micro-batch."""

stage_streaming_time = (
    passes * bytes_per_weight * parameters_read / (pipeline_parallel * stage_chips) / memory_bandwidth
)
"""Time in which a stage streams its weights for one micro-batch."""

held_gpipe = micro_batches * activation_bytes / pipeline_parallel
"""Activations that a stage holds where all forward passes come first: those of every micro-batch."""

held_1f1b = (pipeline_parallel - stage_index + 1) * activation_bytes / pipeline_parallel
"""Activations that stage i holds under 1F1B: one micro-batch for every stage from it to the last."""

held_interleaved = activation_bytes * (1 + (pipeline_parallel - 1) / (pipeline_parallel * interleave))
"""Activations that the first stage holds under interleaved 1F1B."""
