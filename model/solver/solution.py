"""An optimum as a value: what it is, what binds, what each limit is worth, and how well it was checked."""

from collections.abc import Mapping
from dataclasses import dataclass

from steptime.model.solver.optimality import Prices, Residuals


@dataclass(frozen=True)
class Solution:
    """The continuous optimum.

    ``term_prices`` are d ln cost / d ln(term time), never negative; ``shadow_prices`` d ln cost / d ln(limit), not
    positive for upper limits; where the cost is proportional to the step time the term prices and the price of the step
    limit add up to one. ``slack`` is the unused fraction of each limit. ``is_global`` says that a proof was made.
    ``prices_by_part`` splits the term prices by part of the step and resource, ``prices_by_limit`` the multipliers
    (never negative) of a limit by what it bounds. ``prices`` holds them all, term by term, then limits, then step
    limits, and says whether they are the only ones.
    """

    cost: float
    value: float
    step_time: float
    part_times: Mapping[str, float]
    term_prices: Mapping[str, float]
    shadow_prices: Mapping[str, float]
    slack: Mapping[str, float]
    prices_by_part: Mapping[tuple[str, str], float]
    prices_by_limit: Mapping[str, tuple[float, ...]]
    is_global: bool
    attained: bool
    residuals: Residuals
    prices: Prices
