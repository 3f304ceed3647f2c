"""Llama-Nemotron: every layer has a shape of its own, found by architecture search and listed in ``block_configs``.

Source: configuration_decilm.py and modeling_decilm.py published with the weights (DeciLMForCausalLM); Bercovich et al.
2024 (arXiv 2411.19146), "Puzzle".
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from steptime.model.architecture.transformer import DenseFeedForward, GroupedAttention, Layer
from steptime.model.catalog.huggingface import blocks
from steptime.model.catalog.huggingface.blocks import Body
from steptime.model.catalog.huggingface.keys import LARGEST, Settings, is_neutral, shown

_multiple = 256
_parts = {
    "attention": ("no_op", "replace_with_linear", "n_heads_in_group"),
    "ffn": ("no_op", "replace_with_linear", "ffn_mult"),
}
"""What a part of a block may state; any other key of it must be off."""


def intermediate_size(multiplier: float, width: int) -> int:
    """The feed-forward size that a multiplier stands for: two thirds of it times the width, rounded up to 256.

    >>> intermediate_size(5.25, 8192), intermediate_size(0.5, 8192)
    (28672, 2816)
    """
    return -(-int(2 * multiplier * width / 3) // _multiple) * _multiple


def _part(s: Settings, block: Any, name: str, where: str) -> Mapping[str, Any]:
    """One part of a block, all keys of it understood or off."""
    part = block.get(name) if isinstance(block, Mapping) else None
    if not isinstance(part, Mapping):
        raise s.error(f"{where} must hold a table {name!r}, not {shown(part)}")
    for key, value in part.items():
        if key not in _parts[name] and not is_neutral(key, value):
            raise s.error(f"{where}: {name} key {shown(key)} is not understood and may change shapes")
    for key in ("no_op", "replace_with_linear"):
        if not isinstance(part.get(key), bool | None):
            raise s.error(f"{where}: {name} key {key!r} must be true or false, not {shown(part[key])}")
    return part


def _linear(s: Settings, width: int) -> Layer:
    """One width x width matrix in place of a part: as many weights as an ungated block of half the width.

    It reads its own norm and adds to the stream by itself, and so stands as a layer of its own.
    """
    if width % 2:
        raise s.error(f"hidden_size {width} is odd: a linear replacement is modelled only for even widths")
    return Layer(None, (DenseFeedForward(width // 2, gated=False),), width)


def _attention(s: Settings, part: Mapping[str, Any], width: int, where: str) -> GroupedAttention:
    heads, group = s.count("num_attention_heads", "heads"), part.get("n_heads_in_group")
    if isinstance(group, bool) or not isinstance(group, int) or not 0 < group <= heads or heads % group:
        raise s.error(f"{where}: n_heads_in_group {shown(group)} must divide num_attention_heads {heads}")
    kv_heads, dim = heads // group, blocks.head_dimension(s, width, heads)
    biases = (heads + 2 * kv_heads) * dim + width if s.flag("attention_bias") else 0
    return GroupedAttention(heads, kv_heads, dim, dim, vectors=biases)


def _feed_forward(s: Settings, part: Mapping[str, Any], width: int, where: str) -> DenseFeedForward:
    found = part.get("ffn_mult")
    number = found if isinstance(found, int | float) and not isinstance(found, bool) else math.nan
    if not 0 < number <= LARGEST["intermediate"] / width:
        raise s.error(f"{where}: ffn_mult {shown(found)} is no multiple of the width")
    size = intermediate_size(number, width)
    return DenseFeedForward(size, vectors=2 * size + width if s.flag("mlp_bias") else 0)


def _layers(s: Settings, block: Any, width: int, where: str) -> list[Layer]:
    """The layer of a block, after or before those of its linear replacements; a norm for each part that is there."""
    mixer, mlp = _part(s, block, "attention", where), _part(s, block, "ffn", where)
    before = [_linear(s, width)] if mixer.get("replace_with_linear") and not mixer.get("no_op") else []
    after = [_linear(s, width)] if mlp.get("replace_with_linear") and not mlp.get("no_op") else []
    attention = None if before or mixer.get("no_op") else _attention(s, mixer, width, where)
    parts = () if after or mlp.get("no_op") else (_feed_forward(s, mlp, width, where),)
    is_linear_only = bool(before or after) and attention is None and not parts
    own = [] if is_linear_only else [Layer(attention, parts, ((attention is not None) + len(parts)) * width)]
    return [*before, *own, *after]


def _nemotron_nas(s: Settings) -> Body:
    """As Llama, each layer with a number of key-value heads and a feed-forward size of its own, or without."""
    width, depth, listed = s.count("hidden_size"), blocks.depth(s), s.value("block_configs")
    if not isinstance(listed, list) or len(listed) != depth:
        raise s.error(f"config key 'block_configs' must be a list of {depth} blocks, not {shown(listed)}")
    found = [_layers(s, block, width, f"block_configs[{i}]") for i, block in enumerate(listed)]
    return Body(width, tuple(layer for group in found for layer in group), vectors=width)


FAMILIES: dict[str, Callable[[Settings], Body]] = {"nemotron-nas": _nemotron_nas}
"""The function of each model_type of the family."""
