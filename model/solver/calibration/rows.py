"""Measured decode steps as arrays: what each asks of a chip, by group, and what was measured."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import Load, PhaseName, Scope
from steptime.model.errors import NotSolved, Unbound, UserError
from steptime.model.estimate import symbols as e
from steptime.model.solver.measured.formats import likely_cache
from steptime.model.solver.measured.places import Places
from steptime.model.solver.measured.printed import seconds, wanted_of
from steptime.model.solver.measured.questions import one_pass
from steptime.model.step.build import build_case
from steptime.model.step.estimate import asked_of_chip, kind_of
from steptime.model.step.inputs import Question


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


def rows_of(measurements: Iterable[Measurement], places: Places) -> tuple[list[Row], dict[str, str]]:
    """The rows that an estimate can be made of; and why others cannot, by identifier."""
    found, why = [], {}
    for row in measurements:
        try:
            found.append(_row(row, places))
        except (UserError, Unbound, NotSolved) as error:
            why[row.id] = str(error)
    return found, why


def _row(row: Measurement, places: Places) -> Row:
    if row.wrong:
        raise UserError(row.wrong)
    if row.phase != PhaseName.DECODE or row.scope not in ("steps", "serving"):
        raise UserError(f"{row.phase} of scope {row.scope or 'steps'} is no single decode step")
    model, machine = places.model(row.model), places.machine(row.hardware)
    if not isinstance(model, Transformer):
        raise UserError(f"{row.model} is a list of quantities: nothing says which kernels run")
    if "mtp" in row.detail:
        raise UserError("time per token of several a step: acceptance is not stated")
    question = one_pass(row, model, machine).but(kv=likely_cache(row))
    case = build_case(question)
    asked, along = asked_of_chip(case), dict[Symbol, float]()
    if row.scope == "serving":
        along = _along(row, question)
    ideal = case.number(q.step_time)
    if ideal is None:
        raise UserError("the bound has no number")
    measured = seconds(row, machine, **{name: case.scenario.evaluate(one) for name, one in wanted_of(row).items()})
    return Row(row, machine.family or machine.name, kind_of(model), asked, along, measured, ideal)


def _along(row: Measurement, question: Question) -> dict[Symbol, float]:
    """One prefill at the same layout, and how many of them ride along in a step: one for each sequence that ends, but
    for a request's own."""
    prompt, output, context = (row.number(name) for name in ("prompt", "output", "context"))
    if prompt is None or output is None or context is None or output < 2:
        raise UserError("prompt, output and context of a serving row must be stated")
    scale = context / (prompt + output / 2)  # lengths are drawn below their nominal ones
    alone = question.inputs.prompt_alone(float(max(2, int(prompt * scale))))
    layout = replace(question.inputs.layout, copies=None) if question.inputs.layout else None
    case = build_case(replace(question, inputs=replace(alone, layout=layout, load=Load.WHOLE, scope=Scope.STEPS)))
    waiting = row.number("batch") or 1.0
    decoding = min(waiting, row.number("inflight") or waiting)
    replicas = case.layout.replicas
    others = (waiting / replicas - 1) / (waiting / replicas) if waiting > replicas else 0.0
    return {**asked_of_chip(case), e.riding: others * decoding / replicas / max(1.0, output * scale - 1)}


Arrays = Mapping[Symbol, Any]


def arrays(rows: Sequence[Row], which: str) -> dict[Symbol, np.ndarray]:
    """One part of all rows, an array for each quantity; what a row lacks is zero."""
    parts: list[Mapping[Symbol, float]] = [getattr(row, which) for row in rows]
    names = dict.fromkeys(symbol for part in parts for symbol in part)
    return {symbol: np.array([part.get(symbol, 0.0) for part in parts], float) for symbol in names}
