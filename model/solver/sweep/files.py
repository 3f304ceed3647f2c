"""Tables of rows in files: CSV, Arrow, Parquet. A file is there whole, or not at all.

Arrow and Parquet carry units, the spec, versions and sources as metadata of their schema; they need pyarrow, which the
extra ``steptime[sweep]`` brings.
"""

import csv
import io
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from steptime.model.errors import UserError
from steptime.model.solver.sweep.rows import Rows

FORMATS = ("csv", "arrow", "parquet")


def format_of(path: Path) -> str:
    """The format that a name asks for; raises UserError for any other."""
    found = path.suffix.removeprefix(".").lower()
    if found not in FORMATS:
        raise UserError(f"`out` {str(path)[:60]!r}: a name that ends in {', '.join(f'.{one}' for one in FORMATS)}")
    if found != "csv":
        _pyarrow()
    return found


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError:
        raise UserError("Arrow and Parquet need pyarrow: install steptime[sweep], or write .csv") from None
    return pyarrow


def written(rows: Rows, form: str, metadata: Mapping[str, str]) -> bytes:
    """A table as the bytes of a file."""
    if form == "csv":
        return as_csv(rows).encode()
    arrow = _pyarrow()
    table = arrow.table({name: arrow.array(column) for name, column in rows.items()})
    table = table.replace_schema_metadata({name.encode(): text.encode() for name, text in metadata.items()})
    out = io.BytesIO()
    if form == "parquet":
        from pyarrow import parquet

        parquet.write_table(table, out, compression="zstd")
    else:
        with arrow.ipc.new_file(out, table.schema) as file:
            file.write_table(table)
    return out.getvalue()


def as_csv(rows: Rows) -> str:
    """A table as CSV: numbers so that they are read back as they were, nothing where there is no number."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows)
    columns = [[_cell(value) for value in column.tolist()] for column in rows.values()]
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "" if value != value else int(value) if value == int(abs(value)) < 2**53 else value
    return value


def put(path: Path, data: bytes) -> None:
    """Write a file beside its place, let it reach the disk, and give it its name in one move; whatever fails, an older
    file is as it was. Raises UserError."""
    beside = path.with_name(f".{path.name}.part")
    try:
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise UserError(f"{path}: cannot be written ({error.strerror}); what was written before stands") from None
