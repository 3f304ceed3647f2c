"""What a mixer costs in a pass, for each sequence of the micro-batch: FLOP, bytes of cache and of state.

Sums over the streams of a phase; one layer, before any of it is split over chips.
"""

from collections.abc import Iterable

import sympy
from sympy import Expr, ceiling

from steptime.model.architecture.attended import kept, limit, pairs_of_tokens, read, whole_context_read, written
from steptime.model.architecture.attention import Attention
from steptime.model.architecture.mixer import Mixer
from steptime.model.architecture.stream import Stream
from steptime.model.extremes import at_least, at_most

from steptime.model.symbols import (  # isort: skip
    bytes_per_index, bytes_per_index_scale, bytes_per_kv, bytes_per_rotary, bytes_per_scale, bytes_per_state,
    flops_per_mac,
)  # fmt: skip


def attention_flops(mixer: Attention, streams: Iterable[Stream]) -> Expr:
    """FLOP of scores and sums, and of a recurrent state: split by heads.

    >>> from steptime.model.architecture.attention import GroupedAttention
    >>> from steptime.model.symbols import context
    >>> attention_flops(GroupedAttention(8, 8, 64, 64), [Stream(cached=context)])
    1024*context*flops_per_mac
    """
    return sympy.Add(*[stream.share * _flops(mixer, stream) for stream in streams])


def _flops(mixer: Attention, stream: Stream) -> Expr:
    scored = [latent_flops(part, stream) for part in mixer.parts]
    return sympy.Add(*scored) + mixer.flops_per_token * stream.tokens


def choosing_flops(mixer: Attention, streams: Iterable[Stream]) -> Expr:
    """FLOP of an index that chooses tokens: every tensor-parallel chip chooses for itself, with the whole index."""
    scored = sympy.Add(*[part.index_flops_per_pair for part in mixer.parts])
    return sympy.Add(*[stream.share * scored * stream.pairs for stream in streams])


def score_flops(mixer: Attention, streams: Iterable[Stream]) -> Expr:
    """FLOP of scores alone, without the sums of values that they weigh; every token is new.

    >>> from steptime.model.architecture.attention import GroupedAttention
    >>> score_flops(GroupedAttention(8, 8, 64, 64), [Stream(cached=sympy.Integer(10))])
    5120*flops_per_mac
    """
    pairs = sympy.Add(*[stream.share * stream.pairs_of(mixer) for stream in streams])
    return flops_per_mac * mixer.score_features * pairs


def latent_flops(mixer: Mixer, stream: Stream) -> Expr:
    """FLOP of scores and sums; of latents in the cheaper way, absorbed or expanded.

    Absorbed, each pair costs more; expanded, each cached token that the pass reads is made into keys and values again.
    A single token never pays for that, and with nothing cached there is nothing to pay.
    """
    attends_to = stream.pairs_of(mixer)
    absorbed, per_pair = mixer.flops_per_pair * attends_to, mixer.expanded_flops_per_pair
    if per_pair is None or stream.tokens == stream.chunks:
        return absorbed
    again = mixer.expansion_flops * read(mixer, stream.tokens, stream.cached, stream.chunks)
    expanded = per_pair * attends_to + again
    if again == 0:
        return absorbed if ((per_pair - mixer.flops_per_pair) / flops_per_mac).is_positive else expanded
    if stream.chunks == 1 or limit(mixer) is not None:
        return at_most(absorbed, expanded)
    return _chunk_by_chunk(mixer, per_pair, stream)


def _chunk_by_chunk(mixer: Mixer, per_pair: Expr, stream: Stream) -> Expr:
    """FLOP where each chunk of C tokens takes the cheaper way: early ones expand the little that is cached.

    With D saved on a pair and U paid for a cached token, a chunk behind c tokens expands while
    c (U - D C) < D C (C - 1)/2: always where C reaches U/D.
    """
    size = stream.tokens / stream.chunks
    saved, paid = mixer.flops_per_pair - per_pair, mixer.expansion_flops
    least = flops_per_mac / 10**6  # stands for U - D C where that is not positive, so that every chunk expands
    furthest = saved * size * (size - 1) / 2 / at_least(least, paid - saved * size)
    chunks = at_most(stream.chunks, at_least(0, ceiling((furthest - stream.cached) / size)))
    early, late = chunks * size, stream.tokens - chunks * size
    expanded = per_pair * pairs_of_tokens(early, stream.cached) + paid * whole_context_read(
        early, stream.cached, chunks
    )
    return expanded + mixer.flops_per_pair * pairs_of_tokens(late, stream.cached + early)


def token_bytes(mixer: Attention) -> Expr:
    """Bytes of keys and values that the cache keeps of one token: its elements, a rotary key that lies apart, scales.

    >>> from steptime.model.architecture.attention import GroupedAttention, Indexer, LatentAttention
    >>> token_bytes(GroupedAttention(heads=64, kv_heads=8, head_dim=128, value_dim=128))
    2048*bytes_per_kv
    >>> token_bytes(LatentAttention(128, 128, 64, 128, kv_rank=512, indexer=Indexer(64, 128, 2048)))
    512*bytes_per_kv + 64*bytes_per_rotary + 4*bytes_per_scale
    """
    apart = mixer.rotary_elements
    elements = (mixer.cache_elements - apart) * bytes_per_kv + apart * bytes_per_rotary
    return elements + mixer.scale_words * bytes_per_scale


def index_bytes(mixer: Attention) -> Expr:
    """Bytes that the index of a sparse attention keeps of one token: its key, and the key's scale."""
    return mixer.index_elements * bytes_per_index + mixer.index_scale_words * bytes_per_index_scale


def cache_read(mixer: Attention, streams: Iterable[Stream]) -> Expr:
    """Bytes of keys and values, of the index that chooses among them, and of the ring that entries are made from."""
    found = sympy.S.Zero
    for stream in streams:
        place = (stream.tokens, stream.cached, stream.chunks)
        found += stream.share * sympy.Add(*[_read_of(part, place) for part in mixer.parts])
        if mixer.ring_rows:
            before = stream.chunks if stream.cached != 0 else stream.chunks - 1
            found += stream.share * before * _ring_bytes(mixer, mixer.ring_reads * stream.tokens / stream.chunks)
    return found


def _read_of(part: Mixer, place: tuple[Expr, Expr, Expr]) -> Expr:
    cache = token_bytes(part) * read(part, *place) if part.cache_elements else sympy.S.Zero
    return cache + index_bytes(part) * whole_context_read(*place)


def cache_written(mixer: Attention, streams: Iterable[Stream]) -> Expr:
    """Bytes of keys and values, of the index, and of the ring, that are written for new tokens."""
    found = sympy.S.Zero
    for stream in streams:
        for part in mixer.parts:
            cache = token_bytes(part) * written(part, stream.tokens, stream.chunks)
            found += stream.share * (cache + index_bytes(part) * stream.tokens)
        if mixer.ring_rows:
            found += stream.share * stream.chunks * _ring_bytes(mixer, stream.tokens / stream.chunks)
    return found


def _ring_bytes(mixer: Attention, tokens: Expr) -> Expr:
    """Bytes of so many tokens of the ring, at most all of it: it is kept as precisely as a state."""
    return mixer.ring_elements * bytes_per_state * at_most(mixer.ring_rows, tokens)


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
    found = _ring_bytes(mixer, sympy.sympify(mixer.ring_rows, strict=True))
    for part in mixer.parts:
        cache = token_bytes(part) * kept(part, held) if part.cache_elements else sympy.S.Zero
        found += cache + index_bytes(part) * held
    return found
