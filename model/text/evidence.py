"""What the band of an estimate rests on: how many measured rows, of which models and machines."""

from collections.abc import Mapping
from typing import Any

from steptime.model.catalog.bands import Evidence
from steptime.model.text.format import counted
from steptime.model.text.header import listed

THIN = 30
"""Rows below which what they say is thin: no fit is made of fewer."""
FOLLOWED = 4
"""Models and machines that are named, before the others are counted."""


def evidence_json(found: Evidence) -> dict[str, Any]:
    """The rows behind a band, of each model and machine; of the machine that is asked about, and of its family."""
    return {
        "rows": found.band.rows, "groups": found.band.groups, "models": dict(found.band.models),
        "machines": dict(found.band.machines), "of_machine": found.of_machine, "of_family": found.of_family,
        "wider": found.wider,
    }  # fmt: skip


def thin(found: Mapping[str, Any], model: str) -> str | None:
    """In what the rows behind a band are few, or foreign to what is asked; None where they are neither.

    >>> rows = {"rows": 125, "models": {"deepseek-r1": 125}, "of_machine": 0, "wider": True}
    >>> thin(rows, "deepseek-v3")
    'band of 125 measured rows: all of deepseek-r1, none of this machine, so wider'
    >>> thin({**rows, "of_machine": 125}, "deepseek-r1") is None
    True
    """
    rows, models, there = found["rows"], found["models"], found["of_machine"]
    parts = []
    if len(models) == 1 and model not in models:
        parts.append(f"all of {next(iter(models))}")
    elif rows < THIN and models:
        parts.append(f"of {listed(list(models), FOLLOWED)}")
    if there == 0:
        parts.append("none of this machine, so wider" if found["wider"] else "none of this machine")
    elif there is not None and there < min(THIN, rows):
        parts.append(f"{there} of this machine")
    if not parts and rows >= THIN:
        return None
    return ": ".join([f"band of {counted(rows, 'measured row')}", *[", ".join(parts)] * bool(parts)])


def evidence_words(name: str, found: Mapping[str, Any]) -> str:
    """All of it, in clauses."""
    text = f"{name}: {counted(found['rows'], 'measured row')} in {counted(found['groups'], 'group')}"
    for what in ("models", "machines"):
        several = [f"{one} {rows}" for one, rows in sorted(found[what].items(), key=lambda item: -item[1])]
        text += f"; {what} {listed(several, FOLLOWED)}" if several else ""
    if found["of_machine"] == 0:
        text += "; no row is of this machine" + ("" if found["of_family"] else ", nor of its family")
    if found["wider"]:
        text += "; wider by how far machines lay off that a fit had not seen"
    return text
