"""An answer that shows itself: a table for people, a dictionary for scripts, what differs between two."""

import io
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

from rich.console import Console, Group

from steptime.model.api.drawn import Drawn
from steptime.model.errors import UserError
from steptime.model.text.differences import differences_table
from steptime.model.text.format import finite, without_trailing_blanks
from steptime.model.text.schemas import schema, stamp
from steptime.model.text.screen import unfolded

WIDTH = 80
"""Columns of a table in a notebook, as in a terminal."""


class Shown(Drawn, ABC):
    """``to_dict`` is the JSON of the command line, ``table`` what it prints; ``schema`` names what the JSON holds."""

    schema: ClassVar[str] = ""

    def to_dict(self) -> dict[str, Any]:
        """The answer in base units, under the keys that scripts rely on; its schema first."""
        return {**({"schema": stamp(self.schema)} if self.schema else {}), **finite(self._json())}

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of ``to_dict``: what each key means, and in which unit.

        >>> import steptime as st
        >>> schema = st.step("llama-3.1-8b", "h100-sxm").json_schema()
        >>> schema["title"], schema["properties"]["mfu"]["description"]
        ('Step', 'model FLOP utilisation')
        """
        return schema(self.schema)

    @abstractmethod
    def table(self) -> Group:
        """The answer for people."""

    def unfolded(self) -> str:
        """The text of the answer with all that it folds away: defaults, doubts, what is not modelled, details."""
        return _text(unfolded(self.table()))

    @abstractmethod
    def _json(self) -> dict[str, Any]:
        """The same for scripts, with infinities and NaN where there are any."""

    def diff(self, other: "Shown") -> "Differences":
        """What two answers have under different values, by key: a dictionary that shows itself as a table. The first
        value is this one's."""
        if not isinstance(other, Shown):
            raise UserError(f"an answer differs from another answer, not from {type(other).__name__}")
        return Differences(differing(self.to_dict(), other.to_dict(), ""))

    def __str__(self) -> str:
        return _text(self.table())

    def _repr_html_(self) -> str:
        return _html(self.table())


class Differences(dict[str, tuple[Any, Any]]):
    """What two answers have under different values, by key, the first's value first."""

    def table(self) -> Group:
        """The same for people."""
        return differences_table(self)

    def __repr__(self) -> str:
        return _text(self.table())

    def _repr_html_(self) -> str:
        return _html(self.table())


def _text(table: Group) -> str:
    out = io.StringIO()
    Console(file=out, highlight=False, markup=False, width=WIDTH).print(table, crop=False)
    return without_trailing_blanks(out.getvalue()).rstrip()


def _html(table: Group) -> str:
    recorded = Console(file=io.StringIO(), record=True, highlight=False, markup=False, width=WIDTH)
    recorded.print(table, crop=False)
    return recorded.export_html(inline_styles=True, code_format='<pre style="line-height:1.2">{code}</pre>')


def differing(one: Any, other: Any, key: str) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Every leaf of two nested dictionaries that is not the same."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys((*one, *other)):
            yield from differing(one.get(name), other.get(name), f"{key}.{name}" if key else name)
    elif one != other:
        yield key, (one, other)
