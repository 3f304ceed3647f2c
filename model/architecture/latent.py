"""Multi-head latent attention, and the index by which a sparse attention chooses the tokens that it reads."""

from dataclasses import dataclass

import sympy
from sympy import Expr

from steptime.model.architecture.mixer import Matrix, Mixer
from steptime.model.symbols import flops_per_mac


@dataclass(frozen=True)
class Indexer:
    """Chooses the tokens that a sparse attention reads: small heads score every token, the best ``selected`` are read.

    One key of ``dim`` serves all heads; ``weighted`` where a matrix makes the weights by which the heads' scores are
    added. Over compressed entries ``selected`` are entries. One key may stand for a ``pool`` of tokens, which are then
    chosen together; a matrix of the key's size weighs them. Source: DeepSeek-V3.2-Exp report 2025, section 2.1
    (lightning indexer).
    """

    heads: int
    dim: int
    selected: int
    weighted: bool = True
    pool: int = 1

    def matrix(self, width: int, query_width: int) -> Matrix:
        """Queries from ``query_width`` features, the key and the heads' weights from the stream: whole on every chip,
        as deployed, since each scores the context for itself."""
        made = (self.dim if self.pool == 1 else 2 * self.dim) + (self.heads if self.weighted else 0)
        return Matrix(query_width * self.heads * self.dim + width * made, 1)

    @property
    def elements(self) -> Expr:
        """Elements of keys per token of context."""
        return sympy.sympify(self.dim, strict=True) / self.pool

    @property
    def flops_per_pair(self) -> Expr:
        """A score for each index head."""
        return flops_per_mac * self.heads * self.elements


@dataclass(frozen=True)
class LatentAttention(Mixer):
    """Multi-head latent attention (MLA): one compressed latent and one rotary key serve all heads.

    *Absorbed*, the up-projections of keys and values are folded into query and output, so that each head works on the
    latent itself and the cache is read once for all heads. *Expanded*, keys and values are made from the latents first,
    so that a pair costs less. The same weights are multiplied once for every new token; expanding costs them once more
    for every token that was cached before. ``gated`` multiplies the result by a gate with a matrix of its own. Without
    an ``indexer``, ``chosen`` tokens are read that the index of an earlier layer chose (arXiv 2603.12201).
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
    indexer: Indexer | None = None
    gated: bool = False
    chosen: int | None = None

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """Down-projections make latents that every tensor-parallel chip needs whole; the rest splits with the heads."""
        head_dim = self.nope_dim + self.rope_dim
        found = [Matrix(width * (self.kv_rank + self.rope_dim), 1),
                 Matrix(self.expansion_weights), Matrix(self.heads * self.value_dim * width)]  # fmt: skip
        if self.query_rank is None:
            found.append(Matrix(width * self.heads * head_dim))
        else:
            found += [Matrix(width * self.query_rank, 1), Matrix(self.query_rank * self.heads * head_dim)]
        if self.gated:
            found.append(Matrix(width * self.heads * self.value_dim))
        if self.indexer is not None:
            found.append(self.indexer.matrix(width, self.query_rank or width))
        return tuple(found)

    @property
    def expansion_weights(self) -> int:
        """Weights that make one token's keys and values from its latent."""
        return self.kv_rank * self.heads * (self.nope_dim + self.value_dim)

    @property
    def selected(self) -> int | None:
        return self.chosen if self.indexer is None else self.indexer.selected

    @property
    def cache_elements(self) -> int:
        """The latent and the rotary key; tensor-parallel chips each hold them whole."""
        return self.kv_rank + self.rope_dim

    @property
    def rotary_elements(self) -> int:
        """Where attention is sparse the rotary key lies apart; else one format and one scale serve all of the cache.

        A cache of 8 bits takes 656 bytes a token where attention is sparse (512 of latent, 16 of scales, 128 of rotary
        key), 576 where it is dense. Source: FlashMLA's README; vLLM's `flashmla_sparse` and SGLang's `quant_k_cache`,
        and their dense backends; TensorRT-LLM stores 576.
        """
        return 0 if self.selected is None else self.rope_dim

    @property
    def scale_words(self) -> int:
        """Where attention is sparse one for each tile of 128 elements of the latent."""
        return 0 if self.selected is None else -(-self.kv_rank // 128)

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
    def index_elements(self) -> Expr:
        return sympy.S.Zero if self.indexer is None else self.indexer.elements

    @property
    def index_scale_words(self) -> Expr:
        """An fp32 scale for each key: 132 bytes for one of 128 elements (DeepSeek's DeepGEMM and FlashMLA; vLLM)."""
        return sympy.S.Zero if self.indexer is None else sympy.S.One / self.indexer.pool

    @property
    def index_flops_per_pair(self) -> Expr:
        return sympy.S.Zero if self.indexer is None else self.indexer.flops_per_pair

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
