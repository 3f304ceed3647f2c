"""Expert parallelism at the blackboard's level: the copies of a chip's tokens, and the bytes that it sends of them.

Source: Shazeer et al. 2017 (arXiv 1701.06538) for the layer, Lepikhin et al. 2020 (arXiv 2006.16668) for its
all-to-all.
"""

from sympy import Expr

from steptime.derivations.experts.symbols import experts_per_token
from steptime.model.choices import Copies
from steptime.model.network.collectives import Group, expert_exchange
from steptime.model.terms import Transfer

from steptime.model.symbols import (  # isort: skip
    combine_bytes, dispatch_bytes, micro_batch, pass_tokens, scale_up_domain, stage_chips, width,
)  # fmt: skip

tokens_per_chip = micro_batch * pass_tokens / stage_chips
"""Tokens that one chip of a stage holds, before and after the experts."""

copies_of_tokens = tokens_per_chip * width * experts_per_token * (dispatch_bytes + combine_bytes)
"""Bytes of all copies of a chip's tokens for one layer, one copy an expert, out and back, those included that stay."""

one_domain = Group(stage_chips, stage_chips)
"""A stage whose chips all share a scale-up domain."""

many_domains = Group(stage_chips, scale_up_domain)
"""A stage that spans scale-up domains."""


def exchanged(copies: Expr, over: Group) -> Transfer:
    """What one chip sends of its copies on each tier; 1/E of them stay."""
    return expert_exchange(copies / experts_per_token, over, experts_per_token, None, Copies.PER_EXPERT)
