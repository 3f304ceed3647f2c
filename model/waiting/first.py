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


def first_token(rate: Numbers, prefill: Drawn, vacation: Cumulants) -> Cumulants:
    """Mean, variance and third cumulant of the seconds from a request's arrival to the end of its prefill, (m,)."""
    moments = np.zeros((3, *rate.shape))
    for place, weight in zip(PLACES, WEIGHTS, strict=True):
        mean, variance, third = waits_at(place, rate, prefill, vacation)
        moments += weight * np.array([mean, variance + mean**2, third + 3 * mean * variance + mean**3])
    wait, own = central(*moments), prefill.cumulants
    return wait[0] + own[0], wait[1] + own[1], wait[2] + own[2]


def late_first(limit: Numbers, rate: Numbers, prefill: Drawn, vacation: Cumulants) -> Numbers:
    """The share of first tokens that take longer than ``limit``, (m,): the own prefill and the place in the step as
    they are drawn, the rest by its cumulants."""
    late = np.zeros_like(rate)
    for place, weight in zip(PLACES, WEIGHTS, strict=True):
        mean, variance, third = waits_at(place, rate, prefill, vacation)
        rest = (mean[:, None], variance[:, None], third[:, None])
        late += weight * (beyond(limit[:, None] - prefill.values, rest) @ prefill.shares)
    return late
