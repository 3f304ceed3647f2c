"""What the formula does with rows that it never saw: a fit for each group that is left out, and what it says of it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steptime.model.catalog.coefficients import Band
from steptime.model.solver.calibration.fit import Array, Fit, Mask, Table, fit
from steptime.model.solver.calibration.rows import Row

COVERED = 0.8
"""Share of measured times between the ends of a band."""
LEAST_GROUPS = 3
"""Groups from which on a kind of model on a family of machines has a band of its own."""

LEFT_OUT: Mapping[str, Callable[[Row], str]] = {
    "group": lambda row: row.group,
    "model": lambda row: row.source.model,
    "machine": lambda row: row.source.hardware,
    "stack": lambda row: row.stack,
    "source": lambda row: row.source.source_family,
}
"""What is left out together."""


@dataclass(frozen=True)
class Errors:
    """Errors |predicted/measured - 1| of so many rows: the median, and what nine in ten do not exceed."""

    rows: int
    median: float
    p90: float
    bias: float

    @classmethod
    def of(cls, logs: Array) -> "Errors":
        """From logarithms of predicted over measured."""
        errors = np.abs(np.expm1(logs))
        return cls(len(logs), float(np.median(errors)), float(np.quantile(errors, 0.9)), float(np.median(logs)))


def left_out(table: Table, by: str) -> Array:
    """The logarithm of predicted over measured of each row, by a fit of the rows that share nothing with it."""

    def judged(out: Mask) -> Array:
        test = table.only(out)
        found: Array = np.log(fit(table.only(~out)).predict(test) / test.measured)
        return found

    return each_left_out([LEFT_OUT[by](row) for row in table.rows], judged)


def each_left_out(keys: Sequence[str], judged: Callable[[Mask], Array]) -> Array:
    """For each key in turn its rows, as a mask, judged by what is fitted to the others."""
    names = np.array(keys)
    found = np.zeros(len(names))
    for key in dict.fromkeys(keys):
        out = names == key
        if out.all():
            raise ValueError(f"every row is of {key}: nothing is left to fit")
        found[out] = judged(out)
    return found


@dataclass(frozen=True)
class Part:
    """A fit of one kind of step: what it found, its rows, errors by what is left out, of rows of the fit itself and
    of each source left out, the bands of groups left out, and the share of a group's rows in the bands of others."""

    fit: Fit
    table: Table
    errors: Mapping[str, Errors]
    in_sample: Errors
    sources: Mapping[str, Errors]
    bands: Mapping[str, Band]
    covered: float


def judged(table: Table, kinds: Sequence[str], progress: Callable[[float], None] = lambda share: None) -> Part:
    """The fit of a table, and its errors where rows of a ``kind`` are left out together; groups are always."""
    found, errors, sources = fit(table), dict[str, Errors](), dict[str, Errors]()
    by_group = np.zeros(len(table.rows))
    for number, by in enumerate(kinds):
        if len({LEFT_OUT[by](row) for row in table.rows}) > 1:
            logs = left_out(table, by)
            errors[by] = Errors.of(logs)
            by_group = logs if by == "group" else by_group
            sources = grouped(table, logs, LEFT_OUT[by]) if by == "source" else sources
        progress((number + 1) / len(kinds))
    sample = Errors.of(np.log(found.predict(table) / table.measured))
    return Part(found, table, errors, sample, sources, bands(table, by_group), coverage(table, by_group))


def grouped(table: Table, logs: Array, key: Callable[[Row], str]) -> dict[str, Errors]:
    """The errors of rows by a property of theirs."""
    keys = np.array([key(row) for row in table.rows])
    return {name: Errors.of(logs[keys == name]) for name in dict.fromkeys(keys.tolist())}


def bands(table: Table, logs: Array) -> dict[str, Band]:
    """Bands of measured over predicted: of each kind of model on each family of machines that has rows of several
    groups, of each kind, of all."""
    found = {"all": _band(table.rows, logs)}
    for key in (_kind, _kind_and_family):
        keys = np.array([key(row) for row in table.rows])
        for name in sorted(set(keys.tolist())):
            chosen = keys == name
            rows = [row for row, kept in zip(table.rows, chosen, strict=True) if kept]
            if len({row.group for row in rows}) >= LEAST_GROUPS:
                found[name] = _band(rows, logs[chosen])
    return found


def coverage(table: Table, logs: Array) -> float:
    """The share of rows inside a band that the other groups' left-out rows give: a promise, kept or not."""
    groups = np.array(table.groups)
    inside = np.zeros(len(groups), bool)
    for group in dict.fromkeys(table.groups):
        out = groups == group
        others = bands(table.only(~out), logs[~out])
        for place in np.flatnonzero(out):
            row = table.rows[place]
            names = [name for name in (_kind_and_family(row), _kind(row), "all") if name in others]
            inside[place] = others[names[0]].low <= np.exp(-logs[place]) <= others[names[0]].high
    return float(np.mean(inside))


def _kind(row: Row) -> str:
    return row.kind


def _kind_and_family(row: Row) -> str:
    return f"{row.kind} on {row.family}"


def _band(rows: Sequence[Row], logs: Array) -> Band:
    """Each group counts alike, however many rows it has."""
    groups = [row.group for row in rows]
    low, high = quantiles(groups, np.exp(-logs), [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return Band(low, high, len(groups), len(set(groups)))


def quantiles(groups: Sequence[str], values: Array, shares: Sequence[float]) -> list[float]:
    """Values that such shares of rows do not exceed, each group counted alike."""
    sizes, order = Counter(groups), np.argsort(values)
    weights = np.array([1 / sizes[group] for group in groups])[order]
    places = (np.cumsum(weights) - weights / 2) / weights.sum()
    return [float(found) for found in np.interp(shares, places, values[order])]
