"""Coefficients of collectives as a file holds them: a start and a share of the bandwidth, by family and tier."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steptime.model.catalog.table import Place, Table, read
from steptime.model.choices import TermName
from steptime.model.estimate import symbols as e
from steptime.model.quantity import lookup

TIERS = (TermName.SCALE_UP, TermName.SCALE_OUT)
POOLED = "all"
"""The entry of families of machines that no row is of: what is known of all families together."""
ENDS = 1.2816
"""Standard deviations from its middle between which eight in ten of a normal error lie."""


@dataclass(frozen=True)
class Link:
    """One tier: seconds of a collective that moves next to nothing, and the share of its bandwidth that bytes reach."""

    start: float
    share: float


@dataclass(frozen=True)
class Collectives:
    """Links by family of machines and by tier. Eight in ten measured times lay between two ``bands`` of a family, or of
    all, times the estimate, of rows whose kind, machine and source the fit had not seen; start and share of a family
    without rows have spreads of their own, standard deviations of their logarithms."""

    rows: int
    groups: int
    start_spread: float
    share_spread: float
    bands: Mapping[str, tuple[float, ...]]
    links: Mapping[str, Mapping[str, Link]]

    def link(self, family: str | None, tier: str) -> Link:
        """That of a family; where no row is of it, that of all."""
        return self.links.get(family or "", {}).get(tier) or self.links[POOLED][tier]

    def has_rows(self, family: str | None, tier: str) -> bool:
        """Whether rows decided it."""
        return family != POOLED and tier in self.links.get(family or "", {})

    def band(self, family: str | None, starting: float, is_seen: bool) -> tuple[float, float]:
        """Ends of the band, over the estimate, of which ``starting`` is the share that starts take. Of a family that no
        row is of, what start and share may be off adds to it."""
        low, high = (is_seen and self.bands.get(family or "")) or self.bands[POOLED]
        more = 0.0 if is_seen else ENDS * math.hypot(starting * self.start_spread, (1 - starting) * self.share_spread)
        return math.exp(-math.hypot(math.log(low), more)), math.exp(math.hypot(math.log(high), more))


_link = Table(
    {"start": lookup(e.collective_start.name), "share": lookup(e.collective_share.name)}, ("start", "share"), Link
)
_tiers = dict.fromkeys((str(tier) for tier in TIERS), _link)
_of_all = Table(_tiers, needed=tuple(_tiers))
_numbers = {"rows": int, "groups": int, "start_spread": float, "share_spread": float}
_parts = {"bands": {str: [float]}, "links": {str: Table(_tiers)}}
_schema = Table({**_numbers, **_parts}, (*_numbers, *_parts), Collectives)


def collectives(value: Any, place: Place) -> Collectives:
    """The part of a file; raises UserError naming what does not fit."""
    found: Collectives = read(_schema, value, place)
    read(_of_all, value["links"].get(POOLED, {}), place.of("links").of(POOLED))
    for name in ("start_spread", "share_spread"):
        if not 0 < getattr(found, name) < math.inf:
            raise place.of(name).error("expected a number above zero")
    for name, ends in {POOLED: (), **found.bands}.items():
        if len(ends) != 2 or not 0 < ends[0] <= 1 <= ends[1] < math.inf:
            raise (place.of("bands").of(name).error("expected two numbers, one no more than 1, the other no less"))
    return found
