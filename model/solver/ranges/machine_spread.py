"""The spread of the best machine, where prices, limits or figures of the workloads are known within limits."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.prices import GOODS
from steptime.model.choices import MachineGoal
from steptime.model.errors import UserError
from steptime.model.solver.batch import RESOURCE
from steptime.model.solver.machine.balanced import UNIT
from steptime.model.solver.machine.best import Machine, best_machine
from steptime.model.solver.machine.design import Design, Workload
from steptime.model.solver.ranges.solved import Outcome, agreed_direction, spread_solved
from steptime.model.solver.ranges.uncertainty import Ranges, Spread, is_input
from steptime.model.step.case import Case

PRICES: Mapping[Expr, tuple[str, str]] = {
    **{UNIT["budget"][good]: (good, "dollars") for good in GOODS},
    **{UNIT["power"][good]: (good, "watts") for good in GOODS},
}
BASES: Mapping[Symbol, str] = {q.base_cost: "dollars", q.base_power: "watts"}
LISTED: Mapping[Symbol, str] = {
    q.stack_capacity: "stack_capacity", q.stack_bandwidth: "stack_bandwidth", q.machine_life: "life",
    q.electricity_price: "electricity",
}  # fmt: skip
LIMITS: Mapping[Symbol, str] = {q.budget: "budget", q.power_limit: "power"}


def machine_spread(found: Machine, ranges: Ranges, progress: Callable[[float], None]) -> Spread:
    """What is minimised, the step time, a chip's resources and the shares of the spend; layouts and batches stay.

    What is minimised is exact where every term, limit and price moves one way with each input.
    """
    design = found.design
    for symbol in ranges:
        if symbol == q.batch and found.batch_chosen:
            raise UserError(f"range of `{symbol.name}`: this is what is solved for; state `batch` to hold it")
        _must_be_known(design, symbol)

    def solve(values: Mapping[Symbol, float]) -> Outcome:
        return _outcome(best_machine(with_values(design, values)))

    def proved(output: str, symbol: Symbol) -> int | None:
        if output != ("step_time" if design.minimise == MachineGoal.STEP_TIME else "cost"):
            return None
        if symbol in {*PRICES, *BASES, *LISTED, *LIMITS}:
            return agreed_direction([*design.factors(), *(row.expr for row in found.rows)], symbol)
        cases = [(design.workloads[row.workload].case, row.of_case) for row in found.rows if row.workload is not None]
        exprs = [case.scenario.expand(expr) for case, expr in cases]
        yields = [case.scenario.expand(q.batch * case.phase.yields) for case in _cases(design)]
        if design.minimise != MachineGoal.STEP_TIME:
            exprs += [1 / tokens for tokens in yields]
        elif len(yields) > 1 and any(symbol in tokens.free_symbols for tokens in yields):
            return None  # what one step yields decides how many there are of each: the mean may move either way
        return agreed_direction(exprs, symbol)

    return spread_solved(ranges, solve, proved, progress=progress)


def _cases(design: Design) -> list[Case]:
    return [workload.case for workload in design.workloads]


def with_values(design: Design, values: Mapping[Symbol, float]) -> Design:
    """The design with other prices, limits, or figures of its workloads."""
    goods, base, limits, listed = dict(design.prices.goods), design.prices.base, dict(design.limits), {}
    figures = dict(values)
    for symbol in values:
        if symbol in PRICES:
            good, key = PRICES[symbol]
            goods[good] = replace(goods[good], **{key: figures.pop(symbol) * goods[good].amount})
        elif symbol in BASES:
            base = replace(base, **{BASES[symbol]: figures.pop(symbol) / design.chips})
        elif symbol in LISTED:
            listed[LISTED[symbol]] = figures.pop(symbol)
        elif symbol in LIMITS:
            limits[LIMITS[symbol]] = figures.pop(symbol)
    workloads = tuple(_workload(workload, figures) for workload in design.workloads)
    prices = replace(design.prices, goods=goods, base=base, **listed)
    return replace(design, prices=prices, limits=limits, workloads=workloads)


def _workload(workload: Workload, figures: Mapping[Symbol, float]) -> Workload:
    mine = {symbol: value for symbol, value in figures.items() if is_input(workload.case, symbol)}
    if not mine:
        return workload
    case = workload.case.changed(mine)
    return Workload.of(workload.name, workload.weight, case)


def _must_be_known(design: Design, symbol: Symbol) -> None:
    known = symbol in BASES or symbol in LISTED
    if symbol in LIMITS:
        known = LIMITS[symbol] in design.limits
    elif symbol in PRICES:
        good, key = PRICES[symbol]
        known = good in design.for_sale and getattr(design.prices.goods[good], key) is not None
    elif not known:
        known = any(is_input(workload.case, symbol) for workload in design.workloads)
        known = known and symbol not in {*design.rates[0], q.scale_up_domain}
    if not known:
        raise UserError(f"range of {symbol.name}: no price, limit or figure of this design")


def _outcome(found: Machine) -> Outcome:
    spent, chips = found.spent["budget"], found.design.chips
    whole = sum(spent.values())
    values = {"cost": found.cost} if found.design.minimise != MachineGoal.STEP_TIME else {}
    values |= {"step_time": found.mean_step_time}
    values |= {symbol.name: rate for symbol, rate in found.rates().items() if rate > 0}
    values |= {"stacks": found.amounts["stack"] / chips}
    if whole:
        values |= {f"{name} share": part / whole for name, part in spent.items() if part > 0}
    prices = {label: found.price(label) for label in (*RESOURCE, "memory_capacity")}
    top = max(prices, key=lambda name: prices[name])
    return Outcome(values, RESOURCE.get(top, top))
