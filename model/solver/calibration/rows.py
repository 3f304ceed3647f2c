"""Measured decode steps as arrays: what each asks of a chip, by group, and what was measured."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import Load, PhaseName, Scope
from steptime.model.errors import NotSolved, Unbound, UserError
from steptime.model.estimate import symbols as e
from steptime.model.phases.accounts import accounts_of
from steptime.model.solver.measured.formats import likely_cache
from steptime.model.solver.measured.judged import EXACT
from steptime.model.solver.measured.places import Places
from steptime.model.solver.measured.printed import seconds, wanted_of
from steptime.model.solver.measured.questions import one_pass
from steptime.model.solver.measured.sheets import Sheets, Ticket
from steptime.model.step.estimate import kind_of
from steptime.model.step.inputs import Question

SLOWEST = 1000.0
"""Measured over bound from which on no coefficient in its range explains a row: those of the catalogue reach 23."""


@dataclass(frozen=True)
class Row:
    """One measured step: ``asked`` of a chip in a decode step, ``along`` in a prefill that rides along."""

    source: Measurement
    family: str
    kind: str
    asked: Mapping[Symbol, float]
    along: Mapping[Symbol, float]
    measured: float
    ideal: float

    @property
    def group(self) -> str:
        """Rows of one model on one machine under one serving stack are not independent."""
        return "|".join((self.source.model, self.source.hardware, self.source.stack or self.source.family))

    @property
    def stack(self) -> str:
        """The serving stack without its version."""
        return (self.source.stack or self.source.family).split(" ")[0]


@dataclass(frozen=True)
class _Asked:
    """A row whose questions are on the sheets: its step, a prefill alone, how many of these ride along."""

    source: Measurement
    machine: Hardware
    kind: str
    step: Ticket
    prefill: Ticket | None = None
    riding: float = 0.0

    def row(self) -> Row:
        """The row, once the sheets are worked out; raises what went wrong."""
        step, source, along = self.step, self.source, dict[Symbol, float]()
        ideal, family = step.time, self.machine.family or self.machine.name
        if self.prefill is not None:
            along = {**self.prefill.demands, e.riding: self.riding}
        wanted = {name: step.found[name] for name in wanted_of(source)}
        measured = seconds(source, self.machine, **wanted)
        check_possible(measured, ideal)
        return Row(source, family, self.kind, step.asked, along, measured, ideal)


def check_possible(measured: float, ideal: float, slowest: float = SLOWEST) -> None:
    """Raises UserError, worded alike for all rows, where a row takes less than its bound or absurdly more."""
    if not measured >= ideal * (1 - EXACT):
        raise UserError("faster than the ideal")
    if not measured <= ideal * slowest:
        raise UserError(f"above {slowest:,.0f} times the ideal: no coefficient in its physical range explains it")


def rows_of(measurements: Iterable[Measurement], places: Places) -> tuple[list[Row], dict[str, str]]:
    """The rows that an estimate can be made of; and why others cannot, by identifier."""
    sheets, why, asked = Sheets(), dict[str, str](), list[_Asked]()
    found: list[Row] = []
    for row in measurements:
        try:
            asked.append(_ask(row, places, sheets))
        except (UserError, Unbound, NotSolved) as error:
            why[row.id] = str(error)
    sheets.answer()
    for one in asked:
        try:
            found.append(one.row())
        except (UserError, Unbound, NotSolved) as error:
            why[one.source.id] = str(error)
    return found, why


def _ask(row: Measurement, places: Places, sheets: Sheets) -> _Asked:
    if row.wrong:
        raise UserError(row.wrong)
    if row.phase != PhaseName.DECODE or row.scope == "request":  # what states no scope is of single steps
        raise UserError(f"{row.phase} of scope {row.scope or 'steps'} is no single decode step")
    if "mtp" in row.detail:
        raise UserError("time per token of several a step: acceptance is not stated")
    known, machine, question = question_of(row, places)
    names = row.model, row.hardware
    step = sheets.ask(question, names, wanted_of(row), is_practice=True)
    if row.scope != Scope.SERVING:
        return _Asked(row, machine, kind_of(known), step)
    alone, riding = prefills_along(row, question)
    return _Asked(row, machine, kind_of(known), step, sheets.ask(alone, names, is_practice=True), riding)


def question_of(row: Measurement, places: Places) -> tuple[Transformer, Hardware, Question]:
    """The pass of a row as it most likely ran, with model and machine; raises UserError for a list of quantities."""
    model, machine = places.model(row.model), places.machine(row.hardware)
    known = accounts_of(model).transformer
    if known is None:
        raise UserError(f"{row.model} is a list of quantities: nothing says which kernels run")
    return known, machine, one_pass(row, model, machine).but(kv=likely_cache(row))


def prefills_along(row: Measurement, question: Question) -> tuple[Question, float]:
    """A prefill at the same layout, of prompts side by side, and how many such ride along in a step: a prompt for each
    sequence that ends, but for a request's own."""
    prompt, output, context = (row.number(name) for name in ("prompt", "output", "context"))
    layout = question.inputs.layout
    if prompt is None or output is None or context is None or output < 2 or layout is None:
        raise UserError("prompt, output and context of a serving row must be stated")
    scale = context / (prompt + output / 2)  # lengths are drawn below their nominal ones
    alone = question.inputs.prompt_alone(float(max(2, int(prompt * scale))))
    waiting = row.number("batch") or 1.0
    decoding = min(waiting, row.number("inflight") or waiting)
    meets = accounts_of(question.model).meets(layout)
    units = layout.replicas * (1 if meets else layout.dp)
    others = (waiting / units - 1) / (waiting / units) if waiting > units else 0.0
    prompts = max(1, min(layout.dp, math.floor(decoding / units))) if meets else 1
    alone = alone.with_given({q.batch: float(prompts)})
    inputs = replace(alone, layout=replace(layout, copies=None), load=Load.WHOLE, scope=Scope.STEPS)
    return replace(question, inputs=inputs), others * decoding / units / max(1.0, output * scale - 1) / prompts


Arrays = Mapping[Symbol, Any]


def arrays(rows: Sequence[Row], which: str) -> dict[Symbol, np.ndarray]:
    """One part of all rows, an array for each quantity; what a row lacks is zero."""
    parts: list[Mapping[Symbol, float]] = [getattr(row, which) for row in rows]
    names = dict.fromkeys(symbol for part in parts for symbol in part)
    return {symbol: np.array([part.get(symbol, 0.0) for part in parts], float) for symbol in names}
