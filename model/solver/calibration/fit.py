"""The fit: coefficients that explain measured times best, held to what is known of them before.

The logarithm of each predicted over measured time has a normal error that rows of one group share in part; the
logarithm of each coefficient lies about its prior. Bounded least squares (SciPy), with a loss that far rows bend less.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import MOST_FAMILY
from steptime.model.estimate import symbols as e
from steptime.model.estimate.terms import along, decode
from steptime.model.estimate.training import training
from steptime.model.numeric import Function, compiled
from steptime.model.solver.calibration.rows import Row, arrays

from steptime.model.solver.calibration.priors import (  # isort: skip
    FAMILY_SPREAD, NOISE, PRIORS, REFERENCE, TRAINING_PRIORS, Prior, fitted,
)  # fmt: skip

SHARED = 0.6
"""Of the variance of a row's error, what all rows of its group have in common."""

Array = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Fit:
    """Coefficients, and the factor of each hardware family on the time of a kernel."""

    coefficients: Mapping[Symbol, float]
    families: Mapping[str, float]

    def predict(self, table: "Table") -> Array:
        """Seconds of every row."""
        factor = np.array([self.families.get(family, 1.0) for family in table.families])
        return table.predict(self.coefficients, factor)


class Table(ABC):
    """Rows of one kind as arrays, ready to be predicted many times; ``priors`` are of the coefficients that their
    formula has, ``by_family`` whether families of machines have a factor of their own."""

    priors: Mapping[Symbol, Prior]
    by_family: bool

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = tuple(rows)
        self.measured: Array = np.array([row.measured for row in rows])
        self.families = [row.family for row in rows]
        self.groups = [row.group for row in rows]

    @cached_property
    def weights(self) -> Array:
        """One over the standard deviation of each row: rows of a group tell less than so many of different ones."""
        return certainty(self.groups)

    def only(self, chosen: Sequence[bool] | Mask) -> "Table":
        """The table of some of its rows."""
        return self.of([row for row, kept in zip(self.rows, chosen, strict=True) if kept])

    @abstractmethod
    def of(self, rows: Sequence[Row]) -> "Table":
        """A table of the same kind."""

    @abstractmethod
    def predict(self, coefficients: Mapping[Symbol, float], factor: Array) -> Array:
        """Seconds of every row; ``factor`` is that of its hardware family on the time of a kernel."""


class DecodeTable(Table):
    """Decode steps, with the prefills that ride along in them."""

    priors = PRIORS
    by_family = True

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__(rows)
        self.step, self.riding = arrays(rows, "asked"), arrays(rows, "along")

    def of(self, rows: Sequence[Row]) -> "DecodeTable":
        return DecodeTable(rows)

    def predict(self, coefficients: Mapping[Symbol, float], factor: Array) -> Array:
        kernel = {q.kernel_time: coefficients[q.kernel_time] * factor}
        step = evaluate(decode, {**coefficients, **kernel, **self.step})
        if e.riding not in self.riding:
            return step
        there = {**coefficients, **kernel, **self.riding}
        with np.errstate(invalid="ignore", divide="ignore"):
            more = evaluate(along, there)
        return step + np.where(self.riding[e.riding] > 0, more, 0.0)


class TrainingTable(Table):
    """Steps of training. A kernel starts and drains as in decoding: its time is that of another fit, by family."""

    priors = TRAINING_PRIORS
    by_family = False

    def __init__(self, rows: Sequence[Row], kernels: Fit) -> None:
        super().__init__(rows)
        self.kernels, self.step = kernels, arrays(rows, "asked")
        factors = np.array([kernels.families.get(row.family, 1.0) for row in rows])
        self.step[q.kernel_time] = kernels.coefficients[q.kernel_time] * factors

    def of(self, rows: Sequence[Row]) -> "TrainingTable":
        return TrainingTable(rows, self.kernels)

    def predict(self, coefficients: Mapping[Symbol, float], factor: Array) -> Array:
        return evaluate(training, {**coefficients, **self.step})


def evaluate(expr: Any, values: Mapping[Symbol, Any]) -> Array:
    """A closed form over arrays of its quantities."""
    over, function = _prepared(expr)
    found: Array = np.asarray(function(*(values[symbol] for symbol in over)), float)
    return found


@cache
def _prepared(expr: Any) -> tuple[tuple[Symbol, ...], Function]:
    """Its quantities in order, and the function of them: a fit asks for the same few formulas very often."""
    over = tuple(sorted(expr.free_symbols, key=str))
    return over, compiled(expr, over)


def unknowns(table: Table) -> tuple[tuple[Symbol, ...], list[str]]:
    """What a fit of a table decides: coefficients, and a factor for each of its hardware families but the reference,
    where they have one."""
    families = sorted(set(table.families) - {REFERENCE}) if table.by_family else []
    return fitted(table.priors), families


def spreads(table: Table) -> Array:
    """Standard deviations of the logarithms of all that a fit decides, before a row is looked at."""
    names, families = unknowns(table)
    return np.array([table.priors[name].spread for name in names] + [FAMILY_SPREAD] * len(families))


def fit(table: Table, times: Array | None = None, moved: Array | float = 0.0) -> Fit:
    """The coefficients of so many rows: those that rows decide, a factor for each hardware family but the reference.

    ``times``: how often each row counts, as where groups are drawn with replacement. ``moved``: by how much the
    logarithm of each prior's value is moved.
    """
    from scipy.optimize import least_squares

    priors, (names, families) = table.priors, unknowns(table)
    place = {family: number for number, family in enumerate(families)}
    column = np.array([place.get(family, len(families)) for family in table.families])
    prior = np.array([np.log(priors[name].value) for name in names] + [0.0] * len(families)) + moved
    spread = spreads(table)
    often = np.ones(len(table.rows)) if times is None else np.sqrt(times)
    low = [np.log(max(priors[name].low, 1e-9)) for name in names] + [-np.log(MOST_FAMILY)] * len(families)
    high = [np.log(priors[name].high) for name in names] + [np.log(MOST_FAMILY)] * len(families)

    def residuals(logs: Array) -> Array:
        factor = np.append(np.exp(logs[len(names) :]), 1.0)[column]
        found = table.predict(_values(priors, names, logs), factor)
        return np.concatenate([often * bent(table.weights * np.log(found / table.measured)), (logs - prior) / spread])

    best = least_squares(residuals, np.clip(prior, low, high), bounds=(low, high)).x
    factors = dict(zip(families, np.exp(best[len(names) :]).tolist(), strict=True))
    return Fit(_values(priors, names, best), {REFERENCE: 1.0, **factors} if table.by_family else {})


def certainty(groups: Sequence[str]) -> Array:
    """One over the standard deviation of each row, by its group."""
    sizes = Counter(groups)
    return np.array([1 / (NOISE * np.sqrt(1 + SHARED * (sizes[group] - 1))) for group in groups])


def bent(errors: Array) -> Array:
    """Errors whose squares grow like their size beyond two standard deviations: a far row pulls, and does not tear."""
    far = 2.0
    found: Array = np.sign(errors) * far * np.sqrt(2 * (np.sqrt(1 + (errors / far) ** 2) - 1))
    return found


def _values(priors: Mapping[Symbol, Prior], names: Sequence[Symbol], logs: Array) -> dict[Symbol, float]:
    """All coefficients: those that are fitted as given, the others at their prior."""
    return {name: prior.value for name, prior in priors.items()} | {
        name: float(np.exp(log)) for name, log in zip(names, logs, strict=False)
    }
