"""The feed-forward part of a layer: one block that every token passes, or experts of which each token has some."""

from dataclasses import dataclass


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
    arXiv 2412.19437, 2.1.2). ``expert_vectors`` are biases of one expert, ``vectors`` those of the router. Where there
    is a ``latent``, one matrix takes the stream to so many features, on which routed experts work and which travel to
    them, and another takes their sum back; router and shared experts see the stream (Nemotron 3, arXiv 2604.12374).

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
    latent: int = 0

    def routed_width(self, width: int) -> int:
        """Features of a token that travel to its experts and back."""
        return self.latent or width

    def expert_weights(self, width: int) -> int:
        """Weights of one routed expert."""
        return (3 if self.gated else 2) * self.routed_width(width) * self.intermediate

    def shared_weights(self, width: int) -> int:
        """Weights that every token multiplies: of all shared experts of a layer, of the gate on their sum where there
        is one, and of the matrices to and from the latent."""
        experts = (3 if self.gated else 2) * width * self.shared_intermediate
        return experts + (width if self.shared_gate else 0) + 2 * width * self.latent

    def router_weights(self, width: int) -> int:
        return width * self.experts


FeedForward = DenseFeedForward | ExpertFeedForward
