"""Measured collectives: what an all-reduce, all-gather or all-to-all of a row asks of a chip's links, and its ideal."""

from dataclasses import dataclass
from functools import lru_cache

import sympy

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import Copies, TermName
from steptime.model.errors import UserError
from steptime.model.network.collectives import Group, all_gather, all_reduce, at_least, at_most, expert_exchange
from steptime.model.precision import BYTES
from steptime.model.terms import Transfer

UP, OUT = TermName.SCALE_UP, TermName.SCALE_OUT
RATES = {UP: q.scale_up_bandwidth.name, OUT: q.scale_out_bandwidth.name}
CHOSEN = "all_to_all"
"""The phase in which tokens may go to chosen experts instead of bytes to everyone."""


@dataclass(frozen=True)
class Share:
    """What a chip sends on both tiers for each byte of a collective's volume, how often it starts to send across
    domains, and how tokens go to their experts."""

    up: float
    out: float
    crossings: float
    copies: Copies | None = None

    def seconds(self, volume: float, hardware: Hardware) -> dict[str, float]:
        """Seconds that each tier with a part in it takes at its full rate."""
        sent = {tier: volume * share for tier, share in ((UP, self.up), (OUT, self.out)) if share > 0}
        return {tier: amount / _figure(hardware, RATES[tier]) for tier, amount in sent.items()}


def collective_time(row: Measurement, hardware: Hardware) -> tuple[float, str]:
    """The time of one collective, and the tier that takes it; the cheapest algorithm of the model."""
    shares, volume = shares_of(row, hardware), volume_of(row)
    ways = [share.seconds(volume, hardware) for share in shares]
    return min(max((time, tier) for tier, time in way.items()) for way in ways)


def shares_of(row: Measurement, hardware: Hardware) -> tuple[Share, ...]:
    """The ways in which a row's collective can be done: one, or two for tokens that go to chosen experts."""
    if row.chips == 1:
        raise UserError("one chip has nobody to exchange with")
    domain = int(_figure(hardware, q.scale_up_domain.name))
    chosen = int(_detail(row, "topk")) if row.phase == CHOSEN and "bytes" not in row.detail else None
    return _shares(row.phase, row.chips, domain, hardware.torus_axes, hardware.in_switch_reduction, chosen)


def volume_of(row: Measurement) -> float:
    """Bytes of a collective: as stated, or those of all tokens of a chip, once."""
    if row.phase != CHOSEN or "bytes" in row.detail:
        return _detail(row, "bytes")
    return _detail(row, "tokens") * _detail(row, "hidden") * BYTES[row.detail.get("dtype", "bf16")]


@lru_cache(maxsize=4096)
def _shares(phase: str, chips: int, domain: int, axes: int, in_switch: bool, chosen: int | None) -> tuple[Share, ...]:
    """Every collective is linear in its volume: what one byte of it takes, of neighbouring chips."""
    size, one = sympy.Integer(chips), sympy.S.One
    over = Group(size, at_least(1, at_most(size, sympy.Integer(domain))), axes)
    moves: dict[Copies | None, Transfer]
    if phase == "all_reduce":
        moves = {None: all_reduce(one, over, in_switch)}
    elif phase == "all_gather":
        moves = {None: all_gather(one, over)}
    elif chosen is None:
        moves = {None: expert_exchange(one, over, 1, None, Copies.PER_EXPERT)}
    else:
        moves = {way: expert_exchange(one, over, chosen, None, way) for way in Copies}
    return tuple(_share(moved, way) for way, moved in moves.items())


def _share(moved: Transfer, way: Copies | None) -> Share:
    return Share(float(moved.scale_up), float(moved.scale_out), float(moved.scale_out_starts), way)


def _figure(hardware: Hardware, name: str) -> float:
    if name not in hardware.figures:
        raise UserError(hardware.missing(name))
    return hardware.figures[name].value


def _detail(row: Measurement, name: str) -> float:
    value = row.number(name)
    if value is None:
        raise UserError(f"detail {name} is not stated")
    return value
