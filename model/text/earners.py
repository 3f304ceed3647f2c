"""Who earns by context and price list, as JSON and as a table."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from steptime.model import symbols as q
from steptime.model.catalog.prices import PriceList
from steptime.model.solver.machine.earns import RESOURCES, Earnings
from steptime.model.solver.machine.parts import BASE, LINKS
from steptime.model.text.earns import earnings_json
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import layout_said, plain, si
from steptime.model.text.header import folded, left_out, missing_lines
from steptime.model.text.screen import Screen

Ends = list[float]
Answers = Sequence[Sequence[Earnings]]
NOTHING = 5e-5
"""Elasticities below it are rounding."""
SOLD = {
    "peak_flops": "FLOP/s", "memory_stacks": "memory", "memory_bandwidth": "its bytes/s",
    "memory_capacity": "its bytes", "scale_up_bandwidth": "scale-up links",
    "scale_out_bandwidth": "scale-out links", BASE: "the rest",
}  # fmt: skip
ORDER = ("memory_stacks", "memory_bandwidth", "memory_capacity",
         *(name for name in RESOURCES if not name.startswith("memory")), BASE)  # fmt: skip
"""Memory first, of which bytes and bytes/s are two faces of one price."""


def earners_json(prices: Sequence[PriceList], answers: Answers) -> dict[str, Any]:
    first = earnings_json(answers[0][0])
    every = [[earnings_json(one) for one in row] for row in answers]
    kept = ("model", "hardware", "phase", "layout", "precision", "overlap", "batch_adjusts")
    return {
        **{key: first[key] for key in kept},
        "prices": [_list_json(one, data) for one, data in zip(prices, every[0], strict=True)],
        "columns": [
            {"context": row[0].case.number(row[0].case.phase.varies), "batch": data[0]["batch"],
             "step_time": data[0]["step_time"], "fits": data[0]["fits"]}
            for row, data in zip(answers, every, strict=True)
        ],
        "lines": list(_lines(every)),
        "missing": {**_unpriced(prices, every[0]),
                    **{key: where for row in every for data in row for key, where in data["missing"].items()}},
        "not_modelled": first["not_modelled"],
        "defaults": [text for text in first["defaults"] if not text.startswith(f"{q.batch} ")],
    }  # fmt: skip


def _list_json(one: PriceList, data: dict[str, Any]) -> dict[str, Any]:
    return {"name": one.name, "file": one.origin, "price_basis": one.basis or None,
            "chip_dollars": data["chip_dollars"]}  # fmt: skip


def _lines(every: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Every line that a price list or a chip has, parts after what they are of."""
    found = []
    for name in ORDER:
        of = {one["part"]: one for row in every for data in row for one in data["parts"] if one["of"] == name}
        if name == BASE or any(one["resource"] == name for one in every[0][0]["who_earns"]):
            found.append(_line(every, name, None))
        found += [_line(every, part, name) for part in of]
    return found


def _unpriced(prices: Sequence[PriceList], row: list[dict[str, Any]]) -> dict[str, str]:
    """Links that a price list has no price of, and the key that would give it."""
    return {
        f"share of {SOLD[name]}": f"{one.origin}: [{good}] dollars"
        for one, data in zip(prices, row, strict=True)
        for good, name in LINKS.items()
        if (entry := _entry(data, name, None)) is not None and entry["spend_share"] is None
    }


def _line(every: list[list[dict[str, Any]]], name: str, of: str | None) -> dict[str, Any]:
    shares = [_share(data, name, of) for data in every[0]]
    worths = [next((worth for data in row if (worth := _worth(data, name, of)) is not None), None) for row in every]
    return {"line": name, "of": of, "spend_share": shares, "elasticity": worths}


def _entry(data: dict[str, Any], name: str, of: str | None) -> dict[str, Any] | None:
    key, kind = ("resource", "who_earns") if of is None else ("part", "parts")
    return next((one for one in data[kind] if one[key] == name and (of is None or one["of"] == of)), None)


def _share(data: dict[str, Any], name: str, of: str | None) -> Ends | None:
    """The least and the most of the spend; the middle of what follows from parts."""
    if of is None and name == BASE:
        parts = [one["spend_share"] for one in data["who_earns"] if one["spend_share"] is not None]
        return [1 - sum(parts)] * 2 if parts else None
    entry = _entry(data, name, of)
    share = None if entry is None else entry["spend_share"]
    return share if share is None or isinstance(share, list) else [share, share]


def _worth(data: dict[str, Any], name: str, of: str | None) -> Ends | None:
    entry = _entry(data, name, of)
    found: Ends | None = None if entry is None else entry["elasticity"]
    return found


def earners_table(prices: Sequence[PriceList], answers: Answers) -> Screen:
    data, case = earners_json(prices, answers), answers[0][0].case
    head = Text(f"who earns: {data['model']} on {data['hardware']}, {data['phase']}, by {case.phase.varies.name}",
                style="bold")  # fmt: skip
    how = "the best at each, as memory admits" if data["batch_adjusts"] else "held"
    batches = ", ".join(f"{plain(one['batch'])} ({si(one['step_time'], 's')})" for one in data["columns"])
    lines = [Text(f"batch and step: {batches}; {how}"), Text(f"layout {layout_said(case.layout, ' ', 'one chip')}")]
    marks = [f"[{place}]" for place in range(1, len(prices) + 1)]
    for mark, one in zip(marks, data["prices"], strict=True):
        basis = f", {one['price_basis']}" if one["price_basis"] else ""
        lines.append(Text(f"{mark} {one['name']}{basis}: ${one['chip_dollars']:,.0f} a chip"))
    lengths = [f">{plain(one['context'])}" for one in data["columns"]]
    shown = Fitting(("line", *(f">{mark}" for mark in marks), *lengths), (), lengths[:0:-1], prose=("line",))
    for one in data["lines"]:
        name = SOLD.get(one["line"], one["line"]) if one["of"] is None else f"  {one['line']}"
        name = f"  {name}" if one["line"] in ("memory_bandwidth", "memory_capacity") else name
        shown.add_row(name, *map(_percent, one["spend_share"]), *map(_saves, one["elasticity"]))
    said = ("share of the spend, and of the cost's change with the price of a line. At each "
            f"{case.phase.varies.name}: per cent by which a token is cheaper with one per cent more of a line, to "
            "dearer with one less. Parts stand in series: more of one alone saves nothing")  # fmt: skip
    note = Text(f"{' '.join(marks)}: {said}", style="dim")
    return Screen(head, *lines, Text(), shown, *missing_lines(data["missing"]), note, Text(),
                  folded(data["defaults"], "default", "defaults taken"),
                  *left_out([], data["not_modelled"]))  # fmt: skip


def _percent(ends: Ends | None) -> str:
    if ends is None:
        return "—"
    low, high = (f"{100 * end:.3g}" for end in ends)
    return f"{low}%" if low == high else f"{low}–{high}%"


def _saves(ends: Ends | None) -> str:
    """Both ends as savings, the smaller first."""
    if ends is None:
        return "—"
    low, high = (f"{-end if abs(end) > NOTHING else 0.0:.2g}" for end in reversed(ends))
    return low if low == high else f"{low}–{high}"
