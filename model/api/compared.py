"""Other tools' answers beside ours, and which of our terms explains the difference."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from rich.console import Group

from steptime.model.api.shown import Shown
from steptime.model.api.step import quiet
from steptime.model.catalog.examples import TOOLS, named_or_own
from steptime.model.catalog.other_tools import read_other_tools
from steptime.model.parse import path_of
from steptime.model.solver.compared.compare import Compared, ToolCompared
from steptime.model.solver.compared.compare import compare as explain
from steptime.model.solver.measured.places import Places
from steptime.model.text.format import counted
from steptime.model.text.other_tools import answers_csv, compared_json, compared_table, tools_csv


def compare(
    file: Path | str,
    models: Path | str | None = None,
    hardware: Path | str | None = None,
    progress: Callable[[float], None] = quiet,
) -> "Comparison":
    """What other tools answered to some cases beside our bound and estimate, and what explains each tool's difference.

    ``file`` is an example, ``"rules-of-thumb"``, or a CSV with the columns case, tool, phase, model, hardware, chips,
    quantity, value and, where stated, weights, activations, kv, batch, prompt, context, tp, pp, ep, dp, cp, unit,
    source. Explanations are our terms times one number over all of a tool's cases, times that it adds, conventions, and
    what overlaps; each must bring down the error on cases that its number was not fitted to. ``models`` and
    ``hardware`` are folders with files for names that the catalogue lacks. Raises UserError for a file that cannot be
    read.
    """
    folders = [None if given is None else path_of(given, f"`{name}`")
               for name, given in (("models", models), ("hardware", hardware))]  # fmt: skip
    path = named_or_own(path_of(file, "`file`"), TOOLS)
    return Comparison(explain(read_other_tools(path), Places(*folders), progress))


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """Every tool's answers beside ours, in seconds, with their causes."""

    kinds = ("tools",)
    schema: ClassVar[str] = "compare"
    found: Compared

    @property
    def tools(self) -> tuple[ToolCompared, ...]:
        """The tools in the order of the file."""
        return self.found.tools

    def _json(self) -> dict[str, Any]:
        return compared_json(self.found)

    def table(self, rows: bool = False) -> Group:
        return compared_table(self.found, rows)

    def csv(self, rows: bool = True) -> str:
        """The rows as CSV in base units, or the causes of each tool."""
        return answers_csv(self.found) if rows else tools_csv(self.found)

    def __repr__(self) -> str:
        return f"Comparison({counted(len(self.tools), 'tool')}, {counted(len(self.found.rows), 'answer')})"
