"""One layer in words."""

from steptime.model.architecture.state_space import ParallelMixers, SelectiveStateSpace, ShortConvolution
from steptime.model.architecture.transformer import DenseFeedForward, FeedForward, Layer

from steptime.model.architecture.attention import (  # isort: skip
    Attention, CompressedAttention, CrossAttention, GroupedAttention, LatentAttention, RecurrentMixer,
)  # fmt: skip


def layer_text(layer: Layer) -> str:
    """A layer's mixer and feed-forward blocks, with the shapes that decide their cost.

    >>> layer_text(Layer(GroupedAttention(64, 8, 128, 128), (DenseFeedForward(28672),)))
    '64 query heads on 8 key-value heads of 128; gated feed-forward 28,672'
    """
    parts = [] if layer.attention is None else [_mixer(layer.attention)]
    parts += [_block(block) for block in layer.feed_forward]
    shared = f" (block {layer.shared} of shared weights)" if layer.shared else ""
    return "; ".join(parts or ["no mixer, no feed-forward"]) + (" (side by side)" if layer.parallel else shared)


def _mixer(mixer: Attention) -> str:
    if isinstance(mixer, ParallelMixers):
        return f"{_mixer(mixer.attention)}, beside {_mixer(mixer.recurrent)}"
    if isinstance(mixer, SelectiveStateSpace):
        return f"Mamba, {mixer.heads:,} channels with a state of {mixer.state} each"
    if isinstance(mixer, ShortConvolution):
        return f"gated convolution of {mixer.kernel} tokens over {mixer.heads:,} channels"
    if isinstance(mixer, RecurrentMixer):
        return f"{mixer.kind}, {mixer.heads} heads with a state of {mixer.key_dim} x {mixer.value_dim}"
    if isinstance(mixer, LatentAttention):
        text = f"{mixer.heads} heads on a latent of {mixer.kv_rank} + {mixer.rope_dim}"
        if mixer.indexer is not None:
            text += f", reading the best {mixer.indexer.selected:,} tokens of an index"
        elif mixer.chosen is not None:
            text += f", reading the {mixer.chosen:,} tokens that an earlier layer's index chose"
        return text + (", gated" if mixer.gated else "")
    if isinstance(mixer, CrossAttention):
        return f"{mixer.heads} query heads on {mixer.kv_heads} key-value heads of {mixer.head_dim}, made of images"
    if isinstance(mixer, CompressedAttention):
        return _compressed(mixer)
    assert isinstance(mixer, GroupedAttention)
    return _grouped(mixer)


def _compressed(mixer: CompressedAttention) -> str:
    text = f"{mixer.heads} heads on one vector of {mixer.dim}, a window of {mixer.near:,}"
    if mixer.indexer is not None:
        return text + f" and the best {mixer.indexer.selected:,} of an index's entries of {mixer.ratio} tokens"
    return text + (f" and all entries of {mixer.ratio} tokens" if mixer.ratio else "")


def _grouped(mixer: GroupedAttention) -> str:
    text = f"{mixer.heads} query heads on {mixer.kv_heads} key-value heads of {mixer.head_dim}"
    if mixer.window is not None:
        text += f", {'chunks' if mixer.chunked else 'a window'} of {mixer.window:,}"
    if mixer.indexer is not None:
        text += f", reading the best {mixer.indexer.selected:,} tokens of an index"
    if mixer.gated or mixer.head_gate:
        text += ", gated"
    return text + (", reading an earlier layer's cache" if mixer.reuses_cache else "")


def _block(block: FeedForward) -> str:
    gate = "gated " if block.gated else ""
    if isinstance(block, DenseFeedForward):
        return f"{gate}feed-forward {block.intermediate:,}"
    text = f"{block.experts_per_token} of {block.experts} {gate}experts of {block.intermediate:,}"
    if block.shared_intermediate:
        text += f" and a shared one of {block.shared_intermediate:,}"
    if block.latent:
        text += f", on {block.latent:,} features"
    return text + (f", {block.groups_kept} of {block.groups} groups" if block.groups > 1 else "")
