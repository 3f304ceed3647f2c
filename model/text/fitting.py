"""Tables that are never wider than the terminal: columns go in a stated order before a row is folded."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

from steptime.model.text.format import table

BETWEEN = 2
"""Blanks between two columns."""
MOST_LINES = 2
"""Lines of a cell of prose."""


class Fitting:
    """A table that leaves columns out, in a stated order, where its rows would be wider than the terminal; what it left
    out stands below it.

    A heading begins with > where a column is a number's. Columns of ``prose`` may take two lines, and no word of them
    is broken; the others take one. Those of ``at_last`` may too, where leaving columns out does not help.
    """

    def __init__(
        self, columns: Sequence[str], rows: Sequence[Sequence[str]] = (), droppable: Sequence[str] = (),
        prose: Sequence[str] = (), at_last: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.columns, self.rows = tuple(columns), [tuple(row) for row in rows]
        self.droppable, self.prose, self.at_last = tuple(droppable), tuple(prose), tuple(at_last)

    def add_row(self, *cells: str) -> None:
        """One more row."""
        self.rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        known = [name for name in self.droppable if name in self.columns]
        for prose in dict.fromkeys((self.prose, (*self.prose, *self.at_last))):
            for number in range(len(known) + 1):
                left_out = known[:number]
                shown = [place for place, name in enumerate(self.columns) if name not in left_out]
                widths, has_room = self._widths(shown, options.max_width, prose)
                if has_room:
                    break
            if has_room:
                break
        yield self._of(shown, widths)
        if left_out:
            names = ", ".join(_bare(name) or "remarks" for name in left_out)
            yield Text(f"left out for want of width: {names}", style="dim")

    def _widths(self, shown: Sequence[int], room: int, of_prose: Sequence[str]) -> tuple[dict[int, int], bool]:
        """The width of each column of prose, and whether the whole table has room so; else prose takes more lines."""
        cells = {place: [_bare(self.columns[place]), *(row[place] for row in self.rows)] for place in shown}
        prose = [place for place in shown if self.columns[place] in of_prose]
        longest = {place: max(map(len, cells[place])) for place in shown}
        free = room - BETWEEN * (len(shown) - 1) - sum(longest[place] for place in shown if place not in prose)
        widths = {place: narrowest(cells[place], room) for place in prose}
        if sum(widths.values()) > free:
            return dict.fromkeys(prose, max(free // max(len(prose), 1), 1)), False
        left = free - sum(widths.values())
        for place in prose:  # what is left over goes to those that would like to be wider, one after another
            more = min(left, longest[place] - widths[place])
            widths[place], left = widths[place] + more, left - more
        return widths, left >= 0

    def _of(self, shown: Sequence[int], widths: dict[int, int]) -> Table:
        made = table(*(self.columns[place] for place in shown))
        for number, place in enumerate(shown):
            column = made.columns[number]
            column.no_wrap, column.width = place not in widths, widths.get(place)
        for row in self.rows:
            made.add_row(*(row[place] for place in shown))
        return made


def narrowest(cells: Sequence[str], room: int, lines: int = MOST_LINES) -> int:
    """The least width in which every cell takes at most so many lines and no word is broken.

    >>> narrowest(["one two three four"], 80), narrowest(["incontestable"], 80), narrowest([""], 80)
    (10, 13, 0)
    """
    least = max((len(word) for cell in cells for word in cell.split()), default=0)
    return next((width for width in range(least, room) if all(lines_of(cell, width) <= lines for cell in cells)), room)


def lines_of(text: str, width: int) -> int:
    """Lines that a text takes in so many columns, with no word broken."""
    return len(wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False))


def _bare(heading: str) -> str:
    return heading.lstrip(">")
