"""From measured rows to a set of coefficients: which rows count, the fit, its errors on rows left out, its file."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import COEFFICIENTS, Band, Coefficients, Seen
from steptime.model.catalog.measurement import COLLECTIVES, Measurement, distinct
from steptime.model.errors import UserError
from steptime.model.estimate import symbols as e
from steptime.model.solver.calibration.cross import LEFT_OUT, Errors, bands, coverage, left_out
from steptime.model.solver.calibration.exchanges import Exchanges, calibrate_collectives, collectives_text
from steptime.model.solver.calibration.fit import Fit, Table, fit
from steptime.model.solver.calibration.power import Power, powers_of
from steptime.model.solver.calibration.priors import PRIORS, fitted
from steptime.model.solver.calibration.rows import Row, rows_of
from steptime.model.solver.measured.places import Places

MOST_SHARE = 0.65
"""Of a chip's peak that the products of prefills can reach beside decode steps: rows that imply more did less work than
they say, as where prompts were found in a cache."""
SUSPECT = 0.5
"""Share of a group's rows that say too much, from which on none of them counts."""
LEAST_PART = 0.10
"""Of a step: prefills that take less of it, at the peak, say nothing."""
LEAST_ROWS = 30


@dataclass(frozen=True)
class Calibration:
    """What a fit found: the coefficients, its rows, errors by what is left out, the share inside the bands."""

    fit: Fit
    table: Table
    errors: Mapping[str, Errors]
    in_sample: Errors
    bands: Mapping[str, Band]
    covered: float
    implausible: Mapping[str, str]
    unusable: Mapping[str, str]
    unfitted: Table
    power: Sequence[Power]
    collectives: Exchanges | None = None

    @property
    def coefficients(self) -> Coefficients:
        """The set, as a file holds it."""
        steps = [row.asked for row in self.table.rows]
        contexts = [row.source.number("context") or 1.0 for row in self.table.rows]
        held = [step[e.sequences] for step in steps]
        chips = [float(row.source.chips) for row in self.table.rows]
        seen = Seen(*((min(values), max(values)) for values in (contexts, held, chips)))
        return Coefficients(
            "calibration", self.fit.coefficients, self.fit.families, self.bands, seen,
            tuple(symbol.name for symbol in fitted()), len(self.table.rows),
            None if self.collectives is None else self.collectives.coefficients,
        )  # fmt: skip


def implausible(row: Row) -> str | None:
    """Why a row cannot be what it says, or None: prefills that ride along would have to run too close to the peak.

    Their products have at most the time that the decode step's own bound leaves.
    """
    work = sum(row.along.get(name, 0.0) for name in (e.dense_flops, e.expert_flops)) * row.along.get(e.riding, 0.0)
    least = work / row.asked[q.peak_flops]
    if least < LEAST_PART * row.measured:
        return None
    if least <= MOST_SHARE * (row.measured - row.ideal):
        return None
    return f"its prefills would run above {MOST_SHARE:.0%} of the peak: prompts found in a cache, likely"


def doubtful(rows: Sequence[Row]) -> dict[str, str]:
    """Why rows cannot be what they say, by identifier. Where it is so of half of the rows of a group, one server ran
    with a cache of prompts, and the others of it are no better."""
    alone = {row.source.id: text for row in rows if (text := implausible(row)) is not None}
    whole, doubted = Counter(row.group for row in rows), Counter(row.group for row in rows if row.source.id in alone)
    of_run = {row.source.id: f"of its run {SUSPECT:.0%} or more of the rows are so: prompts found in a cache, likely"
              for row in rows if doubted[row.group] >= SUSPECT * whole[row.group]}  # fmt: skip
    return of_run | alone


def calibrate(
    measurements: Sequence[Measurement],
    places: Places | None = None,
    progress: Callable[[float], None] = lambda share: None,
    chosen: Callable[[Row], bool] = lambda row: True,
) -> Calibration:
    """Fit the coefficients to measured decode steps, and say how far off the formula is on rows that it never saw.

    ``chosen``: rows that are fitted; the others are judged by the fit. Raises UserError where too few rows are left.
    """
    places, unlike = places or Places(), distinct(measurements)
    usable, why = rows_of([row for row in unlike if row.phase not in COLLECTIVES or row.wrong], places)
    doubts = doubtful(usable)
    plausible = [row for row in usable if row.source.id not in doubts]
    rows, others = [r for r in plausible if chosen(r)], [r for r in plausible if not chosen(r)]
    if len(rows) < LEAST_ROWS:
        raise UserError(f"{len(rows)} rows can be fitted, of {len(measurements)}; at least {LEAST_ROWS} are needed")
    table = Table(rows)
    found = fit(table)
    progress(0.2)
    errors, by_group = {}, np.zeros(len(rows))
    for number, by in enumerate(LEFT_OUT):
        if len({LEFT_OUT[by](row) for row in rows}) > 1:
            logs = left_out(table, by)
            errors[by] = Errors.of(logs)
            by_group = logs if by == "group" else by_group
        progress(0.2 + 0.7 * (number + 1) / len(LEFT_OUT))
    made = bands(table, by_group)
    inside = coverage(table, by_group)
    exchanges, unused = calibrate_collectives(unlike, places)
    progress(1.0)
    sample = Errors.of(np.log(found.predict(table) / table.measured))
    return Calibration(found, table, errors, sample, made, inside, doubts, why | unused, Table(others),
                       powers_of(usable), exchanges)  # fmt: skip


def coefficients_text(found: Calibration) -> str:
    """The file: the same text for the same rows."""
    made = found.coefficients
    lines = [
        "# Coefficients of the estimate, made by `steptime calibrate` from measured rows: nothing here is typed in.",
        "# Shares of a rate, and seconds; kernels are factors of hardware families on kernel_time; bands are measured",
        "# over estimated time of rows whose group of model, machine and serving stack the fit had not seen.",
        f"rows = {made.rows}", f"fitted = [{', '.join(_quoted(name) for name in made.fitted)}]", "", "[coefficients]",
        *(f"{symbol.name} = {made.values[symbol]:.6g} # {_how(symbol.name)}" for symbol in COEFFICIENTS),
        "", "[kernels]", *(f"{family} = {factor:.6g}" for family, factor in sorted(made.kernels.items())),
    ]  # fmt: skip
    for name, band in made.bands.items():
        lines += ["", f"[bands.{_quoted(name)}]", f"low = {band.low:.6g}", f"high = {band.high:.6g}",
                  f"rows = {band.rows}", f"groups = {band.groups}"]  # fmt: skip
    seen = [f"{name} = [{low:.6g}, {high:.6g}]" for name, (low, high) in vars(made.seen).items()]
    more = [] if made.collectives is None else collectives_text(made.collectives)
    return "\n".join([*lines, "", "[seen]", *seen, *more, ""])


def _how(name: str) -> str:
    prior = next(prior for symbol, prior in PRIORS.items() if symbol.name == name)
    if prior.fitted:
        return f"fitted, about {prior.value:g}"
    return f"held: {prior.reason}"


def _quoted(text: str) -> str:
    return '"' + text + '"'
