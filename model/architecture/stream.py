"""Sequences that a pass treats alike: so many new tokens each, behind so many cached ones."""

from dataclasses import dataclass

import sympy
from sympy import Expr

from steptime.model.architecture.attended import attended, pairs, pairs_of_tokens
from steptime.model.architecture.mixer import Mixer
from steptime.model.terms import one


@dataclass(frozen=True)
class Stream:
    """``share`` sequences for each sequence of the micro-batch; ``tokens`` new ones each, behind ``cached``;
    ``predicted`` of them predict a next token; ``chunks`` passes, one after another, cut the tokens evenly. Not
    ``causal``, each token is counted with all of its sequence, as many papers print training FLOP.
    """

    share: Expr = one
    tokens: Expr = one
    cached: Expr = sympy.S.Zero
    predicted: Expr = one
    chunks: Expr = one
    causal: bool = True

    @property
    def pairs(self) -> Expr:
        """Pairs of a new token and one before it, of one sequence, where attention reads all."""
        return pairs_of_tokens(self.tokens, self.cached) if self.causal else self.tokens**2

    def pairs_of(self, mixer: Mixer) -> Expr:
        """Pairs of a new token and one that it attends to."""
        if self.causal:
            return pairs(mixer, self.tokens, self.cached)
        return self.tokens * attended(mixer, self.tokens)
