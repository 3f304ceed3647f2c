"""The words of a step become numbers, layouts and choices: here, and those of a solver in `solver_words`; nowhere else.

A value may be a number in base units or a text with a unit. Every mistake is a UserError of one line.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import read_coefficients
from steptime.model.errors import UserError, unknown
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.parse import is_share, parse_quantity, text_of
from steptime.model.phases.train import Choices
from steptime.model.quantity import Quantity, count, declared, lookup
from steptime.model.step.inputs import CALLED, Inputs
from steptime.model.units import unit_text

from steptime.model.choices import (  # isort: skip
    PHASES, AttentionKernel, Basis, Copies, Counted, Efficiency, Experts, Format, Overlap, Recompute, Schedule, Scope,
    Split,
)  # fmt: skip

if TYPE_CHECKING:
    pass

Word = TypeVar("Word", bound=StrEnum)

FORMATS = ("weights", "kv", "activations")
WAYS: Mapping[str, type[StrEnum]] = {
    "scope": Scope, "overlap": Overlap, "experts": Experts, "basis": Basis,
}  # fmt: skip
TRAINING: Mapping[str, type[StrEnum]] = {
    "recompute": Recompute, "schedule": Schedule, "attention": Counted, "attention_kernel": AttentionKernel,
}  # fmt: skip
FLAGS = ("sequence_parallel", "dropout")
MOST_DEGREE = 1_000_000
ARGUMENTS = ("phase", "layout", "chips", "efficiency", *FORMATS, *WAYS, *TRAINING, *FLAGS, "zero")
"""Arguments that are no quantities."""

BY_ARGUMENT = {name: symbol for symbol, name in CALLED.items()}


def inputs_of(words: Mapping[str, Any]) -> Inputs:
    """The inputs that some arguments state; None states nothing. Raises UserError for unknown names and values.

    >>> found = inputs_of({"batch": "2k", "layout": "tp=8", "overlap": "none", "memory_bandwidth": "3.35TB/s"})
    >>> found.layout.tp, found.overlap, sorted((s.name, v) for s, v in found.given.items())
    (8, <Overlap.NONE: 'none'>, [('batch', 2000.0), ('memory_bandwidth', 3350000000000.0)])
    """
    stated = {name: value for name, value in words.items() if value is not None}
    choices: dict[str, Any] = {}
    if "phase" in stated:
        choices["phase"] = word("phase", stated["phase"], PHASES)
    choices |= {name: word(name, stated[name], tuple(Format)) for name in FORMATS if name in stated}
    choices |= {name: word(name, stated[name], tuple(kind)) for name, kind in WAYS.items() if name in stated}
    if "efficiency" in stated:
        choices |= efficiency_of(stated["efficiency"])
    if "layout" in stated:
        choices["layout"] = layout_of(stated["layout"])
    if "chips" in stated:
        choices["chips"] = int(one_value("chips", lookup("chips"), stated["chips"]))
    given = quantities({name: value for name, value in stated.items() if name not in ARGUMENTS})
    return Inputs(given=given, training=_training(stated), **choices)


def efficiency_of(value: Any) -> dict[str, Any]:
    """``ideal``, ``calibrated``, or a file of coefficients.

    >>> efficiency_of("ideal")
    {'efficiency': <Efficiency.IDEAL: 'ideal'>}
    """
    if isinstance(value, str | Path) and str(value).lower().endswith(".toml"):
        return {"efficiency": Efficiency.CALIBRATED, "coefficients": read_coefficients(Path(value))}
    return {"efficiency": word("efficiency", value, tuple(Efficiency))}


def _training(stated: Mapping[str, Any]) -> Choices:
    """How a step is trained."""
    found: dict[str, Any] = {name: word(name, stated[name], tuple(kind)) for name, kind in TRAINING.items()
                             if name in stated}  # fmt: skip
    for name in stated.keys() & set(FLAGS):
        said = str(stated[name]).capitalize()
        if said not in ("True", "False"):
            raise UserError(f"`{name}`: True or False, not {str(stated[name])[:40]!r}")
        found[name] = said == "True"
    if "zero" in stated:
        if str(stated["zero"]) not in tuple("0123"):
            raise UserError("`zero`: 0, 1, 2 or 3")
        found["zero"] = int(stated["zero"])
    return Choices(**found)


def word(name: str, value: Any, known: Sequence[Word]) -> Word:
    """One of a choice's words; raises UserError with the best matches."""
    for one in known:
        if isinstance(value, str) and value == one:
            return one
    raise unknown(f"`{name}`", str(value), [str(one) for one in known])


def record(name: str) -> Quantity:
    """The record of a quantity, also by the name that its argument has; raises UserError with the best matches."""
    name = text_of(name, "name of a quantity").strip()
    return lookup(BY_ARGUMENT[name].name if name in BY_ARGUMENT else name)


def quantities(words: Mapping[str, Any]) -> dict[Symbol, float]:
    """Values of quantities by name; raises UserError for unknown names and wrong units.

    >>> quantities({"memory_bandwidth": "3.35TB/s"})
    {memory_bandwidth: 3350000000000.0}
    """
    found: dict[Symbol, float] = {}
    for name, value in words.items():
        if name not in BY_ARGUMENT and name not in declared():
            raise unknown("quantity or argument", name, [*declared(), *ARGUMENTS])
        known = record(name)
        if known.symbol in found:
            raise UserError(f"`{name}`: {known.name} is given twice")
        found[known.symbol] = one_value(name, known, value)
    return found


SEARCHED = ("batch", "chips")
"""Quantities of which a search over layouts takes several."""


def one_value(name: str, known: Quantity, value: Any) -> float:
    """A value for a quantity; raises UserError for several, and for a share, that says what takes them.

    >>> one_value("context", lookup("context"), "4k,32k")
    Traceback (most recent call last):
    ...
    steptime.model.errors.UserError: `context` '4k,32k': one number here; several go to step.over(context=[…])
    """
    listed = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    alone = getattr(value, "ndim", None) == 0
    if "," in value if isinstance(value, str) else listed and not alone:
        takes = [] if name == "chips" else [f"step.over({name}=[…])"]
        takes += [f"`{name}` of solve layout"] if name in SEARCHED else []
        raise UserError(f"`{name}` {str(value)[:40]!r}: one number here; several go to {' and '.join(takes)}")
    refuse_share(name, known, value)
    return parse_quantity(known, value)


def refuse_share(name: str, known: Quantity, value: Any) -> None:
    """A share in per cent is a number only where something whole is meant: raises UserError that says what to write."""
    if not isinstance(value, str) or not value.strip().endswith("%") or is_share(known, value):
        return
    shown = f"`{name}` {value.strip()[:40]!r}"
    if known.symbol == q.batch:
        raise UserError(f"{shown}: a batch is a number of sequences; step says how many fit (largest concurrency), "
                        "solve batch which is best, and solve layout tries several: `batch` 16,32,64")  # fmt: skip
    raise UserError(f"{shown}: a share of what is not known here; give a number{_in(known)}")


def _in(known: Quantity) -> str:
    return "" if known.unit == count else f" in {unit_text(known.unit)}"


def layout_of(value: Any) -> Layout:
    """A layout whose degrees are whole numbers, from one, from ``tp=8,pp=2``, or from a mapping."""
    return Layout(**degrees_of(value))


def degrees_of(value: Any) -> dict[str, Any]:
    """The entries of ``tp=8,pp=2``, or of a mapping; raises UserError for an unknown key or value.

    >>> degrees_of("tp=8,pp=2")
    {'tp': 8, 'pp': 2}
    """
    if isinstance(value, Layout):
        whole = {field.name: getattr(value, field.name) for field in fields(value)}
        value = whole if value.copies is not None else {key: degree for key, degree in whole.items() if key != "copies"}
    if not isinstance(value, Mapping):
        value = _entries(str(value))
    return {key: _degree(key, written) for key, written in value.items()}


def _entries(text: str) -> dict[str, str]:
    known = [field.name for field in fields(Layout)]
    entries: dict[str, str] = {}
    for part in text.split(","):
        key, separator, value = (piece.strip() for piece in part.partition("="))
        if not separator or key not in known:
            shown = repr(part.strip()[:40])
            raise UserError(f"`layout`: {shown} is not one of {', '.join(known)} with a value, as in tp=8,pp=2")
        if key in entries:
            raise UserError(f"`layout`: {key} is given twice")
        entries[key] = value
    return entries


def _degree(key: str, value: Any) -> Any:
    kinds: dict[str, type[StrEnum]] = {"ffn": Split, "copies": Copies}
    if key in kinds:
        if not isinstance(value, str) or value not in tuple(kinds[key]):
            raise UserError(f"`layout`: {key} is {' or '.join(kinds[key])}, not {str(value)[:40]!r}")
        return kinds[key](value)
    if key not in SYMBOLS:
        raise unknown("key of `layout`", str(key), [*SYMBOLS, *kinds])
    text = str(value)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:12]) <= MOST_DEGREE:
        raise UserError(f"`layout`: {key}={text[:40]} must be a whole number from 1 to {MOST_DEGREE}")
    return int(text)
