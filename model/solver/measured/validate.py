"""Published measurements against the ideal: for each row the time that physics allows, or why it is not modelled."""

import math
import os
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware, load_hardware
from steptime.model.catalog.measurement import Measurement
from steptime.model.catalog.models import load_model
from steptime.model.catalog.transformers import load_transformer
from steptime.model.choices import PhaseName
from steptime.model.errors import NotSolved, Unbound, UserError
from steptime.model.phases.accounts import Model
from steptime.model.solver.measured.collective import collective_time
from steptime.model.step.build import build_case
from steptime.model.step.inputs import Question
from steptime.model.step.request import whole_request

from steptime.model.solver.measured.questions import (  # isort: skip
    one_pass, optimizer_step, request_seconds, riding_along, seconds, whole,
)  # fmt: skip

EXACT = 1e-9
"""A row beats the ideal where it is faster by more than this, relative."""


@dataclass(frozen=True)
class Judged:
    """A row with its measured and its ideal time in seconds, of the step or of the whole request; None where it is not
    modelled, and ``why``. ``in_flight``: for serving, the step time with the prefills riding along evenly."""

    row: Measurement
    measured: float | None
    ideal: float | None
    bottleneck: str | None
    layout: str | None = None
    in_flight: float | None = None
    why: str = ""

    @property
    def ratio(self) -> float | None:
        """Ideal over measured: one is physics' best."""
        return None if not self.measured or self.ideal is None else self.ideal / self.measured

    @property
    def beats_ideal(self) -> bool:
        return self.ratio is not None and self.ratio > 1 + EXACT


@dataclass(frozen=True)
class Places:
    """Folders with files for names that the catalogue lacks."""

    models: Path | None = None
    hardware: Path | None = None

    def model(self, name: str) -> Model:
        file = self._found("model", name, self.models, (".json", ".toml"))
        return load_transformer(name) if file is None else load_model(file)

    def machine(self, name: str) -> Hardware:
        return load_hardware(self._found("hardware", name, self.hardware, (".toml",)) or name)

    def _found(self, column: str, name: str, folder: Path | None, endings: Sequence[str]) -> str | None:
        """The file in a folder that has this name. A row comes from elsewhere: what it names is no path, so that it
        reads nothing but the catalogue and these folders."""
        if {"/", "\\"} & set(name) or name.startswith(".") or name.lower().endswith((".json", ".toml")):
            raise UserError(f"{column} {name[:60]!r} is a path: a row names an entry of the catalogue, or, without its "
                            "ending, a file of the folder that was given")  # fmt: skip
        found = (os.path.join(folder, f"{name}{ending}") for ending in endings) if folder is not None else ()
        return next(filter(os.path.isfile, found), None)  # pathlib raises for names that are too long


def validate(
    rows: list[Measurement], places: Places = Places(), progress: Callable[[float], None] = lambda share: None
) -> list[Judged]:
    """Every row judged; what cannot be modelled says why, and nothing is left out."""
    found, asked = [], dict[Hashable, Question]()
    for number, row in enumerate(rows):
        try:
            found.append(_judge(row, places, asked))
        except (UserError, Unbound, NotSolved) as error:
            found.append(Judged(row, None, None, None, why=" ".join(str(error).split())))
        progress((number + 1) / len(rows))
    return found


def summary(judged: list[Judged]) -> dict[str, dict[str, float | int | None]]:
    """By family of rows and phase: how many, how many modelled, and the median, least and largest ideal/measured."""
    families: dict[str, list[Judged]] = {}
    for one in judged:
        families.setdefault(f"{one.row.family} {one.row.phase}", []).append(one)
    found: dict[str, dict[str, float | int | None]] = {}
    for name, members in families.items():
        ratios = [one.ratio for one in members if one.ratio is not None]
        riding = [one.in_flight / one.measured for one in members if one.in_flight and one.measured]
        found[name] = {
            "rows": len(members), "modelled": len(ratios),
            "median": median(ratios) if ratios else None,
            "least": min(ratios, default=None), "largest": max(ratios, default=None),
            "beat_ideal": sum(one.beats_ideal for one in members),
            "median_in_flight": median(riding) if riding else None,
        }  # fmt: skip
    return found


def _judge(row: Measurement, places: Places, known: dict[Hashable, Question]) -> Judged:
    """A row judged; ``known`` are the questions of rows before it, as several figures are printed of one run."""
    if row.wrong:
        raise UserError(row.wrong)
    found = _timed(row, places, known)
    if found.ratio is None or not 0 < found.ratio < math.inf:
        raise UserError("its ideal time, or what was measured, is no finite number of seconds")
    return found


def _timed(row: Measurement, places: Places, known: dict[Hashable, Question]) -> Judged:
    machine = places.machine(row.hardware)
    if row.phase in ("all_reduce", "all_gather", "all_to_all"):
        ideal, tier = collective_time(row, machine)
        return Judged(row, row.value, ideal, tier)
    asked = optimizer_step if row.phase == PhaseName.TRAIN else one_pass
    if row.run not in known:
        known[row.run] = asked(row, places.model(row.model), machine)
    question = known[row.run]
    if row.scope == "request":
        request = whole_request(whole(row, question))
        return Judged(row, request_seconds(row), request.time, request.bottleneck, str(request.prefill.layout))
    case = build_case(question)
    for lacking in case.missing({"step_time": q.step_time}):
        raise UserError(f"missing {lacking}")
    return Judged(
        row, seconds(row, case), case.number(q.step_time), case.bottleneck, str(case.layout), riding_along(row, case)
    )
