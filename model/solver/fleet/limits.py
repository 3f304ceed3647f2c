"""Limits of a fleet as rows of its program: stocks, watts, chips, dollars, and links between machines."""

from steptime.model.solver.fleet.demand import HOUR, Role
from steptime.model.solver.fleet.program import HANDED, OWNED, RENTED, Program

STOCK, POWER, BUDGET, CHIPS, PAIR, LEAST = "stock", "power", "budget", "chips", "pair", "least"


def limited(program: Program) -> Program:
    """The program with all limits of its demand; those of the whole fleet are rows whose right side is one. Chips of
    each option, negative, have rows too: what it costs to take some tells why an option is left out."""
    for period in range(program.demand.periods):
        _stocks(program, period)
        _totals(program, period)
        _links(program, period)
    _budget(program)
    for number in range(len(program.demand.options)):
        program.most.add((LEAST, number), 0.0)
    for place, column in enumerate(program.columns):
        for option, chips in column.on.items():
            program.most.put((LEAST, option), program.places[OWNED, place], -float(chips))
    return program


def _stocks(program: Program, period: int) -> None:
    """Chips of an option."""
    for number, option in enumerate(program.demand.options):
        if option.stock is not None:
            program.most.add((STOCK, number, period), float(option.stock))
    for place, column in enumerate(program.columns):
        for number, chips in column.on.items():
            if program.demand.options[number].stock is not None:
                program.put_groups((STOCK, number, period), place, period, float(chips))


def _totals(program: Program, period: int) -> None:
    """Watts and chips of the fleet, over what it may have."""
    caps = program.demand.caps
    for name, most in {POWER: caps.power, CHIPS: caps.chips}.items():
        if most is None:
            continue
        program.most.add((name, period), 1.0)
        for place, column in enumerate(program.columns):
            each = program.watts(column) if name == POWER else column.chips
            program.put_groups((name, period), place, period, each / most)


def _budget(program: Program) -> None:
    """Dollars of the mean hour, over what there are."""
    demand = program.demand
    if demand.caps.budget is None:
        return
    program.most.add((BUDGET,), 1.0)
    hourly = demand.caps.budget * HOUR
    for place, column in enumerate(program.columns):
        program.most.put((BUDGET,), program.places[OWNED, place], program.dollars(column) / hourly)
        for period in range(demand.periods):
            if (rented := program.places.get((RENTED, place, period))) is not None:
                program.most.put((BUDGET,), rented, program.dollars(column, True) / demand.periods / hourly)


def _links(program: Program, period: int) -> None:
    """What crosses a stated link is at most its bandwidth times the chips at either end."""
    for link in program.demand.links or ():
        if link.bandwidth is None:
            continue
        ends = [number for number, one in enumerate(program.demand.options) if one.name in link.between]
        for source, target in ((a, b) for a in ends for b in ends if a != b):
            _crossed(program, link.bandwidth, source, target, period)


def _crossed(program: Program, bandwidth: float, source: int, target: int, period: int) -> None:
    for role, option in ((Role.PREFILL, source), (Role.DECODE, target)):
        name = (PAIR, role, source, target, period)
        program.most.add(name, 0.0)
        for number, unit in enumerate(program.units):
            if (variable := program.places.get((HANDED, source, target, number, period))) is not None:
                program.most.put(name, variable, unit * program.handed[number] / bandwidth)
        for place, column in enumerate(program.columns):
            if column.option == option and column.role.part == role:
                program.put_groups(name, place, period, -float(column.layout.chips))
