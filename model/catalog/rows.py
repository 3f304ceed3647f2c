"""Rows of a CSV file as text: what spoils one of them spoils no other."""

import csv
import io
from collections.abc import Collection, Iterator
from difflib import get_close_matches


def records(text: str) -> Iterator[tuple[int, list[str], str]]:
    """The line on which a row begins, its cells, and what is wrong with it, for each row that holds anything.

    Where a row is no CSV, reading goes on in the next line: a quote that is never closed takes no other row with it.

    >>> [(line, cells, wrong[:13]) for line, cells, wrong in records('a,b\\n"c"d,e\\n\\nf,"g"\\n')]
    [(1, ['a', 'b'], ''), (2, [], 'not valid CSV'), (4, ['f', 'g'], '')]
    """
    lines = list(io.StringIO(text, newline=""))
    start = 0
    while start < len(lines):
        table = csv.reader((lines[place] for place in range(start, len(lines))), strict=True)
        first = start
        try:
            for cells in table:
                if any(cell.strip() for cell in cells):
                    yield first + 1, cells, ""
                first = start + table.line_num
            return
        except csv.Error as error:
            yield first + 1, [], f"not valid CSV: {error}"
            start = first + 1


def nearly(name: str, known: Collection[str]) -> str:
    """The known name that another was probably meant to be; nothing where it is one, or is like none.

    >>> nearly("infligth", ["inflight", "cached"]), nearly("note", ["inflight", "cached"])
    ('inflight', '')
    """
    return "" if name in known else next(iter(get_close_matches(name[:40].lower(), sorted(known), 1, 0.8)), "")
