"""The largest rate of requests of a group at which a percentile of first tokens and of tokens stays within limits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steptime.model.errors import UserError
from steptime.model.waiting.laws import Numbers, Rows
from steptime.model.waiting.rising import LEAST, MOST, largest
from steptime.model.waiting.waits import Groups, Waits, waits


@dataclass(frozen=True)
class Admissible:
    """Answer of ``admissible``, arrays of shape (m,).

    ``rate``: the largest, requests a second; 0 where a request alone misses a limit. ``at``: what requests meet there
    (at the least rate looked at, where it is 0). ``bound_by``: "ttft", "tpot", "full" where those who find the group
    full are most of the late ones, "rate" where no limit binds before the group is always full.
    """

    rate: Numbers
    at: Waits
    bound_by: NDArray[np.str_]


def admissible(groups: Groups, *, max_ttft: Any = np.inf, max_tpot: Any = np.inf, percentile: float) -> Admissible:
    """The largest rate of each group at which limits hold for so many percent of its requests.

    ``max_ttft``: seconds from a request's arrival to its first token, the end of its prefill. ``max_tpot``: seconds
    between two tokens of a request, its mean over all of them. Each shape (m,) or one number, infinite where there is
    none; each holds for ``percentile`` percent of requests, from 50 on and below 100. Who finds the group full counts
    as late for the first token: no wait for a place is then ever within a limit. Without a limit on the first token
    they just wait.

    Both shares of late requests rise with the rate, so one bracketed root a group is all of them. Thousands of groups
    cost a second or less. Raises UserError on a percentile or a limit that is none.

    >>> group = Groups.of([1, 256], [[0.0201, 0.0456]], [0.080], 300)
    >>> found = admissible(group, max_ttft=1.0, max_tpot=0.040, percentile=95)
    >>> round(float(found.rate[0]), 1), str(found.bound_by[0]), round(float(found.at.left[0]), 2)
    (3.8, 'tpot', 0.69)
    """
    if not 50 <= percentile < 100:
        raise UserError(f"`percentile` is from 50 on and below 100, not {percentile:g}: only tails are known")
    firsts = np.broadcast_to(np.asarray(max_ttft, dtype=float), groups.most.shape)
    tokens = np.broadcast_to(np.asarray(max_tpot, dtype=float), groups.most.shape)
    if not ((firsts > 0) & (tokens > 0)).all():
        raise UserError("limits of time are above zero")
    allowed = 1 - percentile / 100

    def too_many(used: Numbers, index: Rows) -> Numbers:
        some = groups.rows(index)
        late = np.maximum(*_late(waits(some, used * some.most), firsts[index], tokens[index]))
        return np.asarray(late - allowed)

    used = largest(too_many, len(groups.most))
    at = waits(groups, np.maximum(used, LEAST) * groups.most)
    return Admissible(used * groups.most, at, _bound_by(at, used, firsts, tokens))


def _late(found: Waits, firsts: Numbers, tokens: Numbers) -> tuple[Numbers, Numbers]:
    """The shares of requests that miss either limit; one that is infinite is never missed."""
    return (
        np.where(np.isinf(firsts), 0.0, found.late_first(np.where(np.isinf(firsts), 1.0, firsts))),
        np.where(np.isinf(tokens), 0.0, found.late_tokens(np.where(np.isinf(tokens), 1.0, tokens))),
    )


def _bound_by(at: Waits, used: Numbers, firsts: Numbers, tokens: Numbers) -> NDArray[np.str_]:
    first, token = _late(at, firsts, tokens)
    named = np.where(token > first, "tpot", np.where(2 * at.full > first, "full", "ttft"))
    return np.asarray(np.where(used >= MOST, "rate", named))
