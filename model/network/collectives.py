"""Collectives on a two-tier network, as bytes that one chip sends on each tier, one direction.

A group of ``size`` chips has ``inside`` members in each scale-up domain. Bandwidth-optimal algorithms: what must cross
the domain's edge crosses it once, shared by all chips of the domain; the rest stays on scale-up. Start-ups are the
fewest that move no more bytes: every chip sends to every other at once (`steptime.model.network.algorithms` has each
algorithm on one tier). Where a torus joins the chips of a domain, scale-up bytes are effective ones
(`steptime.model.network.torus`); such chips have no switch that could add.
Source: Thakur, Rabenseifner and Gropp 2005 (doi 10.1177/1094342005051521) for the bounds on one tier; hierarchical form
by applying them to each tier.
"""

from dataclasses import dataclass

import sympy
from sympy import Expr, ceiling, floor

from steptime.model.choices import Copies
from steptime.model.extremes import at_least, at_most
from steptime.model.network.copies import Limit, distinct_places, expected_distinct, reachable
from steptime.model.network.torus import exchange_bytes, hop_factor, neighbour_factor
from steptime.model.symbols import scale_up_domain
from steptime.model.terms import Transfer

__all__ = [
    "Group", "all_gather", "all_reduce", "all_to_all", "at_least", "at_most", "expected_distinct", "expert_exchange",
    "gather_between", "group", "reachable", "reduce_scatter", "send",
]  # fmt: skip

one: Expr = sympy.S.One


@dataclass(frozen=True)
class Group:
    """Chips that communicate: how many, how many of them share a scale-up domain, and what joins those.

    ``axes`` is 0 where a switch lets every pair talk at full rate, else the axes of a torus, two links a chip on each;
    scale_up_bandwidth is all of them together, one direction.
    """

    size: Expr
    inside: Expr
    axes: int = 0

    @property
    def domains(self) -> Expr:
        """Scale-up domains that the group spans."""
        return self.size / self.inside


def group(size: Expr, stride: Expr, axes: int = 0) -> Group:
    """The group of ``size`` chips that lie ``stride`` apart; its stride decides its tier.

    >>> from sympy import Integer
    >>> group(Integer(8), Integer(8)).inside.subs(scale_up_domain, 8)  # neighbours are a whole domain apart
    1
    """
    return Group(size, at_least(1, at_most(size, floor(scale_up_domain / stride))), axes)


def all_gather(volume: Expr, over: Group) -> Transfer:
    """Every chip ends with ``volume`` bytes, of which it held one share. Reduce-scatter moves the same bytes back.

    A chip sends (n-1)/n of the volume on a single tier, to all others at once: one start.

    >>> from sympy import Integer
    >>> all_gather(Integer(8), Group(Integer(4), Integer(4))).scale_up
    6
    >>> all_gather(Integer(8), Group(Integer(4), Integer(4), axes=3)).scale_up  # four chips use two of three axes
    9
    """
    return Transfer(
        scale_up=volume * (over.inside - 1) / over.inside * neighbour_factor(over.inside, over.axes),
        scale_out=volume * (over.size - over.inside) / over.size / over.inside,
        scale_up_starts=at_most(1, over.inside - 1),
        scale_out_starts=at_most(1, over.size - over.inside),
    )


reduce_scatter = all_gather


def all_reduce(volume: Expr, over: Group, in_switch: bool) -> Transfer:
    """Every chip ends with the sum of all chips' ``volume`` bytes.

    A reduce-scatter and an all-gather, 2(n-1)/n of the volume in two starts; of two chips each sends all to the other
    in one. Where the scale-up switch reduces and multicasts, a chip sends its volume once, which is never more: the
    cheaper one is taken. Over several domains, what they exchange lies between reduce-scatter and all-gather.

    >>> from sympy import Integer
    >>> four = Group(Integer(4), Integer(4))
    >>> all_reduce(Integer(8), four, in_switch=False).scale_up, all_reduce(Integer(8), four, in_switch=True).scale_up
    (12, 8)
    """
    half = all_gather(volume, over)
    starts = at_most(2, (over.inside - 1) * (over.size - 1))
    starts_out = at_most(2, ceiling(over.domains) - 1)
    if not in_switch or over.axes:
        return Transfer(2 * half.scale_up, 2 * half.scale_out, starts, starts_out)
    in_one_pass = half.scale_up_starts * (1 + half.scale_out_starts)
    return Transfer(volume * half.scale_up_starts, 2 * half.scale_out, in_one_pass, starts_out)


def all_to_all(volume: Expr, over: Group) -> Transfer:
    """Each chip sends an equal share of its ``volume`` bytes to every chip: 1/n stays with it.

    (n_in-1)/n goes scale-up and (n-n_in)/n scale-out, at once.

    >>> from sympy import Integer
    >>> moved = all_to_all(Integer(16), Group(Integer(16), Integer(8)))
    >>> moved.scale_up, moved.scale_out
    (7, 8)
    """
    return Transfer(
        exchange_bytes(volume * over.inside / over.size, over.inside, over.axes),
        volume * (over.size - over.inside) / over.size,
        at_most(1, over.inside - 1),
        at_most(1, over.size - over.inside),
    )


def gather_between(volume: Expr, size: Expr, held: Expr, axes: int = 0) -> Transfer:
    """An all-gather among neighbouring groups whose ``held`` chips each have their group's whole share already.

    What the all-gather over all ``size`` chips moves, less what it would move inside such a group. Groups of one domain
    each send over both tiers: across once, shared by the chips of the domain, which then gather it. A single group has
    everything already.

    >>> from sympy import Integer
    >>> alone = gather_between(Integer(8), Integer(16), Integer(16))
    >>> alone.scale_up_starts, alone.scale_out_starts
    (0, 0)
    """
    everyone, own = group(size, one), group(held, one)
    whole, inner = all_gather(volume, everyone), all_gather(volume * held / size, own)
    others = size - held
    return Transfer(
        scale_up=(whole.scale_up - inner.scale_up) * neighbour_factor(everyone.inside, axes),
        scale_out=whole.scale_out - inner.scale_out,
        scale_up_starts=at_most(1, others * (everyone.inside - 1)),
        scale_out_starts=at_most(1, others * (size - everyone.inside)),
    )


def expert_exchange(payload: Expr, over: Group, choices: Expr | int, limit: Limit | None, copies: Copies) -> Transfer:
    """What one token sends to its experts, or gets back, as bytes over both tiers.

    ``over`` counts the groups of chips that hold experts, ``choices`` the experts of a token, ``limit`` how many groups
    of experts the router keeps, of how many. Routing is uniform.

    ``per-expert``: one copy for each expert, an all-to-all of k copies.
    ``per-domain``: one copy to each remote domain that holds a chosen expert, to a chip that needs it, and from there
    over scale-up to the other chips that do: as many copies in all as there are remote chips with a chosen expert. On a
    torus it is no more than handing a token on from chip to chip, so that all chips of the domain pass it on.

    >>> from sympy import Integer
    >>> one_copy = expert_exchange(Integer(1), Group(Integer(72), Integer(8)), 8, (4, 8), Copies.PER_DOMAIN)
    >>> round(float(one_copy.scale_out), 2)
    3.94
    """
    everywhere = all_to_all(payload * choices, over)
    if copies == Copies.PER_EXPERT:
        return everywhere
    domains, size, inside = over.domains, over.size, over.inside
    remote = distinct_places(domains, choices, limit) * (domains - 1) / domains
    forwarded = distinct_places(size, choices, limit) * (size - 1) / size - remote
    scale_up = payload * forwarded
    if over.axes:
        evenly = forwarded * inside / at_least(1, inside - 1)
        handed_on = payload * (inside - 1) * (1 + remote) * neighbour_factor(inside, over.axes)
        scale_up = at_most(exchange_bytes(payload * evenly, inside, over.axes), handed_on)
    return Transfer(scale_up, payload * remote, everywhere.scale_up_starts, everywhere.scale_out_starts)


def send(payload: Expr, stages: Expr, stride: Expr, axes: int = 0) -> Transfer:
    """A message handed from stage to stage: ``stages - 1`` hops, those across a domain's edge over scale-out."""
    stages_in_domain = at_least(1, floor(scale_up_domain / stride))
    hops_out = ceiling(stages / stages_in_domain) - 1
    hops_up = stages - 1 - hops_out
    return Transfer(payload * hops_up * hop_factor(axes), payload * hops_out, hops_up, hops_out)


def send_back(payload: Expr, stages: Expr, stride: Expr, axes: int = 0) -> Transfer:
    """A message from the last stage to the first: over scale-out where the stages fill more than a domain."""
    one_way = send(payload, stages, stride, axes)
    moves, out = at_most(1, stages - 1), at_most(1, one_way.scale_out_starts)
    return Transfer(payload * (moves - out) * hop_factor(axes), payload * out, moves - out, out)
