"""What a search over layouts keeps of its points while they stream past, and its answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from steptime.model.errors import UserError
from steptime.model.layout.enumeration import Columns, layout_of
from steptime.model.layout.layout import Layout
from steptime.model.solver.layouts.front import Front
from steptime.model.step.inputs import Question

Array = np.ndarray
BATCHES = tuple(sorted({2**n for n in range(21)} | {3 * 2**n for n in range(19)}))
"""Batches tried where none are named: powers of two, and one and a half times them, up to 1,048,576."""
EQUAL = 1e-12
"""Costs that differ by less, relative, are equal: the smaller batch is taken."""
CANDIDATES = 64
"""Best layouts kept, so that among several formats of the same layout another layout is the runner-up."""


@dataclass(frozen=True)
class Search:
    """What is searched: a question without layout, on several machines, numbers of chips, batches."""

    question: Question
    hardware: tuple[str, ...]
    chips: tuple[int, ...]
    batches: tuple[int, ...] = BATCHES
    minimise: str | None = None
    max_step_time: float | None = None
    free: frozenset[str] = frozenset()
    """Choices of training that are searched: microbatch, interleave, recompute, zero, sequence_parallel."""


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


@dataclass
class Answer:
    """All points counted, the best of them, the best with another layout or machine, and the front by rising speed.

    ``infeasible`` counts the points that break each limit; one may break several. ``layouts``, ``questions``: what the
    points combine.
    """

    search: Search
    minimise: str
    columns: Columns
    questions: tuple[Question, ...]
    points: int = 0
    feasible: int = 0
    seconds: float = 0.0
    infeasible: dict[str, int] = field(default_factory=dict)
    candidates: list[Point] = field(default_factory=list)
    pareto: list[Point] = field(default_factory=list)

    @property
    def layouts(self) -> int:
        return len(self.columns["tp"])

    @property
    def best(self) -> Point:
        return self.candidates[0]

    @property
    def runner_up(self) -> Point | None:
        """The best point with another layout or another machine."""
        best = (self.best.layout, self.best.question.hardware)
        others = (p for p in self.candidates if (p.layout, p.question.hardware) != best)
        return next(others, None)


class Kept:
    """The best points and the front of all points added so far."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.front = answer, Front()
        self.rows = np.zeros((0, 9))  # batch and chips, then as for a point of the front

    def add(
        self, machine: int, rows: Array, step_time: Array, cost: Array, per_sequence: Array, per_chip: Array,
        broken: Mapping[str, Array],
    ) -> None:  # fmt: skip
        """Points of some layouts (rows) and all batches (columns)."""
        answer, bad = self.answer, np.zeros(cost.shape, bool)
        for name, where in broken.items():
            answer.infeasible[name] = answer.infeasible.get(name, 0) + int(np.count_nonzero(where))
            bad |= where
        answer.points += bad.size
        answer.feasible += bad.size - int(np.count_nonzero(bad))

        def labelled(place: Array, batch: Array) -> Array:
            """Machine, layout, place of the batch, step time, cost and both rates of some points."""
            here, number = (place, batch), np.full(len(place), machine)
            return np.stack([number, rows[place], batch, step_time[here], cost[here], per_sequence[here],
                             per_chip[here]], axis=1)  # fmt: skip

        place, batch = np.nonzero(~bad & ~self.front.beaten(per_sequence, per_chip))
        self.front.add(per_sequence[place, batch], per_chip[place, batch], labelled(place, batch))
        place, batch = self._cheapest(np.where(bad, np.inf, cost))
        keys = [np.array(answer.search.batches, float)[batch], answer.columns["chips"][rows[place]]]
        merged = np.concatenate([self.rows, np.column_stack([*keys, labelled(place, batch)])])
        rounded = np.array([float(f"{value:.12g}") for value in merged[:, 6]])
        order = np.lexsort((merged[:, 3], merged[:, 1], merged[:, 0], rounded))
        self.rows = merged[order][:CANDIDATES]

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
        answer = self.answer
        answer.seconds = seconds
        if not len(self.rows):
            broken = ", ".join(f"{name} by {count:,}" for name, count in answer.infeasible.items() if count)
            raise UserError(f"infeasible: none of {answer.points:,} points satisfies every limit; broken: {broken}")
        answer.candidates = [self._point(row[2:]) for row in self.rows]
        answer.pareto = [self._point(row) for row in self.front.labels]
        return answer

    def _point(self, labels: Array) -> Point:
        machine, row, place = (int(label) for label in labels[:3])
        layout, batch = layout_of(self.answer.columns, row), self.answer.search.batches[place]
        copies = re.search(r"copies=[\w-]+", self.answer.search.question.layout or "")
        written = f"{layout},{copies[0]}" if copies else str(layout)
        question = replace(self.answer.questions[machine], layout=written, batch=str(batch))
        if "microbatch" in self.answer.columns:
            microbatch, interleave = (str(int(self.answer.columns[name][row])) for name in ("microbatch", "interleave"))
            question = replace(question, microbatch=microbatch, interleave=interleave)
        return Point(question, layout, batch, *(float(label) for label in labels[3:]))
