"""Minimum efficient scale: the traffic below which a group's best batch is never filled."""

import numpy as np

from steptime.model.waiting.laws import Numbers, Rows
from steptime.model.waiting.rising import MOST, largest
from steptime.model.waiting.waits import Groups, waits


def efficient_rate(groups: Groups, batch: Numbers) -> Numbers:
    """Requests a second, shape (m,), at which ``batch`` sequences, (m,), are in flight on average: with fewer requests
    a group's weights are read for fewer of them, whatever it could hold. Times the tokens of a request it is the
    minimum efficient scale in tokens a second.

    Infinite where so many are never in flight before the group is always full. In closed form, for a step that is
    affine and prefills elsewhere, ``minimum-efficient-scale`` among the derivations.

    >>> group = Groups.of([1, 512], [[0.0201, 0.0712]], 0.0, 300)
    >>> rate = efficient_rate(group, np.array([128.0]))
    >>> bool(abs(300 * rate[0] - 128 / (0.02 + 0.0001 * 129)) < 5)
    True
    """

    def not_yet(used: Numbers, index: Rows) -> Numbers:
        some = groups.rows(index)
        return np.asarray(waits(some, used * some.most).in_flight - batch[index])

    used = largest(not_yet, len(groups.most))
    return np.asarray(np.where(used < MOST, used * groups.most, np.inf))
