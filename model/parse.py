"""Numbers with units as people write them.

``3.35TB/s``, ``100 kB``, ``20ms``, ``200k``, ``1.2 $``: a number, an SI or binary prefix, a unit. Everything becomes
base units here and stays so. Nothing a user writes is ever evaluated.
"""

import math
import re
from itertools import islice
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any

import sympy
from sympy import Expr

from steptime.model.errors import UserError
from steptime.model.quantity import FLOP, Quantity, byte, count, dollar, joule, second
from steptime.model.units import unit_text

LARGEST = 1e30
"""No quantity of this field comes near it; beyond it a value is a slip."""

_number = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*", re.ASCII)
_prefixes = {"": 1.0, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "n": 1e-9}
_prefixes |= {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_prefixes |= {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
_units: dict[str, tuple[float, Expr]] = {
    "": (1.0, count), "s": (1.0, second), "min": (60.0, second), "h": (3600.0, second), "B": (1.0, byte),
    "bit": (0.125, byte), "FLOP": (1.0, FLOP), "OP": (1.0, FLOP), "$": (1.0, dollar), "J": (1.0, joule),
    "W": (1.0, joule / second), "Wh": (3600.0, joule), "Hz": (1.0, 1 / second),
    "tokens": (1.0, count), "token": (1.0, count),
}  # fmt: skip
_counted = dict.fromkeys(("request", "requests", "sequence", "sequences"), (1.0, count))
"""What a rate may count beside tokens."""


def _unit(text: str, counts: bool = False) -> tuple[float, Expr] | None:
    """Factor and unit of one prefixed unit, of a rate's ``counts`` too; None where there is no such unit."""
    if counts and text == "1":
        return 1.0, count
    known = _units | _counted if counts else _units
    for unit, (factor, base) in sorted(known.items(), key=lambda item: -len(item[0])):
        if text.endswith(unit) and (prefix := text.removesuffix(unit) if unit else text) in _prefixes:
            return _prefixes[prefix] * factor, base
    return None


def parse(value: Any, unit: Expr, name: str) -> float:
    """A positive, finite value in base units; a bare number is already in them.

    Raises UserError for anything else, with the unit that was expected.

    >>> parse("3.35TB/s", byte / second, "memory_bandwidth")
    3350000000000.0
    >>> parse("200k", count, "context"), parse("12 requests/s", 1 / second, "rate")
    (200000.0, 12.0)
    >>> parse("3GB", byte / second, "memory_bandwidth")
    Traceback (most recent call last):
    ...
    steptime.model.errors.UserError: memory_bandwidth: '3GB' is in B, expected B/s
    """
    if isinstance(value, bool) or not isinstance(value, Real | str):
        raise UserError(f"{name}: expected a number{_expected(unit)}, got {type(value).__name__}")
    number = _parse_text(value, unit, name) if isinstance(value, str) else _bounded(value)
    if not math.isfinite(number) or number <= 0 or number > LARGEST:
        raise UserError(f"{name}: {_short(value)} must be positive, finite and at most {LARGEST:.0e}")
    return number


def parse_quantity(record: Quantity, value: Any) -> float:
    """A value for a declared quantity: its unit, its sane range, and whole where only whole numbers are meant.

    >>> import steptime.model.symbols
    >>> from steptime.model.quantity import lookup
    >>> parse_quantity(lookup("scale_up_latency"), 0)
    0.0
    >>> parse_quantity(lookup("batch"), "2.5")
    Traceback (most recent call last):
    ...
    steptime.model.errors.UserError: batch: '2.5' must be a whole number
    """
    least, most = record.sane
    zero = value == 0 and not isinstance(value, bool) if isinstance(value, Real) else str(value).strip() == "0"
    if least == 0 and zero:
        return 0.0
    number = _share(value, record.name) if is_share(record, value) else parse(value, record.unit, record.name)
    if not least <= number <= most:
        unit = _expected(record.unit)
        raise UserError(f"{record.name}: {_short(value)} is outside the sane range {least:g} to {most:g}{unit}")
    if record.integer and number != int(number):
        raise UserError(f"{record.name}: {_short(value)} must be a whole number")
    return number


def is_share(record: Quantity, value: Any) -> bool:
    """Whether a value is in per cent, of a quantity that is a share of something whole.

    >>> import steptime.model.symbols
    >>> from steptime.model.quantity import lookup
    >>> parse_quantity(lookup("usable_memory"), "90%"), is_share(lookup("batch"), "90%")
    (0.9, False)
    """
    written = value.strip() if isinstance(value, str) else ""
    is_of_a_whole = record.unit == count and not record.integer and record.sane[1] == 1
    return is_of_a_whole and written.endswith("%") and is_bare(written.removesuffix("%"))


def _share(value: str, name: str) -> float:
    return parse(value.strip().removesuffix("%"), count, name) / 100


def is_bare(text: str) -> bool:
    """Whether a text is a number without a unit.

    >>> is_bare("33"), is_bare("33ms"), is_bare("fast")
    (True, False, False)
    """
    matched = _number.fullmatch(text) if len(text) <= 80 else None
    return matched is not None and not matched[2]


def text_of(value: Any, name: str) -> str:
    """A text as it stands; raises UserError for anything else."""
    if not isinstance(value, str):
        raise UserError(f"{name}: expected text, got {type(value).__name__}")
    return value


def path_of(value: Any, name: str) -> Path:
    """The path of a file or folder; raises UserError for what is none."""
    if not isinstance(value, str | PathLike) or not str(value):
        raise UserError(f"{name}: expected a path, got {str(value)[:40]!r}")
    return Path(value)


def several(value: Any, most: int = 1_000_000) -> list[Any]:
    """The values of a list, an array or a range, no more than one over ``most``; of a single value, it alone.

    >>> several("8,16"), several((8, 16)), several(8)
    (['8,16'], [8, 16], [8])
    """
    if isinstance(value, str | bytes | dict):
        return [value]
    try:
        return list(islice(value, most + 1))
    except TypeError:  # what cannot be walked through is one value; so is an array without dimensions
        return [value]


def _bounded(value: Any) -> float:
    """A number as a float; one that no float holds stays out of bounds."""
    return float(max(-1.0, min(value, 10 * LARGEST)))


def _parse_text(text: str, unit: Expr, name: str) -> float:
    if text.strip().startswith("+") and text.strip().lower() != "+inf":
        raise UserError(f"{name}: {_short(text)} begins with a plus: state the whole amount, not what is added")
    amount = text.strip().removeprefix("$") if unit == dollar else text  # $3M, or 400k of them
    matched = _number.fullmatch(amount) if len(text) <= 80 else None
    if matched is None:
        if text.strip().lower() in {"nan", "inf", "-inf", "infinity", "-infinity", "+inf"}:
            return math.nan
        raise UserError(f"{name}: {_short(text)} is not a number{_expected(unit)}")
    number, written = float(matched[1].replace("_", "")), matched[2].replace(" ", "")
    if not written:
        return number
    if unit == dollar and written in _prefixes:
        return number * _prefixes[written]
    factor, found = 1.0, count
    for position, part in enumerate(written.split("/")):
        known = _unit(part, counts=position == 0 and "/" in written)
        if known is None or (not part and position):
            raise UserError(f"{name}: {_short(text)} has no known unit{_expected(unit)}")
        factor = factor * known[0] if position == 0 else factor / known[0]
        found = found * known[1] if position == 0 else found / known[1]
    if sympy.simplify(found / unit) != 1:
        raise UserError(f"{name}: {_short(text)} is in {unit_text(found)}, expected {unit_text(unit)}")
    return number * factor


def _expected(unit: Expr) -> str:
    return "" if unit == count else f" in {unit}"


def _short(value: Any) -> str:
    try:
        text = str(value)
    except ValueError:  # Python writes no whole number of thousands of digits
        return "a number of thousands of digits"
    return repr(text if len(text) <= 40 else text[:37] + "...") if isinstance(value, str) else text[:40]
