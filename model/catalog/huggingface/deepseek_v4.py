"""DeepSeek-V4: compressed attention, hyper-connections and experts in every layer.

Source: configuration and modelling files of the transformers library (deepseek_v4). Module names, as published files
give them to quantisers: attn.{wq_a, wq_b, wkv, wo_a, wo_b}, attn.compressor.{wkv, wgate},
attn.indexer.{wq_b, weights_proj, compressor}, ffn.experts, ffn.shared_experts, ffn.gate; in transformers self_attn.
{q_a_proj, q_b_proj, kv_proj, o_a_proj, o_b_proj}, self_attn.compressor.{kv_proj, gate_proj}, mlp.experts, mlp.gate.
"""

from collections.abc import Callable
from dataclasses import replace

from steptime.model.architecture.transformer import CompressedAttention, ExpertFeedForward, Indexer, Layer
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.blocks import Body
from steptime.model.catalog.huggingface.hyper import joined_at_the_end, with_streams
from steptime.model.catalog.huggingface.keys import Settings

_words = {"sliding_attention": 0, "compressed_sparse_attention": 4, "heavily_compressed_attention": 128}
"""Tokens of one entry in each kind of layer; 0 where there are none."""


def _ratios(s: Settings, layers: int) -> list[int]:
    """layer_types or compress_ratios, which may go on for the layers of multi-token prediction; else heavily compressed
    twice, and from there on heavily compressed and sparse in turn."""
    words = s.words("layer_types", tuple(_words), layers)
    if words is not None:
        return [_words[word] for word in words]
    ratios = s.numbers("compress_ratios", max(_words.values()))
    if ratios is None:
        return [128 if i < 2 or i % 2 == 0 else 4 for i in range(layers)]
    if len(ratios) < layers or not set(ratios) <= set(_words.values()):
        known = ", ".join(str(ratio) for ratio in _words.values())
        raise s.error(f"config key 'compress_ratios' must be {layers} or more of {known}, not a list of {len(ratios)}")
    return ratios[:layers]


def _attention(s: Settings, ratio: int) -> CompressedAttention:
    """The attention of one layer. Norms: of the queries' latent, of keys, of entries and of index keys; a sink for each
    head; compressors add a bias for every position within an entry."""
    heads, dim = s.count("num_attention_heads", "heads"), s.count("head_dim")
    near = s.count("sliding_window", "positions")
    rank, groups, group_rank = s.count("q_lora_rank"), s.count("o_groups", "heads"), s.count("o_lora_rank")
    rotary = s.count("qk_rope_head_dim")
    if rotary > dim:
        raise s.error(f"qk_rope_head_dim {rotary} is more than head_dim {dim}, of which it is a part")
    if heads % groups:
        raise s.error(f"num_attention_heads {heads} is not divisible by o_groups {groups}")
    vectors, indexer = rank + dim + heads, None
    overlap = 2 if ratio == 4 else 1
    if ratio:
        vectors += ratio * overlap * dim + dim
    if ratio == 4:
        best = s.count("index_topk", "positions")
        indexer = Indexer(s.count("index_n_heads", "heads"), s.count("index_head_dim"), best)
        vectors += ratio * overlap * indexer.dim + indexer.dim
    return CompressedAttention(heads, dim, rank, groups, group_rank, near, ratio, overlap, indexer, vectors, rotary)


def _experts(s: Settings, layers: int) -> list[ExpertFeedForward]:
    """The first layers look their experts up by token: they have a router, for the weights, but no routing bias."""
    intermediate = s.count("moe_intermediate_size")
    sparse = blocks.experts(s, "n_routed_experts", intermediate)
    shared = s.count("n_shared_experts", "experts", least=0)
    sparse = replace(sparse, shared_intermediate=shared * intermediate)
    words = s.words("mlp_layer_types", ("hash_moe", "moe"), layers)
    by_token = s.count("num_hash_layers", "layers", least=0)
    hashed = [i < by_token for i in range(layers)] if words is None else [word == "hash_moe" for word in words]
    return [sparse if looked_up else replace(sparse, vectors=sparse.experts) for looked_up in hashed]


def _stored(s: Settings) -> tuple[tuple[str, str], ...]:
    """``expert_dtype`` stands outside quantization_config; where that names another format for the experts (a file that
    was quantised again), its own word counts."""
    quantization = s.data.get("quantization_config")
    again = isinstance(quantization, dict) and quantization.get("moe_quant_algo", quantization.get("config_groups"))
    if s.value("expert_dtype") is None or again:
        return ()
    return (("experts", s.word("expert_dtype", ("fp4",))),)


def _deepseek_v4(s: Settings) -> Body:
    for key in ("attention_bias", "mlp_bias"):
        if s.flag(key):
            raise s.error(f"{key} is not modelled for {s.model_type}")
    if s.count("num_key_value_heads", "heads") != 1:
        raise s.error("num_key_value_heads is modelled only as 1: one vector is key and value of all heads")
    width, layers = s.count("hidden_size"), blocks.depth(s)
    kinds = {ratio: _attention(s, ratio) for ratio in _words.values()}
    mixers = [kinds[ratio] for ratio in _ratios(s, layers)]
    plain = tuple(Layer(one, (block,), 2 * width) for one, block in zip(mixers, _experts(s, layers), strict=True))
    mixed, streams = with_streams(s, plain, width)
    vectors = width + joined_at_the_end(streams, width)
    left_out = "the traffic of the residual streams between memory and chip is not counted, as is that of activations"
    return Body(width, mixed, vectors, streams=streams, stored=_stored(s), notices=(left_out,))


FAMILIES: dict[str, Callable[[Settings], Body]] = {"deepseek_v4": _deepseek_v4, "deepseek_ref": _deepseek_v4}
"""The function of each model_type of the family."""
