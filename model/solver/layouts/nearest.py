"""Where no point of a search satisfies every limit: the one that comes nearest, the limit that it breaks most, and by
how much.

Of limits that hold for the estimate it is the nearest in practice among the points that the bound admits; where the
bound admits none, the nearest at the bound.
"""

from collections.abc import Iterator
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
    """A point, and by how many times it oversteps the limit that it breaks most."""

    machine: str
    layout: str
    batch: int
    limit: str
    times: float

    def __str__(self) -> str:
        by = f"{self.times - 1:.1%}" if self.times < 10 else f"{self.times:,.3g} times"
        return f"nearest: {self.machine}, {self.layout}, batch {self.batch:,}, which breaks {self.limit} by {by}"


def nearest(work: "Work", in_practice: bool) -> Near | None:
    """The point that oversteps its worst limit least; None where every layout needs a link that is not there."""
    best, found = np.inf, None
    for points, variant, rows in _all(work, in_practice):
        ratios = oversteps(points)
        names, every = list(ratios), np.stack([np.broadcast_to(one, points.batches.shape) for one in ratios.values()])
        worst = every.max(axis=0)
        worst = np.where(np.isfinite(worst) & _asked(points, work, in_practice), worst, np.inf)
        row, column = np.unravel_index(int(np.argmin(worst)), worst.shape)
        if worst[row, column] < best:
            best = float(worst[row, column])
            machine = work.search.machines[work.variants[variant].question.hardware]
            layout = str(layout_of(work.columns, int(rows[row]))).split(",")
            said = " ".join(part for part in layout if not part.endswith("=1")) or "tp=1"
            limit = names[int(every[:, row, column].argmax())]
            found = Near(machine, said, int(points.batches[row, column]), limit, best)
    return found


def _all(work: "Work", in_practice: bool) -> Iterator[tuple[Points, int, Array]]:
    """All points of a search, with their variant and layouts."""
    for piece in map(work.piece, range(work.pieces)):
        for number, points in work.points(piece) if len(piece.rows) else ():
            there = work.estimated(points, np.full(len(piece.rows), number), piece.rows) if in_practice else points
            yield there, number, piece.rows


def _asked(points: Points, work: "Work", in_practice: bool) -> Any:
    """Points that are looked at: with a whole sequence for every rank, and in practice those that the bound admits."""
    if in_practice:
        return points.at_bound.possible
    enough = ~points.below["missing_link"]
    if work.search.inputs.phase != PhaseName.TRAIN:
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
