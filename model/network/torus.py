"""Links of a torus: what a collective moves over them, as bytes over all links of a chip together.

A chip has two links on each axis. Bytes are *effective*: divided by the bandwidth of all its links, they give the time
that the fullest link needs. A group is laid out as a torus of its own, as near a cube as it can be, messages take
shortest paths, and only links between members carry them: other groups use the others. So they are a lower bound.
Sources: Scott 1991, "Efficient all-to-all communication patterns in hypercube and mesh topologies"; Dally and Towles
2004, "Principles and Practices of Interconnection Networks", section 5.2, for the load of links under uniform traffic.
"""

import sympy
from sympy import Expr, Rational, floor

from steptime.model.extremes import at_least, at_most

one: Expr = sympy.S.One
ROUNDING = Rational(1, 10**6)
"""What a root may be off, so that a whole square is not taken for the number below."""


def axes_used(chips: Expr, axes: int) -> Expr:
    """Axes on which a group has neighbours: two chips lie along one, four can span two, eight three.

    min(axes, floor(log2 n)), and 1 for a single chip, which sends nothing.

    >>> from sympy import Integer
    >>> [int(axes_used(Integer(chips), 3)) for chips in (1, 2, 3, 4, 7, 8, 512)]
    [1, 1, 1, 2, 2, 3, 3]
    """
    return one + sympy.Add(*[at_most(1, floor(chips / 2**axis)) for axis in range(2, axes + 1)])


def neighbour_factor(chips: Expr, axes: int) -> Expr:
    """Effective over sent bytes of gather, scatter and reduction: all links over those along axes that are used.

    A chip must receive the same bytes however its neighbours are arranged, over the links that lead to the group.

    >>> from sympy import Integer
    >>> neighbour_factor(Integer(4), 3), neighbour_factor(Integer(4), 0)
    (3/2, 1)
    """
    return axes / axes_used(chips, axes) if axes else one


def ring_distance(side: Expr) -> Expr:
    """Links between two chips of a ring on average, itself among them: k/4 for even k, (k - 1/k)/4 for odd.

    floor(k^2/4)/k; below what whole sides can reach where the root of a group's size is not whole.

    >>> from sympy import Integer
    >>> ring_distance(Integer(4)), ring_distance(Integer(3)), ring_distance(Integer(1))
    (1, 2/3, 0)
    """
    return floor(side**2 / 4 + ROUNDING) / side


def exchange_bytes(volume: Expr, chips: Expr, axes: int) -> Expr:
    """Effective bytes of an all-to-all: each chip has ``volume`` bytes, an equal share for every chip and itself.

    On an axis of k chips a message crosses k/4 links, and a chip has two: each carries V k/8 of its chip's bytes, and
    of all bandwidth it is one part in twice the axes.

    >>> from sympy import Integer
    >>> exchange_bytes(Integer(64), Integer(64), 3), exchange_bytes(Integer(64), Integer(64), 0)
    (192, 63)
    """
    sent = volume * (chips - 1) / chips
    if not axes:
        return sent
    used = axes_used(chips, axes)
    return axes * at_least(sent / used, volume * ring_distance(chips ** (1 / used)))


def hop_factor(axes: int) -> Expr:
    """Effective over sent bytes of a message to one neighbour: it takes one of a chip's links.

    >>> hop_factor(3), hop_factor(0)
    (6, 1)
    """
    return sympy.Integer(2 * axes) if axes else one


def even_ring_distance(half: Expr) -> Expr:
    """Links between two chips of a ring of twice ``half`` chips: 1 to h - 1 both ways, and h once, over all 2h.

    >>> even_ring_distance(sympy.Integer(4))
    2
    """
    return (2 * (half * (half - 1) / 2) + half) / (2 * half)


def link_load(volume: Expr, distance: Expr) -> Expr:
    """Bytes on each of the two links that a chip has on an axis, where its volume crosses ``distance`` of them."""
    return volume * distance / 2


def link_bandwidth(bandwidth: Expr, axes: Expr | int) -> Expr:
    """Bandwidth of one link, where ``bandwidth`` is that of all links of a chip together, one direction."""
    return bandwidth / (2 * axes)
