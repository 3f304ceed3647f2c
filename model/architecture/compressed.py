"""Attention over a window of tokens and, beyond it, over entries that each stand for several tokens.

An entry is made of the tokens that it stands for, and where entries overlap of those before them too; until it is
complete, a ring keeps what the projections made of them. Every share here is per token of context: an entry of d
elements for each m tokens is d/m elements a token, and the best k entries of an index are those of k m tokens. So the
context is cut into entries evenly, and the last incomplete one is counted as the part of an entry that it is.
"""

from dataclasses import dataclass

import sympy
from sympy import Expr

from steptime.model.architecture.latent import Indexer
from steptime.model.architecture.mixer import Matrix, Mixer
from steptime.model.symbols import flops_per_mac


@dataclass(frozen=True)
class Entries(Mixer):
    """What one token attends to in one of several caches side by side, per token of context; it has no weights."""

    heads: int
    cache_elements: Expr = sympy.S.Zero
    flops_per_pair: Expr = sympy.S.Zero
    window: int | None = None
    selected: int | None = None
    index_elements: Expr = sympy.S.Zero
    index_flops_per_pair: Expr = sympy.S.Zero
    rotary_elements: Expr = sympy.S.Zero
    scale_words: Expr = sympy.S.Zero
    index_scale_words: Expr = sympy.S.Zero
    vectors: int = 0

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """None: the mixer that holds it has them."""
        return ()


@dataclass(frozen=True)
class CompressedAttention(Mixer):
    """Compressed attention: the last ``near`` tokens as they are, and all before as entries of ``ratio`` tokens each.

    One vector of ``dim`` is key and value for all heads. ``ratio`` 0 has no entries. ``overlap``: an entry is made of
    so many times ``ratio`` tokens. With an ``indexer``, whose keys are compressed alike, a token attends to the best
    entries (compressed sparse attention), without to all of them (heavily compressed attention). The result passes
    ``output_groups`` matrices side by side to ``output_rank`` features each, then one matrix to the stream.
    Source: DeepSeek-V4 report 2026, section 2.3, with the published modelling code (deepseek_v4).

    >>> heavily = CompressedAttention(128, 512, 1536, 16, 1024, near=128, ratio=128)
    >>> [part.cache_elements for part in heavily.parts]
    [512, 4]
    """

    heads: int
    dim: int
    query_rank: int
    output_groups: int
    output_rank: int
    near: int
    ratio: int = 0
    overlap: int = 1
    indexer: Indexer | None = None
    vectors: int = 0
    rope_dim: int = 0

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """Queries split with the heads, the first output matrices with their groups; keys, compressors and the index
        are whole on every chip, since all heads need them."""
        index = () if self.indexer is None else (self._index(self.indexer, width),)
        compressor = (Matrix(width * self.compressed_features, 1),) if self.ratio else ()
        return (
            Matrix(width * self.query_rank, 1),
            Matrix(self.query_rank * self.heads * self.dim),
            Matrix(width * self.dim, 1),
            *compressor,
            *index,
            Matrix(self.heads * self.dim * self.output_rank, self.output_groups),
            Matrix(self.output_groups * self.output_rank * width),
        )

    def _index(self, indexer: Indexer, width: int) -> Matrix:
        """Queries from the latent of the queries, weights of the heads, and a compressor for the keys."""
        queries = self.query_rank * indexer.heads * indexer.dim
        return Matrix(queries + width * (indexer.heads + 2 * self.overlap * indexer.dim), 1)

    @property
    def compressed_features(self) -> int:
        """Features from which entries are made, of each token: as many to add up as to weigh them by."""
        return 2 * self.overlap * self.dim

    @property
    def parts(self) -> tuple[Mixer, ...]:
        """The window, and the entries behind it."""
        per_entry = flops_per_mac * self.heads * 2 * self.dim
        rotary, words = sympy.Integer(self.rope_dim), sympy.Integer(self.words)
        near = Entries(self.heads, sympy.sympify(self.dim, strict=True), per_entry, window=self.near,
                       rotary_elements=rotary, scale_words=words)  # fmt: skip
        if not self.ratio:
            return (near,)
        share = sympy.S.One / self.ratio
        key, scored = (0, sympy.S.Zero) if self.indexer is None else (self.indexer.dim, self.indexer.flops_per_pair)
        far = Entries(
            self.heads, self.dim * share, per_entry * share, selected=self.selected,
            index_elements=key * share, index_flops_per_pair=scored * share, rotary_elements=rotary * share,
            scale_words=words * share, index_scale_words=share if key else sympy.S.Zero,
        )  # fmt: skip
        return near, far

    @property
    def words(self) -> int:
        """32-bit words of the scales of a vector in 8 bits: a byte for each 64 elements that do not rotate, filled up
        to eight. So one of 512, 64 of which rotate, takes 448 + 128 + 8 = 584 bytes (the layout `fp8_ds_mla` of vLLM
        and SGLang)."""
        return 2 * -(-(self.dim - self.rope_dim) // 64 // 8) if self.rope_dim else 0

    @property
    def selected(self) -> int | None:
        """Tokens of the entries that the index chooses."""
        return None if self.indexer is None else self.indexer.selected * self.ratio

    @property
    def cache_elements(self) -> Expr:
        """The vector of a token, and its share of an entry."""
        return sympy.Add(*[part.cache_elements for part in self.parts])

    @property
    def ring_rows(self) -> int:
        """The tokens of an entry and of those that it overlaps."""
        return self.overlap * self.ratio

    @property
    def ring_elements(self) -> int:
        """What the compressors' projections made of a token, the index's too."""
        index = 0 if self.indexer is None else 2 * self.overlap * self.indexer.dim
        return self.compressed_features + index if self.ratio else 0

    @property
    def ring_reads(self) -> int:
        return self.overlap

    @property
    def query_elements(self) -> int:
        return self.heads * self.dim

    @property
    def output_elements(self) -> int:
        return self.heads * self.dim
