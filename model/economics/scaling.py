"""The loss of a model by its weights and its pre-training tokens, and trade-offs of two power laws.

Source: Hoffmann et al. 2022 (arXiv 2203.15556) equation 10; constants of two fits in model/catalog/economy.toml.
Range of validity: the fits' own, dense models of up to 16e9 weights and some 500e9 tokens; beyond is extrapolation.
"""

from collections.abc import Mapping

from sympy import Expr, Symbol

from steptime.model.economics import lifetime
from steptime.model.symbols import (
    active_parameters,
    data_coefficient,
    data_exponent,
    decode_efficiency,
    equal_cost_lever,
    falling_exponent,
    falling_scale,
    irreducible_loss,
    least_cost_lever,
    lever,
    pretraining_tokens,
    relative_change,
    rising_exponent,
    rising_scale,
    served_tokens,
    size_coefficient,
    size_exponent,
)

loss_of_size = size_coefficient * active_parameters**-size_exponent
loss_of_data = data_coefficient * pretraining_tokens**-data_exponent
loss = irreducible_loss + loss_of_size + loss_of_data
"""Nats per token."""

life_flops = lifetime.pretraining_flops + lifetime.serving_flops
"""FLOP of training and serving, without reinforcement learning."""

rising = rising_scale * lever**rising_exponent
falling = falling_scale * lever**-falling_exponent
two_costs = rising + falling
"""A cost that grows as a power of a lever, and one that shrinks."""


tokens_at_equal_compute = served_tokens / (lifetime.FORWARD_AND_BACKWARD * decode_efficiency)
"""Tokens of pre-training that take as many FLOP as serving does, at generation's utilisation."""

served_at_optimum = (
    lifetime.FORWARD_AND_BACKWARD
    * decode_efficiency
    * pretraining_tokens
    * (size_exponent * loss_of_size / (data_exponent * loss_of_data) - 1)
)
"""Tokens served for which so many weights and tokens of pre-training are the cheapest of their loss: there a nat costs
the same by more weights as by more tokens (derivation life-optimum)."""


def more(expr: Expr, of: Symbol) -> Expr:
    """An expression with a little more of one quantity."""
    return expr.xreplace({of: of * (1 + relative_change)})


def flops_per_nat(more_of: Symbol) -> Expr:
    """FLOP over a model's life that a little more of weights, or of tokens, costs per nat of loss that it saves."""
    return (more(life_flops, more_of) - life_flops) / (loss - more(loss, more_of))


cost_slope = (more(two_costs, lever) - two_costs) / relative_change
"""What a little more of the lever costs: negative before the optimum."""

equal_cost_penalty = two_costs.xreplace({lever: equal_cost_lever}) / two_costs.xreplace({lever: least_cost_lever})


def fit(name: str) -> Mapping[Symbol, float]:
    """The constants of one fit of the loss law: chinchilla or besiroglu.

    >>> fit("besiroglu")[data_exponent]
    0.3658
    """
    from steptime.model.catalog.economy import figures

    return {Symbol(key, positive=True): figure.value for key, figure in figures("loss_law", name).items()}
