"""What a search over layouts keeps of its points while they stream past, and its answer."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import Copies, Minimise
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import Columns, layout_of
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import Model
from steptime.model.solver.layouts.front import Front
from steptime.model.step.inputs import Inputs, Question

Array = np.ndarray
BATCHES = tuple(sorted({2**n for n in range(21)} | {3 * 2**n for n in range(19)}))
"""Batches tried where none are named: powers of two, and one and a half times them, up to 1,048,576."""
EQUAL = 1e-12
"""Costs that differ by less, relative, are equal: the smaller batch is taken."""
CANDIDATES = 64
"""Best layouts kept, so that among several formats of the same layout another layout is the runner-up."""


@dataclass(frozen=True)
class Search:
    """What is searched: inputs without layout and batch, on several machines, numbers of chips, batches.

    ``held``: degrees and words of a layout that every point has. ``free``: choices of training that are searched:
    microbatch, interleave, recompute, zero, sequence_parallel.
    """

    model: Model
    hardware: tuple[Hardware, ...]
    chips: tuple[int, ...]
    inputs: Inputs = field(default_factory=Inputs)
    batches: tuple[int, ...] = BATCHES
    minimise: Minimise | None = None
    max_step_time: float | None = None
    held: Mapping[str, int | str] = field(default_factory=dict)
    free: frozenset[str] = frozenset()

    @property
    def copies(self) -> Copies | None:
        """How tokens are copied to experts, where every point has the same way."""
        return Copies(str(self.held["copies"])) if "copies" in self.held else None

    def given(self, symbol: Symbol, otherwise: float = 1.0) -> int:
        """A whole number that was given, else another."""
        return int(self.inputs.given.get(symbol, otherwise))


@dataclass(frozen=True)
class Point:
    """One point as a question of its own, and what it gives: seconds, the cost, tokens per second and sequence, tokens
    per second and chip."""

    question: Question
    layout: Layout
    batch: int
    step_time: float
    cost: float
    per_sequence: float
    per_chip: float


@dataclass(frozen=True)
class Answer:
    """All points counted, the best of them, and the front by rising speed.

    ``infeasible`` counts the points that break each limit; one may break several. ``layouts``, ``questions``: what the
    points combine. ``candidates``: the best layouts, the best of all first; ``best_of``: the best on each machine.
    """

    search: Search
    minimise: Minimise
    layouts: int
    questions: tuple[Question, ...]
    points: int
    feasible: int
    seconds: float
    infeasible: Mapping[str, int]
    candidates: tuple[Point, ...]
    pareto: tuple[Point, ...]
    best_of: Mapping[str, Point]

    @property
    def best(self) -> Point:
        return self.candidates[0]

    @property
    def runner_up(self) -> Point | None:
        """The best point with another layout or another machine."""
        best = (self.best.layout, self.best.question.hardware.name)
        others = (p for p in self.candidates if (p.layout, p.question.hardware.name) != best)
        return next(others, None)


class Kept:
    """The best points and the front of all points added so far."""

    def __init__(self, search: Search, minimise: Minimise, columns: Columns, questions: tuple[Question, ...]) -> None:
        self.search, self.minimise, self.columns, self.questions = search, minimise, columns, questions
        self.points, self.feasible, self.infeasible, self.front = 0, 0, Counter[str](), Front()
        self.rows = np.zeros((0, 9))  # batch and chips, then as for a point of the front
        self.best_of: dict[str, Array] = {}

    def add(
        self, machine: int, rows: Array, step_time: Array, cost: Array, per_sequence: Array, per_chip: Array,
        broken: Mapping[str, Array],
    ) -> None:  # fmt: skip
        """Points of some layouts (rows) and all batches (columns)."""
        bad = np.zeros(cost.shape, bool)
        for name, where in broken.items():
            self.infeasible[name] += int(np.count_nonzero(where))
            bad |= where
        self.points += bad.size
        self.feasible += bad.size - int(np.count_nonzero(bad))

        def labelled(place: Array, batch: Array) -> Array:
            """Machine, layout, place of the batch, step time, cost and both rates of some points."""
            here, number = (place, batch), np.full(len(place), machine)
            return np.stack([number, rows[place], batch, step_time[here], cost[here], per_sequence[here],
                             per_chip[here]], axis=1)  # fmt: skip

        place, batch = np.nonzero(~bad & ~self.front.beaten(per_sequence, per_chip))
        self.front.add(per_sequence[place, batch], per_chip[place, batch], labelled(place, batch))
        place, batch = self._cheapest(np.where(bad, np.inf, cost))
        keys = [np.array(self.search.batches, float)[batch], self.columns["chips"][rows[place]]]
        here = _ranked(np.column_stack([*keys, labelled(place, batch)]))
        self.rows = _ranked(np.concatenate([self.rows, here]))[:CANDIDATES]
        if len(here):
            name = self.questions[machine].hardware.name
            before = self.best_of.get(name, here[:0])
            self.best_of[name] = _ranked(np.concatenate([before, here[:1]]))[:1]

    def _cheapest(self, cost: Array) -> tuple[Array, Array]:
        """The cheapest batch of each layout, the smallest among equals; of these the best few."""
        least = cost.min(axis=1)
        if len(least) > CANDIDATES:  # equals of the last one kept stay in, so that ties are broken below
            few = np.flatnonzero(least <= np.partition(least, CANDIDATES)[CANDIDATES] * (1 + EQUAL))
        else:
            few = np.arange(len(least))
        few = few[np.isfinite(least[few])]
        return few, np.argmax(cost[few] <= least[few][:, None] * (1 + EQUAL), axis=1)

    def finished(self, seconds: float) -> Answer:
        """The answer; raises UserError where no point satisfies every limit."""
        if not len(self.rows):
            broken = ", ".join(f"{name} by {count:,}" for name, count in self.infeasible.items() if count)
            why = f"broken: {broken}" if broken else "no cost is a finite number"
            raise UserError(f"infeasible: none of {self.points:,} points satisfies every limit; {why}")
        return Answer(
            self.search, self.minimise, len(self.columns["tp"]), self.questions, self.points, self.feasible, seconds,
            dict(self.infeasible), tuple(self._point(row[2:]) for row in self.rows),
            tuple(self._point(row) for row in self.front.labels),
            {name: self._point(row[0, 2:]) for name, row in self.best_of.items()},
        )  # fmt: skip

    def _point(self, labels: Array) -> Point:
        machine, row, place = (int(label) for label in labels[:3])
        layout, batch = layout_of(self.columns, row), self.search.batches[place]
        given = {q.batch: float(batch)}
        given |= {s: float(self.columns[s.name][row]) for s in (q.microbatch, q.interleave) if s.name in self.columns}
        stated = replace(layout, copies=self.search.copies)
        question = self.questions[machine].but(given, layout=stated)
        return Point(question, layout, batch, *(float(label) for label in labels[3:]))


def _ranked(rows: Array) -> Array:
    """Rows by cost to twelve digits; among equals the smaller batch, then fewer chips, then the earlier layout."""
    rounded = np.array([float(f"{value:.12g}") for value in rows[:, 6]])
    return rows[np.lexsort((rows[:, 3], rows[:, 1], rows[:, 0], rounded))]
