"""Which groups with attention and experts apart a fleet may be made of: few of each class, of those that could pay."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from steptime.model.layout.enumeration import layout_of
from steptime.model.solver.fleet.apart import MICRO_BATCHES, Combined, Parts
from steptime.model.solver.fleet.columns import Experts
from steptime.model.solver.fleet.demand import Demand, Goal, Role
from steptime.model.solver.fleet.families import Family
from steptime.model.solver.fleet.tables import BATCHES, Times

Array = np.ndarray
MOST = 6
"""Groups of a class, of those whose answers cost least."""
NEVER = 1e9
"""Seconds of a step of a group that takes no such class."""
OVERFULL = 2.0
"""Bytes over those available, of the same."""


def with_apart(demand: Demand, family: Family, in_practice: bool) -> Family:
    """The family with a layout more for each group of two parts, on the option where its attention is.

    Of all pairs of machines, sizes of either side, degrees of tensor parallelism and numbers of micro-batches those are
    kept whose answers, as many at once as room and the mean pace of tokens let be, cost least: fewer than on every
    group that decodes on one machine, unless something is scarce. Its rows are of one class each.
    """
    if family.parts is None:
        return family
    found: list[tuple[int, Combined]] = []
    for place, number in enumerate(family.numbers):
        some = _cheapest(demand, family, place, number, in_practice)
        found += [(place, some.some(np.array([each]))) for each in range(len(some))]
    return _extended(family, family.parts, found, in_practice) if found else family


def _cheapest(demand: Demand, family: Family, place: int, number: int, in_practice: bool) -> Combined:
    """The groups of a class."""
    parts, prices, kept = family.parts, weights(demand), list[tuple[Combined, Array]]()
    assert parts is not None
    for attention in range(len(demand.options)):
        groups = Combined.joined([_every(demand, parts, attention, experts, micro)
                                  for experts in range(len(demand.options)) for micro in MICRO_BATCHES])  # fmt: skip
        if not len(groups):
            continue
        pace = _pace(demand, number, parts.step(place, groups, in_practice), parts.filled(place, groups))
        chips = parts.columns["chips"][groups.row], parts.expert_columns["chips"][groups.expert_row]
        with np.errstate(divide="ignore"):
            cost = (chips[0] * prices[attention] + chips[1] * prices[groups.experts]) / pace
        best = np.argsort(cost, kind="stable")[:MOST]
        kept.append((groups.some(best[np.isfinite(cost[best])]), cost[best[np.isfinite(cost[best])]]))
    if not kept:
        return _none()
    every, costs = Combined.joined([one for one, _ in kept]), np.concatenate([cost for _, cost in kept])
    most = np.inf if _scarce(demand) else _on_one(demand, family, place, number, in_practice, prices)
    best = np.argsort(costs, kind="stable")[:MOST]
    return every.some(best[costs[best] < most])


def _none() -> Combined:
    return Combined(*(np.empty(0, int) for _ in range(5)))


def _every(demand: Demand, parts: Parts, attention: int, experts: int, micro: int) -> Combined:
    """Groups on two options that may talk to each other, over links that are known."""
    options, nics = (demand.options[attention], demand.options[experts]), parts.links.out
    allowed = all(Role.APART in option.roles for option in options) and demand.may_talk(attention, experts)
    rows = np.flatnonzero(np.isin(parts.columns["chips"], options[0].sizes))
    others = np.flatnonzero(np.isin(parts.expert_columns["chips"], options[1].sizes))
    if not allowed or not len(rows) or not len(others) or not nics[attention] or not nics[experts]:
        return _none()
    row, other = (each.ravel() for each in np.meshgrid(rows, others, indexing="ij"))
    alike = np.full(len(row), attention)
    return Combined(alike, row, np.full(len(row), experts), other, np.full(len(row), micro))


def _pace(demand: Demand, number: int, steps: Array, filled: Array) -> Array:
    """Tokens a second at the best of the batches that have room, and whose steps are within the limit."""
    limit = demand.classes[number].max_tpot
    fine = (filled <= 1) & (steps <= (np.inf if limit is None else limit))
    return np.asarray(np.where(fine, BATCHES / steps, 0.0).max(axis=1))


def _on_one(
    demand: Demand, family: Family, place: int, number: int, in_practice: bool, prices: Array
) -> float:  # fmt: skip
    """The same of the cheapest group that decodes on one machine."""
    steps, chips = family.decode.seconds(in_practice)[:, place], family.columns["chips"]
    costs = [np.inf]
    for at, option in enumerate(demand.options):
        if Role.DECODE in option.roles and family.nics[at]:
            rows = np.isin(chips, option.sizes)
            pace = _pace(demand, number, steps[at, rows], family.decode.filled[at, place, rows])
            costs += (prices[at] * chips[rows] / np.maximum(pace, 1 / NEVER)).tolist()
    return min(costs)


def _scarce(demand: Demand) -> bool:
    """Whether a dearer group may pay: where chips, watts or dollars end, or not every pair of machines has a link."""
    caps, stocks = demand.caps, (option.stock for option in demand.options)
    ends = (caps.power, caps.budget, caps.chips, demand.links, *stocks)
    return any(one is not None for one in ends)


def weights(demand: Demand) -> Array:
    """What a chip of each option adds to what is minimised, or takes of the limit under which tokens are most."""
    caps, goal = demand.caps, demand.goal
    if goal == Goal.TOKENS:
        goal = Goal.POWER if caps.power else Goal.DOLLARS if caps.budget else Goal.CHIPS
    watts = np.array([one.power or 0.0 for one in demand.options])
    if goal == Goal.DOLLARS:
        return np.array([one.price or 0.0 for one in demand.options]) + demand.energy_price * watts
    return watts if goal == Goal.POWER else np.ones(len(watts))


def _extended(family: Family, parts: Parts, found: list[tuple[int, Combined]], in_practice: bool) -> Family:
    """Rows more, each with its times and its room for one class on one option."""
    first = len(family.columns["chips"])
    rows = np.array([int(one.row[0]) for _, one in found])
    columns = {name: np.concatenate([each, parts.columns[name][rows]]) for name, each in family.columns.items()}
    apart = {first + row: Experts(
        int(one.experts[0]), layout_of(parts.expert_columns, int(one.expert_row[0])), int(one.micro_batches[0]),
        parts.taken(one, in_practice),
    ) for row, (_, one) in enumerate(found)}  # fmt: skip
    return replace(family, columns=columns, decode=_decode(family.decode, parts, found), apart=apart,
                   prefill=_more(family.prefill, len(found)), of_class={
                       first + row: family.numbers[place] for row, (place, _) in enumerate(found)})  # fmt: skip


def _more(times: Times, number: int) -> Times:
    """Rows that nothing can be done on."""

    def wider(array: Array, value: float) -> Array:
        return np.concatenate([array, np.full((*array.shape[:2], number, array.shape[3]), value)], axis=2)

    estimate = None if times.estimate is None else wider(times.estimate, NEVER)
    return Times(wider(times.bound, NEVER), estimate, wider(times.filled, OVERFULL))


def _decode(times: Times, parts: Parts, found: list[tuple[int, Combined]]) -> Times:
    wider = _more(times, len(found))
    for row, place, one in _numbered(found, times.filled.shape[2]):
        at = int(one.attention[0]), place, row
        wider.bound[at] = parts.step(place, one, False)[0]
        wider.filled[at] = parts.filled(place, one)[0]
        if wider.estimate is not None:
            wider.estimate[at] = parts.step(place, one, True)[0]
    return wider


def _numbered(found: list[tuple[int, Combined]], first: int) -> Iterator[tuple[int, int, Combined]]:
    return ((first + row, place, one) for row, (place, one) in enumerate(found))
