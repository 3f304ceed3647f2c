"""The Gemma family: windows in most layers, norms before and after both parts of a layer.

Source: the configuration and modelling files of the transformers library, as for ``families``.
"""

from collections.abc import Callable
from dataclasses import replace

from steptime.model.architecture.transformer import DenseFeedForward, FeedForward, GroupedAttention, Layer
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.blocks import Body, gated, grouped, stack, uniform, windowed, with_head_norms
from steptime.model.catalog.huggingface.keys import Settings


def _gemma_attention(s: Settings, width: int) -> GroupedAttention:
    harmless = (None, False, "vision") if s.model_type.startswith("gemma4") else (None, False)
    if s.value("use_bidirectional_attention") not in harmless:
        raise s.error("use_bidirectional_attention is not modelled: it changes the window")
    return grouped(s, width, "qkvo" if s.flag("attention_bias") else "")


def _gemma(s: Settings) -> Body:
    width = s.count("hidden_size")
    return uniform(s, width, _gemma_attention(s, width), gated(s))


def _gemma2(s: Settings) -> Body:
    """Norms before and after both parts of a layer."""
    width = s.count("hidden_size")
    attention = windowed(s, _gemma_attention(s, width), blocks.all_but_every(s))
    return stack(width, attention, [gated(s)] * len(attention), norms=4)


def _gemma3(s: Settings) -> Body:
    width = s.count("hidden_size")
    attention = windowed(s, with_head_norms(_gemma_attention(s, width)), blocks.all_but_every(s))
    return stack(width, attention, [gated(s)] * len(attention), norms=4)


def _gemma4_heads(s: Settings, width: int) -> tuple[GroupedAttention, GroupedAttention]:
    """The heads of layers with a window; those of full layers, which may share one key-value matrix."""
    local = with_head_norms(_gemma_attention(s, width))
    shares = s.flag("attention_k_eq_v")
    kv_heads, dim = local.kv_heads, s.count("global_head_dim")
    if shares and s.value("num_global_key_value_heads") is not None:
        kv_heads = blocks.key_value_heads(s, local.heads, "num_global_key_value_heads")
    return local, GroupedAttention(local.heads, kv_heads, dim, dim, shared_kv_matrix=shares, vectors=2 * dim)


def _reusing(s: Settings, attention: list[GroupedAttention]) -> list[GroupedAttention]:
    """The last ``num_kv_shared_layers`` read the cache of the last layer of their kind before them: no keys, no values,
    and no norm of keys."""
    number = s.count("num_kv_shared_layers", "layers", least=0)
    first = len(attention) - number
    if number and (first <= 0 or not set(attention[first:]) <= set(attention[:first])):
        raise s.error("config key 'num_kv_shared_layers' leaves no earlier layer of a kind whose cache is shared")
    shared = [replace(one, reuses_cache=True, vectors=one.head_dim) for one in attention[first:]]
    return attention[:first] + shared


def _gemma4(s: Settings) -> Body:
    """Experts may stand beside a dense block; the last layers may reuse a cache, and be twice as wide for it.

    Per-layer inputs: each layer adds to the stream what a gate makes of a few features of the token's own, which a
    table gives for all layers at once and a projection of the embedding adds to. Projection, gate and the way back are
    three matrices of one size, as of a gated block that stands beside the others.
    """
    if s.flag("attention_bias"):
        raise s.error("config key 'attention_bias' is modelled only as false")
    width, own = s.count("hidden_size"), s.count("hidden_size_per_layer_input", least=0)
    local, whole = _gemma4_heads(s, width)
    kinds = windowed(s, local, blocks.all_but_every(s))
    if kinds[-1].window is not None:
        raise s.error("the last layer of gemma4_text must be full_attention")
    attention = _reusing(s, [whole if one.window is None else one for one in kinds])
    dense, norms = gated(s), 4
    doubled = replace(dense, intermediate=2 * dense.intermediate) if s.flag("use_double_wide_mlp") else dense
    beside: tuple[FeedForward, ...] = ()
    if s.flag("enable_moe_block"):
        sparse = blocks.experts(s, "num_experts", s.count("moe_intermediate_size"), "top_k_experts")
        # The router scales its input by a vector, and each expert's result by a number.
        beside, norms = (replace(sparse, vectors=width + sparse.experts),), 7
    if own:
        beside, norms = (*beside, DenseFeedForward(own)), norms + 1
    layers = [Layer(one, (doubled if one.reuses_cache else dense, *beside), norms * width) for one in attention]
    rows = s.count("vocab_size_per_layer_input", "vocabulary") if own else 0
    return Body(width, tuple(layers), vectors=width + own, tables=rows * len(layers) * own)


FAMILIES: dict[str, Callable[[Settings], Body]] = {
    "gemma": _gemma, "gemma2": _gemma2, "gemma3_text": _gemma3, "gemma4_text": _gemma4,
    "gemma4_unified_text": _gemma4,
}  # fmt: skip
"""The function of each model_type of the family."""
