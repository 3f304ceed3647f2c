"""Which layout and batch a workload takes on a machine that is designed for it: those that ask for the least.

What a layout asks of each resource does not depend on how much of it is bought, so the closed form gives the best
machine of every layout and batch at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.prices import PriceList
from steptime.model.choices import Copies, MachineGoal, Overlap, PhaseName, Split
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import Columns, layout_of, layouts
from steptime.model.layout.layout import Layout
from steptime.model.phases.memory import asked_capacity
from steptime.model.scenario import Scenario
from steptime.model.solver.machine import balanced
from steptime.model.solver.machine.bounds import SLACK, missed
from steptime.model.solver.machine.design import GOOD, RATE, longest
from steptime.model.step.default_layout import trainable
from steptime.model.step.inputs import UserLimit
from steptime.model.step.many_layouts import degree_columns
from steptime.model.step.prepared import Prepared

Array = np.ndarray
LAYOUTS = 12
"""Layouts that are solved for where the closed form is only a guide."""
INFINITE = 1e60
NEVER = 1e100
"""Seconds of a step over a link that is not sold."""


@dataclass(frozen=True)
class Market:
    """What can be bought: prices, limits, what is minimised, and the chips of the machine; ``bounds`` on the step."""

    prices: PriceList
    limits: Mapping[str, float]
    minimise: MachineGoal
    chips: int
    bounds: tuple[UserLimit, ...] = ()

    def limit(self, name: str) -> balanced.Limit:
        """A limit after what the base takes; raises UserError for a price that is missing."""
        key = {"budget": "dollars", "power": "watts"}[name]
        price: dict[str, float] = {}
        for good, entry in self.prices.goods.items():
            if entry.for_sale:
                unit = entry.unit(key)
                if unit is None:
                    raise UserError(f"{self.prices.missing(good, key)} is missing")
                price[good] = unit
        return balanced.Limit(name, self.limits[name] - self._base(key), price)

    def cost(self, time: Array, amounts: Mapping[str, Array], tokens: Array) -> Array:
        """What is minimised, of machines of the closed form."""
        if self.minimise == MachineGoal.STEP_TIME:
            return time
        watts = self._taken("watts", amounts)
        if self.minimise == MachineGoal.ENERGY:
            return np.asarray(watts * time / tokens)
        bought = self._taken("dollars", amounts) / (self.prices.life or 1.0)
        return np.asarray((bought + (self.prices.electricity or 0.0) * watts) * time / tokens)

    def _taken(self, key: str, amounts: Mapping[str, Array]) -> Array:
        units = {name: good.unit(key) or 0.0 for name, good in self.prices.goods.items() if good.for_sale}
        return np.asarray(self._base(key) + sum(unit * amounts[name] for name, unit in units.items()))

    def _base(self, key: str) -> float:
        return self.chips * float(getattr(self.prices.base, key) or 0.0)


def promising(asked: Prepared, market: Market, batches: Sequence[int]) -> list[tuple[Layout, int]]:
    """Layouts and batches by the closed form: the best first, the smallest batch among equals; then the best of each
    other batch, and other layouts at the best one. Raises UserError where none is possible.

    Where all terms overlap and start at once the closed form is exact, and the first is the best of all.
    """
    accounts = asked.accounts
    columns = trainable(accounts, layouts(accounts.model, [market.chips]), asked.values, asked.phase)
    if not len(columns["tp"]):
        raise UserError(f"no layout of {accounts.name} on {market.chips} chips trains with this batch; state `layout`")
    tables, lacking, late = [], np.inf, np.inf
    for ffn_all in (0, 1):
        rows = columns["ffn_all"] == ffn_all
        if rows.any():
            some = {name: column[rows] for name, column in columns.items()}
            costs, taken, over = _costs(asked, some, market, np.array(batches, float))
            lacking, late = min(lacking, float(np.min(taken))), min(late, over)
            tables.append((some, costs))
    every = np.concatenate([costs for _, costs in tables])
    if not np.isfinite(every).any() and 1 < late < np.inf:
        raise missed(market.bounds, late)
    if not np.isfinite(every).any():
        takes = f"what must be bought anyway takes {lacking:.4g} times the {' or '.join(market.limits)}: the base, "
        takes += "stacks for the bytes that it holds, and bounds"
        why = takes if lacking > 1 else "it needs links that are not sold, or more stacks than a chip may have"
        raise UserError(f"infeasible: {accounts.name} on {market.chips} chips, in any layout: {why}")
    places = [(some, row) for some, costs in tables for row in range(len(costs))]
    equal = every <= np.min(every) * (1 + 1e-12)
    best = int(np.argmax(equal.any(axis=0)))
    first = int(np.argmax(equal[:, best]))
    order = [(first, best), *((int(row), best) for row in np.argsort(every[:, best], kind="stable")[:LAYOUTS])]
    order += [(int(np.argmin(every[:, column])), column) for column in range(len(batches))]
    found = dict.fromkeys((row, column) for row, column in order if np.isfinite(every[row, column]))
    return [(layout_of(*places[row]), batches[column]) for row, column in found]


def starts_at_once(asked: Prepared) -> bool:
    """Whether the closed form is exact: all terms overlap, and no collective has a start-up latency."""
    latencies = [asked.values.get(symbol, 0.0) for symbol in (q.scale_up_latency, q.scale_out_latency)]
    return asked.inputs.overlap == Overlap.FULL and not any(latencies)


def _costs(asked: Prepared, columns: Columns, market: Market, batches: Array) -> tuple[Array, Array, float]:
    """What is minimised, a row a layout and a column a batch: infinite where it does not fit, needs links that are not
    sold, leaves ranks idle, or takes longer than it may; what base and floors take over the limits; and how many times
    as long as it may the fastest takes."""
    prices, chips, accounts = market.prices, market.chips, asked.accounts
    plan = replace(asked.plan, ffn=Split.STAGE if columns["ffn_all"][0] else Split.TENSOR)
    numbers: dict[Symbol, Any] = {**asked.values, **degree_columns(columns), q.chips: float(chips)}
    numbers |= {q.batch: batches[None, :], q.scale_up_domain: float(prices.domain)}
    numbers[q.stage_chips] = numbers[q.tensor_parallel] * numbers[q.context_parallel] * numbers[q.data_parallel]
    unit = {"compute": asked.values[q.peak_flops] / prices.goods["compute"].amount, "stack": prices.stack_bandwidth}
    for name, rate in RATE.items():
        numbers[rate] = unit.get(name, 1.0) / chips if name in prices.goods else 1 / NEVER**2
    definitions = Scenario(numbers, asked.phase.definitions)
    sizes = {symbol: definitions.value(symbol) for symbol in asked.phase.definitions}
    shape = (len(columns["tp"]), len(batches))
    held = np.broadcast_to(accounts.rooms(plan, asked.phase).of(columns, slice(None), {**numbers, **sizes}), shape)
    least = {name: chips * (good.least or 0.0) for name, good in prices.goods.items() if good.for_sale}
    stacks = chips * (definitions | {q.memory_per_chip: held}).evaluate(asked_capacity) / prices.stack_capacity
    floor: dict[str, Any] = {**least, "stack": np.maximum(stacks, least.get("stack", 0.0))}
    bound = {name: good.given or good.most for name, good in prices.goods.items()}
    most = {name: chips * amount for name, amount in bound.items() if amount is not None}
    priced = [market.limit(name) for name in market.limits]
    tokens = np.asarray(definitions.evaluate(q.batch * asked.phase.yields))
    possible = np.full(shape, True) if "stack" not in most else stacks <= most["stack"]
    if asked.phase.name != PhaseName.TRAIN:
        ranks = numbers[q.replicas] * numbers[q.data_parallel] * numbers[q.pipeline_parallel]
        whole = batches[None, :] >= ranks
        possible = possible & (whole if whole.any() else True)
    best, late = np.full(shape, np.inf), np.inf
    may = [np.broadcast_to(definitions.evaluate(longest(one, asked.phase)), shape) for one in market.bounds]
    for copies in Copies:
        slots = accounts.ledger(replace(plan, copies=copies), asked.phase).slots
        scenario = Scenario(numbers, slots)
        at_once = Scenario({**numbers, **dict.fromkeys(RATE.values(), INFINITE)}, slots)  # start-up latencies are left
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            terms = asked.phase.blackboard.terms
            work = {GOOD[term.name]: np.broadcast_to(scenario.evaluate(term.time), shape) for term in terms}
            waits = np.array(np.broadcast_arrays(*[at_once.evaluate(term.time) for term in terms]))
            overlapped = balanced.fastest(work, floor, most, priced).time
            time = overlapped + waits.max(axis=0)
            amounts = {name: np.maximum(work[name] / time, floor.get(name, 0.0)) for name in work}
            if asked.inputs.overlap == Overlap.NONE:
                amounts |= balanced.one_after_another(work, floor, priced)
                amounts |= {name: np.minimum(amounts[name], most[name]) for name in work if name in most}
                each = [np.where(work[name] > 0, work[name] / amounts[name], 0.0) for name in work]
                time = np.sum(each, axis=0) + waits.sum(axis=0)
            cost = market.cost(time, amounts, tokens)
            over = np.max([time / most for most in may], axis=0) if may else np.zeros(shape)
        there = possible & (overlapped < NEVER)
        late = min(late, float(np.min(np.where(there, over, np.inf))))
        best = np.minimum(best, np.where(there & (over <= 1 + SLACK), cost, np.inf))
    taken = [
        1
        + (sum(np.asarray(floor.get(name, 0.0)) * price for name, price in one.price.items()) - one.available)
        / market.limits[one.name]
        for one in priced
    ]
    return best, np.max(np.broadcast_arrays(*taken), axis=0), late
