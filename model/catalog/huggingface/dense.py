"""Dense families of Llama's kind that differ from it in biases, in norms, in windows or in the names of keys.

Source: the configuration and modelling files of the transformers library; for Baichuan, ChatGLM, InternLM2, Qwen and
XVERSE those published with the weights.
"""

from collections.abc import Callable
from dataclasses import replace

from steptime.model.architecture.transformer import DenseFeedForward, GroupedAttention, Layer
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.keys import Settings, shown

from steptime.model.catalog.huggingface.blocks import (  # isort: skip
    Body, gated, grouped, multi_head, stack, uniform, windowed, with_biases, with_head_norms, with_whole_norms,
)  # fmt: skip


def _biased(s: Settings, width: int, key: str = "attention_bias", matrices: str = "qkvo") -> GroupedAttention:
    """Grouped attention with biases where one key asks for them."""
    return grouped(s, width, matrices if s.flag(key) else "")


def _granite(s: Settings) -> Body:
    """Granite and EXAONE 3: Llama's block, with factors on its sums."""
    width = s.count("hidden_size")
    return uniform(s, width, _biased(s, width), with_biases(gated(s), width, s.flag("mlp_bias")))


def _internlm2(s: Settings) -> Body:
    width = s.count("hidden_size")
    return uniform(s, width, _biased(s, width, "bias"), gated(s))


def _internlm3(s: Settings) -> Body:
    """One key for the biases of query, key and value, one for all others."""
    width, has_others = s.count("hidden_size"), s.flag("mlp_bias")
    biases = ("qkv" if s.flag("attention_bias") else "") + ("o" if has_others else "")
    return uniform(s, width, grouped(s, width, biases), with_biases(gated(s), width, has_others))


def _seed_oss(s: Settings) -> Body:
    width = s.count("hidden_size")
    biases = ("qkv" if s.flag("attention_bias") else "") + ("o" if s.flag("attention_out_bias") else "")
    return uniform(s, width, grouped(s, width, biases), with_biases(gated(s), width, s.flag("mlp_bias")))


def _ernie4_5(s: Settings) -> Body:
    width = s.count("hidden_size")
    return uniform(s, width, _biased(s, width, "use_bias"), with_biases(gated(s), width, s.flag("use_bias")))


def _hunyuan_dense(s: Settings) -> Body:
    """Norms within heads are built in; a stated key-value cache that layers share is not."""
    s.only("use_qk_norm", True)
    s.only("use_cla", False)
    s.only("mlp_bias", False)
    width = s.count("hidden_size")
    return uniform(s, width, with_head_norms(_biased(s, width)), gated(s))


def _glm(s: Settings) -> Body:
    """GLM-4 with two norms a layer; GLM-4-0414 with four, before and after both parts."""
    width = s.count("hidden_size")
    norms = 4 if s.model_type == "glm4" else 2
    return uniform(s, width, _biased(s, width, matrices="qkv"), gated(s), norms)


# --- OLMo, EXAONE 4, SmolLM 3 --------------------------------------------------------------------------------------
def _olmo(s: Settings) -> Body:
    """Norms have no weights."""
    width = s.count("hidden_size")
    return replace(uniform(s, width, _biased(s, width), gated(s), norms=0), vectors=0)


def _olmo2(s: Settings) -> Body:
    """Norms after both parts, and of all heads of query and key together."""
    width = s.count("hidden_size")
    return uniform(s, width, with_whole_norms(_biased(s, width)), gated(s))


def _olmo3(s: Settings) -> Body:
    """As OLMo 2, with a window in all but every fourth layer."""
    width = s.count("hidden_size")
    layers = windowed(s, with_whole_norms(_biased(s, width)), lambda i: bool((i + 1) % 4))
    return stack(width, layers, [gated(s)] * len(layers))


def exaone4_attention(s: Settings, width: int) -> list[GroupedAttention]:
    """Norms within heads; a pattern is a number n, every n-th layer full, or letters L (window) and G (full)."""
    attention, pattern = with_head_norms(grouped(s, width)), s.value("sliding_window_pattern")
    if blocks.window(s) is None:
        s.words("layer_types", (blocks.FULL,), blocks.depth(s))
        return [attention] * blocks.depth(s)
    if not isinstance(pattern, str):
        return windowed(s, attention, blocks.all_but_every(s))
    if not pattern or not set(pattern) <= {"L", "G"}:
        raise s.error(f"config key 'sliding_window_pattern' must be a number or letters L and G, not {shown(pattern)}")
    return windowed(s, attention, lambda i: pattern[i % len(pattern)] == "L")


def _exaone4(s: Settings) -> Body:
    width = s.count("hidden_size")
    layers = exaone4_attention(s, width)
    return stack(width, layers, [gated(s)] * len(layers))


def _smollm3(s: Settings) -> Body:
    """A window, where one is used, in the layers without rotary positions."""
    width, layers = s.count("hidden_size"), blocks.depth(s)
    attention = [_biased(s, width)] * layers
    if s.flag("use_sliding_window"):
        rotary = s.numbers("no_rope_layers", 1)
        if rotary and len(rotary) != layers:
            raise s.error(f"config key 'no_rope_layers' must have {layers} entries, one for each layer")
        has_rotary = blocks.all_but_every(s, "no_rope_layer_interval")
        attention = windowed(s, attention[0], lambda i: not (rotary[i] if rotary else has_rotary(i)))
    else:
        s.words("layer_types", (blocks.FULL,), layers)
    return stack(width, attention, [with_biases(gated(s), width, s.flag("mlp_bias"))] * layers)


# --- published with their own code ---------------------------------------------------------------------------------
def _multi_head(s: Settings) -> Body:
    """Baichuan and XVERSE: Llama's block with a key for every head."""
    width = s.count("hidden_size")
    return uniform(s, width, multi_head(s, width), gated(s))


def _qwen(s: Settings) -> Body:
    """The first Qwen: biases on query, key and value; both matrices of its gate are half as wide as stated."""
    s.only("no_bias", True)
    width, heads, dim = s.count("hidden_size"), s.count("num_attention_heads", "heads"), s.count("kv_channels")
    stated = s.count("intermediate_size", "intermediate")
    if stated % 2 or heads * dim != width:
        raise s.error(f"intermediate_size {stated} must be even, and {heads} heads of {dim} as wide as {width}")
    attention = GroupedAttention(heads, heads, dim, dim, vectors=3 * heads * dim)
    return uniform(s, width, attention, DenseFeedForward(stated // 2))


def _chatglm(s: Settings) -> Body:
    """ChatGLM 2 and 3 and the first GLM-4: heads of kv_channels, in groups where multi_query_attention says so."""
    width, heads, dim = s.count("hidden_size"), s.count("num_attention_heads", "heads"), s.count("kv_channels")
    has_all = s.flag("add_bias_linear")
    kv_heads = blocks.key_value_heads(s, heads, "multi_query_group_num") if s.flag("multi_query_attention") else heads
    inner, outer = (heads + 2 * kv_heads) * dim, width if has_all else 0
    vectors = outer + (inner if has_all or s.flag("add_qkv_bias") else 0)
    norm = width if s.flag("rmsnorm") else 2 * width
    block = with_biases(gated(s, "ffn_hidden_size"), width, has_all)
    layer = Layer(GroupedAttention(heads, kv_heads, dim, dim, vectors=vectors), (block,), 2 * norm)
    return Body(width, (layer,) * blocks.depth(s, "num_layers"), vectors=norm if s.flag("post_layer_norm") else 0)


def _minicpm3(s: Settings) -> Body:
    """Latent attention with a dense block; values as wide as a head of the width where no key says otherwise."""
    width, heads = s.count("hidden_size"), s.count("num_attention_heads", "heads")
    s.only("num_key_value_heads", heads)
    if s.value("v_head_dim") is None:
        if width % heads:
            raise s.error(f"the width {width} is not divisible by {heads} attention heads, and v_head_dim is not given")
        s = replace(s, data={**s.data, "v_head_dim": width // heads})
    block = with_biases(gated(s), width, s.flag("mlp_bias"))
    layer = Layer(blocks.latent(s, width), (block,), 2 * width)
    return Body(width, (layer,) * blocks.depth(s), vectors=width)


FAMILIES: dict[str, Callable[[Settings], Body]] = {
    "granite": _granite, "exaone": _granite, "internlm2": _internlm2, "internlm3": _internlm3, "seed_oss": _seed_oss,
    "ernie4_5": _ernie4_5, "hunyuan_v1_dense": _hunyuan_dense, "glm": _glm, "glm4": _glm, "olmo": _olmo,
    "olmo2": _olmo2, "olmo3": _olmo3, "exaone4": _exaone4, "smollm3": _smollm3, "baichuan": _multi_head,
    "xverse": _multi_head, "qwen": _qwen, "chatglm": _chatglm, "minicpm3": _minicpm3,
}  # fmt: skip
"""The function of each model_type of the kind."""
