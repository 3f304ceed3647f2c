"""Measurements against the ideal, as JSON and as tables of groups."""

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.text import Text

from steptime.model.catalog.measurement import family_of
from steptime.model.choices import PhaseName
from steptime.model.solver.measured.judged import MOST_OF_PEAK, UNSTATED, USUAL, Judged, groups, summary
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import counted, si
from steptime.model.text.measured_rows import (
    energy_json,
    first_token_json,
    practice_json,
    ratio,
    rows_table,
    share,
    status,
)  # fmt: skip
from steptime.model.text.screen import Fold, Screen
from steptime.model.text.sources import written_out

SHOWN = 8
JOINED = " · "


def validate_json(judged: Sequence[Judged], by: Sequence[str] = USUAL, of_fit: bool = False) -> dict[str, Any]:
    """``of_fit``: the rows are those from which the fit took its own."""
    return {
        "rows": [
            {
                "id": one.row.id, "measured": one.measured, "ideal": one.ideal, "ratio": one.ratio,
                **practice_json(one), "in_fit": of_fit and one.is_fitted,
                "bottleneck": one.bottleneck, "layout": one.layout, "in_flight": one.in_flight,
                "status": status(one), "line": one.row.line, "terms": dict(one.times), "kv": one.cache,
                "implausible": one.implausible or None, "share_of_peak": one.of_peak,
                "first_token": first_token_json(one), "energy": energy_json(one),
                "source": one.row.source_family, "licence": one.row.licence, "stack": one.row.stack or None,
            }
            for one in judged
        ],
        "beats_ideal": [one.row.id for one in judged if one.beats_ideal],
        "implausible": [one.row.id for one in judged if one.implausible],
        "by": list(by),
        "summary": summary(judged, by),
    }  # fmt: skip


def validate_table(
    judged: Sequence[Judged], rows: bool, by: Sequence[str] = USUAL, of_fit: bool = False, shipped: bool = True
) -> Screen:
    """``of_fit``: the rows are those of the fit; ``shipped``: its coefficients are the package's own."""
    modelled = [one for one in judged if not one.why]
    head = Text(f"{len(modelled)} of {counted(len(judged), 'row')} modelled; ideal/measured is the share of "
                "physics' best reached", style="bold")  # fmt: skip
    lines: list[Any] = [head, Text()]
    if any(one.in_flight for one in judged):
        lines[1:1] = [Text("riding: the same with the prefills of a server riding along evenly, no bound")]
    if any(one.practice for one in judged):
        whose = f"of the {'shipped fit' if shipped else 'given file'} on these rows"
        whose, more = (_of_fit(judged), "; `steptime calibrate` has those of rows left out") if of_fit else (whose, "")
        lines[-1:-1] = [
            Text(
                "estimate: over measured, median; its error |estimate/measured - 1|, median and nine in ten; "
                f"rows in its band. Errors {whose}{more}"
            )
        ]
    lines += [groups_table(judged, by, of_fit), Text(), *_beating(judged)]
    lines += [_folded(_implausible(judged), sum(bool(one.implausible) for one in judged), "implausible row"),
              _folded(_not_modelled(judged), sum(bool(one.why) for one in judged), "row that is not modelled",
                      "rows that are not modelled")]  # fmt: skip
    if any(one.first_token for one in judged):
        said = ("time to the first token: measured, that of an unloaded prefill at the bound and by the estimate, and "
                "the rest, which is waiting; medians")  # fmt: skip
        lines += [Text(), Text(said), first_tokens(judged, by)]
    if any(one.drafts for one in judged):
        said = (
            "drafts checked: tokens of a pass and acceptance that the time per token implies, if the pass takes what "
            "the estimate says; what drafting takes is not counted"
        )
        lines += [Text(), Text(said), drafted(judged)]
    if any(one.energy for one in judged):
        lines += [Text(), Text("joules per output token: measured at the chips, at their rated power and at that of "
                               "the whole system for the measured time, at the rated power for the ideal time"),
                  energies(judged)]  # fmt: skip
    if rows:
        lines += [Text(), rows_table(judged)]
    if named := written_out(_named(judged, rows or "source" in by)):
        lines += [Text(), *named]
    return Screen(*lines)


def _named(judged: Sequence[Judged], every: bool) -> list[str]:
    """Short names of sources that an answer shows: ``every`` one, or those of rows that are shown one by one."""
    return [family_of(one.row.id) for one in judged if every or one.drafts or one.energy or one.beats_ideal]


DROPPED = (">riding", ">largest", ">least", ">p90", "stack")
"""Columns that a narrow terminal has no room for, the first to go first."""
MARK = "*"
"""After the name of a group with estimates of rows that were in no fit."""


def _folded(lines: Sequence[Text], number: int, one: str, several: str = "") -> Fold:
    """Lines on so many rows, folded away."""
    return Fold(tuple(lines), counted(number, one, several) if number else "")


def _of_fit(judged: Sequence[Judged]) -> str:
    """Which rows were in the fit whose errors are stated, and which of those that are shown were in none."""
    others = [one for one in judged if one.practice is not None and not one.is_fitted]
    if not others:
        return "of rows in the fit"
    kinds = {"request": "whole requests", PhaseName.PREFILL: "prefills"}
    named = dict.fromkeys(kinds.get(one.row.scope) or kinds.get(one.row.phase) or "implausible ones" for one in others)
    return f"of rows in the fit, but for {counted(len(others), 'row')} that are in none ({', '.join(named)}; {MARK})"


def groups_table(judged: Sequence[Judged], by: Sequence[str], of_fit: bool = False) -> Fitting:
    """A line for each group: ideal/measured, ``riding`` with prefills riding along, where rows are of serving; and the
    estimate over what was measured, its errors, and the share of rows inside its band."""
    made = _grouped(by, ">modelled", ">median", ">least", ">largest", ">riding", ">estimate", ">error", ">p90", ">band")
    for names, members in groups(judged, by).items():
        (found,) = summary(members, by).values()
        shown = (found[key] for key in ("median", "least", "largest", "median_in_flight", "estimated_over_measured"))
        errors = (share(found[key]) for key in ("median_error", "p90_error"))
        inside = share((found["in_band"] or 0) / found["estimated"] if found["estimated"] else None)
        unfitted = of_fit and any(one.practice is not None and not one.is_fitted for one in members)
        name = _name(names) + f" {MARK}" * unfitted
        made.add_row(name, f"{found['modelled']} of {found['rows']}", *map(ratio, shown), *errors, inside)
    return made


def _name(names: Sequence[str]) -> str:
    """A group in one text, without what it does not state at the end."""
    kept = list(names)
    while len(kept) > 1 and kept[-1] == UNSTATED:
        kept.pop()
    return JOINED.join(kept)


def _grouped(by: Sequence[str], *columns: str) -> Fitting:
    """An empty table of groups, whose names may take two lines."""
    name = JOINED.join(by)
    return Fitting((name, *columns), (), DROPPED, (), (name,))


def _beating(judged: Sequence[Judged]) -> list[Text]:
    """Rows faster than the ideal."""
    beating = [one for one in judged if one.beats_ideal]
    if not beating:
        return [Text("no row is faster than the ideal")]
    return [Text("faster than the ideal, so that a term is wrong or a figure is:", style="bold"),
            *(Text(f"  {one.row.id}: measured {si(one.measured, 's')}, ideal {si(one.ideal, 's')} ({one.bottleneck})")
              for one in beating)]  # fmt: skip


def _implausible(judged: Sequence[Judged]) -> list[Text]:
    """Rows that imply more than serving can reach: modelled, and no measure of a model's error."""
    found = [one for one in judged if one.implausible]
    if not found:
        return []
    head = Text(f"implausible: computing every prompt in the time that decode leaves would take more than "
                f"{MOST_OF_PEAK:.0%} of the peak; prefixes were cached, likely:")  # fmt: skip
    return [head, Text("  " + ", ".join(f"{one.row.id} {one.of_peak or 0:.0%}" for one in found))]


def _not_modelled(judged: Sequence[Judged]) -> list[Text]:
    """Why rows are not modelled, those of one reason together."""
    reasons: dict[tuple[str, str], list[int]] = {}
    for one in judged:
        if one.why:
            reasons.setdefault((f"{one.row.family} {one.row.kind}", one.why), []).append(one.row.line)
    return [Text(f"not modelled: {name}: {counted(len(places), 'row')}: {why}, {_lines(places)}")
            for (name, why), places in reasons.items()]  # fmt: skip


def first_tokens(judged: Sequence[Judged], by: Sequence[str]) -> Fitting:
    """A line for each group that states its time to the first token."""
    made = _grouped(by, ">rows", ">measured", ">bound", ">estimate", ">waiting", ">of it")
    for names, members in groups([one for one in judged if one.first_token], by).items():
        found = [one.first_token for one in members if one.first_token]
        made.add_row(_name(names), str(len(found)), *(si(median(values), "s") for values in (
            [one.measured for one in found], [one.ideal for one in found], [one.unloaded for one in found],
            [one.queue for one in found])), share(median(one.queue / one.measured for one in found)))  # fmt: skip
    return made


def drafted(judged: Sequence[Judged]) -> Fitting:
    """A line for each row that checked drafts."""
    made = _grouped(("id",), "stack", ">sequences", ">drafts", ">tokens a pass", ">acceptance")
    for one in judged:
        if (found := one.drafts) is not None:
            implied = f"none: more than {found.most:g}" if found.tokens > found.most else "none: less than 1"
            chance = implied if found.acceptance is None else f"{found.acceptance:.2f}"
            made.add_row(one.row.id, one.row.stack, f"{one.row.number('batch') or 0:g}", f"{found.drafts:g}",
                         f"{found.tokens:.2f}" if math.isfinite(found.tokens) else "none", chance)  # fmt: skip
    return made


def energies(judged: Sequence[Judged]) -> Fitting:
    """A line for each row that states its energy."""
    made = _grouped(("id",), ">W a chip", ">of rated", ">measured", ">chips", ">system", ">ideal")
    for one in judged:
        if (energy := one.energy) is not None:
            share = energy.watts / energy.rated if energy.watts and energy.rated else None
            joules = (energy.measured, energy.chips, energy.all_in, energy.ideal)
            made.add_row(one.row.id, "—" if energy.watts is None else f"{energy.watts:.0f}", ratio(share),
                         *("—" if value is None else f"{value:.3g} J" for value in joules))  # fmt: skip
    return made


def _lines(places: list[int]) -> str:
    """Where rows stand, the first few of many."""
    shown = ", ".join(map(str, places[:SHOWN])) + (", …" if len(places) > SHOWN else "")
    return f"line{'s' if len(places) > 1 else ''} {shown}"
