"""What the derivations of training share: a GPT by its shapes, weights on a board of chips, numbers for examples.

The model's own ledger, memory and phase are asked with symbols for shapes: a GPT of equal layers, whose feed-forward
block is four widths wide, and a number of weights that tensor-parallel chips and stages split and data-parallel ranks
hold alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy
from sympy import Expr, Symbol

from steptime.derivations.board import PEAK, is_, numbers
from steptime.derivations.prices.symbols import head_dim, query_heads
from steptime.derivations.training.symbols import microbatch_tokens, rank_tokens, vocabulary
from steptime.model.architecture.activations import layer_kept
from steptime.model.architecture.transformer import DenseFeedForward, GroupedAttention, Layer, Transformer
from steptime.model.choices import Recompute
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import Degrees
from steptime.model.network.collectives import Group, all_reduce
from steptime.model.phases.memory import Stage
from steptime.model.phases.replicated import Replicated
from steptime.model.phases.train import Choices, TrainPhase, forward_flops, terms_of, train_phase
from steptime.model.phases.train_ledger import TrainLedger
from steptime.model.phases.train_memory import TrainRoom
from steptime.model.scenario import Scenario
from steptime.model.terms import FORWARD_AND_BACKWARD, OperationName, Transfer, one

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, batch, bubble_ratio, bytes_per_activation, bytes_per_weight, compute_shards,
    data_parallel, flops_per_mac, interconnect_efficiency, layers, log_sum_exp_bytes, mask_bytes, micro_batch,
    micro_batches, microbatch, model_flops, parameters, pipeline_parallel, recomputed_flops, reduce_bytes, replicas,
    sequence, tensor_parallel, width,
)  # fmt: skip

KAPLAN = "Kaplan et al. 2020, arXiv 2001.08361, section 2.1"
KORTHIKANTI = "Korthikanti et al. 2022, arXiv 2205.05198"
MEGATRON = "Narayanan et al. 2021, arXiv 2104.04473"
SHOEYBI = "Shoeybi et al. 2019, arXiv 1909.08053: two all-reduces a layer, forward and backward alike"
ZERO = "Rajbhandari et al. 2020, arXiv 1910.02054"
LLAMA_3 = "Llama team 2024, arXiv 2407.21783"
GPT_3 = "Brown et al. 2020, arXiv 2005.14165"
SCALING_BOOK = "Austin et al. 2025, How to Scale Your Model, jax-ml.github.io/scaling-book, chapter on training"

IDEAL = "every resource at its catalogue peak, no start-up latency"
DENSE = "a dense model, tp within one domain, dp counts all data-parallel ranks"
WEIGHTS_ALONE = "no FLOP of attention, nothing recomputed, no bubble"

# --- a GPT by its shapes ---------------------------------------------------------------------------------------------
attention = GroupedAttention(heads=query_heads, kv_heads=query_heads, head_dim=head_dim, value_dim=head_dim)
gpt_layer = Layer(attention, (DenseFeedForward(4 * width, gated=False),))
GPT = Transformer("a GPT", width, vocabulary, True, (gpt_layer,))
"""One layer of it; the layers are alike."""

gpt_weights = GPT.embedding + layers * gpt_layer.active(width)
gpt_attention = layers * attention.flops_per_pair
HEADS = is_(head_dim, width / query_heads)
"""The heads share the width."""


def kept(mode: Recompute, tp: Expr = one, sequence_parallel: bool = False, fused: bool = False) -> Expr:
    """Bytes that one layer of a GPT with dropout keeps of a micro-batch on one of tp chips."""
    per_token = layer_kept(gpt_layer, width, mode, dropout=True, fused=fused).on_chip(tp, sequence_parallel)
    return microbatch * sequence * sympy.expand(per_token)


# --- weights on a board of chips -------------------------------------------------------------------------------------
DEGREES = Degrees(tensor_parallel, one, data_parallel, one, pipeline_parallel, one)
IN_DOMAIN = Group(data_parallel, data_parallel)
"""Data-parallel ranks that share a scale-up domain."""

ACROSS = Group(data_parallel, one)
"""Data-parallel ranks of which each domain holds one, as where tp fills the domain."""


@dataclass(frozen=True)
class BoardLedger(TrainLedger):
    """The ledger of a number of weights, split by tp and stages, held alike by data-parallel ranks."""

    ranks: Group = IN_DOMAIN

    @cached_property
    def replicated(self) -> tuple[Replicated, ...]:
        weights = parameters / (tensor_parallel * pipeline_parallel)
        return (Replicated(weights, bytes_per_weight * weights, self.ranks),)


class BoardRoom(TrainRoom):
    """What a chip holds of those weights."""

    def stage_weights(self, stage: Stage) -> tuple[Expr, Expr]:
        return bytes_per_weight * parameters / (tensor_parallel * pipeline_parallel), sympy.S.Zero


def phase(**choices: Any) -> TrainPhase:
    """The phase of a training step; ``choices`` are those of `model.train.Choices`."""
    return train_phase(Choices(**choices))


def ledger(ranks: Group = IN_DOMAIN, **choices: Any) -> BoardLedger:
    """The ledger of a training step on the board."""
    return BoardLedger(GPT, Plan(), phase(**choices), DEGREES, ranks)


STEP = replace(phase(), flops_per_sequence=model_flops, blackboard=terms_of(model_flops))
"""A training step whose FLOP per sequence have a name."""


SUMMED = OperationName.TENSOR_SUMS
"""The ledger's line of tensor-parallel sums."""


def sums(**choices: Any) -> Transfer:
    """Tensor-parallel all-reduces of a training step, in one domain: those of a layer, forward and backward."""
    rows = ledger(**choices)
    held = micro_batch * sequence / data_parallel * width * reduce_bytes
    repeats = gpt_layer.sums * layers * rows.network_passes(SUMMED) * rows.share
    return all_reduce(held, Group(tensor_parallel, tensor_parallel), in_switch=False).times(repeats)


def run_again(**choices: Any) -> Expr:
    """FLOP per sequence that a choice of recomputation runs again: of layers' weights, attention, unembedding; and the
    scores that a fused kernel makes again, of all layers."""
    rows, stream = ledger(**choices), phase(**choices).streams[0]
    last = forward_flops.xreplace({active_parameters: GPT.embedding})
    parts = {
        OperationName.DENSE: forward_flops - last,
        OperationName.SCORES: attention_flops * stream.pairs,
        OperationName.UNEMBEDDING: last,
    }
    passed = [(rows.flop_passes(name) - FORWARD_AND_BACKWARD) * flops for name, flops in parts.items()]
    return sympy.Add(*passed, layers * rows.scored_again.flops)


def state(zero: int) -> Expr:
    """Bytes of weights, gradients and optimizer state on one chip of the board."""
    room = BoardRoom(GPT, DEGREES, Plan(), phase(zero=zero), lambda parts, tp: 1 / tp)
    none = sympy.S.Zero
    held = room.footprint(Stage((), none, none, none), whole_sequences=True)
    return held.weights + held.gradients + held.optimizer


SHARED = (PEAK[0], is_(compute_shards, tensor_parallel * data_parallel))
"""Multiply-adds at the peak, split over all chips of the stage."""

NOTHING_ELSE = (is_(bubble_ratio, 0), is_(recomputed_flops, 0), is_(attention_flops, 0))
"""Weights alone, multiplied three times."""

LINKS = is_(interconnect_efficiency, 1)
"""Links at the peak."""

OF_RANK = is_(micro_batch, rank_tokens * data_parallel / (sequence * micro_batches))
"""Sequences of a micro-batch over all ranks, from the tokens of a step on one of them."""

OF_MICROBATCH = is_(micro_batch, microbatch_tokens * data_parallel / sequence)
"""The same from the tokens of a micro-batch on one rank."""


# --- numbers for examples --------------------------------------------------------------------------------------------
def shapes(model: str, sequence_tokens: float, step_sequences: float = 1.0) -> Mapping[Symbol, float]:
    """The shapes of a catalogue GPT, 16-bit activations, masks of one byte."""
    from steptime.model.catalog.transformers import load_transformer

    found = load_transformer(model)
    (mixer, _), *_ = found.mixers
    sizes = {
        width: found.width,
        layers: len(found.layers),
        vocabulary: found.vocabulary,
        query_heads: mixer.heads,
        active_parameters: found.active_parameters,
        parameters: found.parameters,
    }
    values = {symbol: float(size) for symbol, size in sizes.items()}
    values |= {flops_per_mac: 2.0, bytes_per_activation: 2.0, mask_bytes: 1.0, log_sum_exp_bytes: 4.0}
    values |= {microbatch: 1.0, tensor_parallel: 8.0}
    values |= {head_dim: values[width] / values[query_heads], sequence: sequence_tokens, batch: step_sequences}
    return {**values, attention_flops: Scenario(values).evaluate(gpt_attention)}


def trained(model: str = "llama-3.1-70b", hardware: str = "h100-sxm", **options: Any) -> Mapping[Symbol, float]:
    """Every number of a real training step, its shapes, and the tokens of a step and of a micro-batch on one rank."""
    from steptime.model.catalog.transformers import load_transformer

    found = load_transformer(model)
    values = numbers(model, hardware, phase="train", **options)
    ranks = values[data_parallel] * values[replicas]
    return {
        **values,
        width: float(found.width),
        layers: float(len(found.layers)),
        rank_tokens: values[batch] * values[sequence] / ranks,
        microbatch_tokens: values[microbatch] * values[sequence],
    }


LLAMA = "Llama 3.1 70B in bf16 on 512 H100 (tp=8, dp=64), 512 sequences of 8192 tokens"


def llama() -> Mapping[Symbol, float]:
    """Llama 3.1 70B on 512 H100, 4.2 million tokens a step; gradients in fp32, Adam in fp32."""
    return trained(layout="tp=8,dp=64", batch=512, sequence=8192)
