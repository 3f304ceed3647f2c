"""Pipelines on the blackboard: what a stage reads, computes, hands on and holds, and how long a token or step takes.

Times are sums of slots: one for each stage that is passed, or for each micro-batch. Sources: Huang et al. 2018 (arXiv
1811.06965) for GPipe; Narayanan et al. 2021 (arXiv 2104.04473) for 1F1B and its interleaved form; Korthikanti et al.
2022 (arXiv 2205.05198) for the activations of 1F1B; Qi et al. 2023 (arXiv 2401.10241) for weight gradients that wait.
"""

import sympy
from sympy import Expr, Max, Min, Sum

from steptime.derivations.experts.formulas import copies_of_tokens, exchanged, one_domain, tokens_per_chip
from steptime.derivations.experts.symbols import exchange_bytes
from steptime.model.layout.layout import Degrees
from steptime.model.network.collectives import send
from steptime.model.phases.abstract import abstract_footprint
from steptime.model.phases.decode import kv_traffic_per_sequence
from steptime.model.phases.phase import weight_traffic
from steptime.model.phases.pipeline import micro_batch_time
from steptime.model.phases.rates import rates
from steptime.model.terms import FORWARD_AND_BACKWARD, Term, one

from steptime.derivations.pipelines.symbols import (  # isort: skip
    activation_bytes, forward_share, held_micro_batches, hop_latency, layers_per_stage, micro_batch_overhead,
    sequence_time, stage_index, stage_time,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, backward_time, batch, bytes_per_weight, context, flops_per_mac, forward_time, interleave,
    kv_shards, memory_bandwidth, micro_batch, micro_batches, parameters_read, pass_tokens, peak_flops,
    pipeline_parallel, replicas, scale_out_bandwidth, scale_out_latency, scale_up_bandwidth, scale_up_domain,
    scale_up_latency, send_bytes, stage_chips, step_time, turn, weight_gradient_time, weight_shards, width,
)  # fmt: skip


def over_stages(each: Expr, first: Expr | int, last: Expr) -> Sum:
    """So much for each of the stages with these numbers."""
    return Sum(each, (turn, first, last))


def over_micro_batches(each: Expr, number: Expr = micro_batches) -> Sum:
    """So much for each of so many micro-batches."""
    return Sum(each, (turn, 1, number))


hop = send(tokens_per_chip * width * send_bytes, sympy.Integer(2), scale_up_domain)
"""What one chip sends to the next pipeline stage, each stage a scale-up domain of its own."""

stage_expert_time = layers_per_stage * (2 * scale_up_latency + exchange_bytes / scale_up_bandwidth)
"""Time that the layers of one stage spend on their experts' traffic: two collectives each, out and back."""

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

traversal_time = over_stages(stage_time, 1, pipeline_parallel)
"""A micro-batch passes all stages one after another."""

round_time = pipeline_parallel * stage_time
"""Time between two visits of one micro-batch to a stage: a token passes all stages before the next one starts."""

worked_in_a_round = over_micro_batches(stage_time)
"""What a stage works between two visits of one micro-batch: it serves every other one once."""

busy = micro_batches * stage_time / round_time
"""Share of a round that a stage works, with up to P micro-batches in flight."""

hop_duration = scale_out_latency + hop_time
"""Start-up latency, and the time to send."""

token_slots = over_stages(stage_time + hop_latency, 1, pipeline_parallel)
"""A token passes each stage and is handed on from it: to the next one, and from the last back to the first."""

token_duration = step_time + pipeline_parallel * hop_latency
"""Time of a token: P-1 hops between the stages, and one that brings the sampled token back to the first."""

slots_of_a_step = (
    over_stages(forward_share * stage_time / interleave, 1, pipeline_parallel - 1)
    + over_micro_batches(stage_time)
    + over_stages((1 - forward_share) * stage_time / interleave, 1, pipeline_parallel - 1)
)
"""1F1B on the last stage: it waits for the first chunk of the first micro-batch, which passes the stages before it;
works on all micro-batches; and the last one's gradient passes the stages before it again."""

pipeline_time = (micro_batches + (pipeline_parallel - 1) / interleave) * stage_time
"""Time of a training step: every stage works on m micro-batches and stands idle for the fill and the drain."""


def slower_end(passed: Expr, whole: Expr, at_last: Expr, at_first: Expr) -> Expr:
    """When the first stage is through with a step in which weight gradients wait, set by either end of the pipeline.

    ``passed``: the other stages, down and up once. ``whole``: all passes of the micro-batches whose weight gradients do
    not wait. Of the others the last stage runs forward and backward (``at_last``) before the last gradient goes up, and
    the first stage then adds that of its weights; or the first stage, which ran their forward passes while its first
    micro-batch was away, has the gradients left (``at_first``).
    """
    return Max(passed + whole + at_last + weight_gradient_time, forward_time + passed + whole + at_first)


slots_with_deferred_gradients = slower_end(
    over_stages(forward_time + backward_time, 1, pipeline_parallel - 1),
    over_micro_batches(micro_batch_time, micro_batches - held_micro_batches),
    over_micro_batches(forward_time + backward_time, held_micro_batches),
    over_micro_batches(backward_time + weight_gradient_time, held_micro_batches),
)
"""Each stage has room for as many micro-batches as it may hold: the last one lets as many weight gradients wait, the
first one starts as many forward passes before its first gradient is back."""

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

in_flight = Min(micro_batches, over_stages(stage_time, stage_index, pipeline_parallel) / stage_time)
"""Micro-batches that stage i holds under 1F1B: one comes in each stage time, and stays while it passes all stages from
this one to the last, forward and backward (how many are inside is how often one comes times how long it stays); never
more than there are."""

passes_until_back = Min(
    interleave * micro_batches,
    over_stages(interleave, 1, pipeline_parallel) + over_stages(one, 1, pipeline_parallel - 1),
)
"""Forward passes of chunks that the first stage starts before its first backward pass, under interleaved 1F1B: one for
each of v chunks on each of P stages, on the way down; one for each other stage, on the way back; never more than
there are."""

held_in_chunks = passes_until_back * activation_bytes / (pipeline_parallel * interleave)
"""Activations of as many chunks: each is one of P v equal parts of the layers."""

held_in_stage = held_micro_batches * activation_bytes / pipeline_parallel
"""Activations of the micro-batches that a stage holds, in its share of the layers."""

held_gpipe = micro_batches * activation_bytes / pipeline_parallel
"""Activations that a stage holds where all forward passes come first: those of every micro-batch."""

held_1f1b = (pipeline_parallel - stage_index + 1) * activation_bytes / pipeline_parallel
"""Activations that stage i holds under 1F1B: one micro-batch for every stage from it to the last."""

held_interleaved = activation_bytes * (1 + (pipeline_parallel - 1) / (pipeline_parallel * interleave))
"""Activations that the first stage holds under interleaved 1F1B."""

footprint = abstract_footprint(Degrees(stage_chips, one, one, one, pipeline_parallel, replicas), context)
"""What a chip holds of a model that is split evenly over E chips of a stage, P stages and R replicas."""

chip_memory, chip_weights, chip_kv = footprint.total, footprint.weights, footprint.kv
"""All that a chip holds; its weights; its KV cache."""
