"""Tiers of memory beyond the chip that may hold a KV cache: the catalogue's own, or those of a TOML file.

A table a tier, under its name: ``capacity``, ``bandwidth`` at which it is read, ``link`` to one chip (one direction),
``dollars`` for the whole tier or ``dollars_per_byte``, and ``life``, the time over which it is paid off; beside them
``note``, ``source`` and ``date`` as text. Values are numbers in base units or strings with a unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sympy import Symbol

from steptime.model.catalog.economy import CATALOGUE, figures, names, tier
from steptime.model.catalog.files import read_toml
from steptime.model.catalog.table import Place, Table, line, read
from steptime.model.errors import printable
from steptime.model.quantity import byte, dollar, second
from steptime.model.symbols import link_bandwidth, tier_bandwidth, tier_capacity, tier_second_price

OWN, AGAIN = "hbm", "rematerialise"
"""The chip's own memory, and no memory at all: the choices that are always there."""

NUMBERS = (tier_capacity, tier_bandwidth, link_bandwidth, tier_second_price)
"""What is known of a tier."""

MOST_TIERS = 50

_units = {
    "capacity": byte,
    "bandwidth": byte / second,
    "link": byte / second,
    "dollars": dollar,
    "dollars_per_byte": dollar / byte,
    "life": second,
}
_schema = Table({**_units, "note": str, "source": str, "date": str}, needed=("capacity", "bandwidth", "link", "life"))


@dataclass(frozen=True)
class Tier:
    """A tier: ``numbers`` are its capacity (B), bandwidth and link (B/s) and price (dollars per second) by symbol.

    ``origin`` is the file that they come from. ``doubtful`` figures are named with their source; ``notes`` say what
    was made of the figures. A chip is filled no faster than the tier is read, so the link is at most the bandwidth.
    """

    name: str
    numbers: Mapping[Symbol, float] = field(hash=False)
    origin: str = CATALOGUE
    doubtful: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def catalogue_tiers() -> tuple[Tier, ...]:
    """The catalogue's tiers, nearest first.

    >>> [one.name for one in catalogue_tiers()]
    ['ddr', 'nvme', 'disk']
    """
    life = [f"tier life {row.value:g} s ({_said(row)})" for row in figures("tier_life").values() if row.doubtful]
    found = []
    for name in names("tier"):
        rows = {key: row for key, row in figures("tier", name).items() if key in _units}
        doubtful = [f"{name} {key} {row.value:g} ({_said(row)})" for key, row in rows.items() if row.doubtful]
        found.append(Tier(name, tier(name), doubtful=(*doubtful, *life)))
    return tuple(found)


def _said(row: Any) -> str:
    return f"{', '.join(row.source)} {row.date}"


def read_tiers(path: Path) -> tuple[Tier, ...]:
    """The tiers of a file, in its order; raises UserError naming file and key for whatever cannot be used."""
    where = printable(str(path))
    data, place = read_toml(path), Place(where)
    if not data:
        raise place.error("no tier in it; give a table for each, as [ddr]")
    if len(data) > MOST_TIERS:
        raise place.error(f"{len(data)} tiers; at most {MOST_TIERS} are compared")
    return tuple(read_tier(name, given, where) for name, given in data.items())


def read_tier(name: str, given: Any, where: str) -> Tier:
    """One tier from its table; raises UserError naming file and key.

    >>> read_tier("flash", {"capacity": "30 TB", "bandwidth": "14 GB/s", "link": "55 GB/s", "dollars": "10 k$",
    ...                     "life": "43800 h"}, "tiers.toml").notes
    ('flash fills a chip at its bandwidth, 1.4e+10 B/s, not at its link',)
    """
    place = Place(where).of(name, _schema)
    line(name, place, most=40)
    if name.lower() in (OWN, AGAIN):
        raise place.error(f"this name is taken: {OWN} is the chip's own memory, {AGAIN} none at all")
    found = read(_schema, given, place)
    if ("dollars" in found) == ("dollars_per_byte" in found):
        raise place.error("give dollars, for the whole tier, or dollars_per_byte, and not both")
    dollars = found["dollars"] if "dollars" in found else found["dollars_per_byte"] * found["capacity"]
    notes: tuple[str, ...] = ()
    if found["link"] > found["bandwidth"]:
        notes = (f"{name} fills a chip at its bandwidth, {found['bandwidth']:g} B/s, not at its link",)
    numbers = {
        tier_capacity: found["capacity"],
        tier_bandwidth: found["bandwidth"],
        link_bandwidth: min(found["link"], found["bandwidth"]),
        tier_second_price: dollars / found["life"],
    }
    return Tier(name, numbers, where, (), notes)
