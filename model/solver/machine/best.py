"""The best machine that a budget or a power limit buys: resources, what they are worth, and how they tie.

A geometric program, so the optimum is global for the layouts that stand; one workload whose terms overlap has a closed
form, which must agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.prices import GOODS
from steptime.model.choices import MachineGoal
from steptime.model.errors import NotSolved
from steptime.model.scenario import Scenario
from steptime.model.solver.geometric import GeometricProgram, Optimum
from steptime.model.solver.machine import balanced
from steptime.model.solver.machine.bounds import within
from steptime.model.solver.machine.closed_form import SAME, Closed, closed_form
from steptime.model.solver.machine.design import GOOD, RATE, VARIABLE, Design, Row
from steptime.model.solver.machine.sizes import must_be_possible, settled, start_of
from steptime.model.solver.sensitivity import FIXED, Elasticity, Envelope, log_slope

UNITS = {MachineGoal.STEP_TIME: "s per step", MachineGoal.COST: "$ per token", MachineGoal.ENERGY: "J per token"}


@dataclass(frozen=True)
class Machine:
    """The best machine. ``amounts`` of the whole machine by resource, stacks as a number; ``spent`` by limit and
    resource, ``base`` too; ``part_times`` by workload. Prices as in ``Solution``: of terms never negative, of limits
    d ln cost / d ln limit; ``price_ends`` where they are not unique. ``layouts_proved``: every layout was stated, or no
    other does better."""

    design: Design
    cost: float
    amounts: Mapping[str, float]
    spent: Mapping[str, Mapping[str, float]]
    part_times: tuple[Mapping[str, float], ...]
    rows: tuple[Row, ...]
    optimum: Optimum
    closed: Closed | None
    batch_chosen: bool = False
    layouts_proved: bool = True

    @property
    def unit(self) -> str:
        return UNITS[self.design.minimise]

    def rates(self, number: int = 0) -> dict[Symbol, float]:
        """A chip's rates in a workload's format."""
        numbers = Scenario({**self.design.numbers, **{VARIABLE[name]: self.amounts[name] for name in GOODS}})
        return {symbol: float(numbers.evaluate(rate)) for symbol, rate in self.design.rates[number].items()}

    def step_time(self, number: int) -> float:
        return sum(self.part_times[number].values())

    @property
    def mean_step_time(self) -> float:
        """The mean over all steps, each workload's as many as its share of the tokens takes."""
        return sum(share * self.step_time(number) for number, share in enumerate(self.design.step_shares))

    @property
    def time_shares(self) -> tuple[float, ...]:
        """Of the machine's time, each workload's share: w·t/(b·T) of it."""
        steps = self.design.step_shares
        return tuple(share * self.step_time(number) / self.mean_step_time for number, share in enumerate(steps))

    @property
    def needed(self) -> dict[str, float]:
        """Of what was bought, what some workload keeps busy; stacks as bandwidth alone asks for them."""
        busy = dict.fromkeys(GOODS, 0.0)
        for number, workload in enumerate(self.design.workloads):
            scenario = workload.case.scenario | self.rates(number)
            for part, terms in workload.parts.items():
                for term, time in terms.items():
                    use = scenario.evaluate(time) / self.part_times[number][part]
                    busy[GOOD[term]] = max(busy[GOOD[term]], use)
        return {name: busy[name] * self.amounts[name] for name in GOODS}

    def price(self, label: str, workload: int | None = None) -> float:
        """What all rows of one name are worth together."""
        found = self.optimum.prices.found
        return float(sum(found[place] for place in self._places(label, workload)))

    def price_ends(self, label: str, workload: int | None = None) -> tuple[float, float]:
        effect = np.zeros(len(self.rows))
        effect[list(self._places(label, workload))] = 1.0
        return self.optimum.prices.ends(effect)

    def _places(self, label: str, workload: int | None) -> list[int]:
        return [place for place, row in enumerate(self.rows) if row.label == label and workload in (None, row.workload)]

    @property
    def slack(self) -> dict[str, float]:
        """The unused fraction of each limit."""
        there = self._there()
        found: dict[str, float] = {}
        for row in self.rows:
            if row.workload is None or row.label not in GOOD:
                unused = 1 - float(there.evaluate(row.expr))
                found[row.label] = min(unused, found.get(row.label, np.inf))
        return found

    def _there(self) -> Scenario:
        return Scenario({**self.design.numbers, **self.optimum.values})

    def sensitivities(self) -> dict[str, Elasticity]:
        """The elasticity of what is minimised to every price, limit and figure of the workloads, all else adjusting."""
        factor = sympy.Mul(*self.design.factors(), evaluate=False)
        effects = Envelope(factor, tuple(row.expr for row in self.rows), self._there(), self.optimum.prices)
        prices = set().union(factor.free_symbols, *(row.expr.free_symbols for row in self.rows))
        found = {symbol.name: effects.to(symbol) for symbol in _by_name(prices & set(self.design.numbers))}
        for symbol in _by_name(self._figures()):
            row = np.array([self._case_slope(one, symbol) for one in self.rows])
            direct, ends = self._tokens_slope(symbol), self.optimum.prices.ends(row)
            found[symbol.name] = Elasticity(
                direct + float(row @ self.optimum.prices.found), *(direct + end for end in ends)
            )
        return {name: worth for name, worth in found.items() if max(map(abs, worth.ends)) > SAME}

    def _figures(self) -> set[Symbol]:
        """Figures of the workloads that reach a term or what is held."""
        found: set[Symbol] = set()
        for row in self.rows:
            if row.workload is not None:
                case = self.design.workloads[row.workload].case
                reach = case.scenario.expand(row.of_case).free_symbols & set(case.scenario.values)
                found |= {symbol for symbol in reach if symbol not in case.absent}
        return found - FIXED - set(RATE.values())

    def _tokens_slope(self, symbol: Symbol) -> float:
        """What a figure does to the tokens that a step yields: a workload whose steps yield more takes fewer of them,
        and where the mean step is asked for, the others' count for more."""
        per_step = self.design.step_shares if self.design.minimise == MachineGoal.STEP_TIME else None
        found = 0.0
        for number, workload in enumerate(self.design.workloads):
            case = workload.case
            if symbol in case.scenario.values:
                weight = self.time_shares[number] - (per_step[number] if per_step else 0.0)
                found -= weight * log_slope(q.batch * case.phase.yields, case.scenario, symbol)
        return found

    def _case_slope(self, row: Row, symbol: Symbol) -> float:
        if row.workload is None:
            return 0.0
        scenario = self.design.workloads[row.workload].case.scenario | self.rates(row.workload)
        return log_slope(row.of_case, scenario, symbol) if symbol in scenario.values else 0.0

    def ties(self, number: int) -> list[str]:
        """The terms that take all of the time of their part."""
        case = self.design.workloads[number].case
        scenario = case.scenario | self.rates(number)
        found = []
        for part, terms in self.design.workloads[number].parts.items():
            whole = self.part_times[number][part]
            found += [term for term, time in terms.items() if scenario.evaluate(time) > whole * (1 - 10 * SAME)]
        return list(dict.fromkeys(found))


def best_machine(design: Design) -> Machine:
    """The best machine of a design; raises UserError where a limit cannot be met, NotSolved where a check fails."""
    must_be_possible(design)
    numbers = {symbol: sympy.Float(value, 17) for symbol, value in design.numbers.items()}
    rows = tuple(design.rows())
    times = [time for parts in design.times() for time in parts.values()]
    program = GeometricProgram(
        (*(VARIABLE[name] for name in design.for_sale), *times),
        tuple(factor.xreplace(numbers) for factor in design.factors()),
        tuple(row.expr.xreplace(numbers) for row in rows),
    )
    closed = closed_form(design)
    start = within(design.bounds, program, rows, start_of(design, rows, numbers))
    optimum = settled(design, program, program.solve(start), rows, numbers)
    amounts = {name: optimum.values.get(VARIABLE[name], design.floor(name)) for name in GOODS}
    part_times = tuple({part: optimum.values[symbol] for part, symbol in parts.items()} for parts in design.times())
    found = Machine(design, float(np.exp(optimum.log_cost)), amounts, _spent(design, amounts), part_times, rows,
                    optimum, closed)  # fmt: skip
    if closed is not None and abs(found.step_time(0) / closed.step_time - 1) > SAME:
        raise NotSolved(
            f"the closed form gives a step of {closed.step_time:g} s, the optimiser {found.step_time(0):g} s"
        )
    return found


def _spent(design: Design, amounts: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Dollars and watts of each resource and of the base."""
    numbers = design.numbers
    return {
        limit: {name: numbers[unit[name]] * amounts[name] for name in GOODS} | {"base": numbers[unit["base"]]}
        for limit, unit in balanced.UNIT.items()
    }


def _by_name(symbols: set[Symbol]) -> list[Symbol]:
    return sorted(symbols, key=lambda symbol: symbol.name)
