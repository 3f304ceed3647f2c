"""A step of training in practice: never below the bound, its parts by hand, likely choices of rows, its fit."""


import numpy as np
import pytest
import sympy
from conftest import case_of
from hypothesis import given, settings
from hypothesis import strategies as st

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import TRAINING_COEFFICIENTS, shipped
from steptime.model.estimate import symbols as e
from steptime.model.estimate.training import OF_LEDGER, TRAINING, training, training_groups
from steptime.model.step.estimate import estimated, evaluated
from steptime.model.step.training import asked_in_training

IDEAL = {symbol: 0.0 if symbol in (e.launch_time, e.tensor_exposed, e.exchange_exposed) else 1.0
         for symbol in TRAINING_COEFFICIENTS} | {q.kernel_time: 0.0}  # fmt: skip
LAYOUTS = {
    "llama-3.1-8b": ("tp=1,dp=8", "tp=2,cp=2,dp=2", "dp=64", "tp=8,pp=4"),
    "llama-3.1-70b": ("tp=8,pp=8,dp=4", "tp=4,pp=4,cp=2,dp=2", "dp=128", "tp=2,pp=16,replicas=4"),
    "deepseek-v3": ("dp=64,ep=64,pp=16,replicas=2", "tp=8,dp=8,ep=64,pp=4", "dp=256,ep=256"),
    "gpt3-175b": ("tp=8,pp=8", "tp=4,pp=8,dp=4"),
}  # fmt: skip
STEPS = st.sampled_from([(model, layout) for model, layouts in LAYOUTS.items() for layout in layouts])


@settings(max_examples=60, deadline=None)
@given(
    step=STEPS,
    hardware=st.sampled_from(["h100-sxm", "a100-sxm-80gb", "gb200-nvl72", "mi300x"]),
    sequence=st.sampled_from([128, 2048, 8192, 131072]),
    rounds=st.integers(1, 40),
    recompute=st.sampled_from(["none", "full", "selective"]),
    zero=st.sampled_from([0, 1, 2, 3]),
    schedule=st.sampled_from(["1f1b", "zb-h1"]),
    fp8=st.booleans(),
)
def test_never_below_the_bound(step, hardware, sequence, rounds, recompute, zero, schedule, fp8) -> None:
    """Neither with every share at one, nothing exposed and every time at zero, nor with the shipped coefficients; and
    what a step is said to consist of adds up to it."""
    model, layout = step
    formats = {"weights": "fp8", "activations": "fp8"} if fp8 and hardware != "a100-sxm-80gb" else {}
    case = case_of(model, hardware, phase="train", layout=layout, sequence=sequence, batch=512 * rounds, zero=zero,
                   recompute=recompute, schedule=schedule, **formats)  # fmt: skip
    bound, asked = case.number(q.step_time), asked_in_training(case)
    if bound is None:
        return  # a link without a figure
    assert evaluated(training, {**IDEAL, **asked}) >= bound * (1 - 1e-9)
    found = estimated(case)
    assert found is not None
    assert bound <= found.low <= found.step_time <= found.high
    assert sum(found.terms.values()) == pytest.approx(found.step_time, rel=1e-12)


def test_every_byte_and_flop_of_the_ledger_is_in_one_group() -> None:
    for model, layouts in LAYOUTS.items():
        for layout in layouts:
            case = case_of(model, "h100-sxm", phase="train", layout=layout, batch=1024, zero=1)
            lines = training_groups(case.operations, narrow=sympy.S.One, padding=sympy.S.One)
            found = {symbol: case.scenario.evaluate(expr) for symbol, expr in lines.items()}
            assert set(found) == set(OF_LEDGER)
            board = case.phase.blackboard
            flops = (e.wide_flops, e.narrow_flops, e.wide_grouped_flops, e.narrow_grouped_flops, e.paired_flops)
            sums = {
                board.compute.work: flops, board.memory.work: (e.streamed_bytes, e.updated_bytes),
                board.scale_up.work: (e.tensor_up, e.exchange_up, e.replica_up),
                board.scale_out.work: (e.tensor_out, e.exchange_out, e.replica_out),
            }  # fmt: skip
            for work, parts in sums.items():
                assert sum(found[part] for part in parts) == pytest.approx(case.scenario.evaluate(work), rel=1e-9)


def test_llama_by_hand() -> None:
    """Llama 3.1 8B on eight H100, each a replica with 8 sequences of 4,096 tokens, one after another, ZeRO 1.

    Products: 6 FLOP for each of 7.505e9 weights and token. Attention: 32 layers of 32 heads of 128 features, 4 FLOP a
    pair and feature, causal, forward and twice backward and the half of a forward pass that a fused kernel makes again.
    Weights 2 B, read twice a micro-batch; gradients 4 B, summed over 8; optimizer 12 B/8 read and written, gradients
    read of a share, weights written. Between products: a layer moves of 4,096 features 2 norms of 5, 2 sums of 6; of
    4,096 + 2,048 queries and keys 4; of 14,336 activations 8; and 128,256 logits of 38 B.
    """
    case = case_of("llama-3.1-8b", "h100-sxm", phase="train", layout="dp=8", batch=64, sequence=4096, zero=1)
    chosen = shipped()
    assert chosen.training is not None
    c, kernel = chosen.training.values, chosen.of_family("hopper")[q.kernel_time]
    tokens, weights, stored = 8 * 4096, 7_504_924_672, 8_030_261_248
    pairs = 8 * 4096 * 4095 / 2  # each token with those before it
    by_hand = {
        "products": 6 * weights * tokens / (c[e.wide_share] * 989e12),
        "attention": 3.5 * 32 * 4 * 32 * 128 * pairs / (c[e.paired_share] * 989e12),
        "between products": tokens * (32 * 2 * (22 * 4096 + 4 * 6144 + 8 * 14_336) + 38 * 128_256)
        / (c[e.passing_share] * 3.35e12),
        "tensor-parallel links": 0.0,
        "exchanges": 0.0,
        "kernels": 8 * 3 * (3 + 32 * 10) * kernel,
        "optimizer": stored * (24 / 8 + 4 / 8 + 2) / (c[e.passing_share] * 3.35e12),
        "links or host": 0.0,
    }  # fmt: skip
    travel = 7 / 8 * (4 + 2) * stored / (c[e.bulk_streaming] * 450e9)
    passes = sum(by_hand[name] for name in ("products", "attention", "between products", "kernels"))
    by_hand["replicas"] = max(0.0, travel - passes / 8)
    found = estimated(case)
    assert found is not None
    for name, seconds in by_hand.items():
        assert found.terms[name] == pytest.approx(seconds, rel=1e-3), name
    assert (found.family, found.inside) == ("dense on hopper", True)


def test_replicas_wait_for_what_the_passes_do_not_hide() -> None:
    """By the closed form, with numbers of one digit: ten seconds of travel, of which passes of twelve hide a third."""
    values = dict.fromkeys(training.free_symbols, 0.0) | IDEAL | dict.fromkeys((q.peak_flops, q.wide_peak), 1.0)
    values |= dict.fromkeys((q.memory_bandwidth, q.scale_up_bandwidth, q.scale_out_bandwidth), 1.0)
    values |= {e.wide_flops: 12.0, e.replica_up: 4.0, e.replica_out: 10.0, e.hiding_share: 1 / 3}
    assert evaluated(TRAINING["replicas"], values) == pytest.approx(10 - 12 / 3)
    assert evaluated(training, values) == pytest.approx(12 + 6)
    assert evaluated(training, {**values, e.hiding_share: 1.0}) == pytest.approx(12)
    crowded = {**values, e.tensor_out: 40.0, e.tensor_exposed: 0.1, e.hiding_share: 1.0}
    assert evaluated(training, crowded) == pytest.approx(50)  # no link carries more than it can
    assert evaluated(training, {**values, e.launches: 4.0, e.launch_time: 5.0}) == pytest.approx(20)


def test_steps_of_attention_multiply_all_pairs() -> None:
    """Whether causal ones are counted or all: an unfused kernel masks scores that it has made."""
    options = {"phase": "train", "layout": "tp=8", "batch": 8, "attention_kernel": "unfused"}
    causal, full = (asked_in_training(case_of("llama-3.1-8b", "h100-sxm", attention=counted, **options))
                    for counted in ("causal", "full"))  # fmt: skip
    assert causal[e.paired_flops] == pytest.approx(full[e.paired_flops])
    assert causal[e.wide_flops] == pytest.approx(full[e.wide_flops])


@pytest.mark.parametrize(("zero", "share"), [(0, 1 / 16), (1, 1 / 16), (2, 1), (3, 1)])
def test_passes_behind_which_gradients_travel(zero: int, share: float) -> None:
    """Once a step they hide behind one micro-batch, where each has its own behind all."""
    case = case_of("llama-3.1-8b", "h100-sxm", phase="train", layout="dp=8", batch=128, zero=zero)
    assert asked_in_training(case)[e.hiding_share] == share


def test_a_peak_set_by_hand_holds_for_attention_too() -> None:
    given = {"phase": "train", "layout": "tp=8", "batch": 8, "peak_flops": 1e12}
    assert asked_in_training(case_of("llama-3.1-8b", "h100-sxm", **given))[q.wide_peak] == 1e12
    narrow = case_of("llama-3.1-8b", "h100-sxm", weights="fp8", activations="fp8", **given)
    assert asked_in_training(narrow)[q.wide_peak] == 1e12


def test_experts_tiles_are_filled_up() -> None:
    """Tokens that choose at random: rows of whole tiles over tokens, the mean over draws."""
    rng, tokens, experts, chosen = np.random.default_rng(2), 4096, 8, 2
    rows = [np.ceil(rng.multinomial(tokens * chosen, [1 / experts] * experts) / 128).sum() * 128 for _ in range(500)]
    case = case_of("mixtral-8x7b", "h100-sxm", phase="train", layout="tp=8", batch=8, sequence=tokens, zero=1)
    flops = {str(line.name): case.scenario.evaluate(line.flops) for line in case.operations}
    filled = asked_in_training(case)[e.wide_grouped_flops] / flops["routed experts"]
    assert filled == pytest.approx(np.mean(rows) / (tokens * chosen), rel=0.01)


@pytest.mark.parametrize(("shorter", "longer"), [
    ({}, {"recompute": "full"}), ({}, {"attention_kernel": "unfused"}), ({"weights": "fp8"}, {}),
    ({"interleave": 4}, {}), ({}, {"microbatch": 4}),
    ({"attention_kernel": "unfused"}, {"attention_kernel": "unfused", "dropout": True}),
])  # fmt: skip
def test_what_takes_longer(shorter, longer) -> None:
    options = {"phase": "train", "layout": "tp=4,pp=4,dp=4", "batch": 512, "zero": 1}
    one, other = (estimated(case_of("llama-3.1-70b", "h100-sxm", **{**options, **more})) for more in (shorter, longer))
    assert one is not None and other is not None
    assert one.step_time < other.step_time
