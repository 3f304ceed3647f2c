"""Measured collectives calibrated: which rows count, what the fit finds, its errors on rows left out, its file."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steptime.model.catalog.links import POOLED, TIERS, Collectives, Link
from steptime.model.catalog.measurement import COLLECTIVES, Measurement
from steptime.model.errors import NotSolved, Unbound, UserError
from steptime.model.solver.calibration.cross import COVERED, LEAST_GROUPS, Errors, each_left_out, quantiles
from steptime.model.solver.calibration.fit import Array, Mask
from steptime.model.solver.calibration.rows import check_possible
from steptime.model.solver.measured.estimated import asked_of
from steptime.model.solver.measured.places import Places

from steptime.model.solver.calibration.links import (  # isort: skip
    SHARE_SPREAD, SHARES, START_SPREAD, STARTS, CollectiveRow, fit_links, logs_of, predicted,
)  # fmt: skip

LEAST_ROWS = 10
"""Rows from which on there is something to fit."""
LEFT_OUT: Mapping[str, Callable[[CollectiveRow], str]] = {
    "group": lambda row: row.group,
    "machine": lambda row: row.source.hardware,
    "source": lambda row: row.source.source_family,
    "size": lambda row: row.size,
}
"""What is left out together."""


@dataclass(frozen=True)
class Exchanges:
    """What the fit of collectives found: coefficients, its rows, logarithms of predicted over measured by what is left
    out."""

    coefficients: Collectives
    rows: tuple[CollectiveRow, ...]
    logs: Mapping[str, Array]

    @property
    def errors(self) -> dict[str, Errors]:
        """By what is left out; ``in_sample``: nothing."""
        return {by: Errors.of(logs) for by, logs in self.logs.items()}

    @property
    def judged_by(self) -> str:
        """What is left out at the most: rows of one kind, machine and source, where there are several such."""
        return "group" if "group" in self.logs else "in_sample"

    @property
    def by_bound(self) -> dict[str, Errors]:
        """Errors of rows left out whose starts take longer than their bytes, and of the others."""
        starts, logs = self.starting > 0.5, self.logs[self.judged_by]
        parts = {"starts": starts, "bytes": ~starts}
        return {name: Errors.of(logs[part]) for name, part in parts.items() if part.any()}

    @property
    def by_group(self) -> dict[str, Errors]:
        """The same by group."""
        groups, logs = np.array([row.group for row in self.rows]), self.logs[self.judged_by]
        return {str(name): Errors.of(logs[groups == name]) for name in dict.fromkeys(groups.tolist())}

    @property
    def starting(self) -> Array:
        """Share of the estimate of each row that starts take."""
        links = self.coefficients.links
        still = {family: {tier: Link(0.0, link.share) for tier, link in of.items()} for family, of in links.items()}
        found: Array = 1 - predicted(self.rows, still) / predicted(self.rows, links)
        return found


def calibrate_collectives(
    measurements: Sequence[Measurement], places: Places
) -> tuple[Exchanges | None, dict[str, str]]:
    """The fit to the measured collectives among rows, None where there are too few; and why others are not used."""
    rows, why = _rows(measurements, places)
    if len(rows) < LEAST_ROWS:
        return None, why | {row.source.id: f"fewer than {LEAST_ROWS} collectives can be fitted" for row in rows}
    links = fit_links(rows)
    logs = {"in_sample": logs_of(rows, links)}
    for by, key in LEFT_OUT.items():
        keys = [key(row) for row in rows]
        if len(set(keys)) > 1:
            logs[by] = each_left_out(keys, lambda out: logs_of(_only(rows, out), fit_links(_only(rows, ~out))))
    bands = _bands(rows, logs.get("group", logs["in_sample"]))
    found = Collectives(len(rows), len({row.group for row in rows}), START_SPREAD, SHARE_SPREAD, bands, links)
    return Exchanges(found, tuple(rows), logs), why


def _bands(rows: Sequence[CollectiveRow], logs: Array) -> dict[str, tuple[float, ...]]:
    """Bands of all, and of families with several groups; the same both ways: of few groups the side on which they lie
    says nothing of the next one's."""
    found: dict[str, tuple[float, ...]] = {}
    for family in (POOLED, *sorted({row.family for row in rows})):
        chosen = np.array([family in (POOLED, row.family) for row in rows])
        groups = [row.group for row in _only(rows, chosen)]
        if family == POOLED or len(set(groups)) >= LEAST_GROUPS:
            (off,) = np.exp(quantiles(groups, np.abs(logs[chosen]), [COVERED])).tolist()
            found[family] = (1 / off, off)
    return found


def _rows(measurements: Sequence[Measurement], places: Places) -> tuple[list[CollectiveRow], dict[str, str]]:
    """The collectives that an estimate can be made of; and why others cannot, by identifier."""
    rows, why = list[CollectiveRow](), dict[str, str]()
    for row in measurements:
        if row.phase not in COLLECTIVES or row.wrong:
            continue
        try:
            machine = places.machine(row.hardware)
            asked = asked_of(row, machine)
            check_possible(row.value, asked.ideal, slowest=math.inf)  # a start alone is far above what few bytes take
            rows.append(CollectiveRow(row, machine.family or machine.name, asked, row.value))
        except (UserError, Unbound, NotSolved) as error:
            why[row.id] = str(error)
    return rows, why


def _only(rows: Sequence[CollectiveRow], chosen: Mask) -> list[CollectiveRow]:
    return [row for row, kept in zip(rows, chosen, strict=True) if kept]


def collectives_text(found: Collectives) -> list[str]:
    """The part of the file: the same text for the same rows."""
    lines = [
        "", "[collectives] # spreads of the logarithms among families of machines",
        f"rows = {found.rows}", f"groups = {found.groups}",
        f"start_spread = {found.start_spread:.6g}", f"share_spread = {found.share_spread:.6g}",
        "", "[collectives.bands] # measured over estimated time of rows of a kind, machine and source left out",
        *(f"{family} = [{low:.6g}, {high:.6g}]" for family, (low, high) in found.bands.items()),
    ]  # fmt: skip
    for family, tiers in sorted(found.links.items()):
        for tier in (str(tier) for tier in TIERS if tier in tiers):
            known = f"{STARTS[tier].value:.6g} and {SHARES[tier].value:g}" if family == POOLED else POOLED
            lines += ["", f"[collectives.links.{family}.{tier}] # fitted, about {known}",
                      f"start = {tiers[tier].start:.6g}", f"share = {tiers[tier].share:.6g}"]  # fmt: skip
    return lines
