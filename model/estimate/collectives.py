"""The time of one collective in closed form: a start on each tier, and bytes at a share of a link's bandwidth.

Sums pass through stages, as up and down a tree, in as many pieces as are best (`steptime.model.network.pieces`). A
gather and an exchange send everything at once, and cannot be cut to advantage. At starts of zero and shares of one each
form is the time of the bytes alone; none is ever below it.
"""

from collections.abc import Mapping

from sympy import Expr

from steptime.model.estimate.symbols import out_moving, out_start, up_moving, up_start
from steptime.model.extremes import at_least
from steptime.model.network.pieces import pipelined
from steptime.model.symbols import further_stages

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
