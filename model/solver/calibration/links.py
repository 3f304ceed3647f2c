"""The fit of collectives: a start and a share for each tier, of each family of machines that has rows, and of all.

A family's values lie about those of all families, these about what is known before any row is looked at; so a family
without rows has a value too, with the spread of families. Bounded least squares on logarithms of times, as for steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steptime.model.catalog.links import POOLED, TIERS, Link
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import TermName
from steptime.model.solver.calibration.fit import Array, bent, certainty
from steptime.model.solver.calibration.priors import Prior
from steptime.model.solver.measured.estimated import Asked, times_of

STARTS: Mapping[str, Prior] = {
    TermName.SCALE_UP: Prior(13e-6, 0.5, 1e-6, 1e-3, True, "NCCL's planner, eight chips: 6.6 us and 14 steps of 0.47"),
    TermName.SCALE_OUT: Prior(30e-6, 0.5, 1e-6, 1e-2, True, "NCCL's planner, a tree of four nodes: 14 us and 4 x 4.0"),
}
"""Starts of a collective by tier: `src/graph/tuning.cc`, what a collective and each of its steps take at least."""
SHARES: Mapping[str, Prior] = {
    TermName.SCALE_UP: Prior(
        0.71, 0.2, 0.2, 1.0, True, "NCCL's authors, eight H100: 370 of 450 GB/s by a ring, 275 in the switch"
    ),
    TermName.SCALE_OUT: Prior(0.92, 0.1, 0.2, 1.0, True, "NCCL's authors: 46 of 50 GB/s of a 400 Gb/s adapter"),
}
"""Shares of a tier's bandwidth: nccl-tests issues 212 and 290; on scale-up the mean of both logarithms."""
START_SPREAD = 0.5
"""Standard deviation of the logarithm of a family's start about that of all families."""
SHARE_SPREAD = 0.2
"""The same of its share."""


@dataclass(frozen=True)
class CollectiveRow:
    """One measured collective."""

    source: Measurement
    family: str
    asked: Asked
    measured: float

    @property
    def group(self) -> str:
        """Rows of one kind on one machine by one source are not independent."""
        return "|".join((self.source.source_family, self.source.hardware, self.source.phase))

    @property
    def size(self) -> str:
        """The same of one number of chips and a range of volumes: a factor of 32."""
        volume = self.source.number("bytes")
        scale = "" if volume is None else str(int(np.log2(max(1.0, volume))) // 5)
        return "|".join((self.group, str(self.source.chips), scale))


Links = Mapping[str, Mapping[str, Link]]


def link_of(links: Links, family: str, tier: str) -> Link:
    """That of a family, else that of all."""
    return links.get(family, {}).get(tier) or links[POOLED][tier]


def predicted(rows: Sequence[CollectiveRow], links: Links) -> Array:
    """Seconds of every row."""
    ups, outs = ([link_of(links, row.family, tier) for row in rows] for tier in TIERS)
    return times_of([row.asked for row in rows], ups, outs)


def logs_of(rows: Sequence[CollectiveRow], links: Links) -> Array:
    """Logarithms of predicted over measured."""
    found: Array = np.log(predicted(rows, links) / [row.measured for row in rows])
    return found


def fit_links(rows: Sequence[CollectiveRow]) -> dict[str, dict[str, Link]]:
    """Links by family and tier; of all families, and of each that has rows on that tier."""
    from scipy.optimize import least_squares

    places = [(POOLED, tier) for tier in TIERS]
    families = sorted({row.family for row in rows})
    places += [(family, tier) for family in families for tier in TIERS
               if any(row.family == family and _decides(tier, row.asked) for row in rows)]  # fmt: skip
    known = [prior for _, tier in places for prior in (STARTS[tier], SHARES[tier])]
    pooled = np.array([2 * TIERS.index(tier) + which for _, tier in places for which in (0, 1)])
    first = len(TIERS) * 2
    prior = np.log([one.value for one in known])
    bounds = np.log([one.low for one in known]), np.log([one.high for one in known])
    spread = np.array([one.spread for one in known[:first]] + [START_SPREAD, SHARE_SPREAD] * (len(places) - len(TIERS)))
    weights = certainty([row.group for row in rows])

    def residuals(logs: Array) -> Array:
        about = np.concatenate([prior[:first], logs[pooled[first:]]])
        return np.concatenate([bent(weights * logs_of(rows, _links(places, logs))), (logs - about) / spread])

    best = least_squares(residuals, np.minimum(prior, bounds[1] - 1e-6), bounds=bounds)
    return _links(places, best.x)


def _decides(tier: str, asked: Asked) -> bool:
    """Whether a collective's bytes take longest on a tier."""
    return asked.out > asked.up if tier == TermName.SCALE_OUT else asked.up >= asked.out


def _links(places: Sequence[tuple[str, str]], logs: Array) -> dict[str, dict[str, Link]]:
    found: dict[str, dict[str, Link]] = {}
    for number, (family, tier) in enumerate(places):
        start, share = np.exp(logs[2 * number : 2 * number + 2]).tolist()
        found.setdefault(family, {})[str(tier)] = Link(start, min(1.0, share))
    return found
