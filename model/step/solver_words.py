"""The words that solvers are asked in, beside those of a step: limits, ranges, workloads, lists, times of reuse."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sympy import Expr, Symbol

from steptime.model.errors import UserError, unknown
from steptime.model.parse import is_bare, parse, parse_quantity, several, text_of
from steptime.model.quantity import count, declared, lookup, second
from steptime.model.step.inputs import Inputs, UserLimit
from steptime.model.step.words import ARGUMENTS, BY_ARGUMENT, FORMATS, inputs_of, record, refuse_share
from steptime.model.units import unit_text

if TYPE_CHECKING:
    from steptime.model.economics.reuse import Reuse

Ranges = dict[Symbol, tuple[float, float]]

ANY = "any"
"""The word by which a search tries every format; without it, it holds the model's own."""
MOST_NUMBERS = 1_000

_limit = re.compile(r"\s*(\w{1,60})\s*(<=|>=)\s*(\S.{0,60}?)\s*", re.ASCII)


def searched(words: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """The words of a search without the formats that are ``any``, and the names of these.

    >>> searched({"weights": "any", "kv": "fp8"})
    ({'kv': 'fp8'}, frozenset({'weights'}))
    """
    free = frozenset(name for name in FORMATS if isinstance(words.get(name), str) and words[name] == ANY)
    return {name: value for name, value in words.items() if name not in free}, free


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
        refuse_share(name, lookup(name), part)
    numbers = {int(parse_quantity(lookup(name), part)) for part in parts}
    if not numbers:
        raise UserError(f"`{name}`: give at least one number")
    if max(numbers) > most:
        raise UserError(f"`{name}`: {max(numbers)} is more than {most}")
    return tuple(sorted(numbers))


def as_read(name: str, value: Any, unit: Expr) -> tuple[str, ...]:
    """What to know of a text without a unit where a unit is meant: it counts in base units.

    >>> as_read("max_step_time", "33", second), as_read("max_step_time", "33ms", second)
    (('`max_step_time` 33 has no unit: read in base units, as 33 s; 33ms would be milliseconds',), ())
    """
    if unit == count or not isinstance(value, str) or not is_bare(value):
        return ()
    hint = f"; {value.strip()}ms would be milliseconds" if unit == second else ""
    return (f"`{name}` {value.strip()} has no unit: read in base units, as {parse(value, unit, name):g} "
            f"{unit_text(unit)}{hint}",)  # fmt: skip


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
    known = ["weight", *ARGUMENTS, *BY_ARGUMENT, *declared()]
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
