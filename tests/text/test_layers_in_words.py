"""Layers in words: what decides the cost of each kind of mixer and block is said."""

import pytest

from steptime.model.text.layers import layer_text

from steptime.model.architecture.transformer import (  # isort: skip
    Attention, CompressedAttention, CrossAttention, ExpertFeedForward, GroupedAttention, Indexer, LatentAttention,
    Layer,
)  # fmt: skip

INDEX = Indexer(4, 128, 2048)


@pytest.mark.parametrize(
    ("mixer", "said"),
    [
        (CompressedAttention(64, 512, 8, 8, 8, near=128), "64 heads on one vector of 512, a window of 128"),
        (CompressedAttention(64, 512, 8, 8, 8, 128, ratio=128),
         "64 heads on one vector of 512, a window of 128 and all entries of 128 tokens"),
        (CompressedAttention(64, 512, 8, 8, 8, 128, 4, 2, Indexer(64, 128, 512)),
         "64 heads on one vector of 512, a window of 128 and the best 512 of an index's entries of 4 tokens"),
        (CrossAttention(32, 8, 128), "32 query heads on 8 key-value heads of 128, made of images"),
        (GroupedAttention(64, 4, 128, 128, indexer=INDEX),
         "64 query heads on 4 key-value heads of 128, reading the best 2,048 tokens of an index"),
        (GroupedAttention(64, 8, 128, 128, head_gate=True), "64 query heads on 8 key-value heads of 128, gated"),
        (LatentAttention(96, 128, 64, 128, 512, gated=True), "96 heads on a latent of 512 + 64, gated"),
        (LatentAttention(64, 128, 64, 128, 512, indexer=INDEX),
         "64 heads on a latent of 512 + 64, reading the best 2,048 tokens of an index"),
        (LatentAttention(64, 128, 64, 128, 512, chosen=2048),
         "64 heads on a latent of 512 + 64, reading the 2,048 tokens that an earlier layer's index chose"),
    ],
)  # fmt: skip
def test_mixers(mixer: Attention, said: str) -> None:
    assert layer_text(Layer(mixer, ())) == said


def test_experts_on_a_latent() -> None:
    block = ExpertFeedForward(512, 22, 2688, gated=False, latent=1024)
    assert layer_text(Layer(None, (block,))) == "22 of 512 experts of 2,688, on 1,024 features"
