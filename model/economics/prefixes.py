"""How often a cache is hit that throws out what was used longest ago, by Che's approximation.

All that nobody asked for within one time, the characteristic time T, is thrown out: item i, asked for λ_i times a
second at random, is there with the chance 1 - exp(-λ_i T). T is such that what is there fills the cache,
Σ s_i (1 - exp(-λ_i T)) = C. Near the truth for many items (Fricker et al. 2012, arXiv 1202.3974). Prefixes of prompts
nest, and are asked for again soon rather than at random: what it says of them is no more than a first guess.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from steptime.model.errors import UserError


def characteristic_time(capacity: float, rates: ArrayLike, sizes: ArrayLike = 1.0) -> float:
    """Seconds for which a cache of so many bytes keeps what nobody asks for; infinite where all fits.

    ``rates``: requests a second for each item, shape (n,), above zero; ``sizes``: bytes of each, shape (n,) or one for
    all. Raises UserError on a capacity, a rate or a size that is not above zero.

    >>> round(characteristic_time(50, [1.0] * 100), 6)  # half of what is alike: ln 2 over the rate
    0.693147
    """
    each = np.asarray(rates, dtype=float)
    bytes_of = np.broadcast_to(np.asarray(sizes, dtype=float), each.shape)
    if not (capacity > 0 and (each > 0).all() and (bytes_of > 0).all()):
        raise UserError("`capacity`, `rates` and `sizes` are above zero")
    if capacity >= bytes_of.sum():
        return float("inf")

    def beyond(logarithm: float) -> float:
        return float((bytes_of * -np.expm1(-each * np.exp(logarithm))).sum() / capacity - 1)

    spread = np.log(capacity / bytes_of.sum()), np.log(700.0)
    return float(np.exp(brentq(beyond, spread[0] - np.log(each.max()) - 1, spread[1] - np.log(each.min()), xtol=1e-13)))


def hits(capacity: float, rates: ArrayLike, sizes: ArrayLike = 1.0) -> NDArray[np.float64]:
    """The share of requests for each item that find it in the cache, shape (n,); arguments as of the other function.

    >>> [round(float(hit), 3) for hit in hits(1, [3.0, 1.0])]
    [0.682, 0.318]
    """
    each = np.asarray(rates, dtype=float)
    return np.asarray(-np.expm1(-each * characteristic_time(capacity, each, sizes)))


def hit_rate(capacity: float, rates: ArrayLike, sizes: ArrayLike = 1.0) -> float:
    """The share of all requests that find what they ask for; arguments as of the other function.

    >>> round(hit_rate(1, [3.0, 1.0]), 3)
    0.591
    """
    each = np.asarray(rates, dtype=float)
    return float((each * hits(capacity, each, sizes)).sum() / each.sum())
