"""The chip whose experts are touched most, and the rank that has most sequences: the others wait for them."""

import sympy
from sympy import Expr

from steptime.model.architecture.transformer import ExpertFeedForward, Transformer
from steptime.model.extremes import at_least, at_most


def touched_most(experts: int, chosen: int, tokens: Expr, ways: Expr) -> tuple[Expr, Expr]:
    """Experts touched on the fullest of so many chips, and on the mean one, where every token chooses uniformly.

    A chip holds m = N/E experts, each touched with probability q = 1 - (1 - k/N)^n by n tokens. The largest of E sums
    of m such chances is about mq + sqrt(2 ln(E) m q (1 - q)) (the largest of E normal ones), and m at most. Both never
    fall as the tokens grow: the sum passes m before it turns.

    >>> fullest, mean = touched_most(256, 8, tokens=sympy.Float(64), ways=sympy.Float(8))
    >>> round(float(fullest / mean), 3)
    1.14
    """
    chips = at_most(experts, ways)
    held = experts / chips
    touched = 1 - (1 - sympy.Rational(chosen, experts)) ** tokens
    mean = held * touched
    most = mean + sympy.sqrt(2 * sympy.log(chips) * mean * (1 - touched))
    return at_least(mean, at_most(held, at_most(chosen * tokens, most))), mean


def waiting_for_the_fullest(model: Transformer, tokens: Expr, ways: Expr, least: int = 1) -> Expr:
    """What the fullest chip reads over what the ledger counts, which is the mean chip's and ``least`` experts (one, or
    none where loads are means); of all layers with experts, each with the bytes that it reads."""
    found, weight = sympy.S.Zero, 0
    for layer, number in model.kinds.items():
        for block in layer.feed_forward:
            if isinstance(block, ExpertFeedForward):
                read = number * block.expert_weights(model.width) * block.experts
                fullest, mean = touched_most(block.experts, block.experts_per_token, tokens, ways)
                found += read * at_least(least, fullest) / at_least(least, mean)
                weight += read
    return found / weight if weight else sympy.S.One


def fullest_rank(mean: Expr, ranks: Expr) -> Expr:
    """Sequences on the fullest of so many ranks, where requests go to ranks as they come.

    The sequences that a rank holds vary about their mean m as a count of independent arrivals does, by sqrt(m). The
    largest of G of them is about m + sqrt(2 m ln G) (the largest of G normal ones), and never more than all G m.

    >>> round(float(fullest_rank(sympy.Float(16), sympy.Float(32))), 2), fullest_rank(sympy.Integer(16), sympy.S.One)
    (26.53, 16)
    """
    return at_most(mean * ranks, mean + sympy.sqrt(2 * sympy.log(ranks) * mean))


def waiting_for_the_fullest_rank(held: Expr, mean: Expr, ranks: Expr) -> Expr:
    """The same over those that the ledger has on a rank."""
    return at_least(1, fullest_rank(mean, ranks) / held)
