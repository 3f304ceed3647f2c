"""The largest rate at which something that rises with it is still not above zero, of many queues at once."""

from collections.abc import Callable

import numpy as np

from steptime.model.waiting.laws import Numbers, Rows

LEAST = 1e-6
"""The least rate that is looked at, as a share of the largest: a limit that fails there fails alone."""

MOST = 1 - 1e-6
"""The largest, as a share of the rate at which the queue grows without bound."""

CLOSE = 1e-5
"""How closely a rate is found, as a share of the largest."""


def largest(rises: Callable[[Numbers, Rows], Numbers], count: int) -> Numbers:
    """Of ``count`` queues, shares of the rate at which each grows without bound, shape (m,).

    ``rises``, of shares (k,) and the numbers (k,) of the queues that they belong to, is not positive up to the answer,
    and positive beyond it. 0 where it is positive from the start, ``MOST`` where it never is. Roots are bracketed and
    all found together (Chandrupatla's method, ``scipy.optimize.elementwise``); the answer is the end of the last
    bracket at which the limits hold.

    >>> largest(lambda used, queue: used - np.array([0.25, -1.0, 2.0])[queue], 3).round(4).tolist()
    [0.25, 0.0, 1.0]
    """
    from scipy.optimize import elementwise

    every = np.arange(count)
    found = np.where(rises(np.full(count, LEAST), every) > 0, 0.0, MOST)
    between = every[found > 0]
    between = between[rises(found[between], between) > 0]
    if len(between):
        ends = (np.full(len(between), LEAST), np.full(len(between), MOST))
        root = elementwise.find_root(rises, ends, args=(between,), tolerances={"xatol": CLOSE / 2, "xrtol": 0.0})
        found[between] = np.asarray(root.bracket[0])
    return found
