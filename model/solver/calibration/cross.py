"""What the formula does with rows that it never saw: a fit for each group that is left out, and what it says of it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steptime.model.catalog.bands import ALL, Band
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
    """A fit of one kind of step: what it found, its rows; logarithms of predicted over measured, row by row, and errors
    by what is left out; errors of rows of the fit itself and of each source left out, the bands of groups left out, the
    share of a group's rows in the bands of others, and bands of machines left out."""

    fit: Fit
    table: Table
    logs: Mapping[str, Array]
    errors: Mapping[str, Errors]
    in_sample: Errors
    sources: Mapping[str, Errors]
    bands: Mapping[str, Band]
    covered: float
    unseen: Mapping[str, Band]


def judged(table: Table, kinds: Sequence[str], progress: Callable[[float], None] = lambda share: None) -> Part:
    """The fit of a table, its errors where rows of a ``kind`` are left out together; of groups there are several."""
    found, logs = fit(table), dict[str, Array]()
    for number, by in enumerate(kinds):
        if len({LEFT_OUT[by](row) for row in table.rows}) > 1:
            logs[by] = left_out(table, by)
        progress((number + 1) / len(kinds))
    sample = Errors.of(np.log(found.predict(table) / table.measured))
    errors = {by: Errors.of(one) for by, one in logs.items()}
    sources = grouped(table, logs["source"], LEFT_OUT["source"]) if "source" in logs else {}
    inside = float(np.mean(held(table, logs["group"])))
    unseen = bands_of_machines(table, logs["machine"]) if "machine" in logs else {}
    return Part(found, table, logs, errors, sample, sources, bands(table, logs["group"]), inside, unseen)


def grouped(table: Table, logs: Array, key: Callable[[Row], str]) -> dict[str, Errors]:
    """The errors of rows by a property of theirs."""
    keys = np.array([key(row) for row in table.rows])
    return {name: Errors.of(logs[keys == name]) for name in dict.fromkeys(keys.tolist())}


def bands(table: Table, logs: Array) -> dict[str, Band]:
    """Bands of measured over predicted: of each kind of model on each family of machines that has rows of several
    groups, of each kind, of all."""
    found = {ALL: _band(table.rows, logs)}
    for key in (_kind, kind_and_family):
        keys = np.array([key(row) for row in table.rows])
        for name in sorted(set(keys.tolist())):
            chosen = keys == name
            rows = [row for row, kept in zip(table.rows, chosen, strict=True) if kept]
            if len({row.group for row in rows}) >= LEAST_GROUPS:
                found[name] = _band(rows, logs[chosen])
    return found


def bands_of_machines(table: Table, logs: Array) -> dict[str, Band]:
    """Bands of rows whose machine no fit had seen, each machine counted alike: of kinds of models that several machines
    have rows of, and of all."""
    machine = LEFT_OUT["machine"]
    found = {ALL: _band(table.rows, logs, machine)}
    for kind in sorted({row.kind for row in table.rows}):
        chosen = np.array([row.kind == kind for row in table.rows])
        rows = [row for row in table.rows if row.kind == kind]
        if len({machine(row) for row in rows}) >= LEAST_GROUPS:
            found[kind] = _band(rows, logs[chosen], machine)
    return found


def held(table: Table, logs: Array) -> Mask:
    """Which rows lie inside a band that the other groups' left-out rows give: a promise, kept or not."""
    groups = np.array(table.groups)
    inside = np.zeros(len(groups), bool)
    for group in dict.fromkeys(table.groups):
        out = groups == group
        others = bands(table.only(~out), logs[~out])
        for place in np.flatnonzero(out):
            row = table.rows[place]
            names = [name for name in (kind_and_family(row), _kind(row), "all") if name in others]
            inside[place] = others[names[0]].low <= np.exp(-logs[place]) <= others[names[0]].high
    return inside


def _kind(row: Row) -> str:
    return row.kind


def _family(row: Row) -> str:
    return row.family


def kind_and_family(row: Row) -> str:
    """Rows that share a band, where they have one."""
    return f"{row.kind} on {row.family}"


def _band(rows: Sequence[Row], logs: Array, alike: Callable[[Row], str] = LEFT_OUT["group"]) -> Band:
    """What is ``alike``, a group, counts as one, however many rows it has."""
    groups = [alike(row) for row in rows]
    low, high = quantiles(groups, np.exp(-logs), [(1 - COVERED) / 2, (1 + COVERED) / 2])
    counted = (dict(Counter(map(of, rows))) for of in (LEFT_OUT["model"], LEFT_OUT["machine"], _family))
    return Band(low, high, len(groups), len(set(groups)), *counted)


def quantiles(groups: Sequence[str], values: Array, shares: Sequence[float]) -> list[float]:
    """Values that such shares of rows do not exceed, each group counted alike."""
    sizes, order = Counter(groups), np.argsort(values)
    weights = np.array([1 / sizes[group] for group in groups])[order]
    places = (np.cumsum(weights) - weights / 2) / weights.sum()
    return [float(found) for found in np.interp(shares, places, values[order])]
