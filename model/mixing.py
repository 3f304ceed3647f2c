"""What a mixer costs in a pass, for each sequence of the micro-batch: FLOP, bytes of cache and of state.

Sums over the streams of a phase; one layer, before any of it is split over chips.
"""

from collections.abc import Iterable

import sympy
from sympy import Expr

from steptime.model.attended import kept, read, whole_context_read, written
from steptime.model.attention import Attention
from steptime.model.extremes import at_most
from steptime.model.phase import Stream
from steptime.model.symbols import bytes_per_index, bytes_per_kv, bytes_per_state


def attention_flops(mixer: Attention, streams: Iterable[Stream]) -> Expr:
    """FLOP of scores and sums, of choosing tokens, and of a recurrent state.

    >>> from steptime.model.attention import GroupedAttention
    >>> from steptime.model.symbols import context
    >>> attention_flops(GroupedAttention(8, 8, 64, 64), [Stream(cached=context)])
    1024*context*flops_per_mac
    """
    return sympy.Add(*[stream.share * _flops(mixer, stream) for stream in streams])


def _flops(mixer: Attention, stream: Stream) -> Expr:
    scores = latent_flops(mixer, stream)
    choosing = mixer.index_flops_per_pair * stream.pairs
    return scores + choosing + mixer.flops_per_token * stream.tokens


def latent_flops(mixer: Attention, stream: Stream) -> Expr:
    """FLOP of scores and sums; of latents in the cheaper way, absorbed or expanded.

    Absorbed, each pair costs more; expanded, each cached token that the pass reads is made into keys and values again.
    A single token never pays for that.
    """
    attends_to = stream.pairs_of(mixer)
    absorbed = mixer.flops_per_pair * attends_to
    if mixer.expanded_flops_per_pair is None or stream.tokens == 1:
        return absorbed
    again = mixer.expansion_flops * whole_context_read(stream.tokens, stream.cached, stream.chunks)
    expanded = mixer.expanded_flops_per_pair * attends_to + again
    return expanded if again == 0 else at_most(absorbed, expanded)


def cache_read(mixer: Attention, streams: Iterable[Stream]) -> Expr:
    """Bytes of keys and values, and of the index that chooses among them, that are read."""
    found = sympy.S.Zero
    for stream in streams:
        place = (stream.tokens, stream.cached, stream.chunks)
        cache = mixer.cache_elements * bytes_per_kv * read(mixer, *place) if mixer.cache_elements else sympy.S.Zero
        index = mixer.index_elements * bytes_per_index * whole_context_read(*place)
        found += stream.share * (cache + index)
    return found


def cache_written(mixer: Attention, streams: Iterable[Stream]) -> Expr:
    """Bytes of keys and values, and of the index, that are written for new tokens."""
    found = sympy.S.Zero
    for stream in streams:
        cache = mixer.cache_elements * bytes_per_kv * written(mixer, stream.tokens)
        found += stream.share * (cache + mixer.index_elements * bytes_per_index * stream.tokens)
    return found


def state_moved(mixer: Attention, streams: Iterable[Stream]) -> Expr:
    """Bytes of recurrent state: written after each chunk, read before each, but before the first token of all."""
    moves = [s.share * (s.chunks + (s.chunks if s.cached != 0 else s.chunks - 1)) for s in streams]
    return state_bytes(mixer) * sympy.Add(*moves)


def state_bytes(mixer: Attention) -> Expr:
    """Bytes of state that one sequence keeps: the recurrent state, and the last tokens of a convolution."""
    return mixer.state_elements * bytes_per_state + mixer.convolution_elements * bytes_per_kv


def cache_bytes(mixer: Attention, held: Expr) -> Expr:
    """Bytes of cache that one sequence keeps for so many tokens; none where the cache is that of another layer."""
    if mixer.reuses_cache:
        return sympy.S.Zero
    cache = mixer.cache_elements * bytes_per_kv * kept(mixer, held) if mixer.cache_elements else sympy.S.Zero
    return cache + mixer.index_elements * bytes_per_index * held
