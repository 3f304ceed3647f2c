"""Passes of many tokens: ledger and blackboard agree, one token is a decode step, sums over tokens are exact."""

import pytest
import sympy
from conftest import case_of
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer

from steptime.model import symbols as q
from steptime.model.architecture.attended import pairs, read
from steptime.model.architecture.attention import GroupedAttention, Indexer, LatentAttention, RecurrentMixer
from steptime.model.architecture.mixing import latent_flops
from steptime.model.architecture.stream import Stream
from steptime.model.architecture.transformer import DenseFeedForward, Layer, Transformer
from steptime.model.catalog.transformers import load_transformer
from steptime.model.choices import Copies, Experts, PhaseName, Split
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import SYMBOLIC, Layout
from steptime.model.phases.decode import DECODE
from steptime.model.phases.ledger import Ledger
from steptime.model.phases.phase import Phase
from steptime.model.phases.prefill import IN_FLIGHT, PREFILL, VERIFY, prefill_phase
from steptime.model.phases.rates import rates
from steptime.model.scenario import Scenario

CHUNKED = prefill_phase(has_cache=True, in_chunks=True)
PHASES = {"prefill": PREFILL, "chunks behind a prefix": CHUNKED, "verify": VERIFY, "in flight": IN_FLIGHT}
HYBRID = Transformer(
    "hybrid", 64, 1000, False,
    (
        Layer(LatentAttention(8, 16, 8, 16, 32, 24, indexer=Indexer(4, 8, 100)), (DenseFeedForward(256),), 128),
        Layer(RecurrentMixer("gated delta-net", 8, 16, 16, 600, 3, 400, 4, 30), (DenseFeedForward(256),), 128),
        Layer(GroupedAttention(8, 2, 16, 16, gated=True), (), 64),
        Layer(GroupedAttention(8, 2, 16, 16, window=50, reuses_cache=True), (DenseFeedForward(256),), 128),
        Layer(None, (DenseFeedForward(256, gated=False),), 64),
    ),
)  # fmt: skip


def equal(left: sympy.Expr, right: sympy.Expr) -> bool:
    """Equal at exact integers: what a symbolic difference cannot decide within a second is decided by numbers."""
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    for draw in (1, 2, 3):
        numbers = {symbol: Integer(2 + (7 * draw + 5 * place) % 23) for place, symbol in enumerate(symbols)}
        numbers |= {symbol: Integer(64 * draw) for symbol in (q.prompt, q.pass_tokens) if symbol in numbers}
        numbers |= {q.own_prefill: Integer(1)}  # of at least as many in flight
        if sympy.nsimplify(left.xreplace(numbers) - right.xreplace(numbers)) != 0:
            return False
    return True


@pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)
@pytest.mark.parametrize(
    "plan", [Plan(), Plan(Split.STAGE, Copies.PER_EXPERT, True, Experts.ALL, True)], ids=["default", "other choices"]
)
@pytest.mark.parametrize("model", [*map(load_transformer, ("deepseek-v3", "gemma-2-27b", "gpt-oss-120b")), HYBRID],
                         ids=lambda model: model.name)  # fmt: skip
def test_the_blackboard_expands_to_the_ledger_exactly(model: Transformer, plan: Plan, phase: Phase) -> None:
    for degrees in (SYMBOLIC, Layout(tp=4, dp=2, cp=2, pp=2).degrees):
        ledger = Ledger(model, plan, degrees, phase)
        slots = {
            symbol: expr
            for symbol, expr in ledger.slots.items()
            if symbol not in (q.micro_batch, q.traversal, *phase.definitions)
        }
        for term, sums in zip(phase.blackboard.terms, rates.step(ledger.operations).terms, strict=True):
            assert equal(Scenario({}, slots).expand(term.work), sums.work), term.name
            assert equal(Scenario({}, slots).expand(term.fixed), sums.fixed), term.name


@pytest.mark.parametrize(
    "model", [load_transformer("deepseek-v3"), load_transformer("mixtral-8x7b"), HYBRID], ids=lambda model: model.name
)
def test_one_token_behind_a_context_is_a_decode_step(model: Transformer) -> None:
    stream = Stream(Integer(1), Integer(1), q.context)
    one = Phase(PhaseName.DECODE, DECODE.blackboard, (stream,), DECODE.flops_per_sequence, DECODE.kv_traffic, q.context)
    assert Ledger(model, Plan(), phase=one).operations == Ledger(model, Plan()).operations
    behind = prefill_phase(has_cache=True)
    # On one chip a context; several would, at a short one, share its keys and values instead of queries and results.
    numbers = {q.pass_tokens: Integer(1), q.cached: q.context, q.context_parallel: Integer(1)}
    sums = rates.step(Ledger(model, Plan(), phase=behind).operations)
    for term, decode in zip(sums.terms, rates.step(Ledger(model, Plan()).operations).terms, strict=True):
        assert equal(term.work.xreplace(numbers), decode.work.xreplace(numbers)), term.name


def numbers_of(mixer: GroupedAttention, tokens: int, cached: int) -> list[int]:
    """Tokens that each new token attends to, one by one."""
    assert mixer.window is not None
    if mixer.chunked:
        return [place % mixer.window for place in range(cached, cached + tokens)]
    return [min(mixer.window, place) for place in range(cached, cached + tokens)]


@settings(max_examples=200)
@given(tokens=st.integers(2, 60), cached=st.integers(0, 60), window=st.integers(1, 50), chunked=st.booleans())
def test_pairs_in_closed_form_are_the_sum_over_tokens(tokens: int, cached: int, window: int, chunked: bool) -> None:
    mixer = GroupedAttention(1, 1, 1, 1, window, chunked)
    assert pairs(mixer, Integer(tokens), Integer(cached)) == sum(numbers_of(mixer, tokens, cached))
    whole = GroupedAttention(1, 1, 1, 1)
    assert pairs(whole, Integer(tokens), Integer(cached)) == sum(range(cached, cached + tokens))


@settings(max_examples=200)
@given(size=st.integers(1, 20), chunks=st.integers(1, 9), cached=st.integers(0, 60), window=st.integers(1, 50))
def test_tokens_read_in_closed_form_are_the_sum_over_chunks(size: int, chunks: int, cached: int, window: int) -> None:
    place = (Integer(size * chunks), Integer(cached), Integer(chunks))
    starts = [cached + size * number for number in range(chunks)]
    assert read(GroupedAttention(1, 1, 1, 1, window), *place) == sum(min(window, start) for start in starts)
    assert read(GroupedAttention(1, 1, 1, 1), *place) == sum(starts)


@settings(max_examples=100)
@given(tokens=st.integers(2, 500), cached=st.integers(0, 5000))
def test_latents_are_absorbed_or_expanded_whichever_is_cheaper(tokens: int, cached: int) -> None:
    """DeepSeek-V3's heads: 128 x (2 x 512 + 64) multiply-adds a pair absorbed, 128 x (192 + 128) expanded."""
    mixer = LatentAttention(128, 128, 64, 128, 512, 1536)
    stream = Stream(tokens=Integer(tokens), cached=Integer(cached))
    count = tokens * cached + tokens * (tokens - 1) // 2
    absorbed, expanded = 128 * 1088 * count, 128 * 320 * count + cached * 512 * 128 * 256
    assert latent_flops(mixer, stream) / q.flops_per_mac == min(absorbed, expanded)


@settings(max_examples=150)
@given(size=st.integers(2, 300), chunks=st.integers(1, 12), cached=st.integers(0, 3000))
def test_each_chunk_of_latents_takes_the_cheaper_way(size: int, chunks: int, cached: int) -> None:
    mixer = LatentAttention(128, 128, 64, 128, 512, 1536)
    total = 0
    for number in range(chunks):
        before = cached + number * size
        count = size * before + size * (size - 1) // 2
        total += min(128 * 1088 * count, 128 * 320 * count + before * 512 * 128 * 256)
    stream = Stream(tokens=Integer(size * chunks), cached=Integer(cached), chunks=Integer(chunks))
    assert sympy.nsimplify(latent_flops(mixer, stream) / q.flops_per_mac - total) == 0


@pytest.mark.parametrize(("model", "prompt", "compute"), [
    pytest.param("llama-3.1-70b", 4096,
                 (2 * (69501714432 * 4096 - 1050673152 * 4095) + 2621440 * 4096 * 4095 / 2) / (8 * 989e12),
                 id="llama-3.1-70b: 2 N T without the unembedding but once, and half of T x T x 80 x 4 x 8192"),
])  # fmt: skip
def test_prefill_by_hand(model: str, prompt: int, compute: float) -> None:
    case = case_of(model, "h100-sxm", phase="prefill", prompt=str(prompt), batch="1", layout="tp=8")
    assert case.times["compute"] == pytest.approx(compute, rel=1e-12)
    assert case.scenario.evaluate(q.kv_written) == 327_680 * prompt
    assert case.scenario.evaluate(q.tokens_per_second) == pytest.approx(prompt / case.scenario.evaluate(q.step_time))


def test_chunks_read_the_weights_once_each_and_all_that_came_before() -> None:
    whole = case_of("llama-3.1-8b", "h100-sxm", phase="prefill", prompt="8192", batch="2", layout="tp=1")
    cut = case_of("llama-3.1-8b", "h100-sxm", phase="prefill", prompt="8192", batch="2", layout="tp=1", chunk="2048")
    more = cut.scenario.evaluate(cut.phase.blackboard.memory.work) - whole.scenario.evaluate(
        whole.phase.blackboard.memory.work
    )
    weights = whole.scenario.evaluate(q.parameters_read) * 2
    assert more == pytest.approx(3 * weights + 2 * (2048 + 4096 + 6144) * 131_072, rel=1e-12)
    assert cut.times["compute"] == pytest.approx(whole.times["compute"], rel=1e-12)
    assert cut.fullest_stage.activations.free_symbols and cut.number(cut.fullest_stage.activations) < whole.number(
        whole.fullest_stage.activations
    )


def test_a_cached_prefix_costs_reading_and_saves_computing() -> None:
    options = {"phase": "prefill", "prompt": "8192", "batch": "4", "layout": "tp=8"}
    fresh, behind = (
        case_of("llama-3.1-70b", "h100-sxm", **options),
        case_of("llama-3.1-70b", "h100-sxm", cached="4096", **options),
    )
    assert behind.times["compute"] < fresh.times["compute"] * 0.6
    assert behind.scenario.evaluate(q.kv_read) == 4096 * 327_680
    # The new half attends to the cached half too: more than half of all pairs.
    assert behind.scenario.evaluate(behind.phase.pairs) == 4096 * 4096 + 4096 * 4095 / 2


def test_in_flight_batching_between_decode_and_prefill() -> None:
    """With one prefill for every 255 steps, a step costs a decode step and 1/255 of a prefill, weights read once; of 64
    sequences a request waits for the prefills of 63."""
    options = {"batch": "64", "layout": "tp=8"}
    mixed = case_of(
        "llama-3.1-70b", "h100-sxm", scope="serving", prompt="1024", output="256", context="1151", **options
    )
    decode = case_of("llama-3.1-70b", "h100-sxm", context="1151", **options)
    prefill = case_of("llama-3.1-70b", "h100-sxm", phase="prefill", prompt="1024", **options)
    for case, riding in ((mixed, 63 / 64 / 255), (mixed.of_all_steps, 1 / 255)):
        written = 1024 * 327_680 * riding * 64 / 8 / 3.35e12
        expected = {"memory": decode.times["memory"] + written}
        expected |= {name: decode.times[name] + prefill.times[name] * riding for name in ("compute", "interconnect")}
        assert case.times == {name: pytest.approx(time, rel=1e-12) for name, time in expected.items()}


ALONE = {"model": "llama-3.1-70b", "hardware": "h100-sxm", "weights": "fp8", "prompt": "32000", "output": "20"}


def test_a_request_alone_waits_for_no_prefill() -> None:
    """Llama 3.1 70B in fp8 on four H100: alone it decodes at 69.5 GB of weights, 1.05 GB more as the unembedding is in
    bf16, and 10.5 GB of cache over 4 times 3.35 TB/s, 6.05 ms. Its own prefill, 38 ms for each of 19 tokens, lies
    before; throughput and cost count it."""
    alone = case_of(**ALONE, scope="serving", layout="tp=4", batch="1")
    norms = (2 * 80 + 1) * 8192  # each of the four chips reads them all, in 16 bits
    read = 69_503_033_344 + 8192 * 128_256 + (2 * 4 - 1) * norms + (32_009 + 1) * 327_680
    assert alone.scenario.evaluate(q.step_time) == pytest.approx(read / 4 / 3.35e12, rel=1e-9)
    options = ALONE | {"output": None}
    prefill = case_of(**options, phase="prefill", layout="tp=4", batch="1").times["compute"]
    mean = alone.scenario.evaluate(q.mean_step_time)
    assert mean == pytest.approx(alone.times["compute"] + prefill / 19, rel=1e-9) == pytest.approx(38.08e-3, rel=1e-3)
    assert alone.scenario.evaluate(q.tokens_per_second) == pytest.approx(1 / mean)
    assert alone.scenario.evaluate(q.tokens_per_second_per_sequence) == pytest.approx(4 * 3.35e12 / read, rel=1e-9)
    assert alone.scenario.evaluate(q.dollars_per_million_tokens) == pytest.approx(4 * 3.49 / 3600 * mean * 1e6)


def test_among_many_a_request_waits_for_all() -> None:
    many = case_of(**ALONE, scope="serving", layout="tp=4", batch="1000000")
    assert many.scenario.evaluate(q.mean_step_time / q.step_time) == pytest.approx(1, abs=2e-6)


@pytest.mark.parametrize("model, layout, batch, waits", [
    ("llama-3.1-70b", "tp=8,replicas=4", 64, 16), ("llama-3.1-70b", "tp=4,dp=2,replicas=2", 64, 16),
    ("llama-3.1-70b", "tp=4,dp=2,ffn=all", 64, 64), ("deepseek-v3", "dp=32,ep=32", 64, 64),
    ("llama-3.1-70b", "tp=4,pp=4", 64, 64), ("llama-3.1-70b", "tp=4,dp=8", 2, 1),
], ids=["replicas", "ranks apart", "ranks that share dense blocks", "ranks that share experts",
        "micro-batches of one pipeline", "fewer sequences than ranks"])  # fmt: skip
def test_which_sequences_wait_for_one_another(model, layout, batch, waits) -> None:
    """Those that share a pass, or wait their turn in one pipeline; neither other replicas nor ranks that never meet."""
    options = {"scope": "serving", "prompt": "1000", "output": "100"}
    case = case_of(model, "h200-sxm", layout=layout, batch=str(batch), **options)
    assert case.scenario.evaluate(q.in_flight) == waits
    expected = (1 - 1 / waits) / 99
    assert case.scenario.evaluate(case.phase.streams[1].share) == pytest.approx(expected, rel=1e-12)
