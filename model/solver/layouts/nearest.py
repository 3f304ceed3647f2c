"""Where no point of a search satisfies every limit: the one that comes nearest, the limit that it breaks most, and by
how much.

Of limits that hold for the estimate it is the nearest in practice among the points that the bound admits; where the
bound admits none, the nearest at the bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.choices import PhaseName
from steptime.model.layout.enumeration import layout_of
from steptime.model.phases.memory import available
from steptime.model.solver.layouts.evaluated import Points

if TYPE_CHECKING:
    from steptime.model.solver.layouts.work import Work

Array = np.ndarray


@dataclass(frozen=True)
class Near:
    """A point, by its variant and layout, and by how many times it oversteps the limit that it breaks most."""

    variant: int
    row: int
    batch: int
    limit: str
    times: float

    def said(self, work: "Work") -> str:
        """In words."""
        machine = work.search.machines[work.variants[self.variant].question.hardware]
        degrees = str(layout_of(work.columns, self.row)).split(",")
        layout = " ".join(part for part in degrees if not part.endswith("=1")) or "tp=1"
        by = f"{self.times - 1:.1%}" if self.times < 10 else f"{self.times:,.3g} times"
        return f"nearest: {machine}, {layout}, batch {self.batch:,}, which breaks {self.limit} by {by}"


def nearest(variant: int, rows: Array, points: Points) -> Near | None:
    """Of the layouts ``rows`` on a variant the point that oversteps its worst limit least, the first of equals; None
    where every layout needs a link that is not there, or the bound admits none."""
    asked = _asked(points)
    if not np.any(asked):
        return None
    ratios = oversteps(points)
    names, every = list(ratios), np.broadcast_arrays(points.batches, *ratios.values())[1:]
    worst = every[0] if len(every) == 1 else np.maximum.reduce(every)
    worst = np.where(asked & np.isfinite(worst), worst, np.inf)
    place = np.unravel_index(int(np.argmin(worst)), worst.shape)
    if not np.isfinite(worst[place]):
        return None
    limit = names[int(np.argmax([one[place] for one in every]))]
    return Near(variant, int(rows[place[0]]), int(points.batches[place]), limit, float(worst[place]))


def nearer(several: Sequence[Near | None]) -> Near | None:
    """The nearest of several, the first of equals."""
    return min((one for one in several if one is not None), key=lambda one: one.times, default=None)


def _asked(points: Points) -> Any:
    """Points that are looked at: with a whole sequence for every rank, and in practice those that the bound admits."""
    if points.at_bound is not points:
        return points.at_bound.possible
    enough = ~points.below["missing_link"]
    if points.formulas.phase.name != PhaseName.TRAIN:
        enough = enough & ~points.below["minimum_batch"]
    return enough


def oversteps(points: Points) -> dict[str, Array]:
    """How many times each limit is overstepped: above one where it is broken (`Points.above`, `Points.below`)."""
    search, first = points.formulas.search, points.scenarios[0]
    with np.errstate(all="ignore"):
        found: dict[str, Any] = {}
        if q.memory_capacity in first.values:
            found["memory_capacity"] = points._held / first.evaluate(available)
        if search.max_step_time is not None:
            found["max_step_time"] = points.step_time / search.max_step_time
        if points.first_token is not None and search.max_ttft is not None:
            found["max_ttft"] = points.first_token / search.max_ttft
        for limit in search.limits:
            ratio = _figure(points, limit.quantity) / limit.value
            found[limit.quantity.name] = ratio if limit.upper else 1 / ratio
        return found or {"missing_link": np.where(points.below["missing_link"], np.inf, 0.0)}


def _figure(points: Points, quantity: Symbol) -> Any:
    """What a limit is on."""
    value = points.scenarios[0].value
    own = {
        q.memory_per_chip: lambda: points._held, q.step_time: lambda: points.step_time,
        q.tokens_per_second_per_sequence: lambda: points.per_sequence,
        q.tokens_per_second: lambda: points.per_chip * value(q.chips),
        q.dollars_per_million_tokens: lambda: value(q.chip_hour_price) / value(q.hour) * value(q.million)
        / points.per_chip,
        q.joules_per_token: lambda: value(q.power) / points.per_chip,
    }  # fmt: skip
    return own[quantity]() if quantity in own else value(quantity)
