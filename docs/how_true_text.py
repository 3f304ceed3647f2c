"""Words and figures of docs/how-true.md: tables, two digits, and whether two pages are the same but for rounding."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from math import exp
from typing import Any

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """One part of the page: its heading, its lines, and what of it stands in the table at the top."""

    heading: str
    lines: tuple[str, ...]
    short: tuple[tuple[str, ...], ...] = ()


def table(columns: str, rows: Iterable[Iterable[str]]) -> list[str]:
    """A Markdown table; columns that begin with > are flush right."""
    heads = columns.split("|")
    rule = "|".join("---:" if head.startswith(">") else "---" for head in heads)
    lines = [f"| {' | '.join(head.lstrip('>') for head in heads)} |", f"|{rule}|"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def number(value: float) -> str:
    """Two digits.

    >>> [number(value) for value in (0.8, 6.229, 136, 0.996)]
    ['0.80', '6.2', '140', '1.0']
    """
    rounded = float(f"{value:.2g}")
    return f"{rounded:.0f}" if abs(rounded) >= 10 else f"{rounded:#.2g}"


def percent(share: float) -> str:
    """A share."""
    return f"{number(100 * share)} %"


def seconds(value: float) -> str:
    """A time in microseconds."""
    return f"{number(1e6 * value)} µs"


def errors(one: Data) -> tuple[str, ...]:
    """Rows, median, nine in ten, bias."""
    return str(one["rows"]), percent(one["median"]), percent(one["p90"]), f"{exp(one['bias']):.2f}"


def pairs(found: Mapping[str, Data], what: str, inside: Mapping[str, float] | None = None) -> list[str]:
    """A table of errors left out, and of the fit itself; of shares inside the bands, where given."""
    head = f"{what}|>rows|>median|>nine in ten|>bias|>fitted: median|>nine in ten"
    rows = [(name.replace("|", ", "), *errors(pair["left_out"]), *errors(pair["fitted"])[1:3])
            for name, pair in found.items()]  # fmt: skip
    if inside is None:
        return table(head, rows)
    return table(f"{head}|>in the band", ((*row, percent(inside[row[0]])) for row in rows))


def differences(old: str, new: str) -> list[str]:
    """Lines of two pages that differ by more than what rounding does to their figures."""
    old_lines, new_lines = old.splitlines(), new.splitlines()
    if len(old_lines) != len(new_lines):
        return list(unified_diff(old_lines, new_lines, lineterm="", n=0))
    return [f"{was} | {now}" for was, now in zip(old_lines, new_lines, strict=True) if not alike(was, now)]


FIGURE = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?: (?:%|µs))?(?![\w-]*[A-Za-z])")


def alike(one: str, other: str) -> bool:
    """Whether two lines have the same words, and figures that are the same but for rounding."""
    if FIGURE.sub("#", one) != FIGURE.sub("#", other):
        return False
    return all(near(was, now) for was, now in zip(FIGURE.findall(one), FIGURE.findall(other), strict=True))


def near(one: str, other: str) -> bool:
    """Whether two figures are the same but for one in their last place; what is counted must be the same."""
    if one.isdigit() and other.isdigit():
        return one == other
    was, now = (float(text.split()[0]) for text in (one, other))
    last = max(_last_place(text.split()[0]) for text in (one, other))
    return abs(was - now) <= 1.01 * last


def _last_place(text: str) -> float:
    """What one in the last place is: of whole numbers the second digit, as they are rounded to two."""
    whole, _, decimals = text.partition(".")
    return 10.0 ** -len(decimals) if decimals else 10.0 ** max(0, len(whole.lstrip("-")) - 2)
