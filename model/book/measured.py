"""Published measurements as the book cites them: what was measured, the bound, and the estimate."""

from collections.abc import Iterable, Mapping
from functools import cache

from steptime.derivations.printed.export import escape
from steptime.model.api.measured import Validated, validate
from steptime.model.errors import unknown
from steptime.model.solver.measured.judged import Judged
from steptime.model.text.format import si

DIGITS = 3


@cache
def truth() -> Validated:
    """Every measurement of the catalogue, judged."""
    return validate()


@cache
def _by_id() -> Mapping[str, Judged]:
    return {one.row.id: one for one in truth().judged}


def measured(ids: Iterable[str]) -> str:
    """One line a row: whose time it is, as measured, at the bound, and in practice."""
    return "; ".join(_said(name) for name in ids) + "."


def _said(name: str) -> str:
    if name not in (known := _by_id()):
        raise unknown("measured row", name, list(known))
    one = known[name]
    row = one.row
    practice = None if one.practice is None else one.practice.seconds
    batch = row.numbers.get("batch")
    many = f" with {batch:,.0f} sequence{'s' * (batch != 1)}" if batch else ""
    phase = row.phase.replace("_", "-")
    whose = f" of {row.model}" if row.model else ""
    return (f"{escape(f'{phase}{whose} on {row.chips:,.0f} {row.hardware}{many}')}: "
            f"{_time(one.measured)} measured, {_time(one.ideal)} at the bound, "
            rf"{_time(practice)} in practice (\texttt{{{escape(name)}}})")  # fmt: skip


def _time(seconds: float | None) -> str:
    """A time as LaTeX: its prefix is a letter of mathematics where it is Greek."""
    return escape(si(seconds, "s", DIGITS))
