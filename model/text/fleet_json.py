"""A fleet for scripts: base units but where a key says otherwise, as megawatts or dollars per million tokens."""

from typing import Any

from steptime.model.solver.fleet.columns import Experts
from steptime.model.solver.fleet.demand import HOUR, Goal, Role
from steptime.model.solver.fleet.prices import Price
from steptime.model.solver.fleet.ranges import SAMPLES, Spread
from steptime.model.solver.fleet.solve import Answer, Level
from steptime.model.solver.fleet.usage import Group, Served

MILLION = 1e6
MEGAWATT = 1e6
YEAR = 365 * 24 * HOUR
NOT_MODELLED = (
    "queues shared by several groups of answers", "prefix caches that fill and empty",
    "swings of traffic within a period", "failures but for spare groups",
    "what is measured of attention and experts apart: estimates are those of whole steps",
)  # fmt: skip


def fleet_json(answer: Answer, spread: Spread | None = None) -> dict[str, Any]:
    """The fleet to go by, that at the bound beside it."""
    return {
        "minimise": None if answer.demand.goal == Goal.TOKENS else answer.demand.goal,
        "maximise": "tokens" if answer.demand.goal == Goal.TOKENS else None,
        "limits_hold_for": "bound" if answer.practice is None else "estimate",
        **level_json(answer.best),
        "bound": level_json(answer.bound),
        **({} if spread is None else {"ranges": _spread_json(spread)}),
        "notices": list(answer.demand.notices),
        "not_modelled": list(NOT_MODELLED),
    }  # fmt: skip


def level_json(level: Level) -> dict[str, Any]:
    """A fleet at the bound or in practice."""
    demand, single, watts = level.demand, level.best_single, level.watts
    tokens = level.tokens_per_second
    return {
        "dollars_per_hour": level.dollars_per_hour,
        "cost": level.fleet.cost,
        "chips": level.chips,
        "megawatts": None if watts is None else watts / MEGAWATT,
        "tokens_per_second": tokens,
        "tokens_per_second_per_megawatt": tokens / (watts / MEGAWATT) if watts else None,
        "tokens_per_gigawatt_year": tokens / watts * 1e9 * YEAR if watts else None,
        "replicas": [_group_json(level, group) for group in level.groups],
        "classes": [_served_json(one) for one in level.served],
        "utilisation": _utilisation(level),
        "duals": _duals(level),
        "gap": level.fleet.gap,
        "relaxation": level.relaxed.cost,
        "best_single": None if single is None else {
            "hardware": demand.options[single[0]].name, "cost": single[1],
            "dollars_per_hour": single[1] if demand.goal == Goal.DOLLARS else None,
        },
        "singles": {demand.options[number].name: cost for number, cost in level.singles.items()},
        "unused": [{"hardware": demand.options[one.option].name, "reduced_cost": one.reduced_cost,
                    "why": one.why or None} for one in level.lost],
        "candidates": len(level.columns),
    }  # fmt: skip


def _spread_json(spread: Spread) -> dict[str, Any]:
    """Cost where groups come in parts, over a sample of prices and rates."""
    return {"inputs": {name: list(ends) for name, ends in spread.ends.items()},
            "cost": {"low": spread.low, "median": spread.middle, "high": spread.high},
            "used": dict(spread.used), "solved": spread.solved, "samples": SAMPLES}  # fmt: skip


def _group_json(level: Level, group: Group) -> dict[str, Any]:
    column = group.column
    rented = [level.fleet.rented(level.program.columns.index(column), h) for h in range(level.demand.periods)]
    return {
        "hardware": level.demand.options[column.option].name,
        "role": column.role.said,
        "layout": str(column.layout),
        "batch": None if column.role == Role.PREFILL else column.batch,
        "count": group.owned,
        **({"rented": rented} if any(rented) else {}),
        "chips": column.chips,
        "chips_of": {level.demand.options[option].name: chips for option, chips in column.on.items()},
        **({} if column.experts is None else _experts_json(level, column.experts)),
        "full_rate": 1 / column.busy(column.for_class),
        "filled_for": level.demand.classes[column.for_class].name,
        "serves": [level.demand.classes[number].name for number in sorted(column.serves)],
        "utilisation": dict(group.utilisation),
        "dollars_per_hour": group.dollars,
    }


def _experts_json(level: Level, experts: Experts) -> dict[str, Any]:
    """Where the experts are, apart from attention."""
    hardware, layout = level.demand.options[experts.option].name, experts.layout
    return {"experts": {"hardware": hardware, "layout": str(layout), "chips": layout.chips},
            "micro_batches": experts.micro_batches}  # fmt: skip


def _served_json(one: Served) -> dict[str, Any]:
    revenue = one.revenue
    return {
        "name": one.requests.name,
        "rate": one.rate,
        "percentile": 100 * one.requests.percentile,
        "ttft": None if one.first_token is None else {"mean": one.first_token[0], "percentile": one.first_token[1]},
        "tpot": None if one.token is None else {"mean": one.token[0], "percentile": one.token[1]},
        "dollars_per_hour": one.dollars,
        "dollars_per_million_tokens": {"in": one.dollars_in * MILLION, "out": one.dollars_out * MILLION},
        "revenue_per_hour": revenue,
        "margin": None if not revenue else 1 - one.dollars / revenue,
        "break_even_utilisation": None if not revenue else one.dollars / revenue,
    }


def _utilisation(level: Level) -> dict[str, float]:
    """The share of each option's groups that is taken, weighted by chips."""
    found: dict[str, list[tuple[float, int]]] = {}
    for group in level.groups:
        for option, chips in group.column.on.items():
            share = max(group.utilisation.values())
            found.setdefault(level.demand.options[option].name, []).append((share, group.most * chips))
    return {name: sum(share * chips for share, chips in some) / sum(chips for _, chips in some)
            for name, some in found.items()}  # fmt: skip


def _duals(level: Level) -> dict[str, Any]:
    """What one more unit of each limit adds to what is minimised: a megawatt, a chip, a dollar an hour, a request a
    second, a second of waiting."""
    found: dict[str, Any] = {}
    for price in level.prices:
        each = _price_json(price)
        if price.of:
            found.setdefault(price.kind, {})[price.of] = each
        else:
            found[{"power": "megawatts"}.get(price.kind, price.kind)] = each
    return found


def _price_json(price: Price) -> dict[str, Any]:
    unit = {"power": MEGAWATT, "budget": 1 / HOUR}.get(price.kind, 1.0)
    sides = [None if side is None else side * unit for side in (price.less, price.more)]
    found: dict[str, Any] = {"value": price.value * unit, "below": sides[0], "above": sides[1]}
    if price.whole is not None:
        found["whole_groups"] = {"by": price.by / unit, "less": price.whole[0], "more": price.whole[1]}
    return found
