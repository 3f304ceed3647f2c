"""What the fullest chip holds in training against a count by hand: entry by entry of a schedule, layer by layer."""

from dataclasses import replace

import pytest
from counted_passes import weights_of
from counted_stage import block_weights
from counted_training import Step

from steptime.model import symbols as q
from steptime.model.architecture import transformer as tf
from steptime.model.step.case import Case


def most_in_flight(place: int, stages: int, chunks: int, micro_batches: int) -> int:
    """Chunks of layers whose activations a stage holds at most: Megatron's schedule, entry by entry."""
    total = micro_batches * chunks
    ahead = stages - place - 1 if chunks == 1 else 2 * (stages - place - 1) + (chunks - 1) * stages
    warm = total if chunks > 1 and micro_batches == stages else min(total, ahead)
    held = most = 0
    for change in [1] * warm + [1, -1] * (total - warm) + [-1] * warm:
        held += change
        most = max(most, held)
    assert held == 0
    return most


def kept(step: Step, case: Case, layer: tf.Layer, recompute: str) -> float:
    """Bytes per token that a layer keeps: norms, projections, masks, what heads and features share, scores."""
    width, tp, mixer = case.accounts.model.width, case.layout.tp, layer.attention
    assert isinstance(mixer, tf.GroupedAttention)
    sixteen_bits, mask, alike = 2, 1 if step.dropout else 0, tp if step.sequence_parallel else 1
    if recompute == "full":
        return sixteen_bits * width / alike
    norms, inputs, masks = 2 * width * sixteen_bits, 2 * width * sixteen_bits, 2 * width * mask
    queries, results = mixer.heads * mixer.head_dim, mixer.heads * mixer.value_dim
    keys = mixer.kv_heads * (mixer.head_dim + mixer.value_dim)
    between = sum((3 if block.gated else 2) * block.intermediate for block in layer.feed_forward)
    scores = mixer.heads * step.sequence * (sixteen_bits + mask + (sixteen_bits if step.dropout else 0))
    sums = mixer.heads * 4  # fp32: one for each head, whatever runs again, of which a fused kernel makes scores
    held = sums if step.fused else scores if recompute == "none" else 0
    split = (queries + results + between) * sixteen_bits + held
    heads = min(tp, mixer.kv_heads)  # of keys and values a chip holds whole heads
    return (norms + inputs + masks) / alike + split / tp + keys * sixteen_bits / heads


def fullest(step: Step, case: Case) -> float:
    """Bytes of weights, gradients, optimizer state and activations on the chip that holds most."""
    model, layout, most = case.accounts.model, case.layout, 0.0
    depth, copies = len(model.layers) // layout.pp, layout.dp * layout.cp * layout.replicas
    for place in range(layout.pp):
        layers, first, last = model.layers[place * depth :][:depth], place == 0, place == layout.pp - 1
        weights = model.vocabulary * (first + last - (first and last and model.tied)) + model.positions * first
        weights = weights * model.width / layout.tp + model.vectors * last
        for layer in layers:
            weights += weights_of(layer.attention, model.width, 0, layout.tp) + layer.vectors + layer.mixer_vectors
            weights += sum(block_weights(block, model.width)[0] / layout.tp + block.vectors
                           for block in layer.feed_forward)  # fmt: skip
        held = sum(kept(step, case, layer, step.recompute) for layer in layers) / step.interleave
        held *= most_in_flight(place, layout.pp, step.interleave, step.micro_batches(case))
        held += model.vocabulary / layout.tp * case.number(q.logit_bytes) * last
        if step.recompute == "full":  # the layer that is run again
            held += max(kept(step, case, layer, "selective") for layer in model.layers)
        kinds = {q.bytes_per_weight: 3, q.gradient_bytes: 2, q.optimizer_bytes: 1}  # shared from which ZeRO stage on
        state = sum(
            case.number(kind) * weights / (copies if step.zero >= since else 1) for kind, since in kinds.items()
        )
        most = max(most, state + held * step.microbatch * step.sequence / layout.cp)
    return most


GPT, LLAMA = "gpt3-175b", "llama-3.1-8b"
HELD = [
    *[Step(GPT, "tp=8,pp=8", batch, 2048, 1, "none", chunks)
      for batch, chunks in ((64, 1), (64, 3), (16, 2), (8, 3), (9, 1), (8, 1), (4, 1))],
    Step(LLAMA, "tp=2,dp=2,pp=4", 48, 8192, 2, "full", 2, 1),
    Step("llama-3.1-70b", "tp=16,dp=2,pp=4", 64, 8192, 1, interleave=5),
    Step(GPT, "tp=4,pp=2,dp=4", 48, 2048, 2, zero=2),
    Step("megatron-gpt-22b", "tp=8,cp=2", 48, 2048, 2, zero=3),
    Step(LLAMA, "tp=2,dp=2,pp=4", 48, 8192, 2, zero=1),
    Step(LLAMA, "tp=8,dp=2,pp=4,replicas=3", 96, 4096, 2, zero=3),
]  # fmt: skip


KERNELS = [  # a fused kernel makes scores again in any case
    ("none", False), ("none", True), ("selective", False), ("full", False), ("full", True),
]  # fmt: skip


@pytest.mark.parametrize(("recompute", "fused"), KERNELS, ids=str)
@pytest.mark.parametrize("shared", [False, True], ids=["", "sequence-parallel"])
@pytest.mark.parametrize("step", HELD, ids=str)
def test_memory_of_the_fullest_chip(step: Step, recompute: str, shared: bool, fused: bool) -> None:
    for dropout in (False, True):
        asked = replace(step, recompute=recompute, sequence_parallel=shared, dropout=dropout, fused=fused)
        case = asked.case()
        assert max(case.number(one.total) for one in case.whole_footprints) == pytest.approx(fullest(asked, case))


@pytest.mark.parametrize("place", range(8))
def test_micro_batches_in_flight(place: int) -> None:
    """1F1B: one for every stage from here on; interleaved, the first stage's pv + p - 1 chunks (Korthikanti 4.2.3)."""
    assert most_in_flight(place, 8, 1, 64) == 8 - place
    assert most_in_flight(0, 8, 3, 64) == 8 * 3 + 8 - 1
    assert most_in_flight(place, 8, 3, 64) == most_in_flight(0, 8, 3, 64) - 2 * place
