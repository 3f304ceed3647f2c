"""Mixers with a state of constant size that are no matrix of key by value a head: Mamba's channels, short convolutions,
and attention with a recurrent mixer beside it in one layer."""

from dataclasses import dataclass, field
from math import gcd

from sympy import Expr

from steptime.model.architecture.attention import GroupedAttention, RecurrentMixer
from steptime.model.architecture.mixer import Matrix, Mixer
from steptime.model.symbols import flops_per_mac


@dataclass(frozen=True)
class SelectiveStateSpace(Mixer):
    """Mamba: every inner channel keeps ``state`` numbers of its own; ``heads`` counts the channels, which
    tensor-parallel chips share out.

    One projection makes channels and gates. After a causal convolution of ``kernel`` tokens the channels make a step
    size of ``rank`` features, an input and an output vector of the state; a second projection widens the step size to
    one for each channel. Source: Gu and Dao 2023 (arXiv 2312.00752), section 3, algorithm 2 and figure 3.

    >>> mamba_130m = SelectiveStateSpace(heads=1536, state=16, rank=48, kernel=4)
    >>> mamba_130m.state_elements, mamba_130m.convolution_elements, mamba_130m.summed_elements
    (24576, 4608, 80)
    """

    heads: int
    state: int
    rank: int
    kernel: int
    vectors: int = 0

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """Channels and gates; step size, input and output vector; the step sizes of all channels; the result."""
        return (
            Matrix(width * 2 * self.heads), Matrix(self.heads * self.summed_elements), Matrix(self.rank * self.heads),
            Matrix(self.heads * width),
        )  # fmt: skip

    @property
    def summed_elements(self) -> int:
        """Step size, input and output vector: each chip has its channels' share of them, all need the sum."""
        return self.rank + 2 * self.state

    @property
    def state_elements(self) -> int:
        return self.heads * self.state

    @property
    def convolution_elements(self) -> int:
        return self.heads * (self.kernel - 1)

    @property
    def flops_per_token(self) -> Expr:
        """Each element of the state decays and takes the input, then answers: two multiply-adds; the convolution."""
        return flops_per_mac * (2 * self.state_elements + self.heads * self.kernel)


@dataclass(frozen=True)
class ShortConvolution(Mixer):
    """A causal convolution of ``kernel`` tokens over each of ``heads`` channels, gated before and after.

    One projection makes the two gates and the input, a second one the result. Source: the modelling file of LFM2 in the
    transformers library (models/lfm2/modeling_lfm2.py, class Lfm2ShortConv).

    >>> ShortConvolution(heads=2048, kernel=3).convolution_elements
    4096
    """

    heads: int
    kernel: int
    vectors: int = 0

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        """Gates and input; the result."""
        return Matrix(width * 3 * self.heads), Matrix(self.heads * width)

    @property
    def convolution_elements(self) -> int:
        return self.heads * (self.kernel - 1)

    @property
    def flops_per_token(self) -> Expr:
        return flops_per_mac * self.heads * self.kernel


@dataclass(frozen=True)
class ParallelMixers(Mixer):
    """Attention and a recurrent mixer that read the same input, so that one sum joins their results.

    ``heads``: what divides the heads of both, so that whatever number of chips divides it divides either. Source: Zuo
    et al. 2025 (arXiv 2507.22448), "Falcon-H1", section 2.1.

    >>> both = ParallelMixers(GroupedAttention(12, 2, 64, 64), RecurrentMixer("Mamba-2", 24, 128, 64, inputs=3352))
    >>> both.heads, both.cache_elements, both.state_elements
    (12, 256, 196608)
    """

    attention: GroupedAttention
    recurrent: RecurrentMixer
    heads: int = field(init=False)
    vectors: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "heads", gcd(self.attention.heads, self.recurrent.heads))
        object.__setattr__(self, "vectors", self.attention.vectors + self.recurrent.vectors)

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        return (*self.attention.matrices(width), *self.recurrent.matrices(width))

    @property
    def window(self) -> int | None:
        return self.attention.window

    @property
    def cache_elements(self) -> int:
        return self.attention.cache_elements

    @property
    def cache_split(self) -> int:
        return self.attention.cache_split

    @property
    def flops_per_pair(self) -> Expr:
        return self.attention.flops_per_pair

    @property
    def query_elements(self) -> int:
        return self.attention.query_elements

    @property
    def score_features(self) -> int:
        return self.attention.score_features

    @property
    def output_elements(self) -> int:
        return self.attention.output_elements

    @property
    def state_elements(self) -> int:
        return self.recurrent.state_elements

    @property
    def convolution_elements(self) -> int:
        return self.recurrent.convolution_elements

    @property
    def flops_per_token(self) -> Expr:
        return self.recurrent.flops_per_token


@dataclass(frozen=True)
class WidenedAttention(GroupedAttention):
    """Attention whose query, key and value read the stream and the embedding side by side, twice its width.

    Source: Glorioso et al. 2024 (arXiv 2411.15242), "Zamba2", section 2.

    >>> [matrix.weights for matrix in WidenedAttention(heads=4, kv_heads=4, head_dim=4, value_dim=4).matrices(8)]
    [256, 256, 256, 128]
    """

    def matrices(self, width: int) -> tuple[Matrix, ...]:
        *inputs, output = super().matrices(width)
        return (*(Matrix(2 * matrix.weights, matrix.split) for matrix in inputs), output)


def parts(mixer: Mixer) -> tuple[Mixer, ...]:
    """The mixers that stand side by side in one, or the one itself."""
    return (mixer.attention, mixer.recurrent) if isinstance(mixer, ParallelMixers) else (mixer,)


def mamba2(
    width: int,
    heads: int,
    head_dim: int,
    state: int,
    groups: int,
    kernel: int,
    biases: str = "",
    has_norm: bool = True,
) -> RecurrentMixer:
    """Mamba-2: gate, input, an input and an output vector of the state for each group, a step size for each head.

    Stored beside the matrices: the convolution over input and vectors; decay, skip and step-size bias of each head; the
    norm of the result, which spans the inner width. ``biases`` names what else has one: "c" the convolution, "i" the
    input projection, "o" the output projection. Source: Dao and Gu 2024 (arXiv 2405.21060), section 7.1.

    >>> mamba2(width=8, heads=4, head_dim=4, state=2, groups=1, kernel=4, biases="c").vectors == 20 * (4 + 1) + 12 + 16
    True
    """
    inner = heads * head_dim
    channels = inner + 2 * groups * state
    inputs = inner + channels + heads
    sizes = {"c": channels, "i": inputs, "o": width}
    vectors = channels * kernel + 3 * heads + (inner if has_norm else 0) + sum(sizes[one] for one in biases)
    return RecurrentMixer("Mamba-2", heads, state, head_dim, inputs, channels=channels, kernel=kernel, vectors=vectors)
