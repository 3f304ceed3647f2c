"""What the lecture and papers say in numbers, beside what the formulas and the catalogue give."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.console import Group

from steptime.model.api.shown import Shown
from steptime.model.api.step import quiet
from steptime.model.text.claims import claims_json, claims_table, verdicts
from steptime.model.text.records import records_csv


@dataclass(frozen=True, repr=False)
class Claims(Shown):
    """Every number of the lecture beside ours."""

    schema: ClassVar[str] = "claims"
    verdicts: tuple[Any, ...]

    @property
    def fails(self) -> bool:
        """Whether a claim of our own fails."""
        return any(found.verdict == "fails" for found in self.verdicts)

    def __repr__(self) -> str:
        return f"Claims({len(self.verdicts)} numbers of the lecture)"

    def csv(self) -> str:
        """One row a number."""
        return records_csv(self.to_dict()["claims"])

    def _json(self) -> dict[str, Any]:
        return claims_json(list(self.verdicts))

    def table(self) -> Group:
        return claims_table(list(self.verdicts))


def claims(progress: Callable[[float], None] = quiet) -> Claims:
    """Every claim, computed from verified derivations and the catalogue."""
    return Claims(tuple(verdicts(progress)))
