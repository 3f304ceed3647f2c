"""What requests meet in a group of chips at a rate: how many are in flight, how long first tokens and tokens take."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from steptime.model.errors import UserError
from steptime.model.waiting import first
from steptime.model.waiting.laws import Cumulants, Drawn, Numbers, Rows, beyond
from steptime.model.waiting.shared import Service, Steps, crowding, service


@dataclass(frozen=True)
class Groups:
    """m groups of chips, each alone with requests of one class that come at random (a Poisson stream).

    ``steps``: their decode steps. ``prefill``: seconds of the prefill of each prompt, values of shape (m, p) with
    shares (p,), what a cache holds taken off; zeros where others prefill. ``output``: tokens that a request decodes,
    (q,) with shares (q,), independent of its prompt. Build it with ``of``.
    """

    steps: Steps
    prefill: Drawn
    output: Drawn

    @classmethod
    def of(
        cls, batch: Any, seconds: Any, prefill: Any, output: Any, *, prompt_shares: Any = (1.0,),
        output_shares: Any = (1.0,), cap: Any = None,
    ) -> "Groups":  # fmt: skip
        """From lists or arrays.

        - ``batch``, shape (k,): numbers in service, from 1 on and rising; ``seconds``, (m, k): a decode step at each;
          in between a straight line. A step that is affine needs two numbers, a bound with kinks more.
        - ``prefill``, (m, p) or (p,): seconds; ``prompt_shares``, (p,).
        - ``output``, (q,) or one number: tokens decoded, at least one; ``output_shares``, (q,).
        - ``cap``, (m,) or one number: the most sequences that a group takes, by memory or by choice, at most the last
          of ``batch``, which it is where none is given. Those beyond it wait for a place.

        Raises UserError on shapes that do not agree, on seconds or shares that are none.
        """
        numbers = np.atleast_1d(np.asarray(batch, dtype=float))
        times = np.atleast_2d(np.asarray(seconds, dtype=float))
        most = np.broadcast_to(np.asarray(numbers[-1] if cap is None else cap, dtype=float), times.shape[:1])
        asked = np.atleast_2d(np.asarray(prefill, dtype=float))
        if times.shape[1] != len(numbers) or numbers[0] != 1 or not (np.diff(numbers) > 0).all():
            raise UserError("`batch` rises from 1, and each of its numbers has a step of each group")
        if not (np.isfinite(times).all() and (times > 0).all()):
            raise UserError("steps take a positive number of seconds")
        if not ((most >= 1) & (most <= numbers[-1]) & (most == np.floor(most))).all():
            raise UserError("`cap` is a whole number from 1 to the last of `batch`")
        if len(asked) not in (1, len(times)):
            raise UserError(f"prefills of {len(asked)} groups and steps of {len(times)}")
        asked = np.broadcast_to(asked, (len(times), asked.shape[1]))
        lengths = Drawn.of(output, output_shares)
        if not (lengths.values >= 1).all():
            raise UserError("a request decodes at least one token")
        shares = np.atleast_1d(np.asarray(prompt_shares, dtype=float))
        return cls(Steps.of(numbers, times, most), Drawn(asked, shares), lengths)

    @property
    def most(self) -> Numbers:
        """Requests a second at which each would always be full, and its queue grow without bound, shape (m,)."""
        return np.asarray(1 / (self.prefill.moment(1) + self.output.moment(1) * self.steps.full / self.steps.cap))

    def rows(self, index: Rows) -> "Groups":
        """Some of the groups."""
        return Groups(self.steps.rows(index), self.prefill.rows(index), self.output)


@dataclass(frozen=True)
class Waits:
    """What requests meet at a rate, arrays of shape (m,).

    ``rate``: requests a second. ``left`` u = 1 − λ E t_p: the share of time that prefills leave to decode. ``clump`` B:
    requests that join the decode at once. ``in_flight``: sequences between first and last token, on average. ``full``:
    the chance that a request finds as many as the group takes. ``first_token``: mean seconds from arrival to the end of
    the prefill, of those who do not; ``token``: mean seconds between two tokens, prefills of others included.
    ``used``: the rate over that at which the group is always full. ``mates``: seconds that those of its clump would add
    to a step of a request if they all stayed.
    """

    groups: Groups
    rate: Numbers
    left: Numbers
    clump: Numbers
    service: Service
    first: Cumulants
    mates: Numbers

    @property
    def full(self) -> Numbers:
        return self.service.full

    @property
    def used(self) -> Numbers:
        return self.rate / self.groups.most

    @property
    def first_token(self) -> Numbers:
        return self.first[0]

    @property
    def token(self) -> Numbers:
        output = self.groups.output
        return np.asarray(self.pace()[0] @ (output.values * output.shares) / output.moment(1))

    @property
    def in_flight(self) -> Numbers:
        return np.asarray(self.rate * self.groups.output.moment(1) * self.token)

    def in_service_at(self, share: float) -> Numbers:
        """The number that decodes at once which is not exceeded for ``share`` of the time, prefills left out, (m,)."""
        place = (self.service.law.cumsum(axis=1) < share).sum(axis=1, keepdims=True)
        number = self.groups.steps.number
        return np.take_along_axis(number, np.minimum(place, number.shape[1] - 1), axis=1)[:, 0]

    def late_first(self, limit: Any) -> Numbers:
        """The share of requests whose first token takes longer than ``limit`` seconds, or that find the group full. By
        cumulants: where few requests come it may fall by two in a hundred, seldom, as the rate rises."""
        late = first.late_first(self._each(limit), self.rate, self.groups.prefill, self.service.vacation)
        return np.minimum(late + self.full, 1.0)

    def late_tokens(self, limit: Any) -> Numbers:
        """The share of requests whose mean time between two tokens, over all of their tokens, exceeds ``limit``."""
        return np.asarray(beyond(self._each(limit)[:, None], self.pace()) @ self.groups.output.shares)

    def pace(self) -> Cumulants:
        """Mean, variance and third cumulant of the mean seconds between tokens of one request, each (m, q).

        The G steps of a request take D = G t(n), n what a token sees: more for a short one, which stays with all of its
        clump, by the mates that it meets beyond those of a mean token. F is the time to its first token, t a step. From
        the end of its prefill to its last token run D and the prefills of those who came up to the last step but one:
        with F − t before it a delay busy period of M/G/1, which begins with the work D + F − t.
        """
        output, left = self.groups.output, self.left[:, None]
        length = output.values
        step, varies, skew = (part[:, None] for part in self.service.token)
        came, came_varies, came_skew = (part[:, None] for part in self.first)
        one, two, three = ((self.rate * self.groups.prefill.moment(order))[:, None] for order in (1, 2, 3))
        with_mates = (np.minimum(length[:, None], length) @ output.shares) / length - output.lesser
        decode = length * (step + self.mates[:, None] * with_mates)
        begun = decode + came - step
        spread = begun * two / left**3 + (one / left) ** 2 * came_varies
        bent = begun * (three / left**4 + 3 * two**2 / left**5) + (one / left) ** 3 * came_skew
        return (
            (begun / left - came + step) / length,
            spread / length**2 + varies / left**2,
            bent / length**3 + skew / left**3,
        )

    def _each(self, limit: Any) -> Numbers:
        return np.broadcast_to(np.asarray(limit, dtype=float), self.rate.shape)


def waits(groups: Groups, rate: Any) -> Waits:
    """What requests meet at ``rate`` requests a second, shape (m,) or one number, below ``groups.most``.

    Requests join in clumps: of second moment over mean c² = (1 + λ² Var t_p)/u², as those of a delay busy period of
    prefills. B = 1 + (c² − 1)h, where h says how long those of a clump stay together: E min(G, G')/E G where a step
    does not depend on how many share it, (E G)²/E G² where it is in proportion; in between by the part that is.

    Range of validity, compared with simulation in tests/waiting for fixed, exponential, two-point and heavy laws: means
    within 10 % and 99th percentiles within 15 %, up to a load λ(E t_p + G t₁) of 90 %, where prefills are at most 30 %
    of it, or half of it and the constant part of a step is worth 30 sequences or more. Beyond, with few sequences in
    flight and prompts of which one in ten takes as long as many steps, the 99th percentile that ``late_tokens`` gives
    is up to 30 % too low. Sequences in service are taken to change little within a request's life and many steps to
    fit in it; prompts and answers of a request to be independent.

    Raises UserError where a rate is not below what the group can do.
    """
    speed = np.broadcast_to(np.asarray(rate, dtype=float), groups.most.shape)
    if not ((speed > 0) & (speed < groups.most)).all():
        raise UserError("a rate of requests is above zero, and below what a group can do")
    mean, variance, _ = groups.prefill.cumulants
    tokens, output = groups.output.moment(1), groups.output
    left = 1 - speed * mean
    crowd, slope = crowding(groups.steps, tokens, speed, left)
    more = (1 + speed**2 * variance) / left**2 - 1
    clump = 1 + more * ((1 - crowd) * output.lesser + crowd / (1 + output.spread))
    served = service(groups.steps, tokens, speed, left, clump)
    firsts = first.first_token(speed, groups.prefill, served.vacation)
    return Waits(groups, speed, left, clump, served, firsts, slope * more)
