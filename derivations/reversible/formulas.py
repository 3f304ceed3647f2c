"""Activations held for the backward pass, and the FLOP that are paid for holding fewer.

Full recomputation keeps the input of some layers and runs each segment forward again (Chen et al. 2016, arXiv
1604.06174); a reversible network keeps none and recovers each layer's input from its output (Gomez et al. 2017, arXiv
1707.04585). Either costs one more forward pass.
"""

from sympy import Expr, Sum

from steptime.derivations.training.symbols import training_passes
from steptime.model.symbols import layers, turn

from steptime.derivations.reversible.symbols import (  # isort: skip
    forward_flops, layer_activations, layer_input, segment_layers, segments,
)  # fmt: skip


def over_layers(each: Expr, number: Expr) -> Sum:
    """So much for each of so many layers, or segments."""
    return Sum(each, (turn, 1, number))


once = training_passes * forward_flops
"""FLOP of training per token: the forward pass, and two as long for the gradients."""

with_recomputation = once + forward_flops
"""FLOP of training per token where every layer runs forward a second time."""

held_all = over_layers(layer_activations, layers)
"""Activations of one micro-batch where every layer's are kept."""

held_segments = over_layers(layer_input, segments) + over_layers(layer_activations, segment_layers)
"""Every segment's input is kept; one segment at a time is run again and held whole."""

held_reversible = layer_input + layer_activations
"""Only the last layer's output is kept, and the layer at work is held: nothing grows with the layers."""
