"""Published measurements beside the ideal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from rich.console import Group

from steptime.model.api.shown import Shown
from steptime.model.api.step import quiet
from steptime.model.catalog.measurement import catalogue, read_measurements
from steptime.model.choices import Efficiency
from steptime.model.parse import path_of
from steptime.model.solver.calibration.estimates import with_estimates
from steptime.model.solver.measured.judged import USUAL, Judged, columns_of
from steptime.model.solver.measured.places import Places
from steptime.model.solver.measured.validate import validate as judge
from steptime.model.step.words import efficiency_of
from steptime.model.text.format import counted
from steptime.model.text.measured_rows import groups_csv, rows_csv
from steptime.model.text.validate import validate_json, validate_table

JUDGED = 0.8
"""Share of the work when every row stands beside its bound."""


def validate(
    file: Path | str | None = None,
    models: Path | str | None = None,
    hardware: Path | str | None = None,
    progress: Callable[[float], None] = quiet,
    by: str | Sequence[str] | None = None,
    efficiency: Path | str | None = None,
) -> "Validated":
    """Each row of a file of measurements, or of the catalogue's, beside the time that physics allows and the estimate.

    ``models`` and ``hardware`` are folders with files for names that the catalogue lacks. ``by``: columns to group by,
    as ``"model,hardware"``. ``efficiency``: ``calibrated``, ``ideal`` for no estimates, or a file of coefficients.
    Raises UserError for a file that cannot be read, and for an unknown column.
    """
    columns = columns_of(by)
    folders = [None if given is None else path_of(given, f"`{name}`")
               for name, given in (("models", models), ("hardware", hardware))]  # fmt: skip
    rows = catalogue() if file is None else read_measurements(path_of(file, "`file`"))
    places = Places(*folders)
    choice = {} if efficiency is None else efficiency_of(efficiency)
    found = judge(rows, places, lambda share: progress(JUDGED * share))
    if choice.get("efficiency") != Efficiency.IDEAL:
        found = with_estimates(found, places, choice.get("coefficients"))
    progress(1.0)
    mine = choice.get("coefficients")
    return Validated(tuple(found), columns, file is None and mine is None, mine is None)


@dataclass(frozen=True, repr=False)
class Validated(Shown):
    """Every row judged: its measured and its ideal time, or why it is not modelled; grouped by some columns.

    ``of_fit``: they are those from which the fit of the coefficients took its own; ``shipped``: these are the
    package's.
    """

    kinds = ("truth",)
    schema: ClassVar[str] = "validate"
    judged: tuple[Judged, ...]
    columns: tuple[str, ...] = USUAL
    of_fit: bool = False
    shipped: bool = True

    @property
    def beats_ideal(self) -> tuple[Judged, ...]:
        """Rows faster than the ideal: a term is wrong there, or a figure is."""
        return tuple(one for one in self.judged if one.beats_ideal)

    def by(self, columns: str | Sequence[str]) -> "Validated":
        """The same rows, grouped by other columns."""
        return replace(self, columns=columns_of(columns))

    def _json(self) -> dict[str, Any]:
        return validate_json(self.judged, self.columns, self.of_fit)

    def table(self, rows: bool = False) -> Group:
        return validate_table(self.judged, rows, self.columns, self.of_fit, self.shipped)

    def csv(self, rows: bool = True) -> str:
        """The rows as CSV in base units, or the groups."""
        return rows_csv(self.judged) if rows else groups_csv(self.judged, self.columns)

    def __repr__(self) -> str:
        return f"Validated({counted(len(self.judged), 'row')}, {len(self.beats_ideal)} faster than the ideal)"
