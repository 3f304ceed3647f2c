"""Chapter 6, reversible networks: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import FLOP, byte, count, quantity

# fmt: off
layer_activations = quantity("layer_activations", byte, r"a_\ell", "activations of one layer that its backward pass needs")
layer_input = quantity("layer_input", byte, r"a_\mathrm{in}", "activations that enter one layer")
segment_layers = quantity("segment_layers", count, r"n_s", "layers between two stored activations", sane=(1e-6, 1e7))
flops_ratio = quantity("flops_ratio", count, r"r_F", "training FLOP over those without recomputation")
forward_flops = quantity("forward_flops", FLOP, r"f_F", "FLOP of a forward pass per token")
backward_flops = quantity("backward_flops", FLOP, r"f_B", "FLOP of a backward pass per token")
