"""A message through stages in a row, cut in pieces: a stage works on one while the next works on the one before.

N pieces of a message whose bytes take T, through d + 1 stages that take a to start each, need (N + d)(a + T/N). The
best number is sqrt(d T/a), and one where that is less (derivations `pieces-time`, `best-pieces`, `pieces-least-time`).
"""

from sympy import Expr, Integer, sqrt

from steptime.model.extremes import at_least, at_most
from steptime.model.network.algorithms import tree_all_reduce
from steptime.model.symbols import further_stages, moving_time, piece_start

best_pieces: Expr = sqrt(further_stages * moving_time / piece_start)
"""Pieces in which a message takes the least time, where they are one or more."""

in_best_pieces: Expr = (sqrt(further_stages * piece_start) + sqrt(moving_time)) ** 2
"""Seconds in as many pieces as are best."""

in_one_piece: Expr = (further_stages + 1) * (piece_start + moving_time)
"""Seconds in one piece, where fewer would be better."""


def pipelined(stages: Expr, start: Expr, moving: Expr) -> Expr:
    """Seconds of a message in max(1, best) pieces: ``stages`` after the first, each with ``start`` for a piece.

    Written without a case: the starts of further pieces take sqrt(d T a), and that of the first is paid; what fills the
    stages takes sqrt(d T a), and no more than d T.

    >>> pipelined(Integer(1), Integer(4), Integer(9)), pipelined(Integer(1), Integer(4), Integer(1))
    (25, 10)
    >>> pipelined(Integer(6), Integer(0), Integer(9))
    9
    """
    between = sqrt(stages * moving * start)
    return stages * start + moving + at_least(start, between) + at_most(stages * moving, between)


def stages_after_first(chips: int) -> int:
    """Stages after the first of a sum over so many chips: the levels of a tree, up and down, less one.

    >>> [stages_after_first(chips) for chips in (2, 8, 72)]
    [1, 5, 13]
    """
    return int(tree_all_reduce(Integer(1), Integer(chips)).starts) - 1
