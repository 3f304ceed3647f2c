"""Pools: several groups that prefill alone, one prompt at a time, with one queue before all of them.

A queue of c servers with general arrivals and times, by Allen and Cunneen's approximation: the wait of a queue with
exponential ones, times half the sum of both squared coefficients of variation. Who waits at all is Erlang's C. Exact
where both are exponential, and for one server with a Poisson stream.
"""

from typing import Any

import numpy as np
from scipy import special

from steptime.model.errors import UserError
from steptime.model.waiting.laws import Drawn, Numbers, Rows
from steptime.model.waiting.rising import largest


def erlang(servers: Numbers, offered: Numbers) -> Numbers:
    """Erlang's C: the chance that all ``servers`` c are busy, for ``offered`` work a = λ E t_p below c.

    C = B/(1 − (1 − B) a/c), with Erlang's B = a^c/c! over its sum, an incomplete gamma function, so that a thousand
    servers are as cheap as one. Source: Erlang 1917; Jagerman, Bell System Technical Journal 53 (1974).

    >>> float(erlang(np.array(1.0), np.array(0.3))), round(float(erlang(np.array(2.0), np.array(1.0))), 6)
    (0.3, 0.333333)
    """
    height = servers * np.log(offered) - offered - special.gammaln(servers + 1)
    lost = np.exp(height) / special.gammaincc(servers + 1, offered)
    return np.asarray(lost / (1 - (1 - lost) * offered / servers))


def late_prefill(limit: Any, rate: Any, prefill: Drawn, servers: Any = 1, arrivals: float = 1.0) -> Numbers:
    """The share of prompts whose prefill ends later than ``limit`` seconds after they came, shape (m,).

    ``rate`` λ of the whole pool, (m,); seconds of a ``prefill``, (m, p); ``servers`` c, (m,) or one number;
    ``arrivals``: squared coefficient of variation of the times between arrivals, 1 of a Poisson stream. Who waits does
    so for an exponential time, an approximation that is exact for exponential prefills; the own prefill is as drawn.
    Raises UserError where the pool cannot do the rate.
    """
    speed, count, mean, shape = _pool(rate, prefill, servers, arrivals)
    rest = np.broadcast_to(np.asarray(limit, dtype=float), mean.shape)[:, None] - prefill.values
    ends = np.exp(-np.maximum(rest, 0.0) * ((count / mean - speed) / shape)[:, None])
    waits = erlang(count, speed * mean)[:, None] * ends
    return np.asarray(np.where(rest < 0, 1.0, waits) @ prefill.shares)


def queue(rate: Any, prefill: Drawn, servers: Any = 1, arrivals: float = 1.0) -> Numbers:
    """Mean seconds until a prefill begins, (m,): C/(c/E t_p − λ) · (c_a² + c_s²)/2. Arguments as of `late_prefill`."""
    speed, count, mean, shape = _pool(rate, prefill, servers, arrivals)
    return np.asarray(erlang(count, speed * mean) / (count / mean - speed) * shape)


def _pool(rate: Any, prefill: Drawn, servers: Any, arrivals: float) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Rate, servers, mean prefill, and the half sum of both squared coefficients of variation, each (m,)."""
    mean = prefill.moment(1)
    speed, count = (np.broadcast_to(np.asarray(one, dtype=float), mean.shape) for one in (rate, servers))
    if not ((speed > 0) & (speed * mean < count) & (count >= 1)).all():
        raise UserError("a rate of requests is above zero, and below what a pool can do")
    return speed, count, mean, (arrivals + prefill.spread) / 2


def admissible_prefill(prefill: Drawn, *, max_ttft: Any, percentile: float, servers: Any = 1) -> Numbers:
    """The largest rate of a Poisson stream that each pool of ``servers`` groups takes, with ``percentile`` percent of
    prefills over ``max_ttft`` seconds after the prompt came: requests a second of the whole pool, shape (m,).

    Seconds of a ``prefill``, values of shape (m, p); ``max_ttft`` and ``servers``, (m,) or one number. 0 where a prompt
    alone takes too long. A number of groups that share one queue takes more than as many alone: economies of pooling.

    >>> prompts = Drawn(np.array([[0.05, 0.2]]), np.array([0.8, 0.2]))
    >>> [round(float(admissible_prefill(prompts, max_ttft=0.5, percentile=95, servers=c)[0]) / c, 1) for c in (1, 8)]
    [7.7, 11.8]
    """
    mean = prefill.moment(1)
    if not 50 <= percentile < 100:
        raise UserError(f"`percentile` is from 50 on and below 100, not {percentile:g}")
    count, limit = (np.broadcast_to(np.asarray(one, dtype=float), mean.shape) for one in (servers, max_ttft))
    most = count / mean

    def too_many(used: Numbers, index: Rows) -> Numbers:
        some = prefill.rows(index)
        return late_prefill(limit[index], used * most[index], some, count[index]) - (1 - percentile / 100)

    return largest(too_many, len(mean)) * most
