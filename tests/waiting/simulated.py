"""A group of chips that serves requests, event by event, written from what happens and without any formula of it.

Requests come at random and queue. Between two decode steps all that wait are prefilled one after another, in the order
in which they came, as far as there are places; those that come meanwhile wait for the next step to end. Then one step
gives a token to every sequence in service.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Served:
    """Of every request seconds to its first token, seconds between two tokens on average, its tokens; and whether it
    came when all places were taken. ``held``: seconds of decode steps by how many were in them, idle ones too."""

    first: Array
    pace: Array
    tokens: Array
    full: NDArray[np.bool_]
    held: dict[int, float]

    def settled(self, part: int = 20) -> "Served":
        """Without the first and the last twentieth: the queue begins and ends empty."""
        inner = slice(len(self.first) // part, -(len(self.first) // part))
        return Served(self.first[inner], self.pace[inner], self.tokens[inner], self.full[inner], self.held)


def served(
    rate: float, prefills: Array, lengths: Array, step: Callable[[int], float], seed: int, places: int = 10**9
) -> Served:
    """Every request of a stream, with its prefill in seconds and its length in tokens."""
    count = len(prefills)
    gaps = np.random.default_rng(seed).exponential(1.0, count)
    come = (np.cumsum(gaps) / gaps.mean() / rate).tolist()  # the rate of this very stream is as asked
    come.append(float("inf"))
    work, left = prefills.tolist(), lengths.astype(int).tolist()
    first, last, full = np.empty(count), np.empty(count), np.zeros(count, dtype=bool)
    seconds: dict[int, float] = {}
    ends: dict[int, list[int]] = {}
    held: dict[int, float] = {}
    now, steps, inside, begun, seen = 0.0, 0, 0, 0, 0
    while begun < count or inside:
        if not inside:
            held[0] = held.get(0, 0.0) + max(come[begun] - now, 0.0)
            now = max(now, come[begun])
        while come[seen] <= now:
            full[seen] = inside + seen - begun >= places
            seen += 1
        gate = now
        while come[begun] <= gate and inside < places:
            now += work[begun]
            first[begun] = now
            ends.setdefault(steps + left[begun], []).append(begun)
            inside, begun = inside + 1, begun + 1
        if inside not in seconds:
            seconds[inside] = step(inside)
        now, steps = now + seconds[inside], steps + 1
        held[inside] = held.get(inside, 0.0) + seconds[inside]
        for one in ends.pop(steps, ()):
            last[one] = now
            inside -= 1
    return Served(first - np.array(come[:-1]), (last - first) / lengths, lengths, full, held)


def pooled(rate: float, prefills: Array, groups: int, seed: int) -> Array:
    """Seconds from arrival to the end of the prefill, of several groups that take from one queue in order."""
    import heapq

    gaps = np.random.default_rng(seed).exponential(1.0, len(prefills))
    come = (np.cumsum(gaps) / gaps.mean() / rate).tolist()
    free, done = [0.0] * groups, np.empty(len(prefills))
    for place, work in enumerate(prefills.tolist()):
        end = max(heapq.heappop(free), come[place]) + work
        heapq.heappush(free, end)
        done[place] = end - come[place]
    return done
