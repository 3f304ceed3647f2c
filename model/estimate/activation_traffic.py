"""Bytes that the kernels between matrix products read and write in training, per token on one chip.

Each kernel reads what it works on and writes what it makes; products themselves read and write behind their
multiply-adds. Forward, a norm reads and writes the stream; a sum reads two streams and writes one; what rotates queries
and keys reads and writes them; an activation function reads what the matrices before it made, the gate too, and writes
its result; tokens are copied to their experts' order and back. Backward, a norm and an activation function read the
gradient and what they kept and write a gradient for each input; where the stream branched, two gradients are added; a
rotation turns back. An attention of steps writes scores, reads and writes them in the softmax, and reads them in the
sums; backward their gradient is written, turned into that of the scores before the softmax, read for queries and for
keys, and the scores are read for values (Korthikanti et al. 2022, arXiv 2205.05198, figure 3, shows the steps). A fused
kernel moves none of them. With narrower products, norms and activation functions write their format themselves; results
of attention and all gradients are read and written in it by rows and by columns, as the two products of the backward
pass read them.
"""

from dataclasses import dataclass

import sympy
from sympy import Expr

from steptime.model.architecture.activations import Kept
from steptime.model.architecture.attention import GroupedAttention, LatentAttention, RecurrentMixer
from steptime.model.architecture.mixer import Mixer
from steptime.model.architecture.state_space import parts
from steptime.model.architecture.transformer import DenseFeedForward, ExpertFeedForward, FeedForward, Layer, Transformer
from steptime.model.choices import Recompute
from steptime.model.symbols import bytes_per_activation, dispatch_bytes, logit_bytes, mask_bytes, sequence

LAYOUTS = 2
"""By rows and by columns: narrow matrix units read both operands along the sum (NVIDIA Transformer Engine)."""


@dataclass(frozen=True)
class Executed:
    """What of a step decides which kernels run: what runs again, whether attention is fused, masks of dropout are kept,
    and tensor-parallel chips share norms; ``narrow`` is one where products are of a narrower format than 16 bits, zero
    where they are not, or the quantity that says it."""

    recompute: Recompute
    fused: bool
    dropout: bool
    narrow: Expr
    sequence_parallel: bool

    @property
    def forward_passes(self) -> int:
        return 2 if self.recompute in (Recompute.FULL, Recompute.REVERSIBLE) else 1


def passed(model: Transformer, step: Executed, tp: Expr) -> Expr:
    """Bytes per token of all layers, forward, backward, and what runs again."""
    return sympy.Add(*[number * of_layer(layer, model.width, step).on_chip(tp, step.sequence_parallel)
                       for layer, number in model.kinds.items()])  # fmt: skip


def of_loss(model: Transformer, tp: Expr) -> Expr:
    """Bytes per predicted token of the loss: logits are written in 16 bits, read and written in fp32; their maximum is
    found, exponentials are written and added up; gradients are made of these, and written in 16 bits.

    Megatron-LM does it in these steps (its `vocab_parallel_cross_entropy`).
    """
    narrow, wide = 3 * bytes_per_activation, 8 * logit_bytes
    return sympy.Integer(model.vocabulary if model.unembedding else 0) * (narrow + wide) / tp


def of_layer(layer: Layer, width: int, step: Executed) -> Kept:
    """Bytes per token of one layer.

    >>> gpt = Layer(GroupedAttention(8, 8, 16, 16), (DenseFeedForward(512, False),))
    >>> step = Executed(Recompute.NONE, fused=True, dropout=False, narrow=sympy.S.Zero, sequence_parallel=False)
    >>> of_layer(gpt, 128, step).total / bytes_per_activation / 128  # 2 (5 + 6) of the stream, 12 of heads, 5 x 4
    54
    """
    a, once = bytes_per_activation, step.forward_passes
    joins = (layer.attention is not None) + bool(layer.feed_forward)
    norms = 1 if layer.parallel else joins
    stream = norms * (2 * once + 3) + layer.sums * (3 * once + 3)
    masks = layer.sums * (once + 1) * mask_bytes if step.dropout else sympy.S.Zero
    total = Kept(whole=width * (stream * a + masks))
    for mixer in parts(layer.attention) if layer.attention is not None else ():
        made = _made(mixer)
        total += made.times(2 * (once + 1) * a) + _scores(mixer, step)
        total += _casts((width, mixer.output_elements), (made.number, width), mixer.output_elements, step)
    for block in layer.feed_forward:
        total += _of_block(block, width, step)
    return total


@dataclass(frozen=True)
class Made:
    """Elements per token that a mixer's matrices make and a kernel then turns, gates or norms: whole on each chip,
    shared by heads, and by fewer key-value heads."""

    whole: int = 0
    shared: int = 0
    keys: int = 0
    key_heads: int = 1

    @property
    def number(self) -> int:
        return self.whole + self.shared + self.keys

    def times(self, each: Expr) -> Kept:
        """Their bytes, so many each."""
        return Kept(self.whole * each, self.shared * each, ((self.keys * each, self.key_heads),))


def _made(mixer: Mixer) -> Made:
    """Queries, keys and values; with latents, keys and values of every head too; what recurrent mixers make of a
    token."""
    if isinstance(mixer, GroupedAttention):
        return Made(0, mixer.query_elements, 0 if mixer.reuses_cache else mixer.cache_elements, mixer.kv_heads)
    if isinstance(mixer, LatentAttention):
        latents = mixer.cache_elements + (mixer.query_rank or 0)
        return Made(latents, mixer.query_elements + mixer.score_features + mixer.output_elements)
    return Made(0, mixer.inputs if isinstance(mixer, RecurrentMixer) else 4 * mixer.heads)


def _scores(mixer: Mixer, step: Executed) -> Kept:
    """A row of scores for each head: four times over memory forward, seven times backward, and again what runs again;
    twice more each way, with its mask, where some of them are dropped."""
    if step.fused or not mixer.score_features:
        return Kept()
    forward = 4 * bytes_per_activation + (2 * bytes_per_activation + mask_bytes if step.dropout else 0)
    backward = 7 * bytes_per_activation + (2 * bytes_per_activation + mask_bytes if step.dropout else 0)
    passes = 1 if step.recompute == Recompute.NONE else 2
    columns = sequence if mixer.window is None else sympy.Min(sequence, mixer.window)
    return Kept(shared=mixer.heads * columns * (passes * forward + backward))


def _of_block(block: FeedForward, width: int, step: Executed) -> Kept:
    """An activation function of a block, of each expert that a token has, and of the shared ones; copies to experts."""
    made = 2 if block.gated else 1
    each = ((made + 1) * step.forward_passes + 2 * made + 1) * bytes_per_activation
    if isinstance(block, DenseFeedForward):
        total = Kept(shared=block.intermediate * each)
        return total + _casts((width, block.intermediate), (made * block.intermediate, width), 0, step)
    assert isinstance(block, ExpertFeedForward)
    copies, routed = block.experts_per_token, block.routed_width(width)
    inside = copies * block.intermediate + block.shared_intermediate
    moved = 4 * copies * routed * (step.forward_passes + 1) * bytes_per_activation  # to the experts' order, and back
    total = Kept(shared=inside * each + moved)
    return total + _casts((copies * routed, inside), (made * inside, copies * routed), 0, step)


def _casts(inputs: tuple[int, int], results: tuple[int, int], unmade: int, step: Executed) -> Kept:
    """Operands of narrower products: written by rows and by columns; the gradients of the results are read for it, and
    so are those inputs that no norm or activation function has just made."""
    written = (sum(inputs) * step.forward_passes + sum(results)) * LAYOUTS * dispatch_bytes
    read = (unmade * step.forward_passes + sum(results)) * bytes_per_activation
    return Kept(shared=step.narrow * (written + read))
