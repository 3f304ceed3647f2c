"""What requests of one class meet in a group that they share: the queue is everybody's, prompt and answer its own."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steptime.model.waiting.first import PLACES, WEIGHTS, waits_at
from steptime.model.waiting.laws import Drawn, beyond
from steptime.model.waiting.pools import erlang, queue
from steptime.model.waiting.waits import Groups, Waits

Array = np.ndarray


@dataclass(frozen=True)
class Met:
    """Shares of late requests of a class whose prefills take ``own`` seconds, shape (m, p), and whose answers have
    ``output`` tokens, among requests that meet ``found``."""

    found: Waits
    own: Drawn
    output: Drawn

    def late_first(self, limit: Any) -> Array:
        """The share whose first token takes longer than ``limit`` seconds, or that find the group full."""
        found, late = self.found, np.zeros_like(self.found.rate)
        rest = np.broadcast_to(np.asarray(limit, dtype=float), late.shape)[:, None] - self.own.values
        for place, weight in zip(PLACES, WEIGHTS, strict=True):
            wait = waits_at(place, found.rate, found.groups.prefill, found.service.vacation)
            mean, varies, skew = (part[:, None] for part in wait)
            late += weight * (beyond(rest, (mean, varies, skew)) @ self.own.shares)
        return np.minimum(late + found.full, 1.0)

    def late_tokens(self, limit: Any) -> Array:
        """The share whose tokens take longer than ``limit`` seconds, the mean over all of a request."""
        groups = self.found.groups
        return replace(self.found, groups=Groups(groups.steps, groups.prefill, self.output)).late_tokens(limit)

    @property
    def first_token(self) -> Array:
        """Mean seconds to the first token."""
        return np.asarray(self.found.first_token - self.found.groups.prefill.moment(1) + self.own.moment(1))

    @property
    def token(self) -> Array:
        """Mean seconds for a token."""
        return np.asarray(self.found.token)


@dataclass(frozen=True)
class MetInPool:
    """The same where groups prefill alone: prompts of all classes, ``prefill``, come at ``rate`` a second."""

    rate: Array
    prefill: Drawn
    own: Drawn

    def late_first(self, limit: Any) -> Array:
        """The share whose prefill ends later than ``limit`` seconds after the prompt came."""
        busy = erlang(np.ones_like(self.rate), self.rate * self.prefill.moment(1))
        rest = np.broadcast_to(np.asarray(limit, dtype=float), self.rate.shape)[:, None] - self.own.values
        slope = (busy / queue(self.rate, self.prefill))[:, None]
        waiting = busy[:, None] * np.exp(-np.maximum(rest, 0.0) * slope)
        return np.asarray(np.where(rest < 0, 1.0, waiting) @ self.own.shares)

    @property
    def first_token(self) -> Array:
        """Mean seconds to the first token."""
        return np.asarray(queue(self.rate, self.prefill) + self.own.moment(1))
