"""Many rows at once: those that ask the same but for batch and lengths share formulas, evaluated over arrays of these.

A question costs some tens of milliseconds to write and next to nothing to evaluate at one more batch.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import TermName
from steptime.model.errors import NotSolved, Unbound, UserError
from steptime.model.step.build import cases_at, prepare
from steptime.model.step.case import TERMS, Case
from steptime.model.step.estimate import asked_of_chip
from steptime.model.step.inputs import Question, settled
from steptime.model.step.workload import workload

Array = np.ndarray
AXES = (q.batch, q.context, q.prompt, q.answer, q.cached, q.sequence, q.microbatch, q.interleave)
"""What may differ from row to row of a sheet."""
Failure = UserError | Unbound | NotSolved


@dataclass(frozen=True)
class Sheet:
    """The formulas of a question in each way to copy tokens to experts, at many values of some of its inputs."""

    ways: tuple[Case, ...]

    @cached_property
    def _faster(self) -> Array | None:
        """Which way is the faster; None where there is one."""
        if len(self.ways) == 1:
            return None
        return np.asarray(np.argmin(np.broadcast_arrays(*(self._at(way, q.step_time) for way in self.ways)), axis=0))

    def _at(self, way: Case, expr: Expr) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(way.scenario.evaluate(expr), float)

    def of(self, expr: Expr) -> Array:
        """An expression at every point, in the faster way there."""
        found = [self._at(way, expr) for way in self.ways]
        if self._faster is None:
            return found[0]
        return np.asarray(np.choose(self._faster, np.broadcast_arrays(*found, self._faster)[:-1]))

    def asked(self) -> dict[Symbol, Array]:
        """What a chip is asked for at every point, in the faster way there: what an estimate needs."""
        with np.errstate(all="ignore"):
            found = [asked_of_chip(way) for way in self.ways]
        if self._faster is None:
            return found[0]
        return {s: np.choose(self._faster, np.broadcast_arrays(*(one[s] for one in found), self._faster)[:-1])
                for s in found[0]}  # fmt: skip

    def times(self) -> dict[str, Array]:
        """The terms in seconds; without interconnect where nothing says what crosses the links."""
        case = self.ways[0]
        names = [name for name in TERMS if case.has_network or name != TermName.INTERCONNECT]
        return {name: self.of(case.resources[name]) for name in names}


def sheet_of(question: Question, columns: Mapping[Symbol, Array | float]) -> Sheet:
    """The sheet of a question that states a layout; raises UserError where it cannot be used, or lacks a figure."""
    layout = question.inputs.layout
    if layout is None:
        raise UserError("no layout is stated")
    ways = cases_at(prepare(question), layout)
    for lacking in ways[0].missing({"step_time": q.step_time}):
        raise UserError(f"missing {lacking}")
    return Sheet(tuple(way.changed(columns) for way in ways))


@dataclass
class Ticket:
    """What was asked for one row; once the sheets are worked out it has an answer, or why there is none."""

    question: Question
    wanted: Mapping[str, Expr]
    is_practice: bool = False
    """Whether what a chip is asked for is wanted too."""
    asked: dict[Symbol, float] = field(default_factory=dict)
    found: dict[str, float] = field(default_factory=dict)
    bottleneck: TermName | None = None
    times: dict[str, float] = field(default_factory=dict)
    case: Case | None = None
    wrong: Failure | None = None

    @property
    def time(self) -> float:
        """Seconds of the step; raises what went wrong."""
        return self["step_time"]

    @property
    def demands(self) -> Mapping[Symbol, float]:
        """What one chip is asked for; raises what went wrong."""
        self._must_stand()
        return self.asked

    def __getitem__(self, name: str) -> float:
        self._must_stand()
        return self.found[name]

    def _must_stand(self) -> None:
        if self.wrong is not None:
            raise self.wrong

    @property
    def answered(self) -> Case:
        """The case that answered, at the values of whichever row came first; raises what went wrong."""
        self._must_stand()
        if self.case is None:
            raise RuntimeError("asked before the sheets were worked out")
        return self.case


class Sheets:
    """Takes questions, then answers all of them."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, list[Ticket]] = {}

    def ask(
        self,
        question: Question,
        names: Hashable,
        wanted: Mapping[str, Expr] | None = None,
        is_practice: bool = False,
    ) -> Ticket:
        """A ticket for a question; ``names`` stand for its model and machine. Raises UserError for a workload that
        cannot be."""
        workload(settled(question.inputs))
        ticket = Ticket(question, {"step_time": q.step_time, **(wanted or {})}, is_practice)
        self._groups.setdefault((names, _alike(question), tuple(ticket.wanted), is_practice), []).append(ticket)
        return ticket

    def answer(self, progress: Callable[[float], None] = lambda share: None) -> None:
        """Works everything out that was asked since."""
        for number, tickets in enumerate(self._groups.values()):
            try:
                _fill(tickets)
            except (UserError, Unbound, NotSolved) as error:
                for ticket in tickets:
                    ticket.wrong = error
            progress((number + 1) / len(self._groups))
        self._groups.clear()


def _alike(question: Question) -> Hashable:
    """What the rows of a sheet have in common, beside model and machine."""
    i = question.inputs
    given = tuple(sorted((s.name, None if s in AXES else value) for s, value in i.given.items()))
    return (given, i.phase, i.layout, i.chips, i.weights, i.kv, i.activations, i.scope, i.overlap, i.experts,
            i.efficiency, i.basis, i.training, i.load)  # fmt: skip


def _fill(tickets: Sequence[Ticket]) -> None:
    """The answers of tickets that are alike."""
    first, size = tickets[0].question, len(tickets)
    every = [ticket.question.inputs.given for ticket in tickets]
    columns = {s: _column([given[s] for given in every]) for s in first.inputs.given if s in AXES}
    sheet = sheet_of(first, columns)
    found = {name: np.broadcast_to(sheet.of(expr), size) for name, expr in tickets[0].wanted.items()}
    times = {name: np.broadcast_to(values, size) for name, values in sheet.times().items()}
    asked = sheet.asked() if tickets[0].is_practice else {}
    asked = {symbol: np.broadcast_to(values, size) for symbol, values in asked.items()}
    for place, ticket in enumerate(tickets):
        ticket.case = sheet.ways[0]
        ticket.found = {name: float(values[place]) for name, values in found.items()}
        ticket.asked = {symbol: float(values[place]) for symbol, values in asked.items()}
        ticket.times = {name: float(values[place]) for name, values in times.items()}
        ticket.bottleneck = TermName(max(ticket.times, key=lambda name: ticket.times[name]))


def _column(values: Sequence[float]) -> Array | float:
    """One number where all are the same, so that what follows from it alone is worked out once."""
    return values[0] if len(set(values)) == 1 else np.array(values, float)
