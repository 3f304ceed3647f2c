"""Waves: a kernel's pieces of work fill a chip's processors in rounds, of which the last leaves some of them idle.

A matrix product is cut in tiles of its result, attention over a cache in chunks of each sequence's tokens. Of a chip's
processors as many are busy as there are pieces left. What multiplies loses what the idle ones could have done; what
reads loses less, since a processor can take more than its even share of the memory bandwidth, and no more than its own
port carries. Products of routed experts are not among them: expert after expert fills the processors.
"""

from collections.abc import Iterable

import sympy
from sympy import Expr, ceiling

from steptime.model import symbols as q
from steptime.model.architecture.attention import LatentAttention
from steptime.model.architecture.mixer import Matrix, Mixer
from steptime.model.architecture.transformer import DenseFeedForward, Layer, Transformer
from steptime.model.estimate import symbols as e
from steptime.model.extremes import at_least, at_most

TILE = 128
"""Rows and columns of a tile of a matrix product (CUTLASS; vLLM, `scaled_mm_sm90_fp8_dispatch.cuh`)."""
FEWEST_ROWS = 2
"""Rows of tiles that a product has at least: vLLM's tiles are 64 by 128 to 128 rows and 64 by 64 to 64, so that there
are as many of them as of 256 rows."""
CHUNK = 128
"""Tokens of a sequence's cache that a processor takes at once (FlashAttention 3, `tile_size_fwd_sm90`, heads of 128 in
pages); its `num_splits_heuristic` fills waves with them."""
LATENT_CHUNK, LATENT_HEADS = 64, 64
"""Tokens and query heads of a piece of latent attention (FlashMLA, `Flash_fwd_kernel_traits_mla<576, 64, 64>`)."""

WAVES = (e.weight_waves, e.product_waves, e.cache_waves)
"""What they make longer: reading of weights, products with them, reading of a cache."""
reach: Expr = q.processors * q.processor_bandwidth / q.memory_bandwidth
"""What one processor can take of the memory bandwidth, over its even share."""


def waves(pieces: Expr, amount: Expr, of_share: Expr | int = 1) -> Expr:
    """Time of so many pieces on a chip's processors over the time that all of them, always busy, take for the
    ``amount`` of work in them, counted in whole pieces: less than their number where some are not full.

    All waves but the last take the time of their even share. The last takes as long as one processor needs for a piece,
    working at ``of_share`` times its even share, or as what is left of the amount takes at the full rate.

    >>> at = {q.processors: 132}
    >>> [round(float(waves(sympy.Integer(n), sympy.Integer(n)).subs(at)), 3) for n in (132, 133, 66)]
    [1.0, 1.985, 2.0]
    """
    before = ceiling(pieces / q.processors) - 1
    return at_least(1, (before + 1 / sympy.sympify(of_share)) * q.processors / amount)


def one_wave(pieces: Expr, of_share: Expr | int = 1) -> Expr:
    """The same where there is less than one wave. Of more, where pieces are of as many sequences as there are, waves do
    not end together: a processor goes on with the next piece, and nothing is lost.

    >>> [float(one_wave(sympy.Integer(n), of_share=2).subs(q.processors, 132)) for n in (1, 66, 133)]
    [66.0, 1.0, 1.0]
    """
    return at_least(1, q.processors / (sympy.sympify(of_share) * pieces))


def waves_of_products(model: Transformer, feed_forward_ways: Expr, rows: Expr | None) -> tuple[Expr, Expr]:
    """Waves in which weights are read, and in which they are multiplied, that every token multiplies: means over the
    products, each counted by its weights on a chip. ``rows``: tokens of a chip in a pass; None where they are a mean,
    whose tiles are taken to fill the processors."""
    columns: dict[Expr, Expr] = {}
    for layer, number in model.kinds.items():
        for wide, weights in _products(layer, model.width, feed_forward_ways):
            columns[wide] = columns.get(wide, sympy.S.Zero) + number * weights
    if model.unembedding:
        wide = model.vocabulary / q.tensor_parallel
        columns[wide] = columns.get(wide, sympy.S.Zero) + model.unembedding_weights / q.tensor_parallel
    reading = _mean((weights, _of_tiles(wide)) for wide, weights in columns.items())
    if rows is None:
        return reading, sympy.S.One
    high = at_least(FEWEST_ROWS, rows / TILE)
    return reading, _mean((weights, one_wave(high * ceiling(wide / TILE))) for wide, weights in columns.items())


def _of_tiles(wide: Expr) -> Expr:
    """Waves in which the fewest tiles over so many columns are read; the last ones may not be full."""
    return waves(FEWEST_ROWS * ceiling(wide / TILE), FEWEST_ROWS * at_least(1, wide / TILE), reach)


def _products(layer: Layer, width: int, feed_forward_ways: Expr) -> Iterable[tuple[Expr, Expr]]:
    """Columns and weights of each product of a layer on one chip; products of one input side by side are one."""
    if layer.attention is not None:
        yield from _of_mixer(layer.attention, width)
    for block in layer.feed_forward:
        inner = block.intermediate if isinstance(block, DenseFeedForward) else block.shared_intermediate
        if inner:
            made = (2 if block.gated else 1) * inner / feed_forward_ways
            yield made, made * width
            yield sympy.Integer(width), width * inner / feed_forward_ways


def _of_mixer(mixer: Mixer, width: int) -> Iterable[tuple[Expr, Expr]]:
    """What is made of the stream, and the result; between them, of latents, what is made of these."""
    result = mixer.output_elements * width
    others = list(mixer.matrices(width))
    last = next((matrix for matrix in others if matrix.weights == result), None)
    if last is not None:
        others.remove(last)
        yield sympy.Integer(width), result / q.tensor_parallel
    if isinstance(mixer, LatentAttention) and mixer.query_rank is not None:
        made = mixer.heads * (mixer.nope_dim + mixer.rope_dim)
        up = Matrix(mixer.query_rank * made)
        if up in others:  # else the result has as many weights and stands for it
            others.remove(up)
            yield made / q.tensor_parallel, up.weights / q.tensor_parallel
    here = sympy.Add(*[matrix.weights / _ways(matrix) for matrix in others])
    if here != 0:
        yield here / width, here


def _ways(matrix: Matrix) -> Expr:
    """Tensor-parallel chips that share a matrix."""
    return q.tensor_parallel if matrix.split is None else at_most(q.tensor_parallel, sympy.Integer(matrix.split))


def waves_of_cache(model: Transformer, sequences: Expr) -> Expr:
    """Waves in which the cache of so many sequences is read by a step of decoding: a mean over the layers' caches, each
    counted by what is read of it.

    States, of which every head of a sequence has one, are not among them, nor are the multiply-adds of attention: where
    these take longest, on latents, kernels divide them evenly (FlashMLA).
    """
    parts = list[tuple[Expr, Expr]]()
    for mixer, number in model.mixers:
        if mixer.cache_elements:
            tokens, side_by_side = _tokens(mixer) / q.context_parallel, sequences * _heads(mixer)
            chunks = tokens / (LATENT_CHUNK if isinstance(mixer, LatentAttention) else CHUNK)
            pieces = side_by_side * at_least(1, chunks)
            parts.append((number * tokens * mixer.cache_elements, one_wave(pieces, reach)))
    return _mean(parts)


def _tokens(mixer: Mixer) -> Expr:
    """Tokens of a sequence that are read of one cache."""
    most = [length for length in (mixer.window, mixer.selected) if length is not None]
    return at_most(min(most), q.context) if most else q.context


def _heads(mixer: Mixer) -> Expr:
    """Pieces of one chunk of a sequence: of each key-value head that a chip has, or of each tile of query heads."""
    if isinstance(mixer, LatentAttention):
        return ceiling(mixer.heads / q.tensor_parallel / LATENT_HEADS)
    return ceiling(mixer.cache_split / q.tensor_parallel)


def _mean(parts: Iterable[tuple[Expr, Expr]]) -> Expr:
    """The mean of second numbers, each weighed by the first; one where there is nothing."""
    found = list(parts)
    if len({number for _, number in found}) <= 1:
        return found[0][1] if found else sympy.S.One
    return sympy.Add(*[weight * number for weight, number in found]) / sympy.Add(*[weight for weight, _ in found])
