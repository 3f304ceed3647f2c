"""How a layer mixes tokens: attention over a growing cache, or a recurrent state of constant size.

Shapes are whole numbers; results are exact. Every kind answers the same questions: which matrices it multiplies, what
it caches per token of context, what it keeps per sequence, what a pair of tokens costs.
"""

from dataclasses import dataclass

import sympy
from sympy import Expr

from steptime.model.architecture.mixer import Matrix, Mixer
from steptime.model.symbols import flops_per_mac


@dataclass(frozen=True)
class GroupedAttention(Mixer):
    """Multi-head, multi-query and grouped-query attention, optionally over a sliding window or inside a chunk.

    ``gated`` multiplies the result by a gate that the query projection also makes. ``reuses_cache`` reads the cache of
    an earlier layer and has no keys and values of its own. Source: Vaswani et al. 2017 (arXiv 1706.03762) 3.2; Ainslie
    et al. 2023 (arXiv 2305.13245) for grouped heads; Brandon et al. 2024 (arXiv 2405.12981) for shared caches.

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

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """Query and output split with the heads, key and value with the key-value heads."""
        query = Matrix(width * self.heads * self.head_dim * (2 if self.gated else 1))
        output = Matrix(self.heads * self.value_dim * width)
        if self.reuses_cache:
            return query, output
        key = Matrix(width * self.kv_heads * self.head_dim, self.kv_heads)
        value = Matrix(0 if self.shared_kv_matrix else width * self.kv_heads * self.value_dim, self.kv_heads)
        return query, key, value, output

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
class Indexer:
    """Chooses the tokens that a sparse attention reads: small heads score every token, the best ``selected`` are read.

    One key of ``dim`` serves all heads. Source: DeepSeek-V3.2-Exp report 2025, section 2.1 (lightning indexer).
    """

    heads: int
    dim: int
    selected: int


@dataclass(frozen=True)
class LatentAttention(Mixer):
    """Multi-head latent attention (MLA): one compressed latent and one rotary key serve all heads.

    *Absorbed*, the up-projections of keys and values are folded into query and output, so that each head works on the
    latent itself and the cache is read once for all heads. *Expanded*, keys and values are made from the latents first,
    so that a pair costs less. The same weights are multiplied once for every new token; expanding costs them once more
    for every token that was cached before. Source: DeepSeek-V2 (arXiv 2405.04434) 2.1, equations 9-19.

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
    indexer: Indexer | None = None

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """Down-projections make latents that every tensor-parallel chip needs whole; the rest splits with the heads.

        The indexer's own are whole on every chip, as deployed: each scores the context for itself.
        """
        head_dim = self.nope_dim + self.rope_dim
        found = [Matrix(width * (self.kv_rank + self.rope_dim), 1),
                 Matrix(self.expansion_weights), Matrix(self.heads * self.value_dim * width)]  # fmt: skip
        if self.query_rank is None:
            found.append(Matrix(width * self.heads * head_dim))
        else:
            found += [Matrix(width * self.query_rank, 1), Matrix(self.query_rank * self.heads * head_dim)]
        if self.indexer is not None:
            queries = (self.query_rank or width) * self.indexer.heads * self.indexer.dim
            found.append(Matrix(queries + width * (self.indexer.dim + self.indexer.heads), 1))
        return tuple(found)

    @property
    def expansion_weights(self) -> int:
        """Weights that make one token's keys and values from its latent."""
        return self.kv_rank * self.heads * (self.nope_dim + self.value_dim)

    @property
    def selected(self) -> int | None:
        return None if self.indexer is None else self.indexer.selected

    @property
    def cache_elements(self) -> int:
        """The latent and the rotary key; tensor-parallel chips each hold them whole."""
        return self.kv_rank + self.rope_dim

    @property
    def rotary_elements(self) -> int:
        """Under an indexer the rotary key lies apart; else one format and one scale serve all of the cache.

        A cache of 8 bits takes 656 bytes a token where attention is sparse (512 of latent, 16 of scales, 128 of rotary
        key), 576 where it is dense. Source: FlashMLA's README; vLLM's `flashmla_sparse` and SGLang's `quant_k_cache`,
        and their dense backends; TensorRT-LLM stores 576.
        """
        return 0 if self.indexer is None else self.rope_dim

    @property
    def scale_words(self) -> int:
        """Under an indexer one for each tile of 128 elements of the latent."""
        return 0 if self.indexer is None else -(-self.kv_rank // 128)

    @property
    def flops_per_pair(self) -> Expr:
        """Absorbed: scores on latent and rotary key, sum of latents."""
        return flops_per_mac * self.heads * (2 * self.kv_rank + self.rope_dim)

    @property
    def expanded_flops_per_pair(self) -> Expr | None:
        """Scores on the keys of each head, sum of its values."""
        return flops_per_mac * self.heads * (self.nope_dim + self.rope_dim + self.value_dim)

    @property
    def expansion_flops(self) -> Expr:
        return flops_per_mac * self.expansion_weights

    @property
    def index_elements(self) -> int:
        return 0 if self.indexer is None else self.indexer.dim

    @property
    def index_scale_words(self) -> int:
        """An fp32 scale for each key: 132 bytes for one of 128 elements (DeepSeek's DeepGEMM and FlashMLA; vLLM)."""
        return 0 if self.indexer is None else 1

    @property
    def index_flops_per_pair(self) -> Expr:
        """A score for each index head."""
        return sympy.S.Zero if self.indexer is None else flops_per_mac * self.indexer.heads * self.indexer.dim

    @property
    def query_elements(self) -> int:
        """Absorbed: latent and rotary part for each head."""
        return self.heads * (self.kv_rank + self.rope_dim)

    @property
    def score_features(self) -> int:
        """Expanded, or absorbed where that is cheaper even with nothing cached."""
        expanded = self.nope_dim + self.rope_dim
        absorbed = self.kv_rank + self.rope_dim
        return self.heads * (expanded if expanded + self.value_dim <= absorbed + self.kv_rank else absorbed)

    @property
    def output_elements(self) -> int:
        """Absorbed: one latent for each head."""
        return self.heads * self.kv_rank


@dataclass(frozen=True)
class RecurrentMixer(Mixer):
    """Linear attention and state-space layers: a matrix of ``key_dim`` by ``value_dim`` a head, and no growing cache.

    ``kind`` names it (gated delta-net, Mamba-2, lightning). ``inputs`` are the features that the input projections make
    of each token, gates included; the output projection takes ``heads`` x ``value_dim``. Each token touches every
    element of the state ``touches`` times with a multiply-add: twice to add its key times value and to answer its
    query, a third time where a delta rule first reads what the state holds at its key. A short causal convolution over
    ``channels`` keeps its last ``kernel`` - 1 tokens.
    Source: Katharopoulos et al. 2020 (arXiv 2006.16236); Yang et al. 2024 (arXiv 2412.06464) equation 10; Dao and Gu
    2024 (arXiv 2405.21060); Qin et al. 2024 (arXiv 2401.04658).

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

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """Input and output projections, split with the heads."""
        return Matrix(width * self.inputs), Matrix(self.heads * self.value_dim * width)

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


Attention = GroupedAttention | LatentAttention | RecurrentMixer
