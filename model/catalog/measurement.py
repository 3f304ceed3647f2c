"""Published measurements as rows of a CSV file: what was run, and how long it took.

Columns: id, phase (decode, prefill, train, all_reduce, all_gather, all_to_all), model, hardware, chips, weights,
activations, kv (empty: not stated), batch, prompt, output, context, tp, pp, ep, dp, cp, scope (steps, request,
serving), quantity (step_time, tokens_per_second, mfu, hfu, flops_per_second_per_chip), value, unit, detail (see
``catalog.details``), source, licence. Others are not read. A cell that cannot be used spoils its row, which says why,
no other.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from steptime.model import symbols as q
from steptime.model.catalog import details
from steptime.model.catalog.details import Limits, sane
from steptime.model.catalog.files import packaged, read_text
from steptime.model.catalog.rows import nearly, records
from steptime.model.errors import UserError
from steptime.model.parse import parse
from steptime.model.precision import STORED
from steptime.model.quantity import FLOP, count, second

COLLECTIVES = ("all_reduce", "all_gather", "all_to_all")
PHASES = ("decode", "prefill", "train", *COLLECTIVES)
UNITS = {
    "step_time": second, "tokens_per_second": 1 / second, "mfu": count, "hfu": count,
    "flops_per_second_per_chip": FLOP / second,
}  # fmt: skip
"""What a row may state, with its unit; the column ``unit`` may have a prefix, as ms."""
QUANTITIES = tuple(UNITS)
RECOMPUTED = ("", "none", "selective", "full", "reversible", "partial")
SCOPES = ("", "steps", "request", "serving")
DEGREES = ("tp", "cp", "dp", "ep", "pp")
FORMATS = ("weights", "activations", "kv")
MOST_ROWS = 20_000
LONGEST_ID = 80
_needed = ("id", "phase", "hardware", "chips", "quantity", "value")

_chips = sane(q.chips, True)
NUMBERS: Mapping[str, Limits] = {
    "batch": sane(q.batch), "prompt": sane(q.prompt), "output": sane(q.answer), "context": sane(q.context),
    "sequence": sane(q.sequence), "microbatch": sane(q.microbatch, True),
}  # fmt: skip
ONE_SOURCE: Mapping[str, str] = {"IX": "SIL"}
"""Families of rows that one benchmark printed at other times: one source where a source is left out."""
COLUMNS = {"model", "recompute", "scope", "unit", "detail", "source", "licence", *_needed, *NUMBERS, *DEGREES, *FORMATS}


@dataclass(frozen=True)
class Measurement:
    """One row, from the line on which it begins; numbers that it does not state are None. Of a row that cannot be used
    only id, phase and line stand, and ``wrong`` says why."""

    id: str
    phase: str
    model: str
    hardware: str
    chips: int
    formats: Mapping[str, str | None]
    degrees: Mapping[str, int | None]
    scope: str
    quantity: str
    value: float
    numbers: Mapping[str, float | None]
    recompute: str
    detail: Mapping[str, str]
    line: int = 0
    wrong: str = ""
    source: str = ""
    licence: str = ""

    @property
    def family(self) -> str:
        """What rows of one source share: the id without its number."""
        return family_of(self.id)

    @property
    def source_family(self) -> str:
        """What is left out together where a source is: families that one benchmark printed are one."""
        return ONE_SOURCE.get(self.family, self.family)

    @property
    def stack(self) -> str:
        """The serving engine and its version, as far as they are stated."""
        return self.detail.get("stack", "")

    @property
    def kind(self) -> str:
        """The phase, and whether the prefills ran elsewhere."""
        return f"disaggregated {self.phase}" if "disaggregated" in self.detail else self.phase

    @property
    def run(self) -> Hashable:
        """What was run, whatever was measured of it: alike for rows that ask the same."""
        detail = {key: value for key, value in self.detail.items() if key not in details.OF_FIGURES}
        numbers = {key: value for key, value in self.numbers.items() if key not in details.OF_FIGURES}
        whole = (self.phase, self.model, self.hardware, self.chips, self.scope, self.recompute)
        return (*whole, *(tuple(part.items()) for part in (self.formats, self.degrees, numbers, detail)))

    @property
    def figure(self) -> Hashable:
        """What was measured of the run, and as what it was printed."""
        return (self.quantity, *((key, self.detail.get(key)) for key in details.OF_FIGURES))

    def number(self, name: str) -> float | None:
        """A number of a column, or of the details."""
        return self.numbers.get(name)


def distinct(rows: Iterable[Measurement]) -> list[Measurement]:
    """The rows without those that equal one before them in all but id and source, so that no split parts twins."""
    found: dict[Hashable, Measurement] = {}
    for row in rows:
        found.setdefault((row.run, row.figure, row.value) if not row.wrong else row.id, row)
    return list(found.values())


def family_of(identifier: str) -> str:
    """An id without its number, and the letter that may follow it.

    >>> family_of("INF-FT-042"), family_of("TRN-NARA-001h"), family_of("mine")
    ('INF-FT', 'TRN-NARA', 'mine')
    """
    head, dash, last = identifier.rpartition("-")
    return head if dash and last.rstrip("abcdefghijklmnopqrstuvwxyz").isdigit() else identifier


def catalogue() -> list[Measurement]:
    """The measurements that the catalogue holds, each with its source; dates are those of carrying over."""
    return _read_all(packaged("measurements.csv"), Path("model/catalog/measurements.csv"))


def read_measurements(path: Path) -> list[Measurement]:
    """The rows of a file, each usable or with what is wrong in it; raises UserError where there are none."""
    return _read_all(read_text(path), path)


def _read_all(text: str, path: Path) -> list[Measurement]:
    found = records(text)
    number, names, wrong = next(found, (1, [], "no header"))
    header = [name.strip() for name in names]
    if wrong := wrong or _wrong_header(header):
        raise UserError(f"{path}: line {number}: {wrong}")
    rows: list[Measurement] = []
    places: dict[str, int] = {}
    for number, given, wrong in found:
        if len(rows) == MOST_ROWS:
            raise UserError(f"{path}: more than {MOST_ROWS} rows")
        rows.append(_row(number, header, given, wrong, places))
    if not rows:
        raise UserError(f"{path}: no row below the header")
    return rows


def _wrong_header(header: Sequence[str]) -> str:
    """What is wrong with the names of the columns: a name that is nearly one would not be missed, but be taken as not
    stated."""
    named = [name for name in header if name]
    if missing := [name for name in _needed if name not in named]:
        return f"no column {', '.join(missing)}"
    if twice := [name for name in named if named.count(name) > 1]:
        return f"column {twice[0][:40]!r} occurs twice"
    return next((f"column {name[:40]!r}: did you mean {near}?" for name in named
                 if (near := nearly(name, COLUMNS - set(named)))), "")  # fmt: skip


def _row(number: int, header: Sequence[str], given: Sequence[str], wrong: str, places: dict[str, int]) -> Measurement:
    """A row, or why it cannot be used; ``places`` are the lines of the ids so far."""
    cells = {name: cell.strip() for name, cell in zip(header, given, strict=False) if name}
    try:
        if wrong or any(cell.strip() for cell in given[len(header) :]):
            raise UserError(wrong or "more cells than columns")
        identifier = cells["id"]
        if not 0 < len(identifier) <= LONGEST_ID or not identifier.isprintable():
            raise UserError(f"id: expected one line of text of at most {LONGEST_ID} characters")
        if places.setdefault(identifier, number) != number:
            raise UserError(f"id {identifier!r} is that of line {places[identifier]}")
        return measurement_of({name: cells.get(name, "") for name in COLUMNS}, number)
    except UserError as error:
        identifier, phase = (cells.get(name, "") for name in ("id", "phase"))
        shown = identifier if 0 < len(identifier) <= LONGEST_ID and identifier.isprintable() else f"line {number}"
        known = phase if phase in PHASES else "unknown phase"
        return Measurement(shown, known, "", "", 0, {}, {}, "", "", 0.0, {}, "", {}, number, str(error))


def measurement_of(cells: Mapping[str, str], number: int) -> Measurement:
    """The row that cells make, one for each of COLUMNS; raises UserError for one that cannot be used."""
    for name, allowed in (("phase", PHASES), ("quantity", QUANTITIES), ("recompute", RECOMPUTED), ("scope", SCOPES),
                          *((name, ("", *STORED)) for name in FORMATS)):  # fmt: skip
        _one_of(cells[name], allowed, name)
    if cells["scope"] in ("request", "serving") and cells["phase"] != "decode":
        raise UserError(f"scope {cells['scope']} is of a decode row, not of {cells['phase']}")
    detail = details.pairs(cells["detail"])
    wanted = {**details.NUMBERS, **({"tokens": NUMBERS["batch"]} if cells["phase"] == "all_to_all" else {})}
    given = {name: _number(cells[name], limits, name) for name, limits in NUMBERS.items()}
    given |= {name: _number(detail[name], limits, f"detail {name}") for name, limits in wanted.items()
              if name in detail}  # fmt: skip
    details.check_words(detail, cells["phase"], _one_of)
    degrees = {name: _number(cells[name], _chips, name) for name in DEGREES}
    chips = _number(cells["chips"], _chips, "chips")
    if chips is None:
        raise UserError("chips is not stated")
    return Measurement(
        cells["id"], cells["phase"], cells["model"], cells["hardware"], int(chips),
        {name: cells[name] or None for name in FORMATS},
        {name: None if degree is None else int(degree) for name, degree in degrees.items()},
        cells["scope"], cells["quantity"], _value(cells), given, cells["recompute"], detail, number,
        source=cells["source"], licence=cells["licence"],
    )  # fmt: skip


def _one_of(word: str, allowed: Sequence[str], name: str) -> None:
    if word not in allowed:
        raise UserError(f"{name} {word[:40]!r} is not one of {', '.join(filter(None, allowed))}")


def _value(cells: Mapping[str, str]) -> float:
    """The measured value in base units; a share of the peak is at most one."""
    quantity, unit = cells["quantity"], cells["unit"]
    value = parse(cells["value"], count, "value")
    if unit not in ("", "1"):
        value = parse(f"{value!r} {unit}", UNITS[quantity], quantity)
    if quantity in ("mfu", "hfu") and value > 1:
        raise UserError(f"{quantity} {value:g} is above 1; it is a share of the peak, not per cent")
    return value


def _number(text: str, limits: Limits, name: str) -> float | None:
    """A number within limits; None where a cell is empty."""
    if not text:
        return None
    least, most, whole = limits
    try:
        found = float(text)
    except ValueError:
        raise UserError(f"{name}: {text[:40]!r} is not a number") from None
    if not least <= found <= most or (whole and found % 1):
        kind = "a whole number" if whole else "a number"
        raise UserError(f"{name}: {text[:40]!r} is not {kind} between {least:g} and {most:g}")
    return found
