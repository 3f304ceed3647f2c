"""Seconds in practice of many measured steps of training at once: each run worked out once, then arrays."""

from collections.abc import Hashable, Iterable
from contextlib import suppress
from typing import Any

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients, shipped
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import PhaseName
from steptime.model.errors import NotSolved, Unbound, UserError
from steptime.model.estimate.training import training
from steptime.model.numeric import compiled
from steptime.model.solver.measured.likely import Likely, before_fused_attention, likely_step
from steptime.model.solver.measured.places import Places

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


def practised(rows: Iterable[Measurement], places: Places, chosen: Coefficients | None = None) -> dict[str, float]:
    """Seconds in practice of each row that is a step of training, by its identifier, with a set of coefficients, or the
    shipped one; without those that have no estimate."""
    runs, asked = Runs(places), dict[str, tuple[Likely, str | None]]()
    for row in rows:
        if row.phase == PhaseName.TRAIN and not row.wrong:
            with suppress(*Refusals):
                asked[row.id] = runs.of(row), places.machine(row.hardware).family
    found = chosen or shipped()
    if not asked or found.training is None:
        return {}
    symbols = dict.fromkeys(symbol for likely, _ in asked.values() for symbol in likely.asked)
    values: dict[Symbol, Any] = {s: np.array([likely.asked[s] for likely, _ in asked.values()]) for s in symbols}
    values[q.kernel_time] = np.array([found.of_family(family)[q.kernel_time] for _, family in asked.values()])
    over = tuple(sorted(training.free_symbols, key=str))
    numbers = {**found.training.values, **values}
    times = np.asarray(compiled(training, over)(*(numbers[symbol] for symbol in over)), float)
    return dict(zip(asked, times.tolist(), strict=True))
