"""What every mixer of tokens answers: which matrices it multiplies, what it caches and keeps, what a pair costs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import sympy
from sympy import Expr


@dataclass(frozen=True)
class Matrix:
    """Weights that multiply every token. ``split`` is the largest number of tensor-parallel chips that can share them:
    None where any divisor of the heads can, 1 where the output is needed whole by each of them."""

    weights: int
    split: int | None = None


class Mixer(ABC):
    """The questions, with the answers of a mixer that has no such thing: no cache, no index, no state."""

    heads: int
    vectors: int

    @property
    def window(self) -> int | None:
        """The most tokens of context that a token attends to; None where it is all of them."""
        return None

    @property
    def chunked(self) -> bool:
        """Whether the window is a fixed chunk instead of the tokens just before."""
        return False

    @property
    def selected(self) -> int | None:
        """Tokens of context that a sparse attention selects for each token; None where it reads all."""
        return None

    @property
    def parts(self) -> tuple["Mixer", ...]:
        """Caches that a token attends to side by side, each as a mixer of its own: mostly one, this."""
        return (self,)

    @property
    def reuses_cache(self) -> bool:
        """Whether the cache is that of an earlier layer: read, but neither stored again nor written."""
        return False

    @property
    def cache_elements(self) -> Expr | int:
        """Elements of KV cache per token of context."""
        return 0

    @property
    def rotary_elements(self) -> Expr | int:
        """Those of them that a cache keeps apart, in 16 bits where the rest is quantised."""
        return 0

    @property
    def scale_words(self) -> Expr | int:
        """32-bit words of scales per token that a cache of 8 bits keeps beside its elements; none where one scale
        serves a whole tensor."""
        return 0

    @property
    def cache_split(self) -> int:
        """Tensor-parallel chips that can share the cache."""
        return 1

    @property
    def flops_per_pair(self) -> Expr:
        """FLOP per token and per token of context that it attends to."""
        return sympy.S.Zero

    @property
    def expanded_flops_per_pair(self) -> Expr | None:
        """The same where keys and values were expanded from their latents before; None where there are no latents."""
        return None

    @property
    def expansion_flops(self) -> Expr:
        """FLOP that expand one cached latent to keys and values."""
        return sympy.S.Zero

    @property
    def index_elements(self) -> Expr | int:
        """Elements per token of context that are read to choose tokens."""
        return 0

    @property
    def index_scale_words(self) -> Expr | int:
        """32-bit words of scales per token that an index of 8 bits keeps beside its elements."""
        return 0

    @property
    def index_flops_per_pair(self) -> Expr:
        """FLOP per token and per token of context that choosing costs."""
        return sympy.S.Zero

    @property
    def state_elements(self) -> int:
        """Elements of recurrent state per sequence."""
        return 0

    @property
    def convolution_elements(self) -> int:
        """Elements per sequence that a short convolution keeps."""
        return 0

    @property
    def ring_rows(self) -> int:
        """Tokens per sequence whose projections a ring keeps until a compressed entry is made of them."""
        return 0

    @property
    def ring_elements(self) -> int:
        """Elements of one token in that ring."""
        return 0

    @property
    def ring_reads(self) -> int:
        """Tokens of the ring that are read for each new one, on average."""
        return 0

    @property
    def flops_per_token(self) -> Expr:
        """FLOP per token that depend neither on the context nor on a matrix: the recurrent state's."""
        return sympy.S.Zero

    @property
    def summed_elements(self) -> int:
        """Elements per token that tensor-parallel chips must add up inside the mixer, before its result."""
        return 0

    @property
    def query_elements(self) -> int:
        """Elements of the query per token."""
        return 0

    @property
    def score_features(self) -> int:
        """Features that queries meet keys in, over all heads, where every token is new; none where there are no
        scores."""
        return 0

    @property
    def output_elements(self) -> int:
        """Elements of the result per token, before the output projection."""
        return 0

    @abstractmethod
    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """The weights that multiply every token."""

    def idle(self, width: int) -> tuple[Matrix, ...]:
        """Weights that are stored and that no token of text multiplies."""
        return ()
