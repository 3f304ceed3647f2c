"""What a millisecond of a limit on time is worth: the cost with the limit one per cent looser, and tighter."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from steptime.model.solver.fleet.candidates import Filling
from steptime.model.solver.fleet.columns import Column
from steptime.model.solver.fleet.demand import Demand, Role
from steptime.model.solver.fleet.limits import limited
from steptime.model.solver.fleet.needed import needed
from steptime.model.solver.fleet.prices import Price
from steptime.model.solver.fleet.program import Program
from steptime.model.solver.fleet.serving import Places
from steptime.model.solver.fleet.solved import Relaxed, relaxed

CLOSER = 0.01
"""Share by which a limit is moved."""
LIMITS = ("max_ttft", "max_tpot")


def time_prices(
    program: Program, columns: Sequence[Column], base: Relaxed, fillings: Sequence[Filling],
    progress: Callable[[float], None],
) -> list[Price]:  # fmt: skip
    """The slope of the least cost in every limit on time, per second, on either side. All ``columns`` are filled anew,
    on the layouts that they have."""
    asked = [(filling, number, name) for filling in fillings for number in filling.family.numbers for name in LIMITS
             if getattr(program.demand.classes[number], name) is not None]  # fmt: skip
    found = []
    for done, (filling, number, name) in enumerate(asked):
        one = program.demand.classes[number]
        at = float(getattr(one, name))
        less, more = (_slope(program, columns, base, filling, number, name, at, sign * CLOSER * at) for sign in (-1, 1))
        sides = [side for side in (less, more) if side is not None]
        found.append(Price(name, one.name, at, sum(sides) / len(sides) if sides else 0.0, less, more))
        progress((done + 1) / len(asked))
    return found


def _slope(
    program: Program, every: Sequence[Column], base: Relaxed, filling: Filling, number: int, name: str, at: float,
    by: float,
) -> float | None:  # fmt: skip
    """None where no fleet keeps the limit."""
    classes = list(program.demand.classes)
    one, moved = classes[number], at + by
    classes[number] = replace(one, max_ttft=moved) if name == "max_ttft" else replace(one, max_tpot=moved)
    demand = replace(program.demand, classes=tuple(classes))
    rest = [column for column in every if column.for_class not in filling.family.numbers]
    columns = needed(demand, [*rest, *_again(demand, filling, every)])
    there = relaxed(limited(Program(demand, columns, program.handed)))
    return None if there is None else (there.cost - base.cost) / by


def _again(demand: Demand, filling: Filling, columns: Sequence[Column]) -> list[Column]:
    """The groups of a family filled anew, on layouts that some of them have in that role, for that class."""
    among: dict[tuple[Role, int], Places] = {}
    for number in filling.family.numbers:
        for role in Role:
            there = [(one.option, one.place) for one in columns if one.for_class == number and one.role == role]
            if there:
                among[role, number] = Places(*np.array(sorted(set(there))).T)
    return Filling(demand, filling.family, filling.in_practice, among).columns()
