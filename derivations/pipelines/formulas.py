"""Pipelines on the blackboard: what a stage reads, computes, hands on and holds, and how long a token or step takes.

Sources: Huang et al. 2018 (arXiv 1811.06965) for GPipe; Narayanan et al. 2021 (arXiv 2104.04473) for 1F1B and its
interleaved form; Korthikanti et al. 2022 (arXiv 2205.05198) for the activations of 1F1B.
"""

import sympy

from steptime.derivations.experts.formulas import copies_of_tokens, exchanged, one_domain, tokens_per_chip
from steptime.model.network.collectives import send
from steptime.model.phases.decode import kv_traffic_per_sequence
from steptime.model.phases.phase import weight_traffic
from steptime.model.phases.rates import rates
from steptime.model.terms import FORWARD_AND_BACKWARD, Term

from steptime.derivations.pipelines.symbols import (  # isort: skip
    activation_bytes, hop_latency, layers_per_stage, micro_batch_overhead, sequence_time, stage_index, stage_time,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, batch, bytes_per_weight, flops_per_mac, interleave, kv_shards, memory_bandwidth, micro_batch,
    micro_batches, parameters_read, pass_tokens, peak_flops, pipeline_parallel, scale_out_bandwidth, scale_out_latency,
    scale_up_bandwidth, scale_up_domain, send_bytes, stage_chips, step_time, weight_shards, width,
)  # fmt: skip

hop = send(tokens_per_chip * width * send_bytes, sympy.Integer(2), scale_up_domain)
"""What one chip sends to the next pipeline stage, each stage a scale-up domain of its own."""

stage_exchange_time = layers_per_stage * exchanged(copies_of_tokens, one_domain).scale_up / scale_up_bandwidth
"""Time that the layers of one stage spend on their experts' traffic, inside the domain."""

hop_time = hop.scale_out / scale_out_bandwidth
"""Time to send a micro-batch to the next stage."""

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

pipeline_time = (micro_batches + (pipeline_parallel - 1) / interleave) * stage_time
"""Time of a training step: every stage works on m micro-batches and stands idle for the fill and the drain."""

stage_time_of_micro_batch = micro_batch_overhead + sequence_time * batch / micro_batches
"""Nothing overlaps: what every micro-batch costs, and what each of its sequences adds."""

stage_compute_time = (
    FORWARD_AND_BACKWARD
    * flops_per_mac
    * active_parameters
    * (pass_tokens * batch / micro_batches)
    / (pipeline_parallel * stage_chips * peak_flops)
)
"""Compute time of one stage for one micro-batch."""

stage_streaming_time = (
    FORWARD_AND_BACKWARD * bytes_per_weight * parameters_read / (pipeline_parallel * stage_chips) / memory_bandwidth
)
"""Time in which a stage streams its weights for one micro-batch: each pass multiplies and streams every weight once."""

held_gpipe = micro_batches * activation_bytes / pipeline_parallel
"""Activations that a stage holds where all forward passes come first: those of every micro-batch."""

held_1f1b = (pipeline_parallel - stage_index + 1) * activation_bytes / pipeline_parallel
"""Activations that stage i holds under 1F1B: one micro-batch for every stage from it to the last."""

held_interleaved = activation_bytes * (1 + (pipeline_parallel - 1) / (pipeline_parallel * interleave))
"""Activations that the first stage holds under interleaved 1F1B."""
