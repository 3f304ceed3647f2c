"""The command line that runs a step's layout on an engine."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.console import Group
from rich.text import Text

from steptime.model.api.named import Named
from steptime.model.api.shown import Shown
from steptime.model.api.step import Step
from steptime.model.catalog.hub import identifier
from steptime.model.choices import EngineName
from steptime.model.engines.command import Launch, launch
from steptime.model.errors import UserError
from steptime.model.parse import text_of
from steptime.model.step.case import Case
from steptime.model.step.words import word
from steptime.model.text.launch import launch_json, launch_lines
from steptime.model.text.screen import Screen
from steptime.model.text.step_json import step_json
from steptime.model.text.step_table import step_table


@dataclass(frozen=True)
class Command(Shown):
    """How an engine runs a layout: the ``lines`` of a shell script, or why it ``refuses``."""

    schema: ClassVar[str] = "command"
    launch: Launch

    @property
    def lines(self) -> Sequence[str] | None:
        """One option a line; None where the engine cannot run the layout."""
        return self.launch.lines

    @property
    def refuses(self) -> str | None:
        """Why there is no command."""
        return self.launch.refuses

    @property
    def copies(self) -> int:
        """How many such servers run beside each other."""
        return self.launch.copies

    @property
    def notes(self) -> tuple[str, ...]:
        """What the lines leave open."""
        return self.launch.notes

    def table(self) -> Group:
        return Group(*launch_lines(self.launch))

    def _json(self) -> dict[str, Any]:
        return launch_json(self.launch)

    def __repr__(self) -> str:
        said = "refused" if self.lines is None else self.lines[0].removesuffix(" \\")
        return f"Command({self.launch.engine}: {said})"


@dataclass(frozen=True, repr=False)
class LaunchedStep(Step):
    """A step with the command line that would run its layout."""

    launch: Launch

    def _json(self) -> dict[str, Any]:
        return {**step_json(self.case), **launch_json(self.launch)}

    def table(self) -> Group:
        return Screen(step_table(self.case), Text(), *launch_lines(self.launch))


def launch_of(case: Case, engine: str, checkpoint: Named | None = None) -> Launch:
    """How an engine, by its name, runs a case, with the weights of a folder or a hub's name."""
    name = word("engine", engine, tuple(EngineName))
    return launch(case, name, None if checkpoint is None else _quoted(text_of(str(checkpoint), "`checkpoint`")))


def launched(step: Step, engine: str, model: object = None) -> LaunchedStep:
    """A step beside its command line; of a ``model`` that names a checkpoint, with that name."""
    return LaunchedStep(step.case, launch_of(step.case, engine, checkpoint_of(model)))


def checkpoint_of(model: object) -> str | None:
    """The folder or hub's name that a model was asked for by, None where it was another name.

    >>> checkpoint_of("Qwen/Qwen3-32B"), checkpoint_of("qwen3-32b")
    ('Qwen/Qwen3-32B', None)
    """
    name = str(model) if isinstance(model, str | os.PathLike) else ""
    return name if name and (identifier(name) or os.path.isdir(name)) else None


def _quoted(name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise UserError(f"`checkpoint` {name[:60]!r}: a folder or a hub's name is one line of text")
    return shlex.quote(name)
