"""Published measurements as rows of a CSV file: what was run, and how long it took.

Columns: id, phase (decode, prefill, train, all_reduce, all_gather, all_to_all), model, hardware, chips, weights,
activations, kv (empty: not stated), batch, prompt, output, context, tp, pp, ep, dp, cp, scope (steps, request,
serving), quantity (step_time, tokens_per_second, mfu, hfu, flops_per_second_per_chip), value, unit, detail (key=value
pairs with ; between them). Others are kept as they are.
"""

import csv
import io
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steptime.model.catalog.files import packaged, read_text
from steptime.model.errors import UserError
from steptime.model.parse import parse
from steptime.model.precision import STORED
from steptime.model.quantity import FLOP, count, second

PHASES = ("decode", "prefill", "train", "all_reduce", "all_gather", "all_to_all")
UNITS = {
    "step_time": second, "tokens_per_second": 1 / second, "mfu": count, "hfu": count,
    "flops_per_second_per_chip": FLOP / second,
}  # fmt: skip
"""What a row may state, with its unit; the column ``unit`` may have a prefix, as ms."""
QUANTITIES = tuple(UNITS)
RECOMPUTED = ("", "none", "selective", "full", "reversible", "partial")
DEGREES = ("tp", "cp", "dp", "ep", "pp")
MOST_ROWS = 20_000
_needed = ("id", "phase", "hardware", "chips", "quantity", "value")


@dataclass(frozen=True)
class Measurement:
    """One row; numbers that it does not state are None."""

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

    @property
    def family(self) -> str:
        """What rows of one source share: the id without its number."""
        return family_of(self.id)

    @property
    def run(self) -> Hashable:
        """What was run, whatever was measured of it: alike for rows that ask the same."""
        stated = (self.formats, self.degrees, self.numbers, self.detail)
        whole = (self.phase, self.model, self.hardware, self.chips, self.scope, self.recompute)
        return (*whole, *(tuple(part.items()) for part in stated))

    def number(self, name: str) -> float | None:
        """A number of a column, or of the details."""
        if name in self.numbers:
            return self.numbers[name]
        return float(self.detail[name]) if name in self.detail else None


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
    """The rows of a file; raises UserError naming row and column for what cannot be read."""
    return _read_all(read_text(path), path)


def _read_all(text: str, path: Path) -> list[Measurement]:
    table = csv.DictReader(io.StringIO(text), strict=True)
    try:
        header = table.fieldnames or []
        missing = [name for name in _needed if name not in header]
        if missing:
            raise UserError(f"{path}: no column {', '.join(missing)}")
        rows = [_read(row, f"{path}: row {number}") for number, row in enumerate(_limited(table, path), start=2)]
    except csv.Error as error:
        raise UserError(f"{path}: not valid CSV: {error}") from None
    repeated = [name for name, times in Counter(row.id for row in rows).items() if times > 1]
    if repeated:
        raise UserError(f"{path}: id {repeated[0][:40]!r} occurs twice")
    return rows


def _limited(table: "csv.DictReader[str]", path: Path) -> list[dict[str, str]]:
    rows = []
    for row in table:
        rows.append(row)
        if len(rows) > MOST_ROWS:
            raise UserError(f"{path}: more than {MOST_ROWS} rows")
    return rows


def _read(row: Mapping[Any, Any], where: str) -> Measurement:
    cells: dict[str, str] = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
    if len(cells) < len(row):
        raise UserError(f"{where}: more cells than columns")
    for name, allowed in (("phase", PHASES), ("quantity", QUANTITIES), ("recompute", RECOMPUTED)):
        if cells.get(name, "") not in allowed:
            raise UserError(f"{where}: {name} {cells[name][:40]!r} is not one of {', '.join(filter(None, allowed))}")
    formats: dict[str, str | None] = {}
    for name in ("weights", "activations", "kv"):
        formats[name] = cells.get(name) or None
        if formats[name] is not None and formats[name] not in STORED:
            raise UserError(f"{where}: {name} {cells[name][:40]!r} is not one of {', '.join(STORED)}")
    names = ("batch", "prompt", "output", "context", "sequence", "microbatch")
    value = _value(cells, where)
    chips = _number(cells["chips"], f"{where}: chips")
    if value is None or value <= 0 or chips is None or chips < 1 or chips % 1:
        raise UserError(f"{where}: value must be positive and chips a whole number")
    degrees = {name: _number(cells.get(name, ""), f"{where}: {name}") for name in DEGREES}
    return Measurement(
        cells["id"], cells["phase"], cells.get("model", ""), cells["hardware"], int(chips), formats,
        {name: None if degree is None else int(degree) for name, degree in degrees.items()},
        cells.get("scope", ""), cells["quantity"], value,
        {name: _number(cells.get(name, ""), f"{where}: {name}") for name in names}, cells.get("recompute", ""),
        dict(part.split("=", 1) for part in cells.get("detail", "").split(";") if "=" in part),
    )  # fmt: skip


def _value(cells: Mapping[str, str], where: str) -> float | None:
    """The measured value in base units; a share of the peak is at most one."""
    quantity, unit = cells["quantity"], cells.get("unit", "")
    value = _number(cells["value"], f"{where}: value")
    if value and unit not in ("", "1"):
        value = parse(f"{value!r} {unit}", UNITS[quantity], f"{where}: {quantity}")
    if value is not None and quantity in ("mfu", "hfu") and value > 1:
        raise UserError(f"{where}: {quantity} {value:g} is above 1; it is a share of the peak, not per cent")
    return value


def _number(text: str, where: str) -> float | None:
    if not text:
        return None
    try:
        found = float(text)
    except ValueError:
        raise UserError(f"{where}: {text[:40]!r} is not a number") from None
    if not 0 <= found < 1e30:
        raise UserError(f"{where}: {text[:40]!r} is not a number between 0 and 1e30")
    return found
