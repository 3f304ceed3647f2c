"""Coefficients of the estimate, fitted to measured rows: the catalogue's, or a user's own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from rich.console import Group

from steptime.model.api.shown import Shown
from steptime.model.api.step import quiet
from steptime.model.catalog.coefficients import Coefficients
from steptime.model.catalog.measurement import catalogue, read_measurements
from steptime.model.parse import path_of
from steptime.model.solver.calibration.calibrate import Calibration, coefficients_text
from steptime.model.solver.calibration.calibrate import calibrate as fit
from steptime.model.solver.calibration.identified import Identified, identified
from steptime.model.solver.measured.places import Places
from steptime.model.text.calibration import calibration_json, calibration_table


def calibrate(
    *files: Path | str,
    models: Path | str | None = None,
    hardware: Path | str | None = None,
    progress: Callable[[float], None] = quiet,
) -> "Calibrated":
    """Fit the coefficients of the estimate to the steps of files of measurements; without any, the catalogue's.

    Every error that it states is of rows whose model, machine and serving stack the fit had not seen. Steps of training
    are a fit of their own, where there are thirty of them. Raises UserError for files that cannot be read, and where
    fewer than thirty decode steps can be fitted.
    """
    folders = [None if given is None else path_of(given, f"`{name}`")
               for name, given in (("models", models), ("hardware", hardware))]  # fmt: skip
    named = [path_of(file, "`files`") for file in files]
    rows = [row for file in named for row in read_measurements(file)] if named else catalogue()
    found = fit(rows, Places(*folders), lambda share: progress(0.4 * share))
    known = identified(found.table, found.fit, progress=lambda share: progress(0.4 + 0.3 * share))
    of_training, trained = None, found.training
    if trained is not None:
        of_training = identified(trained.table, trained.fit, progress=lambda share: progress(0.7 + 0.3 * share))
    return Calibrated(found, known, of_training)


@dataclass(frozen=True, repr=False)
class Calibrated(Shown):
    """A fit: its coefficients and what the rows decide of them, its errors on rows left out, and the rows that it could
    not use."""

    schema: ClassVar[str] = "calibrate"
    found: Calibration
    known: Identified
    of_training: Identified | None = None

    @property
    def coefficients(self) -> Coefficients:
        """The set, as `efficiency` takes it."""
        return self.found.coefficients

    @property
    def toml(self) -> str:
        """The file that `efficiency` reads: the same text for the same rows."""
        return coefficients_text(self.found)

    def _json(self) -> dict[str, Any]:
        return calibration_json(self.found, self.known, self.of_training)

    def table(self) -> Group:
        return calibration_table(self.found, self.known, self.of_training)

    def __repr__(self) -> str:
        group = self.found.errors["group"]
        return f"Calibrated({len(self.found.table.rows)} rows, median error {group.median:.1%} on groups left out)"
