"""Any list of an answer as CSV: one row a record, in base units."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from steptime.model.text.measured_rows import as_csv


def records_csv(records: Sequence[Mapping[str, Any]]) -> str:
    """Records as CSV with a heading; what is nested has the keys joined by a dot, a list its items by a space.

    >>> print(records_csv([{"name": "a", "peak": {"bf16": 2.5}}, {"name": "b", "also": [1, 2]}]), end="")
    name,peak.bf16,also
    a,2.5,
    b,,1 2
    """
    rows = [dict(_leaves(record, "")) for record in records]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return as_csv(names, [[row.get(name) for name in names] for row in rows])


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{key}.{name}" if key else str(name))
    else:
        yield key, " ".join(map(str, value)) if isinstance(value, list | tuple) else value
