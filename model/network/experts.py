"""Expert parallelism at the blackboard's level: the experts that are touched, and the bytes that reach them and return.

The ledger of a real architecture uses the same formulas with its own numbers. Source: Shazeer et al. 2017 (arXiv
1701.06538) for the layer, Lepikhin et al. 2020 (arXiv 2006.16668) for its all-to-all.
"""

import sympy
from sympy import Expr

from steptime.model.network.collectives import Group, expert_exchange, send
from steptime.model.symbols import (
    bytes_per_weight,
    chip_tokens,
    combine_bytes,
    dispatch_bytes,
    expert_weights,
    experts_per_token,
    experts_routed,
    flops_per_mac,
    layers_per_stage,
    micro_batch,
    pass_tokens,
    scale_out_bandwidth,
    scale_up_bandwidth,
    scale_up_domain,
    send_bytes,
    stage_chips,
    width,
)
from steptime.model.terms import Transfer


def distinct_experts(experts: Expr, chosen: Expr, tokens: Expr) -> Expr:
    """Expected distinct experts that tokens choose, each uniformly and without repetition: N_e (1 - (1 - k/N_e)^n).

    >>> distinct_experts(sympy.Integer(256), sympy.Integer(8), sympy.Integer(1))
    8
    """
    return experts * (1 - (1 - chosen / experts) ** tokens)


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
    return expert_exchange(copies / experts_per_token, over, experts_per_token, None, "per-expert")


hop = send(tokens_per_chip * width * send_bytes, sympy.Integer(2), scale_up_domain)
"""What one chip sends to the next pipeline stage, each stage a scale-up domain of its own."""

stage_exchange_time = layers_per_stage * exchanged(copies_of_tokens, one_domain).scale_up / scale_up_bandwidth
"""Time that the layers of one stage spend on their experts' traffic, inside the domain."""

hop_time = hop.scale_out / scale_out_bandwidth
"""Time to send a micro-batch to the next stage."""

chip_expert_flops = flops_per_mac * chip_tokens * experts_per_token * expert_weights
"""FLOP of one chip in the experts of one layer, where load is even: as many choices arrive as its own tokens make."""

chip_expert_bytes = bytes_per_weight * experts_routed * expert_weights / stage_chips
"""Bytes of the experts of one layer that one chip reads, where all of them are chosen by some token."""
