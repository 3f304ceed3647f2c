"""Attention to features from outside the text, such as those of images."""

from dataclasses import dataclass

from steptime.model.architecture.mixer import Matrix, Mixer


@dataclass(frozen=True)
class CrossAttention(Mixer):
    """Grouped attention of text to the features of images, whose keys and values are not counted.

    The matrices that make them are stored, and multiplied by images only, never by a token of text.
    Source: Dubey et al. 2024 (arXiv 2407.21783), section 7.2.

    >>> CrossAttention(heads=32, kv_heads=8, head_dim=128).matrices(4096)[0].weights
    16777216
    """

    heads: int
    kv_heads: int
    head_dim: int
    vectors: int = 0

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """Query and output, which every token multiplies."""
        return Matrix(width * self.heads * self.head_dim), Matrix(self.heads * self.head_dim * width)

    def idle(self, width: int) -> tuple[Matrix, ...]:
        """Key and value: stored, and multiplied by images only."""
        return (Matrix(2 * width * self.kv_heads * self.head_dim, self.kv_heads),)
