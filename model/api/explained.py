"""A step in plain sentences: as a value that shows itself."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rich.console import Group

from steptime.model.api.shown import Shown
from steptime.model.step.case import Case
from steptime.model.text.explained import explained_json, explained_table, sentences


@dataclass(frozen=True, repr=False)
class Explanation(Shown):
    """Five sentences on one step, which ``case`` is the scenario of."""

    schema: ClassVar[str] = "explanation"
    case: Case

    @property
    def sentences(self) -> tuple[str, ...]:
        """How long, why, what it gives, what it holds, what would change it."""
        return sentences(self.case)

    def _json(self) -> dict[str, Any]:
        return explained_json(self.case)

    def table(self) -> Group:
        return explained_table(self.case)

    def __repr__(self) -> str:
        return f"Explanation({self.case.model} on {self.case.hardware.name})"
