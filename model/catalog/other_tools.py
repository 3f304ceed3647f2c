"""What other tools answered, as rows of a CSV file: for one case after another, how long each says that it takes.

Columns: case, tool, phase (decode, prefill), model, hardware, chips, quantity, value; and as in a file of measurements
weights, activations, kv, batch, prompt, context, tp, pp, ep, dp, cp, unit, detail, source, licence. Others are not
read. Rows of one case and several tools state the same. A cell that cannot be used spoils its row, no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from steptime.model.catalog.files import read_text
from steptime.model.catalog.measurement import COLUMNS, LONGEST_ID, PHASES, Measurement, measurement_of
from steptime.model.catalog.rows import nearly, records
from steptime.model.choices import PhaseName
from steptime.model.errors import UserError

MOST_ROWS = 5_000
MOST_TOOLS = 50
COMPARED = (PhaseName.DECODE, PhaseName.PREFILL)
_names = ("case", "tool")
_needed = (*_names, "phase", "model", "hardware", "chips", "quantity", "value")
_known = {*COLUMNS, *_names} - {"id", "scope", "output"}


@dataclass(frozen=True)
class ToolRow:
    """What one tool answered to one case, from the line on which it begins: read like a measurement, of which
    ``wrong`` says why it cannot be used."""

    tool: str
    case: str
    row: Measurement


def read_other_tools(path: Path) -> list[ToolRow]:
    """The rows of a file, each usable or with what is wrong in it; raises UserError where there are none."""
    found = records(read_text(path))
    number, names, wrong = next(found, (1, [], "no header"))
    header = [name.strip() for name in names]
    if wrong := wrong or _wrong_header(header):
        raise UserError(f"{path}: line {number}: {wrong}")
    rows, places = list[ToolRow](), dict[tuple[str, str], int]()
    for number, given, wrong in found:
        if len(rows) == MOST_ROWS:
            raise UserError(f"{path}: more than {MOST_ROWS} rows")
        rows.append(_row(number, header, given, wrong, places))
    if not rows:
        raise UserError(f"{path}: no row below the header")
    if len({row.tool for row in rows}) > MOST_TOOLS:
        raise UserError(f"{path}: more than {MOST_TOOLS} tools")
    return rows


def _wrong_header(header: Sequence[str]) -> str:
    """What is wrong with the names of the columns."""
    named = [name for name in header if name]
    if missing := [name for name in _needed if name not in named]:
        return f"no column {', '.join(missing)}"
    if twice := [name for name in named if named.count(name) > 1]:
        return f"column {twice[0][:40]!r} occurs twice"
    return next((f"column {name[:40]!r}: did you mean {near}?" for name in named
                 if (near := nearly(name, _known - set(named)))), "")  # fmt: skip


def _row(
    number: int, header: Sequence[str], given: Sequence[str], wrong: str, places: dict[tuple[str, str], int]
) -> ToolRow:
    """A row, or why it cannot be used; ``places`` are the lines of the cases that each tool has answered so far."""
    cells = {name: cell.strip() for name, cell in zip(header, given, strict=False) if name in _known}
    named = {name: cells.get(name, "") for name in _names}
    try:
        if wrong or any(cell.strip() for cell in given[len(header) :]):
            raise UserError(wrong or "more cells than columns")
        for name, text in named.items():
            if not 0 < len(text) <= LONGEST_ID or not text.isprintable():
                raise UserError(f"{name}: expected one line of text of at most {LONGEST_ID} characters")
        key = (named["tool"], named["case"])
        if places.setdefault(key, number) != number:
            raise UserError(f"tool {key[0]!r} has answered case {key[1]!r} in line {places[key]}")
        if cells["phase"] in PHASES and cells["phase"] not in COMPARED:
            raise UserError(f"phase {cells['phase']} is not compared; {' and '.join(COMPARED)} are")
        row = measurement_of({**dict.fromkeys(COLUMNS, ""), **cells, "id": named["case"]}, number)
    except UserError as error:
        row = Measurement(f"line {number}", "", "", "", 0, {}, {}, "", "", 0.0, {}, "", {}, number, str(error))
    shown = {name: text if 0 < len(text) <= LONGEST_ID and text.isprintable() else "?" for name, text in named.items()}
    return ToolRow(shown["tool"], shown["case"], row)
