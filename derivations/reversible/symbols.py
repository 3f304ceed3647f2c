"""Chapter 6, reversible networks: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import FLOP, byte, count, quantity, within
from steptime.model.symbols import layers

# fmt: off
layer_activations = quantity("layer_activations", byte, r"a_\ell", "activations of one layer that its backward pass needs, its input included")
layer_input = quantity("layer_input", byte, r"a_\mathrm{in}", "activations that enter one layer")
segments = quantity("segments", count, r"n_k", "segments of layers that are run again one at a time", integer=True, sane=(1, 1e7))
segment_layers = quantity("segment_layers", count, r"n_s", "layers between two stored activations", integer=True, sane=(1, 1e7))
flops_ratio = quantity("flops_ratio", count, r"r_F", "training FLOP over those without recomputation")
forward_flops = quantity("forward_flops", FLOP, r"f_F", "FLOP of a forward pass per token")

within(layer_input, layer_activations)
within(segment_layers, layers)
within(segments, layers)
