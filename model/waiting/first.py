"""How long a first token takes: a queue of prefills that waits for the step in progress, then runs whole.

M/G/1 with gated vacations, the vacation a decode step V: prefills that came before the last step ended run one after
another; those that come meanwhile wait for the next step to end. The wait until a prefill begins is the sum of three
independent ones (Fuhrmann & Cooper 1985; Takagi 1991): that of M/G/1 without vacations, what is left of a step, and
the prefills of a cycle C = V + prefills. Cumulants of each add. V is that of the number in service, which changes
little during one cycle.
"""

import numpy as np

from steptime.model.waiting.laws import Cumulants, Drawn, Numbers, beyond, central

_points, _weights = np.polynomial.legendre.leggauss(6)
PLACES: Numbers = (_points + 1) / 2
WEIGHTS: Numbers = _weights / 2
"""What is left of a step is any part of it alike: six parts stand for all, and all else is known by its cumulants."""

TINY = 1e-12
"""A chance beside which another one is nought."""


def waits_at(place: float, rate: Numbers, prefill: Drawn, vacation: Cumulants) -> Cumulants:
    """Mean, variance and third cumulant of the wait until a prefill begins, of those who find ``place`` of a step left.

    ``rate`` λ, shape (m,); seconds of a ``prefill``, (m, p); cumulants of the ``vacation`` over time, (m,).
    """
    mean, varies, skew = vacation
    one, two, three, four = (rate * prefill.moment(order) for order in (1, 2, 3, 4))
    left = 1 - one
    alone = two / (2 * left)
    square = three / (3 * left) + 2 * alone**2
    cube = four / (4 * left) + alone * three / left + 3 * square * alone
    first, second, third = central(alone, square, cube)
    slope = one / left + place
    curve = two / (left * (1 - one**2))
    bend = (three / left + 3 * one * two * curve) / (1 - one**3)
    return (
        first + slope * mean,
        second + curve * mean + slope**2 * varies,
        third + bend * mean + 3 * slope * curve * varies + slope**3 * skew,
    )


def nobody_before(rate: Numbers, prefill: Drawn, vacation: Cumulants) -> Numbers:
    """The chance that a request waits for no other prefill, (m,): none runs, and none came in its cycle before.

    Of a cycle without arrivals x = E e^(−λC), C a step and the prefills of the one before: one prefill for any number.
    """
    quiet = np.exp(-rate * vacation[0])
    one = np.exp(-rate[:, None] * prefill.values) @ prefill.shares
    return np.asarray((1 - rate * prefill.moment(1)) * quiet * one / (1 - quiet * (1 - one)))


def raw(law: Cumulants) -> Numbers:
    """First three moments of a law, shape (3, …)."""
    mean, variance, third = law
    return np.array([mean, variance + mean**2, third + 3 * mean * variance + mean**3])


def first_token(rate: Numbers, prefill: Drawn, vacation: Cumulants) -> Cumulants:
    """Mean, variance and third cumulant of the seconds from a request's arrival to the end of its prefill, (m,)."""
    parts = zip(PLACES, WEIGHTS, strict=True)
    wait = central(*sum(weight * raw(waits_at(place, rate, prefill, vacation)) for place, weight in parts))
    own = prefill.cumulants
    return wait[0] + own[0], wait[1] + own[1], wait[2] + own[2]


def late_first(limit: Numbers, rate: Numbers, prefill: Drawn, vacation: Cumulants) -> Numbers:
    """The share of first tokens that take longer than ``limit``, (m,).

    The own prefill, the place in the step, and whether there is another prefill to wait for are as they are drawn; the
    rest is known by its cumulants.
    """
    late = np.zeros_like(rate)
    rest = limit[:, None] - prefill.values
    free = nobody_before(rate, prefill, vacation)
    for place, weight in zip(PLACES, WEIGHTS, strict=True):
        step = tuple(part * place**power for power, part in enumerate(vacation, 1))
        every = raw(waits_at(place, rate, prefill, vacation))
        behind = central(*((every - free * raw(step)) / np.maximum(1 - free, TINY)))
        for law, share in ((step, free), (behind, 1 - free)):
            late += weight * share * (beyond(rest, tuple(part[:, None] for part in law)) @ prefill.shares)
    return late
