"""The closed form of a design: one workload whose terms overlap and start at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr

from steptime.model.catalog.prices import GOODS
from steptime.model.scenario import Scenario
from steptime.model.solver import balanced
from steptime.model.solver.design import GOOD, RATE, VARIABLE, Design

SAME = 1e-6
"""Relative difference up to which the closed form and the optimiser agree, and terms tie."""


@dataclass(frozen=True)
class Closed:
    """The closed form of one workload: what bounds the step time, and the formula where a limit does."""

    step_time: float
    bound_by: str
    formula: Expr | None
    amounts: Mapping[str, float]


def limits_of(design: Design) -> list[balanced.Limit]:
    """Each limit as the closed form takes it: what is left after the base and what is not chosen."""
    numbers = design.numbers
    found = []
    for name, value in design.limits.items():
        unit = balanced.UNIT[name]
        price = {good: numbers[unit[good]] for good in design.for_sale}
        fixed = sum(numbers[unit[good]] * design.floor(good) for good in GOODS if good not in design.for_sale)
        found.append(balanced.Limit(name, value - numbers[unit["base"]] - fixed, price))
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
        if abs(float((one | {RATE[good]: 2 * one.value(RATE[good])}).evaluate(time)) * 2 / work[good] - 1) > 1e-9:
            return None  # a start-up latency
    most = {name: bound for name in GOODS if (bound := design.most(name)) is not None}
    floor = {name: design.floor(name) for name in design.for_sale}
    found = balanced.fastest(work, floor, most, limits_of(design))
    binds = str(found.bound)
    formula = None
    if binds in design.limits:
        formula = balanced.formula(binds, found.free[int(found.choice)], floor)
    time = float(found.time)
    amounts = {name: max(work[name] / time, floor[name]) for name in design.for_sale}
    return Closed(time, binds, formula, amounts)


def has_one_size(design: Design) -> bool:
    """Whether only one size of machine is best: not where a token costs the same on machines of every size."""
    if design.minimise == "step-time":
        return True
    base = design.numbers[balanced.UNIT["budget" if design.minimise == "cost" else "power"]["base"]]
    return base > 0 or bool(design.prices.electricity)
