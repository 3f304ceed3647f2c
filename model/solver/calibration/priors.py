"""What is known of the coefficients before any row of the table is looked at: a value, and how far it may be off.

``spread`` is a standard deviation of the logarithm. A coefficient that is not ``fitted`` stays at its value: no row of
the table tells it from the others. A fit that ends at the edge of the physical range says that a term is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.estimate import symbols as e


@dataclass(frozen=True)
class Prior:
    """A coefficient: its value, the spread of its logarithm, its physical range, whether rows decide it, why so."""

    value: float
    spread: float
    low: float
    high: float
    fitted: bool
    reason: str


PRIORS: Mapping[Symbol, Prior] = {
    q.dense_streaming: Prior(0.92, 0.05, 0.5, 1.0, False, "streaming reads of HBM reach 0.90 to 0.94 of the peak"),
    q.expert_streaming: Prior(0.80, 0.15, 0.3, 1.0, True, "many small matrices, of which few tokens meet each"),
    q.cache_streaming: Prior(0.85, 0.10, 0.3, 1.0, False, "pages of a cache are read in pieces"),
    q.product_share: Prior(0.70, 0.15, 0.3, 1.0, False, "matrix products of large tiles under the chip's power limit"),
    q.score_share: Prior(0.60, 0.20, 0.1, 1.0, False, "attention kernels with long contexts: 0.55 to 0.75 of the peak"),
    q.prefill_product_share: Prior(0.70, 0.20, 0.3, 1.0, True, "matrix products of a prefill, and what is between"),
    q.prefill_score_share: Prior(0.40, 0.40, 0.05, 0.8, True, "causal attention, half of whose tiles are skipped"),
    q.link_streaming: Prior(0.40, 0.40, 0.1, 1.0, True, "collectives of a few megabytes between few chips"),
    q.reduce_start: Prior(2e-6, 0.50, 0.0, 1e-4, False, "one-shot all-reduce; the rest of it is a kernel's own time"),
    q.exchange_start: Prior(10e-6, 0.50, 0.0, 1e-3, False, "dispatch and combine of few tokens"),
    q.kernel_time: Prior(6e-6, 0.50, 1e-7, 1e-4, True, "start, ramp and drain of one kernel in a captured graph"),
    q.sequence_overhead: Prior(20e-6, 0.70, 0.0, 1e-3, True, "host work and sampling a sequence"),
}
"""By coefficient."""

TRAINING_PRIORS: Mapping[Symbol, Prior] = {
    e.wide_share: Prior(0.75, 0.10, 0.3, 1.0, True, "large products in 16 bits under the chip's power limit"),
    e.narrow_share: Prior(0.62, 0.12, 0.3, 1.0, True, "large products in 8 bits, under the same limit"),
    e.grouped_share: Prior(0.85, 0.10, 0.3, 1.0, True, "experts of uneven numbers of tokens, side by side"),
    e.paired_share: Prior(0.55, 0.20, 0.1, 1.0, True, "attention forward and backward, half its tiles skipped"),
    e.passing_share: Prior(0.85, 0.10, 0.3, 1.0, True, "kernels that stream activations through HBM"),
    e.bulk_streaming: Prior(0.80, 0.10, 0.3, 1.0, False, "all-reduce and gather of hundreds of megabytes by NCCL"),
    e.tensor_exposed: Prior(0.50, 0.40, 0.01, 1.0, True, "waited for forward; gradients of weights hide it backward"),
    e.exchange_exposed: Prior(0.50, 0.40, 0.01, 1.0, True, "hidden where two micro-batches alternate, else not"),
    e.launch_time: Prior(8e-6, 0.50, 0.0, 1e-4, False, "an operation of an eager framework with its launch"),
}
"""The same of training."""

FAMILY_SPREAD = 0.30
"""Standard deviation of the logarithm of a hardware family's factor on the time of a kernel."""
REFERENCE = "hopper"
"""The family whose factor is one."""
NOISE = 0.15
"""Standard deviation of the logarithm of a row beside the formula: that inside groups of one stack on one machine."""


def fitted(priors: Mapping[Symbol, Prior] = PRIORS) -> tuple[Symbol, ...]:
    """The coefficients that rows decide, in order.

    >>> len(fitted()), len(fitted(TRAINING_PRIORS))
    (6, 7)
    """
    return tuple(symbol for symbol, prior in priors.items() if prior.fitted)
