"""Fronts of many machines at once: the fewest chips, the shortest step and the largest batch that go together.

For each machine and each of several workloads of one model: of all layouts at all batches that are tried, the points
that no other equals or beats in all three. Formulas are built once for machines and workloads that share them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import Minimise, PhaseName, Scope
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import Columns, gathered, layout_of, numbered
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import accounts_of
from steptime.model.solver.layouts.evaluated import Held
from steptime.model.solver.layouts.in_turn import InTurn
from steptime.model.solver.layouts.passes import key
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.quadrants import Reached, on_front
from steptime.model.solver.layouts.variants import variants_on
from steptime.model.solver.layouts.work import Piece, Work
from steptime.model.solver.processes import Processes
from steptime.model.step.inputs import Question

Array = np.ndarray
Given = Mapping[Symbol, float]
POINTS = 2**17
"""Points that are worked out in one piece, on one machine after another."""


@dataclass(frozen=True)
class Frontier:
    """Points that no other equals or beats, by rising chips, then batch: columns of layouts, a row each, the batch, and
    seconds of a step at the bound and in practice, not a number where there is no estimate.

    ``questions``: the machine and the formats of each, without layout and batch.
    """

    columns: Columns
    batch: Array
    bound: Array
    estimate: Array
    questions: Sequence[Question]

    def __len__(self) -> int:
        return len(self.batch)

    @property
    def chips(self) -> Array:
        return np.asarray(self.columns["chips"])

    def layout(self, place: int) -> Layout:
        """The layout of a point."""
        return layout_of(self.columns, place)

    def question(self, place: int) -> Question:
        """A point as a question of its own."""
        return self.questions[place].but({q.batch: float(self.batch[place])}, layout=self.layout(place))


@dataclass(frozen=True)
class Fronts:
    """The fronts of one machine and one workload, by the time at the bound and by the estimate, where there is one."""

    hardware: Hardware
    given: Given
    by_bound: Frontier
    by_estimate: Frontier | None


def fronts(search: Search, workloads: Sequence[Given] = ({},), workers: int = 1) -> list[Fronts]:
    """The fronts of every machine of a search for each workload, workload by workload.

    ``workloads``: numbers beside those of the inputs, each with the same quantities, as a context or a prompt. Limits,
    chips, batches, formats and degrees that are held are the search's. ``workers``: processes that share the workloads;
    the answer is the same whatever their number. Raises UserError where there is no layout, or for training.
    """
    if search.inputs.phase == PhaseName.TRAIN:
        raise UserError("fronts by batch are of serving: `phase` decode or prefill")
    if workers == 1 or len(workloads) == 1:
        return _fronts_of(search, workloads)
    tasks = [workloads[place : place + max(1, len(workloads) // workers)]
             for place in range(0, len(workloads), max(1, len(workloads) // workers))]  # fmt: skip
    with Processes[Sequence[Given], list[Fronts]](workers, partial(_made, search)) as started:
        return [one for found in started.results(tasks) for one in found]


def _made(search: Search) -> "partial[list[Fronts]]":
    return partial(_fronts_of, search)


def _fronts_of(search: Search, workloads: Sequence[Given]) -> list[Fronts]:
    """In-flight batching asks for passes that depend on the lengths; else all workloads are worked out together."""
    search = replace(search, chips=tuple(sorted(set(search.chips))), batches=tuple(sorted(set(search.batches))))
    if search.inputs.scope == Scope.SERVING:
        return [one for given in workloads for one in _Together(search, [given]).fronts()]
    return _Together(search, workloads).fronts()


class _Together:
    """Machines and workloads of one model that are worked out together; a slot is one machine with one workload."""

    def __init__(self, search: Search, workloads: Sequence[Given]) -> None:
        accounts = accounts_of(search.model)
        if not accounts.is_architecture:
            raise UserError(f"layouts need an architecture: {accounts.name} is a list of quantities, split perfectly")
        held = {name: value for name, value in search.held.items() if name != "copies"}
        self.slots = [(machine, given) for given in workloads for machine in search.hardware]
        asked = [replace(search, inputs=search.inputs.with_given(given)) for _, given in self.slots]
        found = [(slot, variant) for slot, one in enumerate(asked)
                 for variant in variants_on(one, accounts, self.slots[slot][0])]  # fmt: skip
        alike: dict[object, int] = {}
        found.sort(key=lambda one: alike.setdefault((key(one[1]), frozenset(one[1].values)), len(alike)))
        self.slot, variants = np.array([slot for slot, _ in found]), [variant for _, variant in found]
        columns = numbered(accounts.model, search.chips, held).columns()
        self.work = Work(asked[0], accounts, columns, variants, search.minimise or Minimise.CHIP_SECONDS)
        self.chips = np.array(search.chips)
        shape = len(variants), len(self.chips), self.work.batches.size
        self.by_bound, self.by_estimate = Reached.nothing(shape), Reached.nothing(shape)

    def fronts(self) -> list[Fronts]:
        """The fronts of all slots."""
        for number in range(self.work.pieces):
            piece = self.work.piece(number)
            height = max(1, POINTS // self.work.batches.size)
            for start in range(0, len(piece.rows), height):
                self._add(replace(piece, rows=piece.rows[start : start + height]))
        by_bound, by_estimate = list(self._fronts(self.by_bound)), list[Frontier | None](self._fronts(self.by_estimate))
        if self.work.estimates is None:
            by_estimate = [None] * len(by_bound)
        both = zip(by_bound, by_estimate, strict=True)
        return [Fronts(*slot, bound, estimate) for slot, (bound, estimate) in zip(self.slots, both, strict=True)]

    def _add(self, piece: Piece) -> None:
        """Layouts of a piece: first which are possible, then the times of these."""
        held, some = Held(), np.zeros(len(piece.rows), bool)
        for _, points in self.work.points(piece, held):
            some |= points.possible.any(axis=1)
        rows, known = piece.rows[some], {formats: needed[some] for formats, needed in held.items()}
        if not len(rows):
            return
        chips = list(cuts(np.searchsorted(self.chips, self.work.columns["chips"][rows])))
        in_turn = None if self.work.estimates is None else InTurn(self.work.estimates)
        for variant, points in self.work.points(replace(piece, rows=rows), known):
            bounds = np.where(points.possible, points.step_time, np.inf)
            estimates = np.full(bounds.shape, np.nan)
            if in_turn is not None:
                estimates = np.where(points.possible, in_turn.step_time(points, variant, rows), np.inf)
            for place, cut in chips:
                self.by_bound.add((variant, place), bounds[cut], rows[cut], bounds[cut], estimates[cut])
                if in_turn is not None:
                    self.by_estimate.add((variant, place), estimates[cut], rows[cut], bounds[cut], estimates[cut])

    def _fronts(self, reached: Reached) -> Iterator[Frontier]:
        """Those of all slots. Of formats that take equally long the first counts."""
        questions = [one.question for one in self.work.variants]
        for slot in range(len(self.slots)):
            own = np.flatnonzero(self.slot == slot)
            first = own[np.argmin(reached.time[own], axis=0)]
            at = (first, *np.indices(first.shape))
            chips, batch = np.nonzero(on_front(reached.time[at]))
            variant = first[chips, batch]
            place = variant, chips, batch
            columns, asked = gathered(self.work.columns, reached.row[place]), [questions[one] for one in variant]
            yield Frontier(columns, self.work.batches[0, batch], reached.bound[place], reached.estimate[place], asked)


def cuts(kinds: Array) -> Iterator[tuple[int, slice]]:
    """Places that follow one another and are of one kind.

    >>> list(cuts(np.array([3, 3, 5])))
    [(3, slice(0, 2, None)), (5, slice(2, 3, None))]
    """
    starts = np.flatnonzero(np.append(True, np.diff(kinds) != 0)).tolist()
    for start, stop in zip(starts, [*starts[1:], len(kinds)], strict=True):
        yield int(kinds[start]), slice(start, stop)
