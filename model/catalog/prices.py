"""Unit prices of a machine to be designed, from a TOML file: what a chip's FLOP/s, memory and links cost and draw.

A table a resource says what an amount costs: ``dollars`` and ``watts`` for what it ``buys``; memory comes in stacks,
each with its ``capacity`` and ``bandwidth``. ``least`` and ``most`` bound what one chip may have. A resource with a
``given`` amount is not for sale: it comes with the base. All figures are per chip.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sympy import Expr

from steptime.model.catalog.hardware import TOPOLOGIES, Figure, Hardware
from steptime.model.errors import UserError, unknown
from steptime.model.quantity import FLOP, byte, count, dollar, joule, second
from steptime.model.text.parse import parse, read_toml

MOST_DOMAIN = 2**14
NOTES = ("source", "date", "note")
"""Text that a table may carry; it is shown, not used."""
BOUNDS = ("least", "most", "given")
RATES: Mapping[str, Expr] = {"compute": FLOP / second, "scale_up": byte / second, "scale_out": byte / second}
FORMATS = ("bf16", "fp16", "fp8", "fp4", "int8", "int4")
"""Formats in which FLOP/s may be sold."""
GOODS = ("compute", "stack", "scale_up", "scale_out")
"""What is for sale, in the order in which it is shown."""

_keys = {
    "compute": ("buys", "dollars", "watts", *BOUNDS, "format", "peaks"),
    "stack": ("capacity", "bandwidth", "dollars", "watts", *BOUNDS),
    "scale_up": ("buys", "dollars", "watts", *BOUNDS, "domain", "topology", "in_switch_reduction"),
    "scale_out": ("buys", "dollars", "watts", *BOUNDS),
    "base": ("dollars", "watts"),
    "electricity": ("dollars", "buys"),
}


@dataclass(frozen=True)
class Good:
    """One resource: ``amount`` in base units (FLOP/s, B/s; one stack) costs ``dollars`` and draws ``watts``.

    A chip has at least ``least`` and at most ``most`` of it, or exactly ``given``. What is not known is None.
    """

    amount: float
    dollars: float | None
    watts: float | None
    least: float | None = None
    most: float | None = None
    given: float | None = None

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
    relative to the one in which FLOP/s are sold; ``template`` the rest of the machine: domain, topology."""

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

    def machine(self) -> Hardware:
        """A machine with one unit of everything, whose figures a design replaces."""
        figure = {"memory_bandwidth": self.stack_bandwidth, "scale_up_domain": float(self.domain)}
        figure |= {
            f"{name}_bandwidth": good.given or good.amount for name, good in self.goods.items() if "scale" in name
        }
        peaks = {format: share * self.goods["compute"].amount for format, share in self.peaks.items()}
        return Hardware(
            self.name, self.origin, {key: self._figure(value) for key, value in peaks.items()},
            {key: self._figure(value) for key, value in figure.items()}, {}, topology=self.topology,
            in_switch_reduction=self.in_switch_reduction,
        )  # fmt: skip

    def _figure(self, value: float) -> Figure:
        return Figure(value, (self.origin,), "")

    def missing(self, good: str, key: str) -> str:
        """The file and the key that would supply a figure."""
        return f"{self.origin}: [{good}] {key}"


def read_prices(path: Path) -> PriceList:
    """A price list from a file; raises UserError naming file and key for whatever cannot be used."""
    data, where = read_toml(path), str(path)
    tables = (*GOODS, "base", "electricity")
    for key in data:
        if key not in (*tables, "name", "life", *NOTES):
            raise unknown(f"key in {where}:", key, [*tables, "name", "life", *NOTES])
    read = {name: _table(data.get(name, {}), name, where) for name in tables}
    for name in ("compute", "stack"):
        if name not in data:
            raise UserError(f"{where}: [{name}] is missing: every machine computes and has memory")
    compute, stack, links = read["compute"], read["stack"], read["scale_up"]
    sold_in = compute.get("format", "bf16")
    if sold_in not in FORMATS:
        raise unknown(f"format in {where}: [compute]", str(sold_in), list(FORMATS))
    goods = {name: _good(read[name], name, where) for name in GOODS if name in data}
    life = parse(data["life"], second, f"{where}: life") if "life" in data else None
    power, domain = read["electricity"], int(links.get("domain", 1))
    if domain > 1 and links.get("topology") in ("none", "PCIe"):
        raise UserError(f"{where}: [scale_up] topology: {links['topology']!r} joins one chip, not a domain of {domain}")
    return PriceList(
        _text(data.get("name", path.stem), f"{where}: name"), where, goods,
        Good(1.0, read["base"].get("dollars", 0.0), read["base"].get("watts", 0.0)), sold_in,
        _peaks(compute.get("peaks", {}), sold_in, where),
        _need(stack, "stack", "capacity", where), _need(stack, "stack", "bandwidth", where),
        domain, links.get("topology"), links.get("in_switch_reduction", False), life,
        _need(power, "electricity", "dollars", where) / _need(power, "electricity", "buys", where) if power else None,
        tuple(f"{name}: {read[name]['note']}" for name in tables if "note" in read[name]),
    )  # fmt: skip


def _table(table: Any, name: str, where: str) -> dict[str, Any]:
    """One table with every value read; unknown keys and wrong units are refused."""
    if not isinstance(table, dict):
        raise UserError(f"{where}: {name} must be a table, [{name}]")
    rate = RATES.get(name, count)
    units = {"dollars": dollar, "watts": joule / second, "capacity": byte, "bandwidth": byte / second}
    units |= {"buys": joule if name == "electricity" else rate, **dict.fromkeys(BOUNDS, rate)}
    read: dict[str, Any] = {}
    for key, value in table.items():
        if key not in (*_keys[name], *NOTES):
            raise unknown(f"key in {where}: [{name}]", key, [*_keys[name], *NOTES])
        said = f"{where}: [{name}] {key}"
        if key in units:
            free = value == 0 and not isinstance(value, bool) and key in ("dollars", "watts")
            read[key] = 0.0 if free else parse(value, units[key], said)
        elif key == "domain":
            read[key] = parse(value, count, said)
            if read[key] % 1 or read[key] > MOST_DOMAIN:
                raise UserError(f"{said}: {value} must be a whole number of chips, at most {MOST_DOMAIN}")
        elif key == "in_switch_reduction":
            if not isinstance(value, bool):
                raise UserError(f"{said}: expected true or false")
            read[key] = value
        elif key == "topology":
            if value not in TOPOLOGIES:
                raise unknown(said, str(value), list(TOPOLOGIES), f"known: {', '.join(TOPOLOGIES)}")
            read[key] = value
        elif key == "peaks":
            read[key] = value
        else:
            read[key] = _text(value, said)
    return read


def _good(table: Mapping[str, Any], name: str, where: str) -> Good:
    least, most, given = (table.get(key) for key in BOUNDS)
    if given is not None and {"least", "most", "dollars", "watts"} & set(table):
        raise UserError(f"{where}: [{name}] given: it comes with the base, so it has no price and no bounds of its own")
    if least is not None and most is not None and least > most:
        raise UserError(f"{where}: [{name}] least {least:g} is over most {most:g}")
    amount = 1.0 if name == "stack" or given is not None else _need(table, name, "buys", where)
    return Good(amount, table.get("dollars"), table.get("watts"), least, most, given)


def _need(table: Mapping[str, Any], name: str, key: str, where: str) -> float:
    if key not in table:
        raise UserError(f"{where}: [{name}] {key} is missing")
    return float(table[key])


def _peaks(given: Any, sold_in: str, where: str) -> dict[str, float]:
    """Peaks by format, relative to the one in which FLOP/s are sold."""
    said = f"{where}: [compute] peaks"
    if not isinstance(given, dict):
        raise UserError(f"{said}: expected a table as {{ bf16 = 0.5 }}, relative to {sold_in}")
    for format in given:
        if format not in FORMATS:
            raise unknown(f"precision in {said}:", format, list(FORMATS))
    read = {format: parse(value, count, f"{said}.{format}") for format, value in given.items()}
    if read.get(sold_in, 1.0) != 1.0:
        raise UserError(f"{said}.{sold_in}: {read[sold_in]:g} must be 1: the others are relative to it")
    return {sold_in: 1.0, **read}


def _text(value: Any, said: str) -> str:
    if not isinstance(value, str) or len(value) > 2000:
        raise UserError(f"{said}: expected text of at most 2000 characters")
    return " ".join(value.split())
