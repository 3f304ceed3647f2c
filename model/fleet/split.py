"""Prefill and decode on chips of their own: how many of each, and what handing over the caches takes.

Source: Zhong et al. 2024, DistServe (arXiv 2401.09670) and Patel et al. 2024, Splitwise (arXiv 2311.18677) for the
split; layer by layer as in Qin et al. 2025, Mooncake (arXiv 2407.00079).
"""

from fractions import Fraction

from sympy import Max, Min

from steptime.model.errors import UserError
from steptime.model.symbols import kv_bytes, layers, prompt

from steptime.model.fleet.symbols import (  # isort: skip
    decode_chips, decode_load, decode_work, hand_bandwidth, prefill_chips, prefill_load, prefill_work, prompt_time,
)  # fmt: skip

MOST = 4096
"""Twice as many groups of both phases are tried for a whole ratio."""

prefill_serves = prefill_chips * prefill_load / prefill_work
decode_serves = decode_chips * decode_load / decode_work
served = Min(prefill_serves, decode_serves, evaluate=False)
"""Requests per second of both phases: the slower one sets the pace."""

balanced = prefill_work * decode_load / (decode_work * prefill_load)
"""Chips that prefill over chips that decode at which neither waits; with fewer, prefill binds."""

interval = Max(
    prefill_work / (prefill_load * prefill_chips), decode_work / (decode_load * decode_chips), evaluate=False
)
"""Time between two requests that are served: one over their rate."""

links_serve = prefill_chips * hand_bandwidth / (kv_bytes * prompt)
"""Requests per second whose caches the links of the chips that prefill hand over."""

best_of_all = (prefill_chips + decode_chips) / (prefill_work / prefill_load + decode_work / decode_load)
"""Requests per second that as many chips serve at the best ratio."""

handing_time = kv_bytes * prompt / hand_bandwidth
handed_over = prompt_time / layers + handing_time / layers + (layers - 1) * Max(prompt_time, handing_time) / layers
"""When the last layer's cache has arrived: each is sent once it is computed and the one before is sent."""


def whole_ratio(ratio: float, tolerance: float) -> tuple[int, int]:
    """The smallest whole numbers of groups for prefill and for decode that serve at least 1 - tolerance of what the
    best ratio would: fewest groups in all, of equally many the pair that keeps most.

    Raises UserError where a number is out of range, or 8,192 groups are not enough.

    >>> whole_ratio(0.3, 0.05), whole_ratio(0.3, 0.01), whole_ratio(2.5, 1e-9)
    ((1, 3), (3, 10), (5, 2))
    """
    if not (0 < ratio < float("inf") and 0 < tolerance < 1):
        raise UserError("a ratio is above 0, what may be lost of the requests between 0 and 1")
    exact = Fraction(ratio).limit_denominator(10**9)
    for groups in range(2, 2 * MOST + 1):
        near = int(groups * exact / (1 + exact))
        pairs = [(one, groups - one) for one in (near, near + 1) if 0 < one < groups]
        best = max(pairs, key=lambda pair: share_kept(Fraction(*pair), exact), default=None)
        if best is not None and share_kept(Fraction(*best), exact) >= 1 - Fraction(tolerance):
            return best
    raise UserError(f"no {2 * MOST:,} groups or fewer serve so much of what the ratio {ratio:g} would")


def share_kept(ratio: Fraction, balanced: Fraction) -> Fraction:
    """Requests per second at a ratio of chips over those at the balanced one, of as many chips: exact.

    >>> share_kept(Fraction(1, 3), Fraction(3, 10))
    Fraction(39, 40)
    """
    return min(ratio / balanced, Fraction(1)) * (1 + balanced) / (1 + ratio)
