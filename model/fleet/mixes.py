"""Which machine serves which demand: one class is served by one machine, several by a mix where prices lie between.

A demand that chips of any kind may serve, with no cap but the demand itself, goes where a request of it costs least;
that cost is its marginal price, the dual of its row in the linear program.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steptime.model.errors import UserError

from steptime.model.fleet.symbols import (  # isort: skip
    demand_one, demand_two, price_a, price_b, rate_a_one, rate_a_two, rate_b_one, rate_b_two, share_one, share_two,
)  # fmt: skip

on_a_one, on_b_one = price_a / rate_a_one, price_b / rate_b_one
on_a_two, on_b_two = price_a / rate_a_two, price_b / rate_b_two
"""Dollars of one request of a class on each machine."""

mix_of_one = demand_one * (share_one * on_a_one + (1 - share_one) * on_b_one)
mix_of_two = mix_of_one + demand_two * (share_two * on_a_two + (1 - share_two) * on_b_two)
"""Dollars per second where machine A serves such shares of the classes."""

one_on_a = demand_one * on_a_one
all_on_a = demand_one * on_a_one + demand_two * on_a_two
all_on_b = demand_one * on_b_one + demand_two * on_b_two
one_on_each = demand_one * on_a_one + demand_two * on_b_two
"""Dollars per second where machine A serves the first class and machine B the second."""


def mix_wins(price_ratio: float, rate_ratios: ArrayLike) -> bool:
    """Whether a mix of A and B is cheaper than either alone: the price ratio lies strictly between the least and the
    greatest ratio of their rates over the demands.

    >>> mix_wins(2.0, [1.5, 3.0]), mix_wins(1.2, [1.5, 3.0]), mix_wins(2.0, [2.5])
    (True, False, False)
    """
    ratios = _positive(rate_ratios, "ratios of rates")
    return bool(ratios.min() < price_ratio < ratios.max())


def served_by(prices: ArrayLike, rates: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The machine that serves each demand, and the marginal price of a request of it.

    ``prices`` of the machines, ``rates`` of machines by demands: requests per second of one chip. Of equally cheap
    machines the first one serves. Raises UserError where a number is not above zero or shapes differ.

    >>> served_by([2.0, 1.0], [[6.0, 3.0], [2.0, 2.0]])
    (array([0, 1]), array([0.33333333, 0.5       ]))
    """
    paid, served = _positive(prices, "prices"), _positive(rates, "rates")
    if served.ndim != 2 or paid.shape != served.shape[:1]:
        raise UserError("rates have a row for each machine and a column for each demand")
    costs = paid[:, None] / served
    cheapest = costs.argmin(axis=0)
    return cheapest, np.take_along_axis(costs, cheapest[None, :], axis=0)[0]


def entry_prices(marginal: ArrayLike, rates: ArrayLike) -> NDArray[np.float64]:
    """The price of a chip below which each machine serves some demand: what a second of it is worth at the marginal
    prices, for the demand that it serves best.

    >>> entry_prices([1 / 3, 0.5], [[6.0, 3.0], [2.0, 2.0]])
    array([2., 1.])
    """
    worth = _positive(rates, "rates") * _positive(marginal, "marginal prices")
    best: NDArray[np.float64] = worth.max(axis=1)
    return best


def _positive(values: ArrayLike, what: str) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    if not (found.size and np.isfinite(found).all() and (found > 0).all()):
        raise UserError(f"{what} are numbers above 0")
    return found
