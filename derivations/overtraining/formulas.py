"""Compute over the life of a model, and trade-offs of two power laws.

A weight costs one multiply-add per token in a forward pass, and two more in a backward pass. FLOP of generation are
counted at the utilisation of training: what runs at a lower utilisation occupies the chips for longer.
Sources: Kaplan et al. 2020 (arXiv 2001.08361) 2.1 for the six FLOP per weight and token; Hoffmann et al. 2022
(arXiv 2203.15556) for tokens in proportion to weights, and equation 10 for the loss.
"""

from sympy import Expr, Symbol, expand_power_base

from steptime.model.economics.scaling import loss_of_data, loss_of_size
from steptime.model.terms import FORWARD_AND_BACKWARD

from steptime.derivations.overtraining.symbols import (  # isort: skip
    equal_cost_lever, falling_exponent, falling_scale, irreducible_loss, least_cost_lever, lever, relative_change,
    rising_exponent, rising_scale, rl_flops_per_weight, rl_tokens, service_life, serving_rate,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, decode_efficiency, flops_per_mac, optimal_tokens_per_weight, pretraining_tokens, served_tokens,
)  # fmt: skip

pretraining_flops = FORWARD_AND_BACKWARD * flops_per_mac * active_parameters * pretraining_tokens
rl_flops = rl_flops_per_weight * active_parameters * rl_tokens / decode_efficiency
serving_flops = flops_per_mac * active_parameters * served_tokens / decode_efficiency
tokens_over_life = serving_rate * service_life
"""Tokens that a model serves until it is replaced."""

over_training_factor = pretraining_tokens / (optimal_tokens_per_weight * active_parameters)
"""Pre-training tokens over those that make training alone cheapest."""

loss = irreducible_loss + loss_of_size + loss_of_data
"""Nats per token."""

life_flops = pretraining_flops + serving_flops
"""FLOP of training and serving, without reinforcement learning."""

rising = rising_scale * lever**rising_exponent
falling = falling_scale * lever**-falling_exponent
two_costs = rising + falling
"""A cost that grows as a power of a lever, and one that shrinks."""


def more(expr: Expr, of: Symbol) -> Expr:
    """An expression with a little more of one quantity; the change stands apart in every power."""
    return expand_power_base(expr.xreplace({of: of * (1 + relative_change)}))


def flops_per_nat(more_of: Symbol) -> Expr:
    """FLOP over a model's life that a little more of weights, or of tokens, costs per nat of loss that it saves."""
    return (more(life_flops, more_of) - life_flops) / (loss - more(loss, more_of))


price_by_tokens, price_by_weights = flops_per_nat(pretraining_tokens), flops_per_nat(active_parameters)
"""FLOP per nat by a little more pre-training, and by a few more weights."""

equal_cost_penalty = two_costs.xreplace({lever: equal_cost_lever}) / two_costs.xreplace({lever: least_cost_lever})
