"""Mamba, short convolutions and mixers side by side in a step: counted by hand from their shapes."""

import pytest

import steptime
from steptime.model.architecture.activations import layer_kept
from steptime.model.architecture.mixer import Mixer
from steptime.model.architecture.transformer import (
    DenseFeedForward,
    GroupedAttention,
    Layer,
    Matrix,
    ParallelMixers,
    RecurrentMixer,
    SelectiveStateSpace,
    ShortConvolution,
    Transformer,
)
from steptime.model.choices import Recompute
from steptime.model.symbols import bytes_per_activation

WIDTH, VOCABULARY, BATCH = 64, 320, 8
MAMBA = SelectiveStateSpace(heads=128, state=16, rank=4, kernel=4)
SHORT = ShortConvolution(heads=64, kernel=3)
ATTENTION = GroupedAttention(4, 2, 16, 16)
RECURRENT = RecurrentMixer("Mamba-2", 8, 10, 16, inputs=300, channels=148, kernel=4)
CP = pytest.approx


def model(*mixers: Mixer) -> Transformer:
    layers = tuple(Layer(mixer, (DenseFeedForward(128),)) for mixer in mixers)
    return Transformer("toy", WIDTH, VOCABULARY, True, layers, precision="bf16")


def cost(found: Transformer, operation: str, phase: str = "decode", **layout: int) -> tuple[float, float, float]:
    """FLOP, memory bytes and bytes sent of one line, per chip."""
    step = steptime.step(found, "h100-sxm", phase=phase, batch=BATCH, layout=steptime.Layout(**layout))
    lines = [line for line in step.to_dict()["operations"] if line["name"] == operation]
    network = sum(sum(line["network_bytes"].values()) for line in lines)
    return sum(line["flops"] for line in lines), sum(line["memory_bytes"] for line in lines), network


def test_mamba_in_a_decode_step() -> None:
    """Two chips share the channels: projections of 64 into 2 x 128, of 128 into 4 + 2 x 16, of 4 into 128, and back."""
    found = model(MAMBA, MAMBA)
    weights = 64 * 256 + 128 * 36 + 4 * 128 + 128 * 64
    assert cost(found, "attention projections", tp=2)[:2] == CP((2 * weights * 2 * BATCH / 2, 2 * weights * 2 / 2))
    recurrence = 2 * (2 * 128 * 16 + 128 * 4)
    moved = 2 * (128 * 16 * 4 + 128 * 3 * 2)  # the state in fp32, the convolution's tokens in bf16: read and written
    assert cost(found, "attention over the KV cache", tp=2)[:2] == CP(
        (2 * recurrence * BATCH / 2, 2 * moved * BATCH / 2)
    )


def test_mamba_sums_its_step_sizes_and_state_vectors() -> None:
    """Three sums a layer between tensor-parallel chips: inside Mamba 4 + 2 x 16 elements, after it and the block 64."""
    inside, without = (cost(model(one), "tensor-parallel all-reduce", tp=2) for one in (MAMBA, SHORT))
    assert inside[2] / without[2] == CP((64 + 64 + 36) / (64 + 64))
    trained = [cost(model(one), "tensor-parallel all-reduce", phase="train", tp=2)[2] for one in (MAMBA, SHORT)]
    assert trained[0] > trained[1]


def test_short_convolution_in_a_decode_step() -> None:
    found = model(SHORT)
    assert cost(found, "attention projections")[0] == CP(2 * 4 * 64 * 64 * BATCH)
    assert cost(found, "attention over the KV cache")[:2] == CP((2 * 64 * 3 * BATCH, 2 * 64 * 2 * 2 * BATCH))


@pytest.mark.parametrize("phase", ["decode", "prefill"])
@pytest.mark.parametrize("operation", ["attention projections", "attention over the KV cache"])
def test_mixers_side_by_side_cost_what_both_cost(phase: str, operation: str) -> None:
    both, alone, other = (
        cost(found, operation, phase)
        for found in (model(ParallelMixers(ATTENTION, RECURRENT)), model(ATTENTION), model(RECURRENT))
    )
    assert both == CP(tuple(a + b for a, b in zip(alone, other, strict=True)))


def test_mixers_side_by_side_share_one_sum() -> None:
    mixers = (ParallelMixers(ATTENTION, RECURRENT), ATTENTION)
    both, alone = (cost(model(one), "tensor-parallel all-reduce", tp=2) for one in mixers)
    assert both == alone


def test_what_a_layer_keeps_for_its_backward_pass() -> None:
    """In activations of one token: input and norm of both parts, what lies between, the block's gate and results."""

    def kept(mixer: Mixer) -> float:
        layer = Layer(mixer, (DenseFeedForward(128),))
        total = layer_kept(layer, WIDTH, Recompute.SELECTIVE, dropout=False, fused=False).total
        return float(total / bytes_per_activation)

    outside = 4 * WIDTH + 3 * 128
    assert kept(MAMBA) == outside + 4 * 128 + 36
    assert kept(SHORT) == outside + 4 * 64
    assert kept(ParallelMixers(ATTENTION, RECURRENT)) == kept(ATTENTION) + kept(RECURRENT) - outside


# --- blocks of weights that several layers share ---------------------------------------------------------------------
BLOCK = Layer(ATTENTION, (DenseFeedForward(128),), 128, shared=1, adapters=(Matrix(64 * 64, 1), Matrix(320)))
OTHER = Layer(ATTENTION, (DenseFeedForward(128),), 128, shared=2, adapters=BLOCK.adapters)
PLAIN = Layer(SHORT, (DenseFeedForward(128),))
COMMON = 64 * 16 * (4 + 2 + 2 + 4) + 3 * 64 * 128 + 128  # query, key, value, result; the block; norms
OWN = 64 * 64 + 320
ALONE = 4 * 64 * 64 + 3 * 64 * 128


def of(*layers: Layer) -> Transformer:
    return Transformer("toy", WIDTH, VOCABULARY, True, layers, precision="bf16")


SHARING = of(BLOCK, PLAIN, BLOCK, OTHER, PLAIN, BLOCK)


def test_shared_weights_are_stored_once_and_multiplied_each_time() -> None:
    assert SHARING.parameters == VOCABULARY * WIDTH + 2 * COMMON + 4 * OWN + 2 * ALONE
    assert SHARING.active_parameters == VOCABULARY * WIDTH + 4 * (COMMON - 128 + OWN) + 2 * ALONE
    flops, read, _ = cost(SHARING, "dense feed-forward")
    assert (flops, read) == CP((2 * 6 * 3 * 64 * 128 * BATCH, 2 * 6 * 3 * 64 * 128))


def weights(pp: int, tp: int = 1) -> float:
    """Bytes of weights on the fullest chip."""
    step = steptime.step(SHARING, "h100-sxm", batch=BATCH, layout=steptime.Layout(tp=tp, pp=pp))
    return float(step.to_dict()["memory_per_chip"]["weights"])


def test_each_stage_of_a_pipeline_holds_a_shared_block_once() -> None:
    """Layers 1 to 3 of six hold the first block alone, 4 to 6 both blocks; embedding and unembedding are tied."""
    assert weights(pp=1) == CP(2 * SHARING.parameters)
    assert weights(pp=2) == CP(2 * (VOCABULARY * WIDTH + 2 * COMMON + 2 * OWN + ALONE))


def test_a_matrix_that_is_needed_whole_is_on_every_chip() -> None:
    split = VOCABULARY * WIDTH + 2 * (COMMON - 128) + 2 * ALONE + 4 * 320
    assert weights(pp=1, tp=2) == CP(2 * (split / 2 + 2 * 128 + 4 * 64 * 64))


def test_training_with_shared_weights_is_refused() -> None:
    with pytest.raises(steptime.UserError, match="layers share weights"):
        steptime.step(SHARING, "h100-sxm", phase="train", batch=BATCH)
    with pytest.raises(steptime.UserError, match="layers share weights"):
        steptime.search(SHARING, ["h100-sxm"], chips=[2], phase="train", batch=BATCH)
