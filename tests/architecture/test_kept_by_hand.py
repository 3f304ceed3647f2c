"""Activations that a layer of experts keeps for its backward pass, element by element."""

from dataclasses import replace

import pytest
from sympy import Integer

from steptime.model import symbols as q
from steptime.model.architecture.activations import layer_kept
from steptime.model.architecture.attention import GroupedAttention, RecurrentMixer
from steptime.model.architecture.transformer import DenseFeedForward, ExpertFeedForward, Layer
from steptime.model.choices import Recompute

WIDTH = 10
ATTENTION = GroupedAttention(heads=2, kv_heads=1, head_dim=3, value_dim=4)


def feed_forward(block, dropout: bool = False) -> float:
    """Bytes per token of one block, an activation of 5 bytes and a mask of 7: a layer with it less one without."""
    layers = (Layer(ATTENTION, (block,)), Layer(ATTENTION, ()))
    kept = [layer_kept(layer, WIDTH, Recompute.SELECTIVE, dropout, fused=False).total for layer in layers]
    return float((kept[0] - kept[1]).subs({q.bytes_per_activation: 5, q.mask_bytes: 7}))


NORM = WIDTH * 5
KEPT = {
    "dense: its input, and 6 before and after the function": (DenseFeedForward(6, False), (10 + 2 * 6) * 5),
    "dense and gated: 6 three times": (DenseFeedForward(6, True), (10 + 3 * 6) * 5),
    "2 of 8 experts: 10 sent in, 6 before and after, 10 sent back": (
        ExpertFeedForward(8, 2, 6, gated=False), (10 + 2 * (2 * 10 + 2 * 6)) * 5),
    "gated: 6 three times": (ExpertFeedForward(8, 2, 6), (10 + 2 * (2 * 10 + 3 * 6)) * 5),
    "and a shared expert of 4": (
        ExpertFeedForward(8, 2, 6, shared_intermediate=4), (10 + 2 * (2 * 10 + 3 * 6) + 3 * 4) * 5),
    "on a latent of 3, kept where it is made and where it comes back": (
        ExpertFeedForward(8, 2, 6, latent=3), (10 + 2 * (2 * 3 + 3 * 6) + 2 * 3) * 5),
}  # fmt: skip


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("name", KEPT)
def test_feed_forward(name: str, dropout: bool) -> None:
    """With the norm before it, which keeps its input too; a mask as wide as the model where there is dropout."""
    block, expected = KEPT[name]
    assert feed_forward(block, dropout) == expected + NORM + (WIDTH * 7 if dropout else 0)


def test_attention_that_runs_its_scores_again() -> None:
    """Its norm's input and its own, two queries of 3, results of 4, a key of 3 and a value of 4 of one head."""
    kept = layer_kept(Layer(ATTENTION, ()), WIDTH, Recompute.SELECTIVE, False, fused=False)
    assert kept.total.subs(q.bytes_per_activation, 5) == (2 * 10 + 2 * 3 + 2 * 4 + 3 + 4) * 5
    on_two = kept.on_chip(Integer(2), False).subs(q.bytes_per_activation, 5)
    assert on_two == (2 * 10 + 3 + 4 + 7) * 5, "one key-value head is whole on each of two chips"


def test_gates_of_low_rank() -> None:
    """2 gates of 3 x 4 features, each through 5: these whole, those by heads; beside 12 results and 20 other inputs."""
    plain = RecurrentMixer("Kimi delta", heads=3, key_dim=4, value_dim=4, inputs=20)
    gated = replace(plain, low_rank_gates=2, gate_rank=5)
    kept = [layer_kept(Layer(mixer, ()), WIDTH, Recompute.NONE, False, False) for mixer in (plain, gated)]
    assert kept[0].shared == (20 + 12) * q.bytes_per_activation
    assert kept[1].shared - kept[0].shared == 2 * 12 * q.bytes_per_activation
    assert kept[1].whole - kept[0].whole == 2 * 5 * q.bytes_per_activation
