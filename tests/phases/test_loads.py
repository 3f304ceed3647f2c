"""A sequence is not divided: whole sequences on the fullest rank, the mean in closed forms, ranks at their own pace."""

from math import ceil

import numpy as np
import pytest
from conftest import case_of
from hypothesis import given, settings
from hypothesis import strategies as some

import steptime as st
from steptime.model import symbols as q
from steptime.model.numeric import ceiling, floor


def test_one_prompt_is_prefilled_by_the_rank_that_has_it() -> None:
    """By hand: of DeepSeek-R1's 8,192 tokens one rank does 4.18e14 FLOP beside its sixteenth of 3.35e14 FLOP of
    routed experts; at 1.979e15 FLOP/s that takes 222 ms. Divided among the ranks it would be 23.8 ms."""
    step = st.step("deepseek-r1", "h100-sxm", phase="prefill", prompt=8192, batch=1, layout="dp=16,ep=16")
    routed = 58 * 8 * 3 * 7168 * 2048 * 2 * 8192  # layers, experts of a token, three matrices, FLOP, tokens
    assert routed == pytest.approx(3.35e14, rel=1e-3)
    assert step.time == pytest.approx((4.18e14 + routed / 16) / 1.979e15, rel=2e-3)
    assert step.bound_by == "compute"
    assert step.quantities["compute_shards"] < 2


def test_a_chip_that_works_reads_a_whole_expert_a_layer() -> None:
    """DeepSeek-V3 on 64 H200, one sequence: beside 3.44 ms of attention, dense and shared weights, an eighth of them
    experts, a chip with one of the eight chosen experts reads all of it in each of 58 layers: 3.91 ms and the cache of
    the sequence, which is not divided either. The unembedding and the routers are in 16 bits: 0.21 ms more."""
    step = st.step("deepseek-v3", "h200-sxm", batch=1, layout="dp=64,ep=64")
    one_expert_a_layer = 58 * 3 * 7168 * 2048 / 4.8e12
    by_name = {line.name: step.case.number(line.memory_bytes) for line in step.case.operations}
    assert by_name["routed experts"] / 4.8e12 == pytest.approx(one_expert_a_layer, rel=1e-12)
    assert by_name["attention over the KV cache"] == pytest.approx(61 * (4096 + 1) * 576 * 2, rel=1e-12)
    in_sixteen_bits = (7168 * 129280 + 58 * 7168 * 256) / 4.8e12
    assert 3.91e-3 < step.time == pytest.approx(3.965e-3 + in_sixteen_bits, rel=1e-3)


LOADS = [  # layout, batch, sequences of the fullest rank, tokens of its fullest group in decode
    ("tp=2,dp=4", 9, 3, 3),
    ("tp=2,cp=4", 9, 9, 3),
    ("dp=2,cp=2,pp=2,replicas=2", 9, 2, 1),
    ("pp=4", 1, 1, 1),
    ("dp=8", 1, 1, 1),
]


@pytest.mark.parametrize(("layout", "batch", "sequences", "tokens"), LOADS, ids=str)
def test_the_fullest_rank_counted_by_dealing_out(layout: str, batch: int, sequences: int, tokens: int) -> None:
    case = case_of("llama-3.1-8b", "h100-sxm", layout=layout, batch=str(batch))
    kv = 131_072 * 4096 + 131_072  # 32 layers, 8 heads of 128 elements twice, 2 bytes; one token written
    cp, tp, pp = case.layout.cp, case.layout.tp, case.layout.pp
    assert case.number(q.rank_batch) == sequences and case.number(q.group_tokens) == tokens
    lines = {line.name: line for line in case.operations}
    cache = case.number(lines["attention over the KV cache"].memory_bytes)
    assert cache == pytest.approx(sequences * kv / tp / cp, rel=1e-12)
    dense = 2 * 32 * 3 * 4096 * 14_336 * tokens / tp
    assert case.number(lines["dense feed-forward"].flops) == pytest.approx(dense, rel=1e-12)
    assert case.number(q.micro_batch) == ceil(ceil(batch / case.layout.replicas) / pp)


def test_chunks_of_a_prompt_fill_a_pipeline() -> None:
    """Eight chunks pass four stages in eleven stage times of a chunk; a prompt in one piece passes them one by one."""
    options = {"phase": "prefill", "prompt": 8192, "batch": 1, "layout": "pp=4", "weights": "bf16"}
    whole, cut = (st.step("llama-3.1-8b", "h100-sxm", **options, **more) for more in ({}, {"chunk": 1024}))
    assert cut.quantities["traversal"] == (8 + 3) / 8 / 4
    ratio = cut.terms.compute.seconds / whole.terms.compute.seconds
    assert ratio == pytest.approx(11 / 32, rel=1e-12)


@pytest.mark.parametrize("batch", [4, 5, 7, 8, 30])
def test_a_full_pipeline_gains_nothing_from_chunks(batch: int) -> None:
    """Where every stage has a micro-batch, one pass follows the other without a gap: four stage times a pass."""
    options = {"phase": "prefill", "prompt": 4096, "batch": batch, "layout": "pp=4", "chunk": 1024}
    assert st.step("llama-3.1-8b", "h100-sxm", **options).quantities["traversal"] == 1


def test_ranks_that_never_meet_run_at_their_own_pace() -> None:
    """Ten sequences on four replicas: two of them hold three, two hold two; each is as fast as alone."""
    three, two = (st.step("llama-3.1-8b", "h100-sxm", layout="tp=2", batch=n, context=50_000) for n in (3, 2))
    for layout in ("tp=2,replicas=4", "tp=2,dp=4", "tp=2,dp=2,replicas=2"):
        together = st.step("llama-3.1-8b", "h100-sxm", layout=layout, batch=10, context=50_000)
        assert together.time == pytest.approx(three.time, rel=1e-12)
        apart = 2 * three.tokens_per_second + 2 * two.tokens_per_second
        assert together.tokens_per_second == pytest.approx(apart, rel=1e-12)
        mfu = together.to_dict()["mfu"]
        assert mfu == pytest.approx((three.to_dict()["mfu"] + two.to_dict()["mfu"]) / 2, rel=1e-12)
        rent = 8 * together.quantities["chip_hour_price"] / 3600
        assert together.dollars_per_million_tokens == pytest.approx(1e6 * rent / apart, rel=1e-12)


def test_experts_make_ranks_wait_for_the_fullest() -> None:
    nine, sixteen = (st.step("mixtral-8x7b", "h100-sxm", layout="dp=8,ep=8", batch=n, context=20_000) for n in (9, 16))
    assert nine.tokens_per_second == pytest.approx(9 / nine.time, rel=1e-12)
    lines = [{one.name: s.case.number(one.memory_bytes) for one in s.case.operations} for s in (nine, sixteen)]
    assert lines[0]["attention over the KV cache"] == lines[1]["attention over the KV cache"]


def test_fewer_sequences_than_replicas_leave_some_idle() -> None:
    one, many = (st.step("llama-3.1-8b", "h100-sxm", layout=f"replicas={n}", batch=1) for n in (1, 4))
    assert many.time == one.time and many.tokens_per_second == one.tokens_per_second


def test_closed_forms_keep_the_mean_and_say_so(run_json) -> None:
    step = st.step("deepseek-v3", "h200-sxm", layout="dp=16,ep=16", batch=17)
    relaxed = step.case.relaxed
    assert (relaxed.number(q.micro_batch), relaxed.number(q.kv_shards)) == (17, 16)
    assert step.case.number(q.kv_shards) == 17 / 2
    shown = run_json("step", "deepseek-v3", "h200-sxm", "--layout", "dp=16,ep=16", "--batch", "17")
    assert all(one["relaxed"] for one in shown["crossovers"])
    alone = run_json("step", "llama-3.1-8b", "h200-sxm", "--layout", "tp=2")
    assert not any(one["relaxed"] for one in alone["crossovers"])


def test_a_batch_that_is_a_mean_over_time_is_shared_evenly() -> None:
    """A server with 20 sequences in flight on average has 2.5 a rank: the bound stays at the mean, of at least one."""
    case = case_of("llama-3.1-8b", "h100-sxm", layout="dp=8", batch="20")
    mean = [
        st.step("llama-3.1-8b", "h100-sxm", layout="dp=8").over(batch=[batch, 1e6 + 0.5]).step_time[0]
        for batch in (20, 4)
    ]
    even = [st.step("llama-3.1-8b", "h100-sxm", layout="dp=8", batch=batch).time for batch in (16, 24, 8)]
    assert even[0] < mean[0] < even[1] and case.number(q.step_time) == even[1]
    assert mean[1] == pytest.approx(even[2], rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    some.sampled_from(["llama-3.1-8b", "mixtral-8x7b", "deepseek-v2-lite"]), some.sampled_from([1, 2, 4]),
    some.sampled_from([1, 2, 3]), some.sampled_from([1, 2, 3]), some.sampled_from([1, 2, 3]), some.integers(1, 200),
    some.sampled_from(["decode", "prefill"]),
)  # fmt: skip
def test_whole_sequences_never_take_less_than_the_mean(
    name: str, tp: int, dp: int, pp: int, replicas: int, batch: int, phase: str
) -> None:
    """And the same where the load is even; four times the longest term holds them all there, layers even too."""
    layout = st.Layout(tp=tp, dp=dp, pp=pp, replicas=replicas)
    length = {"prompt": 300} if phase == "prefill" else {"context": 3000}
    step = st.step(name, "h100-sxm", phase=phase, layout=layout, batch=batch, **length)
    full, apart, none = step.band.values()
    assert full <= apart * (1 + 1e-12) and apart <= none * (1 + 1e-12)
    mean = step.case.relaxed.number(q.step_time)
    assert step.time >= mean * (1 - 1e-12)
    if batch % (dp * pp * replicas) == 0:
        assert step.time == pytest.approx(mean, rel=1e-12)
        if step.case.stages == 1:
            assert none <= 4 * full * (1 + 1e-12)


def test_nothing_overlapped_is_of_the_fullest_stage() -> None:
    """Llama-3.1-8B's 32 layers on 5 stages: the fullest has 7, so that a cycle takes 35 layers' time and not 32."""
    uneven = st.step("llama-3.1-8b", "h100-sxm", layout="pp=5", batch=65, overlap="none")
    full = uneven.case.relaxed

    def apart(line) -> float:
        return full.number(line.flops / q.peak_flops) + full.number(line.memory_bytes / q.memory_bandwidth)

    terms = {line.name: apart(line) for line in full.operations}
    sends = full.number(q.scale_up_bytes * q.micro_batch / q.scale_up_bandwidth)
    layers = sum(time for name, time in terms.items() if name != "unembedding")
    assert uneven.time == pytest.approx(layers * 35 / 32 + terms["unembedding"] + sends, rel=1e-6)


@pytest.mark.parametrize("whole", [14, 15, 245])
def test_a_ratio_of_whole_numbers_is_rounded_as_one(whole: int) -> None:
    """1,050 · (1/75) is 14.000000000000002 in floating point, and 393 · (1/393) may be less than one."""
    for parts in range(1, 2000):
        ratio = np.array([whole * parts * (1 / parts)])
        assert ceiling(ratio) == floor(ratio) == whole
