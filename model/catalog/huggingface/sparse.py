"""Families with routed experts in most layers: Granite, OLMoE, ERNIE, Hunyuan, Phi, EXAONE, DBRX.

Source: the configuration and modelling files of the transformers library; for Hunyuan-Large those published with its
weights (modeling_hunyuan.py).
"""

from collections.abc import Callable
from dataclasses import replace

from steptime.model.architecture.transformer import ExpertFeedForward, FeedForward, GroupedAttention, Layer
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.dense import exaone4_attention
from steptime.model.catalog.huggingface.keys import Settings

from steptime.model.catalog.huggingface.blocks import (  # isort: skip
    Body, gated, grouped, stack, uniform, windowed, with_biases, with_head_norms, with_vectors, with_whole_norms,
)  # fmt: skip


def _granite(s: Settings) -> Body:
    """A shared block beside the experts where shared_intermediate_size is not 0."""
    width = s.count("hidden_size")
    sparse = blocks.experts(s, "num_local_experts", gated(s).intermediate)
    if s.model_type == "granitemoeshared":
        shared = s.count("shared_intermediate_size", "intermediate", least=0)
        sparse = replace(sparse, shared_intermediate=shared)
    return uniform(s, width, grouped(s, width, "qkvo" if s.flag("attention_bias") else ""), sparse)


def _olmoe(s: Settings) -> Body:
    """Norms of all heads of query and key together."""
    width = s.count("hidden_size")
    attention = with_whole_norms(grouped(s, width, "qkvo" if s.flag("attention_bias") else ""))
    return uniform(s, width, attention, blocks.experts(s, "num_experts", gated(s).intermediate))


def _ernie(s: Settings) -> Body:
    """Every moe_layer_interval-th layer from the first to the last of the stated range; a routing bias an expert.

    Biases, where they are, belong to attention, dense and shared blocks and to the unembedding, not to experts.
    """
    width, layers, has_bias = s.count("hidden_size"), blocks.depth(s), s.flag("use_bias")
    size = s.count("moe_intermediate_size", "intermediate")
    shared = size * s.count("moe_num_shared_experts", "experts", least=0)
    sparse = blocks.experts(s, "moe_num_experts", size, "moe_k")
    biases = 2 * shared + width if has_bias and shared else 0
    sparse = replace(sparse, shared_intermediate=shared, vectors=sparse.experts + biases)
    first, step = s.count("moe_layer_start_index", "layers", least=0), s.count("moe_layer_interval", "layers")
    stated = s.optional_count("moe_layer_end_index", "layers", least=-1)
    last = layers - 1 if stated in (None, -1) else stated
    dense = with_biases(gated(s), width, has_bias)
    parts = [sparse if first <= i <= last and (i + 1) % step == 0 else dense for i in range(layers)]
    body = stack(width, [grouped(s, width, "qkvo" if has_bias else "")] * layers, parts)
    return replace(body, vectors=body.vectors + (s.count("vocab_size", "vocabulary") if has_bias else 0))


# --- Hunyuan -------------------------------------------------------------------------------------------------------
def _hunyuan_experts(s: Settings, layers: int, shared: int) -> list[FeedForward]:
    """Experts of each layer, with so many shared ones; a list may state their number and how many are chosen."""
    size = gated(s).intermediate
    numbers, chosen = s.each_layer("num_experts", layers, "experts"), s.each_layer("moe_topk", layers, "experts")
    if any(few > many for few, many in zip(chosen, numbers, strict=True)):
        raise s.error("moe_topk is more than num_experts in some layer")
    stated = s.value("moe_intermediate_size")
    if stated is not None and set(s.each_layer("moe_intermediate_size", layers, "intermediate")) != {size}:
        raise s.error(f"config key 'moe_intermediate_size' is modelled only as intermediate_size, {size}")
    pairs = zip(numbers, chosen, strict=True)
    return [ExpertFeedForward(many, few, size, shared_intermediate=shared * size) for many, few in pairs]


def _hunyuan_v1_moe(s: Settings) -> Body:
    """One shared expert; norms within heads are built in."""
    s.only("use_qk_norm", True)
    s.only("use_cla", False)
    s.only("mlp_bias", False)
    s.only("use_mixed_mlp_moe", True)
    width, layers = s.count("hidden_size"), blocks.depth(s)
    if set(s.each_layer("num_shared_expert", layers, "experts")) != {1}:
        raise s.error("config key 'num_shared_expert' is modelled only as 1 for hunyuan_v1_moe")
    attention = with_head_norms(grouped(s, width, "qkvo" if s.flag("attention_bias") else ""))
    return stack(width, [attention] * layers, _hunyuan_experts(s, layers, 1))


def _hunyuan(s: Settings) -> Body:
    """Hunyuan-Large: with use_cla, layers read the cache of the last one whose number cla_share_factor divides, and
    have no keys and values of their own, though a norm for them (Brandon et al. 2024, arXiv 2405.12981)."""
    width, layers, has_bias = s.count("hidden_size"), blocks.depth(s), s.flag("attention_bias")
    s.only("mlp_bias", False)
    norms = 2 * blocks.head_dimension(s, width, s.count("num_attention_heads", "heads")) if s.flag("use_qk_norm") else 0
    full = with_vectors(grouped(s, width, "qkvo" if has_bias else ""), norms)
    reusing = replace(with_vectors(grouped(s, width, "qo" if has_bias else ""), norms), reuses_cache=True)
    factor = s.count("cla_share_factor", "layers") if s.flag("use_cla") else 1
    shared = s.count("num_shared_expert", "experts", least=0) if s.flag("use_mixed_mlp_moe") else 0
    parts = _hunyuan_experts(s, layers, shared)
    return stack(width, [reusing if i % factor else full for i in range(layers)], parts)


def _hy_v3(s: Settings) -> Body:
    """Hunyuan 3: the first layer dense, or as mlp_layer_types says; a routing bias for each expert."""
    for key in ("qk_norm", "moe_router_enable_expert_bias"):
        s.only(key, True)
    width, layers, has_bias = s.count("hidden_size"), blocks.depth(s), s.flag("mlp_bias")
    attention = with_head_norms(grouped(s, width, "qkvo" if s.flag("attention_bias") else ""))
    parts = _dense_or_sparse(s, "num_shared_experts", has_bias)
    return stack(width, [attention] * layers, parts)


def _dense_or_sparse(s: Settings, shared_key: str, has_bias: bool = False) -> list[FeedForward]:
    """Dense or sparse blocks as mlp_layer_types says, else the first first_k_dense_replace dense."""
    width, layers = s.count("hidden_size"), blocks.depth(s)
    size = s.count("moe_intermediate_size", "intermediate")
    shared = size * s.count(shared_key, "experts", least=0)
    sparse = blocks.experts(s, "num_experts", size)
    biases = 2 * shared + width if has_bias and shared else 0
    sparse = replace(sparse, shared_intermediate=shared, vectors=sparse.experts + biases)
    kinds = s.words("mlp_layer_types", ("dense", "sparse"), layers)
    dense, first = with_biases(gated(s), width, has_bias), s.count("first_k_dense_replace", "layers", least=0)
    if kinds is None:
        kinds = ["dense" if i < first else "sparse" for i in range(layers)]
    return [dense if kind == "dense" else sparse for kind in kinds]


# --- DeepSeek's experts under grouped and latent attention -----------------------------------------------------------
def _routed(s: Settings) -> ExpertFeedForward:
    """DeepSeek's experts with a routing bias each."""
    sparse = blocks.grouped_experts(s)
    return replace(sparse, vectors=sparse.experts)


def _dots1(s: Settings) -> Body:
    """Norms within heads; a window from layer max_window_layers on, or as layer_types says."""
    width, first = s.count("hidden_size"), s.count("max_window_layers", "layers", least=0)
    attention = with_head_norms(grouped(s, width, "qkvo" if s.flag("attention_bias") else ""))
    has_window = blocks.window(s) is not None
    layers = windowed(s, attention, lambda i: has_window and i >= first)
    return stack(width, layers, blocks.leading_dense(s, gated(s), _routed(s)))


def _solar_open(s: Settings) -> Body:
    """Experts in every layer."""
    width = s.count("hidden_size")
    return uniform(s, width, grouped(s, width, "qkv" if s.flag("attention_bias") else ""), _routed(s))


def _glm4_moe_lite(s: Settings) -> Body:
    """Latent attention; the first layer dense, or as mlp_layer_types says."""
    width, layers = s.count("hidden_size"), blocks.depth(s)
    s.only("num_key_value_heads", s.count("num_attention_heads", "heads"))
    s.only("head_dim", s.count("qk_rope_head_dim"))
    kinds = s.words("mlp_layer_types", ("dense", "sparse"), layers)
    parts = blocks.leading_dense(s, gated(s), _routed(s))
    if kinds is not None:
        parts = [gated(s) if kind == "dense" else _routed(s) for kind in kinds]
    return stack(width, [blocks.latent(s, width)] * layers, parts)


# --- Phi, EXAONE, DBRX ---------------------------------------------------------------------------------------------
def _phimoe(s: Settings) -> Body:
    """Norms with biases; a window, where there is one, holds in every layer; the unembedding may have a bias."""
    width = s.count("hidden_size")
    attention = grouped(s, width, "qkvo" if s.flag("attention_bias") else "")
    sparse = blocks.experts(s, "num_local_experts", gated(s).intermediate)
    body = uniform(s, width, replace(attention, window=blocks.window(s)), sparse, norms=4)
    return replace(body, vectors=2 * width + (s.count("vocab_size", "vocabulary") if s.flag("lm_head_bias") else 0))


def _exaone_moe(s: Settings) -> Body:
    """EXAONE 4's attention; a routing bias for each expert, groups of experts that limit the router."""
    width = s.count("hidden_size")
    groups, kept = s.count("n_group", "experts"), s.count("topk_group", "experts")
    parts: list[FeedForward] = []
    for part in _dense_or_sparse(s, "num_shared_experts"):
        if isinstance(part, ExpertFeedForward):
            limit = part.experts // groups * kept
            if part.experts % groups or kept > groups or part.experts_per_token > limit:
                raise s.error(f"{part.experts} experts, {kept} of {groups} groups and the number chosen do not fit")
            part = replace(part, groups=groups, groups_kept=kept)
        parts.append(part)
    return stack(width, exaone4_attention(s, width), parts)


def _dbrx(s: Settings) -> Body:
    """Experts in every layer; shapes of attention and of experts stand in tables of their own."""
    attention_table, expert_table = s.inside("attn_config"), s.inside("ffn_config")
    width, heads = s.count("d_model"), s.count("n_heads", "heads")
    kv_heads = blocks.key_value_heads(attention_table, heads, "kv_n_heads")
    if width % heads:
        raise s.error(f"the width {width} is not divisible by n_heads {heads}")
    size = expert_table.count("ffn_hidden_size", "intermediate")
    sparse = blocks.experts(expert_table, "moe_num_experts", size, "moe_top_k")
    attention = GroupedAttention(heads, kv_heads, width // heads, width // heads)
    return Body(width, (Layer(attention, (sparse,), 2 * width),) * blocks.depth(s, "n_layers"), vectors=width)


FAMILIES: dict[str, Callable[[Settings], Body]] = {
    "granitemoe": _granite, "granitemoeshared": _granite, "olmoe": _olmoe, "ernie4_5_moe": _ernie,
    "hunyuan_v1_moe": _hunyuan_v1_moe, "hunyuan": _hunyuan, "hy_v3": _hy_v3, "phimoe": _phimoe,
    "exaone_moe": _exaone_moe, "dbrx": _dbrx, "dots1": _dots1, "solar_open": _solar_open,
    "glm4_moe_lite": _glm4_moe_lite,
}  # fmt: skip
"""The function of each model_type of the kind."""
