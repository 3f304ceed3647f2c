"""A machine to be designed: its workloads, what is for sale, and the geometric program that chooses.

Every term of every workload is the same equation that `step` evaluates; only the rates are variables of the whole
machine instead of a chip's figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.prices import GOODS, PriceList
from steptime.model.choices import MachineGoal
from steptime.model.economics import machine
from steptime.model.errors import Unbound, UserError
from steptime.model.phases.memory import asked_capacity
from steptime.model.phases.phase import Phase
from steptime.model.precision import peak_format
from steptime.model.solver.limits import numbers_but
from steptime.model.solver.machine.balanced import UNIT
from steptime.model.solver.parts import parts_of
from steptime.model.step.case import Case
from steptime.model.step.inputs import UserLimit

GOOD = {"compute": "compute", "memory": "stack", "scale_up": "scale_up", "scale_out": "scale_out"}
"""Which resource a term waits for."""
RATE = {
    "compute": q.peak_flops,
    "stack": q.memory_bandwidth,
    "scale_up": q.scale_up_bandwidth,
    "scale_out": q.scale_out_bandwidth,
}
VARIABLE = {
    "compute": q.machine_flops,
    "stack": q.stacks,
    "scale_up": q.machine_link_bandwidth,
    "scale_out": q.machine_scale_out_bandwidth,
}
"""What is chosen, of the whole machine."""


@dataclass(frozen=True)
class Workload:
    """A case that the machine must run. ``weight``: its share of the tokens that all workloads yield together.

    ``parts``: of the step, whose times add up, each with its terms that overlap; ``held``: bytes on the fullest chip;
    ``capacity``: what it must have for them.
    """

    name: str
    weight: float
    case: Case
    parts: Mapping[str, Mapping[str, Expr]] = field(repr=False)
    held: float
    capacity: float

    @classmethod
    def of(cls, name: str, weight: float, case: Case) -> "Workload":
        """Raises UserError where the layout needs a link that is not sold."""
        try:
            parts = parts_of(case)
        except Unbound as error:
            links = {"scale_up_bandwidth": "[scale_up]", "scale_out_bandwidth": "[scale_out]"}
            lacking = ", ".join(sorted(links.get(name, name) for name in error.names))
            raise UserError(f"layout {case.layout} sends bytes over links without a price: {case.hardware.origin}: "
                            f"{lacking} is missing") from None  # fmt: skip
        held, capacity = map(case.scenario.evaluate, (q.memory_per_chip, asked_capacity))
        return cls(name, weight, case, parts, held, capacity)

    @property
    def tokens(self) -> float:
        """Tokens that a step yields."""
        return float(self.case.scenario.evaluate(q.batch * self.case.phase.yields))

    @property
    def needs(self) -> set[str]:
        """The resources that the step waits for."""
        return {GOOD[term] for terms in self.parts.values() for term in terms}


@dataclass(frozen=True)
class Row:
    """What must not exceed one: ``label`` names it; a term's or capacity's has its workload and the case's own
    expression."""

    label: str
    expr: Expr
    workload: int | None = None
    of_case: Expr = sympy.S.One


@dataclass(frozen=True)
class Design:
    """The workloads, the prices, the limits in base units and what is minimised; ``chips`` of the machine; ``bounds``
    on how long the step of each workload may take."""

    prices: PriceList
    workloads: tuple[Workload, ...]
    limits: Mapping[str, float]
    minimise: MachineGoal
    chips: int
    bounds: tuple[UserLimit, ...] = ()

    @property
    def step_shares(self) -> tuple[float, ...]:
        """Of all steps, each workload's share: as many as yield its share w of the tokens, so w/(b·T) of them."""
        steps = [workload.weight / workload.tokens for workload in self.workloads]
        return tuple(one / sum(steps) for one in steps)

    @property
    def needed(self) -> set[str]:
        return set().union(*(workload.needs for workload in self.workloads))

    @property
    def for_sale(self) -> tuple[str, ...]:
        """The resources whose amount is chosen."""
        return tuple(name for name, good in self.prices.goods.items() if name in self.needed and good.for_sale)

    def floor(self, name: str) -> float:
        """What the whole machine must have of a resource whatever the step time: bounds, and stacks for their bytes."""
        good = self.prices.goods.get(name)
        if good is None:
            return 0.0
        bytes_held = max(workload.capacity for workload in self.workloads) / self.prices.stack_capacity
        least = max(good.least or 0.0, bytes_held) if name == "stack" else good.least or 0.0
        return self.chips * (good.given if good.given is not None else least)

    @property
    def floor_is_bytes(self) -> bool:
        """Whether what must be held asks for more stacks than a bound does."""
        held = max(workload.capacity for workload in self.workloads) / self.prices.stack_capacity
        return held >= (self.prices.goods["stack"].least or 0.0)

    def most(self, name: str) -> float | None:
        """What the whole machine can have of a resource."""
        good = self.prices.goods.get(name)
        bound = None if good is None else good.given if good.given is not None else good.most
        return None if bound is None else self.chips * bound

    @property
    def numbers(self) -> dict[Symbol, float]:
        """A number for everything but what is chosen."""
        given = {VARIABLE[name]: self.floor(name) for name in GOODS if name not in self.for_sale}
        stack = {q.stack_capacity: self.prices.stack_capacity, q.stack_bandwidth: self.prices.stack_bandwidth}
        limits = {UNIT[name]["all"]: value for name, value in self.limits.items()}
        return {**given, **stack, **limits, **self._units("dollars", "budget"), **self._units("watts", "power"),
                q.electricity_price: self.prices.electricity or 0.0,
                **({q.machine_life: self.prices.life} if self.prices.life else {})}  # fmt: skip

    def _units(self, key: str, limit: str) -> dict[Symbol, float]:
        found: dict[Symbol, float] = {UNIT[limit]["base"]: self.chips * (getattr(self.prices.base, key) or 0.0)}
        for name in GOODS:
            good = self.prices.goods.get(name)
            price = 0.0 if good is None or not good.for_sale else good.unit(key)
            if price is None and (name in self.for_sale or self.floor(name) > 0):
                if self._counts(limit):
                    raise UserError(f"{self.prices.missing(name, key)} is missing")
                price = 0.0
            found[UNIT[limit][name]] = price or 0.0
        return found

    def _counts(self, limit: str) -> bool:
        """Whether dollars (budget) or watts (power) matter here."""
        if limit in self.limits:
            return True
        pays = self.minimise == MachineGoal.COST
        if limit == "budget":
            return pays
        return self.minimise == MachineGoal.ENERGY or (pays and bool(self.prices.electricity))

    @property
    def rates(self) -> list[dict[Symbol, Expr]]:
        """For each workload a chip's rates by what the machine has: an equal share, peaks by the workload's format."""
        found = []
        for workload in self.workloads:
            peak = self.prices.peaks[self.format_of(workload)]
            share = {name: VARIABLE[name] / self.chips for name in GOODS}
            share |= {"compute": peak * share["compute"], "stack": q.stack_bandwidth * share["stack"]}
            found.append({RATE[name]: rate for name, rate in share.items()})
        return found

    def format_of(self, workload: Workload) -> str:
        """The format in which the workload multiplies, as the price list names it: fp16 runs as bf16 does."""
        return peak_format(workload.case.precision["activations"], tuple(self.prices.peaks))

    def times(self) -> list[dict[str, Symbol]]:
        """A variable for the time of each part of each workload."""
        return [
            {part: Symbol(f"time_{number}_{place}", positive=True) for place, part in enumerate(workload.parts)}
            for number, workload in enumerate(self.workloads)
        ]

    def rows(self) -> list[Row]:
        """Terms, capacity, limits and bounds, in the logarithmic program's form."""
        times, rows = self.times(), []
        for number, (workload, rates_of) in enumerate(zip(self.workloads, self.rates, strict=True)):
            for part, terms in workload.parts.items():
                for term, time in terms.items():
                    seconds = numbers_but(workload.case, time, *rates_of).xreplace(rates_of)
                    rows.append(Row(term, seconds / times[number][part], number, time))
            if "stack" in self.for_sale:
                held = self.chips * sympy.Float(workload.capacity)
                rows.append(Row("memory_capacity", machine.stacks_for_bytes.xreplace({q.capacity_needed: held})
                                / q.stacks, number, asked_capacity))  # fmt: skip
            for one in self.bounds:
                most = longest(one, workload.case.phase)
                whole = sympy.Add(*times[number].values())
                rows.append(Row(one.quantity.name, whole / numbers_but(workload.case, most), number, 1 / most))
        limits = {"budget": machine.stacked_spend / q.budget, "power": machine.stacked_power / q.power_limit}
        rows += [Row(name, limits[name]) for name in self.limits]
        for name in self.for_sale:
            good, amount = self.prices.goods[name], VARIABLE[name]
            if good.least is not None:
                rows.append(Row(f"least {name}", self.chips * sympy.Float(good.least) / amount))
            if good.most is not None:
                rows.append(Row(f"most {name}", amount / (self.chips * sympy.Float(good.most))))
        return rows

    def factors(self) -> tuple[Expr, ...]:
        """What is minimised: the product of these. Weights are shares of the tokens, whatever is minimised: the mean
        step time and the mean seconds of a token differ by the mean tokens of a step alone."""
        per_token = [workload.weight / workload.tokens for workload in self.workloads]
        weights = self.step_shares if self.minimise == MachineGoal.STEP_TIME else per_token
        each_time = zip(weights, self.times(), strict=True)
        seconds = sympy.Add(*[sympy.Float(weight) * sympy.Add(*times.values()) for weight, times in each_time])
        each = {
            MachineGoal.STEP_TIME: (),
            MachineGoal.COST: (machine.running_cost,),
            MachineGoal.ENERGY: (machine.stacked_power,),
        }[self.minimise]
        return (*each, seconds)


def longest(limit: UserLimit, phase: Phase) -> Expr:
    """The seconds that a step may take: of a rate, what it yields over the rate."""
    made = {
        q.step_time: sympy.Float(limit.value, 17),
        q.tokens_per_second: q.batch * phase.yields / limit.value,
        q.tokens_per_second_per_sequence: phase.yields / limit.value,
    }
    return made[limit.quantity]
