"""From the layouts that may be best to the answer: their best whole batches, ties decided, the front with the best."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import DEGREES, Columns, layout_of
from steptime.model.solver.layouts.evaluated import Points
from steptime.model.solver.layouts.kept import FEW, Kept, Rivals, counted
from steptime.model.solver.layouts.points import EQUAL, Point, Search
from steptime.model.solver.layouts.refine import Whole
from steptime.model.solver.layouts.variants import Variant
from steptime.model.step.estimate import Estimate
from steptime.model.step.ties import preferred, rounded

Array = np.ndarray
SHOWN = 16
"""Ties, and others, that the answer holds as points."""
BLOCK = 2**15
"""Layouts whose best whole batches are looked for in one piece."""


@dataclass(frozen=True)
class Chosen:
    """The best point of all first, the front, the best on each machine; how many were ties, and the least cost."""

    candidates: tuple[Point, ...]
    pareto: tuple[Point, ...]
    best_of: Mapping[str, Point]
    ties: int
    least: float


class Finalists:
    """The last round of a search. ``group``: the number of each variant's group, whose formulas are the same;
    ``whole_of`` gives layouts of one group and one split with their formulas."""

    def __init__(
        self, search: Search, kept: Kept, columns: Columns, variants: Sequence[Variant], group: Array,
        whole_of: Callable[[Array, Array], Whole], progress: Callable[[float], None],
    ) -> None:  # fmt: skip
        self.search, self.kept, self.columns, self.variants = search, kept, columns, variants
        self.group, self.whole_of, self.progress = group, whole_of, progress

    def chosen(self) -> Chosen:
        """The answer; raises UserError where no point satisfies every limit."""
        every = self._every()
        order = self._by_cost(every)
        machines = self.kept.machine[every.variant]
        first = every.at(order[:1])
        home = int(machines[order[0]])
        preferences = {number: self._ties(every, np.flatnonzero(machines == number)) for number in set(machines)}
        ties = preferences[home]
        taken = ties[:SHOWN].tolist()
        others = [place for place in order[: len(taken) + FEW].tolist() if place not in set(taken)]
        shown, numbers = [*taken, *self._varied(every, others)], sorted(preferences)
        points = list(self._points(every, np.array([*shown, *(preferences[number][0] for number in numbers)], int)))
        candidates, names = tuple(points[: len(shown)]), list(self.search.machines.values())
        best_of = {names[number]: point for number, point in zip(numbers, points[len(shown) :], strict=True)}
        return Chosen(candidates, self._front(candidates[0], every), best_of, len(ties), float(first.cost[0]))

    def best(self) -> Point:
        """The best point alone; raises UserError where no point satisfies every limit."""
        every = self._every()
        machines = self.kept.machine[every.variant]
        home = machines[self._by_cost(every)[0]]
        return next(self._points(every, self._ties(every, np.flatnonzero(machines == home))[:1]))

    def _every(self) -> Rivals:
        """All that may be best, at their best batches."""
        every = self._refined(self.kept.rivals()) if self.search.whole else self.kept.rivals()
        every = every.at(np.flatnonzero(np.isfinite(every.cost)))
        if not len(every):
            raise UserError(f"infeasible: none of {self.kept.points:,} points satisfies every limit; "
                            f"broken: {counted(self.kept.infeasible)}")  # fmt: skip
        return every

    def _refined(self, every: Rivals) -> Rivals:
        """The rivals at their best whole batches. The most promising come first; those that they leave without a
        chance are dropped unlooked at."""
        if not len(every):
            return every
        promising = np.zeros(len(every), bool)
        promising[np.argsort(every.cost, kind="stable")[:FEW]] = True
        for machine in set(self.kept.machine[every.variant]):
            own = np.flatnonzero(self.kept.machine[every.variant] == machine)
            promising[own[np.argsort(every.cost[own], kind="stable")[:FEW]]] = True
        front = {(int(variant), int(row)) for variant, row, _ in self.kept.front.labels}
        pairs = zip(every.variant.tolist(), every.row.tolist(), strict=True)
        promising |= np.array([pair in front for pair in pairs], bool)
        done = [self._at_best(every.at(np.flatnonzero(promising)))]
        left = every.at(np.flatnonzero(~promising))
        left = left.at(np.argsort(left.bound, kind="stable"))
        while True:
            left = left.at(np.flatnonzero(self.kept.chances(left, self._next_best(done))))
            if not len(left):
                return Rivals.joined(done)
            done.append(self._at_best(left.at(np.arange(min(BLOCK, len(left))))))
            left = left.at(np.arange(min(BLOCK, len(left)), len(left)))
            self.progress(len(every) - len(left))

    def _next_best(self, done: Sequence[Rivals]) -> float:
        """The least cost of another layout, or on another machine, than the cheapest's."""
        found = Rivals.joined(done)
        best = int(np.argmin(found.cost))
        layout = self.columns["layout_row"][found.row] if "layout_row" in self.columns else found.row
        other = (layout != layout[best]) | (self.kept.machine[found.variant] != self.kept.machine[found.variant[best]])
        return float(found.cost[other].min(initial=np.inf)) * (1 + EQUAL)

    def _at_best(self, some: Rivals) -> Rivals:
        """Some rivals at their best whole batches, which may lie on the front too."""
        batch, cost = some.batch.copy(), some.cost.copy()
        for places, whole in self._pieces(some):
            batch[places], cost[places] = whole.best(some.at(places), self.kept.ladder)
            fine = places[np.isfinite(cost[places])]
            if not len(fine) or self.kept.lone:
                continue
            points = whole.at(np.flatnonzero(np.isfinite(cost[places])), batch[fine][:, None])
            labels = np.stack([some.variant[fine], some.row[fine], batch[fine]], axis=1)
            self.kept.front.add(points.per_sequence[:, 0], points.per_chip[:, 0], labels)
        np.minimum.at(self.kept.least, self.kept.machine[some.variant], cost)
        return replace(some, batch=batch, cost=cost)

    def _pieces(self, some: Rivals) -> Iterator[tuple[Array, Whole]]:
        """Rivals that share their formulas, so many at a time: their places, and the layouts."""
        kinds = 2 * self.group[some.variant] + (self.columns["ffn_all"][some.row] != 0)
        for kind in np.unique(kinds):
            places = np.flatnonzero(kinds == kind)
            for piece in np.array_split(places, -(-len(places) // BLOCK)):
                yield piece, self.whole_of(some.variant[piece], some.row[piece])

    def _ties(self, every: Rivals, own: Array) -> Array:
        """Those of one machine within one per cent of its least cost, in order of preference."""
        most = every.cost[own].min() * (1 + max(self.search.within, EQUAL))
        ties = own[every.cost[own] <= most]
        if len(ties) == 1:
            return np.asarray(ties)
        some = every.at(ties)
        bounds = np.zeros((2, len(ties)))
        for places, whole in self._pieces(some):
            points = whole.every(some.batch[places])
            bounds[:, places] = [bound[:, 0] for bound in points.tie_bounds()]
        chips = self.columns["chips"][some.row]
        return np.asarray(ties[preferred(list(bounds), self.columns, some.row, [some.batch, chips, some.row])])

    def _by_cost(self, every: Rivals) -> Array:
        """Places by cost to twelve digits; among equals the smaller batch, then fewer chips, then the earlier one."""
        chips = self.columns["chips"][every.row]
        return np.lexsort((every.row, chips, every.batch, rounded(every.cost)))

    def _varied(self, every: Rivals, places: Sequence[int]) -> list[int]:
        """Some places, the cheapest first: each layout on each machine once."""
        seen: dict[object, int] = {}
        for place in places:
            degrees = tuple(self.columns[name][every.row[place]] for name in (*DEGREES, "ffn_all"))
            seen.setdefault((degrees, int(self.kept.machine[every.variant[place]])), place)
        return list(seen.values())[:SHOWN]

    def _front(self, best: Point, every: Rivals) -> tuple[Point, ...]:
        """The front by rising speed, with the best point on it: of those that stood within one per cent of it in both
        rates and lost the tie, none is left."""
        labels = self.kept.front.labels
        rivals = Rivals(labels[:, 0].astype(int), labels[:, 1].astype(int), labels[:, 2])
        near = 1 + max(self.search.within, EQUAL)

        def rates(point: Point) -> tuple[float, float]:
            return point.rates(self.kept.in_practice)

        speed, share = rates(best)
        points = [
            point for point in self._points(rivals, np.arange(len(labels)))
            if (point.question, point.batch) != (best.question, best.batch)
            and not (speed * (1 - EQUAL) <= rates(point)[0] <= speed * near
                     and share * (1 - EQUAL) <= rates(point)[1] <= share * near)
        ]  # fmt: skip
        return tuple(sorted([*points, best], key=lambda point: (rates(point)[0], -rates(point)[1])))

    def _points(self, some: Rivals, places: Array) -> Iterator[Point]:
        """Some rivals as points, in their order."""
        found: dict[int, Point] = {}
        picked = Rivals(some.variant[places], some.row[places], some.batch[places])
        for piece, whole in self._pieces(picked):
            points = whole.every(picked.batch[piece]).at_bound
            for place, (at, estimate) in enumerate(zip(piece, whole.each(points), strict=True)):
                one = self._point(points, place, int(picked.variant[at]), int(picked.row[at]), estimate)
                first = None if whole.practice is None else float(whole.practice[place, 0])
                found[int(at)] = replace(one, first_token_estimate=first)
        return (found[place] for place in range(len(places)))

    def _point(self, points: Points, place: int, variant: int, row: int, estimate: Estimate | None) -> Point:
        """One point with its question."""
        layout, batch = layout_of(self.columns, row), int(points.batches[place, 0])
        given = {q.batch: float(batch)}
        own = [s for s in (q.microbatch, q.interleave) if s.name in self.columns]
        given |= {symbol: float(self.columns[symbol.name][row]) for symbol in own}
        values = self.variants[variant].values
        per_chip = float(points.per_chip[place, 0])
        price, power = values.get(q.chip_hour_price), values.get(q.power)
        first = points.first_token
        return Point(
            self.variants[variant].question.but(given, layout=replace(layout, copies=self.search.copies)), layout,
            batch, float(points.step_time[place, 0]), float(points.cost[place, 0]),
            float(points.per_sequence[place, 0]), per_chip,
            None if price is None else values[q.million] * price / values[q.hour] / per_chip,
            None if power is None else power / per_chip,
            None if first is None else float(first[place, 0]), float(points.mean_step_time[place, 0]), estimate,
        )  # fmt: skip
