"""What it costs to keep a KV cache, by where it lies, over how long it is held."""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from steptime.model.plot.scenes import SAMPLES
from steptime.model.plot.shapes import Axis, Curve, Curves, Edge, Points, Role
from steptime.model.text.cache_table import duration
from steptime.model.text.format import plain, si

if TYPE_CHECKING:
    from steptime.model.api.cache import Kept

MILLION = 1e6
SHORTEST, USUAL = 0.1, 86400.0
BEYOND = 30.0
"""How much longer than the last change of places the axis is."""


def tiers(kept: "Kept") -> Curves:
    """Dollars of a million tokens, held for a time and brought back, in each place; the cheapest of them, and where it
    changes."""
    answer = kept.answer
    changes = [span.start for span in answer.envelope if span.start > 0]
    asked = [answer.hold] if answer.hold else []
    least = min([SHORTEST, *(time / 10 for time in (*changes, *asked))])
    most = max([USUAL, *(BEYOND * time for time in changes), *(10 * time for time in asked)])
    at = np.union1d(np.geomspace(least, most, SAMPLES), [*changes, *asked])
    edges = tuple(Edge(f"held {duration(time)}: {next(iter(answer.held))}", time) for time in asked)
    curves = [Curve(one.name, at, MILLION * np.array([one.cost(time) for time in at]), Role.OTHER)
              for one in answer.choices]  # fmt: skip
    lowest = np.min([curve.y for curve in curves], axis=0)
    points = tuple(
        Points(f"from {duration(span.start)}: {span.choice}, no longer {before.choice}", np.array([span.start]),
               np.array([MILLION * answer.at(span.start).cost(span.start)]))
        for before, span in pairwise(answer.envelope)
    )  # fmt: skip
    case = answer.case
    said = (f"{case.model} on {case.hardware.name} · {plain(answer.context)} tokens of {si(answer.kv_bytes, 'B')} each "
            "· held and brought back once")  # fmt: skip
    return Curves("tiers", "Cost of keeping a KV cache against time", said, Axis("time for which it is held", "s"),
                  Axis("cost of keeping a million tokens", "$"),
                  (Curve("the cheapest", at, lowest, Role.BOUND), *curves), points, edges)  # fmt: skip
