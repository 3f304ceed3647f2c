"""Unit prices of a machine to be designed, from a TOML file: what a chip's FLOP/s, memory and links cost and draw.

A table a resource says what an amount costs: ``dollars`` and ``watts`` for what it ``buys``; memory comes in stacks,
each with its ``capacity`` and ``bandwidth``. ``least`` and ``most`` bound what one chip may have. A resource with a
``given`` amount is not for sale: it comes with the base. Links and the base may have parts in the place of a price, or
a network of switches (`parts`). All figures are per chip. ``basis`` says what kind of prices they are, ``power_basis``
whose watts; ``power_usage`` of electricity is the watts of a site over those of its machines, which its price then
pays for too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steptime.model.catalog.files import read_toml
from steptime.model.catalog.hardware import TOPOLOGIES, Figure, Hardware
from steptime.model.catalog.parts import FABRIC, PART, Part, at_least_one, middle, of_fabric, of_table
from steptime.model.catalog.table import Place, Table, free, missing, named, read, whole
from steptime.model.choices import Basis, Draw
from steptime.model.errors import UserError, printable
from steptime.model.quantity import FLOP, byte, count, dollar, joule, second

MOST_DOMAIN = 2**14
NOTES = ("source", "date", "note")
"""Text that a table may carry; it is shown, not used."""
BOUNDS = ("least", "most", "given")
FORMATS = ("bf16", "fp16", "fp8", "fp4", "int8", "int4")
"""Formats in which FLOP/s may be sold."""

_notes = dict.fromkeys(NOTES, str)
_price = {"dollars": free(dollar), "watts": free(joule / second)}
_goods: dict[str, dict[str, Any]] = {
    "compute": {"buys": FLOP / second, "format": FORMATS, "peaks": Table(dict.fromkeys(FORMATS, count))},
    "stack": {"capacity": byte, "bandwidth": byte / second},
    "scale_up": {
        "buys": byte / second, "domain": whole(1, MOST_DOMAIN, " of chips"), "topology": TOPOLOGIES,
        "in_switch_reduction": bool,
    },
    "scale_out": {"buys": byte / second},
}  # fmt: skip
GOODS = tuple(_goods)
"""What is for sale, in the order in which it is shown."""

_parts = {"parts": {str: PART}}
_tables = {
    name: Table(
        {
            **own,
            **_price,
            **dict.fromkeys(BOUNDS, own.get("buys", count)),
            **_notes,
            **({**_parts, "fabric": FABRIC} if "scale" in name else {}),
        },
        own if name == "stack" else (),
    )
    for name, own in _goods.items()
}
_tables["base"] = Table({**_price, **_notes, **_parts})
_tables["electricity"] = Table(
    {"dollars": free(dollar), "buys": joule, "power_usage": at_least_one, **_notes}, needed=("dollars", "buys")
)
_schema = Table(
    {**_tables, "name": str, "life": second, "basis": tuple(Basis), "power_basis": tuple(Draw), **_notes},
    needed=("compute", "stack"),
)


@dataclass(frozen=True)
class Good:
    """One resource: ``amount`` in base units (FLOP/s, B/s; one stack) costs ``dollars`` and draws ``watts``.

    A chip has at least ``least`` and at most ``most`` of it, or exactly ``given``. What is not known is None. ``parts``
    of the dollars, where they are known.
    """

    amount: float
    dollars: float | None
    watts: float | None
    least: float | None = None
    most: float | None = None
    given: float | None = None
    parts: Mapping[str, Part] = field(default_factory=dict)

    @property
    def for_sale(self) -> bool:
        return self.given is None

    def unit(self, price: str) -> float | None:
        """``dollars`` or ``watts`` for one unit."""
        whole: float | None = getattr(self, price)
        return None if whole is None else whole / self.amount


@dataclass(frozen=True)
class PriceList:
    """What resources cost. ``goods`` by name; ``base`` what one chip costs and draws beside them; ``peaks`` by format
    relative to the one in which FLOP/s are sold; ``template`` the rest of the machine: domain, topology. ``basis``:
    what kind of prices they are (`Basis`), ``power_basis`` whose watts (`Draw`); empty where the file does not say."""

    name: str
    origin: str
    goods: Mapping[str, Good]
    base: Good
    format: str
    peaks: Mapping[str, float]
    stack_capacity: float
    stack_bandwidth: float
    domain: int
    topology: str | None
    in_switch_reduction: bool
    life: float | None
    electricity: float | None
    notes: tuple[str, ...]
    basis: str = ""
    power_basis: str = ""

    def machine(self) -> Hardware:
        """A machine with one unit of everything, whose figures a design replaces."""
        peaks = {format: share * self.goods["compute"].amount for format, share in self.peaks.items()}
        links = {f"{name}_bandwidth": good.given or good.amount for name, good in self.goods.items() if "scale" in name}
        figures = {"memory_bandwidth": self.stack_bandwidth, "scale_up_domain": float(self.domain), **links}
        sourced, more = (
            {key: Figure(value, (self.origin,)) for key, value in group.items()} for group in (peaks, figures)
        )
        return Hardware(
            self.name, self.origin, sourced, more, {}, topology=self.topology,
            in_switch_reduction=self.in_switch_reduction,
        )  # fmt: skip

    def missing(self, good: str, key: str) -> str:
        """The file and the key that would supply a figure."""
        return f"{self.origin}: [{good}] {key}"


def read_prices(path: Path) -> PriceList:
    """A price list from a file; raises UserError naming file and key for whatever cannot be used."""
    where = printable(str(path))
    found = read(_schema, read_toml(path), Place(where))
    compute, stack, links = found["compute"], found["stack"], found.get("scale_up", {})
    base, power, domain = found.get("base", {}), found.get("electricity"), links.get("domain", 1)
    if domain > 1 and links.get("topology") in ("none", "PCIe"):
        raise UserError(f"{where}: [scale_up] topology: {links['topology']!r} joins one chip, not a domain of {domain}")
    sold_in = compute.get("format", "bf16")
    return PriceList(
        named(found, where), where, {name: _priced(found[name], name, where) for name in GOODS if name in found},
        _base(base, where), sold_in,
        _peaks(compute.get("peaks", {}), sold_in, where), stack["capacity"], stack["bandwidth"], domain,
        links.get("topology"), links.get("in_switch_reduction", False), found.get("life"),
        power["dollars"] / power["buys"] * power.get("power_usage", 1.0) if power else None,
        tuple(f"{name}: {found[name]['note']}" for name in _tables if "note" in found.get(name, {})),
        found.get("basis", ""), found.get("power_basis", ""),
    )  # fmt: skip


def _base(given: Mapping[str, Any], where: str) -> Good:
    parts = _parts_of(given, 1.0, Place(where, "base"))
    return Good(1.0, middle(parts) if parts else given.get("dollars", 0.0), given.get("watts", 0.0), parts=parts)


def _parts_of(given: Mapping[str, Any], buys: float, place: Place) -> dict[str, Part]:
    """The parts of a price; raises UserError for a price beside them."""
    stated = [key for key in ("dollars", "parts", "fabric") if key in given]
    if len(stated) > 1:
        raise place.of(stated[0]).error(f"{' and '.join(stated)} say the same twice; leave one of them out")
    return of_fabric(given["fabric"], buys) if "fabric" in given else of_table(given.get("parts", {}))


def _priced(given: Mapping[str, Any], name: str, where: str) -> Good:
    least, most, fixed = (given.get(key) for key in BOUNDS)
    place = Place(where, name)
    if fixed is not None and {"least", "most", "dollars", "watts"} & set(given):
        raise place.of("given").error("it comes with the base, so it has no price and no bounds of its own")
    if least is not None and most is not None and least > most:
        raise place.error(f"least {least:g} is over most {most:g}")
    is_by_one = name == "stack" or fixed is not None
    if not is_by_one and "buys" not in given:
        raise missing(_goods[name]["buys"], place.of("buys"))
    amount = 1.0 if is_by_one else given["buys"]
    parts = _parts_of(given, amount, place)
    if parts and fixed is not None:
        raise place.of("given").error("it comes with the base, whose parts would hold its price")
    dollars = middle(parts) if parts else given.get("dollars")
    return Good(amount, dollars, given.get("watts"), least, most, fixed, parts)


def _peaks(given: Mapping[str, float], sold_in: str, where: str) -> dict[str, float]:
    """Peaks by format, relative to the one in which FLOP/s are sold."""
    if given.get(sold_in, 1.0) != 1.0:
        said = Place(where, "compute", f"peaks.{sold_in}")
        raise said.error(f"{given[sold_in]:g} must be 1: the others are relative to it")
    return {sold_in: 1.0, **given}
