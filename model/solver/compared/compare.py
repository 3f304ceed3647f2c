"""Other tools' answers beside ours: ratios to the bound, to the estimate and to what was measured, and causes."""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median
from typing import Any

import numpy as np

from steptime.model.catalog.coefficients import shipped
from steptime.model.catalog.measurement import Measurement, catalogue
from steptime.model.catalog.other_tools import ToolRow
from steptime.model.choices import PhaseName
from steptime.model.errors import NotSolved, Unbound, UserError
from steptime.model.estimate.terms import decode, prefill
from steptime.model.scenario import Scenario
from steptime.model.solver.compared.causes import Cause, causes_of, ranked
from steptime.model.solver.compared.fit import Fitted
from steptime.model.solver.compared.pieces import Array, Pieces, asked_alike, joined, pieces_of, sheets_of
from steptime.model.solver.compared.search import CASES_EACH, explained, scaled, unchanged
from steptime.model.solver.measured.places import Places
from steptime.model.solver.measured.printed import seconds, wanted_of
from steptime.model.solver.measured.questions import one_pass
from steptime.model.solver.measured.sheets import Sheet
from steptime.model.solver.measured.validate import validate
from steptime.model.step.inputs import Question

EXPLAINED = 0.6
"""Share of the work when every case is answered by us, and no tool explained."""


@dataclass(frozen=True)
class Beside:
    """A tool's answer to a case in seconds, beside our bound and estimate and, where the catalogue has the same case,
    the fastest measured; None where there is none, and ``why`` where we have no answer. ``explained`` is what our bound
    gives once the causes are put in."""

    source: ToolRow
    answer: float | None = None
    bound: float | None = None
    estimate: float | None = None
    measured: float | None = None
    explained: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Ratios:
    """Median, least and largest of some ratios."""

    median: float
    least: float
    largest: float
    rows: int


@dataclass(frozen=True, eq=False)
class ToolCompared:
    """One tool over all its cases. ``best`` explains its answers; ``one_factor`` multiplies our whole bound by one
    number, which causes must beat; ``alone`` are the best single causes, ``others`` explanations as good with another
    overlap. Without ``best`` there are too few cases."""

    name: str
    rows: tuple[Beside, ...]
    unchanged: Fitted | None = None
    one_factor: Fitted | None = None
    best: Fitted | None = None
    causes: tuple[Cause, ...] = ()
    alone: tuple[Cause, ...] = ()
    others: tuple[Fitted, ...] = ()

    @property
    def cases(self) -> int:
        return sum(row.answer is not None for row in self.rows)

    def ratios(self, name: str) -> Ratios | None:
        """The tool's answers over our bound, our estimate, or what was measured."""
        found = [row.answer / value for row in self.rows if row.answer and (value := getattr(row, name))]
        return Ratios(median(found), min(found), max(found), len(found)) if found else None


@dataclass(frozen=True, eq=False)
class Compared:
    """Every tool, in the order of the file."""

    tools: tuple[ToolCompared, ...]

    @cached_property
    def rows(self) -> tuple[Beside, ...]:
        """Every row in the order of the file."""
        return tuple(sorted((row for tool in self.tools for row in tool.rows), key=lambda row: row.source.row.line))


def compare(
    rows: Sequence[ToolRow], places: Places | None = None, progress: Callable[[float], None] = lambda share: None
) -> Compared:
    """Every tool's answers beside ours, and what explains the difference; what we cannot answer says why."""
    asked = _Asked(places or Places())
    for row in rows:
        asked.ask(row)
    asked.answer(lambda share: progress(EXPLAINED * share))
    names = list(dict.fromkeys(row.tool for row in rows))
    found = []
    for number, name in enumerate(names):
        found.append(_tool(name, [row for row in rows if row.tool == name], asked))
        progress(EXPLAINED + (1 - EXPLAINED) * (number + 1) / len(names))
    return Compared(tuple(found))


def _tool(name: str, rows: Sequence[ToolRow], asked: "_Asked") -> ToolCompared:
    beside = [asked.beside(row) for row in rows]
    usable = [row for row in rows if row.row.line in asked.places]
    if len(usable) < CASES_EACH:
        return ToolCompared(name, tuple(beside))
    pieces = asked.pieces.at([asked.places[row.row.line] for row in usable]).acting()
    answers = np.array([one.answer for one in beside if one.answer is not None and not one.why])
    start, one_factor = unchanged(pieces, answers), scaled(pieces, answers)
    best, *others = explained(pieces, answers)
    if best.changes and best.left_out >= one_factor.left_out:  # what does no better than one factor explains nothing
        best, others = start, []
    times = dict(zip((row.row.line for row in usable), best.times, strict=True))
    shown = tuple(_explained(one, times.get(one.source.row.line)) for one in beside)
    return ToolCompared(name, shown, start, one_factor, best, causes_of(best),
                        ranked(pieces, answers), tuple(others))  # fmt: skip


def _explained(one: Beside, time: float | None) -> Beside:
    return one if time is None else Beside(one.source, one.answer, one.bound, one.estimate, one.measured, float(time))


@dataclass
class _Asked:
    """Questions of rows, those of one kind together, and our answers to them by line."""

    folders: Places
    groups: dict[Hashable, list[tuple[ToolRow, Question]]] = field(default_factory=dict)
    why: dict[int, str] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)
    estimates: dict[int, float] = field(default_factory=dict)
    answers: dict[int, float] = field(default_factory=dict)
    parts: list[Pieces] = field(default_factory=list)

    def ask(self, one: ToolRow) -> None:
        row = one.row
        try:
            if row.wrong:
                raise UserError(row.wrong)
            question = one_pass(row, self.folders.model(row.model), self.folders.machine(row.hardware))
        except (UserError, Unbound, NotSolved) as error:
            self.why[row.line] = str(error)
            return
        kind = (row.model, row.hardware, row.quantity, asked_alike(question))
        self.groups.setdefault(kind, []).append((one, question))

    def answer(self, progress: Callable[[float], None]) -> None:
        """Our answers to all that was asked."""
        for number, group in enumerate(self.groups.values()):
            try:
                self._answer(group)
            except (UserError, Unbound, NotSolved) as error:
                self.why |= {one.row.line: str(error) for one, _ in group}
            progress((number + 1) / len(self.groups))

    def _answer(self, group: Sequence[tuple[ToolRow, Question]]) -> None:
        rows, questions = [one.row for one, _ in group], [question for _, question in group]
        sheet, ring = sheets_of(questions)
        pieces = pieces_of(sheet, ring, len(group))
        machine = questions[0].hardware
        wanted = {name: np.broadcast_to(sheet.of(expr), len(group)) for name, expr in wanted_of(rows[0]).items()}
        practice = _estimates(questions[0], sheet, pieces.bound)
        first = sum(map(len, self.parts))
        self.parts.append(pieces)
        for place, row in enumerate(rows):
            answer = seconds(row, machine, **{name: float(values[place]) for name, values in wanted.items()})
            if not 0 < answer < math.inf or not 0 < pieces.bound[place] < math.inf:
                self.why[row.line] = "its time, or ours, is no finite number of seconds"
                continue
            self.places[row.line], self.answers[row.line] = first + place, answer
            if practice is not None:
                self.estimates[row.line] = float(practice[place])

    @cached_property
    def pieces(self) -> Pieces:
        return joined(self.parts)

    @cached_property
    def measured(self) -> Mapping[Hashable, float]:
        """The fastest measured time of each case that rows may be: pure passes of the catalogue."""
        wanted = {_case(one.row) for group in self.groups.values() for one, _ in group}
        rows = [row for row in catalogue() if row.scope in ("", "steps") and not row.wrong and _case(row) in wanted]
        found: dict[Hashable, float] = {}
        for one in validate(rows):
            if one.measured is not None:
                found[_case(one.row)] = min(one.measured, found.get(_case(one.row), math.inf))
        return found

    def beside(self, one: ToolRow) -> Beside:
        line = one.row.line
        if line in self.why:
            return Beside(one, why=" ".join(self.why[line].split()))
        bound = float(self.pieces.bound[self.places[line]])
        return Beside(one, self.answers[line], bound, self.estimates.get(line), self.measured.get(_case(one.row)))


def _case(row: Measurement) -> Hashable:
    """What must be the same for two rows to be of one case; a degree that is not stated is one."""
    formats = tuple(row.formats.get(name) for name in ("weights", "activations", "kv"))
    degrees = tuple(row.degrees.get(name) or 1 for name in ("tp", "cp", "dp", "ep", "pp"))
    length = row.number("prompt") if row.phase == PhaseName.PREFILL else row.number("context")
    return row.phase, row.model, row.hardware, row.chips, formats, degrees, row.number("batch"), length


def _estimates(question: Question, sheet: Sheet, bound: Array) -> Array | None:
    """Our estimates at the points of a sheet, none below the bound; None of a list of quantities."""
    if sheet.ways[0].accounts.transformer is None:
        return None
    values: dict[Any, Any] = {**shipped().of_family(question.hardware.family), **sheet.asked()}
    term = prefill if question.inputs.phase == PhaseName.PREFILL else decode
    return np.asarray(np.maximum(Scenario(values).evaluate(term), bound))
