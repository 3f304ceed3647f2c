"""Accelerators: the catalogue's own and those that a user describes in a TOML file.

All figures are in base units, peaks are dense, links count one direction per chip. A figure that the catalogue or the
file does not give is absent, never guessed; ``Hardware.missing`` says which file and key would supply it.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import steptime.model.symbols  # noqa: F401  declares the quantities that lookup() knows
from steptime.model.errors import UserError, unknown
from steptime.model.precision import peak_format
from steptime.model.quantity import lookup
from steptime.model.text.parse import parse_quantity, read_toml

CATALOGUE = "model/catalog/hardware.toml"
"""The origin of every catalogue entry, as messages show it."""

PRECISIONS = ("fp32", "tf32", "bf16", "fp16", "fp8", "fp4", "int8", "int4")
"""The precisions that a peak may be given for."""

TOPOLOGIES = (
    "switch", "full mesh", "partial mesh", "hybrid cube mesh", "2D torus", "3D torus", "dragonfly", "PCIe", "none",
)  # fmt: skip
"""How the chips of a scale-up domain are joined; ``PCIe`` and ``none`` belong to domains of one chip."""

QUANTITIES = (
    "memory_bandwidth", "memory_capacity", "scale_up_bandwidth", "scale_up_domain", "scale_out_bandwidth",
    "scale_up_latency", "scale_out_latency", "chip_hour_price", "power",
)  # fmt: skip
"""The quantities of a machine besides its peaks."""

FACTS = ("system_power", "chip_price", "onchip_memory", "measured_matmul_bf16", "memory_label_gb")
"""What the catalogue also records: W per chip for the whole system, dollars, bytes, FLOP/s, 1e9 bytes as advertised."""

_texts = ("vendor", "year", "family", "memory_type", "topology", "in_switch_reduction", "described_by")


@dataclass(frozen=True)
class Figure:
    """One number in base units with its provenance.

    ``source``: keys of ``sources()``, or the path of a user's file. ``date``: of the source's state, ISO, to the day,
    month or year; empty for a user's file. ``grade``: A vendor, B secondary, C recalled, D arithmetic on other figures.
    ``doubtful``: sources disagree, or it is a price, recalled, or from before release.
    """

    value: float
    source: tuple[str, ...]
    date: str
    grade: str = ""
    note: str = ""
    doubtful: bool = False


@dataclass(frozen=True)
class Hardware:
    """One accelerator, per chip.

    ``peaks`` by precision (FLOP/s, dense), ``figures`` by quantity name, ``facts`` by the names in FACTS. ``origin`` is
    the file that the figures come from, for messages. A description that is not known is None.

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
        listed = peak_format(precision, self.peaks)
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
    return [name for name in _catalogue() if name != "sources"]


def sources() -> dict[str, dict[str, str]]:
    """What each source key stands for: its title, and the date of its state or of carrying over.

    >>> sources()["recalled"]["title"]
    'recalled, no page read'
    """
    return {key: dict(entry) for key, entry in _catalogue()["sources"].items()}


def load_hardware(name_or_path: str) -> Hardware:
    """The accelerator of a catalogue name (upper or lower case), or of a TOML file.

    Something that ends in ``.toml`` or contains a path separator is a file. Raises UserError: for an unknown name with
    its best matches, for a file with the key at fault.

    >>> load_hardware("H100-SXM").peak("fp8")
    1979000000000000.0
    >>> load_hardware("h100-smx")
    Traceback (most recent call last):
    ...
    steptime.model.errors.UserError: unknown hardware 'h100-smx'; did you mean h100-sxm, h800-sxm, h200-sxm?
    """
    separators = {"/", os.sep, os.altsep or os.sep}
    if name_or_path.lower().endswith(".toml") or any(mark in name_or_path for mark in separators):
        return _from_file(Path(name_or_path))
    name = name_or_path.strip().lower()
    if name not in hardware_names():
        raise unknown("hardware", name_or_path, hardware_names(), "list them with `steptime catalog hardware`")
    return _from_catalogue(name)


@cache
def _catalogue() -> dict[str, Any]:
    return tomllib.loads(files("steptime.model.catalog").joinpath("hardware.toml").read_text("utf-8"))


@cache
def _from_catalogue(name: str) -> Hardware:
    entry = dict(_catalogue()[name])
    texts = {key: entry.pop(key) for key in _texts if key in entry}
    texts["described_by"] = tuple(texts.get("described_by", ()))
    peaks = {precision: _figure(table) for precision, table in entry.pop("peak_flops", {}).items()}
    figures = {key: _figure(entry.pop(key)) for key in QUANTITIES if key in entry}
    facts = {key: _figure(entry.pop(key)) for key in FACTS if key in entry}
    if entry:  # a slip in the catalogue itself, not the user's
        raise ValueError(f"{CATALOGUE}: [{name}] has unknown keys {', '.join(entry)}")
    return Hardware(name, CATALOGUE, peaks, figures, facts, **texts)


def _figure(table: Mapping[str, Any]) -> Figure:
    """One inline table of the catalogue; what it lacks stays empty for the checker of conventions to report."""
    fields = {"source": (), "date": "", **table}
    return Figure(**(fields | {"value": float(table["value"]), "source": tuple(fields["source"])}))


def _from_file(path: Path) -> Hardware:
    """A user's machine: quantity names as keys, base units or strings with a unit."""
    data, where = read_toml(path), str(path)
    allowed = ["name", "peak_flops", *QUANTITIES, "topology", "in_switch_reduction"]
    for key in data:
        if key not in allowed:
            raise unknown(f"key in {where}:", key, allowed)
    figures = {key: _read(data[key], key, where) for key in QUANTITIES if key in data}
    domain = figures.get("scale_up_domain")
    if domain is not None and (domain.value < 1 or domain.value % 1):
        raise UserError(f"{where}: scale_up_domain: {domain.value:g} must be a whole number of chips, at least 1")
    topology, reduces = data.get("topology"), data.get("in_switch_reduction", False)
    if topology is not None and not isinstance(topology, str):
        raise UserError(f"{where}: topology: expected text, one of {', '.join(TOPOLOGIES)}")
    if topology is not None and topology not in TOPOLOGIES:
        raise unknown(f"topology in {where}:", topology, list(TOPOLOGIES), f"known: {', '.join(TOPOLOGIES)}")
    if not isinstance(reduces, bool):
        raise UserError(f"{where}: in_switch_reduction: expected true or false, got {type(reduces).__name__}")
    peaks = _read_peaks(data["peak_flops"], where) if "peak_flops" in data else {}
    return Hardware(
        _read_name(data.get("name", path.stem), where), where, peaks, figures, {},
        topology=topology, in_switch_reduction=reduces,
    )  # fmt: skip


def _read_peaks(given: Any, where: str) -> dict[str, Figure]:
    """A table by precision, or one value, which means bf16."""
    by_precision = given if isinstance(given, dict) else {"bf16": given}
    if not by_precision:
        raise UserError(f"{where}: peak_flops: give at least one of {', '.join(PRECISIONS)}")
    for precision in by_precision:
        if precision not in PRECISIONS:
            raise unknown(f"precision in {where}: peak_flops:", precision, list(PRECISIONS))
    key = "peak_flops.{}" if isinstance(given, dict) else "peak_flops"
    return {precision: _read(value, key.format(precision), where) for precision, value in by_precision.items()}


def _read(value: Any, key: str, where: str) -> Figure:
    name = key.split(".")[0]
    try:
        return Figure(parse_quantity(lookup(name), value), (where,), "")
    except UserError as error:
        raise UserError(f"{where}: {str(error).replace(name, key, 1)}") from None


def _read_name(name: Any, where: str) -> str:
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > 80:
        raise UserError(f"{where}: name: expected one line of text of at most 80 characters")
    return name
