"""Coefficients of the estimate as a file: what a fit found, how far rows it never saw lay off, and what it has seen."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.files import packaged, read_toml
from steptime.model.catalog.links import Collectives, collectives
from steptime.model.catalog.table import Place, Table, read, record
from steptime.model.quantity import lookup

FILE = "model/catalog/coefficients.toml"
COEFFICIENTS = (
    q.dense_streaming, q.expert_streaming, q.cache_streaming, q.product_share, q.score_share, q.prefill_product_share,
    q.prefill_score_share, q.link_streaming, q.reduce_start, q.exchange_start, q.kernel_time, q.sequence_overhead,
)  # fmt: skip


@dataclass(frozen=True)
class Band:
    """Between which shares of the estimate eight in ten measured times lay, of rows that the fit had not seen; of how
    many rows, in how many groups of one model, machine and serving stack."""

    low: float
    high: float
    rows: int
    groups: int


@dataclass(frozen=True)
class Seen:
    """What the rows of a fit cover: least and largest of each."""

    context: tuple[float, ...]
    sequences: tuple[float, ...]
    chips: tuple[float, ...]


@dataclass(frozen=True)
class Coefficients:
    """A set of coefficients. ``kernels`` are factors of hardware families on the time of a kernel; ``bands`` by kind of
    model and family of machine, and by kind alone."""

    origin: str
    values: Mapping[Symbol, float]
    kernels: Mapping[str, float]
    bands: Mapping[str, Band]
    seen: Seen
    fitted: tuple[str, ...] = ()
    rows: int = 0
    collectives: Collectives | None = None

    def of_family(self, family: str | None) -> Mapping[Symbol, float]:
        """The coefficients on machines of a family; on one that no row is of, those of the reference."""
        factor = self.kernels.get(family or "", 1.0)
        return {**self.values, q.kernel_time: self.values[q.kernel_time] * factor}

    def band(self, kind: str, family: str | None) -> tuple[str, Band]:
        """The nearest band: of this kind of model on this family, else of the kind, else of all rows."""
        names = [name for name in (f"{kind} on {family}", kind, "all") if name in self.bands]
        return names[0], self.bands[names[0]]


_values = {symbol.name: lookup(symbol.name) for symbol in COEFFICIENTS}
_schema = Table(
    {
        "rows": int, "fitted": [str], "coefficients": Table(_values, needed=tuple(_values)),
        "kernels": {str: float}, "bands": {str: record(Band)}, "seen": record(Seen),
        "collectives": collectives,
    },
    needed=("coefficients", "bands", "seen"),
)  # fmt: skip


@cache
def shipped() -> Coefficients:
    """The set that the package carries: what `steptime calibrate` makes of the catalogue's own measurements."""
    return _made(tomllib.loads(packaged("coefficients.toml")), FILE)


def read_coefficients(path: Path) -> Coefficients:
    """A set from a user's file; raises UserError naming file and key."""
    return _made(read_toml(path), str(path))


def _made(data: Mapping[str, Any], origin: str) -> Coefficients:
    place = Place(origin)
    found = read(_schema, dict(data), place)
    if "all" not in found["bands"]:
        raise place.of("bands").error("a band for all rows is missing: [bands.all]")
    values = {lookup(name).symbol: float(value) for name, value in found["coefficients"].items()}
    fitted, rows = tuple(found.get("fitted", ())), found.get("rows", 0)
    return Coefficients(
        origin, values, found.get("kernels", {}), found["bands"], found["seen"], fitted, rows, found.get("collectives")
    )
