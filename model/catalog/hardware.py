"""Accelerators: the catalogue's own and those that a user describes in a TOML file.

All figures are in base units, peaks are dense, links count one direction per chip. A figure that the catalogue or the
file does not give is absent, never guessed; ``Hardware.missing`` says which file and key would supply it.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from steptime.model import symbols as q
from steptime.model.catalog.figures import Figure as Figure  # whoever reads a machine reads its figures
from steptime.model.catalog.files import Tables, read_toml
from steptime.model.catalog.table import Place, Table, line, named, read, record
from steptime.model.choices import Basis, Draw
from steptime.model.errors import UserError, printable, suggesting
from steptime.model.precision import peak_format
from steptime.model.quantity import lookup

CATALOGUE = "model/catalog/hardware.toml"
"""The origin of every catalogue entry, as messages show it."""

PRECISIONS = ("fp32", "tf32", "bf16", "fp16", "fp8", "fp4", "int8", "int4")
"""The precisions that a peak may be given for."""

TOPOLOGIES = (
    "switch", "full mesh", "partial mesh", "hybrid cube mesh", "2D torus", "3D torus", "dragonfly", "PCIe", "none",
)  # fmt: skip
"""How the chips of a scale-up domain are joined; ``PCIe`` and ``none`` belong to domains of one chip."""

QUANTITIES = tuple(symbol.name for symbol in (
    q.memory_bandwidth, q.memory_capacity, q.scale_up_bandwidth, q.scale_up_domain, q.scale_out_bandwidth,
    q.scale_up_latency, q.scale_out_latency, q.chip_hour_price, q.power, q.processors, q.processor_bandwidth,
    q.resting_power,
))  # fmt: skip
"""The quantities of a machine besides its peaks."""

FACTS = ("system_power", "chip_price", "onchip_memory", "measured_matmul_bf16", "memory_label_gb")
"""What the catalogue also records: W per chip for the whole system, dollars, bytes, FLOP/s, 1e9 bytes as advertised."""


@dataclass(frozen=True)
class Hardware:
    """One accelerator, per chip.

    ``peaks`` by precision (FLOP/s, dense), ``figures`` by quantity name, ``facts`` by the names in FACTS, ``prices`` of
    a chip-hour by basis, beside that among the figures. ``origin`` is the file that the figures come from, for
    messages; ``also`` are other names under which the catalogue finds it. A description that is not known is None.

    >>> load_hardware("h100-sxm").figures["memory_bandwidth"].value
    3350000000000.0
    """

    name: str
    origin: str
    peaks: Mapping[str, Figure] = field(hash=False)
    figures: Mapping[str, Figure] = field(hash=False)
    facts: Mapping[str, Figure] = field(hash=False)
    vendor: str | None = None
    year: int | None = None
    family: str | None = None
    memory_type: str | None = None
    topology: str | None = None
    in_switch_reduction: bool = False
    described_by: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    prices: Mapping[str, Figure] = field(default_factory=dict, hash=False)

    def peak(self, precision: str) -> float:
        """Dense peak in FLOP/s at a precision; fp16's is bf16's unless listed.

        Raises UserError naming file, key and the precisions that the chip has.

        >>> load_hardware("h100-sxm").peak("fp16")
        989000000000000.0
        >>> load_hardware("wse-3").peak("bf16")
        Traceback (most recent call last):
        ...
        steptime.model.errors.UserError: model/catalog/hardware.toml: [wse-3] has no peak_flops.bf16; it has fp16
        """
        listed = peak_format(precision, tuple(self.peaks))
        if listed not in self.peaks:
            has = f"it has {', '.join(self.peaks)}" if self.peaks else "it lists no peak at all"
            where = f"[{self.name}]" if self.origin == CATALOGUE else repr(self.name)
            raise UserError(f"{self.origin}: {where} has no peak_flops.{precision}; {has}")
        return self.peaks[listed].value

    @property
    def torus_axes(self) -> int:
        """Axes of the torus that joins the chips of a domain; 0 where a switch or a full mesh does.

        >>> load_hardware("tpuv4").torus_axes, load_hardware("h100-sxm").torus_axes
        (3, 0)
        """
        return int(self.topology[0]) if self.topology and self.topology.endswith("D torus") else 0

    def missing(self, name: str) -> str:
        """The file and the key that would supply a quantity, to be shown where it is absent.

        >>> load_hardware("tpuv6e").missing("scale_out_bandwidth")
        'model/catalog/hardware.toml: [tpuv6e] scale_out_bandwidth'
        """
        return f"{self.origin}: [{self.name}] {name}" if self.origin == CATALOGUE else f"{self.origin}: {name}"


def hardware_names() -> list[str]:
    """The names of the catalogue's accelerators, in its order.

    >>> hardware_names()[:2]
    ['v100-sxm2-32gb', 'a100-sxm-40gb']
    """
    return _catalogue.entries


def sources() -> dict[str, dict[str, str]]:
    """What each source key stands for: its title, and the date of its state or of carrying over.

    >>> sources()["recalled"]["title"]
    'recalled, no page read'
    """
    return {key: dict(entry) for key, entry in _catalogue["sources"].items()}


_SEVERAL = re.compile(r"(?:(?P<before>\d{1,6})\s*[xX*]\s*)?(?P<name>.+?)(?:\s*[xX*]\s*(?P<after>\d{1,6}))?")
"""So many chips in one name, as 8xh100."""


def load_hardware(name_or_path: str) -> Hardware:
    """The accelerator of a catalogue name, or of another that an entry lists, however written, or of a TOML file.

    Something that ends in ``.toml`` or contains a path separator is a file. Raises UserError: for an unknown name with
    its best matches, for a file with the key at fault.

    >>> load_hardware("H100-SXM").peak("fp8"), load_hardware("h100").name
    (1979000000000000.0, 'h100-sxm')
    >>> load_hardware("h100-smx")
    Traceback (most recent call last):
    ...
    steptime.model.errors.UserError: unknown hardware 'h100-smx'; did you mean h100-sxm, a100-sxm, h800-sxm?
    >>> load_hardware("8xH100")
    Traceback (most recent call last):
    ...
    steptime.model.errors.UserError: unknown hardware '8xH100': name one chip, h100-sxm, and give `chips` 8
    """
    separators = {"/", os.sep, os.altsep or os.sep}
    if name_or_path.lower().endswith(".toml") or any(mark in name_or_path for mark in separators):
        return _from_file(Path(name_or_path))
    name = find_hardware(name_or_path)
    if name is None:
        if (several := _SEVERAL.fullmatch(name_or_path.strip())) and (one := find_hardware(several["name"])):
            number = several["before"] or several["after"]
            raise UserError(f"unknown hardware {name_or_path[:60]!r}: name one chip, {one}, and give `chips` {number}")
        hint = "give a catalogue name or a .toml file"
        raise suggesting("hardware", name_or_path, _catalogue.alike(name_or_path), hint)
    return _from_catalogue(name)


@cache
def find_hardware(name: str) -> str | None:
    """The entry that a name means: its own or another that it lists, in any case and with any separators, or None.

    >>> find_hardware("H100"), find_hardware("RTX 4090"), find_hardware("abacus")
    ('h100-sxm', 'rtx4090', None)
    """
    return _catalogue.find(name)


def is_machine(name: str) -> bool:
    """Whether a name is one of the catalogue's machines, or a file that states a machine's figures.

    >>> is_machine("H100"), is_machine("gpt2")
    (True, False)
    """
    if not name.lower().endswith(".toml"):
        return find_hardware(name) is not None
    try:
        return not {q.peak_flops.name, *QUANTITIES}.isdisjoint(read_toml(Path(name)))
    except UserError:  # whoever reads it says what is wrong with it
        return False


_described = {"topology": TOPOLOGIES, "in_switch_reduction": bool}
_of_any = record(Figure)
_figure = Table({key: kind for key, kind in _of_any.keys.items() if key != "basis"}, _of_any.needed, Figure)
_price = Table({**_of_any.keys, "basis": tuple(Basis)}, (*_of_any.needed, "basis"), Figure)
_power = Table({**_of_any.keys, "basis": tuple(Draw)}, _of_any.needed, Figure)
_entry = Table(
    {
        **dict.fromkeys(("vendor", "family", "memory_type"), str), "year": int, "described_by": [str], "also": [str],
        **dict.fromkeys((*QUANTITIES, *FACTS), _figure), "peak_flops": Table(dict.fromkeys(PRECISIONS, _figure)),
        q.chip_hour_price.name: _price, q.power.name: _power, "prices": Table(dict.fromkeys(Basis, _figure)),
        **_described,
    }
)  # fmt: skip


def _peaks(given: Any, place: Place) -> Any:
    """A table by precision, or one value, which means bf16."""
    if given == {}:
        raise place.error(f"give at least one of {', '.join(PRECISIONS)}")
    peak = lookup(q.peak_flops.name)
    one = not isinstance(given, dict)
    return {"bf16": read(peak, given, place)} if one else read(Table(dict.fromkeys(PRECISIONS, peak)), given, place)


BASES: Mapping[str, tuple[str, type[Basis | Draw]]] = {
    "basis": (q.chip_hour_price.name, Basis),
    "power_basis": (q.power.name, Draw),
}
"""What a user's file may say of a price and of power, and of which figure."""

_user = Table({
    "name": line, "peak_flops": _peaks, **{key: lookup(key) for key in QUANTITIES}, **_described,
    **{key: tuple(words) for key, (_, words) in BASES.items()},
})  # fmt: skip
_catalogue = Tables("hardware.toml")


@cache
def _from_catalogue(name: str) -> Hardware:
    found = read(_entry, _catalogue[name], Place(CATALOGUE, name))
    found["prices"] = {basis: replace(figure, basis=str(basis)) for basis, figure in found.get("prices", {}).items()}
    if power := found.get(q.power.name):
        found[q.power.name] = replace(power, basis=power.basis or str(Draw.CHIP))
    return _hardware(name, CATALOGUE, found)


def _from_file(path: Path) -> Hardware:
    """A user's machine: quantity names as keys, base units or strings with a unit."""
    origin = printable(str(path))
    found = read(_user, read_toml(path), Place(origin))
    kinds = {}
    for key, (figure, _) in BASES.items():
        if key in found:
            if figure not in found:
                raise Place(origin, "", key).error(f"says what kind of figure {figure} is, which is missing")
            kinds[figure] = str(found.pop(key))
    numbers = {key: Figure(found[key], (origin,), basis=kinds.get(key, "")) for key in QUANTITIES if key in found}
    peaks = {precision: Figure(value, (origin,)) for precision, value in found.get("peak_flops", {}).items()}
    return _hardware(named(found, origin), origin, {**found, **numbers, "peak_flops": peaks})


def _hardware(name: str, origin: str, found: dict[str, Any]) -> Hardware:
    figures, facts = ({key: found.pop(key) for key in group if key in found} for group in (QUANTITIES, FACTS))
    return Hardware(name, origin, found.pop("peak_flops", {}), figures, facts, **found)
