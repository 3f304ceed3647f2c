"""Measurements against the ideal, as JSON and as tables."""

from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model.solver.measured.judged import Judged, summary
from steptime.model.text.format import si, table

SHOWN = 8


def validate_json(judged: list[Judged]) -> dict[str, Any]:
    return {
        "rows": [
            {
                "id": one.row.id, "measured": one.measured, "ideal": one.ideal, "calibrated": None, "ratio": one.ratio,
                "bottleneck": one.bottleneck, "layout": one.layout, "in_flight": one.in_flight,
                "status": f"not modelled: {one.why}, line {one.row.line}" if one.why else "ok", "line": one.row.line,
            }
            for one in judged
        ],
        "beats_ideal": [one.row.id for one in judged if one.beats_ideal],
        "summary": summary(judged),
    }  # fmt: skip


def validate_table(judged: list[Judged], rows: bool) -> Group:
    modelled = [one for one in judged if not one.why]
    head = Text(f"{len(modelled)} of {len(judged)} rows modelled; ideal/measured is the share of physics' best reached",
                style="bold")  # fmt: skip
    families = table("family and phase", ">rows", ">modelled", ">median ideal/measured", ">least", ">largest",
                     ">with prefills riding along")  # fmt: skip
    shown = ("median", "least", "largest", "median_in_flight")
    for name, found in summary(judged).items():
        families.add_row(name, str(found["rows"]), str(found["modelled"]),
                         *(_ratio(found[key]) for key in shown))  # fmt: skip
    lines: list[Any] = [Text(), families, Text()]
    beating = [one for one in judged if one.beats_ideal]
    if beating:
        lines.append(Text("faster than the ideal, so that a term is wrong or a figure is:", style="bold"))
        lines += [Text(f"  {one.row.id}: measured {si(one.measured, 's')}, ideal {si(one.ideal, 's')} "
                       f"({one.bottleneck})") for one in beating]  # fmt: skip
    else:
        lines.append(Text("no row is faster than the ideal"))
    reasons: dict[tuple[str, str], list[int]] = {}
    for one in (one for one in judged if one.why):
        reasons.setdefault((f"{one.row.family} {one.row.phase}", one.why), []).append(one.row.line)
    lines += [Text(f"not modelled: {name}: {len(places)} rows: {why}, {_lines(places)}")
              for (name, why), places in reasons.items()]  # fmt: skip
    if rows:
        lines += [Text(), _rows(judged)]
    return Group(head, *lines)


def _rows(judged: list[Judged]) -> Any:
    made = table("id", ">measured", ">ideal", ">ratio", "binds", "layout")
    for one in judged:
        made.add_row(one.row.id, si(one.measured, "s"), si(one.ideal, "s"), _ratio(one.ratio), one.bottleneck or "—",
                     one.layout or one.why)  # fmt: skip
    return made


def _lines(places: list[int]) -> str:
    """Where rows stand, the first few of many."""
    shown = ", ".join(map(str, places[:SHOWN])) + (", …" if len(places) > SHOWN else "")
    return f"line{'s' if len(places) > 1 else ''} {shown}"


def _ratio(value: Any) -> str:
    return "—" if value is None else f"{value:.3g}"
