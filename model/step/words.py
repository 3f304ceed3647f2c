"""The words of a question become numbers, layouts and choices: here, and nowhere else.

A value may be a number in base units or a text with a unit. Every mistake is a UserError of one line.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import read_coefficients
from steptime.model.errors import UserError, unknown
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.parse import is_bare, is_share, parse, parse_quantity, several, text_of
from steptime.model.phases.train import Choices
from steptime.model.quantity import Quantity, count, declared, lookup, second
from steptime.model.step.inputs import CALLED, Inputs, UserLimit
from steptime.model.units import unit_text

from steptime.model.choices import (  # isort: skip
    PHASES, AttentionKernel, Basis, Copies, Counted, Efficiency, Experts, Format, Overlap, Recompute, Schedule, Scope,
    Split,
)  # fmt: skip

if TYPE_CHECKING:
    from steptime.model.economics.reuse import Reuse

Word = TypeVar("Word", bound=StrEnum)
Ranges = dict[Symbol, tuple[float, float]]

FORMATS = ("weights", "kv", "activations")
ANY = "any"
"""The word by which a search tries every format; without it, it holds the model's own."""
WAYS: Mapping[str, type[StrEnum]] = {
    "scope": Scope, "overlap": Overlap, "experts": Experts, "basis": Basis,
}  # fmt: skip
TRAINING: Mapping[str, type[StrEnum]] = {
    "recompute": Recompute, "schedule": Schedule, "attention": Counted, "attention_kernel": AttentionKernel,
}  # fmt: skip
FLAGS = ("sequence_parallel", "dropout")
MOST_DEGREE = 1_000_000
MOST_NUMBERS = 1_000
ARGUMENTS = ("phase", "layout", "chips", "efficiency", *FORMATS, *WAYS, *TRAINING, *FLAGS, "zero")
"""Arguments that are no quantities."""

_called = {name: symbol for symbol, name in CALLED.items()}
_limit = re.compile(r"\s*(\w{1,60})\s*(<=|>=)\s*(\S.{0,60}?)\s*", re.ASCII)


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


def searched(words: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """The words of a search without the formats that are ``any``, and the names of these.

    >>> searched({"weights": "any", "kv": "fp8"})
    ({'kv': 'fp8'}, frozenset({'weights'}))
    """
    free = frozenset(name for name in FORMATS if isinstance(words.get(name), str) and words[name] == ANY)
    return {name: value for name, value in words.items() if name not in free}, free


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
    return lookup(_called[name].name if name in _called else name)


def quantities(words: Mapping[str, Any]) -> dict[Symbol, float]:
    """Values of quantities by name; raises UserError for unknown names and wrong units.

    >>> quantities({"memory_bandwidth": "3.35TB/s"})
    {memory_bandwidth: 3350000000000.0}
    """
    found: dict[Symbol, float] = {}
    for name, value in words.items():
        if name not in _called and name not in declared():
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
    _refuse_share(name, known, value)
    return parse_quantity(known, value)


def _refuse_share(name: str, known: Quantity, value: Any) -> None:
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


def ranges_of(words: Mapping[str, Any]) -> Ranges:
    """Both ends of ranges by quantity, from ``lo..hi`` or two values; raises UserError for anything else."""
    found: Ranges = {}
    if not words:
        raise UserError("ranges: give at least one, as memory_efficiency=(0.6, 0.9)")
    for name, value in words.items():
        known = record(name)
        both = value.split("..", 1) if isinstance(value, str) else several(value)
        if len(both) != 2:
            raise UserError(f"range of {known.name}: {str(value)[:60]!r}: write lo..hi, as in 100k..200k")
        low, high = both
        ends = parse_quantity(known, low), parse_quantity(known, high)
        if not 0 < ends[0] <= ends[1]:
            raise UserError(f"range of {known.name}: {low} must be positive and not above {high}")
        found[known.symbol] = ends
    return found


def whole_numbers(value: Any, name: str, most: int) -> tuple[int, ...]:
    """One number or several, as ``8,16,72`` or a list, each once, in rising order."""
    parts = value.split(",") if isinstance(value, str) else several(value, MOST_NUMBERS)
    if len(parts) > MOST_NUMBERS:
        raise UserError(f"`{name}`: at most {MOST_NUMBERS} numbers")
    for part in parts:
        _refuse_share(name, lookup(name), part)
    numbers = {int(parse_quantity(lookup(name), part)) for part in parts}
    if not numbers:
        raise UserError(f"`{name}`: give at least one number")
    if max(numbers) > most:
        raise UserError(f"`{name}`: {max(numbers)} is more than {most}")
    return tuple(sorted(numbers))


def as_read(name: str, value: Any, unit: Expr) -> tuple[str, ...]:
    """What to know of a text without a unit where a unit is meant: it counts in base units.

    >>> as_read("max_step_time", "33", second), as_read("max_step_time", "33ms", second)
    (('`max_step_time` 33 has no unit: read in base units, as 33 s',), ())
    """
    if unit == count or not isinstance(value, str) or not is_bare(value):
        return ()
    return (f"`{name}` {value.strip()} has no unit: read in base units, as {parse(value, unit, name):g} "
            f"{unit_text(unit)}",)  # fmt: skip


def limit_of(text: str) -> UserLimit:
    """``NAME<=VALUE`` or ``NAME>=VALUE``; raises UserError for anything else."""
    matched = _limit.fullmatch(text_of(text, "`limit`"))
    if matched is None:
        raise UserError(f"`limit` {text[:60]!r}: write NAME<=VALUE or NAME>=VALUE, as in batch<=512")
    known = record(matched[1])
    return UserLimit(known.symbol, matched[2] == "<=", parse_quantity(known, matched[3]))


def workload_of(text: str) -> tuple[float, dict[str, str]]:
    """One workload of a mix, ``weight=0.7 phase=decode context=32k batch=2048``: its weight, and its arguments.

    >>> workload_of("weight=3 context=32k")
    (3.0, {'context': '32k'})
    """
    known = ["weight", *ARGUMENTS, *_called, *declared()]
    entries: dict[str, str] = {}
    for entry in text_of(text, "`workload`").split():
        name, separator, value = entry.partition("=")
        name = name.replace("-", "_")
        if not separator or not value:
            raise UserError(f"`workload` {text[:60]!r}: write NAME=VALUE, separated by spaces, as in context=32k")
        if name not in known:
            raise unknown("argument in `workload`:", name, known)
        if name in entries:
            raise UserError(f"`workload` {text[:60]!r}: {name} is given twice")
        entries[name] = value
    return parse(entries.pop("weight", "1"), count, "`workload` weight"), entries


def mix_of(texts: Sequence[str], usual: Mapping[str, Any]) -> list[tuple[float, Inputs]]:
    """Weighted workloads, each beside the words that all share; raises UserError that says in which one.

    >>> [(weight, found.phase) for weight, found in mix_of(["phase=prefill", "weight=3"], {"batch": 8})]
    [(1.0, <PhaseName.PREFILL: 'prefill'>), (3.0, <PhaseName.DECODE: 'decode'>)]
    """
    found = []
    for text in texts:
        weight, stated = workload_of(text)
        inputs_of(usual)  # what is wrong with these is not the workload's
        try:
            found.append((weight, inputs_of({**usual, **stated})))
        except UserError as error:
            raise UserError(f"`workload` {text[:60]!r}: {str(error).replace('`', '')}") from None
    return found


_example = (
    "write it as 'exponential mean=10min', 'weibull shape=0.5 scale=10min' or 'lomax shape=1.5 scale=5min share=0.6'"
)


def reuse_of(text: "Reuse | str") -> "Reuse":
    """When a cache is asked for again, in words: a distribution's name, then NAME=VALUE for each of its numbers;
    ``share`` is 1 where it is not given. Raises UserError for unknown names, and for a hazard that rises.

    >>> reuse_of("weibull shape=0.5 scale=10min share=0.6")
    Reuse(name='weibull', scale=600.0, shape=0.5, share=0.6)
    """
    from steptime.model.economics.reuse import KEYS, Reuse, checked

    if isinstance(text, Reuse) and text.name in KEYS:
        return checked(text)
    name, *entries = text_of(text, "`reuse`").split() or [""]
    if name not in KEYS:
        raise unknown("distribution in `reuse`:", name, list(KEYS), _example)
    values: dict[str, float] = {}
    for entry in entries:
        key, separator, written = entry.partition("=")
        if not separator:
            raise UserError(f"`reuse` {entry[:60]!r}: expected NAME=VALUE; {_example}")
        if key not in (*KEYS[name], "share"):
            raise unknown(f"key of {name} in `reuse`:", key, [*KEYS[name], "share"])
        if key in values:
            raise UserError(f"`reuse`: {key} is given twice")
        values[key] = parse(written, second if key in ("mean", "scale") else count, f"`reuse` {key}")
    for key in KEYS[name]:
        if key not in values:
            raise UserError(f"`reuse` {name}: {key} is missing; {_example}")
    return checked(Reuse(name, values["mean" if name == "exponential" else "scale"], values.get("shape", 1.0),
                         values.get("share", 1.0)))  # fmt: skip
