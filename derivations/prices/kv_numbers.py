"""What the layers of a catalogue model cache, for the examples of chapters 5 and 9."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sympy import Symbol

from steptime.model.symbols import bytes_per_kv, context

from steptime.derivations.prices.symbols import (  # isort: skip
    head_dim, kv_heads, kv_layers, kv_rank, rope_dim, value_dim, window, windowed_layers,
)  # fmt: skip

if TYPE_CHECKING:
    from steptime.model.architecture.transformer import GroupedAttention, LatentAttention, Transformer


def growing_caches(transformer: "Transformer") -> "list[tuple[GroupedAttention | LatentAttention, int]]":
    """Each kind of attention over keys and values, and its number of layers; recurrent mixers have none."""
    from steptime.model.architecture.transformer import GroupedAttention, LatentAttention

    return [
        (mixer, number) for mixer, number in transformer.mixers if isinstance(mixer, GroupedAttention | LatentAttention)
    ]


def shapes(model: str) -> Mapping[Symbol, float]:
    """What a layer of a catalogue model caches at bf16, and how many layers do."""
    from steptime.model.architecture.transformer import GroupedAttention
    from steptime.model.catalog.transformers import load_transformer

    caching = growing_caches(load_transformer(model))
    windows = [mixer.window for mixer, _ in caching if mixer.window is not None]
    full = sum(number for mixer, number in caching if mixer.window is None)
    found: dict[Symbol, float] = {bytes_per_kv: 2.0, kv_layers: float(full), windowed_layers: 0.0, context: 1e6}
    if windows:
        found |= {window: float(windows[0]), windowed_layers: float(sum(number for _, number in caching) - full)}
    attention, _ = caching[0]
    if isinstance(attention, GroupedAttention):
        return {
            **found,
            kv_heads: float(attention.kv_heads),
            head_dim: float(attention.head_dim),
            value_dim: float(attention.value_dim),
        }
    widths = {kv_rank: attention.kv_rank, rope_dim: attention.rope_dim, head_dim: attention.nope_dim}
    return {**found, **{symbol: float(width) for symbol, width in widths.items()}}
