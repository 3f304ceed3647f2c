"""What each limit is worth: the slopes of the least cost, on either side, and what whole groups make of it.

The least cost of the linear program is convex and piecewise linear in every right side, so that its slopes to the left
and to the right are the ends of the interval in which every dual price lies: one number where the optimum is not
degenerate. They are long-run prices, of parts of groups; beside them stands the program with whole groups solved again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from steptime.model.solver.fleet.demand import Goal
from steptime.model.solver.fleet.limits import BUDGET, CHIPS, POWER, STOCK
from steptime.model.solver.fleet.program import SERVED, Program
from steptime.model.solver.fleet.solved import Fleet, Relaxed, relaxed, solved

LIMITED = 30
"""Of the branches and seconds that there are one in so many are for a program with whole groups and another limit."""
NUDGE = 1e-4
"""Share of a right side by which it is moved to take a slope."""


@dataclass(frozen=True)
class Price:
    """What one more unit of a limit adds to the least cost: negative where it saves. ``kind`` and ``of``: stock of an
    option, power, chips or budget of all, requests a second of a class; ``at``: how much of it there is. ``less`` and
    ``more``: the slope below and above; None where there is no fleet. ``whole``: the cost that ``by`` less, and ``by``
    more, add where groups are whole; None where that was not asked for, or where there is no fleet."""

    kind: str
    of: str
    at: float
    value: float
    less: float | None
    more: float | None
    by: float = 0.0
    whole: tuple[float | None, float | None] | None = None


@dataclass(frozen=True)
class Limit:
    """One thing that may be had more of: the rows that it moves, and by how much each for one more of it."""

    kind: str
    of: str
    at: float
    rows: Mapping[object, float]
    by: float


def limits_of(program: Program) -> list[Limit]:
    """All limits of a demand, and the rates of its classes."""
    demand, caps = program.demand, program.demand.caps
    periods, found = range(demand.periods), list[Limit]()
    for number, option in enumerate(demand.options):
        if option.stock:
            rows: dict[object, float] = {(STOCK, number, period): 1.0 for period in periods}
            found.append(Limit(STOCK, option.name, float(option.stock), rows, float(min(option.sizes))))
    if caps.power is not None:
        found.append(Limit(POWER, "", caps.power, {(POWER, period): 1 / caps.power for period in periods}, 1e6))
    if caps.chips is not None:
        found.append(Limit(CHIPS, "", float(caps.chips), {(CHIPS, h): 1 / caps.chips for h in periods}, 1.0))
    if caps.budget is not None:
        found.append(Limit(BUDGET, "", caps.budget, {(BUDGET,): 1 / caps.budget}, 0.01 * caps.budget))
    for number, one in enumerate(demand.classes if demand.goal != Goal.TOKENS else ()):
        each: dict[object, float] = {(SERVED, number, period): 1 / program.units[number]
                                     for period in periods if one.rates[period]}  # fmt: skip
        found.append(Limit("rate", one.name, one.rate, each, min(1.0, one.rate / 2)))
    return found


def prices_of(
    program: Program, base: Relaxed, fleet: Fleet, whole: bool, progress: Callable[[float], None]
) -> list[Price]:
    """The price of every limit; ``whole``: with whole groups solved again too."""
    found, limits = [], limits_of(program)
    for done, limit in enumerate(limits):
        marginals = {**base.most, **base.equal}
        value = sum(marginals[row] * each for row, each in limit.rows.items())
        step = NUDGE * limit.at
        less, more = (_slope(program, base, limit, sign * step) for sign in (-1, 1))
        again = (_whole(program, fleet, limit, -1), _whole(program, fleet, limit, 1)) if whole else None
        found.append(Price(limit.kind, limit.of, limit.at, value, less, more, limit.by, again))
        progress((done + 1) / len(limits))
    return found


def _moved(program: Program, limit: Limit, by: float) -> dict[object, float]:
    """The right sides with more, or less, of it."""
    rows = program.most, program.equal
    places = {name: one.right[one.places[name]] for one in rows for name in limit.rows if name in one.places}
    return {name: places[name] + each * by for name, each in limit.rows.items()}


def _slope(program: Program, base: Relaxed, limit: Limit, by: float) -> float | None:
    there = relaxed(program, _moved(program, limit, by))
    return None if there is None else (there.cost - base.cost) / by


def _whole(program: Program, fleet: Fleet, limit: Limit, sign: int) -> float | None:
    there = solved(program, _moved(program, limit, sign * limit.by), LIMITED)
    return None if there is None else there.cost - fleet.cost
