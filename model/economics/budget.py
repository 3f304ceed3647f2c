"""How long to train a model that will serve so many tokens: three answers for the same weights.

20 tokens a weight make training alone cheapest (Hoffmann et al. 2022, arXiv 2203.15556). Equal compute in training and
serving is the blackboard's heuristic. The optimum of both at one loss follows from a fitted loss law.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.economics import scaling
from steptime.model.scenario import Scenario

TOKENS_PER_WEIGHT = 20.0
LEAST, MOST = 1e6, 1e22
"""Tokens between which the optimum is looked for."""


@dataclass(frozen=True)
class Budget:
    """Tokens of pre-training: cheapest training, equal compute, the optimum by each fit (None beyond the search)."""

    cheapest_training: float
    equal_compute: float
    optimum: Mapping[str, float | None]


def training_budget(
    weights: float, served: float, efficiency: float, fits: Mapping[str, Mapping[Symbol, float]]
) -> Budget:
    """Tokens to train on, for so many active weights, tokens served over a life, and generation's relative utilisation.

    ``fits`` are constants of the loss law by the names of those who fitted them.

    >>> budget = training_budget(100e9, 2.6e15, 0.3, {})
    >>> round(budget.equal_compute / budget.cheapest_training)
    1444
    """
    values = {
        q.active_parameters: weights, q.served_tokens: served, q.decode_efficiency: efficiency, q.flops_per_mac: 2.0,
        q.optimal_tokens_per_weight: TOKENS_PER_WEIGHT,
    }  # fmt: skip
    return Budget(
        TOKENS_PER_WEIGHT * weights,
        float(Scenario(values).evaluate(scaling.tokens_at_equal_compute)),
        {name: _optimum({**values, **fit}) for name, fit in fits.items()},
    )


def _optimum(values: Mapping[Symbol, float]) -> float | None:
    """The tokens at which the optimum implies as many served tokens as there are."""
    from scipy.optimize import brentq

    scenario = Scenario(values)

    def gap(tokens: float) -> float:
        implied = (scenario | {q.pretraining_tokens: tokens}).evaluate(scaling.served_at_optimum)
        return float(implied - scenario.value(q.served_tokens))

    return float(brentq(gap, LEAST, MOST)) if gap(LEAST) * gap(MOST) < 0 else None
