"""How many ways a layout really splits an amount."""

from collections.abc import Mapping

from sympy import Expr, Symbol

from steptime.model import symbols as q

AMOUNTS = (q.active_parameters, q.attention_flops, q.parameters_read, q.kv_bytes, q.kv_read, q.kv_written,
           q.bytes_per_weight, q.unembedding_parameters)  # fmt: skip
"""What is split. Set by hand, they change the amount, and not how many ways the layout splits it."""


def shards(ways: list[Expr], total: Expr, per_chip: Expr, own: Mapping[Symbol, Expr]) -> Expr:
    """How many ways an amount is really split: the common number, else total over what a chip carries.

    ``own``: what the architecture itself says of the amounts in the total.
    """
    return ways[0] if len(set(ways)) == 1 else total.xreplace(dict(own)).xreplace(dict(own)) / per_chip
