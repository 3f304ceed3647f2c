"""Estimates of the same layouts on one machine after another: what machines have in common is worked out once.

What a pass asks of a chip does not depend on the machine's rates, and little of it on the context; only the last few
sums and maxima are anew on each.
"""

from typing import Any

import numpy as np
from sympy import Symbol

from steptime.model.scenario import Scenario
from steptime.model.solver.layouts.evaluated import Points
from steptime.model.solver.layouts.practice import Estimates, in_practice
from steptime.model.step.demands import terms_of_phase

Array = np.ndarray


class InTurn:
    """The estimates of some layouts at all batches, variant by variant."""

    def __init__(self, estimates: Estimates) -> None:
        self.estimates = estimates
        self.terms = terms_of_phase(estimates.step.search.inputs.phase)
        self._there: list[Scenario] = []
        self._same = frozenset[Symbol]()

    def step_time(self, points: Points, number: int, rows: Array) -> Array:
        """Seconds of a step in practice, never below the bound, of the points of one variant."""
        if self.estimates.serves:  # passes of three kinds, whose lengths depend on the workload
            return in_practice(points, self.estimates, np.full(len(rows), number), rows, None).step_time
        with np.errstate(all="ignore"):
            self._go_on(points, self.estimates.coefficients[number])
            first, *others = self._there
            ways = [self._seconds(first)]
            for other in others:
                shared = {symbol: value for symbol, value in first.known.items() if symbol in self._same}
                ways.append(self._seconds(other.knowing(shared)))
            if len(ways) > 1:
                ways = [np.choose(points.faster, np.broadcast_arrays(points.faster, *ways)[1:])]
            return np.asarray(np.maximum(ways[0], points.step_time))

    def _seconds(self, there: Scenario) -> Any:
        return sum(there.evaluate(expr) for expr in self.terms.values())

    def _go_on(self, points: Points, figures: dict[Symbol, float]) -> None:
        """The scenarios of the next variant, in each way to copy tokens to experts."""
        values = {**points.scenarios[0].values, **figures}
        if not self._there or values.keys() != self._there[0].values.keys():
            asked = zip(points.scenarios, points.formulas.demanded, strict=True)
            self._there = [Scenario(values, {**one.definitions, **demanded}) for one, demanded in asked]
            self._same = _in_common(self._there)
        else:
            before = self._there[0].values
            differ = {symbol: value for symbol, value in values.items() if _differ(value, before[symbol])}
            self._there = [one | differ for one in self._there]
        self._there = [one.knowing(there.known) for one, there in zip(self._there, points.scenarios, strict=True)]


def _differ(one: Any, other: Any) -> bool:
    return one is not other and bool(np.shape(one) != np.shape(other) or np.any(one != other))


def _in_common(several: list[Scenario]) -> frozenset[Symbol]:
    """Derived quantities that are the same in all ways, with all that they follow from."""
    first, *others = several

    def same(symbol: Symbol) -> bool:
        return all(first.definitions.get(part) == other.definitions.get(part)
                   for other in others for part in first.reach(symbol) if part not in first.values)  # fmt: skip

    return frozenset(symbol for symbol in first.definitions if same(symbol))
