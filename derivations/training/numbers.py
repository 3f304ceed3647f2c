"""What the derivations of training share: what a plain training step leaves out, and numbers for examples."""

from collections.abc import Mapping
from typing import Any

from sympy import Symbol

from steptime.derivations.board import PEAK, numbers
from steptime.derivations.facts import Defined, given
from steptime.derivations.prices.symbols import head_dim, query_heads
from steptime.derivations.training.formulas import gpt_attention, gpt_weights
from steptime.derivations.training.symbols import microbatch_tokens, rank_tokens, vocabulary
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, batch, bubble_ratio, bytes_per_activation, compute_shards, data_parallel,
    flops_per_mac, layers, log_sum_exp_bytes, mask_bytes, micro_batch, micro_batches, microbatch, parameters,
    pipeline_parallel, recomputed_flops, replicas, sequence, tensor_parallel, width,
)  # fmt: skip

KAPLAN = "Kaplan et al. 2020, arXiv 2001.08361, section 2.1"
KORTHIKANTI = "Korthikanti et al. 2022, arXiv 2205.05198"
MEGATRON = "Narayanan et al. 2021, arXiv 2104.04473"
SHOEYBI = "Shoeybi et al. 2019, arXiv 1909.08053: two all-reduces a layer, forward and backward alike"
ZERO = "Rajbhandari et al. 2020, arXiv 1910.02054"
LLAMA_3 = "Llama team 2024, arXiv 2407.21783"
GPT_3 = "Brown et al. 2020, arXiv 2005.14165"
SCALING_BOOK = "Austin et al. 2025, How to Scale Your Model, jax-ml.github.io/scaling-book, chapter on training"

# --- assumptions -----------------------------------------------------------------------------------------------------
GPT = (
    given(active_parameters, gpt_weights, "a GPT: layers alike, four widths in the feed-forward block, an unembedding"),
    given(attention_flops, gpt_attention, "its attention: every layer, every head, values as wide as keys"),
)
HEADS = given(head_dim, width / query_heads, "the heads share the width")
NOTHING_AGAIN = given(recomputed_flops, 0, "nothing is computed twice")
NO_BUBBLE = given(bubble_ratio, 0, "no stage stands idle")
SHARED = (
    PEAK[0],
    given(compute_shards, tensor_parallel * data_parallel, "the multiply-adds are split over all chips of a stage"),
)

# --- definitions -----------------------------------------------------------------------------------------------------
OF_RANK = Defined(
    rank_tokens, micro_batch * micro_batches * sequence / data_parallel, "the tokens of a step on one rank"
)
OF_MICROBATCH = Defined(
    microbatch_tokens, micro_batch * sequence / data_parallel, "the tokens of a micro-batch on one rank"
)
held = parameters / (tensor_parallel * pipeline_parallel)
"""Weights that tensor parallelism and stages leave on a chip of each rank."""


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
