"""A demand answered: the cheapest fleet at the bound and in practice, what its limits are worth, why others lost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from steptime.model.errors import UserError
from steptime.model.solver.fleet.candidates import Filling
from steptime.model.solver.fleet.checked import dollars_of, flows_of, must_hold
from steptime.model.solver.fleet.chosen import with_apart
from steptime.model.solver.fleet.columns import Column
from steptime.model.solver.fleet.demand import Demand
from steptime.model.solver.fleet.families import Family, families
from steptime.model.solver.fleet.limits import limited
from steptime.model.solver.fleet.lost import Lost, among, lost_of, singles_of
from steptime.model.solver.fleet.needed import needed
from steptime.model.solver.fleet.prices import Price, prices_of
from steptime.model.solver.fleet.program import Program
from steptime.model.solver.fleet.refusals import over_limits, unserved
from steptime.model.solver.fleet.solved import Fleet, Relaxed, relaxed, solved
from steptime.model.solver.fleet.usage import Group, Served, groups_of, served_of
from steptime.model.solver.fleet.waiting_prices import time_prices

Progress = Callable[[float], None]
QUICK = 2000
"""Variables up to which the program with whole groups is solved again for every limit."""
SAME = 1e-9
"""Costs that differ by less, relative, are the same."""
PART, SINGLE = 4, 30
"""Of the branches and seconds that there are one in so many are for whole groups at either level; for those of one
option alone."""


@dataclass(frozen=True)
class Level:
    """The answer at the bound, or in practice. ``cost`` of the fleet is what is minimised; ``singles``: the least with
    each option alone; ``columns``: all, of which the program has those that may be needed."""

    columns: Sequence[Column]
    program: Program
    fleet: Fleet
    relaxed: Relaxed
    groups: Sequence[Group]
    served: Sequence[Served]
    prices: Sequence[Price]
    lost: Sequence[Lost]
    singles: Mapping[int, float | None]
    dollars_per_hour: float | None

    @property
    def demand(self) -> Demand:
        return self.program.demand

    @property
    def chips(self) -> int:
        """Chips in the period with most."""
        return max(self._chips(period) for period in range(self.demand.periods))

    def _chips(self, period: int) -> int:
        return sum(self.fleet.groups(p, period) * self.program.columns[p].chips for p in self.fleet.used)

    @property
    def watts(self) -> float | None:
        """Watts in the period with most; None where the power of a machine is not known."""
        options, columns, used = self.demand.options, self.program.columns, self.fleet.used
        if any(options[option].power is None for place in used for option in columns[place].on):
            return None
        return max(sum(self.fleet.groups(place, period) * self.program.watts(columns[place]) for place in used)
                   for period in range(self.demand.periods))  # fmt: skip

    @property
    def tokens_per_second(self) -> float:
        """Prompts' and answers' tokens together, the mean over the day."""
        return sum(one.rate * (one.requests.prompt.mean + one.requests.output.mean) for one in self.served)

    @property
    def best_single(self) -> tuple[int, float] | None:
        """The best option alone."""
        known = {number: cost for number, cost in self.singles.items() if cost is not None}
        return min(known.items(), key=lambda item: item[1]) if known else None


@dataclass(frozen=True)
class Answer:
    """A demand answered. ``practice`` is None where the ideal alone was asked for, or no class has an estimate."""

    demand: Demand
    bound: Level
    practice: Level | None

    @property
    def best(self) -> Level:
        """The answer to go by: in practice where there is one."""
        return self.practice or self.bound


def solve_fleet(demand: Demand, progress: Progress = lambda share: None) -> Answer:
    """The cheapest fleet; raises UserError where nothing serves the demand within its limits."""
    found = list(families(demand, lambda share: progress(0.3 * share)))
    known = all(family.decode.estimate is not None for family in found)
    practice = _level(demand, found, True, lambda share: progress(0.3 + 0.4 * share)) if known else None
    bound = _level(demand, found, False, lambda share: progress(0.7 + 0.3 * share))
    progress(1.0)
    return Answer(demand, bound, practice)


def _level(demand: Demand, found: Sequence[Family], in_practice: bool, progress: Progress) -> Level:
    fillings, columns = list[Filling](), list[Column]()
    for done, family in enumerate(found):
        fillings.append(Filling(demand, with_apart(demand, family, in_practice), in_practice))
        columns += fillings[-1].columns()
        progress(0.4 * (done + 1) / len(found))
    where = "in practice " if in_practice else ""
    if said := unserved(fillings, columns):
        raise UserError(where + "; ".join(said))
    handed = {number: each for family in found for number, each in family.handed.items()}
    program = limited(Program(demand, needed(demand, columns), handed))
    base = relaxed(program)
    mixed = None if base is None else solved(program, part=PART, base=base)
    singles = {} if base is None else singles_of(demand, columns, handed, SINGLE)
    chosen, fleet = _cheaper(program, mixed, list(filter(None, singles.values())))
    if chosen is not program:
        program, base = chosen, relaxed(chosen)
    if base is None or fleet is None:
        raise UserError(f"{where}no fleet serves the demand within its limits: {over_limits(demand, columns, handed)}")
    must_hold(program, fleet)
    progress(0.6)
    flows = flows_of(program, fleet)
    groups = groups_of(program, fleet, flows)
    by_class = {number: filling for filling in fillings for number in filling.family.numbers}
    used = {option for place in fleet.used for option in program.columns[place].on}
    priced = all(demand.options[option].price is not None for option in used)
    return Level(
        columns, program, fleet, base, groups, served_of(program, fleet, flows, groups, by_class),
        [*prices_of(program, base, fleet, len(program.cost) <= QUICK, lambda share: progress(0.6 + 0.2 * share)),
         *time_prices(program, columns, base, fillings, lambda share: progress(0.8 + 0.2 * share))],
        lost_of(program, columns, base, fleet, fillings),
        {number: None if alone is None else alone[1].cost for number, alone in singles.items()},
        dollars_of(program, fleet) if priced else None,
    )  # fmt: skip


def _cheaper(
    program: Program, mixed: Fleet | None, singles: Sequence[tuple[Sequence[Column], Fleet]]
) -> tuple[Program, Fleet | None]:
    """The mix that was found, or the best machine alone where it costs less, since the search for mixes has a limit;
    and the program that it is of."""
    if not singles:
        return program, mixed
    columns, alone = min(singles, key=lambda one: one[1].cost)
    if mixed is not None and mixed.cost <= alone.cost + SAME * abs(alone.cost):
        return program, mixed
    there, fleet = among(program, columns, alone)
    bound = fleet.bound if mixed is None else mixed.bound
    return there, replace(fleet, bound=min(bound, fleet.cost))
