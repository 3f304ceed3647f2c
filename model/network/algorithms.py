"""Algorithms of collectives on one tier: bytes over a chip's link, and start-ups one after another.

A volume V and a group of n chips, each with a link that sends and receives at once at full rate, joined so that any
pair may talk; adding costs nothing. Every form is for n >= 2; a group that is stated to be one chip costs nothing.
`steptime.model.network.collectives` takes, on two tiers, the fewest bytes and then the fewest start-ups of these.
Sources: Thakur, Rabenseifner and Gropp 2005 (doi 10.1177/1094342005051521) and Chan, Heimlich, Purkayastha and van de
Geijn 2007 (doi 10.1002/cpe.1206) for rings, trees and lower bounds; Sanders, Speck and Traeff 2009
(doi 10.1016/j.parco.2009.09.001) for two trees; Klenk et al. 2020 (doi 10.1109/ISCA45697.2020.00085) for sums in the
switch.
"""

from dataclasses import dataclass

import sympy
from sympy import Expr

from steptime.model.extremes import at_least
from steptime.model.terms import zero


@dataclass(frozen=True)
class Form:
    """What one chip does: bytes it sends and receives, and start-ups in sequence."""

    sent: Expr = zero
    received: Expr = zero
    starts: Expr = zero

    @property
    def carried(self) -> Expr:
        """Bytes over the busier direction of the chip's link."""
        return self.sent if self.sent == self.received else at_least(self.sent, self.received)

    def time(self, bandwidth: Expr, latency: Expr) -> Expr:
        """Start-ups, and the bytes at ``bandwidth``, one direction. Seconds.

        >>> from steptime.model.symbols import scale_up_bandwidth, scale_up_latency
        >>> send(sympy.Integer(8)).time(scale_up_bandwidth, scale_up_latency)
        scale_up_latency + 8/scale_up_bandwidth
        """
        return self.starts * latency + self.carried / bandwidth


def _both_ways(chips: Expr, carried: Expr, starts: Expr | int) -> Form:
    """As many bytes received as sent."""
    return Form() if chips == 1 else Form(carried, carried, sympy.sympify(starts, strict=True))


def ring_all_gather(volume: Expr, chips: Expr) -> Form:
    """Shares travel round a ring: in each of n - 1 steps a chip hands on one share. So does a reduce-scatter.

    >>> ring_all_gather(sympy.Integer(8), sympy.Integer(4))
    Form(sent=6, received=6, starts=3)
    """
    return _both_ways(chips, (chips - 1) * (volume / chips), chips - 1)


ring_reduce_scatter = ring_all_gather


def ring_all_reduce(volume: Expr, chips: Expr) -> Form:
    """A reduce-scatter and an all-gather round the ring: 2(n-1)/n of the volume, 2(n-1) steps.

    >>> ring_all_reduce(sympy.Integer(8), sympy.Integer(4))
    Form(sent=12, received=12, starts=6)
    """
    return _both_ways(chips, 2 * (chips - 1) * (volume / chips), 2 * (chips - 1))


def direct_all_gather(volume: Expr, chips: Expr) -> Form:
    """Every chip sends its share to every other at once; a link takes all messages together.

    >>> direct_all_gather(sympy.Integer(8), sympy.Integer(4))
    Form(sent=6, received=6, starts=1)
    """
    return _both_ways(chips, (chips - 1) * (volume / chips), 1)


direct_reduce_scatter = direct_all_gather


def two_shot_all_reduce(volume: Expr, chips: Expr) -> Form:
    """A direct reduce-scatter and a direct all-gather: the ring's bytes in two starts.

    >>> two_shot_all_reduce(sympy.Integer(8), sympy.Integer(4))
    Form(sent=12, received=12, starts=2)
    """
    return _both_ways(chips, 2 * (chips - 1) * (volume / chips), 2)


def one_shot_all_reduce(volume: Expr, chips: Expr) -> Form:
    """Every chip sends its whole volume to every other and adds what comes: one start, n/2 times the bytes.

    >>> one_shot_all_reduce(sympy.Integer(8), sympy.Integer(4))
    Form(sent=24, received=24, starts=1)
    """
    return _both_ways(chips, (chips - 1) * volume, 1)


def tree_all_reduce(volume: Expr, chips: Expr) -> Form:
    """Two binary trees, half the volume each, up and down, in a pipeline of many small pieces.

    A chip is a leaf of one tree and inside the other, so it sends V/2 up twice and V/2 down twice: 2V on the fullest
    chip, less only in groups of a few. Start-ups are those until the first piece is down again; each further piece
    costs more of them.

    >>> tree_all_reduce(sympy.Integer(8), sympy.Integer(4))
    Form(sent=16, received=16, starts=4)
    """
    return _both_ways(chips, 2 * volume, 2 * sympy.ceiling(sympy.log(chips, 2)))


def in_switch_all_reduce(volume: Expr, chips: Expr) -> Form:
    """The switch adds what the chips send and multicasts the sum: the volume once each way.

    A bound for chips that ask the switch for the sum of their share and multicast it (NVLink SHARP): a share that is
    also fetched from the chip itself makes it V (n+1)/n, `multimem_all_reduce`.

    >>> in_switch_all_reduce(sympy.Integer(8), sympy.Integer(4))
    Form(sent=8, received=8, starts=1)
    """
    return _both_ways(chips, volume, 1)


def multimem_all_reduce(volume: Expr, chips: Expr) -> Form:
    """Each chip loads the sum of its share through the switch, from all chips and itself, and multicasts it to all.

    It sends V for the sums and V/n of its own; a load and a store, one after another.

    >>> multimem_all_reduce(sympy.Integer(8), sympy.Integer(4))
    Form(sent=10, received=10, starts=2)
    """
    return _both_ways(chips, volume + volume / chips, 2)


def in_switch_all_gather(volume: Expr, chips: Expr) -> Form:
    """Each chip sends its share once and the switch multicasts it; all others' shares must still arrive.

    >>> in_switch_all_gather(sympy.Integer(8), sympy.Integer(4)).carried
    6
    """
    share = volume / chips
    return Form() if chips == 1 else Form(share, (chips - 1) * share, sympy.S.One)


def in_switch_reduce_scatter(volume: Expr, chips: Expr) -> Form:
    """Each chip sends the other chips' shares and receives the sum of its own.

    >>> in_switch_reduce_scatter(sympy.Integer(8), sympy.Integer(4))
    Form(sent=6, received=2, starts=1)
    """
    gather = in_switch_all_gather(volume, chips)
    return Form(gather.received, gather.sent, gather.starts)


def all_to_all(volume: Expr, chips: Expr) -> Form:
    """Each chip sends an equal share of its volume to every chip, itself included: 1/n stays. All at once.

    >>> all_to_all(sympy.Integer(8), sympy.Integer(4))
    Form(sent=6, received=6, starts=1)
    """
    return _both_ways(chips, (chips - 1) * (volume / chips), 1)


def send(volume: Expr) -> Form:
    """One message from one chip to one other.

    >>> send(sympy.Integer(8))
    Form(sent=8, received=8, starts=1)
    """
    return Form(volume, volume, sympy.S.One)
