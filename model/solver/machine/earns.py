"""Who earns: what one more unit of each resource of a real chip is worth, in the cost of a token and in dollars.

The cost of a token is the chip's dollars times chip-seconds. One per cent more of a resource that lowers chip-seconds
by e per cent is worth e per cent of the chip; per unit, e times the chip's dollars over the amount. At a kink a little
more is worth less than a little less costs: both are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.hardware import CATALOGUE
from steptime.model.catalog.prices import PriceList
from steptime.model.choices import Minimise
from steptime.model.errors import Unbound, UserError
from steptime.model.precision import peak_format
from steptime.model.solver.batch import solve_batch
from steptime.model.solver.batch_answer import BatchAnswer
from steptime.model.solver.machine.parts import PartWorth, parts_of
from steptime.model.solver.sensitivity import Elasticity, envelope_at
from steptime.model.step.case import Case

RESOURCES: Mapping[str, tuple[Symbol, ...]] = {
    "peak_flops": (q.peak_flops,),
    "memory_bandwidth": (q.memory_bandwidth,),
    "memory_capacity": (q.memory_capacity,),
    "memory_stacks": (q.memory_bandwidth, q.memory_capacity),
    "scale_up_bandwidth": (q.scale_up_bandwidth,),
    "scale_out_bandwidth": (q.scale_out_bandwidth,),
}
"""What is priced: quantities that grow together. Stacks bring bytes and bytes/s at once."""


@dataclass(frozen=True)
class Worth:
    """One resource. ``earns``: minus the elasticity of a token's cost, of a little more and of a little less.

    ``value``: dollars that one more unit is worth at the chip's price; ``price``: dollars that it costs in the price
    list. Either is None where it is not known.
    """

    name: str
    amount: float
    earns: tuple[float, float]
    unique: bool
    value: tuple[float, float] | None
    price: float | None


@dataclass(frozen=True)
class Earnings:
    """The list, highest first; ``chip`` dollars and where they are from; ``best``: the batch that adjusts, if it does.

    ``spend_share`` of each resource in the chip's dollars, where a price list gives them; ``parts`` of some of them.
    """

    case: Case
    worths: tuple[Worth, ...]
    chip: float | None
    chip_from: str
    best: BatchAnswer | None
    spend_share: Mapping[str, float]
    parts: tuple[PartWorth, ...] = ()


def who_earns(case: Case, prices: PriceList | None, batch_adjusts: bool) -> Earnings:
    """What each resource of the case's chip is worth; raises UserError where a figure is missing.

    With ``batch_adjusts`` the batch is the best for each machine, within its memory; else it stays.
    """
    try:
        best = solve_batch(case, Minimise.CHIP_SECONDS, in_practice=False) if batch_adjusts else None
    except UserError as error:
        raise UserError(str(error).replace("the best batch", "who earns", 1)) from None
    if best is not None and best.worth is None:
        raise UserError(f"no batch is best on {case.hardware.name}: nothing limits it; state `batch`, or give "
                        f"{case.hardware.missing('memory_capacity')}")  # fmt: skip
    try:
        effects = best.worth if best is not None and best.worth is not None else envelope_at(case)
    except Unbound as error:
        raise UserError(f"who earns needs {', '.join(case.where(name) for name in sorted(error.names))}") from None
    unit, amounts = {} if prices is None else unit_prices(prices, case), amounts_of(case, prices)
    chip, chip_from, share = _chip(case, prices, unit, amounts)
    found = [
        _worth(name, amount, effects.to(*RESOURCES[name]), chip, unit.get(name)) for name, amount in amounts.items()
    ]
    ranked = sorted(found, key=lambda worth: (-worth.earns[1], -worth.earns[0]))
    spent = {} if chip is None else {name: one * chip for name, one in share.items()}
    parts = parts_of(case, prices, amounts, spent, {one.name: one.earns[1] for one in found})
    return Earnings(case, tuple(ranked), chip, chip_from, best, share, parts)


def unit_prices(prices: PriceList, case: Case) -> dict[str, float]:
    """Dollars for one unit of each resource: FLOP/s in the case's format, a byte/s, a stack."""
    format = peak_format(case.precision["activations"], tuple(prices.peaks))
    if format not in prices.peaks:
        raise UserError(f"{prices.origin}: [compute] peaks has no {format}")
    names = {"compute": "peak_flops", "stack": "memory_stacks", "scale_up": "scale_up_bandwidth",
             "scale_out": "scale_out_bandwidth"}  # fmt: skip
    found = {}
    for good, name in names.items():
        entry = prices.goods.get(good)
        if entry is None or not entry.for_sale:
            continue
        unit = entry.unit("dollars")
        if unit is None:
            raise UserError(f"{prices.missing(good, 'dollars')} is missing")
        found[name] = unit / prices.peaks[format] if good == "compute" else unit
    return found


def amounts_of(case: Case, prices: PriceList | None) -> dict[str, float]:
    """What the chip has of each resource that has a figure; memory as a whole, or in as many of the list's stacks as
    hold its bytes and carry its bandwidth."""
    known = case.scenario.values
    found = {
        name: float(known[symbols[0]])
        for name, symbols in RESOURCES.items()
        if all(symbol in known and symbol not in case.absent for symbol in symbols)
    }
    if "memory_stacks" in found:
        found["memory_stacks"] = 1.0
        if prices is not None:
            found["memory_stacks"] = max(found["memory_bandwidth"] / prices.stack_bandwidth,
                                         found["memory_capacity"] / prices.stack_capacity)  # fmt: skip
    return found


def _chip(
    case: Case, prices: PriceList | None, unit: Mapping[str, float], amounts: Mapping[str, float]
) -> tuple[float | None, str, dict[str, float]]:
    """Dollars of the chip, where they are from, and each resource's share of them."""
    if prices is None:
        figure = case.hardware.facts.get("chip_price")
        if figure is None:
            ours = case.hardware.origin == CATALOGUE
            lacking = f"{case.hardware.missing('chip_price')} is missing" if ours else "no price of the chip is known"
            return None, f"{lacking}; `prices` would give one", {}
        return figure.value, f"catalogue, {', '.join(figure.source)} {figure.date}{', doubtful' * figure.doubtful}", {}
    spent = {name: price * amounts[name] for name, price in unit.items() if name in amounts}
    spent["base"] = prices.base.dollars or 0.0
    whole = sum(spent.values())
    if whole <= 0:
        raise UserError(f"{prices.origin}: nothing in it costs anything, so that no share or value can be said")
    listed = f"its resources at the prices of {prices.name}" + (f", {prices.basis}" if prices.basis else "")
    return whole, listed, {name: part / whole for name, part in spent.items()}


def _worth(name: str, amount: float, elasticity: Elasticity, chip: float | None, price: float | None) -> Worth:
    earns = (max(0.0, -elasticity.most), max(0.0, -elasticity.least))
    value = None if chip is None else (earns[0] * chip / amount, earns[1] * chip / amount)
    return Worth(name, amount, earns, not elasticity.open, value, price)
