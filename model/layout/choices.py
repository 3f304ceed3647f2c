"""Choices that change which operations a ledger has."""

from dataclasses import dataclass

from sympy import Expr, Symbol

from steptime.model import symbols as q

KIND_BYTES: dict[str, Symbol] = {
    "attention": q.attention_weight_bytes,
    "dense": q.dense_weight_bytes,
    "experts": q.expert_weight_bytes,
    "router": q.router_weight_bytes,
    "embedding": q.embedding_weight_bytes,
}
"""Bytes of a weight by kind of block, where a model stores them in several formats."""


@dataclass(frozen=True)
class Plan:
    """Expert traffic, all-reduce, which experts a step reads, how weights are stored, how chips are joined.

    ``ffn`` tp or all; ``copies`` per-domain or per-expert; ``in_switch`` where the scale-up switch adds; ``experts``
    expected (those that the micro-batch is expected to touch) or all; ``mixed`` where kinds of weights are stored in
    formats of their own; ``axes`` of a torus, 0 where a switch joins the chips of a domain.
    """

    ffn: str = "tp"
    copies: str = "per-domain"
    in_switch: bool = False
    experts: str = "expected"
    mixed: bool = False
    axes: int = 0

    def bytes_of(self, kind: str) -> Expr:
        """Bytes that store one weight of a kind."""
        return KIND_BYTES[kind] if self.mixed else q.bytes_per_weight
