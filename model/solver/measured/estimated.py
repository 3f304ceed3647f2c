"""The estimate of a measured collective: its starts and bytes, put into the closed form of its kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from steptime.model.catalog.coefficients import Coefficients
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.links import TIERS, Collectives, Link
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import Copies
from steptime.model.estimate import symbols as e
from steptime.model.estimate.collectives import FORMS, HANDED_ON
from steptime.model.network.pieces import stages_after_first
from steptime.model.numeric import compiled
from steptime.model.solver.measured.collective import Share, shares_of, volume_of
from steptime.model.symbols import further_stages

FEW_TOKENS = 256
"""Tokens of a chip up to which libraries send one copy to each expert, straight to its chip; of more, one to each
domain that holds one, handed on inside. DeepEP's README: fewer than 256 for the kernels of the first kind."""
UP, OUT = TIERS
ASKED = (e.up_start, e.out_start, e.up_moving, e.out_moving, further_stages)


@dataclass(frozen=True)
class Asked:
    """One collective: its form, seconds at full rate of each tier (zero where it has no part), starts across domains,
    stages of a sum after the first, and the ideal time of the cheapest way to do it.

    Inside a domain a collective is one kernel, whose chips reach each other's memory: it starts once. Across domains
    each round of messages starts anew: a sum is scattered and gathered.
    """

    form: str
    up: float
    out: float
    crossings: float
    stages: int
    ideal: float


class Estimated(NamedTuple):
    """Seconds, between which eight in ten lie, what the band was measured on, and the share that starts take."""

    seconds: float
    low: float
    high: float
    family: str
    starting: float


def asked_of(row: Measurement, hardware: Hardware) -> Asked:
    """What a row's collective asks of a chip's links; raises UserError where a figure is missing."""
    shares, volume = shares_of(row, hardware), volume_of(row)
    ideal = min(max(share.seconds(volume, hardware).values()) for share in shares)
    way = _way(shares, row.number("tokens") or 0.0)
    times = way.seconds(volume, hardware)
    form = HANDED_ON if way.copies == Copies.PER_DOMAIN else row.phase
    return Asked(form, times.get(UP, 0.0), times.get(OUT, 0.0), way.crossings, stages_after_first(row.chips), ideal)


def _way(shares: Sequence[Share], tokens: float) -> Share:
    """How it is done: of tokens to chosen experts by how many there are."""
    wanted = Copies.PER_EXPERT if tokens <= FEW_TOKENS else Copies.PER_DOMAIN
    return next((share for share in shares if share.copies == wanted), shares[0])


def times_of(asked: Sequence[Asked], ups: Sequence[Link], outs: Sequence[Link]) -> np.ndarray[Any, Any]:
    """Seconds of so many collectives, each with the links of its family."""
    up, out, crossings = (np.array([getattr(one, name) for one in asked]) for name in ("up", "out", "crossings"))
    starts = [np.array([link.start for link in ups]) * np.sign(up), np.array([link.start for link in outs]) * crossings]
    moving = [up / np.array([link.share for link in ups]), out / np.array([link.share for link in outs])]
    stages = np.array([one.stages for one in asked], float)
    values, forms, found = [*starts, *moving, stages], np.array([one.form for one in asked]), np.zeros(len(asked))
    for form in dict.fromkeys(forms.tolist()):
        chosen = forms == form
        found[chosen] = compiled(FORMS[form], ASKED)(*(value[chosen] for value in values))
    return found


def estimated_collective(row: Measurement, hardware: Hardware, coefficients: Coefficients) -> Estimated | None:
    """The estimate of a row's collective, never below the ideal of `collective_time`; None where the set has no
    coefficients of collectives. Raises UserError where that does."""
    chosen = coefficients.collectives
    return None if chosen is None else _estimated(asked_of(row, hardware), hardware.family, chosen)


def _estimated(asked: Asked, family: str | None, chosen: Collectives) -> Estimated:
    links = [chosen.link(family, tier) for tier in TIERS]
    still = [Link(0.0, link.share) for link in links]
    time, moving = (float(times_of([asked], [up], [out])[0]) for up, out in (links, still))
    used = [tier for tier, part in zip(TIERS, (asked.up, asked.out), strict=True) if part > 0]
    unseen = [tier for tier in used if not chosen.has_rows(family, tier)]
    starting = 1 - moving / time
    low, high = chosen.band(family, starting, not unseen)
    name = f"collectives on {family}" if not unseen and family in chosen.bands else "collectives"
    name += f", no row of {' and '.join(unseen)} of {family or 'its family'}" if unseen else ""
    return Estimated(time, max(asked.ideal, time * low), time * high, name, starting)
