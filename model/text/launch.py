"""The command line of an engine, as JSON and as lines that can be copied."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.text import Text

from steptime.model.engines.command import ENGINES, Launch


@dataclass(frozen=True)
class Verbatim:
    """Lines as they are, however narrow the terminal: a command that is folded is another command."""

    lines: tuple[str, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for line in self.lines:
            yield Segment(line)
            yield Segment.line()


def launch_json(launch: Launch) -> dict[str, Any]:
    """One of ``command`` and ``engine_refuses`` is null."""
    known = ENGINES[launch.engine]
    return {
        "engine": launch.engine,
        "command": None if launch.lines is None else list(launch.lines),
        "engine_refuses": launch.refuses,
        "engine_notes": list(launch.notes),
        "engine_sources": [f"{source} ({known.date})" for source in known.sources],
    }


def launch_lines(launch: Launch) -> list[Text | Verbatim]:
    """The script, or why there is none."""
    called = ENGINES[launch.engine].called
    if launch.lines is None:
        return [Text(f"{called} cannot run this layout: {launch.refuses}")]
    return [Text(f"on {called} ({'; '.join(launch.notes)}):"), Verbatim(launch.lines)]
