"""Collectives on a two-tier network, as bytes that one chip sends on each tier, one direction.

A group of ``size`` chips has ``inside`` members in each scale-up domain. Bandwidth-optimal algorithms: what must cross
the domain's edge crosses it once, shared by all chips of the domain; the rest stays on scale-up.
Source: Thakur, Rabenseifner and Gropp 2005 (doi 10.1177/1094342005051521) for the ring bounds; hierarchical form by
applying them to each tier.
"""

from dataclasses import dataclass

import sympy
from sympy import Expr, Max, Min, Rational, floor

from steptime.model.symbols import scale_up_domain
from steptime.model.terms import Transfer

one: Expr = sympy.S.One


@dataclass(frozen=True)
class Group:
    """Chips that communicate: how many, and how many of them share a scale-up domain."""

    size: Expr
    inside: Expr

    @property
    def domains(self) -> Expr:
        """Scale-up domains that the group spans."""
        return self.size / self.inside


def at_least(least: Expr | int, value: Expr) -> Expr:
    """max(least, value), compared by SymPy only where that is quick: with at most one symbol."""
    return Max(least, value, evaluate=len(sympy.Add(least, value).free_symbols) <= 1)


def at_most(most: Expr | int, value: Expr) -> Expr:
    """min(most, value), compared by SymPy only where that is quick: with at most one symbol."""
    return Min(most, value, evaluate=len(sympy.Add(most, value).free_symbols) <= 1)


def group(size: Expr, stride: Expr) -> Group:
    """The group of ``size`` chips that lie ``stride`` apart; its stride decides its tier.

    >>> from sympy import Integer
    >>> group(Integer(8), Integer(8)).inside.subs(scale_up_domain, 8)  # neighbours are a whole domain apart
    1
    """
    return Group(size, at_least(1, at_most(size, floor(scale_up_domain / stride))))


def all_gather(volume: Expr, over: Group) -> Transfer:
    """Every chip ends with ``volume`` bytes, of which it held one share. Reduce-scatter moves the same bytes back.

    A chip sends (n-1)/n of the volume on a single tier.

    >>> from sympy import Integer
    >>> all_gather(Integer(8), Group(Integer(4), Integer(4))).scale_up
    6
    """
    return Transfer(
        scale_up=volume * (over.inside - 1) / over.inside,
        scale_out=volume * (over.size - over.inside) / over.size / over.inside,
        scale_up_starts=at_most(1, over.inside - 1),
        scale_out_starts=at_most(1, over.size - over.inside),
    )


reduce_scatter = all_gather


def all_reduce(volume: Expr, over: Group, in_switch: bool) -> Transfer:
    """Every chip ends with the sum of all chips' ``volume`` bytes.

    Ring: a reduce-scatter and an all-gather, 2(n-1)/n of the volume. Where the scale-up switch reduces and multicasts,
    a chip sends its volume once, which is never more: the cheaper one is taken.

    >>> from sympy import Integer
    >>> four = Group(Integer(4), Integer(4))
    >>> all_reduce(Integer(8), four, in_switch=False).scale_up, all_reduce(Integer(8), four, in_switch=True).scale_up
    (12, 8)
    """
    half = all_gather(volume, over)
    scale_up = volume * half.scale_up_starts if in_switch else 2 * half.scale_up
    return Transfer(scale_up, 2 * half.scale_out, half.scale_up_starts, half.scale_out_starts)


def gather_between(volume: Expr, size: Expr, held: Expr) -> Transfer:
    """An all-gather among neighbouring groups whose ``held`` chips each have their group's whole share already.

    What the all-gather over all ``size`` chips moves, less what it would move inside such a group.
    """
    everyone, own = group(size, one), group(held, one)
    whole, inner = all_gather(volume, everyone), all_gather(volume * held / size, own)
    return Transfer(
        scale_up=whole.scale_up - inner.scale_up,
        scale_out=whole.scale_out - inner.scale_out,
        scale_up_starts=at_most(1, everyone.inside - own.inside),
        scale_out_starts=at_most(1, size - everyone.inside),
    )


def expert_exchange(payload: Expr, over: Group, choices: int, limit: tuple[int, int] | None, copies: str) -> Transfer:
    """What one token sends to its experts, or gets back, as bytes over both tiers.

    ``over`` counts the groups of chips that hold experts, ``choices`` the experts of a token, ``limit`` how many groups
    of experts the router keeps, of how many. Routing is uniform.

    ``per-expert``: one copy for each expert: of k copies 1/n stays, (n_in-1)/n goes scale-up, (n-n_in)/n scale-out.
    ``per-domain``: one copy to each remote domain that holds a chosen expert, to a chip that needs it, and from there
    over scale-up to the other chips that do: as many copies in all as there are remote chips with a chosen expert.
    """
    if copies == "per-expert":
        scale_up = choices * (over.inside - 1) / over.size
        scale_out = choices * (over.size - over.inside) / over.size
    else:
        domains = over.domains
        scale_out = expected_distinct(reachable(domains, limit), choices) * (domains - 1) / domains
        chips = expected_distinct(reachable(over.size, limit), choices) * (over.size - 1) / over.size
        scale_up = chips - scale_out
    return Transfer(
        payload * scale_up,
        payload * scale_out,
        at_most(1, over.inside - 1),
        at_most(1, over.size - over.inside),
    )


def reachable(places: Expr, limit: tuple[int, int] | None) -> Expr:
    """Places among which a token's experts lie, where the router keeps some of the groups of experts.

    Where a group spans several places, its share of them; where a place holds several groups, the places that the kept
    groups are expected to hit. Experts lie in order, groups aligned with places.

    >>> from sympy import Integer
    >>> reachable(Integer(8), (4, 8)), reachable(Integer(16), (4, 8)), reachable(Integer(1), (4, 8))
    (4, 8, 1)
    """
    if limit is None:
        return places
    kept, groups = limit
    return at_least(places * Rational(kept, groups), expected_distinct(places, kept))


def expected_distinct(places: Expr, draws: Expr | int) -> Expr:
    """Expected number of distinct places hit by independent uniform draws: m(1-(1-1/m)^k).

    >>> from sympy import Integer
    >>> expected_distinct(Integer(2), 2)
    3/2
    """
    return places * (1 - (1 - 1 / places) ** draws)


def send(payload: Expr, stages: Expr, stride: Expr) -> Transfer:
    """A message handed from stage to stage: ``stages - 1`` hops, those across a domain's edge over scale-out."""
    stages_in_domain = at_least(1, floor(scale_up_domain / stride))
    hops_out = sympy.ceiling(stages / stages_in_domain) - 1
    hops_up = stages - 1 - hops_out
    return Transfer(payload * hops_up, payload * hops_out, hops_up, hops_out)
