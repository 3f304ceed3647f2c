"""Numbers of a mixture of experts, for the examples of chapters 2 and 3."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from sympy import Symbol

from steptime.derivations.batch.symbols import experts_routed
from steptime.derivations.board import numbers
from steptime.derivations.experts.symbols import expert_layers, experts_per_token
from steptime.model.layout.layout import Layout
from steptime.model.symbols import pass_tokens, width

if TYPE_CHECKING:
    from steptime.model.architecture.transformer import ExpertFeedForward, Transformer

MODEL = "deepseek-v3"
RACK = "DeepSeek-V3 at fp8 on one GB200 NVL72 (dp=72, ep=72), context 4096, 2048 sequences, one token each"


def architecture() -> "Transformer":
    """DeepSeek-V3, from the catalogue."""
    from steptime.model.catalog.transformers import load_transformer

    return load_transformer(MODEL)


def expert_blocks() -> "list[ExpertFeedForward]":
    """Its routed experts, one entry a layer that has them."""
    from steptime.model.architecture.transformer import ExpertFeedForward

    blocks = [block for layer in architecture().layers for block in layer.feed_forward]
    return [block for block in blocks if isinstance(block, ExpertFeedForward)]


@cache
def on(hardware: str, chips: int, length: int = 4096, sequences: int = 2048) -> Mapping[Symbol, float]:
    """Numbers of DeepSeek-V3, its experts spread over so many chips of a kind."""
    values = numbers(MODEL, hardware, layout=Layout(dp=chips, ep=chips), context=length, batch=sequences)
    blocks = expert_blocks()
    return {
        **values,
        width: float(architecture().width),
        expert_layers: float(len(blocks)),
        experts_per_token: float(blocks[0].experts_per_token),
        experts_routed: float(blocks[0].experts),
        pass_tokens: 1.0,
    }


def rack() -> Mapping[Symbol, float]:
    """One GB200 NVL72."""
    return on("gb200-nvl72", 72)
