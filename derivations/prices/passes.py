"""One pass of several tokens of each sequence: one in decode, many in a prefill.

Weights and KV cache are streamed once a pass, however many tokens it has; every token is multiplied.
"""

from sympy import Expr

from steptime.model.phases.decode import compute, memory
from steptime.model.symbols import chip_second_price, micro_batch, pass_tokens, stage_chips


def compute_time_of(one_token: Expr) -> Expr:
    """Compute time of a pass, from that of one token of each sequence."""
    return one_token * pass_tokens


compute_time = compute_time_of(compute.time)
memory_time = memory.time


def cost_per_token(time: Expr, tokens: Expr) -> Expr:
    """Dollars per token of a pass that takes a time, in one pipeline stage."""
    return chip_second_price * stage_chips * time / (micro_batch * tokens)
