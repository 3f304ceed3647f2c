"""A fleet as tables: what to have, how long each class waits, what limits are worth, why others lost."""

import csv
import io

from rich.console import Group
from rich.text import Text

from steptime.model.layout.layout import Layout
from steptime.model.solver.fleet.demand import HOUR, Goal
from steptime.model.solver.fleet.limits import BUDGET, CHIPS, POWER, STOCK
from steptime.model.solver.fleet.prices import Price
from steptime.model.solver.fleet.solve import Answer, Level
from steptime.model.text.format import plain, si, table
from steptime.model.text.fleet_json import fleet_json

SAME = 1e-6
"""Slopes that differ by less, relative, are one price."""


def fleet_table(answer: Answer) -> Group:
    best, demand = answer.best, answer.demand
    names = ", ".join(one.name for one in demand.classes[:6]) + (" …" if len(demand.classes) > 6 else "")
    goal = "most tokens" if demand.goal == Goal.TOKENS else f"least {demand.goal}"
    where = "at the ideal bound" if answer.practice is None else "in practice"
    lines = [Text(f"fleet for {names}: {goal}", style="bold"), Text(f"{_total(best)} {where}", style="bold")]
    if answer.practice is not None:
        lines.append(Text(f"at the ideal bound {_total(answer.bound)}"))
    if best.fleet.gap > SAME:
        lines.append(Text(f"no fleet of these groups costs more than {100 * best.fleet.gap:.2g} % less"))
    parts = [*lines, Text(), _groups(best), Text(), _classes(best)]
    worth = _worth(best)
    parts += [Text(), *worth] if worth else []
    parts += [Text(), *_others(best)]
    parts += [Text(notice, style="dim") for notice in demand.notices]
    return Group(*parts)


def _total(level: Level) -> str:
    said = [] if level.dollars_per_hour is None else [f"${level.dollars_per_hour:,.2f} an hour"]
    said.append(f"{level.chips:,} chips")
    said += [] if level.watts is None else [si(level.watts, "W")]
    said.append(f"{plain(level.tokens_per_second)} tokens/s")
    return " · ".join(said)


def degrees(layout: Layout) -> str:
    """The degrees of a layout that are not one.

    >>> degrees(Layout(tp=8, ep=16)), degrees(Layout())
    ('tp=8 ep=16', 'one chip')
    """
    said = [part for part in str(layout).split(",") if not part.endswith("=1")]
    return " ".join(said) or "one chip"


def _groups(level: Level) -> Group:
    shown = table(">groups", "hardware", "role", "layout", ">batch", ">full", ">$/h")
    for group in sorted(level.groups, key=lambda one: -one.dollars):
        column, rented = group.column, group.most - group.owned
        count = plain(group.owned) + (f" +{rented}" if rented else "")
        full = 100 * max(group.utilisation.values())
        batch = "" if column.role == "prefill" else plain(column.batch, 3)
        shown.add_row(count, level.demand.options[column.option].name, str(column.role), degrees(column.layout), batch,
                      f"{full:.0f} %", f"{group.dollars:,.2f}")  # fmt: skip
    rents = any(group.most > group.owned for group in level.groups)
    said = [Text("+n: so many more are rented in the busiest period", style="dim")] if rents else []
    return Group(shown, *said)


def _classes(level: Level) -> Group:
    shown = table("class", ">rate/s", ">first token", ">a token", ">$/M in", ">$/M out")
    for one in level.served:
        late = f"{100 * one.requests.percentile:g} %"
        first = (
            "—"
            if one.first_token is None
            else f"{si(one.first_token[0], 's', 3)}, {late} {si(one.first_token[1], 's', 3)}"
        )
        token = "—" if one.token is None else f"{si(one.token[0], 's', 3)}, {late} {si(one.token[1], 's', 3)}"
        shown.add_row(one.requests.name, plain(one.rate, 3), first, token, f"{one.dollars_in * 1e6:.3g}",
                      f"{one.dollars_out * 1e6:.3g}")  # fmt: skip
    lines = []
    for one in level.served:
        if one.revenue:
            share = one.dollars / one.revenue
            lines.append(Text(f"{one.requests.name} earns ${one.revenue:,.2f} an hour: margin {100 * (1 - share):.0f} %, "
                              f"even at {100 * share:.0f} % of its rate"))  # fmt: skip
    return Group(shown, *lines)


def _worth(level: Level) -> list[Text]:
    """What limits are worth, those that are worth something."""
    said = [_price(level, price) for price in level.prices]
    shown = [Text(f"  {one}") for one in said if one]
    return [Text("worth, by parts of groups (whole groups beside):"), *shown] if shown else []


def _price(level: Level, price: Price) -> str:
    unit, per = {Goal.DOLLARS: ("$", "/h"), Goal.POWER: ("", " W"), Goal.CHIPS: ("", " chips"),
                 Goal.TOKENS: ("", " tokens/s")}[level.demand.goal]  # fmt: skip
    scale, what = {
        STOCK: (1.0, f"a chip more of {price.of}"), POWER: (1e6, "a megawatt more"), CHIPS: (1.0, "a chip more"),
        BUDGET: (1 / HOUR, "a dollar an hour more"), "rate": (1.0, f"a request/s more of {price.of}"),
        "max_ttft": (1e-3, f"a ms more to the first token of {price.of}"),
        "max_tpot": (1e-3, f"a ms more for a token of {price.of}"),
    }[price.kind]  # fmt: skip
    sides = [scale * side for side in (price.less, price.more) if side is not None]
    if not sides or max(map(abs, sides)) < SAME:
        return ""
    low, high = min(sides), max(sides)
    one = abs(high - low) <= 1e-3 * max(abs(low), abs(high))
    shown = f"{unit}{abs(low):.3g}" if one else f"{unit}{abs(high):.3g} to {unit}{abs(low):.3g}"
    verb = "adds" if low + high > 0 else "saves"
    found = f"{what} {verb} {shown}{per}"
    if price.whole is not None and price.whole[1] is not None:
        found += f" ({unit}{price.whole[1]:+.3g} by {plain(price.by / (1e6 if price.kind == POWER else 1.0))} more)"
    return found


def _others(level: Level) -> list[Text]:
    """The best of one machine alone, and why options lost."""
    demand, single, lines = level.demand, level.best_single, list[Text]()
    if len(demand.options) > 1:
        if single is None:
            lines.append(Text("no machine alone serves all classes"))
        elif single[1] <= level.fleet.cost * (1 + SAME):
            lines.append(Text(f"one machine alone does as well: {demand.options[single[0]].name}"))
        else:
            more = single[1] / level.fleet.cost - 1
            lines.append(Text(f"best of one machine alone: {demand.options[single[0]].name}, {100 * more:.3g} % more"))
    for one in level.lost:
        option = demand.options[one.option]
        if one.reduced_cost is None:
            lines.append(Text(f"not used: {option.name}, {one.why}"))
        elif one.reduced_cost <= SAME:
            lines.append(Text(f"not used: {option.name}, worth its price in parts of groups; whole ones do not pay"))
        elif demand.goal == Goal.DOLLARS and option.price:
            hourly = HOUR * option.price
            lines.append(Text(f"not used: {option.name}, worth ${hourly - one.reduced_cost:.3g} a chip-hour of its "
                              f"${hourly:.3g}"))  # fmt: skip
        else:
            lines.append(Text(f"not used: {option.name}, a chip of it adds {one.reduced_cost:.3g}"))
    return lines


def fleet_csv(answer: Answer) -> str:
    """One row for each kind of group."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    keys = ("hardware", "role", "layout", "count", "chips", "batch", "filled_for", "dollars_per_hour")
    writer.writerow(keys)
    for one in fleet_json(answer)["replicas"]:
        writer.writerow([one[key] for key in keys])
    return out.getvalue()
