"""What the fullest chip must hold: weights, KV cache, activations. Capacity follows it, so counts round up.

The experts of a layer need not divide by ep, nor the layers by pp: some chip holds the larger share, and that chip must
have room. A pipeline's first stage also holds the input embedding, its last the unembedding.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from itertools import pairwise
from math import gcd

import sympy
from sympy import Expr, Rational, ceiling

from steptime.model.architecture.mixing import cache_bytes, state_bytes
from steptime.model.architecture.transformer import DenseFeedForward, Layer, Transformer
from steptime.model.choices import Split, Weight
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import Degrees, Layout
from steptime.model.phases.decode import DECODE
from steptime.model.phases.phase import Phase
from steptime.model.terms import zero

from steptime.model.symbols import (  # isort: skip
    batch, kv_bytes, memory_capacity, memory_per_chip, reduce_bytes, usable_memory, workspace,
)  # fmt: skip

usable = usable_memory * memory_capacity
"""Bytes of a chip that may be taken: a step fits where no chip has more ``filled``; every limit by capacity is this."""
available = usable - workspace
"""Bytes that the workspace leaves to weights, caches and activations."""
filled = memory_per_chip + workspace
"""Bytes that are taken of the fullest chip."""
asked_capacity = filled / usable_memory
"""The least capacity of a chip that has room for what it must hold."""

Share = Callable[[int, Expr], Expr]
"""The largest share of so many equal parts that one of tp chips holds."""


@dataclass(frozen=True)
class Footprint:
    """Bytes on one chip of one pipeline stage."""

    weights: Expr
    kv: Expr
    activations: Expr
    gradients: Expr = zero
    optimizer: Expr = zero

    @cached_property
    def parts(self) -> dict[str, Expr]:
        """Every part by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def total(self) -> Expr:
        return sympy.Add(*self.parts.values())


@dataclass(frozen=True)
class Stage:
    """The layers of each kind on one pipeline stage, whether it is the first or the last (1 or 0), and its place, from
    0: numbers, or symbols that stand for many stages at once."""

    kinds: tuple[tuple[Layer, Expr], ...]
    first: Expr
    last: Expr
    place: Expr


@dataclass(frozen=True)
class Room:
    """What a chip needs in a phase, at degrees that may be symbols; ``share`` is `fullest_share` or stands for it.

    ``own_cache``: bytes of a token of context that the architecture itself would have, where others are set by hand.
    """

    model: Transformer
    degrees: Degrees
    plan: Plan
    phase: Phase
    share: Share
    own_cache: Expr | None = None

    def footprint(self, stage: Stage, whole_sequences: bool) -> Footprint:
        """Bytes on the fullest chip of a stage.

        A KV cache for every sequence in flight on the chip, windows capped. ``whole_sequences`` rounds the sequences of
        a data-parallel rank up, as a real system must; without it the relaxed value is continuous.
        """
        d, model = self.degrees, self.model
        sequences = batch / (d.replicas * d.dp)
        working = sequences / d.pp / d.cp
        if whole_sequences:
            sequences, working = ceiling(sequences), ceiling(working)
        weights = sympy.Add(*self.stage_weights(stage))
        kv = sympy.Add(*[number * self.layer_cache(layer) for layer, number in stage.kinds])
        tokens = working * self.phase.tokens / self.phase.passes
        logits = stage.last * working * self.phase.predicted * (model.vocabulary if model.unembedding else 0) / d.tp
        streams = (1 + model.streams) * model.width * tokens  # the residual streams, and what a part adds to them
        return Footprint(weights, kv * sequences, reduce_bytes * (streams + logits))

    def stage_weights(self, stage: Stage) -> tuple[Expr, Expr]:
        """Bytes of a stage's weights on its fullest chip: those that tensor-parallel groups hold alike, with the
        embedding on the first and the unembedding on the last stage, and those spread over the whole stage."""
        return _stage_weights(self.model, self.degrees, self.plan, self.share, stage)

    def layer_cache(self, layer: Layer) -> Expr:
        """Bytes of cache and state of one layer for one sequence on one chip."""
        mixer, d = layer.attention, self.degrees
        held_alone = self.own_cache == 0 and tuple(self.model.mixers)  # layers with a state, and no cache of their own
        alone = kv_bytes * self.phase.held / len(self.model.layers) / d.tp / d.cp if held_alone else zero
        if mixer is None:
            return alone
        cache = cache_bytes(mixer, self.phase.held) * self.share(mixer.cache_split, d.tp) / d.cp
        if self.own_cache:  # neither None nor zero
            cache *= kv_bytes / self.own_cache
        return alone + cache + state_bytes(mixer) / d.tp / d.cp


@lru_cache(maxsize=256)
def _stage_weights(model: Transformer, d: Degrees, plan: Plan, share: Share, stage: Stage) -> tuple[Expr, Expr]:
    """One stage's weights: the same in every phase, so that a search writes them once."""
    kind = Weight.EMBEDDING if model.tied else Weight.UNEMBEDDING
    twice = stage.first * model.embedding * (1 - stage.last) if model.tied and model.unembedding else 0
    tables = plan.bytes_of(Weight.EMBEDDING) * (stage.first * model.input_tables + twice) / d.tp
    head = plan.bytes_of(kind) * stage.last * model.unembedding_weights / d.tp
    alike = tables + head + plan.bytes_of(Weight.ROUTER) * stage.last * model.vectors
    held = (part for layer, number in stage.kinds for part in layer.distinct(number))
    layers = [(number, *_layer_weights(model, d, plan, share, layer)) for number, layer in held]
    alike += sympy.Add(*[number * part for number, part, _ in layers])
    return alike, sympy.Add(*[number * part for number, _, part in layers])


def _layer_weights(model: Transformer, d: Degrees, plan: Plan, share: Share, layer: Layer) -> tuple[Expr, Expr]:
    """Bytes of one layer's weights on its fullest chip: held alike by tensor-parallel groups, and spread over the
    stage."""
    width, bytes_of = model.width, plan.bytes_of
    mixer = sympy.Integer(0)
    for matrix in layer.held(width):
        mixer += matrix.weights * (1 / d.tp if matrix.split is None else share(matrix.split, d.tp))
    kept_whole = layer.vectors + layer.mixer_vectors + layer.mixing
    alike = bytes_of(Weight.ATTENTION) * mixer + bytes_of(Weight.ROUTER) * kept_whole
    spread, dense = sympy.Integer(0), sympy.Integer(0)
    for block in layer.feed_forward:
        alike += bytes_of(Weight.ROUTER) * block.vectors
        if isinstance(block, DenseFeedForward):
            dense += block.weights(width)
        else:
            held = ceiling(block.experts / d.ep)
            one_expert = block.expert_weights(width) + block.expert_vectors
            spread += bytes_of(Weight.EXPERTS) * held * one_expert * d.ep / d.stage
            alike += bytes_of(Weight.ROUTER) * block.router_weights(width)
            dense += block.shared_weights(width)
    if plan.ffn == Split.STAGE:
        return alike, spread + bytes_of(Weight.DENSE) * dense / d.stage
    return alike + bytes_of(Weight.DENSE) * dense / d.tp, spread


def footprints(
    model: Transformer,
    layout: Layout,
    whole_sequences: bool = False,
    phase: Phase = DECODE,
    plan: Plan | None = None,
    kind: type["Room"] | None = None,
    own_cache: Expr | None = None,
) -> tuple[Footprint, ...]:
    """The footprint of each distinct stage, in bytes, as expressions of batch, context and precisions."""
    room = (kind or Room)(model, layout.degrees, plan or Plan(ffn=layout.ffn), phase, _share_of_one, own_cache)
    found: dict[Footprint, None] = {}
    shapes: set[tuple[frozenset[tuple[Layer, int]], bool, bool]] = set()
    for number, chosen in enumerate(stages(len(model.layers), layout.pp)):
        kinds = Counter(model.layers[chosen.start : chosen.stop])
        shape = (frozenset(kinds.items()), number == 0, number == layout.pp - 1)
        if shape in shapes:  # of equal stages the first holds most: in training, micro-batches wait for it longest
            continue
        shapes.add(shape)
        stage = Stage(
            tuple((layer, sympy.Integer(times)) for layer, times in kinds.items()),
            sympy.Integer(number == 0), sympy.Integer(number == layout.pp - 1), sympy.Integer(number),
        )  # fmt: skip
        found[room.footprint(stage, whole_sequences)] = None
    return tuple(found)


def _share_of_one(parts: int, tp: Expr) -> Expr:
    """The largest share where tp is a number."""
    return fullest_share(parts, int(tp))


def stages(layers: int, stages: int) -> list[range]:
    """Layers of each stage, in order, as even as they can be; the earlier stages take the remainder.

    >>> [len(part) for part in stages(61, 4)]
    [16, 15, 15, 15]
    """
    least, more = divmod(layers, stages)
    starts = [stage * least + min(stage, more) for stage in range(stages + 1)]
    return [range(start, end) for start, end in pairwise(starts)]


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


@lru_cache(maxsize=1024)
def fullest(found: tuple[Footprint, ...]) -> Expr:
    """Bytes that the fullest chip needs."""
    totals = [footprint.total for footprint in found]
    return totals[0] if len(totals) == 1 else sympy.Max(*totals, evaluate=False)
