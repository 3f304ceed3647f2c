"""GLM-5.3-Flash: Kimi delta attention and indexed latent attention in turn, between several residual streams.

The keys of the index are pooled: one for so many tokens, and whole pools are chosen. Source: the configuration and
modelling files of the transformers library (glm5_next). Module names: those of Kimi-Linear in delta layers (gate
g_a_proj, g_b_proj), in the others those of GLM-5; hyper-connections are no linear modules.
"""

from collections.abc import Callable
from dataclasses import replace

from steptime.model.architecture.transformer import Attention, FeedForward, Indexer, LatentAttention, Layer
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.blocks import Body, gated
from steptime.model.catalog.huggingface.hyper import with_streams
from steptime.model.catalog.huggingface.keys import Settings
from steptime.model.catalog.huggingface.kimi import delta_attention
from steptime.model.catalog.huggingface.latent import indexers

_delta, _full, _indexed = "linear_attention", "full_attention", "indexed_attention"


def _full_attention(s: Settings, width: int) -> LatentAttention:
    """Latent attention without rotated features. The key of the index has a norm with weight and bias; the pooling of
    keys has a gate as large as the key's matrix and a bias for every position in a pool."""
    attention = blocks.latent(s, width, rotated=False)
    heads, dim, pool = s.count("index_n_heads", "heads"), s.count("index_head_dim"), s.count("index_kpool", "positions")
    indexer = Indexer(heads, dim, s.count("index_topk", "positions"), pool=pool)
    return replace(attention, vectors=attention.vectors + 2 * dim + pool * dim, indexer=indexer)


def _mixers(s: Settings, width: int) -> list[Attention]:
    """layer_types where stated, else full attention in every fourth layer; whose index a later one may share."""
    layers = blocks.depth(s)
    heads, dim = s.count("linear_num_heads", "heads"), s.count("linear_head_dim")
    delta, full = delta_attention(heads, dim, s.count("linear_conv_kernel_dim"), False), _full_attention(s, width)
    words = s.words("layer_types", (_delta, _full, _indexed), layers)
    if words is None:
        words = [_delta if (i + 1) % 4 else _indexed for i in range(layers)]
    shared = replace(blocks.latent(s, width, rotated=False), chosen=full.selected)
    own = indexers(s, layers)
    return [delta if word == _delta else full if there else shared for word, there in zip(words, own, strict=True)]


def _glm5_next(s: Settings) -> Body:
    width, layers = s.count("hidden_size"), blocks.depth(s)
    sparse = blocks.grouped_experts(s)
    sparse = replace(sparse, vectors=sparse.experts)
    words = s.words("mlp_layer_types", ("dense", "sparse"), layers)
    routed = [i >= 3 for i in range(layers)] if words is None else [word == "sparse" for word in words]
    parts: list[FeedForward] = [sparse if there else gated(s) for there in routed]
    plain = tuple(Layer(one, (part,), 2 * width) for one, part in zip(_mixers(s, width), parts, strict=True))
    mixed, streams = with_streams(s, plain, width)
    left_out = "the traffic of the residual streams between memory and chip is not counted, as is that of activations"
    return Body(width, mixed, vectors=width, streams=streams, notices=(left_out,))


FAMILIES: dict[str, Callable[[Settings], Body]] = {"glm5_next_text": _glm5_next}
"""The function of each model_type of the family."""
