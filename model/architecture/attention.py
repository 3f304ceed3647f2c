"""How a layer mixes tokens: attention over a growing cache, or a recurrent state of constant size.

Shapes are whole numbers; results are exact. Every kind answers the same questions: which matrices it multiplies, what
it caches per token of context, what it keeps per sequence, what a pair of tokens costs.
"""

from dataclasses import dataclass

import sympy
from sympy import Expr

from steptime.model.architecture.compressed import CompressedAttention
from steptime.model.architecture.cross import CrossAttention
from steptime.model.architecture.latent import Indexer, LatentAttention
from steptime.model.architecture.mixer import Matrix, Mixer
from steptime.model.symbols import flops_per_mac

__all__ = [
    "Attention", "CompressedAttention", "CrossAttention", "GroupedAttention", "Indexer", "LatentAttention",
    "RecurrentMixer",
]  # fmt: skip


@dataclass(frozen=True)
class GroupedAttention(Mixer):
    """Multi-head, multi-query and grouped-query attention, optionally over a sliding window or inside a chunk.

    ``gated`` multiplies the result by a gate that the query projection also makes, ``head_gate`` by one number a head.
    ``reuses_cache`` reads the cache of an earlier layer and has no keys and values of its own. With an ``indexer`` each
    key-value head reads the tokens of the blocks that score best. Source: Vaswani et al. 2017 (arXiv 1706.03762) 3.2;
    Ainslie et al. 2023 (arXiv 2305.13245) for grouped heads; Brandon et al. 2024 (arXiv 2405.12981) for shared caches;
    MiniMax 2026 (arXiv 2606.13392) for blocks.

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
    gated: bool = False
    reuses_cache: bool = False
    head_gate: bool = False
    indexer: Indexer | None = None

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """Query and output split with the heads, key and value with the key-value heads; an index is whole."""
        gate = width * self.heads if self.head_gate else 0
        query = Matrix(width * self.heads * self.head_dim * (2 if self.gated else 1) + gate)
        output = Matrix(self.heads * self.value_dim * width)
        if self.reuses_cache:
            return query, output
        key = Matrix(width * self.kv_heads * self.head_dim, self.kv_heads)
        value = Matrix(0 if self.shared_kv_matrix else width * self.kv_heads * self.value_dim, self.kv_heads)
        index = () if self.indexer is None else (self.indexer.matrix(width, width),)
        return query, key, value, output, *index

    @property
    def selected(self) -> int | None:
        return None if self.indexer is None else self.indexer.selected

    @property
    def index_elements(self) -> Expr:
        return sympy.S.Zero if self.indexer is None else self.indexer.elements

    @property
    def index_flops_per_pair(self) -> Expr:
        return sympy.S.Zero if self.indexer is None else self.indexer.flops_per_pair

    @property
    def cache_elements(self) -> int:
        """A key and a value for each key-value head."""
        return self.kv_heads * (self.head_dim + self.value_dim)

    @property
    def cache_split(self) -> int:
        """One key-value head is the least a chip holds."""
        return self.kv_heads

    @property
    def flops_per_pair(self) -> Expr:
        """Scores with every key, weighted sum of every value."""
        return flops_per_mac * self.heads * (self.head_dim + self.value_dim)

    @property
    def query_elements(self) -> int:
        return self.heads * self.head_dim

    @property
    def score_features(self) -> int:
        return self.heads * self.head_dim

    @property
    def output_elements(self) -> int:
        return self.heads * self.value_dim


@dataclass(frozen=True)
class RecurrentMixer(Mixer):
    """Linear attention and state-space layers: a matrix of ``key_dim`` by ``value_dim`` a head, and no growing cache.

    ``kind`` names it (gated delta-net, Kimi delta, Mamba-2, lightning). ``inputs`` are the features that the input
    projections make of each token, gates included; ``low_rank_gates`` more gates, one feature for each of a value, pass
    ``gate_rank`` features first; the output projection takes ``heads`` x ``value_dim``. Each token touches every
    element of the state ``touches`` times with a multiply-add: twice to add its key times value and to answer its
    query, a third time where a delta rule first reads what the state holds at its key. A short causal convolution over
    ``channels`` keeps its last ``kernel`` - 1 tokens.
    Source: Katharopoulos et al. 2020 (arXiv 2006.16236); Yang et al. 2024 (arXiv 2412.06464) equation 10; Dao and Gu
    2024 (arXiv 2405.21060); Qin et al. 2024 (arXiv 2401.04658); Kimi 2025 (arXiv 2510.26692) for the Kimi delta rule.

    >>> delta_net = RecurrentMixer("gated delta-net", heads=32, key_dim=128, value_dim=128, inputs=12352, touches=3)
    >>> delta_net.state_elements
    524288
    """

    kind: str
    heads: int
    key_dim: int
    value_dim: int
    inputs: int
    touches: int = 2
    channels: int = 0
    kernel: int = 1
    vectors: int = 0
    low_rank_gates: int = 0
    gate_rank: int = 0

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """Input and output projections, split with the heads; the low ranks are needed whole by each chip."""
        found = Matrix(width * self.inputs), Matrix(self.heads * self.value_dim * width)
        if not self.low_rank_gates:
            return found
        low = self.low_rank_gates * self.gate_rank
        return *found, Matrix(width * low, 1), Matrix(low * self.heads * self.value_dim)

    @property
    def state_elements(self) -> int:
        return self.heads * self.key_dim * self.value_dim

    @property
    def convolution_elements(self) -> int:
        return self.channels * (self.kernel - 1)

    @property
    def flops_per_token(self) -> Expr:
        """The state's multiply-adds and the convolution's."""
        return flops_per_mac * (self.touches * self.state_elements + self.channels * self.kernel)


Attention = Mixer
"""What stands in a layer's place of attention: one of the kinds here, or of those in `state_space`."""
