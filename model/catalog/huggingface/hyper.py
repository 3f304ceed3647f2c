"""Hyper-connections: several residual streams side by side, and the maps that mix them before and after each part.

Each map makes, from all streams of a token, n weights to enter a part, n to leave it and n x n to mix the streams.
Source: Xie et al. 2025 (arXiv 2512.24880), equations 5-9; the modelling files of deepseek_v4 and glm5_next.
"""

from dataclasses import replace

from steptime.model.architecture.transformer import Layer
from steptime.model.catalog.huggingface.keys import Settings

_parts = 2
"""Parts of a layer that have a map: the mixer and the feed-forward block."""


def with_streams(s: Settings, layers: tuple[Layer, ...], width: int) -> tuple[tuple[Layer, ...], int]:
    """The layers with their maps, each with a bias for every weight that it makes and three scales; and the number of
    streams. Both published classes build the maps even for one stream."""
    streams = s.count("hc_mult", "heads")
    made = (2 + streams) * streams
    maps = _parts * made * streams * width
    return tuple(
        replace(layer, mixing=maps, vectors=layer.vectors + _parts * (made + 3)) for layer in layers
    ), streams  # fmt: skip


def joined_at_the_end(streams: int, width: int) -> int:
    """Weights that join the streams after the last layer: a map to one weight a stream, their biases, and a scale."""
    return streams * streams * width + streams + 1
