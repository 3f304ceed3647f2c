"""Why options lost: what a chip of each would add to the cost, and what the best fleet of each alone costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from steptime.model.solver.fleet.candidates import Filling
from steptime.model.solver.fleet.columns import Column
from steptime.model.solver.fleet.demand import Demand
from steptime.model.solver.fleet.limits import LEAST, limited
from steptime.model.solver.fleet.needed import needed
from steptime.model.solver.fleet.program import FLOW, IN_USE, OWNED, RENTED, Program
from steptime.model.solver.fleet.refusals import refusal
from steptime.model.solver.fleet.rows import Key
from steptime.model.solver.fleet.solved import Fleet, Relaxed, relaxed, solved

OF_COLUMN = (OWNED, RENTED, IN_USE, FLOW)
"""Variables whose second word is the place of a column."""
SOME = 1e-2
"""Chips that an option is made to have, to see what they cost."""


@dataclass(frozen=True)
class Lost:
    """An option without a group in the fleet. ``reduced_cost``: what each of its chips would add to what is minimised,
    at least: by so much less it would be worth having. None where no group of it serves anything, for the reason
    ``why``."""

    option: int
    reduced_cost: float | None
    why: str = ""


def lost_of(
    program: Program, every: Sequence[Column], base: Relaxed, fleet: Fleet, fillings: Sequence[Filling]
) -> list[Lost]:  # fmt: skip
    """Every option that the fleet has no group of; ``every`` column, also such as no best fleet needs."""
    kept = set(map(id, program.columns))
    used, found = {option for place in fleet.used for option in program.columns[place].on}, list[Lost]()
    for number in range(len(program.demand.options)):
        if number in used:
            continue
        there = None
        if theirs := [column for column in every if number in column.on and id(column) not in kept]:
            wider = limited(Program(program.demand, [*program.columns, *theirs], program.handed))
            there = relaxed(wider, {(LEAST, number): -SOME})
        elif any(number in column.on for column in program.columns):
            there = relaxed(program, {(LEAST, number): -SOME})
        if there is not None:
            found.append(Lost(number, max(0.0, there.cost - base.cost) / SOME))
        else:
            found.append(Lost(number, None, "; ".join(_reasons(fillings, number)) or "its stock is empty"))
    return found


def _reasons(fillings: Sequence[Filling], option: int) -> list[str]:
    """Why no group of an option serves any class."""
    return [f"{filling.demand.classes[number].name}: {refusal(filling, number, option)}"
            for filling in fillings for number in filling.family.numbers]  # fmt: skip


def singles_of(
    demand: Demand, every: Sequence[Column], handed: Mapping[int, float], part: int
) -> dict[int, tuple[Sequence[Column], Fleet] | None]:  # fmt: skip
    """The cheapest fleet of each option alone, and the columns that it is of; None where it cannot serve all, or none
    is found in one of so many parts of the limits."""
    found = dict[int, tuple[Sequence[Column], Fleet] | None]()
    for number in range(len(demand.options)):
        columns = needed(demand, [column for column in every if set(column.on) == {number}])
        fleet = solved(limited(Program(demand, columns, handed)), part=part) if columns else None
        found[number] = None if fleet is None else (columns, fleet)
    return found


def among(program: Program, columns: Sequence[Column], fleet: Fleet) -> tuple[Program, Fleet]:
    """A fleet of some columns as one of a program's and these together, and that program."""
    known = {id(column): place for place, column in enumerate(program.columns)}
    every = [*program.columns, *(column for column in columns if id(column) not in known)]
    places = {id(column): place for place, column in enumerate(every)}
    there = limited(Program(program.demand, every, program.handed))
    moved = dict[Key, float]()
    for name, value in fleet.values.items():
        place = name[1] if name[0] in OF_COLUMN else None
        moved[name if not isinstance(place, int) else (name[0], places[id(columns[place])], *name[2:])] = value
    return there, replace(fleet, values=moved)
