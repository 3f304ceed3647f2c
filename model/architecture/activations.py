"""Activations that a layer keeps for its backward pass, in bytes per token on one chip.

What each part keeps, with a bytes for an activation and one for a mask, follows Korthikanti et al. 2022 (arXiv
2205.05198), section 4: attention keeps its input, queries, keys and values, scores after softmax (and after dropout,
with its mask), the result before the output projection; a feed-forward block its input and what lies between its
matrices. A fused kernel keeps queries, keys, values, results and for each head the logarithm of a sum of exponentials
in fp32, and neither scores nor their masks (Dao et al. 2022, arXiv 2205.14135; 2023, arXiv 2307.08691, section 3.1).
What tensor-parallel chips share by heads or features is divided by tp; inputs, norms and masks are whole on each of
them, unless sequence parallelism shares them too. For a GPT with dropout that is s b h (34 + 5 a s/h) at 16 bits.
"""

from dataclasses import dataclass

import sympy
from sympy import Expr

from steptime.model.architecture.attention import (
    CompressedAttention,
    CrossAttention,
    GroupedAttention,
    LatentAttention,
    RecurrentMixer,
)
from steptime.model.architecture.mixer import Mixer
from steptime.model.architecture.state_space import SelectiveStateSpace, ShortConvolution, parts
from steptime.model.architecture.transformer import DenseFeedForward, ExpertFeedForward, FeedForward, Layer, Transformer
from steptime.model.choices import Recompute
from steptime.model.extremes import at_most
from steptime.model.symbols import bytes_per_activation, log_sum_exp_bytes, mask_bytes, sequence


@dataclass(frozen=True)
class Kept:
    """Bytes per token: on every tensor-parallel chip, shared out among them, and by so many heads, each on a chip."""

    whole: Expr = sympy.S.Zero
    shared: Expr = sympy.S.Zero
    by_head: tuple[tuple[Expr, int], ...] = ()

    def __add__(self, other: "Kept") -> "Kept":
        return Kept(self.whole + other.whole, self.shared + other.shared, self.by_head + other.by_head)

    @property
    def total(self) -> Expr:
        return self.on_chip(sympy.S.One, False)

    def on_chip(self, tp: Expr, sequence_parallel: bool) -> Expr:
        """Bytes per token on one of tp chips; with sequence parallelism all of it is shared."""
        alike = self.whole / tp if sequence_parallel else self.whole
        return alike + self.shared / tp + sympy.Add(*[part / at_most(tp, sympy.Integer(n)) for part, n in self.by_head])


def layer_kept(layer: Layer, width: int, mode: Recompute, dropout: bool, fused: bool) -> Kept:
    """What one layer keeps of each token; ``fused`` where one kernel makes scores and their sums.

    >>> from steptime.model.symbols import bytes_per_activation, mask_bytes
    >>> gpt = Layer(GroupedAttention(heads=8, kv_heads=8, head_dim=16, value_dim=16), (DenseFeedForward(512, False),))
    >>> kept = layer_kept(gpt, 128, Recompute.SELECTIVE, dropout=True, fused=False)
    >>> kept.total.subs({bytes_per_activation: 2, mask_bytes: 1}) / 128
    34
    """
    if mode == Recompute.FULL:
        return layer_input(width)
    if mode == Recompute.REVERSIBLE:
        return Kept()
    total = Kept()
    if layer.attention is not None:
        total += _norm(width) + Kept(whole=width * bytes_per_activation) + _mask(width, dropout)
        for mixer in parts(layer.attention):
            total += _inside(mixer, mode, dropout, fused)
    if layer.feed_forward:
        total += _norm(width)
    for block in layer.feed_forward:
        total += _feed_forward(block, width, dropout)
    return total


def untrainable(model: Transformer) -> str | None:
    """What of a model keeps activations that are not known here, or None."""
    if any(isinstance(mixer, CompressedAttention) for mixer, _ in model.mixers):
        return "compressed attention: what its compressors keep for the backward pass is not known"
    if any(isinstance(mixer, CrossAttention) for mixer, _ in model.mixers):
        return "attention to images: how many there are is not known"
    if model.streams > 1:
        return "several residual streams: what their mixing keeps for the backward pass is not known"
    return None


def layer_input(width: int) -> Kept:
    """What enters a layer."""
    return Kept(whole=width * bytes_per_activation)


def _norm(width: int) -> Kept:
    """A norm keeps its input."""
    return Kept(whole=width * bytes_per_activation)


def _inside(mixer: Mixer, mode: Recompute, dropout: bool, fused: bool) -> Kept:
    """What a mixer keeps between its input and the mask on its result."""
    kept, a = Kept(), bytes_per_activation
    scores = _log_sums if fused else _scores if mode == Recompute.NONE else _nothing
    if isinstance(mixer, GroupedAttention):
        keys = 0 if mixer.reuses_cache else mixer.cache_elements
        kept += Kept(shared=(mixer.query_elements + mixer.output_elements) * a)
        as_queries = mixer.kv_heads == mixer.heads
        kept += Kept(shared=keys * a) if as_queries else Kept(by_head=((keys * a, mixer.kv_heads),))
        kept += scores(mixer.heads, mixer.window, dropout)
    elif isinstance(mixer, LatentAttention):
        head = mixer.nope_dim + mixer.rope_dim
        kept += Kept(whole=(mixer.cache_elements + (mixer.query_rank or 0)) * a)
        kept += Kept(shared=mixer.heads * (2 * head + 2 * mixer.value_dim) * a)
        kept += scores(mixer.heads, mixer.window, dropout)
    elif isinstance(mixer, RecurrentMixer):
        kept += Kept(whole=mixer.low_rank_gates * mixer.gate_rank * a)
        kept += Kept(shared=(mixer.inputs + (1 + mixer.low_rank_gates) * mixer.heads * mixer.value_dim) * a)
    elif isinstance(mixer, SelectiveStateSpace):  # channels and gates, their step sizes, results
        kept += Kept(whole=mixer.summed_elements * a, shared=4 * mixer.heads * a)
    elif isinstance(mixer, ShortConvolution):  # two gates, the input, the gated result
        kept += Kept(shared=4 * mixer.heads * a)
    return kept


def _scores(heads: int, window: int | None, dropout: bool) -> Kept:
    """A row of scores for each head, as long as the sequence or the window: after softmax, and after dropout."""
    a = bytes_per_activation
    columns = sequence if window is None else sympy.Min(sequence, window)
    return Kept(shared=heads * columns * ((2 * a + mask_bytes) if dropout else a))


def _log_sums(heads: int, window: int | None, dropout: bool) -> Kept:
    """What a fused kernel keeps of a row of scores: from its sum of exponentials it makes them again, and their dropout
    from the seed."""
    return Kept(shared=heads * log_sum_exp_bytes)


def _nothing(heads: int, window: int | None, dropout: bool) -> Kept:
    """What is kept of scores that run again."""
    return Kept()


def _feed_forward(block: FeedForward, width: int, dropout: bool) -> Kept:
    """The input, and what lies between the matrices: before and after the activation function, and the gate."""
    a, between = bytes_per_activation, 3 if block.gated else 2
    if isinstance(block, DenseFeedForward):
        return Kept(width * a, between * block.intermediate * a) + _mask(width, dropout)
    assert isinstance(block, ExpertFeedForward)
    travels = 2 * block.routed_width(width)  # sent in, sent back
    copies = block.experts_per_token * (travels + between * block.intermediate) * a
    inside = (between * block.shared_intermediate + 2 * block.latent) * a
    return Kept(width * a, copies + inside) + _mask(width, dropout)


def _mask(width: int, dropout: bool) -> Kept:
    return Kept(whole=width * mask_bytes) if dropout else Kept()
