"""Who sells the parts: what a resource, and the rest of a chip, is bought as, and what one per cent of a part is worth.

Parts of a link stand in series: one per cent more of one alone brings nothing, one per cent less costs what the whole
link does. So do power supplies and cooling, through which a chip's watts come: with less of them its clock is lower.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from steptime.model import symbols as q
from steptime.model.catalog.parts import Part, Spread, middle
from steptime.model.catalog.prices import PriceList
from steptime.model.economics.power import clock_slope
from steptime.model.estimate.clock import VOLTAGE_EXPONENT
from steptime.model.solver.machine.best import Machine
from steptime.model.step.case import Case

LINKS = {"scale_up": "scale_up_bandwidth", "scale_out": "scale_out_bandwidth"}
BASE = "base"


@dataclass(frozen=True)
class PartWorth:
    """One part ``of`` a resource, or of the rest. ``dollars`` and ``share`` of the chip's: the least and the most that
    sources leave. ``earns``: the elasticity of a token's cost to it alone, of a little more and of a little less, with
    a minus; None where it holds nothing back, or where ``lacking`` is not known."""

    name: str
    of: str
    dollars: Spread
    share: Spread
    earns: Spread | None
    lacking: str = ""


def parts_of(
    case: Case, prices: PriceList | None, amounts: Mapping[str, float], spent: Mapping[str, float],
    earns: Mapping[str, float],
) -> tuple[PartWorth, ...]:  # fmt: skip
    """The parts of a chip of so many ``amounts`` that has ``spent`` dollars on each; ``earns`` is what a little less of
    each resource costs."""
    if prices is None:
        return ()
    found: list[tuple[str, str, Part, Spread]] = []
    for good, name in LINKS.items():
        entry = prices.goods.get(good)
        if entry is not None and name in spent:
            times = amounts[name] / entry.amount
            found += [(part, name, one, _times(one.dollars, times)) for part, one in entry.parts.items()]
    found += [(part, BASE, one, one.dollars) for part, one in prices.base.parts.items()]
    rest = sum(spent.values()) - sum(sum(dollars) / 2 for *_, dollars in found)
    watts, lacking = _of_watts(case, earns.get("peak_flops", 0.0))
    worths = []
    for place, (name, of, part, dollars) in enumerate(found):
        others = [one[3] for number, one in enumerate(found) if number != place]
        share = share_of(dollars, rest, others)
        if of != BASE:
            worths.append(PartWorth(name, of, dollars, share, (0.0, earns.get(of, 0.0))))
        else:
            worths.append(PartWorth(name, of, dollars, share, watts if part.feeds else None, lacking * part.feeds))
    return tuple(worths)


def _times(one: Spread, by: float) -> Spread:
    return one[0] * by, one[1] * by


def share_of(own: Spread, rest: float, others: list[Spread]) -> Spread:
    """The least and the most that a part can be of all, the others being what makes it so."""
    low, high = (sum(other[end] for other in others) for end in (0, 1))
    return own[0] / (own[0] + rest + high), own[1] / (own[1] + rest + low)


def _of_watts(case: Case, compute: float) -> tuple[Spread | None, str]:
    """What a per cent less of the rated watts costs, by the clock; None where the chip's figures do not say."""
    if compute == 0:
        return (0.0, 0.0), ""
    known = case.scenario.values
    lacking = [symbol for symbol in (q.power, q.resting_power) if symbol not in known]
    if lacking:
        return None, ", ".join(case.hardware.missing(symbol.name) for symbol in lacking)
    given = {q.voltage_exponent: known.get(q.voltage_exponent, VOLTAGE_EXPONENT), q.power_cap: known[q.power]}
    return (0.0, compute * float((case.scenario | given).evaluate(clock_slope))), ""


def bought(found: Machine) -> tuple[PartWorth, ...]:
    """The parts of what a designed machine has, in dollars of the whole machine. ``earns`` is here the elasticity of
    what is minimised to the price of a part alone, all else adjusting: its share of what the price of the whole does.
    """
    spent, prices, slopes = found.spent["budget"], found.design.prices, found.sensitivities()
    named = {**prices.goods, BASE: prices.base}
    listed: list[tuple[str, str, Spread, float]] = []
    for good, price in (("scale_up", "link_price"), ("scale_out", "scale_out_price"), (BASE, "base_cost")):
        parts = named[good].parts if good in named else {}
        whole = middle(parts)
        for name, part in parts.items():
            slope = slopes[price].found if price in slopes else 0.0
            worth = slope * sum(part.dollars) / 2 / whole
            listed.append((name, good, _times(part.dollars, spent[good] / whole), worth))
    rest = sum(spent.values()) - sum(sum(dollars) / 2 for _, _, dollars, _ in listed)
    return tuple(
        PartWorth(name, of, dollars, share_of(dollars, rest, [one[2] for n, one in enumerate(listed) if n != place]),
                  (worth, worth))
        for place, (name, of, dollars, worth) in enumerate(listed)
    )  # fmt: skip
