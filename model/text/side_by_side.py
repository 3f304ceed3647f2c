"""Steps one beside the other, as a table and as CSV."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from steptime.model import symbols as q
from steptime.model.catalog.bases import compared
from steptime.model.choices import Overlap
from steptime.model.step.case import Case
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import counted, layout_said, money, plain, si
from steptime.model.text.header import missing_lines
from steptime.model.text.run import run_of
from steptime.model.text.screen import Fold, Screen, unfolded
from steptime.model.text.step_json import step_json
from steptime.model.text.step_table import step_table

COLUMNS = ("on", ">bound", ">about", "binds", ">tokens/s", ">$/M", ">W", "fits", ">most")
WHOLE = (">days", ">$ in all", ">request")
"""Columns of what the step is a part of, where its tokens were said: a run of training, the request of a prefill."""
DROPPED = (">W", "binds", ">bound")
"""Columns that a narrow terminal has no room for, the first to go first."""
WRITTEN = (
    "model", "hardware", "phase", "layout", "weights", "kv", "activations", "step_time", "estimate", "bottleneck",
    "tokens_per_second", "tokens_per_second_per_sequence", "dollars_per_million_tokens", "price_basis", "watts",
    "fits", "largest_concurrency",
)  # fmt: skip
"""Columns of the CSV, in base units; rates and dollars are at the bound."""
RUN, REQUEST = ("tokens", "days", "dollars"), ("output", "request_time")
"""Those of a run of training and of the request of a prefill, at the bound too, where their tokens were said."""


def side_by_side_table(cases: Sequence[Case]) -> Screen:
    """A row a step: bound and estimate, what binds, rate, cost, power, and how many sequences there is room for."""
    every = [step_json(case) for case in cases]
    first, formats = every[0], _formats_that_differ(every)
    practice = all(data["estimate"] for data in every)
    rows = [_row(case, data, formats, practice) for case, data in zip(cases, every, strict=True)]
    varies = cases[0].phase.varies.name
    head = f"{first['model']} · {first['phase']} · batch {plain(first['batch'])} · {varies} {plain(first[varies])}"
    whose = "in practice" if practice else Overlap(first["overlap"]).said
    columns = ("on", *COLUMNS[1:]) if practice else tuple(name for name in COLUMNS if name != ">about")
    serves = any("largest_concurrency" in data for data in every)
    columns = columns if serves else tuple(name for name in columns if name != ">most")
    columns += tuple(name for name in WHOLE if any(row[name] for row in rows))
    cells = [[row[name] for name in columns] for row in rows]
    details = [part for case in cases for part in (*unfolded(step_table(case)).renderables, Text())]
    return Screen(
        Text(head, style="bold"),
        Text(f"tokens/s and $/M (a million tokens) {whose}" + ("; most: sequences with room" if serves else ""),
             style="dim"),
        Text(),
        Fitting(columns, cells, DROPPED, prose=("on",)),
        Text(),
        *_verdict(every, practice),
        *_kinds(cases, every),
        *_missing(every),
        Fold((Text(), *details), f"{counted(len(every), 'step')} in full"),
    )  # fmt: skip


def _row(case: Case, data: dict[str, Any], formats: Sequence[str], practice: bool) -> dict[str, str]:
    rates = data["estimate"] if practice else data
    return {
        "on": _named(data, formats, ","),
        ">bound": si(data["step_time"], "s", 3),
        ">about": si(data["estimate"]["step_time"], "s", 3) if practice else "—",
        "binds": data["bottleneck"] or "—",
        ">tokens/s": plain(rates["tokens_per_second"]),
        ">$/M": money(rates["dollars_per_million_tokens"]),
        ">W": si(watts(case), "W", 3),
        "fits": {True: "yes", False: "NO", None: "—"}[data["fits"]],
        ">most": plain(data.get("largest_concurrency")),
        **_whole(data, practice),
    }


def _whole(data: dict[str, Any], practice: bool) -> dict[str, str]:
    """A run's days and dollars, and seconds of a request, which is at the bound; nothing where no tokens were said."""
    run = (data["estimate"] if practice else data.get("training")) or {}
    request = data["request"]["time"] if "request" in data else None
    has_run = run.get("tokens") is not None
    return {">days": plain(run["days"]) if has_run else "",
            ">$ in all": money(run["dollars"]) if has_run else "",
            ">request": "" if request is None else f"≥ {si(request, 's', 3)}"}  # fmt: skip


def watts(case: Case) -> float | None:
    """What all chips draw at their rated power, or under a cap."""
    return case.number(case.counted_power * q.chips)


def _formats_that_differ(every: Sequence[dict[str, Any]]) -> list[str]:
    """Formats of which the steps have more than one."""
    return [name for name in every[0]["precision"] if len({data["precision"][name] for data in every}) > 1]


def _verdict(every: Sequence[dict[str, Any]], practice: bool) -> list[Text]:
    """Which is the fastest, and which the cheapest, of those that fit."""
    there = [data for data in every if data["fits"] is not False and data["step_time"] is not None]
    if len(there) < 2:
        return []

    def of(data: dict[str, Any], key: str) -> float | None:
        value: float | None = (data["estimate"] if practice else data)[key]
        return value

    formats = _formats_that_differ(every)
    fastest = min(there, key=lambda data: of(data, "step_time") or 0.0)
    lines = [f"fastest: {_named(fastest, formats)}, {si(of(fastest, 'step_time'), 's', 3)} a step"]
    priced = [data for data in there if of(data, "dollars_per_million_tokens") is not None]
    if len(priced) == len(there):
        cheapest = min(priced, key=lambda data: of(data, "dollars_per_million_tokens") or 0.0)
        lines.append(f"cheapest: {_named(cheapest, formats)}, {money(of(cheapest, 'dollars_per_million_tokens'))} "
                     "per million tokens at this batch")  # fmt: skip
    return [Text(line, style="bold") for line in lines]


def _named(data: dict[str, Any], formats: Sequence[str], between: str = " ") -> str:
    """One of the steps by its machine, what formats tell it from the others, and its layout."""
    degrees = ",".join(f"{name}={value}" for name, value in data["layout"].items() if isinstance(value, int))
    shown = dict.fromkeys(data["precision"][name] for name in formats)
    return " ".join([data["hardware"], *shown, layout_said(degrees, between, "one chip")])


def _kinds(cases: Sequence[Case], every: Sequence[dict[str, Any]]) -> list[Text]:
    """What kind of dollars they are, and of which markets; that they do not compare where they are of several kinds."""
    kinds = {data["hardware"]: data["price_basis"] for data in every if data["price_basis"] is not None}
    own = not any(q.chip_hour_price in case.inputs.given for case in cases)
    return [Text(line) for line in compared([*kinds.items()], [case.hardware for case in cases] if own else ())]


def _missing(every: Sequence[dict[str, Any]]) -> list[Text]:
    """What has no figure, each place once."""
    return missing_lines({key: where for data in every for key, where in data["missing"].items()})


def side_by_side_csv(cases: Sequence[Case]) -> str:
    """The rows in base units, with a line of headings."""
    out = io.StringIO()
    every = [step_json(case, []) for case in cases]
    whole: list[tuple[str, tuple[str, ...]]] = [("training", RUN)] * any(
        run_of(case)["tokens"] is not None for case in cases
    )
    whole += [("request", REQUEST)] * any("request" in data for data in every)
    columns = (*WRITTEN, *(name for _, names in whole for name in names))
    written = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    written.writeheader()
    for case, data in zip(cases, every, strict=True):
        for key, names in whole:
            data |= dict(zip(names, (data[key][name.removeprefix("request_")] for name in names), strict=True))
        estimate = None if data["estimate"] is None else data["estimate"]["step_time"]
        written.writerow({**data, **data["precision"], "layout": str(case.layout), "estimate": estimate,
                          "watts": watts(case)})  # fmt: skip
    return out.getvalue()
