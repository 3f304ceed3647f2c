"""Families with multi-head latent attention and grouped experts: DeepSeek, Kimi-K2, GLM-4.7-Flash, GLM-5, Mistral 4.

Source: the configuration and modelling files of the transformers library, as for ``families``.
"""

from collections.abc import Callable
from dataclasses import replace

from steptime.model.architecture.transformer import Attention, FeedForward, Indexer, LatentAttention
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.blocks import Body, gated, stack
from steptime.model.catalog.huggingface.keys import Settings, shown


def _feed_forward(s: Settings) -> list[FeedForward]:
    """Leading dense layers, then grouped experts; noaux_tc adds a routing bias for each expert."""
    method = s.word("topk_method", ("noaux_tc", "greedy", "group_limited_greedy"))
    if s.count("moe_layer_freq", least=0) != 1:
        raise s.error("config key 'moe_layer_freq' is modelled only as 1")
    sparse = blocks.grouped_experts(s)
    if method == "greedy":
        sparse = replace(sparse, groups=1, groups_kept=1)
    if method == "noaux_tc":
        sparse = replace(sparse, vectors=sparse.experts)
    return blocks.leading_dense(s, gated(s), sparse)


def _deepseek(s: Settings) -> Body:
    """DeepSeek-V2, V3, Kimi-K2 and Mistral 4; small members of the second have plain attention (use_mla false)."""
    width = s.count("hidden_size")
    if s.model_type == "deepseek_v2" and s.flag("mlp_bias"):
        raise s.error("mlp_bias is not modelled for deepseek_v2")
    parts = _feed_forward(s)
    is_plain = s.model_type == "deepseek_v2" and s.value("use_mla") is not None and not s.flag("use_mla")
    attention: Attention = blocks.grouped(s, width) if is_plain else blocks.latent(s, width)
    return stack(width, [attention] * len(parts), parts)


def indexers(s: Settings, layers: int) -> list[bool]:
    """Which layers have an index of their own; the others read what the last one before them chose.

    indexer_types where stated, else a pattern of letters F and S, else every index_topk_freq-th layer, counted from
    index_skip_topk_offset - 1 on, and all before it (arXiv 2603.12201).
    """
    words = s.words("indexer_types", ("full", "shared"), layers)
    pattern = s.value("index_topk_pattern")
    if words is not None:
        own = [word == "full" for word in words]
    elif pattern is not None:
        if not isinstance(pattern, str) or len(pattern) != layers or not set(pattern) <= set("FS"):
            raise s.error(f"config key 'index_topk_pattern' must be {layers} letters F or S, not {shown(pattern)}")
        own = [letter == "F" for letter in pattern]
    else:
        every = s.count("index_topk_freq", "layers")
        offset = s.count("index_skip_topk_offset", "layers", least=0) if every > 1 else 0
        own = [max(i - offset + 1, 0) % every == 0 for i in range(layers)]
    if not own[0]:
        raise s.error("the first layer shares an index, but no layer before it has one")
    return own


def _indexed(s: Settings, width: int) -> LatentAttention:
    """Latent attention over the tokens that an indexer chooses: its queries come from the latent of the queries, its
    one key has a norm with weight and bias (DeepSeek-V3.2, inference/model.py, class Indexer)."""
    attention = blocks.latent(s, width)
    if attention.query_rank is None:
        raise s.error("config key 'q_lora_rank' is null, but the indexer works on the latent of the queries")
    indexer = Indexer(s.count("index_n_heads", "heads"), s.count("index_head_dim"), s.count("index_topk", "positions"))
    return replace(attention, vectors=attention.vectors + 2 * indexer.dim, indexer=indexer)


def _deepseek_sparse(s: Settings) -> Body:
    """DeepSeek-V3.2, whose layers all have an index, and GLM-5, whose layers may share one: the layers that share have
    neither its weights nor its keys, and read as many tokens."""
    width, layers = s.count("hidden_size"), blocks.depth(s)
    if s.flag("mlp_bias"):
        raise s.error(f"mlp_bias is not modelled for {s.model_type}")
    s.words("layer_types", ("deepseek_sparse_attention", "indexed_attention"), layers)
    own = indexers(s, layers) if s.model_type == "glm_moe_dsa" else [True] * layers
    parts = _feed_forward(s)
    kinds = s.words("mlp_layer_types", ("dense", "sparse"), layers)
    if kinds is not None:
        sparse = blocks.grouped_experts(s)
        choices: dict[str, FeedForward] = {"dense": gated(s), "sparse": replace(sparse, vectors=sparse.experts)}
        parts = [choices[kind] for kind in kinds]
    full = _indexed(s, width)
    shared = replace(blocks.latent(s, width), chosen=full.selected)
    return stack(width, [full if there else shared for there in own], parts)


FAMILIES: dict[str, Callable[[Settings], Body]] = {
    "deepseek_v2": _deepseek, "deepseek_v3": _deepseek, "kimi_k2": _deepseek, "mistral4": _deepseek,
    "deepseek_v32": _deepseek_sparse, "glm_moe_dsa": _deepseek_sparse,
}  # fmt: skip
"""The function of each model_type of the family."""
