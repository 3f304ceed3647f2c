"""Measured rows one by one: their status, their terms, and a table or a CSV of them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from steptime.model.solver.measured.judged import USUAL, Judged, summary
from steptime.model.step.case import TERMS
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import si


def status(one: Judged) -> str:
    """``ok``, or why a row is not modelled and where it stands."""
    return f"not modelled: {one.why}, line {one.row.line}" if one.why else "ok"


def first_token_json(one: Judged) -> dict[str, float | None] | None:
    """Seconds to the first token: measured, of an unloaded prefill at the bound and by the estimate, what is left."""
    return None if one.first_token is None else {**asdict(one.first_token), "queue": one.first_token.queue}


def energy_json(one: Judged) -> dict[str, float | None] | None:
    """Joules per output token on each basis, and watts of a chip."""
    return None if one.energy is None else asdict(one.energy)


def practice_json(one: Judged) -> dict[str, Any]:
    """The estimate in seconds with its band and its error; and what drafts imply."""
    found, drafts = one.practice, one.drafts
    return {
        "calibrated": None if found is None else found.seconds,
        "band": None if found is None else {"low": found.low, "high": found.high, "family": found.family},
        "error": one.error,
        "drafts": None if drafts is None else asdict(drafts),
    }


def share(value: float | None) -> str:
    """A share in per cent, or a dash where there is none; an absurd one as that, for the width of tables."""
    return "—" if value is None else ">999%" if value >= 10 else f"{value:.0%}"


def ratio(value: Any) -> str:
    """A ratio in three digits, one that is absurd in one; a dash where there is none."""
    if value is None:
        return "—"
    return f"{value:.3g}" if value == 0 or 1e-9 < value < 1e3 else f"{value:.0e}"


def rows_table(judged: Sequence[Judged]) -> Fitting:
    """Every row with the seconds of its terms; its layout stands in the CSV and in the JSON."""
    terms = [f">{name}" for name in TERMS]
    made = Fitting(("id", ">measured", ">ideal", ">ratio", ">estimate", *terms), (), terms[::-1])
    for one in judged:
        times = (one.times.get(name) for name in TERMS)
        estimate = None if one.practice is None else one.practice.seconds
        made.add_row(one.row.id, si(one.measured, "s"), si(one.ideal, "s"), ratio(one.ratio), si(estimate, "s"),
                     *(si(time, "s") for time in times))  # fmt: skip
    return made


def rows_csv(judged: Sequence[Judged]) -> str:
    """Every row as CSV in seconds: what was measured, the ideal and its terms; an empty cell where there is none."""
    names = ("id", "phase", "model", "hardware", "stack", "source", "measured", "ideal", "ratio", "calibrated",
             "low", "high", "error", "bottleneck", *TERMS, "in_flight", "share_of_peak", "ttft", "ttft_ideal",
             "ttft_estimate", "kv", "layout", "status", "implausible")  # fmt: skip
    lines = []
    for one in judged:
        row, first, found = one.row, one.first_token, one.practice
        lines.append((
            row.id, row.kind, row.model, row.hardware, row.stack, row.source_family, one.measured, one.ideal, one.ratio,
            found and found.seconds, found and found.low, found and found.high, one.error, one.bottleneck,
            *(one.times.get(name) for name in TERMS), one.in_flight, one.of_peak,
            first and first.measured, first and first.ideal, first and first.practice, one.cache, one.layout,
            status(one), one.implausible,
        ))  # fmt: skip
    return as_csv(names, lines)


def groups_csv(judged: Sequence[Judged], by: Sequence[str] = USUAL) -> str:
    """Every group as CSV."""
    found = summary(judged, by)
    keys = list(next(iter(found.values()), {}))
    return as_csv((" ".join(by), *keys), [(name, *values.values()) for name, values in found.items()])


def as_csv(names: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    """Lines as CSV with a heading; an empty cell where there is nothing."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(["" if cell is None else repr(cell) if isinstance(cell, float) else _plain(cell) for cell in line]
                     for line in lines)  # fmt: skip
    return out.getvalue()


def _plain(cell: Any) -> str:
    """A cell that no spreadsheet takes for a formula: names come from whoever wrote the file."""
    text = str(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
