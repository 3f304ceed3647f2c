"""What the fullest chip must hold: weights, KV cache, activations. Capacity follows it, so counts round up.

The experts of a layer need not divide by ep, nor the layers by pp: some chip holds the larger share, and that chip must
have room. A pipeline's first stage also holds the input embedding, its last the unembedding.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from math import gcd

import sympy
from sympy import Expr, Rational, ceiling

from steptime.model.layout import Degrees, Layout
from steptime.model.symbols import batch, bytes_per_kv, bytes_per_weight, context, reduce_bytes
from steptime.model.transformer import DenseFeedForward, Layer, Transformer, attended


@dataclass(frozen=True)
class Footprint:
    """Bytes on one chip of one pipeline stage."""

    weights: Expr
    kv: Expr
    activations: Expr

    @property
    def total(self) -> Expr:
        return self.weights + self.kv + self.activations


def footprints(model: Transformer, layout: Layout, whole_sequences: bool = False) -> tuple[Footprint, ...]:
    """The footprint of each distinct stage, in bytes, as expressions of batch, context and precisions.

    A KV cache of ``context`` tokens (windows cap it) for every sequence in flight on the chip. ``whole_sequences``
    rounds the sequences of a data-parallel rank up, as a real system must; without it the relaxed value is continuous.
    """
    found: dict[Footprint, None] = {}
    sequences = batch / (layout.replicas * layout.dp)
    working = sequences / layout.pp / layout.cp
    if whole_sequences:
        sequences, working = ceiling(sequences), ceiling(working)
    for stage, chosen in enumerate(stages(len(model.layers), layout.pp)):
        kinds = Counter(model.layers[chosen.start : chosen.stop])
        last = stage == layout.pp - 1
        weights = Rational(model.vectors if last else 0)
        if stage == 0:
            weights += Rational(model.embedding + model.positions * model.width, layout.tp)
        if last and not (model.tied and stage == 0):
            weights += Rational(model.embedding, layout.tp)
        weights += sum(number * layer_weights(layer, model.width, layout) for layer, number in kinds.items())
        kv = sympy.Add(*[number * layer_cache(layer, layout) for layer, number in kinds.items()])
        widest = 2 * model.width + (Rational(model.vocabulary, layout.tp) if last else 0)
        footprint = Footprint(bytes_per_weight * weights, kv * sequences, reduce_bytes * working * widest)
        found[footprint] = None
    return tuple(found)


def stages(layers: int, stages: int) -> list[range]:
    """Layers of each stage, in order, as even as they can be; the earlier stages take the remainder.

    >>> [len(part) for part in stages(61, 4)]
    [16, 15, 15, 15]
    """
    least, more = divmod(layers, stages)
    starts = [stage * least + min(stage, more) for stage in range(stages + 1)]
    return [range(start, end) for start, end in pairwise(starts)]


def layer_weights(layer: Layer, width: int, layout: Layout) -> Expr:
    """Weights of one layer on its fullest chip."""
    total = sympy.Integer(layer.vectors + layer.attention.vectors)
    for matrix in layer.attention.matrices(width):
        total += matrix.weights * fullest_share(matrix.split or layout.tp, layout.tp)
    dense_ways = layout.stage if layout.ffn == "all" else layout.tp
    for block in layer.feed_forward:
        total += block.vectors
        if isinstance(block, DenseFeedForward):
            total += Rational(block.weights(width), dense_ways)
        else:
            held = -(-block.experts // layout.ep)
            one_expert = block.expert_weights(width) + block.expert_vectors
            total += Rational(held * one_expert * layout.ep, layout.stage)
            total += block.router_weights(width) + Rational(block.shared_weights(width), dense_ways)
    return total


def layer_cache(layer: Layer, layout: Layout) -> Expr:
    """KV cache bytes of one layer for one sequence on one chip."""
    attention = layer.attention
    share = fullest_share(attention.cache_split, layout.tp) / layout.cp
    return attended(attention) * attention.cache_elements * bytes_per_kv * share


def fullest_share(parts: int, tp: int) -> Expr:
    """The largest share of so many equal parts (key-value heads) that one of ``tp`` chips holds.

    A chip needs every part that its slice of the query heads touches: where neither number divides the other, a slice
    straddles parts and some chip holds one more.

    >>> fullest_share(8, 4), fullest_share(8, 16), fullest_share(8, 5), fullest_share(1, 8)
    (1/4, 1/8, 3/8, 1)
    """
    common = gcd(parts, tp)
    held = -(-(parts // common + tp // common - 1) // (tp // common))
    return Rational(held, parts)


def fullest(found: tuple[Footprint, ...]) -> Expr:
    """Bytes that the fullest chip needs."""
    totals = [footprint.total for footprint in found]
    return totals[0] if len(totals) == 1 else sympy.Max(*totals, evaluate=False)


def abstract_footprint(parameters: Expr, kv_per_token: Expr, layout: Layout | Degrees) -> tuple[Footprint, ...]:
    """An abstract model is sharded perfectly: weights over stages and their chips, KV cache over the chips of a stage.

    Each stage holds its share of the layers for all sequences of the replica.
    """
    replica_chips = layout.stage * layout.pp
    weights = bytes_per_weight * parameters / replica_chips
    kv = kv_per_token * context * batch / (layout.replicas * replica_chips)
    return (Footprint(weights, kv, sympy.S.Zero),)
