"""What short names of sources stand for, in lines."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.text import Text

from steptime.model.catalog.measured_by import Source, measured_by
from steptime.model.text.format import counted
from steptime.model.text.screen import Screen


def sources_list(known: Sequence[Source]) -> Screen:
    """Each source with what it is, and where or when it was read; those of each kind together. A link has a line of its
    own, where nothing cuts it."""
    parts: list[Any] = []
    for of in dict.fromkeys(one.of for one in known):
        some = [one for one in known if one.of == of]
        parts += [Text(f"{counted(len(some), 'source')} of {of}", style="bold"), *map(Text, map(_said, some)), Text()]
    return Screen(*parts[:-1])


def _said(one: Source) -> str:
    read = "" if one.date is None else f" ({one.date})"
    return f"{one.name}: {one.title}{read}" if one.link is None else \
        f"{one.name}: {one.title}, {counted(one.rows or 0, 'row')}\n  {one.link}"  # fmt: skip


def written_out(names: Iterable[str]) -> list[Text]:
    """A line for each short name of who measured that is known, in its order."""
    known = measured_by()
    return [Text(f"{name}: {known[name].title}, {known[name].link}", style="dim")
            for name in dict.fromkeys(names) if name in known]  # fmt: skip
