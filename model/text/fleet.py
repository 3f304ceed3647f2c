"""A fleet as tables: what to have, how long each class waits, what limits are worth, why others lost."""

import csv
import io
from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model.solver.fleet.columns import Column
from steptime.model.solver.fleet.demand import HOUR, Goal
from steptime.model.solver.fleet.limits import BUDGET, CHIPS, POWER, STOCK
from steptime.model.solver.fleet.prices import Price
from steptime.model.solver.fleet.ranges import Spread
from steptime.model.solver.fleet.solve import Answer, Level
from steptime.model.text.fitting import Fitting
from steptime.model.text.fleet_json import NOT_MODELLED, fleet_json
from steptime.model.text.format import layout_said, plain, si
from steptime.model.text.header import folded, left_out
from steptime.model.text.screen import Screen

SAME = 1e-6
"""What differs by less, relative, is the same."""
LONG = 3600.0
"""Seconds beyond which a group is as full as can be: its queue grows through the period."""
WORTH = 0.01
"""Of a limit that is worth less, of all that there is of it over the cost, nothing is said; JSON has it."""


def fleet_table(answer: Answer, spread: Spread | None = None) -> Group:
    best, demand = answer.best, answer.demand
    names = ", ".join(one.name for one in demand.classes[:6]) + (" …" if len(demand.classes) > 6 else "")
    goal = "most tokens" if demand.goal == Goal.TOKENS else f"least {demand.goal}"
    where = "at the ideal bound" if answer.practice is None else "in practice"
    total = f"{where} {_total(best)} · {plain(best.tokens_per_second)} tokens/s in and out"
    lines = [Text(f"fleet for {names}: {goal}", style="bold"), Text(total, style="bold")]
    if answer.practice is not None:
        lines.append(Text(f"at the ideal bound {_total(answer.bound)}"))
    if best.fleet.gap > SAME:
        better = "serves" if demand.goal == Goal.TOKENS else "needs"
        off = f"{100 * best.fleet.gap:.2g} % {'more' if demand.goal == Goal.TOKENS else 'less'}"
        lines.append(Text(f"no fleet of these groups {better} more than {off}"))
    parts: list[Any] = [*lines, Text(), _groups(best), Text(), _classes(best)]
    worth = _worth(best)
    parts += [Text(), *worth] if worth else []
    parts += [] if spread is None else [Text(), *_ranges(best, spread)]
    parts += [Text(), *_others(best)]
    notes = folded(demand.notices, "note", "notes")
    return Screen(*parts, Text(), notes, *left_out((), NOT_MODELLED))


def _total(level: Level) -> str:
    said = [] if level.dollars_per_hour is None else [f"${level.dollars_per_hour:,.2f} an hour"]
    said.append(f"{level.chips:,} chips")
    said += [] if level.watts is None else [si(level.watts, "W")]
    return " · ".join(said)


def _groups(level: Level) -> Group:
    shown = Fitting((">groups", "hardware", "role", "layout", ">batch", ">full", ">$/h"),
                    droppable=(">batch", ">full"), prose=("hardware", "role", "layout"))  # fmt: skip
    for group in sorted(level.groups, key=lambda one: -one.dollars):
        column, rented = group.column, group.most - group.owned
        count = plain(group.owned) + (f" +{rented}" if rented else "")
        full = 100 * max(group.utilisation.values())
        batch = "" if column.role == "prefill" else plain(column.batch, 3)
        shown.add_row(count, _hardware(level, column), str(column.role), _laid_out(column), batch,
                      f"{full:.0f} %", f"{group.dollars:,.2f}")  # fmt: skip
    rents = any(group.most > group.owned for group in level.groups)
    said = [Text("+n: so many more are rented in the busiest period", style="dim")] if rents else []
    if apart := [column for column in (group.column for group in level.groups) if column.experts]:
        numbers = " or ".join(map(str, sorted({one.experts.micro_batches for one in apart if one.experts})))
        said.append(Text(f"apart: attention on the first chips of a group and experts on the others, {numbers} "
                         "micro-batches to and fro", style="dim"))  # fmt: skip
    return Group(shown, *said)


def _hardware(level: Level, column: Column) -> str:
    """What a group is of; where attention and experts are apart with the chips of either."""
    name = level.demand.options[column.option].name
    if column.experts is None:
        return name
    other = level.demand.options[column.experts.option].name
    return f"{column.layout.chips} {name} + {column.experts.layout.chips} {other}"


def _laid_out(column: Column) -> str:
    parts = [column.layout, *([column.experts.layout] if column.experts else [])]
    return " + ".join(layout_said(layout, otherwise="one chip") for layout in parts)


def _classes(level: Level) -> Group:
    waits = (">first token", ">a token")
    shown = Fitting(("class", ">rate/s", *waits, ">$/M in, out"), droppable=(">rate/s",), prose=("class",),
                    at_last=waits)  # fmt: skip
    for one in level.served:
        late = f"{100 * one.requests.percentile:g} %"
        first, token = (_late(times, late) for times in (one.first_token, one.token))
        dollars = f"{one.dollars_in * 1e6:.3g}, {one.dollars_out * 1e6:.3g}"
        shown.add_row(one.requests.name, plain(one.rate, 3), first, token, dollars)
    cached = ", cached parts too" if any(one.cached for one in level.demand.classes) else ""
    lines = [Text(f"in: tokens of prompts{cached}; out: tokens of answers", style="dim")]
    for one in level.served:
        if one.revenue:
            share = one.dollars / one.revenue
            said = f"{one.requests.name} earns ${one.revenue:,.2f} an hour: margin {100 * (1 - share):.0f} %"
            lines.append(Text(f"{said}, even at {100 * share:.0f} % of its rate"))
    return Group(shown, *lines)


def _late(times: tuple[float, float] | None, percentile: str) -> str:
    """The mean and the percentile of a wait."""
    if times is None:
        return "—"
    if times[0] > LONG:
        return "queues without limit"
    late = "without limit" if times[1] > LONG else si(times[1], "s", 3)
    return f"{si(times[0], 's', 3)}, {percentile} {late}"


def _worth(level: Level) -> list[Text]:
    """What limits are worth, those of which one per cent moves the cost by a tenth of that at least."""
    felt = [price for price in level.prices if abs(price.value) * price.at >= WORTH * abs(level.fleet.cost)]
    lines = [Text(f"  {_price(level, price)}") for price in felt]
    return [Text("worth, where groups come in parts; with whole groups in brackets:"), *lines] if lines else []


def _price(level: Level, price: Price) -> str:
    """One more unit of a limit, in words."""
    scale, what = {
        STOCK: (1.0, f"a chip more of {price.of}"), POWER: (1e6, "a megawatt more"), CHIPS: (1.0, "a chip more"),
        BUDGET: (1 / HOUR, "a dollar an hour more"), "rate": (1.0, f"a request/s more of {price.of}"),
        "max_ttft": (1e-3, f"a ms more to the first token of {price.of}"),
        "max_tpot": (1e-3, f"a ms more for a token of {price.of}"),
    }[price.kind]  # fmt: skip
    sides = [scale * side for side in (price.less, price.more) if side is not None] or [scale * price.value]
    low, high = sorted(map(abs, (min(sides), max(sides))))
    amount = _amount(level, high) if high - low <= 1e-3 * high else f"{_amount(level, low)} to {_amount(level, high)}"
    gains = (min(sides) + max(sides) > 0) != (level.demand.goal == Goal.TOKENS)
    found = f"{what} {'adds' if gains or level.demand.goal == Goal.TOKENS else 'saves'} {amount}"
    if price.whole is not None and price.whole[1] is not None:
        by, change = price.by / (1e6 if price.kind == POWER else HOUR if price.kind == BUDGET else 1.0), price.whole[1]
        sign = "+" if (change > 0) != (level.demand.goal == Goal.TOKENS) and abs(change) > SAME else ""
        sign = "-" if not sign and abs(change) > SAME else sign
        found += f" ({sign}{_amount(level, abs(change) if abs(change) > SAME else 0.0)} by {plain(by)} more)"
    return found


def _amount(level: Level, value: float) -> str:
    """An amount of what is minimised."""
    goal = level.demand.goal
    if goal == Goal.DOLLARS:
        return f"${value:.3g}/h"
    if goal == Goal.POWER:
        return si(value, "W", 3)
    return f"{plain(value, 3)} {'chips' if goal == Goal.CHIPS else 'tokens/s'}"


def _ranges(level: Level, spread: Spread) -> list[Text]:
    """What prices and rates within limits make of it."""
    costs = " to ".join(_amount(level, abs(cost)) for cost in (spread.low, spread.high))
    used = ", ".join(f"{name} in {100 * share:.0f} %" for name, share in spread.used.items() if share)
    middle = _amount(level, abs(spread.middle))
    said = f"over the ranges, groups in parts: {costs} in eight of ten samples, {middle} in the middle"
    return [Text(said), Text(f"used: {used}")]


def _others(level: Level) -> list[Text]:
    """The best of one machine alone, and why options lost."""
    demand, single, lines = level.demand, level.best_single, list[Text]()
    if len(demand.options) > 1:
        if single is None:
            lines.append(Text("no machine alone serves all classes"))
        elif single[1] <= level.fleet.cost * (1 + SAME):
            lines.append(Text(f"one machine alone does as well: {demand.options[single[0]].name}"))
        else:
            off, name = abs(single[1] / level.fleet.cost - 1), demand.options[single[0]].name
            said = "less" if demand.goal == Goal.TOKENS else "more"
            lines.append(Text(f"best of one machine alone: {name}, {100 * off:.3g} % {said}"))
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
            said = "costs" if demand.goal == Goal.TOKENS else "adds"
            lines.append(Text(f"not used: {option.name}, a chip of it {said} {_amount(level, one.reduced_cost)}"))
    return lines


def fleet_csv(answer: Answer) -> str:
    """One row for each kind of group."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    keys = ("hardware", "role", "layout", "count", "chips", "batch", "filled_for", "dollars_per_hour")
    experts = ("hardware", "layout", "chips")
    writer.writerow([*keys, *(f"experts_{key}" for key in experts)])
    for one in fleet_json(answer)["replicas"]:
        writer.writerow([*(one[key] for key in keys), *(one.get("experts", {}).get(key) for key in experts)])
    return out.getvalue()
