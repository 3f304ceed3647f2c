"""Families whose layers mostly keep a recurrent state of constant size, with attention in some of them.

What a family builds in without a key (convolutions, decay rates, norms) is in its function. Source: the modelling files
of the transformers library, and for MiniMax-M1 the one published with its weights (modeling_minimax_m1.py).
"""

from collections.abc import Callable
from dataclasses import replace

from steptime.model.architecture.state_space import mamba2
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.blocks import Body, gated, grouped, stack, with_head_norms, with_vectors
from steptime.model.catalog.huggingface.keys import LARGEST, Settings, shown

from steptime.model.architecture.transformer import (  # isort: skip
    Attention, DenseFeedForward, ExpertFeedForward, FeedForward, GroupedAttention, Layer, RecurrentMixer,
)  # fmt: skip

LINEAR = "linear_attention"


# --- lightning attention -------------------------------------------------------------------------------------------
def _lightning(s: Settings, full: GroupedAttention) -> RecurrentMixer:
    """Query, key, value and output gate for every head, and one norm over all heads; decay rates are no weights."""
    inner = full.heads * full.head_dim
    return RecurrentMixer("lightning", full.heads, full.head_dim, full.head_dim, inputs=4 * inner, vectors=inner)


def _minimax_m1(s: Settings) -> Body:
    """Lightning attention where attn_type_list says 0, softmax attention where it says 1; experts in every layer."""
    layers, kinds = blocks.depth(s), s.numbers("attn_type_list", 1)
    if kinds is None or len(kinds) != layers:
        raise s.error(f"config key 'attn_type_list' must have {layers} entries, one for each layer")
    return _lightning_in_turn(s, [bool(kind) for kind in kinds])


def _lightning_in_turn(s: Settings, softmax: list[bool]) -> Body:
    """Softmax attention where it says so, lightning attention elsewhere; experts in every layer."""
    width = s.count("hidden_size")
    full = grouped(s, width)
    linear = _lightning(s, full)
    sparse = blocks.experts(s, "num_local_experts", gated(s).intermediate)
    return stack(width, [full if there else linear for there in softmax], [sparse] * len(softmax))


def _minimax(s: Settings) -> Body:
    """The same model under the keys of the library's own class: softmax attention first where no kinds are listed."""
    layers = blocks.depth(s)
    words = s.words("layer_types", (LINEAR, blocks.FULL), layers)
    return _lightning_in_turn(s, [i % 2 == 0 for i in range(layers)] if words is None else [w != LINEAR for w in words])


# --- gated delta-net -----------------------------------------------------------------------------------------------
def _delta_net(s: Settings) -> RecurrentMixer:
    """Query and key for each key head; value, gate, write strength and decay for each value head.

    Stored beside the matrices: the convolution over query, key and value (no bias), A_log and dt_bias of each value
    head, and the norm of a value head.
    """
    key_heads, heads = s.count("linear_num_key_heads", "heads"), s.count("linear_num_value_heads", "heads")
    if heads % key_heads:
        raise s.error(f"linear_num_value_heads {heads} is not divisible by linear_num_key_heads {key_heads}")
    key_dim, value_dim = s.count("linear_key_head_dim"), s.count("linear_value_head_dim")
    kernel, channels = s.count("linear_conv_kernel_dim"), 2 * key_heads * key_dim + heads * value_dim
    return RecurrentMixer(
        "gated delta-net", heads, key_dim, value_dim, inputs=channels + heads * value_dim + 2 * heads, touches=3,
        channels=channels, kernel=kernel, vectors=channels * kernel + 2 * heads + value_dim,
    )  # fmt: skip


def _gated_attention(s: Settings, width: int) -> GroupedAttention:
    """Grouped attention whose query projection also makes a gate on the result; norms within heads."""
    has_bias = s.flag("attention_bias")
    attention = with_head_norms(grouped(s, width, "qkvo" if has_bias else ""))
    if not s.flag("attn_output_gate"):
        return attention
    return replace(with_vectors(attention, attention.query_elements if has_bias else 0), gated=True)


def _qwen_mixers(s: Settings, width: int) -> list[Attention]:
    """layer_types where stated, else full attention in every full_attention_interval-th layer."""
    layers = blocks.depth(s)
    kinds = s.words("layer_types", (LINEAR, blocks.FULL), layers)
    if kinds is None:
        is_linear = blocks.all_but_every(s, "full_attention_interval")
        kinds = [LINEAR if is_linear(i) else blocks.FULL for i in range(layers)]
    linear, full = _delta_net(s), _gated_attention(s, width)
    return [linear if kind == LINEAR else full for kind in kinds]


def _qwen_experts(s: Settings) -> ExpertFeedForward:
    """A shared expert stands beside the routed ones, with a gate on its result."""
    sparse = blocks.experts(s, "num_experts", s.count("moe_intermediate_size"))
    shared = s.count("shared_expert_intermediate_size", "intermediate", least=0)
    return replace(sparse, shared_intermediate=shared, shared_gate=True)


def _qwen3_next(s: Settings) -> Body:
    width = s.count("hidden_size")
    return stack(width, _qwen_mixers(s, width), blocks.every_step(s, gated(s), _qwen_experts(s)))


def _qwen3_5(s: Settings) -> Body:
    """Qwen3.5, with a dense block or with experts in every layer."""
    width = s.count("hidden_size")
    block: FeedForward = _qwen_experts(s) if s.model_type == "qwen3_5_moe_text" else gated(s)
    return stack(width, _qwen_mixers(s, width), [block] * blocks.depth(s))


# --- Mamba-2 -------------------------------------------------------------------------------------------------------
_letters = {"M": "mamba", "*": "attention", "-": "mlp", "E": "moe"}
_spellings = {LINEAR: "mamba", blocks.FULL: "attention"}


def _nemotron_kinds(s: Settings) -> list[str]:
    """The one block of each layer: a letter of hybrid_override_pattern, or a word of layers_block_type."""
    key, words = "layers_block_type", s.value("layers_block_type")
    if words is None:
        key, pattern = "hybrid_override_pattern", s.value("hybrid_override_pattern")
        if not isinstance(pattern, str) or not pattern or not set(pattern) <= set(_letters):
            raise s.error(f"config key {key!r} must be letters of 'M*-E', not {shown(pattern)}")
        words = [_letters[letter] for letter in pattern]
    most = min(len(words), LARGEST["layers"]) if isinstance(words, list) else 1
    length = s.optional_count("num_hidden_layers", "layers") or most
    found = s.checked_words(key, words, (*_letters.values(), *_spellings), length)
    return [_spellings.get(word, word) for word in found]


def _mamba2(s: Settings, width: int) -> RecurrentMixer:
    """Mamba-2 in Nemotron's keys."""
    heads, head_dim, state = s.count("mamba_num_heads", "heads"), s.count("mamba_head_dim"), s.count("ssm_state_size")
    groups, kernel = s.count("n_groups", "heads"), s.count("conv_kernel")
    biases = ("c" if s.flag("use_conv_bias") else "") + ("io" if s.flag("use_bias") else "")
    return mamba2(width, heads, head_dim, state, groups, kernel, biases)


def _nemotron_experts(s: Settings, width: int) -> ExpertFeedForward:
    """Experts without gates, on a latent where moe_latent_size says so; one shared expert of its own size, a routing
    bias for each expert. Module names of the latent: mixer.fc1_latent_proj, mixer.fc2_latent_proj."""
    if s.count("n_shared_experts", "experts", least=0) != 1:
        raise s.error("config key 'n_shared_experts' is modelled only as 1 for nemotron_h")
    sparse, shared = blocks.grouped_experts(s), s.count("moe_shared_expert_intermediate_size", "intermediate")
    biases = shared + width if s.flag("mlp_bias") else 0
    latent = s.optional_count("moe_latent_size") or 0
    if latent and s.flag("mlp_bias"):
        raise s.error("mlp_bias is not modelled together with moe_latent_size")
    return replace(sparse, gated=False, shared_intermediate=shared, latent=latent, vectors=sparse.experts + biases)


def _nemotron_h(s: Settings) -> Body:
    """One block and one norm a layer: Mamba-2, attention, a dense block without gate, or experts."""
    width, kinds = s.count("hidden_size"), _nemotron_kinds(s)
    layers: dict[str, Layer] = {}
    for kind in set(kinds):
        if kind == "mamba":
            layers[kind] = Layer(_mamba2(s, width), (), width)
        elif kind == "attention":
            layers[kind] = Layer(grouped(s, width, "qkvo" if s.flag("attention_bias") else ""), (), width)
        elif kind == "mlp":
            size = s.count("intermediate_size", "intermediate")
            biases = size + width if s.flag("mlp_bias") else 0
            layers[kind] = Layer(None, (DenseFeedForward(size, gated=False, vectors=biases),), width)
        else:
            layers[kind] = Layer(None, (_nemotron_experts(s, width),), width)
    return Body(width, tuple(layers[kind] for kind in kinds), vectors=width)


FAMILIES: dict[str, Callable[[Settings], Body]] = {
    "minimax_m1": _minimax_m1, "minimax_text_01": _minimax_m1, "minimax": _minimax,
    "qwen3_next": _qwen3_next, "qwen3_5_text": _qwen3_5, "qwen3_5_moe_text": _qwen3_5,
    "nemotron_h": _nemotron_h,
}  # fmt: skip
"""The function of each model_type of the family."""
