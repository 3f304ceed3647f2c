"""Families of Mamba, Mamba-2 and short convolutions, alone, beside attention, or with attention in some layers.

Source: the configuration and modelling files of the transformers library.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from steptime.model.architecture.state_space import WidenedAttention, mamba2
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.blocks import Body, gated, grouped, stack, with_biases, with_head_norms
from steptime.model.catalog.huggingface.keys import LARGEST, Settings

from steptime.model.architecture.transformer import (  # isort: skip
    Attention, DenseFeedForward, FeedForward, Layer, Matrix, ParallelMixers, RecurrentMixer, SelectiveStateSpace,
    ShortConvolution,
)  # fmt: skip

LINEAR, CONVOLUTION, HYBRID = "linear_attention", "conv", "hybrid"
SPELLINGS = {"mamba": LINEAR, "attention": blocks.FULL}
"""Older words for the kinds of layers."""


def _kinds(s: Settings, key: str, allowed: tuple[str, ...]) -> list[str] | None:
    """The kind of each layer, in words of today, or None where null."""
    found = s.words(key, (*allowed, *SPELLINGS), blocks.depth(s))
    return None if found is None else [SPELLINGS.get(word, word) for word in found]


# --- Mamba ---------------------------------------------------------------------------------------------------------
def _mamba(s: Settings) -> Body:
    """Mamba and Falcon-Mamba: one mixer and one norm a layer, and no feed-forward block."""
    width = s.count("hidden_size")
    inner = s.count("expand") * width
    for key in ("intermediate_size", "d_inner"):
        s.only(key, inner)
    biases = ("c" if s.flag("use_conv_bias") else "") + ("io" if s.flag("use_bias") else "")
    rank = _rank(s, "time_step_rank", width)
    mixer = _channels(width, inner, s.count("state_size"), rank, s.count("conv_kernel"), biases)
    return Body(width, (Layer(mixer, (), width),) * blocks.depth(s), vectors=width)


def _rank(s: Settings, key: str, width: int) -> int:
    """Features of the step size: a sixteenth of the width, rounded up, where the file says "auto"."""
    return math.ceil(width / 16) if s.value(key) == "auto" else s.count(key)


def _channels(width: int, inner: int, state: int, rank: int, kernel: int, biases: str) -> SelectiveStateSpace:
    """Stored beside the matrices: the convolution, the decays of every state, a skip and a step-size bias a channel."""
    sizes = {"c": inner, "i": 2 * inner, "o": width}
    vectors = inner * (kernel + state + 2) + sum(sizes[one] for one in biases)
    return SelectiveStateSpace(inner, state, rank, kernel, vectors)


def _jamba(s: Settings) -> Body:
    """Attention in one layer of attn_layer_period, experts in one of expert_layer_period; Mamba with norms of the step
    size and of both state vectors."""
    width, layers, state = s.count("hidden_size"), blocks.depth(s), s.count("mamba_d_state")
    biases = ("c" if s.flag("mamba_conv_bias") else "") + ("io" if s.flag("mamba_proj_bias") else "")
    rank, inner = _rank(s, "mamba_dt_rank", width), s.count("mamba_expand") * width
    mamba = _channels(width, inner, state, rank, s.count("mamba_d_conv"), biases)
    mamba, full = replace(mamba, vectors=mamba.vectors + rank + 2 * state), grouped(s, width)
    dense: FeedForward = gated(s)
    sparse = blocks.experts(s, "num_experts", gated(s).intermediate) if s.count("num_experts", "experts") > 1 else dense
    has_attention, is_sparse = _every(s, "attn"), _every(s, "expert")
    mixers: list[Attention] = [full if has_attention(i) else mamba for i in range(layers)]
    return stack(width, mixers, [sparse if is_sparse(i) else dense for i in range(layers)])


def _every(s: Settings, kind: str) -> Callable[[int], bool]:
    """Whether a layer's number leaves the offset as a remainder."""
    period, offset = f"{kind}_layer_period", f"{kind}_layer_offset"
    divisor, remainder = s.count(period, "layers"), s.count(offset, "layers", least=0)
    if remainder >= divisor:
        raise s.error(f"{offset} {remainder} must be less than {period} {divisor}")
    return lambda i: i % divisor == remainder


# --- Mamba-2 -------------------------------------------------------------------------------------------------------
def _only_mamba2(s: Settings) -> Body:
    """One mixer and one norm a layer, and no feed-forward block."""
    width, heads, head_dim = s.count("hidden_size"), s.count("num_heads", "heads"), s.count("head_dim")
    if heads * head_dim != s.count("expand") * width:
        raise s.error(f"{heads} heads of {head_dim} are not expand x hidden_size, {s.count('expand') * width}")
    s.only("rms_norm", True)
    s.only("intermediate_size", heads * head_dim)
    groups = _groups(s, "n_groups", heads)
    biases = ("c" if s.flag("use_conv_bias") else "") + ("io" if s.flag("use_bias") else "")
    mixer = mamba2(width, heads, head_dim, s.count("state_size"), groups, s.count("conv_kernel"), biases)
    return Body(width, (Layer(mixer, (), width),) * blocks.depth(s), vectors=width)


def _groups(s: Settings, key: str, heads: int) -> int:
    """Groups of heads that share their state vectors."""
    groups = s.count(key, "heads")
    if heads % groups:
        raise s.error(f"{heads} heads are not divisible by {key} {groups}")
    return groups


def _mamba2(s: Settings, width: int, inner: int, biases: str, has_norm: bool = True) -> RecurrentMixer:
    """Mamba-2 of so wide an inner width, in the keys that Bamba, Granite and Falcon share."""
    heads = s.count("mamba_n_heads", "heads")
    if inner % heads:
        raise s.error(f"the inner width {inner} of Mamba-2 is not divisible by mamba_n_heads {heads}")
    head_dim = inner // heads if s.value("mamba_d_head") == "auto" else s.count("mamba_d_head")
    if heads * head_dim != inner:
        raise s.error(f"mamba_n_heads {heads} of mamba_d_head {head_dim} are not the inner width {inner}")
    groups, convolution = _groups(s, "mamba_n_groups", heads), "c" if s.flag("mamba_conv_bias") else ""
    state, kernel = s.count("mamba_d_state"), s.count("mamba_d_conv")
    return mamba2(width, heads, head_dim, state, groups, kernel, convolution + biases, has_norm)


def _bamba_mixers(s: Settings, width: int, kinds: list[str]) -> list[Attention]:
    """Mamba-2 or grouped attention in each layer."""
    linear = _mamba2(s, width, s.count("mamba_expand") * width, "io" if s.flag("mamba_proj_bias") else "")
    full = grouped(s, width, "qkvo" if s.flag("attention_bias") else "")
    return [linear if kind == LINEAR else full for kind in kinds]


def _bamba(s: Settings) -> Body:
    """Attention in the layers that attn_layer_indices lists, or as layers_block_type says."""
    width, layers = s.count("hidden_size"), blocks.depth(s)
    kinds, chosen = _kinds(s, "layers_block_type", (LINEAR, blocks.FULL)), s.numbers("attn_layer_indices", layers - 1)
    listed = [blocks.FULL if i in (chosen or ()) else LINEAR for i in range(layers)]
    if kinds is not None and chosen is not None and kinds != listed:
        raise s.error("config keys 'layers_block_type' and 'attn_layer_indices' disagree")
    block = with_biases(gated(s), width, s.flag("mlp_bias"))
    return stack(width, _bamba_mixers(s, width, kinds or listed), [block] * layers)


def _granite_hybrid(s: Settings) -> Body:
    """Granite 4: a shared block in every layer, with routed experts beside it unless there are none."""
    width, layers = s.count("hidden_size"), blocks.depth(s)
    shared = s.count("shared_intermediate_size", "intermediate")
    block: FeedForward = DenseFeedForward(shared)
    if s.count("num_local_experts", "experts", least=0):
        block = replace(blocks.experts(s, "num_local_experts", gated(s).intermediate), shared_intermediate=shared)
    kinds = _kinds(s, "layer_types", (LINEAR, blocks.FULL)) or [LINEAR] * layers
    return stack(width, _bamba_mixers(s, width, kinds), [block] * layers)


def _falcon_h1(s: Settings) -> Body:
    """Attention and Mamba-2 side by side in every layer, then a dense block."""
    s.only("mamba_use_mlp", True)
    width = s.count("hidden_size")
    inner = s.optional_count("mamba_d_ssm") or s.count("mamba_expand") * width
    biases = ("i" if s.flag("mamba_proj_bias") else "") + ("o" if s.flag("projectors_bias") else "")
    recurrent = _mamba2(s, width, inner, biases, s.flag("mamba_rms_norm"))
    mixer = ParallelMixers(grouped(s, width, "qkvo" if s.flag("attention_bias") else ""), recurrent)
    layers = blocks.depth(s)
    return stack(width, [mixer] * layers, [with_biases(gated(s), width, s.flag("mlp_bias"))] * layers)


# --- Zamba 2 -------------------------------------------------------------------------------------------------------
def _zamba2(s: Settings) -> Body:
    """Mamba-2 in every layer; before it, where a layer is hybrid, one of num_mem_blocks shared blocks, in turn."""
    width, heads = s.count("hidden_size"), s.count("num_attention_heads", "heads")
    inner, mamba_heads = s.count("mamba_expand") * width, s.count("n_mamba_heads", "heads")
    for key, follows in (("attention_hidden_size", 2 * width), ("attention_head_dim", 2 * width // heads),
                         ("mamba_headdim", inner // mamba_heads), ("use_conv_bias", True)):  # fmt: skip
        s.only(key, follows)
    if inner % mamba_heads or 2 * width % heads:
        raise s.error("n_mamba_heads must divide mamba_expand x hidden_size, num_attention_heads twice hidden_size")
    groups, kernel, state = _groups(s, "mamba_ngroups", mamba_heads), s.count("mamba_d_conv"), s.count("mamba_d_state")
    biases = "cio" if s.flag("add_bias_linear") else "c"
    mamba = Layer(mamba2(width, mamba_heads, inner // mamba_heads, state, groups, kernel, biases), (), width)
    kinds = _kinds(s, "layers_block_type", (LINEAR, HYBRID)) or []
    hybrid = [i for i, kind in enumerate(kinds) if kind == HYBRID]
    if s.numbers("hybrid_layer_ids", len(kinds) - 1) not in (None, hybrid):
        raise s.error("config keys 'layers_block_type' and 'hybrid_layer_ids' disagree")
    block, turns, layers = _zamba2_block(s, width, heads), s.count("num_mem_blocks", "layers"), list[Layer]()
    for kind in kinds:
        if kind == HYBRID:
            before = sum(layer.shared > 0 for layer in layers)
            layers.append(replace(block, shared=1 + before % turns))
        layers.append(mamba)
    return Body(width, tuple(layers), vectors=width)


def _zamba2_block(s: Settings, width: int, heads: int) -> Layer:
    """Attention over stream and embedding, and a dense block; a matrix after it, and adapters of so low a rank, are
    each layer's own. The matrix acts on partial sums, whole on every chip, so that one sum joins its results."""
    kv_heads, dim, rank = blocks.key_value_heads(s, heads), 2 * width // heads, s.count("adapter_rank")
    dense = with_biases(gated(s), width, s.flag("add_bias_linear"))
    own = [Matrix(width * width, 1), Matrix(width * rank, 1), Matrix(rank * 2 * dense.intermediate)]
    if s.flag("use_shared_attention_adapter"):
        if kv_heads != heads:
            raise s.error("use_shared_attention_adapter is modelled only with as many key-value heads as query heads")
        own += [Matrix(3 * 2 * width * rank, 1), Matrix(3 * rank * 2 * width)]
    attention = WidenedAttention(heads, kv_heads, dim, dim)
    return Layer(attention, (dense,), 3 * width, adapters=tuple(own))


# --- short convolutions --------------------------------------------------------------------------------------------
def _lfm2_mixers(s: Settings, width: int) -> list[Attention]:
    """Gated short convolutions, and attention with norms within heads where a layer is full."""
    kernel, layers, has_bias = s.count("conv_L_cache"), blocks.depth(s), s.flag("conv_bias")
    vectors = width * (kernel + (5 if has_bias else 0))  # of the convolution, of gates and input, of the result
    short = ShortConvolution(width, kernel, vectors)
    kinds, full = s.words("layer_types", (CONVOLUTION, blocks.FULL), layers), with_head_norms(grouped(s, width))
    if kinds is None:
        listed = s.numbers("full_attn_idxs", layers - 1)
        kinds = [CONVOLUTION if listed is not None and i not in listed else blocks.FULL for i in range(layers)]
    return [short if kind == CONVOLUTION else full for kind in kinds]


def _lfm2(s: Settings) -> Body:
    """The dense block is two thirds as wide as stated, rounded up, where block_auto_adjust_ff_dim says so."""
    width = s.count("hidden_size")
    for key in ("block_dim", "conv_dim", "conv_dim_out"):
        s.only(key, width)
    s.only("num_heads", s.count("num_attention_heads", "heads"))
    s.only("block_use_swiglu", True)
    size = gated(s).intermediate
    if s.flag("block_auto_adjust_ff_dim"):
        multiplier, multiple = s.value("block_ffn_dim_multiplier"), s.count("block_multiple_of", "intermediate")
        size = 2 * size // 3
        if multiplier is not None:
            is_number = isinstance(multiplier, int | float) and not isinstance(multiplier, bool)
            if not is_number or not 0 < multiplier * size <= LARGEST["intermediate"]:
                raise s.error("config key 'block_ffn_dim_multiplier' must be a number that leaves a block its width")
            size = multiple * -(-int(multiplier * size) // multiple)
    mixers = _lfm2_mixers(s, width)
    return stack(width, mixers, [DenseFeedForward(size)] * len(mixers))


def _lfm2_moe(s: Settings) -> Body:
    """The first num_dense_layers dense; a routing bias for each expert where use_expert_bias says so."""
    width, dense = s.count("hidden_size"), s.count("num_dense_layers", "layers", least=0)
    sparse = blocks.experts(s, "num_experts", s.count("moe_intermediate_size", "intermediate"))
    sparse = replace(sparse, vectors=sparse.experts if s.flag("use_expert_bias") else 0)
    mixers = _lfm2_mixers(s, width)
    return stack(width, mixers, [gated(s) if i < dense else sparse for i in range(len(mixers))])


FAMILIES: dict[str, Callable[[Settings], Body]] = {
    "mamba": _mamba, "falcon_mamba": _mamba, "mamba2": _only_mamba2, "jamba": _jamba, "bamba": _bamba,
    "granitemoehybrid": _granite_hybrid, "falcon_h1": _falcon_h1, "lfm2": _lfm2, "lfm2_moe": _lfm2_moe,
    "zamba2": _zamba2,
}  # fmt: skip
"""The function of each model_type of the kind."""
