"""A fleet once more in exact arithmetic: every class is served whole, and every limit is kept.

What HiGHS calls feasible may be off by a millionth. Here the shares that requests have are made exact first, each by a
factor next to one, so that sums are equal as fractions; then every limit must hold as it stands.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from steptime.model.errors import NotSolved
from steptime.model.solver.fleet.demand import HOUR, Role
from steptime.model.solver.fleet.program import FLOW, HANDED, PUT_OFF, SCALE, Program
from steptime.model.solver.fleet.solved import Fleet

Flows = dict[tuple[int, int, int], Fraction]
"""Requests a second, by column, class and period."""


def flows_of(program: Program, fleet: Fleet) -> Flows:
    """Requests a second of each class that each column serves in each period, exactly as many as come."""
    found = {key: value for key, value in _named(program, fleet, FLOW).items() if fleet.groups(key[0], key[2])}
    demand, columns = program.demand, program.columns
    exact: Flows = {}
    for number in range(len(demand.classes)):
        for period, total in enumerate(_arriving(program, fleet, number)):
            ends = {key: value for key, value in found.items()
                    if key[1:] == (number, period) and columns[key[0]].role != Role.PREFILL}  # fmt: skip
            exact |= _scaled(ends, total)
            prompts = {key: value for key, value in found.items()
                       if key[1:] == (number, period) and columns[key[0]].role == Role.PREFILL}  # fmt: skip
            if prompts:
                exact |= _prompts(program, fleet, prompts, exact, number, period)
    return exact


def _named(program: Program, fleet: Fleet, kind: str) -> dict[Any, Fraction]:
    """Variables of one kind, by the rest of their names."""
    return {name[1:]: Fraction(value) for name, value in fleet.values.items() if name[0] == kind}


def _arriving(program: Program, fleet: Fleet, number: int) -> list[Fraction]:
    """Requests a second, over the largest rate, that are served in each period: those that come, or were put off."""
    one, periods = program.demand.classes[number], program.demand.periods
    scale = Fraction(fleet.values.get((SCALE,), 1.0))
    coming = [Fraction(rate) / Fraction(program.units[number]) * scale for rate in one.rates]
    if not one.wait:
        return coming
    served = [Fraction(0)] * periods
    for period in range(periods):
        later = {key: value for key, value in _named(program, fleet, PUT_OFF).items() if key[:2] == (number, period)}
        for key, value in _scaled(later, coming[period]).items():
            served[(period + key[2]) % periods] += value
    return served


def _scaled(parts: Mapping[Any, Fraction], total: Fraction) -> dict[Any, Fraction]:
    """Parts that sum to a total, by a factor."""
    there = sum(parts.values(), Fraction(0))
    if not there:
        if total:
            raise NotSolved("a class is served by nobody")
        return {}
    return {key: value * total / there for key, value in parts.items()}


def _prompts(
    program: Program, fleet: Fleet, prompts: Flows, exact: Flows, number: int, period: int
) -> Flows:  # fmt: skip
    """Prompts as many as answers, along the pairs of machines that hand them over."""
    columns, leaving = program.columns, dict[int, Fraction]()
    there = {columns[place].option for place, _, _ in prompts}
    pairs = {key[:2]: value for key, value in _named(program, fleet, HANDED).items()
             if key[2:] == (number, period) and key[0] in there}  # fmt: skip
    for target in {target for _, target in pairs}:
        taken = sum((value for key, value in exact.items() if key[1:] == (number, period)
                     and columns[key[0]].role.part == Role.DECODE and columns[key[0]].option == target),
                    Fraction(0))  # fmt: skip
        for (source, _), value in _scaled({one: v for one, v in pairs.items() if one[1] == target}, taken).items():
            leaving[source] = leaving.get(source, Fraction(0)) + value
    found: Flows = {}
    for source, total in leaving.items():
        found |= _scaled({key: v for key, v in prompts.items() if columns[key[0]].option == source}, total)
    return found


def must_hold(program: Program, fleet: Fleet) -> None:
    """Raises NotSolved where a limit does not hold exactly."""
    flows = flows_of(program, fleet)
    demand, caps = program.demand, program.demand.caps
    spare = {place: caps.spare if place in fleet.used else 0 for place in range(len(program.columns))}
    for place, column in enumerate(program.columns):
        for period in range(demand.periods):
            for resource, work in column.work.items():
                taken = sum((flows.get((place, k, period), Fraction(0)) * Fraction(program.units[k]) * Fraction(each)
                             for k, each in work.items()), Fraction(0))  # fmt: skip
                if taken > max(0, fleet.groups(place, period) - spare[place]):
                    raise NotSolved(f"{resource} of {column.layout} take {float(taken):g} groups of those there are")
    for period in range(demand.periods):
        there = {place: fleet.groups(place, period) for place in fleet.used}
        _at_most("chips", (n * program.columns[p].chips for p, n in there.items()), caps.chips)
        watts = (n * chips * Fraction(demand.options[option].power or 0.0)
                 for p, n in there.items() for option, chips in program.columns[p].on.items())  # fmt: skip
        _at_most("watts", watts, caps.power)
        for number, option in enumerate(demand.options):
            held = (n * program.columns[p].on.get(number, 0) for p, n in there.items())
            _at_most(f"chips of {option.name}", held, option.stock)
    if caps.budget is not None:
        _at_most("dollars an hour", [Fraction(dollars_of(program, fleet))], caps.budget * HOUR)


def _at_most(what: str, parts: Iterable[Any], most: float | None) -> None:
    if most is not None and (total := sum(parts, Fraction(0))) > Fraction(most):
        raise NotSolved(f"{float(total):g} {what} are more than {most:g}")


def dollars_of(program: Program, fleet: Fleet) -> float:
    """Dollars an hour of a fleet, the mean over the day."""
    periods, total = program.demand.periods, 0.0
    for place in fleet.used:
        column = program.columns[place]
        rented = sum(fleet.rented(place, period) for period in range(periods))
        total += fleet.owned(place) * program.dollars(column) + rented * program.dollars(column, True) / periods
    return total
