"""The estimates of many measured steps of training at once: each run worked out once, then arrays."""

from collections.abc import Hashable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients, TrainingSet, shipped
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import PhaseName
from steptime.model.errors import NotSolved, Unbound, UserError
from steptime.model.estimate.training import training
from steptime.model.numeric import compiled
from steptime.model.solver.measured.judged import Practice
from steptime.model.solver.measured.likely import Likely, before_fused_attention, likely_step
from steptime.model.solver.measured.places import Places
from steptime.model.step.estimate import kind_of

Refusals = UserError, Unbound, NotSolved


class Runs:
    """Likely steps of rows, each run worked out once however many of its figures were printed."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._found: dict[Hashable, Likely | Exception] = {}

    def of(self, row: Measurement) -> Likely:
        """The likely step of a row; raises what stands in its way."""
        key = (row.run, before_fused_attention(row.source))
        if key not in self._found:
            try:
                model, machine = self.places.model(row.model), self.places.machine(row.hardware)
                self._found[key] = likely_step(row, model, machine)
            except Refusals as error:
                self._found[key] = error
        found = self._found[key]
        if isinstance(found, Exception):
            raise found
        return found


def practised(rows: Sequence[Measurement], places: Places, chosen: Coefficients | None = None) -> list[Practice | None]:
    """The estimate of each row that is a step of training, with a set of coefficients, or the shipped one; None for one
    that has none, and for all others."""
    runs, found = Runs(places), chosen or shipped()
    trained, asked = found.training, dict[int, Likely]()
    answers: list[Practice | None] = [None] * len(rows)
    if trained is None:
        return answers
    for number, row in enumerate(rows):
        if row.phase == PhaseName.TRAIN and not row.wrong:
            with suppress(*Refusals):
                asked[number] = runs.of(row)
    for (number, likely), seconds in zip(asked.items(), _seconds(list(asked.values()), found, trained), strict=True):
        answers[number] = _practice(likely, seconds, trained)
    return answers


def _practice(likely: Likely, seconds: float, trained: TrainingSet) -> Practice:
    """Seconds with the nearest band."""
    model = likely.case.accounts.transformer
    assert model is not None, "only architectures are trained"
    machine = likely.case.hardware
    band = trained.band(kind_of(model), machine.family, machine.name)
    return Practice(seconds, seconds * band.low, seconds * band.high, band.name)


def _seconds(asked: Sequence[Likely], found: Coefficients, trained: TrainingSet) -> list[float]:
    """Seconds of so many steps, by one closed form over arrays."""
    if not asked:
        return []
    values: dict[Symbol, Any] = {symbol: np.array([one.asked[symbol] for one in asked]) for symbol in asked[0].asked}
    values[q.kernel_time] = np.array([found.of_family(one.case.hardware.family)[q.kernel_time] for one in asked])
    over = tuple(sorted(training.free_symbols, key=str))
    numbers = {**trained.values, **values}
    times: list[float] = np.asarray(compiled(training, over)(*(numbers[symbol] for symbol in over)), float).tolist()
    return times
