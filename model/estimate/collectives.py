"""The time of one collective in closed form: a start on each tier, and bytes at a share of a link's bandwidth.

Sums pass through stages, as up and down a tree: their message is cut in pieces, so that a stage works on one while the
next works on the one before. N pieces of a message that takes T, through d + 1 stages that take a to start each,
need (N + d)(a + T/N). The best N is sqrt(dT/a), and one where that is less: (sqrt(da) + sqrt(T))^2, or (d + 1)(a + T)
(derivations `best-pieces` and `pipelined-collective`). A gather and an exchange send everything at once, and cannot be
cut to advantage. At starts of zero and shares of one every form is the time of the bytes alone; none is ever below it.
"""

from collections.abc import Mapping

from sympy import Expr, Integer, sqrt

from steptime.model.extremes import at_least, at_most
from steptime.model.network.algorithms import tree_all_reduce

from steptime.model.estimate.symbols import (  # isort: skip
    further_stages, moving_time, out_moving, out_start, piece_start, up_moving, up_start,
)  # fmt: skip

best_pieces: Expr = sqrt(further_stages * moving_time / piece_start)
"""Pieces in which a message takes the least time, where they are one or more."""

in_best_pieces: Expr = (sqrt(further_stages * piece_start) + sqrt(moving_time)) ** 2
"""Seconds in as many pieces as are best."""

in_one_piece: Expr = (further_stages + 1) * (piece_start + moving_time)
"""Seconds in one piece, where fewer would be better."""


def pipelined(stages: Expr, start: Expr, moving: Expr) -> Expr:
    """Seconds of a message in max(1, best) pieces: ``stages`` after the first, each with ``start`` for a piece.

    Written without a case: the starts of N - 1 further pieces take sqrt(d T a), and at least one start is paid; what
    fills the stages takes sqrt(d T a), and at most d T.

    >>> from sympy import Integer
    >>> pipelined(Integer(1), Integer(4), Integer(9)), pipelined(Integer(1), Integer(4), Integer(1))
    (25, 10)
    >>> pipelined(Integer(6), Integer(0), Integer(9))
    9
    """
    between = sqrt(stages * moving * start)
    return stages * start + moving + at_least(start, between) + at_most(stages * moving, between)


def stages_after_first(chips: int) -> int:
    """Stages after the first of a sum over so many chips: a tree's levels, up and down, of which the first is paid.

    >>> [stages_after_first(chips) for chips in (2, 8, 72)]
    [1, 5, 13]
    """
    return int(tree_all_reduce(Integer(1), Integer(chips)).starts) - 1


starts: Expr = up_start + out_start
slower: Expr = at_least(up_moving, out_moving)

reduced: Expr = pipelined(further_stages, starts / (further_stages + 1), slower)
"""Seconds of an all-reduce: its start is that of the first piece, which passes every stage."""

gathered: Expr = starts + slower
"""Seconds of a gather, or of tokens handed on from tier to tier: what one tier starts the other waits for, and both
then move at the pace of the slower."""

exchanged: Expr = at_least(up_start + up_moving, out_start + out_moving)
"""Seconds of an all-to-all: each tier has messages of its own, sent at the same time."""

HANDED_ON = "handed_on"
"""Tokens that cross a domain's edge once, and are then handed on to the chips inside that need them."""
FORMS: Mapping[str, Expr] = {
    "all_reduce": reduced, "all_gather": gathered, "all_to_all": exchanged, HANDED_ON: gathered,
}  # fmt: skip
"""By what is measured."""
