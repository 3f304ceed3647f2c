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
    """Links by family of machines and by tier. Between ``low`` and ``high`` times the estimate eight in ten measured
    times lay, of rows whose kind, machine and source the fit had not seen; a start and a share of another family have
    spreads of their own, standard deviations of their logarithms."""

    rows: int
    groups: int
    low: float
    high: float
    start_spread: float
    share_spread: float
    links: Mapping[str, Mapping[str, Link]]

    def link(self, family: str | None, tier: str) -> Link:
        """That of a family; where no row is of it, that of all."""
        return self.links.get(family or "", {}).get(tier) or self.links[POOLED][tier]

    def has_rows(self, family: str | None, tier: str) -> bool:
        """Whether rows decided it."""
        return family != POOLED and tier in self.links.get(family or "", {})

    def band(self, starting: float, is_seen: bool) -> tuple[float, float]:
        """Ends of the band, over the estimate, of which ``starting`` is the share that starts take. Of a family that no
        row is of, what start and share may be off adds to it."""
        ends = math.log(min(1.0, self.low)), math.log(max(1.0, self.high))
        more = 0.0 if is_seen else ENDS * math.hypot(starting * self.start_spread, (1 - starting) * self.share_spread)
        return math.exp(-math.hypot(ends[0], more)), math.exp(math.hypot(ends[1], more))


_link = Table(
    {"start": lookup(e.collective_start.name), "share": lookup(e.collective_share.name)}, ("start", "share"), Link
)
_tiers = dict.fromkeys((str(tier) for tier in TIERS), _link)
_of_all = Table(_tiers, needed=tuple(_tiers))
_links = {str: Table(_tiers)}
_numbers = {"rows": int, "groups": int, "low": float, "high": float, "start_spread": float, "share_spread": float}
_schema = Table({**_numbers, "links": _links}, (*_numbers, "links"), Collectives)


def collectives(value: Any, place: Place) -> Collectives:
    """The part of a file; raises UserError naming what does not fit."""
    found: Collectives = read(_schema, value, place)
    read(_of_all, value["links"].get(POOLED, {}), place.of("links").of(POOLED))
    for name in ("low", "high", "start_spread", "share_spread"):
        if not 0 < getattr(found, name) < math.inf:
            raise place.of(name).error("expected a number above zero")
    return found
