"""Families with multi-head latent attention and grouped experts: DeepSeek, Kimi-K2, GLM-5.

Source: the configuration and modelling files of the transformers library, as for ``families``.
"""

from collections.abc import Callable
from dataclasses import replace

from steptime.model.architecture.transformer import FeedForward, Indexer, LatentAttention
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.blocks import Body, gated, stack
from steptime.model.catalog.huggingface.keys import Settings


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
    """DeepSeek-V2, V3 and Kimi-K2."""
    width = s.count("hidden_size")
    if s.model_type == "deepseek_v2" and s.flag("mlp_bias"):
        raise s.error("mlp_bias is not modelled for deepseek_v2")
    parts = _feed_forward(s)
    return stack(width, [blocks.latent(s, width)] * len(parts), parts)


def _indexed(s: Settings, width: int) -> LatentAttention:
    """Latent attention over the tokens that an indexer chooses: its queries come from the latent of the queries, its
    one key has a norm with weight and bias (DeepSeek-V3.2, inference/model.py, class Indexer)."""
    attention = blocks.latent(s, width)
    if attention.query_rank is None:
        raise s.error("config key 'q_lora_rank' is null, but the indexer works on the latent of the queries")
    indexer = Indexer(s.count("index_n_heads", "heads"), s.count("index_head_dim"), s.count("index_topk", "positions"))
    return replace(attention, vectors=attention.vectors + 2 * indexer.dim, indexer=indexer)


def _deepseek_sparse(s: Settings) -> Body:
    """DeepSeek-V3.2 and GLM-5: every layer has an indexer of its own."""
    width, layers = s.count("hidden_size"), blocks.depth(s)
    if s.flag("mlp_bias"):
        raise s.error(f"mlp_bias is not modelled for {s.model_type}")
    s.words("layer_types", ("deepseek_sparse_attention",), layers)
    if s.model_type == "glm_moe_dsa":
        s.words("indexer_types", ("full",), layers)
        if s.count("index_topk_freq", "layers") != 1:
            raise s.error("config key 'index_topk_freq' is modelled only as 1: an indexer in every layer")
    parts = _feed_forward(s)
    kinds = s.words("mlp_layer_types", ("dense", "sparse"), layers)
    if kinds is not None:
        sparse = blocks.grouped_experts(s)
        choices: dict[str, FeedForward] = {"dense": gated(s), "sparse": replace(sparse, vectors=sparse.experts)}
        parts = [choices[kind] for kind in kinds]
    return stack(width, [_indexed(s, width)] * layers, parts)


FAMILIES: dict[str, Callable[[Settings], Body]] = {
    "deepseek_v2": _deepseek, "deepseek_v3": _deepseek, "kimi_k2": _deepseek,
    "deepseek_v32": _deepseek_sparse, "glm_moe_dsa": _deepseek_sparse,
}  # fmt: skip
"""The function of each model_type of the family."""
