"""The law of routed language models (Clark et al. 2022, arXiv 2202.01169, Table 3): loss by weights and experts.

Logarithms are to base ten, as in the paper: with natural ones its constants would give a loss below one.
"""

from collections.abc import Mapping

import sympy
from sympy import Expr, Symbol

from steptime.derivations.batch.symbols import (  # isort: skip
    dense_experts, experts_routed, most_experts, routed_expert_power, routed_interaction, routed_offset,
    routed_size_power,
)  # fmt: skip


def log10(value: Expr) -> Expr:
    """The logarithm to base ten."""
    return sympy.log(value) / sympy.log(10)


def log10_loss(weights: Expr, experts: Expr) -> Expr:
    """Base-ten logarithm of the loss (nats) of a model with so many active weights and effective experts (eq. 1)."""
    size, spread = log10(weights), log10(experts)
    powers = routed_size_power * size + routed_expert_power * spread
    return routed_offset - powers + routed_interaction * size * spread


saturated_experts = 1 / (1 / (experts_routed - 1 + 1 / (1 / dense_experts - 1 / most_experts)) + 1 / most_experts)
"""Effective experts: from what one expert counts as, up to what unlimited experts count as."""


def _constants(
    size: float, experts: float, interaction: float, offset: float, dense: float, most: float
) -> Mapping[Symbol, float]:
    return {
        routed_size_power: size,
        routed_expert_power: experts,
        routed_interaction: interaction,
        routed_offset: offset,
        dense_experts: dense,
        most_experts: most,
    }


ROUTERS: Mapping[str, Mapping[Symbol, float]] = {
    "S-BASE": _constants(0.082, 0.108, 0.009, 1.104, 1.847, 314.478),
    "RL-R": _constants(0.083, 0.126, 0.012, 1.111, 1.880, 469.982),
    "HASH": _constants(0.087, 0.136, 0.012, 1.157, 4.175, 477.741),
}
"""Fitted constants by way of routing, from Table 3 as quoted by second-hand sources."""
