"""Why a class cannot be served on an option, or a demand not at all: which limit fails, by how much."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from steptime.model.solver.fleet.candidates import Filling
from steptime.model.solver.fleet.columns import Column
from steptime.model.solver.fleet.demand import HOUR, Demand, Goal, Role
from steptime.model.solver.fleet.limits import limited
from steptime.model.solver.fleet.program import SCALE, Program
from steptime.model.solver.fleet.serving import NEVER, Places
from steptime.model.solver.fleet.solved import relaxed


def refusal(filling: Filling, number: int, option: int) -> str:
    """The first thing that no layout of an option passes for a class, with what comes closest."""
    demand, family = filling.demand, filling.family
    one, place, sizes = demand.classes[number], family.numbers.index(number), demand.options[option].sizes
    rows = np.isin(family.columns["chips"], sizes) & family.whole
    if not rows.any():
        return f"no layout on {', '.join(map(str, sizes))} chips"
    filled = family.decode.filled[option, place, rows, 0]
    if (least := float(filled.min())) > 1:
        return f"memory: one sequence asks for {least:.3g} of what a group of {max(sizes)} chips has"
    possible = Places(np.full(np.count_nonzero(rows), option), np.flatnonzero(rows))
    steps = filling.decode[option, place, rows, 0]
    if float(steps[filled <= 1].min()) >= NEVER:
        return "a link that its layouts need has no bandwidth in the catalogue"
    firsts = filling.prompts(number, possible).max(axis=1) * family.units[rows]
    first, step = float(firsts[filled <= 1].min()), float(steps[filled <= 1].min())
    if one.max_ttft is not None and first > one.max_ttft:
        return f"max_ttft {one.max_ttft:.3g} s: its longest prompt alone takes {first:.3g} s at least"
    if one.max_tpot is not None and step > one.max_tpot:
        return f"max_tpot {1e3 * one.max_tpot:.3g} ms: a step of one sequence takes {1e3 * step:.3g} ms at least"
    return (f"no layout keeps {_limits(demand, number)} at any rate: alone a first token takes {first:.3g} s, a token "
            f"{1e3 * step:.3g} ms, on the fastest layout of each")  # fmt: skip


def _limits(demand: Demand, number: int) -> str:
    one = demand.classes[number]
    said = [f"max_ttft {one.max_ttft:.3g} s"] if one.max_ttft is not None else []
    said += [f"max_tpot {1e3 * one.max_tpot:.3g} ms"] if one.max_tpot is not None else []
    return " and ".join(said) or "its limits"


def unserved(fillings: Sequence[Filling], columns: Sequence[Column]) -> list[str]:
    """Classes that no groups serve whole, each with the reason on every option."""
    said = []
    for filling in fillings:
        for number in filling.family.numbers:
            roles = {column.role.part for column in columns if number in column.serves}
            if Role.TOGETHER not in roles and not {Role.PREFILL, Role.DECODE} <= roles:
                reasons = [f"{option.name}: {refusal(filling, number, at)}"
                           for at, option in enumerate(filling.demand.options)]  # fmt: skip
                said.append(f"class {filling.demand.classes[number].name} cannot be served; {'; '.join(reasons)}")
    return said


def over_limits(demand: Demand, columns: Sequence[Column], handed: Mapping[int, float]) -> str:
    """Which limits of the fleet stand in the way: the share of the demand that they let through, and what each would
    have to be, the others as they are, by the linear program."""
    caps, said = demand.caps, list[str]()
    program = limited(Program(replace(demand, goal=Goal.TOKENS), columns, handed))
    if (most := relaxed(program)) is not None:
        share = float(most.values[program.places[SCALE,]])
        said.append(
            f"at most {100 * share:.3g} % of the demand fits" if share < 1 else "groups are whole, and do not fit"
        )
    for name, has, without, goal, unit in (
        ("megawatts", caps.power, replace(caps, power=None), Goal.POWER, 1e-6),
        ("chips", caps.chips, replace(caps, chips=None), Goal.CHIPS, 1.0),
        ("budget", caps.budget and caps.budget * HOUR, replace(caps, budget=None), Goal.DOLLARS, 1.0),
    ):  # fmt: skip
        least = None if has is None else _least(replace(demand, goal=goal, caps=without), columns, handed)
        if has is not None and least is not None and least > has:
            said.append(f"{name} {has * unit:.4g}: {least * unit:.4g} are needed at least")
    if any(option.stock is not None for option in demand.options):
        plenty = replace(demand, options=tuple(replace(option, stock=None) for option in demand.options))
        if (chips := _least(replace(plenty, goal=Goal.CHIPS), columns, handed)) is not None:
            said.append(f"with no limit of stocks {chips:.4g} chips would do")
    return "; ".join(said) or "no limit alone is to blame"


def _least(demand: Demand, columns: Sequence[Column], handed: Mapping[int, float]) -> float | None:
    found = relaxed(limited(Program(demand, columns, handed)))
    return None if found is None else found.cost
