"""The closed form of a design: one workload whose terms overlap and start at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr, Float, S

from steptime.model import symbols as q
from steptime.model.catalog.prices import GOODS
from steptime.model.scenario import Scenario
from steptime.model.solver.machine import balanced
from steptime.model.solver.machine.design import GOOD, RATE, VARIABLE, Design

SAME = 1e-6
"""Relative difference up to which the closed form and the optimiser agree, and terms tie."""


@dataclass(frozen=True)
class Closed:
    """The closed form of one workload: what bounds the step time, and the formula where a limit does."""

    step_time: float
    bound_by: str
    formula: Expr | None
    amounts: Mapping[str, float]


INFINITE, NOTHING = 1e60, 1e-15
"""A rate at which no work takes time, and seconds that are none."""


def _scales(design: Design) -> dict[str, Expr]:
    """What a FLOP or byte weighs beside one as it is sold: efficiencies, and the format in which FLOP are counted."""
    case = design.workloads[0].case
    efficiency = {"compute": q.compute_efficiency, "stack": q.memory_efficiency, "scale_up": q.interconnect_efficiency,
                  "scale_out": q.interconnect_efficiency}  # fmt: skip
    found: dict[str, Expr] = {name: 1 / e for name, e in efficiency.items() if case.number(e) != 1}
    if (peak := design.prices.peaks[design.format_of(design.workloads[0])]) != 1:
        found["compute"] = found.get("compute", S.One) / Float(peak, 6)
    return found


def _fixed(design: Design, limit: str) -> float:
    """What bounds make the machine have of resources that are not chosen, in dollars or watts."""
    unit, numbers = balanced.UNIT[limit], design.numbers
    return float(sum(numbers[unit[good]] * design.floor(good) for good in GOODS if good not in design.for_sale))


def limits_of(design: Design) -> list[balanced.Limit]:
    """Each limit as the closed form takes it: what is left after the base and what is not chosen."""
    numbers = design.numbers
    found = []
    for name, value in design.limits.items():
        unit = balanced.UNIT[name]
        price = {good: numbers[unit[good]] for good in design.for_sale}
        found.append(balanced.Limit(name, value - numbers[unit["base"]] - _fixed(design, name), price))
    return found


def closed_form(design: Design) -> Closed | None:
    """The closed form of one workload whose terms overlap and start at once; None where there is none."""
    if len(design.workloads) > 1 or len(design.workloads[0].parts) > 1 or not design.limits:
        return None
    (terms,), rates = design.workloads[0].parts.values(), design.rates[0]
    work = {}
    for term, time in terms.items():
        good = GOOD[term]
        unit = Scenario({**design.numbers, VARIABLE[good]: 1.0})
        one = design.workloads[0].case.scenario | {RATE[good]: float(unit.evaluate(rates[RATE[good]]))}
        work[good] = float(one.evaluate(time))
        if float((one | {RATE[good]: INFINITE}).evaluate(time)) > NOTHING:
            return None  # a start-up latency
    most = {name: bound for name in GOODS if (bound := design.most(name)) is not None}
    floor = {name: design.floor(name) for name in design.for_sale}
    found = balanced.fastest(work, floor, most, limits_of(design))
    binds = str(found.bound)
    formula = None
    if binds in design.limits:
        bytes_bind = floor.get("stack", 0.0) > 0 and design.floor_is_bytes
        formula = balanced.formula(binds, found.free[int(found.choice)], floor, _scales(design), bytes_bind,
                                   _fixed(design, binds))  # fmt: skip
    time = float(found.time)
    amounts = {name: max(work[name] / time, floor[name]) for name in design.for_sale}
    return Closed(time, binds, formula, amounts)
