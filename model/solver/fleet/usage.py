"""What a fleet does: how busy its groups are, how long each class waits, and what its tokens cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steptime.model.solver.fleet.candidates import Filling
from steptime.model.solver.fleet.checked import Flows
from steptime.model.solver.fleet.columns import ANSWERS, PROMPTS, Column
from steptime.model.solver.fleet.demand import HOUR, Requests, Role
from steptime.model.solver.fleet.meeting import Met, MetInPool
from steptime.model.solver.fleet.program import Program
from steptime.model.solver.fleet.serving import Places
from steptime.model.solver.fleet.solved import Fleet

CLOSE = 1e-4
"""Relative precision of a percentile."""
MOST = 1e6
"""Of the mean, what no percentile is beyond."""


@dataclass(frozen=True)
class Group:
    """Groups of one kind in a fleet: how many are there all day, and in the period with most; the share of each of
    their resources that is taken, the mean over the day."""

    column: Column
    owned: int
    most: int
    utilisation: Mapping[str, float]
    dollars: float


@dataclass(frozen=True)
class Served:
    """One class in a fleet: requests a second; seconds to the first token and for a token after it, the mean and the
    percentile that its limits are of, in the busiest period; dollars per token of its prompts and of its answers;
    dollars an hour; the share of requests that each kind of group takes, prompts apart from answers."""

    requests: Requests
    rate: float
    first_token: tuple[float, float] | None
    token: tuple[float, float] | None
    dollars_in: float
    dollars_out: float
    dollars: float

    @property
    def revenue(self) -> float | None:
        """Dollars an hour that its users pay; None where a price is not stated."""
        one = self.requests
        if one.price_in is None or one.price_out is None:
            return None
        return HOUR * self.rate * (one.price_in * one.prompt.mean + one.price_out * one.output.mean)


def groups_of(program: Program, fleet: Fleet, flows: Flows) -> list[Group]:
    """The groups of a fleet."""
    found, periods = [], range(program.demand.periods)
    for place in fleet.used:
        column, there = program.columns[place], [fleet.groups(place, period) for period in periods]
        taken = {
            resource: sum(float(flows.get((place, k, h), 0)) * program.units[k] * each
                          for k, each in work.items() for h in periods) / sum(there)
            for resource, work in column.work.items()
        }  # fmt: skip
        rented = sum(fleet.rented(place, period) for period in periods)
        dollars = fleet.owned(place) * program.dollars(column) + rented * program.dollars(column, True) / len(periods)
        found.append(Group(column, fleet.owned(place), max(there), taken, dollars))
    return found


def served_of(
    program: Program, fleet: Fleet, flows: Flows, groups: Sequence[Group], fillings: Mapping[int, Filling]
) -> list[Served]:  # fmt: skip
    """Every class, by what its groups do."""
    demand, shares = program.demand, _dollars(program, fleet, flows, groups)
    found = []
    for number, one in enumerate(demand.classes):
        mine = sorted({place for (place, k, _), value in flows.items() if k == number and value > 0})
        meets = {place: _met(program, fleet, flows, place, number, fillings) for place in mine}
        more = {place: _beyond(program.columns[place], number, fillings[number]) for place in mine}
        parts = {place: program.columns[place].role.part for place in mine}
        first = _worst([(meets[p], more[p][0]) for p in mine if parts[p] != Role.DECODE], one, "first")
        token = _worst([(meets[p], more[p][1]) for p in mine if parts[p] != Role.PREFILL], one, "token")
        total = sum(float(value) for (place, k, _), value in flows.items()
                    if k == number and program.columns[place].role != Role.PREFILL)  # fmt: skip
        rate = total * program.units[number] / demand.periods
        dollars_in, dollars_out = shares[number]
        seconds = HOUR * rate
        found.append(Served(
            one, rate, first, token,
            dollars_in / (seconds * one.prompt.mean) if seconds else 0.0,
            dollars_out / (seconds * one.output.mean) if seconds else 0.0, dollars_in + dollars_out,
        ))  # fmt: skip
    return found


def _dollars(
    program: Program, fleet: Fleet, flows: Flows, groups: Sequence[Group]
) -> dict[int, tuple[float, float]]:  # fmt: skip
    """Dollars an hour of each class, for prompts and for answers: of each group in proportion to the time taken, what
    is idle with it."""
    found = {number: [0.0, 0.0] for number in range(len(program.demand.classes))}
    for place, group in zip(fleet.used, groups, strict=True):
        column, weights = group.column, dict[tuple[int, int], float]()
        shares = ((PROMPTS, column.prompt_time if column.role == Role.TOGETHER else 1.0),
                  (ANSWERS, 1 - column.prompt_time if column.role == Role.TOGETHER else 1.0))  # fmt: skip
        for part, (resource, share) in enumerate(shares):
            for number, each in column.work.get(resource, {}).items():
                taken = sum(float(flows.get((place, number, h), 0)) for h in range(program.demand.periods))
                weights[number, part] = taken * program.units[number] * each * share
        whole = sum(weights.values())
        for (number, part), weight in weights.items():
            found[number][part] += group.dollars * weight / whole if whole else 0.0
    return {number: (both[0], both[1]) for number, both in found.items()}


def _met(
    program: Program, fleet: Fleet, flows: Flows, place: int, number: int, fillings: Mapping[int, Filling]
) -> Met | MetInPool:  # fmt: skip
    """What a class meets on one kind of group in that group's busiest period, all classes as they come."""
    column, rates = program.columns[place], dict[int, dict[int, float]]()
    for (other, k, period), value in flows.items():
        if other == place and value and (there := fleet.groups(place, period)):
            rates.setdefault(period, {})[k] = float(value) * program.units[k] / there
    mine = [each for each in rates.values() if number in each]
    busiest = max(mine, key=lambda each: max(
        sum(each[k] * work[k] for k in each) for work in column.work.values()))  # fmt: skip
    whole, at = sum(busiest.values()), Places(np.array([column.option]), np.array([column.place]))
    shares = {k: rate / whole for k, rate in busiest.items()}
    return fillings[number].meets(number, column.for_class, shares, column.role, at, np.array([whole]))


def _beyond(column: Column, number: int, filling: Filling) -> tuple[float, float]:
    """Seconds of a first token, and of a token, that are no wait in the group: prompts beside it, and its hand-over."""
    at = Places(np.array([column.option]), np.array([column.place]))
    return float(filling.behind(number, column.role, at)[0]), float(filling.late(number, column.role, at)[0])


def _worst(
    several: Sequence[tuple[Met | MetInPool, float]], one: Requests, what: str
) -> tuple[float, float] | None:  # fmt: skip
    """The mean and the percentile, of the groups with the longest."""
    found = [(*_mean_and_percentile(each, one, what), more) for each, more in several]
    return (max(m + more for m, _, more in found), max(p + more for _, p, more in found)) if found else None


def _mean_and_percentile(each: Met | MetInPool, one: Requests, what: str) -> tuple[float, float]:
    if what == "first" or isinstance(each, MetInPool):
        mean, late = float(each.first_token[0]), each.late_first
    else:
        mean, late = float(each.token[0]), each.late_tokens
    low, high = 0.0, mean
    while float(late(high)[0]) > 1 - one.percentile and high < mean * MOST:
        low, high = high, 2 * high
    while high - low > CLOSE * high:
        middle = (low + high) / 2
        low, high = (middle, high) if float(late(middle)[0]) > 1 - one.percentile else (low, middle)
    return mean, high
