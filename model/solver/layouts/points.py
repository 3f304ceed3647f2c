"""What a search over layouts is asked, and what it answers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from sympy import Symbol

from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import Copies, EngineName, Minimise
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import Model
from steptime.model.step.estimate import Estimate
from steptime.model.step.inputs import Inputs, Question, UserLimit
from steptime.model.step.ties import NEAR

Array = np.ndarray
BATCHES = tuple(sorted({2**n for n in range(21)} | {3 * 2**n for n in range(19)}))
"""Batches tried where none are named: powers of two, and one and a half times them, up to 1,048,576."""
EQUAL = 1e-12
"""Costs that differ by less, relative, are equal: the smaller batch is taken."""


@dataclass(frozen=True)
class Search:
    """What is searched: inputs without layout and batch, on several machines, numbers of chips, batches.

    ``held``: degrees and words of a layout that every point has. ``free``: what is searched beside them: formats
    (weights, kv, activations) and choices of training (microbatch, interleave, recompute, zero, sequence_parallel,
    schedule, attention_kernel). ``whole``: every whole batch between those named is tried too. ``max_ttft``: seconds in
    which a decode step's machine prefills one prompt alone. ``within``: layouts whose cost exceeds the least by no more
    are ties. ``engine``: layouts that it cannot run are counted, not looked at.
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
    whole: bool = False
    limits: tuple[UserLimit, ...] = ()
    max_ttft: float | None = None
    within: float = NEAR
    engine: EngineName | None = None

    @property
    def copies(self) -> Copies | None:
        """How tokens are copied to experts, where every point has the same way."""
        return Copies(str(self.held["copies"])) if "copies" in self.held else None

    @cached_property
    def machines(self) -> Mapping[Hardware, str]:
        """What each machine is called: its name, and its file too where another one has the same name."""
        times = Counter(machine.name for machine in self.hardware)
        return {one: one.name if times[one.name] == 1 else f"{one.name} ({one.origin})" for one in self.hardware}

    def given(self, symbol: Symbol, otherwise: float = 1.0) -> int:
        """A whole number that was given, else another."""
        return int(self.inputs.given.get(symbol, otherwise))


@dataclass(frozen=True)
class Point:
    """One point as a question of its own, and what it gives at the bound: seconds, the cost, tokens per second and
    sequence, tokens per second and chip; dollars and joules where price and power are known; the time to first token
    where limited. ``mean_step_time`` is that of all steps; ``estimate`` what a step takes in practice, with
    ``first_token_estimate``, where there is one."""

    question: Question
    layout: Layout
    batch: int
    step_time: float
    cost: float
    per_sequence: float
    per_chip: float
    dollars_per_million_tokens: float | None = None
    joules_per_token: float | None = None
    time_to_first_token: float | None = None
    mean_step_time: float = 0.0
    estimate: Estimate | None = None
    first_token_estimate: float | None = None

    def ranked(self, in_practice: bool, minimise: Minimise) -> float:
        """What is minimised, at the bound or in practice: latency is of a request's own step, the rest of the mean."""
        if not in_practice or self.estimate is None:
            return self.cost
        if minimise == Minimise.LATENCY:
            return self.estimate.step_time
        return self.cost * self.estimate.mean_time / self.mean_step_time

    def dollars(self, in_practice: bool) -> float | None:
        """Dollars per million tokens."""
        if self.dollars_per_million_tokens is None or not in_practice or self.estimate is None:
            return self.dollars_per_million_tokens
        return self.dollars_per_million_tokens * self.estimate.mean_time / self.mean_step_time

    def rates(self, in_practice: bool) -> tuple[float, float]:
        """Tokens per second of a sequence, and of a chip."""
        if not in_practice or self.estimate is None:
            return self.per_sequence, self.per_chip
        return (self.per_sequence * self.step_time / self.estimate.step_time,
                self.per_chip * self.mean_step_time / self.estimate.mean_time)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """All points counted, the best of them, and the front by rising speed.

    ``infeasible`` counts the points that break each limit; one may break several. ``layouts``, ``questions``: what the
    points combine. ``candidates``: the best of all first, then those that stood within one per cent on its machine by
    preference, then others by cost; ``best_of``: the best on each machine. ``ties``: how many layouts stood within that
    one per cent, the best among them; ``least``: the least cost, by which they are measured.

    ``in_practice``: the estimate decides what is best, what is on the front and what ties, and limits hold for it; then
    ``of_bound`` is what the bound alone would choose.
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
    ties: int = 1
    least: float = 0.0
    in_practice: bool = False
    of_bound: Point | None = None

    @property
    def best(self) -> Point:
        return self.candidates[0]

    @property
    def runner_up(self) -> Point | None:
        """The next point with another layout or another machine."""
        best = (self.best.layout, self.best.question.hardware)
        others = (p for p in self.candidates if (p.layout, p.question.hardware) != best)
        return next(others, None)

    @property
    def tied(self) -> int:
        """How many of the candidates stood within one per cent."""
        return min(self.ties, len(self.candidates))
