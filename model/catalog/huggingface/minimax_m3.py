"""MiniMax-M3: grouped attention over blocks of tokens that an index chooses, in all layers but the first.

Source: configuration and modelling files of the transformers library (minimax_m3_vl). Module names: self_attn.{q_proj,
k_proj, v_proj, o_proj}, self_attn.indexer.{q_proj, k_proj} or self_attn.{index_q_proj, index_k_proj}, mlp or
block_sparse_moe.{experts, gate, shared_experts}.
"""

from collections.abc import Callable
from dataclasses import replace

from steptime.model.architecture.transformer import DenseFeedForward, ExpertFeedForward, GroupedAttention, Indexer
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.blocks import Body, grouped, stack, with_head_norms, with_vectors
from steptime.model.catalog.huggingface.keys import Settings

_table = "sparse_attention_config"
_full, _sparse = "full_attention", "minimax_m3_sparse"


def _yes(s: Settings, key: str, layers: int) -> list[bool] | None:
    """A list of one 0 or 1 a layer, or None for null."""
    found = s.numbers(key, 1)
    if found is not None and len(found) != layers:
        raise s.error(f"config key {key!r} must have {layers} entries, one for each layer, not {len(found)}")
    return None if found is None else [bool(one) for one in found]


def _indexed(s: Settings, attention: GroupedAttention) -> GroupedAttention:
    """An index head for each key-value head, one key for all; the best blocks are read, a few last ones among them. The
    queries and the key of the index have norms; it has no values of its own."""
    heads, dim = s.count(f"{_table}.sparse_num_index_heads", "heads"), s.count(f"{_table}.sparse_index_dim")
    if heads != attention.kv_heads:
        raise s.error(f"{_table}.sparse_num_index_heads {heads} must be num_key_value_heads {attention.kv_heads}")
    best = s.count(f"{_table}.sparse_block_size", "positions") * s.count(f"{_table}.sparse_topk_blocks", "positions")
    indexer = Indexer(heads, dim, best, weighted=False)
    return replace(with_vectors(attention, 2 * dim), indexer=indexer)


def _attention(s: Settings, width: int) -> list[GroupedAttention]:
    """layer_types where stated, else sparse where the frequencies say 1; the index must be without values there."""
    layers, full = blocks.depth(s), with_head_norms(grouped(s, width))
    words = s.words("layer_types", (_full, _sparse), layers)
    stated = _yes(s, f"{_table}.sparse_attention_freq", layers)
    sparse = stated if words is None else [word == _sparse for word in words]
    if sparse is None or not any(sparse):
        return [full] * layers
    without_values = _yes(s, f"{_table}.sparse_disable_index_value", layers)
    if without_values is not None and any(there and not off for there, off in zip(sparse, without_values, strict=True)):
        raise s.error(f"{_table}.sparse_disable_index_value is modelled only as 1 where attention is sparse")
    indexed = _indexed(s, full)
    return [indexed if there else full for there in sparse]


def _feed_forward(s: Settings) -> list[DenseFeedForward | ExpertFeedForward]:
    """Dense of its own size, or experts of one size with a shared one."""
    layers, intermediate = blocks.depth(s), s.count("intermediate_size", "intermediate")
    sparse = blocks.experts(s, "num_local_experts", intermediate)
    number = s.count("n_shared_experts", "experts", least=0)
    shared = number * s.count("shared_intermediate_size", "intermediate", least=0)
    sparse = replace(sparse, shared_intermediate=shared, vectors=sparse.experts if s.flag("use_routing_bias") else 0)
    words = s.words("mlp_layer_types", ("dense", "sparse"), layers)
    routed = _yes(s, "moe_layer_freq", layers) if words is None else [word == "sparse" for word in words]
    dense = DenseFeedForward(s.count("dense_intermediate_size", "intermediate"))
    return [sparse if there else dense for there in routed or [True] * layers]


def _minimax_m3(s: Settings) -> Body:
    s.word("qk_norm_type", ("per_head",))
    if not s.flag("use_qk_norm"):
        raise s.error("use_qk_norm is modelled only as true")
    width = s.count("hidden_size")
    return stack(width, _attention(s, width), _feed_forward(s))


FAMILIES: dict[str, Callable[[Settings], Body]] = {"minimax_m3": _minimax_m3, "minimax_m3_vl_text": _minimax_m3}
"""The function of each model_type of the family."""
