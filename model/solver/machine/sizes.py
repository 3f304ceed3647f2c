"""How large a machine must be, may be, and is where more than one size would do."""

from collections.abc import Mapping

import numpy as np
from sympy import Expr, Symbol

from steptime.model.catalog.prices import GOODS
from steptime.model.choices import MachineGoal, Overlap
from steptime.model.economics import machine
from steptime.model.errors import NotSolved, UserError
from steptime.model.scenario import Scenario
from steptime.model.solver.geometric import GeometricProgram, Optimum
from steptime.model.solver.machine import balanced
from steptime.model.solver.machine.closed_form import SAME, limits_of
from steptime.model.solver.machine.design import GOOD, VARIABLE, Design, Row

MADE_OF = {"budget": machine.stacked_spend, "power": machine.stacked_power}
PLENTY = 1e21
"""More of anything than a machine has: where what costs nothing starts, before what idles is taken away."""
COUNTS = {MachineGoal.STEP_TIME: (), MachineGoal.COST: ("budget", "power"), MachineGoal.ENERGY: ("power",)}
"""Prices that enter what is minimised."""


def must_be_possible(design: Design) -> None:
    """Raises UserError naming the limit that even the least machine breaks, and by how much."""
    for name in design.for_sale:
        if all(design.numbers[balanced.UNIT[limit][name]] == 0 for limit in design.limits):
            _free(design, name)
    stack, held = design.prices.goods["stack"], max(workload.capacity for workload in design.workloads)
    most = design.most("stack")
    if most is not None and design.chips * held / design.prices.stack_capacity > most:
        room = most / design.chips * design.prices.stack_capacity
        amount = f"{(stack.given or stack.most or 0):g} stacks"
        raise UserError(f"infeasible: a chip must hold {held:.4g} B, {held / room:.4g} times what its {amount} do; "
                        "more chips, a smaller batch or a shorter context need less")  # fmt: skip
    least = {VARIABLE[name]: design.floor(name) for name in GOODS}
    for name, value in design.limits.items():
        needed = float(Scenario({**design.numbers, **least}).evaluate(MADE_OF[name]))
        if needed >= value:
            unit = {"budget": "$", "power": "W"}[name]
            raise UserError(f"infeasible: the base, and stacks for {held:.4g} B a chip on {design.chips} chips, take "
                            f"{needed:.4g} {unit}, {needed / value:.4g} times the {name}")  # fmt: skip


def _free(design: Design, name: str) -> None:
    """A resource that costs nothing under any limit: raises UserError where there is no end to what more of it does."""
    limits = " and ".join(design.limits)
    others = [n for n in design.for_sale if any(design.numbers[balanced.UNIT[li][n]] > 0 for li in design.limits)]
    if not others:
        raise UserError(f"{design.prices.origin}: nothing that is for sale costs anything under {limits}")
    adds_up = any(workload.case.inputs.overlap != Overlap.FULL for workload in design.workloads)
    if adds_up and design.most(name) is None:
        raise UserError(f"{design.prices.missing(name, 'most')} is missing: it costs nothing under {limits}, and "
                        "without full overlap more of it is always faster")  # fmt: skip


def start_of(design: Design, rows: tuple[Row, ...], numbers: Mapping[Symbol, Expr]) -> dict[Symbol, float]:
    """A feasible machine: what each limit leaves, spread evenly; and the times that it takes."""
    start: dict[Symbol, float] = {}
    for name in design.for_sale:
        floor, most = design.floor(name), design.most(name)
        affordable = [
            floor + 0.9 * (limit.available - sum(limit.price[n] * design.floor(n) for n in limit.price))
            / len(limit.price) / limit.price[name]
            for limit in limits_of(design) if limit.price[name] > 0
        ]  # fmt: skip
        start[VARIABLE[name]] = min([*affordable, most or np.inf]) if affordable else most or max(floor, PLENTY)
    return start | times_of(design, rows, numbers, start)


def times_of(
    design: Design, rows: tuple[Row, ...], numbers: Mapping[Symbol, Expr], amounts: Mapping[Symbol, float]
) -> dict[Symbol, float]:
    """The time of each part of each workload on a machine: that of its slowest term."""
    there, found = Scenario(amounts), {}
    for number, parts in enumerate(design.times()):
        for symbol in parts.values():
            terms = [
                float((there | {symbol: 1.0}).evaluate(row.expr.xreplace(numbers)))
                for row in rows
                if row.workload == number and row.label in GOOD and symbol in row.expr.free_symbols
            ]
            found[symbol] = max(terms)
    return found


def settled(
    design: Design, program: GeometricProgram, optimum: Optimum, rows: tuple[Row, ...], numbers: Mapping[Symbol, Expr]
) -> Optimum:
    """The optimum that is taken where there are more: of machines on which a token costs the same the fastest, and of
    a resource that costs nothing here no more than is busy."""
    prices = optimum.prices.found
    binding = [row.label for row, price in zip(rows, prices, strict=True)
               if row.label in design.limits and price > SAME]  # fmt: skip
    counts = {*binding, *COUNTS[design.minimise]}
    idle = [
        name for name in design.for_sale
        if not any(design.numbers[balanced.UNIT[limit][name]] > 0 for limit in counts)
    ]  # fmt: skip
    if (binding or design.minimise == MachineGoal.STEP_TIME) and not idle:
        return optimum
    amounts = {VARIABLE[name]: optimum.values[VARIABLE[name]] for name in design.for_sale}
    if not binding and design.minimise != MachineGoal.STEP_TIME:
        bounds = {VARIABLE[name]: bound for name in design.for_sale if (bound := design.most(name)) is not None}
        free = {VARIABLE[name] for name in idle}  # may lie at their bounds already, and hold nothing else back
        room = [bound / amounts[symbol] for symbol, bound in bounds.items() if symbol not in free]
        for limit in limits_of(design):
            spent = sum(limit.price[name] * amounts[VARIABLE[name]] for name in limit.price)
            room += [limit.available / spent] if spent > 0 else []
        grown = max(1.0, min(room, default=1.0))
        larger = {symbol: min(amount * grown, bounds.get(symbol, np.inf)) for symbol, amount in amounts.items()}
        try:
            optimum = program.at({**larger, **times_of(design, rows, numbers, larger)}, prices)
            amounts = larger
        except NotSolved:  # not all of the cost stays: the machine has a best size of its own
            pass
    times = times_of(design, rows, numbers, amounts)
    for name in idle:
        symbol = VARIABLE[name]
        busy = [
            float(Scenario({**amounts, **times}).evaluate(row.expr.xreplace(numbers)))
            for row in rows if row.workload is not None and row.label != "memory_capacity"
            and symbol in row.expr.free_symbols
        ]  # fmt: skip
        amounts[symbol] = max(amounts[symbol] * max(busy, default=0.0), design.floor(name))
    return program.at({**amounts, **times}, prices)
