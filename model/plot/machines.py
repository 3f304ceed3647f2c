"""Where the money of a machine goes, and of a fleet."""

from typing import TYPE_CHECKING, Any

from steptime.model.errors import UserError
from steptime.model.plot.shapes import Axis, Bars
from steptime.model.text.format import layout_said, plain
from steptime.model.text.machine import NAMES

if TYPE_CHECKING:
    from steptime.model.api.fleet import Fleet
    from steptime.model.api.machine import Designed


def spend(designed: "Designed") -> Bars:
    """The shares of the dollars, and of the watts, that each resource of the machine takes."""
    data = designed.to_dict()
    bars = {"dollars": data["spend_share"], "watts": data["watt_share"]}
    known = {name: shares for name, shares in bars.items() if shares is not None}
    parts = {NAMES[good]: tuple(100 * shares[good] for shares in known.values()) for good in next(iter(known.values()))}
    said = (f"{data['model']} · {plain(data['chips'])} chips at the prices of {data['prices']['name']} · least "
            f"{data['minimise']}, at the ideal bound")  # fmt: skip
    return Bars("spend", "What the money of the best machine buys", said, Axis("share", "%", log=False), tuple(known),
                {name: values for name, values in parts.items() if any(values)}, {})  # fmt: skip


def fleet(found: "Fleet") -> Bars:
    """What the groups of a fleet cost an hour, in practice and at the bound, beside the best single machine; chips
    where a price is not known."""
    data = found.to_dict()
    levels = {"in practice" if data["limits_hold_for"] == "estimate" else "at the bound": data}
    if data["limits_hold_for"] == "estimate":
        levels["at the bound"] = data["bound"]
    if any(one["dollars_per_hour"] is None for one in levels.values()):
        axis, key = Axis("chips", log=False), "chips"
    else:
        axis, key = Axis("cost of an hour", "$", log=False), "dollars_per_hour"
    parts: dict[str, list[float]] = {}
    for place, level in enumerate(levels.values()):
        for group in level["replicas"]:
            amount = group["chips"] * group["count"] if key == "chips" else group[key]
            parts.setdefault(_group(group), [0.0] * len(levels))[place] += amount
    if not parts:
        raise UserError("the fleet has no group: there is nothing to draw")
    first = next(iter(levels.values()))
    single, name = first["best_single"], next(iter(levels))
    limits = {}
    if single is not None and single["dollars_per_hour"] is not None and key == "dollars_per_hour":
        limits = {f"{name} with {single['hardware']} alone": single["dollars_per_hour"]}
    served = ", ".join(f"{one['name']} {plain(one['rate'])}/s" for one in first["classes"])
    goal = data["minimise"] or data["maximise"]
    said = f"{served} · {'least' if data['minimise'] else 'most'} {goal}"
    return Bars("fleet", "What serves the demand", said, axis, tuple(levels),
                {group: tuple(values) for group, values in parts.items()}, limits)  # fmt: skip


def _group(group: dict[str, Any]) -> str:
    layout = layout_said(group["layout"], otherwise="one chip")
    return f"{group['hardware']}, {group['role']}, {layout}"
