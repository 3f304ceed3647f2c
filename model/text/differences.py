"""What two answers have under different values, as a table."""

from collections.abc import Mapping
from math import isclose
from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model.quantity import declared
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import counted, in_unit, money, plain, si

SHOWN = 40
"""Rows of a table; the answer itself has all."""
UNITS = {
    "terms": "s", "bounds": "s", "network": "s", "times": "s", "decode_terms": "s", "step_time": "s", "low": "s",
    "high": "s", "mean_step_time": "s", "time_to_first_token": "s", "time_to_first_token_estimate": "s", "ideal": "s",
    "time": "s", "memory_per_chip": "B", "kv_bytes_per_sequence": "B", "system_power": "W", "joules_per_token": "J",
}  # fmt: skip
"""Units of keys that are no quantities, and of all that stands under them."""
LAST = ("quantities", "operations", "crossovers", "defaults", "not_modelled", "notes", "doubtful", "missing", "schema",
        "estimate_terms")  # fmt: skip
"""What is seen last: details of what stands above."""


def differences_table(found: Mapping[str, tuple[Any, Any]], names: tuple[str, str] = ("this", "other")) -> Group:
    """A row a key: the value of each, and how many times the second is the first; texts and lists are named.

    >>> from rich.console import Console
    >>> Console(width=80).print(differences_table({"terms.memory": (0.02, 0.01), "fits": (True, False)}))
    under          this  other  times
    terms.memory  20 ms  10 ms    0.5
    fits            yes     no
    """
    keys = sorted((key for key in found if not _rounding(*found[key])), key=lambda key: key.split(".")[0] in LAST)
    rows = [[key, *(_said(key, value) for value in found[key]), _times(*found[key])] for key in keys[:SHOWN]]
    made = Fitting(("under", *(f">{name}" for name in names), ">times"), rows, (">times",), (), ("under",))
    more = [Text(f"and {counted(len(keys) - SHOWN, 'more key')}")] if len(keys) > SHOWN else []
    return Group(made, *more) if rows else Group(Text("nothing differs"))


def _said(key: str, value: Any) -> str:
    """A value for people."""
    if value is None or isinstance(value, bool):
        return {None: "—", True: "yes", False: "no"}[value]
    if isinstance(value, list | dict):
        return counted(len(value), "entry", "entries")
    if isinstance(value, str):
        return value if len(value) <= 24 else f"{value[:23]}…"
    parts = key.split(".")
    if "dollars" in parts[-1]:
        return money(value)
    if (record := declared().get(parts[-1])) is not None:
        return in_unit(value, record.unit)
    unit = next((UNITS[part] for part in reversed(parts) if part in UNITS), None)
    return plain(value) if unit is None else si(value, unit)


def _rounding(one: Any, other: Any) -> bool:
    """Whether two numbers differ by no more than rounding."""
    return isinstance(one, float) and isinstance(other, float) and isclose(one, other, rel_tol=1e-9)


def _times(one: Any, other: Any) -> str:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))
    return f"{other / one:.3g}" if numbers and one else ""
