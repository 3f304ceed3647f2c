"""How many sequences a group decodes at once, where requests come at random: the law of it, over time and over tokens.

A decode step with n sequences takes t(n), and every sequence gets one token: a processor that n share, at a speed that
depends on n. Prefills run between steps and take the share λ E t_p of the time; u is left. Requests join in clumps: all
that came during a step, and during the prefills of those before them.

- The law goes from n to n + 1 by the ratio (λ_b + δ μ(n)) / μ(n + 1). μ(n) = n/(G t(n)) requests leave per second of
  decode; λ_b = λ/(uB) clumps come, of geometric size, 1/(1 − δ) = B on average.
- Without prefills B = 1 and δ = 0: the product law, for any law of lengths. With them it is exact for exponential
  lengths and clumps that are geometric, and has the mean and the variance of others (``waits`` says which B).
- A group takes no more than its cap: with more the others wait, and the law goes on with μ(cap).
"""

from dataclasses import dataclass, fields

import numpy as np

from steptime.model.waiting.laws import Cumulants, Numbers, Rows, central

EVERY = 32
"""Up to so many in service each number is a node of its own."""

NODES_A_DEVIATION = 3.0
"""Beyond it nodes lie √n/3 apart: the law is no narrower than a Poisson law, whose deviation is √n."""


def nodes(cap: float) -> Numbers:
    """Numbers in service at which the law is worked out: 0, 1, 2 … and ever wider."""
    found = list(range(EVERY + 1))
    while found[-1] < cap:
        found.append(found[-1] + max(1, int(found[-1] ** 0.5 / NODES_A_DEVIATION)))
    return np.array(found, dtype=float)


@dataclass(frozen=True)
class Steps:
    """The decode steps of m groups at j nodes, arrays of shape (m, j): ``number`` in service, how many whole numbers a
    node stands for (``weight``), seconds of a step (``time``), none with nothing in service; between one node and the
    next, shape (m, j − 1), how far it is (``gap``), and tokens a second half a number ``below`` and ``above`` the
    middle. ``cap``, shape (m,): the most that a group takes; ``full``: seconds of a step with so many."""

    number: Numbers
    weight: Numbers
    time: Numbers
    gap: Numbers
    below: Numbers
    above: Numbers
    cap: Numbers
    full: Numbers

    @classmethod
    def of(cls, batch: Numbers, seconds: Numbers, cap: Numbers) -> "Steps":
        """``seconds``, shape (m, k), of a step at the numbers in service ``batch``, shape (k,), which rise from 1; in
        between a straight line."""
        number = np.minimum(nodes(cap.max())[None, :], cap[:, None])
        ends = np.concatenate([number[:, :1] - 1, number, number[:, -1:] + 1], axis=1)
        middle = (number[:, 1:] + number[:, :-1]) / 2
        return cls(
            number=number,
            weight=(ends[:, 2:] - ends[:, :-2]) / 2,
            time=np.where(number > 0, between(batch, seconds, number), 0.0),
            gap=np.diff(number, axis=1),
            below=np.maximum(middle - 0.5, 0) / between(batch, seconds, middle - 0.5),
            above=(middle + 0.5) / between(batch, seconds, middle + 0.5),
            cap=cap,
            full=between(batch, seconds, cap[:, None])[:, 0],
        )

    def rows(self, index: Rows) -> "Steps":
        """Some of the groups."""
        return Steps(*(getattr(self, field.name)[index] for field in fields(self)))


def between(batch: Numbers, seconds: Numbers, number: Numbers) -> Numbers:
    """Seconds of a step with ``number`` in service, shape (m, j); outside of ``batch`` as at its ends."""
    if len(batch) == 1:
        return np.broadcast_to(seconds, number.shape)
    inside = np.clip(number, batch[0], batch[-1])
    right = np.clip(np.searchsorted(batch, inside), 1, len(batch) - 1)
    part = (inside - batch[right - 1]) / (batch[right] - batch[right - 1])
    rows = np.arange(len(seconds))[:, None]
    return np.asarray(seconds[rows, right - 1] * (1 - part) + seconds[rows, right] * part)


@dataclass(frozen=True)
class Service:
    """What is in service at a rate of requests, of m groups, arrays of shape (m,).

    ``full``: the chance that a request finds as many as the group takes, and waits. ``vacation``: mean, variance and
    third cumulant over time of the seconds of a step, none where nothing is in service. ``token``: those over tokens,
    of the step that made one. ``law``, shape (m, j): the share of time, prefills left out, that each node stands for.
    """

    full: Numbers
    law: Numbers
    vacation: Cumulants
    token: Cumulants


def service(steps: Steps, tokens: Numbers, rate: Numbers, left: Numbers, clump: Numbers) -> Service:
    """The law of the number in service, by its moments.

    ``tokens`` G of a request, ``rate`` λ of requests a second, ``left`` u the share of time that is left to decode,
    ``clump`` B; shapes (m,). The rate must be below what the group can do.
    """
    clumps, joins = (rate * tokens / (left * clump))[:, None], (1 - 1 / clump)[:, None]
    rise = steps.gap * np.log((clumps + joins * steps.below) / steps.above)
    height = np.concatenate([np.zeros_like(clumps), np.cumsum(rise, axis=1)], axis=1)
    height = np.exp(height - height.max(axis=1, keepdims=True))
    more = (clumps * (steps.full / steps.cap)[:, None] + joins)[:, 0]
    waiting = height[:, -1] / (1 - more)
    law = height * steps.weight
    law[:, -1] += waiting * more
    total = law.sum(axis=1)
    made = law * steps.number / np.where(steps.number > 0, steps.time, 1.0)
    powers = (steps.time, steps.time**2, steps.time**3)
    return Service(
        full=waiting / total,
        law=law / total[:, None],
        vacation=central(*((law * power).sum(axis=1) / total for power in powers)),
        token=central(*((made * power).sum(axis=1) / made.sum(axis=1) for power in powers)),
    )


def crowding(steps: Steps, tokens: Numbers, rate: Numbers, left: Numbers) -> tuple[Numbers, Numbers]:
    """At the number in service at which as many requests leave as come: the share of a step that grows with it,
    n t'(n)/t(n), which is ρ of a step affine in n; and the seconds t'(n) that one more adds. Shapes (m,)."""
    come = rate * tokens / left
    speed = np.where(steps.number > 0, steps.number / np.where(steps.number > 0, steps.time, 1.0), 0.0)
    here = np.clip((speed < come[:, None]).sum(axis=1), 1, steps.gap.shape[1] - 1)[:, None]
    one, other, gap = (
        np.take_along_axis(part, at, axis=1)[:, 0]
        for part, at in ((steps.time, here), (steps.time, here + 1), (steps.gap, here))
    )
    slope = np.where(gap > 0, (other - one) / np.where(gap > 0, gap, 1.0), 0.0)
    return np.clip(slope * come, 0.0, 1.0), slope
