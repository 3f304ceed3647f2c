"""MiMo-V2 and Step-3.5: layers with a window have heads of their own number, sinks or gates; experts in most layers.

Source: configuration and modelling files of the transformers library (mimo_v2_flash, step3p7), and for the keys of
MiMo-V2 the file published with its weights. Module names: self_attn.{q_proj, k_proj, v_proj, o_proj} and for Step
self_attn.g_proj; mlp.experts, mlp.gate; Step's shared expert is share_expert, its routed ones moe.
"""

from collections.abc import Callable
from dataclasses import replace

from steptime.model.architecture.transformer import FeedForward, GroupedAttention
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.blocks import Body, gated, stack
from steptime.model.catalog.huggingface.keys import Settings

_other = "attention_other_setting"


def _listed(s: Settings, key: str, layers: int) -> list[int] | None:
    """A list of one 0 or 1 a layer, or None for null."""
    found = s.numbers(key, 1)
    if found is not None and len(found) != layers:
        raise s.error(f"config key {key!r} must have {layers} entries, one for each layer, not {len(found)}")
    return found


def _mimo_attention(s: Settings, width: int) -> tuple[GroupedAttention, GroupedAttention]:
    """Full attention, and that of a window: key-value heads and sizes may differ, and either may have a sink a head.

    The window counts the tokens before the one that asks (sliding_window_size).
    """
    found = []
    for start, sink in (("", "add_full_attention_sink_bias"), ("swa_", "add_swa_attention_sink_bias")):
        heads = s.count(f"{start}num_attention_heads", "heads")
        kv_heads = blocks.key_value_heads(s, heads, f"{start}num_key_value_heads")
        dim, value_dim = s.count(f"{start}head_dim"), s.count(f"{start}v_head_dim")
        biases = heads * dim + kv_heads * (dim + value_dim) if s.flag("attention_bias") else 0
        vectors = biases + (heads if s.flag(sink) else 0)
        found.append(GroupedAttention(heads, kv_heads, dim, value_dim, vectors=vectors))
    full, sliding = found
    window = s.count("sliding_window", "positions")
    if s.optional_count("sliding_window_size", "positions") not in (None, window):
        raise s.error("config keys 'sliding_window' and 'sliding_window_size' disagree")
    return full, replace(sliding, window=window)


def _mimo_v2(s: Settings) -> Body:
    width, layers = s.count("hidden_size"), blocks.depth(s)
    full, sliding = _mimo_attention(s, width)
    words = s.words("layer_types", (blocks.SLIDING, blocks.FULL), layers)
    limited = _listed(s, "hybrid_layer_pattern", layers) if words is None else [w == blocks.SLIDING for w in words]
    if limited is None:
        limited = [i > 0 and (i + 1) % 6 for i in range(layers)]
    sparse = blocks.grouped_experts(s)
    sparse = replace(sparse, vectors=sparse.experts)
    routed = _listed(s, "moe_layer_freq", layers) or [i > 0 for i in range(layers)]
    parts: list[FeedForward] = [sparse if there else gated(s) for there in routed]
    return stack(width, [sliding if there else full for there in limited], parts)


def _step_attention(s: Settings, width: int) -> tuple[GroupedAttention, GroupedAttention]:
    """Full attention, and that of a window, which may have more query heads. Queries and keys are normalised within
    heads; a number for each head gates its result."""
    full = replace(blocks.with_head_norms(blocks.grouped(s, width)), head_gate=s.flag("use_head_wise_attn_gate"))
    sliding = replace(full, window=blocks.window(s))
    stated = s.optional_count("num_sliding_attention_heads", "heads")
    heads = stated or s.optional_count(f"{_other}.num_attention_heads", "heads") or full.heads
    kv_heads = s.optional_count(f"{_other}.num_attention_groups", "heads") or full.kv_heads
    if heads % kv_heads:
        raise s.error(f"{heads} heads of layers with a window are not divisible by {kv_heads} key-value heads")
    return full, replace(sliding, heads=heads, kv_heads=kv_heads)


def _step_routed(s: Settings, layers: int) -> list[bool]:
    """mlp_layer_types, moe_layers_enum (numbers, or one text of them), or all but the first three layers."""
    words = s.words("mlp_layer_types", ("dense", "sparse"), layers)
    if words is not None:
        return [word == "sparse" for word in words]
    listed = s.value("moe_layers_enum")
    if listed is None:
        return [i >= s.count("first_k_dense_replace", "layers", least=0) for i in range(layers)]
    texts = listed.split(",") if isinstance(listed, str) else [str(one) for one in listed]
    if not all(text.strip().isdecimal() for text in texts):
        raise s.error("config key 'moe_layers_enum' must hold the numbers of layers")
    chosen = {int(text) for text in texts}
    return [i in chosen for i in range(layers)]


def _step(s: Settings) -> Body:
    """layer_types may go on for the layers of multi-token prediction."""
    width, layers, words = s.count("hidden_size"), blocks.depth(s), s.value("layer_types")
    if isinstance(words, list) and len(words) == layers + s.count("num_nextn_predict_layers", "layers", least=0):
        words = words[:layers]
    kinds = [blocks.FULL] * layers
    if words is not None:
        kinds = s.checked_words("layer_types", words, (blocks.SLIDING, blocks.FULL), layers)
    full, sliding = _step_attention(s, width)
    if blocks.SLIDING in kinds and sliding.window is None:
        raise s.error("config key 'sliding_window' is null although some layers are sliding_attention")
    sparse = blocks.experts(s, "n_routed_experts", s.count("moe_intermediate_size"))
    bias = sparse.experts if s.flag("use_moe_router_bias") else 0
    sparse = replace(sparse, shared_intermediate=s.count("share_expert_dim", "intermediate", least=0), vectors=bias)
    parts: list[FeedForward] = [sparse if routed else gated(s) for routed in _step_routed(s, layers)]
    return stack(width, [sliding if kind == blocks.SLIDING else full for kind in kinds], parts)


FAMILIES: dict[str, Callable[[Settings], Body]] = {
    "mimo_v2_flash": _mimo_v2, "mimo_v2": _mimo_v2, "step3p5": _step, "step3p7": _step,
}  # fmt: skip
"""The function of each model_type of the families."""
