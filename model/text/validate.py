"""Measurements against the ideal, as JSON and as tables."""

from collections import Counter
from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model.solver.measured.validate import Judged, summary
from steptime.model.text.format import si, table


def validate_json(judged: list[Judged]) -> dict[str, Any]:
    return {
        "rows": [
            {
                "id": one.row.id, "measured": one.measured, "ideal": one.ideal, "calibrated": None, "ratio": one.ratio,
                "bottleneck": one.bottleneck, "layout": one.layout, "in_flight": one.in_flight,
                "status": f"not modelled: {one.why}" if one.why else "ok",
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
    reasons = Counter((f"{one.row.family} {one.row.phase}", one.why) for one in judged if one.why)
    lines += [Text(f"not modelled: {name}: {number} rows: {why}") for (name, why), number in reasons.items()]
    if rows:
        lines += [Text(), _rows(judged)]
    return Group(head, *lines)


def _rows(judged: list[Judged]) -> Any:
    made = table("id", ">measured", ">ideal", ">ratio", "binds", "layout")
    for one in judged:
        made.add_row(one.row.id, si(one.measured, "s"), si(one.ideal, "s"), _ratio(one.ratio), one.bottleneck or "—",
                     one.layout or one.why)  # fmt: skip
    return made


def _ratio(value: Any) -> str:
    return "—" if value is None else f"{value:.3g}"
