"""Parameters, FLOPs and bytes of each kind of transformer block, from the shapes of the architecture.

Shapes are whole numbers; results are exact. A *matrix* multiplies tokens and counts as active; a *vector* (norm
weight, bias, attention sink) is stored and read but not counted as multiplied.
"""

from collections import Counter
from dataclasses import dataclass

from sympy import Expr, Min

from steptime.model.symbols import context, flops_per_mac


@dataclass(frozen=True)
class Matrix:
    """Weights that multiply every token. ``split`` is the largest number of tensor-parallel chips that can share them:
    None where any divisor of the heads can, 1 where the output is needed whole by each of them."""

    weights: int
    split: int | None = None


@dataclass(frozen=True)
class GroupedAttention:
    """Multi-head, multi-query and grouped-query attention, optionally over a sliding window or inside a chunk.

    Source: Vaswani et al. 2017 (arXiv 1706.03762) 3.2; Ainslie et al. 2023 (arXiv 2305.13245) for grouped heads.

    >>> GroupedAttention(heads=64, kv_heads=8, head_dim=128, value_dim=128).cache_elements
    2048
    """

    heads: int
    kv_heads: int
    head_dim: int
    value_dim: int
    window: int | None = None
    chunked: bool = False
    shared_kv_matrix: bool = False
    vectors: int = 0

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """Query and output split with the heads, key and value with the key-value heads."""
        key = Matrix(width * self.kv_heads * self.head_dim, self.kv_heads)
        value = Matrix(0 if self.shared_kv_matrix else width * self.kv_heads * self.value_dim, self.kv_heads)
        query = Matrix(width * self.heads * self.head_dim)
        output = Matrix(self.heads * self.value_dim * width)
        return query, key, value, output

    @property
    def cache_elements(self) -> int:
        """Elements of KV cache per token: a key and a value for each key-value head."""
        return self.kv_heads * (self.head_dim + self.value_dim)

    @property
    def cache_split(self) -> int:
        """Tensor-parallel chips that can share the cache: one key-value head is the least a chip holds."""
        return self.kv_heads

    @property
    def flops_per_pair(self) -> Expr:
        """FLOP per token and per token of context: scores with every key, weighted sum of every value."""
        return flops_per_mac * self.heads * (self.head_dim + self.value_dim)

    @property
    def output_elements(self) -> int:
        """Elements of the attention's result per token, before the output projection."""
        return self.heads * self.value_dim

    @property
    def query_elements(self) -> int:
        """Elements of the query per token."""
        return self.heads * self.head_dim


@dataclass(frozen=True)
class LatentAttention:
    """Multi-head latent attention (MLA): one compressed latent and one rotary key serve all heads.

    In decode the up-projections of keys and values are absorbed into query and output, so that each head works on the
    latent itself: the same weights are multiplied, the cache is read once for all heads.
    Source: DeepSeek-V2 (arXiv 2405.04434) 2.1, equations 9-19.

    >>> LatentAttention(heads=128, nope_dim=128, rope_dim=64, value_dim=128, kv_rank=512).cache_elements
    576
    """

    heads: int
    nope_dim: int
    rope_dim: int
    value_dim: int
    kv_rank: int
    query_rank: int | None = None
    vectors: int = 0
    window: int | None = None
    chunked: bool = False

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """Down-projections make latents that every tensor-parallel chip needs whole; the rest splits with the heads."""
        head_dim = self.nope_dim + self.rope_dim
        kv_down = Matrix(width * (self.kv_rank + self.rope_dim), 1)
        kv_up = Matrix(self.kv_rank * self.heads * (self.nope_dim + self.value_dim))
        output = Matrix(self.heads * self.value_dim * width)
        if self.query_rank is None:
            return Matrix(width * self.heads * head_dim), kv_down, kv_up, output
        query_down = Matrix(width * self.query_rank, 1)
        query_up = Matrix(self.query_rank * self.heads * head_dim)
        return query_down, query_up, kv_down, kv_up, output

    @property
    def cache_elements(self) -> int:
        """Elements of KV cache per token: the latent and the rotary key."""
        return self.kv_rank + self.rope_dim

    @property
    def cache_split(self) -> int:
        """The latent serves all heads, so tensor-parallel chips each hold it whole."""
        return 1

    @property
    def flops_per_pair(self) -> Expr:
        """FLOP per token and per token of context, absorbed: scores on latent and rotary key, sum of latents."""
        return flops_per_mac * self.heads * (2 * self.kv_rank + self.rope_dim)

    @property
    def output_elements(self) -> int:
        """Elements of the attention's result per token, absorbed: one latent for each head."""
        return self.heads * self.kv_rank

    @property
    def query_elements(self) -> int:
        """Elements of the absorbed query per token: latent and rotary part for each head."""
        return self.heads * (self.kv_rank + self.rope_dim)


Attention = GroupedAttention | LatentAttention


@dataclass(frozen=True)
class DenseFeedForward:
    """Two matrices, or three where a gate multiplies the first (SwiGLU, GeGLU: Shazeer 2020, arXiv 2002.05202)."""

    intermediate: int
    gated: bool = True
    vectors: int = 0

    def weights(self, width: int) -> int:
        return (3 if self.gated else 2) * width * self.intermediate


@dataclass(frozen=True)
class ExpertFeedForward:
    """A router that sends each token to ``experts_per_token`` of ``experts``, and shared experts that see every token.

    ``groups_kept`` of ``groups`` are the router's limit on where a token's experts may lie (DeepSeek-V3,
    arXiv 2412.19437, 2.1.2). ``expert_vectors`` are biases of one expert, ``vectors`` those of the router.

    >>> ExpertFeedForward(experts=256, experts_per_token=8, intermediate=2048).expert_weights(7168)
    44040192
    """

    experts: int
    experts_per_token: int
    intermediate: int
    gated: bool = True
    shared_intermediate: int = 0
    shared_gate: bool = False
    groups: int = 1
    groups_kept: int = 1
    expert_vectors: int = 0
    vectors: int = 0

    def expert_weights(self, width: int) -> int:
        """Weights of one routed expert."""
        return (3 if self.gated else 2) * width * self.intermediate

    def shared_weights(self, width: int) -> int:
        """Weights of all shared experts of a layer, and of the gate on their sum where there is one."""
        return (3 if self.gated else 2) * width * self.shared_intermediate + (width if self.shared_gate else 0)

    def router_weights(self, width: int) -> int:
        return width * self.experts


FeedForward = DenseFeedForward | ExpertFeedForward


@dataclass(frozen=True)
class Layer:
    """One transformer layer: attention, one or more feed-forward blocks side by side, and its norms.

    ``parallel`` is true where attention and feed-forward read the same input, so that one sum joins their results
    (PaLM, arXiv 2204.02311, section 2).
    """

    attention: Attention
    feed_forward: tuple[FeedForward, ...]
    vectors: int = 0
    parallel: bool = False

    def stored(self, width: int) -> int:
        """Every weight of the layer."""
        total = self.vectors + self.attention.vectors + sum(m.weights for m in self.attention.matrices(width))
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
        total = sum(matrix.weights for matrix in self.attention.matrices(width))
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
    published configuration says of the weights, None where it says nothing.
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

    @property
    def kinds(self) -> dict[Layer, int]:
        """Layers of each kind, in order of first appearance."""
        return dict(Counter(self.layers))

    @property
    def embedding(self) -> int:
        """Weights of the input embedding; the unembedding has as many, and is the same matrix where tied."""
        return self.vocabulary * self.width

    @property
    def parameters(self) -> int:
        """Everything stored, without multi-token-prediction modules and vision towers."""
        outside = self.embedding * (1 if self.tied else 2) + self.positions * self.width + self.vectors
        return outside + sum(number * layer.stored(self.width) for layer, number in self.kinds.items())

    @property
    def active_parameters(self) -> int:
        """Weights multiplied per token: with the unembedding, without input embedding, norms and biases."""
        return self.embedding + sum(number * layer.active(self.width) for layer, number in self.kinds.items())

    @property
    def heads(self) -> set[int]:
        """The numbers of query heads that occur."""
        return {layer.attention.heads for layer in self.kinds}

    @property
    def experts(self) -> int:
        """The largest number of routed experts in a layer; 0 where there are none."""
        blocks = [b for layer in self.kinds for b in layer.feed_forward if isinstance(b, ExpertFeedForward)]
        return max((block.experts for block in blocks), default=0)


def attended(attention: Attention) -> Expr:
    """Tokens of context that one token attends to: all, or at most the window.

    >>> attended(GroupedAttention(heads=8, kv_heads=8, head_dim=64, value_dim=64, window=4096))
    Min(4096, context)
    """
    return context if attention.window is None else Min(context, attention.window)
