"""Activations held for the backward pass, and the FLOP that are paid for holding fewer.

Full recomputation keeps the input of some layers and runs each segment forward again (Chen et al. 2016, arXiv
1604.06174); a reversible network keeps none and recovers each layer's input from its output (Gomez et al. 2017, arXiv
1707.04585). Either costs one more forward pass.
"""

from steptime.model.symbols import active_parameters, flops_per_mac, layers

from steptime.derivations.reversible.symbols import (  # isort: skip
    backward_flops, forward_flops, layer_activations, layer_input, segment_layers,
)  # fmt: skip

forward = flops_per_mac * active_parameters
"""FLOP of a forward pass per token: every active weight is multiplied once."""

backward = 2 * forward
"""FLOP of a backward pass per token: once for the gradient of the inputs, once for that of the weights."""

once = forward_flops + backward_flops
"""FLOP of training per token."""

with_recomputation = 2 * forward_flops + backward_flops
"""FLOP of training per token where every layer runs forward a second time."""

held_all = layers * layer_activations
"""Activations of one micro-batch where every layer's are kept."""

held_segments = layers / segment_layers * layer_input + segment_layers * layer_activations
"""Every segment's input is kept; one segment at a time is run again and held whole."""

held_reversible = layer_input + layer_activations
"""Only the last layer's output is kept, and the layer at work is held: nothing grows with the layers."""
