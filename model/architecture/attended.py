"""Which tokens a token attends to, and which cached tokens a pass reads: closed forms of the sums over tokens.

A token at position p attends to the p tokens before it: to all, to at most a window of them, to those of its chunk, or
to the best k that an index selects. The pair of a token with itself is left out throughout, as in a decode step, which
reads ``context`` tokens and writes one.
"""

import sympy
from sympy import Expr, ceiling, floor

from steptime.model.architecture.mixer import Mixer
from steptime.model.extremes import at_least, at_most
from steptime.model.symbols import context

one: Expr = sympy.S.One


def limit(mixer: Mixer) -> int | None:
    """The most tokens that one token attends to, by a window or by selection; None where there is no limit."""
    limits = [most for most in (mixer.window, mixer.selected) if most is not None]
    return min(limits, default=None)


def attended(mixer: Mixer, position: Expr = context) -> Expr:
    """Tokens of context that one token attends to.

    A token in a chunk is taken to see a whole one: the most it can.

    >>> from steptime.model.architecture.attention import GroupedAttention
    >>> attended(GroupedAttention(heads=8, kv_heads=8, head_dim=64, value_dim=64, window=4096))
    Min(4096, context)
    """
    most = limit(mixer)
    return position if most is None else at_most(most, position)


def kept(mixer: Mixer, position: Expr) -> Expr:
    """Tokens whose cache must be held for the tokens that follow: a window's, or all, selected or not.

    >>> from steptime.model.architecture.attention import Indexer, LatentAttention
    >>> kept(LatentAttention(8, 64, 32, 64, 256, indexer=Indexer(4, 64, 2048)), context)
    context
    """
    return position if mixer.window is None else at_most(mixer.window, position)


def pairs_of_tokens(tokens: Expr, cached: Expr) -> Expr:
    """Pairs of a new token and one before it: T c + T (T - 1)/2.

    >>> pairs_of_tokens(one, context)
    context
    """
    return tokens * cached + tokens * (tokens - 1) / 2


def pairs(mixer: Mixer, tokens: Expr, cached: Expr) -> Expr:
    """Pairs of one of ``tokens`` new tokens and a token that it attends to, behind ``cached`` ones.

    >>> from sympy import Integer
    >>> from steptime.model.architecture.attention import GroupedAttention
    >>> window = GroupedAttention(heads=1, kv_heads=1, head_dim=1, value_dim=1, window=2)
    >>> pairs(window, Integer(5), Integer(0))  # 0 + 1 + 2 + 2 + 2
    7
    """
    most = limit(mixer)
    if tokens == 1:
        return attended(mixer, cached)
    if most is None:
        return pairs_of_tokens(tokens, cached)
    before = _chunked_pairs if mixer.chunked else _windowed_pairs
    return before(cached + tokens, most) - before(cached, most)


def _windowed_pairs(positions: Expr, window: int) -> Expr:
    """Sum over the first positions p of min(p, window): a triangle up to the window, a strip beyond it."""
    inside = at_most(window, positions)
    return inside * (inside - 1) / 2 + window * (positions - inside)


def _chunked_pairs(positions: Expr, chunk: int) -> Expr:
    """Sum over the first positions p of p modulo the chunk: a triangle for each chunk, and one begun."""
    whole = floor(positions / chunk)
    begun = positions - chunk * whole
    return whole * chunk * (chunk - 1) / 2 + begun * (begun - 1) / 2


def read(mixer: Mixer, tokens: Expr, cached: Expr, chunks: Expr) -> Expr:
    """Cached tokens whose keys and values a pass reads, in ``chunks`` passes of T/n tokens that each read once.

    Keys and values of the chunk itself stay on the chip. Tokens of one pass may select different tokens; the fewest are
    counted: as many as one of them selects.
    """
    most = limit(mixer)
    if most is None:
        return whole_context_read(tokens, cached, chunks)
    if chunks == 1:
        return at_most(most, cached)
    size = tokens / chunks
    growing = at_most(chunks, at_least(0, ceiling((most - cached) / size)))
    return growing * cached + size * growing * (growing - 1) / 2 + (chunks - growing) * most


def whole_context_read(tokens: Expr, cached: Expr, chunks: Expr) -> Expr:
    """Cached tokens read where each chunk reads everything before it: n c + T (n - 1)/2."""
    return chunks * cached + tokens * (chunks - 1) / 2


def written(mixer: Mixer, tokens: Expr, chunks: Expr) -> Expr:
    """New tokens whose keys and values are written: after each of n passes of T/n tokens, those still needed.

    >>> from sympy import Integer
    >>> from steptime.model.architecture.attention import GroupedAttention
    >>> window = GroupedAttention(heads=1, kv_heads=1, head_dim=1, value_dim=1, window=2)
    >>> written(window, Integer(12), Integer(1)), written(window, Integer(12), Integer(3))
    (2, 6)
    """
    if mixer.reuses_cache or mixer.cache_elements == 0:
        return sympy.S.Zero
    alone = mixer.window is None or tokens == chunks
    return tokens if alone else chunks * at_most(mixer.window, tokens / chunks)
