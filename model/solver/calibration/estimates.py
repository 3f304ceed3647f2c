"""Measured rows by the estimate: of a pass, of one in which prefills ride along, of a whole request, of an optimizer
step, of a collective."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.coefficients import Coefficients, shipped
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.measurement import COLLECTIVES, Measurement
from steptime.model.choices import PhaseName, Scope
from steptime.model.errors import NotSolved, Unbound, UserError
from steptime.model.estimate import symbols as e
from steptime.model.estimate.terms import along, decode, prefill
from steptime.model.solver.calibration.acceptance import implied
from steptime.model.solver.calibration.fit import Array, evaluate
from steptime.model.solver.calibration.rows import prefills_along, question_of
from steptime.model.solver.measured.estimated import estimated_collective
from steptime.model.solver.measured.judged import FirstToken, Judged, Practice
from steptime.model.solver.measured.places import Places
from steptime.model.solver.measured.practised import practised
from steptime.model.solver.measured.questions import needed, parts_of_request
from steptime.model.solver.measured.sheets import Sheets, Ticket
from steptime.model.step.estimate import kind_of
from steptime.model.step.inputs import Question


@dataclass(frozen=True)
class _Part:
    """So much of a closed form, at what a ticket asks of a chip."""

    formula: Expr
    ticket: Ticket
    more: Mapping[Symbol, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Asked:
    """A row whose parts add up to its time."""

    model: Transformer
    machine: Hardware
    parts: tuple[_Part, ...]
    first: _Part | None = None
    """The prefill of one prompt alone: no part of the step."""

    @property
    def is_answered(self) -> bool:
        return all(part.ticket.wrong is None for part in self.all)

    @property
    def all(self) -> tuple[_Part, ...]:
        return self.parts if self.first is None else (*self.parts, self.first)

    @property
    def ideal(self) -> float:
        """Seconds of the parts at the bound; raises what went wrong."""
        return sum(part.ticket.time for part in self.parts if part.formula != along)


def with_estimates(
    judged: Sequence[Judged], places: Places | None = None, chosen: Coefficients | None = None
) -> list[Judged]:
    """Judged rows with the estimate of each; without one what cannot be asked. A row whose time is per token of several
    a pass has none: what acceptance it implies stands instead.

    Rows that ask the same but for batch and lengths share their formulas, wherever in the list they stand.
    """
    there, sheets, coefficients = places or Places(), Sheets(), chosen or shipped()
    runs: dict[Hashable, _Asked | None] = {}
    for one in judged:
        if not one.why and one.row.run not in runs:
            runs[one.row.run] = _quietly(one.row, there, sheets)
    sheets.answer()
    trained = practised([one.row for one in judged], there, coefficients)
    worked = {run: asked for run, asked in runs.items() if asked is not None and asked.is_answered}
    columns, place = _seconds(list(worked.values()), coefficients), {run: at for at, run in enumerate(worked)}
    found: list[Judged] = []
    for one, step in zip(judged, trained, strict=True):
        run = one.row.run
        if not one.why and one.row.phase in COLLECTIVES:
            found.append(_with_collective(one, there, coefficients))
        elif not one.why and step is not None:
            found.append(_with_training(one, step))
        elif not one.why and run in worked:
            times = {formula: float(column[place[run]]) for formula, column in columns.items()}
            found.append(_with_practice(one, worked[run], times, coefficients))
        else:
            found.append(one)
    return found


def _quietly(row: Measurement, places: Places, sheets: Sheets) -> _Asked | None:
    try:
        return _ask(row, places, sheets)
    except (UserError, Unbound, NotSolved):
        return None


def _ask(row: Measurement, places: Places, sheets: Sheets) -> _Asked | None:
    """The questions of a row, put on the sheets."""
    if row.wrong or row.phase not in (PhaseName.DECODE, PhaseName.PREFILL):
        return None
    model, machine, question = question_of(row, places)

    def part(formula: Expr, asked: Question, more: Mapping[Symbol, float] | None = None) -> _Part:
        return _Part(formula, sheets.ask(asked, (row.model, row.hardware), is_practice=True), more or {})

    if row.scope == "request":
        first, after = parts_of_request(row, question)
        return _Asked(model, machine, (part(prefill, first), *(() if after is None else (part(decode, after),))))
    if row.phase == PhaseName.PREFILL:
        return _Asked(model, machine, (part(prefill, question),))
    step = part(decode, question)
    if row.scope != Scope.SERVING:
        return _Asked(model, machine, (step,))
    together, riding = prefills_along(row, question)
    alone = together.but({q.batch: 1.0})
    return _Asked(model, machine, (step, part(along, together, {e.riding: riding})), part(prefill, alone))


def _seconds(asked: Sequence[_Asked], coefficients: Coefficients) -> dict[Expr, Array]:
    """Seconds of so many rows by formula, each over arrays of what its parts ask."""
    found = {}
    for formula in (decode, prefill, along):
        found[formula] = np.zeros(len(asked))
        there = [(place, one, part) for place, one in enumerate(asked) for part in one.all if part.formula == formula]
        if not there:
            continue
        parts: list[Mapping[Symbol, float]] = [{**part.ticket.asked, **part.more} for _, _, part in there]
        values: dict[Symbol, Any] = {s: np.array([part[s] for part in parts]) for s in parts[0]}
        factors = np.array([coefficients.kernels.get(one.machine.family or "", 1.0) for _, one, _ in there])
        kernel = {q.kernel_time: coefficients.values[q.kernel_time] * factors}
        times = evaluate(formula, {**coefficients.values, **kernel, **values})
        found[formula][[place for place, _, _ in there]] = times
    return found


def _with_practice(one: Judged, asked: _Asked, times: Mapping[Expr, float], chosen: Coefficients) -> Judged:
    """A row with its estimate, never below its parts at the bound."""
    if "mtp" in one.row.detail:
        check, measured = max(times[decode], asked.ideal), one.measured or 0.0
        return replace(one, drafts=implied(needed(one.row, "drafts"), check, times[along], measured))
    band = chosen.band(kind_of(asked.model), asked.machine.family, asked.machine.name)
    seconds = max(sum(times[part.formula] for part in asked.parts), asked.ideal)
    low, high = max(asked.ideal, seconds * band.low), seconds * band.high
    return replace(one, practice=Practice(seconds, low, high, band.name), first_token=_unloaded(one, asked, times))


def _with_training(one: Judged, found: Practice) -> Judged:
    """An optimizer step with its estimate, never below its bound."""
    least = one.ideal or 0.0
    return replace(one, practice=replace(found, seconds=max(found.seconds, least), low=max(found.low, least)))


def _with_collective(one: Judged, places: Places, chosen: Coefficients) -> Judged:
    """A collective with its estimate, where the set has coefficients of collectives."""
    try:
        made = estimated_collective(one.row, places.machine(one.row.hardware), chosen)
    except UserError:
        return one
    return one if made is None else replace(one, practice=Practice(made.seconds, made.low, made.high, made.family))


def _unloaded(one: Judged, asked: _Asked, times: Mapping[Expr, float]) -> FirstToken | None:
    """The time to the first token with the estimate of its prefill."""
    if one.first_token is None or asked.first is None:
        return one.first_token
    return replace(one.first_token, practice=max(times[prefill], asked.first.ticket.time))
