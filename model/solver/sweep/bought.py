"""A machine that does not exist: what it has, costs and draws follows from a price list and from how much is bought.

Amounts are of the whole machine, as `solve machine` has them: FLOP/s in the format in which they are sold, stacks of
memory, bandwidth of links.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.prices import PriceList
from steptime.model.economics import machine
from steptime.model.errors import UserError
from steptime.model.precision import peak_format
from steptime.model.solver.machine.balanced import UNIT
from steptime.model.solver.machine.design import RATE, VARIABLE

PERHAPS = ("scale_up", "scale_out")
"""What a machine may do without."""


@dataclass(frozen=True)
class Bought:
    """Unit prices as numbers, and definitions of a chip's figures, of what the machine costs and draws."""

    values: Mapping[Symbol, Any]
    definitions: Mapping[Symbol, Expr]


def bought(prices: PriceList, activations: str, given: Mapping[Symbol, Any]) -> Bought:
    """What follows from a price list; ``given``: what has a value, or varies. A good that comes with the base is there
    in its amount; raises UserError for one that is for sale and of which nobody says how much, and without its price.
    """
    values: dict[Symbol, Any] = {q.stack_capacity: prices.stack_capacity, q.stack_bandwidth: prices.stack_bandwidth}
    definitions: dict[Symbol, Expr] = {}
    for name, amount in VARIABLE.items():
        good = prices.goods.get(name)
        if good is None:
            values |= {UNIT[limit][name]: 0.0 for limit in UNIT}
            definitions[amount] = sympy.S.Zero
            continue
        for limit, key in (("budget", "dollars"), ("power", "watts")):
            values[UNIT[limit][name]] = 0.0 if not good.for_sale else good.unit(key) or 0.0
        if good.for_sale and good.unit("dollars") is None:
            raise UserError(f"{prices.missing(name, 'dollars')} is missing")
        if not good.for_sale:
            definitions[amount] = q.chips * sympy.Float(good.given, 17)
        elif amount not in given:
            raise UserError(f"`{amount.name}`: {prices.origin} sells it, so the sweep must say how much of it")
        definitions[RATE[name]] = amount / q.chips
    peak = prices.peaks[peak_format(activations, tuple(prices.peaks))]
    definitions[q.peak_flops] = sympy.Float(peak, 17) * q.machine_flops / q.chips
    definitions[q.memory_bandwidth] = q.stack_bandwidth * q.stacks / q.chips
    definitions[q.memory_capacity] = q.stack_capacity * q.stacks / q.chips
    definitions[q.base_cost] = q.chips * sympy.Float(prices.base.dollars or 0.0, 17)
    definitions[q.base_power] = q.chips * sympy.Float(prices.base.watts or 0.0, 17)
    definitions[q.budget] = machine.stacked_spend
    values[q.electricity_price] = prices.electricity or 0.0
    if prices.power_basis or any(good.watts for good in prices.goods.values()):
        definitions[q.power] = machine.stacked_power / q.chips
    if prices.life:
        values[q.machine_life] = prices.life
        definitions[q.chip_hour_price] = q.hour * machine.running_cost / q.chips
    return Bought(values, definitions)
