"""Compute over the life of a model: pre-training, reinforcement learning, serving.

A weight costs one multiply-add per token in a forward pass, and two more in a backward pass.
Source: Kaplan et al. 2020 (arXiv 2001.08361) 2.1 for the six FLOP per weight and token; Hoffmann et al. 2022
(arXiv 2203.15556) for tokens in proportion to weights. FLOP of generation are counted at the utilisation of training:
what runs at a lower utilisation occupies the chips for longer.
"""

from steptime.model.symbols import (
    active_parameters,
    decode_efficiency,
    flops_per_mac,
    optimal_tokens_per_weight,
    pretraining_tokens,
    rl_flops_per_weight,
    rl_tokens,
    served_tokens,
    service_life,
    serving_rate,
)

FORWARD_AND_BACKWARD = 3
"""Multiply-adds of a weight per token trained on: one forward, two backward."""

pretraining_flops = FORWARD_AND_BACKWARD * flops_per_mac * active_parameters * pretraining_tokens
rl_flops = rl_flops_per_weight * active_parameters * rl_tokens / decode_efficiency
serving_flops = flops_per_mac * active_parameters * served_tokens / decode_efficiency

tokens_over_life = serving_rate * service_life
"""Tokens that a model serves until it is replaced."""

over_training_factor = pretraining_tokens / (optimal_tokens_per_weight * active_parameters)
"""Pre-training tokens over those that make training alone cheapest."""
