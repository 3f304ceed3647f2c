"""The rank that has most sequences: under attention data parallelism the others wait for it in every layer."""

from typing import Any

import numpy as np


def fullest_rank(mean: Any, ranks: int) -> Any:
    """Sequences on the fullest of so many ranks, where requests go to ranks as they come: a number or an array.

    The sequences that a rank holds vary about their mean m as a count of independent arrivals does, by sqrt(m). The
    largest of G of them is about m + sqrt(2 m ln G) (the largest of G normal ones), and never more than all G m.

    >>> float(fullest_rank(16.0, 32).round(2)), fullest_rank(16.0, 1)
    (26.53, 16.0)
    """
    if ranks <= 1:
        return mean
    return np.minimum(mean * ranks, mean + np.sqrt(2 * np.log(ranks) * mean))
