"""The estimate's closed form: never below the bound, its parts by hand, kernels by what a layer has."""

import numpy as np
import pytest
import sympy
from conftest import case_of
from hypothesis import given, settings
from hypothesis import strategies as st

from steptime.model import symbols as q
from steptime.model.architecture.transformer import (
    DenseFeedForward,
    ExpertFeedForward,
    GroupedAttention,
    Indexer,
    LatentAttention,
    Layer,
    RecurrentMixer,
    Transformer,
)
from steptime.model.catalog.coefficients import COEFFICIENTS, shipped
from steptime.model.estimate import symbols as e
from steptime.model.estimate.experts import fullest_rank, touched_most, waiting_for_the_fullest
from steptime.model.estimate.groups import groups, kernels_of, padding_of
from steptime.model.estimate.terms import along, decode, prefill
from steptime.model.step.estimate import asked_of_chip, estimated, evaluated, terms_of

IDEAL = {symbol: 0.0 if symbol.name.endswith(("_time", "_start", "_overhead")) else 1.0 for symbol in COEFFICIENTS}
LAYOUTS = {
    "llama-3.1-70b": ("tp=8", "tp=4,pp=2", "tp=2,dp=4", "tp=16", "tp=8,replicas=2"),
    "deepseek-v3": ("tp=8,ep=8", "dp=16,ep=16", "tp=16,ep=16", "tp=8,dp=2,ep=8"),
    "gpt-oss-120b": ("tp=1", "tp=8", "dp=8,ep=8"), "qwen3-next-80b-a3b": ("tp=2", "dp=4,ep=4"),
}  # fmt: skip
STEPS = st.sampled_from([(model, layout) for model, layouts in LAYOUTS.items() for layout in layouts])


@settings(max_examples=60, deadline=None)
@given(
    step=STEPS,
    hardware=st.sampled_from(["h100-sxm", "gb200-nvl72", "mi300x", "tpuv5p"]),
    batch=st.integers(1, 4096),
    context=st.integers(1, 200_000),
    phase=st.sampled_from(["decode", "prefill"]),
)
def test_never_below_the_bound(step, hardware, batch, context, phase) -> None:
    """Neither with every share at one and every time at zero, nor with the shipped coefficients."""
    model, layout = step
    length = {"context": str(context)} if phase == "decode" else {"prompt": str(max(2, context))}
    case = case_of(model, hardware, layout=layout, batch=str(batch), phase=phase, **length)
    bound, asked = case.number(q.step_time), asked_of_chip(case)
    if bound is None:
        return  # a link without a figure
    expr = decode if phase == "decode" else prefill
    assert evaluated(expr, {**IDEAL, **asked, q.head_padding: 1.0}) >= bound * (1 - 1e-9)
    found = estimated(case)
    assert found is not None
    assert bound <= found.low <= found.step_time <= found.high
    assert found.step_time == pytest.approx(evaluated(expr, {**shipped().of_family(case.hardware.family), **asked}))


def test_every_byte_and_flop_of_the_ledger_is_in_one_group() -> None:
    for model, layouts in LAYOUTS.items():
        case = case_of(model, "h100-sxm", layout=layouts[-1], batch="64")
        found = {symbol: case.scenario.evaluate(expr) for symbol, expr in groups(case.operations).items()}
        board = case.relaxed.phase.blackboard
        sums = {
            board.memory.work: found[e.dense_bytes] + found[e.expert_bytes] + found[e.cache_bytes],
            board.compute.work: found[e.dense_flops] + found[e.expert_flops] + found[e.score_flops],
            board.scale_up.work: found[e.sent_up], board.scale_out.work: found[e.sent_out],
        }  # fmt: skip
        for work, total in sums.items():
            assert total == pytest.approx(case.scenario.evaluate(work), rel=1e-9)


def test_llama_by_hand() -> None:
    """Llama 3.1 70B in fp8 on one chip of eight H100, 64 sequences of 4,096 tokens. Weights (69.5 + 1.05 GB)/8 and the
    norms over 0.92 x 3.35 TB/s; of these the 8192 x 1280 of queries, keys and values in each layer by 20 tiles, each on
    a processor that draws 117 GB/s, all others by tiles enough. Cache 64 x 4,097 x 327,680 B/8 over 0.85 x 3.35 TB/s;
    160 all-reduces of 2 us; 3 + 80 x 10 kernels; 64 sequences. Each chip sends 64 x 8192 x 2 B a sum, which the switch
    adds."""
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", batch="64", weights="fp8")
    values = shipped().of_family("hopper")
    norms = 2 * 8192 * 161
    waves = 1 + 80 * 8192 * 1280 / (69_501_714_432 / 8) * (3.35e12 / (20 * 117.12e9) - 1)
    weights = waves * ((69_501_714_432 + 8192 * 128_256) / 8 + norms) / (0.92 * 3.35e12)
    cache = 64 * 4097 * 327_680 / 8 / (0.85 * 3.35e12)
    kernels = (3 + 80 * (6 + 4)) * values[q.kernel_time]
    sums = 160 * 2e-6 + asked_of_chip(case)[e.sent_up] / (values[q.link_streaming] * 450e9)
    assert asked_of_chip(case)[e.sent_up] == pytest.approx(160 * 64 * 8192 * 2, rel=1e-9)
    by_hand = weights + cache + kernels + sums + 64 * values[q.sequence_overhead]
    found = estimated(case)
    assert found is not None
    assert found.step_time == pytest.approx(by_hand, rel=1e-6)
    assert (found.family, found.inside) == ("dense on hopper", True)


GROUPED, LATENT = GroupedAttention(8, 8, 64, 64), LatentAttention(8, 64, 32, 64, 256)
SPARSE = LatentAttention(8, 64, 32, 64, 256, indexer=Indexer(4, 64, 128))
STATE = RecurrentMixer("gated delta-net", 8, 64, 64, inputs=2064, touches=3)
DENSE, ROUTED = DenseFeedForward(1024), ExpertFeedForward(8, 2, 512)
SHARED = ExpertFeedForward(8, 2, 512, shared_intermediate=512)


@pytest.mark.parametrize(
    ("mixer", "block", "number"),
    [(GROUPED, DENSE, 6 + 4), (LATENT, DENSE, 11 + 4), (SPARSE, ROUTED, 11 + 7 + 7), (STATE, SHARED, 9 + 7 + 3),
     (None, DENSE, 4)],
)  # fmt: skip
def test_kernels_of_a_layer(mixer, block, number) -> None:
    for layers in (1, 5):
        model = Transformer("toy", 512, 1000, False, (Layer(mixer, (block,)),) * layers)
        assert kernels_of(model) == 3 + layers * number


@pytest.mark.parametrize(
    ("experts", "chosen", "tokens", "ways"), [(256, 8, 64, 8), (256, 8, 8, 32), (128, 4, 200, 8), (64, 6, 1, 64)]
)
def test_the_fullest_chip_against_random_choices(experts: int, chosen: int, tokens: int, ways: int) -> None:
    """Tokens choose distinct experts at random; the mean of the fullest chip over 400 draws."""
    rng = np.random.default_rng(1)
    most = []
    for _ in range(400):
        touched = np.zeros(experts, bool)
        for _ in range(tokens):
            touched[rng.choice(experts, chosen, replace=False)] = True
        most.append(touched.reshape(ways, -1).sum(axis=1).max())
    fullest, mean = map(float, touched_most(experts, chosen, *map(sympy.Float, (tokens, ways))))
    assert mean == pytest.approx(experts * (1 - (1 - chosen / experts) ** tokens) / ways)
    assert fullest == pytest.approx(np.mean(most), rel=0.15)


def test_fullest_chip_at_its_ends() -> None:
    ends = {(256, 8, 10**4, 8): 32.0, (8, 8, 5, 4): 2.0, (256, 8, 5, 1): None}  # all are touched, all chosen, one chip
    for (experts, chosen, tokens, ways), held in ends.items():
        fullest, mean = map(float, touched_most(experts, chosen, *map(sympy.Float, (tokens, ways))))
        assert fullest == pytest.approx(mean) and (held is None or mean == pytest.approx(held))
    dense = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8").accounts.model
    assert waiting_for_the_fullest(dense, q.micro_batch, q.expert_parallel) == 1


def test_no_chip_reads_more_experts_than_it_holds() -> None:
    """DeepSeek-V3 on 256 chips, one expert each in 58 layers of 3 x 7168 x 2048 weights: all that the fullest reads,
    whatever the batch; and a step never falls as the batch grows."""
    case = case_of("deepseek-v3", "h200-sxm", layout="dp=256,ep=256", weights="fp8")
    there = case.changed({q.batch: np.arange(1.0, 600.0)})
    read, most = asked_of_chip(there)[e.expert_bytes], 58 * 3 * 7168 * 2048
    assert read.max() == pytest.approx(most, rel=2e-3)  # with the scales of blocks
    assert (np.diff(sum(terms_of(there, shipped())[0].values())) >= -1e-15).all()  # rounding


@pytest.mark.parametrize(("tp", "padding"), [(1, 1.0), (2, 1.0), (4, 2.0), (8, 4.0)])
def test_latent_attention_works_on_64_heads_at_once(tp: int, padding: float) -> None:
    """DeepSeek-V3 has 128 heads: over eight chips 16 are asked of each and 64 are done."""
    v3 = case_of("deepseek-v3", "h200-sxm", layout=f"tp={tp}").accounts.model
    assert float(padding_of(v3, sympy.Integer(tp))) == padding
    assert padding_of(case_of("llama-3.1-70b", "h200-sxm", layout="tp=8").accounts.model, sympy.Integer(8)) == 1


def test_prefills_that_ride_along_take_longer_steps() -> None:
    """In proportion to how many end in a step; the weights are read once in any case."""
    alone = dict.fromkeys((*COEFFICIENTS, *decode.free_symbols, *along.free_symbols), 1.0)
    assert evaluated(along, {**alone, e.riding: 0.5}) == pytest.approx(evaluated(along, {**alone, e.riding: 1.0}) / 2)
    assert not {e.dense_bytes, e.expert_bytes} & along.free_symbols
    served = {"scope": "serving", "prompt": "4096", "batch": "32", "layout": "tp=8"}
    times = [estimated(case_of("llama-3.1-70b", "h100-sxm", output=str(output), context="4096", **served)).step_time
             for output in (128, 1024)]  # fmt: skip
    pure = estimated(case_of("llama-3.1-70b", "h100-sxm", batch="32", layout="tp=8", context="4096")).step_time
    assert pure < times[1] < times[0]
    assert (times[0] - pure) / (times[1] - pure) == pytest.approx(1023 / 127, rel=1e-6)


@pytest.mark.parametrize("asked", [{"efficiency": "ideal"}, {"efficiency": "ideal", "phase": "train"}])
def test_where_there_is_no_estimate(asked) -> None:
    assert estimated(case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", **asked)) is None


def test_outside_of_what_was_calibrated_is_said() -> None:
    far = estimated(case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", context="100000", batch="1"))
    assert far is not None
    assert any("context 100,000 outside" in text for text in far.outside)
    assert any("family" in text for text in estimated(case_of("llama-3.1-8b", "l40s")).outside)


def test_terms_grow_with_what_is_asked() -> None:
    for expr in (decode, prefill, along):
        for symbol in expr.free_symbols & {e.kernels, e.reduces, e.exchanges, e.sent_up, e.sent_out}:
            assert sympy.diff(expr, symbol).is_positive


@pytest.mark.parametrize(("mean", "ranks"), [(16, 32), (60, 8), (4, 48), (200, 16)])
def test_the_fullest_rank_against_requests_that_go_where_they_may(mean: int, ranks: int) -> None:
    """Each of all sequences is on a rank at random; the mean of the fullest over 2,000 draws. The form is the leading
    one of the largest of many: a little above it."""
    counts = np.random.default_rng(1).multinomial(mean * ranks, [1 / ranks] * ranks, size=2000).max(axis=1)
    fullest = float(fullest_rank(sympy.Float(mean), sympy.Float(ranks)))
    assert counts.mean() <= fullest == pytest.approx(counts.mean(), rel=0.2)


def test_ranks_that_never_meet_do_not_wait_for_the_fullest() -> None:
    """Replicas and ranks of a dense model run apart; ranks that share experts wait in every layer, not in a prefill."""

    def asked(model: str, **words: str) -> dict:
        return asked_of_chip(case_of(model, "h200-sxm", batch="512", **words))

    most = 64 + np.sqrt(2 * 64 * np.log(8))
    assert asked("deepseek-v3", layout="dp=8,ep=8")[e.sequences] == pytest.approx(most)
    assert asked("llama-3.1-8b", layout="dp=8")[e.sequences] == 64
    assert asked("deepseek-v3", layout="tp=8,replicas=8")[e.sequences] == 64
    shared, alone = asked("deepseek-v3", layout="dp=8,ep=8"), asked("deepseek-v3", layout="dp=8,ep=8,replicas=8")
    assert shared[e.cache_bytes] / shared[e.sequences] == pytest.approx(alone[e.cache_bytes] / alone[e.sequences])
    assert asked("deepseek-v3", layout="dp=8,ep=8", phase="prefill", prompt="1000")[e.sequences] == 64


def test_a_pass_that_checks_drafts_has_an_estimate() -> None:
    """Three tokens of every sequence: more products than one token's, less than three steps."""
    words = {"layout": "tp=8", "batch": "16", "weights": "fp8"}
    one = estimated(case_of("llama-3.1-70b", "h100-sxm", **words))
    three = estimated(case_of("llama-3.1-70b", "h100-sxm", drafts="2", acceptance="0.7", **words))
    assert one is not None and three is not None
    assert one.step_time < three.step_time < 1.2 * one.step_time
    assert not three.inside and "drafts" in three.outside[0]
