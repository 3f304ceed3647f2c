"""Shares of the peaks that do useful work, and what a whole training run takes: from a step time.

Sources: Chowdhery et al. 2022 (arXiv 2204.02311), appendix B, for MFU and HFU; Narayanan et al. 2021 (arXiv
2104.04473), section 5.1, for the time of a run.
"""

from functools import cache

from sympy import Expr, Integer

from steptime.model.symbols import (  # isort: skip
    batch, chips, dollars_per_million_tokens, memory_bandwidth, million, model_flops, peak_flops, recomputed_flops,
    step_time, tokens_per_second, training_tokens,
)  # fmt: skip

peak_of_chips = chips * peak_flops * step_time
"""FLOP that all chips could do in a step."""


@cache
def model_flops_utilisation(flops_per_sequence: Expr) -> Expr:
    """MFU: FLOP that the model needs, none of them computed twice, over those that the chips could do."""
    return flops_per_sequence * batch / peak_of_chips


hardware_flops_utilisation = (model_flops + recomputed_flops) * batch / peak_of_chips
"""HFU of training: also what is computed again."""


@cache
def memory_bandwidth_utilisation(bytes_per_chip: Expr) -> Expr:
    """MBU: bytes that a chip must read and write in a step, over those that it could."""
    return bytes_per_chip / (memory_bandwidth * step_time)


SECONDS_PER_DAY = Integer(86_400)

run_days = training_tokens / tokens_per_second / SECONDS_PER_DAY
"""Days until a model has seen all its training tokens."""

run_dollars = training_tokens / million * dollars_per_million_tokens
"""Dollars that those tokens cost."""
