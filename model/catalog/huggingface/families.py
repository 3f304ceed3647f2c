"""One small function for each family of published architectures: from the keys of its configuration to its layers.

What a family builds in without a key (biases, norms, sinks) is in its function; what an absent key means is in
``config_defaults.toml`` and the tables beside it. Families of one kind (latents, states, Gemma, dense, sparse, classic,
found by search) and those of single architectures have files of their own; FAMILIES joins all. Source: the
configuration and modelling files of the
transformers library.
"""

from collections.abc import Callable
from dataclasses import replace

from steptime.model.architecture.transformer import DenseFeedForward, GroupedAttention, Layer
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface import classic as families_classic
from steptime.model.catalog.huggingface import deepseek_v4 as families_deepseek_v4
from steptime.model.catalog.huggingface import dense as families_dense
from steptime.model.catalog.huggingface import gemma as families_gemma
from steptime.model.catalog.huggingface import glm_next as families_glm_next
from steptime.model.catalog.huggingface import hybrid as families_hybrid
from steptime.model.catalog.huggingface import kimi as families_kimi
from steptime.model.catalog.huggingface import latent as families_latent
from steptime.model.catalog.huggingface import minimax_m3 as families_minimax_m3
from steptime.model.catalog.huggingface import mllama as families_mllama
from steptime.model.catalog.huggingface import searched as families_searched
from steptime.model.catalog.huggingface import sliding_sinks as families_sliding
from steptime.model.catalog.huggingface import sparse as families_sparse
from steptime.model.catalog.huggingface import state_space as families_state_space
from steptime.model.catalog.huggingface.keys import Settings

from steptime.model.catalog.huggingface.blocks import (  # isort: skip
    Body, gated, grouped, stack, uniform, windowed, with_head_norms, with_vectors,
)  # fmt: skip


def _llama(s: Settings) -> Body:
    width, block = s.count("hidden_size"), gated(s)
    if s.flag("mlp_bias"):
        block = replace(block, vectors=2 * block.intermediate + width)
    return uniform(s, width, grouped(s, width, "qkvo" if s.flag("attention_bias") else ""), block)


def _mistral(s: Settings) -> Body:
    """Also Phi-3: a window, where there is one, holds in every layer."""
    width = s.count("hidden_size")
    return uniform(s, width, replace(grouped(s, width), window=blocks.window(s)), gated(s))


def _ministral(s: Settings) -> Body:
    """As Llama without biases; positions scale queries, which costs no weights."""
    width = s.count("hidden_size")
    return uniform(s, width, grouped(s, width), gated(s))


def _mixtral(s: Settings) -> Body:
    width = s.count("hidden_size")
    attention = replace(grouped(s, width), window=blocks.window(s))
    return uniform(s, width, attention, blocks.experts(s, "num_local_experts", gated(s).intermediate))


def _qwen_windows(s: Settings, attention: GroupedAttention) -> list[GroupedAttention]:
    """Windows only where use_sliding_window says so, and then from layer max_window_layers on."""
    if s.flag("use_sliding_window"):
        first = s.count("max_window_layers", "layers", least=0)
        return windowed(s, attention, lambda i: i >= first)
    s.words("layer_types", (blocks.FULL,), blocks.depth(s))
    return [attention] * blocks.depth(s)


def _qwen2(s: Settings) -> Body:
    width = s.count("hidden_size")
    attention = _qwen_windows(s, grouped(s, width, "qkv"))
    return stack(width, attention, [gated(s)] * len(attention))


def _qwen3(s: Settings) -> Body:
    width = s.count("hidden_size")
    attention = with_head_norms(grouped(s, width, "qkvo" if s.flag("attention_bias") else ""))
    layers = _qwen_windows(s, attention)
    return stack(width, layers, [gated(s)] * len(layers))


def _qwen2_moe(s: Settings) -> Body:
    if s.flag("use_sliding_window"):
        raise s.error("use_sliding_window is not modelled for qwen2_moe")
    s.words("layer_types", (blocks.FULL,), blocks.depth(s))
    width = s.count("hidden_size")
    shared = s.count("shared_expert_intermediate_size", "intermediate", least=0)
    sparse = blocks.experts(s, "num_experts", s.count("moe_intermediate_size"))
    sparse = replace(sparse, shared_intermediate=shared, shared_gate=True)
    parts = blocks.every_step(s, gated(s), sparse)
    return stack(width, [grouped(s, width, "qkv" if s.flag("qkv_bias") else "")] * len(parts), parts)


def _qwen3_moe(s: Settings) -> Body:
    width = s.count("hidden_size")
    attention = with_head_norms(grouped(s, width, "qkvo" if s.flag("attention_bias") else ""))
    if s.flag("use_sliding_window"):
        attention = replace(attention, window=blocks.window(s))
    sparse = blocks.experts(s, "num_experts", s.count("moe_intermediate_size"))
    parts = blocks.every_step(s, gated(s), sparse)
    return stack(width, [attention] * len(parts), parts)


def _glm4_moe(s: Settings) -> Body:
    width = s.count("hidden_size")
    attention = grouped(s, width, "qkv" if s.flag("attention_bias") else "")
    attention = with_head_norms(attention) if s.flag("use_qk_norm") else attention
    sparse = blocks.grouped_experts(s)
    parts = blocks.leading_dense(s, gated(s), replace(sparse, vectors=sparse.experts))
    return stack(width, [attention] * len(parts), parts)


def _gpt_oss(s: Settings) -> Body:
    """Every head has a sink; router and experts have biases."""
    width = s.count("hidden_size")
    attention = grouped(s, width, "qkvo" if s.flag("attention_bias") else "")
    layers = windowed(s, with_vectors(attention, attention.heads), blocks.all_but_every(s))
    sparse = blocks.experts(s, "num_local_experts", gated(s).intermediate)
    sparse = replace(sparse, expert_vectors=2 * sparse.intermediate + width, vectors=sparse.experts)
    return stack(width, layers, [sparse] * len(layers))


def _llama4(s: Settings) -> Body:
    """Chunks where the layer has rotary positions; one shared expert as large as a routed one."""
    width, layers = s.count("hidden_size"), blocks.depth(s)
    attention = grouped(s, width, "qkvo" if s.flag("attention_bias") else "")
    rotary = s.numbers("no_rope_layers", 1)
    if rotary and len(rotary) != layers:
        raise s.error(f"config key 'no_rope_layers' must have {layers} entries, one for each layer, not {len(rotary)}")
    rule = (lambda i: bool(rotary[i])) if rotary else blocks.all_but_every(s, "no_rope_layer_interval")
    intermediate = gated(s).intermediate
    sparse = replace(blocks.experts(s, "num_local_experts", intermediate), shared_intermediate=intermediate)
    step, listed = s.count("interleave_moe_layer_step", "layers"), s.numbers("moe_layers", layers - 1)
    chosen = set(range(step - 1, layers, step) if listed is None else listed)
    dense = gated(s, "intermediate_size_mlp") if len(chosen) < layers else sparse
    parts = [sparse if i in chosen else dense for i in range(layers)]
    return stack(width, windowed(s, attention, rule, blocks.CHUNKED), parts)


def _minimax_m2(s: Settings) -> Body:
    """Norms over all heads of query and of key together, or within each head."""
    width = s.count("hidden_size")
    attention = grouped(s, width)
    if s.flag("use_qk_norm"):
        is_whole = s.word("qk_norm_type", ("per_layer", "per_head")) == "per_layer"
        times = attention.heads + attention.kv_heads if is_whole else 2
        attention = with_vectors(attention, times * attention.head_dim)
    sparse = blocks.experts(s, "num_local_experts", gated(s).intermediate)
    sparse = replace(sparse, vectors=sparse.experts if s.flag("use_routing_bias") else 0)
    return uniform(s, width, attention, sparse)


def _classic(width: int, heads: int, layers: int, intermediate: int, bias: bool, norm: int) -> Body:
    """The block of 2019: a key for every head, no gate, biases; each norm has ``norm`` vectors."""
    attention = GroupedAttention(heads, heads, width // heads, width // heads, vectors=4 * width if bias else 0)
    block = DenseFeedForward(intermediate, gated=False, vectors=intermediate + width if bias else 0)
    return Body(width, (Layer(attention, (block,), 2 * norm * width),) * layers, vectors=norm * width)


def _gpt2(s: Settings) -> Body:
    width, heads = s.count("n_embd"), _dividing_heads(s, "n_head", "n_embd")
    intermediate = s.optional_count("n_inner", "intermediate") or 4 * width
    body = _classic(width, heads, blocks.depth(s, "n_layer"), intermediate, bias=True, norm=2)
    return replace(body, positions=s.count("n_positions", "positions"))


def _opt(s: Settings) -> Body:
    """Two rows more than positions, which its published weights hold; no final norm where norms come after."""
    width, heads = s.count("hidden_size"), _dividing_heads(s, "num_attention_heads", "hidden_size")
    if s.optional_count("word_embed_proj_dim") not in (None, width):
        raise s.error("config key 'word_embed_proj_dim' is modelled only where it equals hidden_size")
    norm = 2 if s.flag("layer_norm_elementwise_affine") else 0
    body = _classic(width, heads, blocks.depth(s), s.count("ffn_dim", "intermediate"), s.flag("enable_bias"), norm)
    has_final_norm = s.flag("do_layer_norm_before") and not s.flag("_remove_final_layer_norm")
    positions = s.count("max_position_embeddings", "positions") + 2
    return replace(body, positions=positions, vectors=body.vectors if has_final_norm else 0)


def _dividing_heads(s: Settings, heads_key: str, width_key: str) -> int:
    heads, width = s.count(heads_key, "heads"), s.count(width_key)
    if width % heads:
        raise s.error(f"{width_key} {width} is not divisible by {heads_key} {heads}")
    return heads


def _palm(s: Settings) -> Body:
    """Attention and feed-forward read one norm of the same input; no biases (arXiv 2204.02311, section 2)."""
    if not s.flag("parallel_layers"):
        raise s.error("config key 'parallel_layers' is modelled only as true")
    width = s.count("hidden_size")
    layer = Layer(grouped(s, width), (gated(s),), width, parallel=True)
    return Body(width, (layer,) * blocks.depth(s), vectors=width)


FAMILIES: dict[str, Callable[[Settings], Body]] = {
    "llama": _llama, "mistral": _mistral, "mixtral": _mixtral, "phi3": _mistral,
    "qwen2": _qwen2, "qwen3": _qwen3, "qwen2_moe": _qwen2_moe, "qwen3_moe": _qwen3_moe,
    **families_gemma.FAMILIES, **families_latent.FAMILIES, "glm4_moe": _glm4_moe,
    "gpt_oss": _gpt_oss, "llama4_text": _llama4, "minimax_m2": _minimax_m2, "gpt2": _gpt2, "opt": _opt,
    "palm_synthetic": _palm, **families_hybrid.FAMILIES, **families_searched.FAMILIES, **families_dense.FAMILIES,
    **families_sparse.FAMILIES, **families_classic.FAMILIES, **families_state_space.FAMILIES,
    "qwen2_vl_text": _qwen2, "qwen2_5_vl_text": _qwen2, "qwen3_vl_text": _qwen3, "qwen3_vl_moe_text": _qwen3_moe,
    "mimo": _qwen2, "ministral3": _ministral, **families_deepseek_v4.FAMILIES, **families_glm_next.FAMILIES,
    **families_kimi.FAMILIES, **families_minimax_m3.FAMILIES, **families_mllama.FAMILIES, **families_sliding.FAMILIES,
}  # fmt: skip
"""The function of each model_type."""
