"""Choices that change which operations a ledger has, and which bytes its weights take."""

from dataclasses import dataclass

from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import Copies, Experts, Load, Split, Weight

KIND_BYTES: dict[Weight, Symbol] = {
    Weight.ATTENTION: q.attention_weight_bytes,
    Weight.DENSE: q.dense_weight_bytes,
    Weight.EXPERTS: q.expert_weight_bytes,
    Weight.ROUTER: q.router_weight_bytes,
    Weight.EMBEDDING: q.embedding_weight_bytes,
    Weight.UNEMBEDDING: q.unembedding_weight_bytes,
}
"""Bytes of a weight by kind, where a model stores them in several formats."""


@dataclass(frozen=True)
class Plan:
    """Expert traffic, all-reduce, which experts a step reads, how weights are stored, how chips are joined.

    ``in_switch`` where the scale-up switch adds; ``mixed`` where kinds of weights are stored in formats of their own;
    ``axes`` of a torus, 0 where a switch joins the chips of a domain; ``load`` which chip the lines are of: the mean
    one, or one on the fullest rank.
    """

    ffn: Split = Split.TENSOR
    copies: Copies = Copies.PER_DOMAIN
    in_switch: bool = False
    experts: Experts = Experts.EXPECTED
    mixed: bool = False
    axes: int = 0
    load: Load = Load.MEAN

    def bytes_of(self, kind: Weight) -> Expr:
        """Bytes that store one weight of a kind."""
        return KIND_BYTES[kind] if self.mixed else q.bytes_per_weight
