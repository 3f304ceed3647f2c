"""Chapter 9, serving: hits of caches of prefixes, as published, beside what is proved of them."""

import math
import random
from collections import OrderedDict
from functools import cache, partial

from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.serving.prefix_cache import MOONCAKE, alike, gain, kept, ranked
from steptime.model.economics.prefixes import hit_rate
from steptime.model.scenario import Scenario

from steptime.derivations.serving.symbols import (  # isort: skip
    fall_off, other_store, prefill_part, prefix_hits, prefix_store,
)  # fmt: skip

DEEPSEEK = "DeepSeek-AI 2025, DeepSeek-V3/R1 Inference System Overview: 342 of 608 billion input tokens"
SMALL, LARGER = (1_000, 0.30), (10_000, 0.40)
"""Two caches of blocks and their hits, of which the power is taken."""


def published(blocks: int) -> float:
    """The hits of a cache of so many blocks, from those of two smaller ones."""
    one, other = SMALL, LARGER
    power = math.log(other[1] / one[1]) / math.log(other[0] / one[0])
    values = {fall_off: 1 - power, prefix_store: float(blocks), other_store: float(one[0])}
    return one[1] * float(Scenario(values).evaluate(ranked.result.rhs))


def served(hit: float, part: float) -> float:
    """What such hits gain where so much of the work is prefill."""
    return float(Scenario({**kept(), prefix_hits: hit, prefill_part: part}).evaluate(gain.result.rhs))


@cache
def least_recently_used(items: int, room: int, exponent: float, asked: int = 40_000) -> float:
    """The hit rate of a cache that throws out what was used longest ago, request by request, once it is warm."""
    source, there = random.Random(items), OrderedDict[int, None]()
    weights = [1 / rank**exponent for rank in range(1, items + 1)]
    found = 0
    for turn, item in enumerate(source.choices(range(items), weights, k=2 * asked)):
        found += item in there and turn >= asked
        there[item] = None
        there.move_to_end(item)
        if len(there) > room:
            there.popitem(last=False)
    return found / asked


def by_che(items: int, room: int, exponent: float) -> float:
    """The same by the characteristic time, over what was counted."""
    rates = [1 / rank**exponent for rank in range(1, items + 1)]
    return hit_rate(room, rates) / least_recently_used(items, room, exponent)


def _inputs() -> dict[str, float | str]:
    return {"hits of 1,000 and 10,000 blocks": f"{SMALL[1]}, {LARGER[1]}"}


def _chosen(items: int, room: int, exponent: float) -> dict[str, float | str]:
    return {"prefixes": float(items), "room": float(room), fall_off.name: exponent}


DERIVATIONS = ()
CLAIMS = (
    *(
        Claim("9.10", f"Hits of a cache of {blocks:,} blocks, from those of 1,000 and 10,000 ({MOONCAKE})", said,
              partial(published, blocks), _inputs, source=Source.PAPER, wording=Wording.ABOUT)
        for blocks, said in ((30_000, 0.48), (50_000, 0.50))
    ),
    Claim("9.10", f"Share of input tokens found in a cache ({DEEPSEEK})", 0.563, lambda: 342 / 608,
          lambda: {"tokens": "342e9 of 608e9"}, source=Source.PAPER),
    Claim("9.10", "Requests a second that such hits gain where prefill is all the work: more than double", None,
          partial(served, 342 / 608, 1.0), lambda: {prefix_hits.name: 342 / 608}, source=Source.OWN,
          must=lambda value: abs(value - 608 / 266) < 1e-9),
    Claim("9.10", "A thousand prefixes alike, half of them kept: hits of the closed form less those by the root", None,
          lambda: alike.evaluate() - hit_rate(500, [1 / 60] * 1000), _inputs, source=Source.OWN,
          must=lambda value: abs(value) < 1e-9),
    *(
        Claim("9.10", f"{items} items, {room} kept, popularity by the power {exponent} of the rank: hits by the "
              "characteristic time over those counted one by one", None, partial(by_che, items, room, exponent),
              partial(_chosen, items, room, exponent), source=Source.OWN, must=lambda value: abs(value - 1) < 0.05)
        for items, room, exponent in ((1000, 100, 0.8), (1000, 500, 0.0), (2000, 50, 1.1))
    ),
)  # fmt: skip
