"""What a resource is bought as: parts of its price, each in dollars, or between two figures where sources differ.

Parts are stated (``parts``), or follow from a network of switches (``fabric``): its ports, cables and ends are counted
as in `economics/fabric`, and priced one by one. A resource with parts has no price beside them: it costs the mean of
their least and their most together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr

from steptime.model.catalog.table import Place, Table, free, whole
from steptime.model.economics import fabric
from steptime.model.economics import symbols as m
from steptime.model.errors import UserError
from steptime.model.parse import parse
from steptime.model.quantity import byte, count, dollar, second
from steptime.model.scenario import Scenario

Spread = tuple[float, float]
"""The least and the most that sources say."""

MOST_TIERS = 6
MOST_PORTS, MOST_HOSTS = 100_000, 10**8


def spread(unit: Expr) -> Callable[[Any, Place], Spread]:
    """A number, or a list of the least and the most."""
    one = free(unit)

    def read(value: Any, place: Place) -> Spread:
        if not isinstance(value, list):
            return one(value, place), one(value, place)
        if len(value) != 2:
            raise place.error("expected a number, or a list of the least and the most")
        low, high = (one(part, place) for part in value)
        if low > high:
            raise place.error(f"the least, {low:g}, is over the most, {high:g}")
        return low, high

    return read


def at_least_one(value: Any, place: Place) -> float:
    """A ratio that cannot be less than one."""
    found = parse(value, count, str(place))
    if found < 1:
        raise place.error(f"{found:g} must be at least 1")
    return found


@dataclass(frozen=True)
class Part:
    """One part of a resource's price: dollars, least and most; ``feeds``: whether a chip's watts come through it."""

    dollars: Spread
    feeds: bool = False


PART = Table({"dollars": spread(dollar), "feeds": ("power",), "source": str, "note": str}, ("dollars",))
FABRIC = Table(
    {
        "radix": whole(2, MOST_PORTS, " of ports"),
        "hosts": whole(2, MOST_HOSTS, " of ports"),
        "oversubscription": at_least_one,
        "port": byte / second,
        "switch": spread(dollar),
        "nic": spread(dollar),
        "cable": spread(dollar),
        "fibre": spread(dollar),
        "transceiver": spread(dollar),
        "source": str,
        "note": str,
    },
    ("radix", "hosts", "port", "switch"),
)
PRICED = {"switch": m.switch_price, "nic": m.nic_price, "cable": m.cable_price, "fibre": m.fibre_price,
          "transceiver": m.transceiver_price}  # fmt: skip
SHOWN: Mapping[str, Expr] = {
    "network interfaces": m.nic_price, "switches": fabric.switching, "cables and optics": fabric.cabling,
}  # fmt: skip


def tiers_of(radix: float, hosts: float) -> int:
    """The fewest tiers whose largest network has so many ports.

    >>> tiers_of(64, 2048), tiers_of(64, 2049)
    (2, 3)
    """
    for tiers in range(1, MOST_TIERS + 1):
        if Scenario({m.radix: radix, m.fabric_tiers: float(tiers)}).evaluate(fabric.most_hosts) >= hosts:
            return tiers
    raise UserError(f"{hosts:g} ports of switches with {radix:g} would need more than {MOST_TIERS} tiers")


def of_fabric(given: Mapping[str, Any], buys: float) -> dict[str, Part]:
    """The parts of a network for so many bytes/s of a chip."""
    sizes = {m.radix: float(given["radix"]), m.fabric_hosts: float(given["hosts"]),
             m.fabric_tiers: float(tiers_of(given["radix"], given["hosts"])),
             m.oversubscription: given.get("oversubscription", 1.0)}  # fmt: skip
    ports, found = buys / given["port"], {}
    ends = [
        Scenario({**sizes, **{symbol: given.get(key, (0.0, 0.0))[end] for key, symbol in PRICED.items()}})
        for end in (0, 1)
    ]
    for name, formula in SHOWN.items():
        low, high = (ports * float(end.evaluate(formula)) for end in ends)
        found[name] = Part((low, high))
    return found


def of_table(given: Mapping[str, Any]) -> dict[str, Part]:
    """The parts that a file states."""
    return {name: Part(one["dollars"], one.get("feeds") == "power") for name, one in given.items()}


def middle(parts: Mapping[str, Part]) -> float:
    """Dollars of all parts: the mean of their least and of their most."""
    return sum(sum(part.dollars) / 2 for part in parts.values())
