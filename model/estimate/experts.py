"""The chip whose experts are touched most, and the rank that has most sequences: the others wait for them."""

from typing import Any

import numpy as np

from steptime.model.architecture.transformer import ExpertFeedForward, Transformer


def fullest_over_mean(experts: int, chosen: int, tokens: Any, ways: int) -> Any:
    """Experts touched on the fullest of so many chips over those of the mean one, where every token chooses uniformly.

    A chip holds m = N/E experts, each touched with probability q = 1 - (1 - k/N)^n by n tokens. The largest of E sums
    of m such chances is about mq + sqrt(2 ln(E) m q (1 - q)) (the largest of E normal ones), and m at most. ``tokens``
    is a positive number or an array of them.

    >>> float(fullest_over_mean(256, 8, tokens=64, ways=8).round(3)), fullest_over_mean(256, 8, tokens=64, ways=1)
    (1.14, 1.0)
    """
    if ways <= 1:
        return 1.0
    held = experts / ways
    touched = -np.expm1(tokens * np.log1p(-chosen / experts)) if chosen < experts else np.ones_like(tokens, float)
    mean = held * touched
    most = mean + np.sqrt(2 * np.log(ways) * mean * (1 - touched))
    return np.maximum(1.0, np.minimum(np.minimum(max(1.0, held), most), tokens * chosen) / mean)


def waiting_for_the_fullest(model: Transformer, tokens: Any, ways: int) -> Any:
    """The same of all layers with experts, each with the bytes that it reads."""
    found: Any = 0.0
    weight = 0.0
    for layer, number in model.kinds.items():
        for block in layer.feed_forward:
            if isinstance(block, ExpertFeedForward):
                read = number * block.expert_weights(model.width) * block.experts
                split = min(ways, block.experts)
                found += read * fullest_over_mean(block.experts, block.experts_per_token, tokens, split)
                weight += read
    return found / weight if weight else 1.0


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
