"""Too few rows for a fit of decode steps: how many are none, and for which reasons."""

from collections import Counter
from collections.abc import Mapping, Sequence

from steptime.model.catalog.measurement import COLLECTIVES, Measurement
from steptime.model.choices import PhaseName
from steptime.model.errors import UserError

SHOWN = 6
"""Reasons that are told; of the others how many rows have one."""
LONGEST = 120
"""Characters of a reason that are told."""


def too_few(
    fitted: int, needed: int, rows: Sequence[Measurement], unlike: Sequence[Measurement], why: Mapping[str, str]
) -> UserError:
    """What to say where so many of ``rows`` can be ``fitted``. ``unlike``: those that repeat none before them; ``why``:
    reasons of those that are usable for no fit, by identifier."""
    others = [row.phase for row in unlike if not row.wrong and row.id not in why]
    of_others = [f"of {phase}, no decode step" for phase in others if phase in (PhaseName.TRAIN, *COLLECTIVES)]
    found = Counter([*why.values(), *of_others, *["repeating another row"] * (len(rows) - len(unlike))])
    said = f"{fitted} row{'s' if fitted != 1 else ''} can be fitted, of {len(rows)}; at least {needed} are needed"
    return UserError(f"{said}; not fitted: {_told(found)}" if found else said)


def _told(found: Counter[str]) -> str:
    """The most frequent reasons with their numbers of rows."""
    told = found.most_common(SHOWN)
    parts = [f"{number} {why if len(why) <= LONGEST else why[:LONGEST] + '…'}" for why, number in told]
    left = found.total() - sum(number for _, number in told)
    return "; ".join([*parts, *([f"{left} for other reasons"] if left else [])])
