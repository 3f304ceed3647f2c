"""Who earns, as JSON and as a table."""

from collections.abc import Callable
from typing import Any

from rich.text import Text

from steptime.model import symbols as q
from steptime.model.catalog.parts import Spread as Ends
from steptime.model.quantity import lookup
from steptime.model.solver.machine.earns import RESOURCES, Earnings, Worth
from steptime.model.solver.machine.parts import BASE
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import in_unit, layout_said, money, plain, si
from steptime.model.text.header import folded, header_json, left_out, missing_lines
from steptime.model.text.practice import run_line
from steptime.model.text.ranges import spread_json, spread_lines
from steptime.model.text.run import run_json
from steptime.model.text.screen import Screen


def earnings_json(found: Earnings, spread: Spread | None = None) -> dict[str, Any]:
    case = found.case
    there = case.scenario if found.best is None or found.best.solution is None else (
        case.relaxed.scenario | {q.batch: found.best.solution.value}
    )  # fmt: skip
    return {
        **header_json(case),
        "defaults": _defaults(found),
        "batch": there.value(q.batch),
        "batch_adjusts": found.best is not None,
        "step_time": there.evaluate(q.step_time),
        "fits": case.fits if found.best is None else True,
        **run_json(case, there.value(q.batch)),
        "chip_dollars": found.chip,
        "chip_dollars_from": None if found.chip is None else found.chip_from,
        "who_earns": [
            {
                "resource": one.name,
                "amount": one.amount,
                "elasticity": [-one.earns[1], -one.earns[0]],
                "unique": one.unique,
                "dollars_per_unit": None if one.value is None else list(one.value),
                "unit_price": one.price,
                "spend_share": found.spend_share.get(one.name),
            }
            for one in found.worths
        ],
        "parts": [
            {
                "part": one.name,
                "of": one.of,
                "dollars": list(one.dollars),
                "spend_share": list(one.share),
                "elasticity": None if one.earns is None else [-one.earns[1], -one.earns[0]],
            }
            for one in found.parts
        ],
        "missing": _missing(found),
        **spread_json(spread),
    }


def _missing(found: Earnings) -> dict[str, str]:
    """What has no number, and what would give it."""
    lacking = {f"elasticity of {one.name}": one.lacking for one in found.parts if one.lacking}
    return lacking if found.chip is not None else {"chip_dollars": found.chip_from}


def _defaults(found: Earnings) -> list[str]:
    return [str(one) for one in found.case.defaults if found.best is None or one.quantity != q.batch.name]


def earnings_table(found: Earnings, spread: Spread | None = None) -> Screen:
    data, case = earnings_json(found, spread), found.case
    ranges = spread_lines(data, {f"{name} earns": "%" for name in RESOURCES}, "earns most")
    how = "the best for each machine, as memory admits" if data["batch_adjusts"] else "held"
    head = Text(f"who earns: {data['model']} on {data['hardware']}, {data['phase']}, "
                f"{case.phase.varies.name} {plain(case.number(case.phase.varies))}", style="bold")  # fmt: skip
    lines = [Text(f"batch {plain(data['batch'])} ({how})   step time {si(data['step_time'], 's')}")]
    lines += [Text(line) for line in run_line(case, data["batch"])]
    if found.best is None and case.fits is False:
        lines.append(Text("at this batch the fullest chip has no room: it DOES NOT FIT in memory", style="bold"))
    if found.chip is not None:
        lines.append(Text(f"the chip: {money(found.chip)}, {found.chip_from}"))
    else:
        lines.append(Text(f"no dollars: {found.chip_from}"))
    listed = bool(found.spend_share)
    heads = (">costs a unit", ">of the spend") if listed else ()
    columns = ("resource", ">the chip has", ">1 % more saves", ">worth a unit", *heads)
    shown = Fitting(columns, (), DROPPED_BESIDE_PARTS if found.parts else DROPPED)
    for one in found.worths:
        cells = [one.name, _amount(one), _interval([f"{end:.3g}" for end in one.earns], one) + " %"]
        cells.append("—" if one.value is None else _interval([_dollars(end, one) for end in one.value], one))
        if listed:
            cells.append("—" if one.price is None else _dollars(one.price, one))
            share = found.spend_share.get(one.name)
            cells.append("—" if share is None else f"{share:.1%}")
        shown.add_row(*cells)
        _add_parts(shown, found, one.name, listed)
    if any(one.of == BASE for one in found.parts):
        shown.add_row("the rest", "", "", "", "", f"{found.spend_share[BASE]:.1%}")
        _add_parts(shown, found, BASE, listed)
    lines += missing_lines(data["missing"]) if found.chip is not None else []
    note = Text("Saves: of a token's cost; worth a unit: so much of the chip's dollars. An interval is between a "
                "little more and a little less. Stacks bring bytes and bytes/s at once; parts stand in series: "
                "more of one alone brings nothing", style="dim")  # fmt: skip
    held = [folded(data["defaults"], "default", "defaults taken"), *left_out([], data["not_modelled"])]
    layout = Text(f"layout {layout_said(case.layout, ' ', 'one chip')}")
    return Screen(head, *lines, layout, Text(), shown, note, Text(), *ranges, *held)


def _add_parts(shown: Fitting, found: Earnings, of: str, listed: bool) -> None:
    """Rows of the parts of one resource: what each costs and takes of the spend, and what it holds up."""
    for one in found.parts:
        if one.of == of and listed:
            saves = "" if one.earns is None else f"{one.earns[0]:.3g} to {one.earns[1]:.3g} %"
            saves = f"{one.earns[1]:.3g} %" if one.earns is not None and one.earns[1] == one.earns[0] else saves
            shown.add_row(f"  {one.name}", "", saves, "", _span(one.dollars, money), _span(one.share, "{:.1%}".format))


def _span(ends: Ends, write: Callable[[float], str]) -> str:
    """One figure, or the least and the most."""
    low, high = map(write, ends)
    return low if low == high else f"{low} to {high}"


DROPPED = (">of the spend", ">costs a unit", ">the chip has")
DROPPED_BESIDE_PARTS = (">worth a unit", ">the chip has", ">costs a unit")
"""Columns that a narrow terminal has no room for, the first to go first."""
_SCALES = {"peak_flops": (1e12, "TFLOP/s"), "memory_stacks": (1.0, "stack"), "memory_capacity": (1e9, "GB")}


def _amount(one: Worth) -> str:
    if one.name == "memory_stacks":
        return "all of it" if one.amount == 1 else plain(one.amount)
    return in_unit(one.amount, lookup(one.name).unit)


def _dollars(value: float, one: Worth) -> str:
    """Dollars for as much as people speak of: a TFLOP/s, a GB/s, a GB, a stack."""
    scale, unit = _SCALES.get(one.name, (1e9, "GB/s"))
    if one.name == "memory_stacks" and one.amount == 1:
        unit = "all of it"
    return f"{money(value * scale)}/{unit}"


def _interval(ends: list[str], one: Worth) -> str:
    return ends[1] if one.unique else f"{ends[0]} to {ends[1]}"
