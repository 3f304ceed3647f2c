"""Kimi-Linear and Kimi-K3: Kimi delta attention in most layers, latent attention without rotation in the others.

Source: configuration and modelling files of the transformers library (kimi_linear); for the keys of Kimi-K3 the files
published with its weights as two serving engines read them. Module names: self_attn.{q_proj, k_proj, v_proj, b_proj,
f_a_proj, f_b_proj, g_a_proj, g_b_proj or g_proj, o_proj} of the delta layers; of the latent ones those of DeepSeek-V3
and g_proj; block_sparse_moe.{gate, experts, shared_experts, routed_expert_down_proj, routed_expert_up_proj}.
"""

from collections.abc import Callable
from dataclasses import replace

from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.blocks import Body, gated
from steptime.model.catalog.huggingface.keys import Settings

from steptime.model.architecture.transformer import (  # isort: skip
    Attention, FeedForward, LatentAttention, Layer, RecurrentMixer,
)  # fmt: skip

_delta, _full = "linear_attention", "full_attention"
_table = "linear_attn_config"


def delta_attention(heads: int, dim: int, kernel: int, full_rank_gate: bool) -> RecurrentMixer:
    """Query, key, value and the strength of writing; a decay for each channel and a gate on the result, both through as
    many features as a head has, the gate also by one matrix.

    Stored beside the matrices: the convolutions over query, key and value (no bias), A_log of each head, dt_bias of
    each channel, and the norm of a head.

    >>> delta_attention(heads=96, dim=128, kernel=4, full_rank_gate=True).state_elements
    1572864
    """
    inner = heads * dim
    return RecurrentMixer(
        "Kimi delta", heads, dim, dim, inputs=(4 if full_rank_gate else 3) * inner + heads, touches=3,
        channels=3 * inner, kernel=kernel, vectors=3 * inner * kernel + heads + inner + dim,
        low_rank_gates=1 if full_rank_gate else 2, gate_rank=dim,
    )  # fmt: skip


def _mixers(s: Settings, delta: RecurrentMixer, full: LatentAttention) -> list[Attention]:
    """layer_types, or the two lists that count layers from 1 and together name each once."""
    layers = blocks.depth(s)
    words = s.words("layer_types", (_delta, _full), layers)
    if words is None:
        listed = {_delta: f"{_table}.kda_layers", _full: f"{_table}.full_attn_layers"}
        found = {kind: s.numbers(key, layers) or [] for kind, key in listed.items()}
        if sorted([*found[_delta], *found[_full]]) != list(range(1, layers + 1)):
            raise s.error(f"{' and '.join(listed.values())} must together name the layers 1 to {layers}, each once")
        words = [_full if i + 1 in found[_full] else _delta for i in range(layers)]
    return [delta if word == _delta else full for word in words]


def _feed_forward(s: Settings) -> list[FeedForward]:
    """Leading dense layers, then experts, on the stream or on a latent of their own with a norm where they leave it."""
    intermediate, latent = s.count("moe_intermediate_size"), s.optional_count("routed_expert_hidden_size") or 0
    if s.count("moe_layer_freq", least=0) != 1:
        raise s.error("config key 'moe_layer_freq' is modelled only as 1")
    sparse = blocks.experts(s, "num_experts", intermediate, "num_experts_per_token")
    shared = s.optional_count("num_shared_experts", "experts", least=0) or 0
    norm = latent if s.flag("latent_moe_use_norm") else 0
    sparse = replace(sparse, latent=latent, shared_intermediate=shared * intermediate, vectors=sparse.experts + norm)
    return blocks.leading_dense(s, gated(s), sparse)


def _kimi_linear(s: Settings) -> Body:
    """Where the inputs of parts are chosen among sums of earlier blocks of layers (attention residuals), each part has
    a query and a norm for that, and so has the end."""
    if not s.flag("mla_use_nope"):
        raise s.error("mla_use_nope is modelled only as true")
    width = s.count("hidden_size")
    full = replace(blocks.latent(s, width), gated=s.flag("mla_use_output_gate"))
    heads, dim = s.count(f"{_table}.num_heads", "heads"), s.count(f"{_table}.head_dim")
    kernel, is_full = s.count(f"{_table}.short_conv_kernel_size"), s.flag(f"{_table}.use_full_rank_gate")
    mixers = _mixers(s, delta_attention(heads, dim, kernel, is_full), full)
    chooses = s.optional_count("attn_res_block_size", "layers") is not None
    left_out = (
        "what attention residuals read of earlier layers' sums is not counted, as is other traffic of activations"
    )
    own = 2 * width + (4 * width if chooses else 0)
    layers = [Layer(mixer, (block,), own) for mixer, block in zip(mixers, _feed_forward(s), strict=True)]
    return Body(
        width, tuple(layers), vectors=width + (2 * width if chooses else 0), notices=(left_out,) if chooses else ()
    )


FAMILIES: dict[str, Callable[[Settings], Body]] = {"kimi_linear": _kimi_linear}
"""The function of each model_type of the family."""
