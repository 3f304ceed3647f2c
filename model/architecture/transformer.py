"""Transformers as layers of mixers and feed-forward blocks: parameters stored and active, from the shapes.

Shapes are whole numbers; results are exact. A *matrix* multiplies tokens and counts as active; a *vector* (norm
weight, bias, attention sink) is stored and read but not counted as multiplied.
"""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property

import sympy
from sympy import Expr

from steptime.model.architecture.feed_forward import DenseFeedForward, ExpertFeedForward, FeedForward
from steptime.model.architecture.mixer import Matrix
from steptime.model.architecture.state_space import ParallelMixers, SelectiveStateSpace, ShortConvolution
from steptime.model.architecture.storage import Stored
from steptime.model.choices import Weight
from steptime.model.extremes import at_most

from steptime.model.architecture.attention import (  # isort: skip
    Attention, CompressedAttention, CrossAttention, GroupedAttention, Indexer, LatentAttention, RecurrentMixer,
)  # fmt: skip

__all__ = [
    "Attention", "CompressedAttention", "CrossAttention", "DenseFeedForward", "ExpertFeedForward", "FeedForward",
    "GroupedAttention", "Indexer", "LatentAttention", "Layer", "Matrix", "ParallelMixers", "RecurrentMixer",
    "SelectiveStateSpace", "ShortConvolution", "Transformer",
]  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """One layer: a mixer or none, feed-forward blocks side by side or none, and its norms.

    ``parallel`` is true where mixer and feed-forward read the same input, so that one sum joins their results
    (PaLM, arXiv 2204.02311, section 2). ``mixing`` are weights that decide how several residual streams enter and leave
    its parts (hyper-connections, arXiv 2512.24880): every token multiplies them, on every chip. Layers with the same
    number ``shared``, unless it is 0, have the very same weights, stored once, read and multiplied in each of them;
    ``adapters`` are matrices that such a layer has to itself (Zamba2, arXiv 2411.15242, section 2).
    """

    attention: Attention | None
    feed_forward: tuple[FeedForward, ...]
    vectors: int = 0
    parallel: bool = False
    mixing: int = 0
    shared: int = 0
    adapters: tuple[Matrix, ...] = ()

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """The mixer's matrices, and those of adapters."""
        return (*(() if self.attention is None else self.attention.matrices(width)), *self.adapters)

    def distinct(self, number: Expr | int) -> tuple[tuple[Expr | int, "Layer"], ...]:
        """The weights that so many equal layers store: all of each, or once what they share, and each its adapters."""
        if not self.shared:
            return ((number, self),)
        common, own = replace(self, adapters=()), Layer(None, (), adapters=self.adapters)
        return (at_most(1, sympy.sympify(number)), common), (number, own)

    def held(self, width: int) -> tuple[Matrix, ...]:
        """The same, and those that are stored for other inputs than text."""
        return self.matrices(width) + (() if self.attention is None else self.attention.idle(width))

    @property
    def mixer_vectors(self) -> int:
        return 0 if self.attention is None else self.attention.vectors

    @property
    def stored_vectors(self) -> int:
        """Norms, biases and sinks of the layer, but those of its routed experts."""
        return self.vectors + self.mixer_vectors + sum(block.vectors for block in self.feed_forward)

    @property
    def sums(self) -> int:
        """Results that are added to the stream one after another, each a reduction over tensor-parallel chips."""
        parts = (self.attention is not None) + bool(self.feed_forward)
        return min(1, parts) if self.parallel else parts

    def stored(self, width: int) -> int:
        """Every weight of the layer."""
        total = self.mixing + self.vectors + self.mixer_vectors + sum(matrix.weights for matrix in self.held(width))
        for block in self.feed_forward:
            total += block.vectors
            if isinstance(block, DenseFeedForward):
                total += block.weights(width)
            else:
                total += block.experts * (block.expert_weights(width) + block.expert_vectors)
                total += block.shared_weights(width) + block.router_weights(width)
        return total

    def active(self, width: int) -> int:
        """Weights that multiply one token."""
        total = self.mixing + sum(matrix.weights for matrix in self.matrices(width))
        for block in self.feed_forward:
            if isinstance(block, DenseFeedForward):
                total += block.weights(width)
            else:
                total += block.experts_per_token * block.expert_weights(width)
                total += block.shared_weights(width) + block.router_weights(width)
        return total


@dataclass(frozen=True)
class Transformer:
    """An architecture: its layers in order, its embeddings, and how its published weights are stored.

    ``positions`` are rows of a learned position table; ``vectors`` the norms outside the layers; ``precision`` what the
    published configuration says of the weights, None where it says nothing. ``stored`` are kinds of weights that take
    other bytes than that format's. ``activations`` and ``kv`` are the formats that it asks of multiply-adds and KV
    cache, None where it leaves them open. ``unstated`` says why a format that is there cannot be known.
    ``unembedding`` is false where the weights end with the stream (embedding and reward models). ``tables`` are weights
    of further tables of which a token takes a row, as of the input embedding; ``streams`` the residual streams side by
    side.
    """

    name: str
    width: int
    vocabulary: int
    tied: bool
    layers: tuple[Layer, ...]
    positions: int = 0
    vectors: int = 0
    precision: str | None = None
    notices: tuple[str, ...] = ()
    stored: tuple[tuple[Weight, Stored], ...] = ()
    activations: str | None = None
    kv: str | None = None
    unstated: str = ""
    unembedding: bool = True
    tables: int = 0
    streams: int = 1

    @cached_property
    def kinds(self) -> dict[Layer, int]:
        """Layers of each kind, in order of first appearance."""
        return dict(Counter(self.layers))

    @property
    def embedding(self) -> int:
        """Weights of the input embedding; the unembedding has as many, and is the same matrix where tied."""
        return self.vocabulary * self.width

    @property
    def unembedding_weights(self) -> int:
        """Weights that turn the stream into a prediction; none where the weights end with the stream."""
        return self.embedding if self.unembedding else 0

    @property
    def input_tables(self) -> int:
        """Weights of which a token takes one row: the input embedding where it is a matrix of its own, positions,
        further tables."""
        own = 0 if self.tied and self.unembedding else self.embedding
        return own + self.positions * self.width + self.tables

    @property
    def vector_weights(self) -> int:
        """Norm weights and biases, which nothing splits."""
        layers = [n * (kind.vectors + kind.mixer_vectors + sum(b.vectors for b in kind.feed_forward))
                  for kind, n in self.kinds.items()]  # fmt: skip
        return self.vectors + sum(layers)

    @cached_property
    def weights(self) -> dict[Weight, int]:
        """Weights of each kind that are stored; a tied table is the embedding, norms and biases are the router's."""
        found = dict.fromkeys(Weight, 0)
        found[Weight.EMBEDDING] = self.input_tables
        found[Weight.EMBEDDING if self.tied else Weight.UNEMBEDDING] += self.unembedding_weights
        found[Weight.ROUTER] = self.vectors
        for times, layer in (part for kind, n in self.kinds.items() for part in kind.distinct(n)):
            number = int(times)
            found[Weight.ROUTER] += number * (layer.stored_vectors + layer.mixing)
            found[Weight.ATTENTION] += number * sum(matrix.weights for matrix in layer.held(self.width))
            for block in layer.feed_forward:
                if isinstance(block, DenseFeedForward):
                    found[Weight.DENSE] += number * block.weights(self.width)
                else:
                    one_expert = block.expert_weights(self.width) + block.expert_vectors
                    found[Weight.EXPERTS] += number * block.experts * one_expert
                    found[Weight.DENSE] += number * block.shared_weights(self.width)
                    found[Weight.ROUTER] += number * block.router_weights(self.width)
        return found

    @property
    def parameters(self) -> int:
        """Everything stored, without multi-token-prediction modules and vision towers."""
        outside = self.unembedding_weights + self.input_tables + self.vectors
        held = (part for layer, number in self.kinds.items() for part in layer.distinct(number))
        return outside + sum(int(number) * layer.stored(self.width) for number, layer in held)

    @property
    def active_parameters(self) -> int:
        """Weights multiplied per token: with the unembedding, without input embedding, norms and biases."""
        return self.unembedding_weights + sum(number * layer.active(self.width) for layer, number in self.kinds.items())

    @cached_property
    def mixers(self) -> list[tuple[Attention, int]]:
        """The mixer of each kind of layer that has one, and how many such layers there are."""
        return [(layer.attention, number) for layer, number in self.kinds.items() if layer.attention is not None]

    @cached_property
    def heads(self) -> set[int]:
        """The numbers of query heads that occur."""
        return {mixer.heads for mixer, _ in self.mixers}

    @cached_property
    def experts(self) -> int:
        """The largest number of routed experts in a layer; 0 where there are none."""
        blocks = [b for layer in self.kinds for b in layer.feed_forward if isinstance(b, ExpertFeedForward)]
        return max((block.experts for block in blocks), default=0)
