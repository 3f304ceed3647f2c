"""The closed forms of serving against ledgers of real cases, and against sums over tokens, chunks and steps."""

import pytest
from conftest import asked, case_of
from sympy import Expr, Integer, Max, Rational, Symbol

from steptime.derivations.serving import (
    attention,
    chunks,
    compressed,
    in_flight,
    latent,
    prefill,
    prefix,
    request,
    state,
    verify,
)
from steptime.derivations.steps import Derivation
from steptime.model import symbols as q
from steptime.model.architecture.attended import pairs_of_tokens, whole_context_read
from steptime.model.architecture.attention import CompressedAttention, LatentAttention
from steptime.model.architecture.mixing import cache_bytes, cache_read, cache_written, latent_flops, state_moved
from steptime.model.architecture.stream import Stream
from steptime.model.catalog.transformers import load_transformer
from steptime.model.scenario import Scenario
from steptime.model.step.case import Case
from steptime.model.step.request import whole_request

CHIP = {"model": "llama-3.1-8b", "hardware": "h100-sxm", "layout": "tp=1"}
"""On one chip nothing is replicated, so that perfect sharding is exact."""

EXPERTS = {"model": "deepseek-v2-lite", "hardware": "h100-sxm", "layout": "tp=1", "experts": "all"}
V3_HEADS = LatentAttention(128, 128, 64, 128, 512, 1536)
exactly = pytest.approx


def at(one: Derivation | Expr, case: Case, **values: float) -> float:
    """A derivation's result, or an expression, at a case's numbers and the mean load, some of them given."""
    given = {Symbol(name, positive=True): value for name, value in values.items()}
    expr = one.result.rhs if isinstance(one, Derivation) else one
    mean = case.relaxed.scenario
    return float(Scenario({**mean.values, **given}, mean.definitions).evaluate(expr))


def times(case: Case, **values: float) -> tuple[float, float]:
    """Compute and memory time of a case where some quantities are given, whole or not."""
    return at(case.resources["compute"], case, **values), at(case.resources["memory"], case, **values)


def balanced(case: Case, **values: float) -> bool:
    """Whether compute and memory take equally long."""
    compute, memory = times(case, **values)
    return bool(compute == exactly(memory, rel=1e-9))


def test_sums_over_tokens_and_chunks() -> None:
    assert attention.causal_pairs.result.rhs == pairs_of_tokens(q.pass_tokens, q.cached)
    assert chunks.reads.result.rhs == whole_context_read(q.pass_tokens, q.cached, q.chunks)
    numbers = {q.pass_tokens: Integer(12), q.cached: Integer(5), q.chunks: Integer(4)}
    assert attention.causal_pairs.result.rhs.xreplace(numbers) == sum(range(5, 17))
    assert chunks.reads.result.rhs.xreplace(numbers) == sum(range(5, 17, 3))


@pytest.mark.parametrize(
    ("model", "prompt"),
    [
        ("llama-3.1-70b", 1 + 4 * (69_501_714_432 - 1_050_673_152) / (80 * 4 * 8192)),
        ("deepseek-v3", 1 + 4 * (36_624_596_992 - 926_679_040) / (61 * 2 * 128 * 320)),
    ],
)
def test_attention_has_half_of_a_prefills_flops(model: str, prompt: float) -> None:
    options = {"phase": "prefill", "batch": "1", "layout": "tp=1"}
    case = case_of(model, "h200-sxm", prompt=str(round(prompt)), **options)
    assert at(attention.prefill_attention, case) == exactly(prompt, rel=1e-12)
    by_name = {line.name: case.number(line.flops) or 0.0 for line in case.operations}
    scores = by_name.pop("attention over the KV cache")
    assert scores / sum(by_name.values()) == exactly(1, rel=1e-4)


@pytest.mark.parametrize("where", [CHIP, EXPERTS], ids=["dense", "latents and experts"])
@pytest.mark.parametrize("batch", ["1", "3"])
def test_prefill_turns_compute_bound(where: dict[str, str], batch: str) -> None:
    case = case_of(**where, phase="prefill", prompt="500", batch=batch)
    prompt = at(prefill.prefill_prompt, case)
    assert balanced(case, prompt=prompt) and 50 < prompt < 3000
    above, below = times(case, prompt=prompt * 1.1), times(case, prompt=prompt / 1.1)
    assert above[0] > above[1] and below[0] < below[1]
    short = case_of(**where, phase="prefill", prompt="64", batch=batch)
    assert balanced(short, batch=at(prefill.prefill_batch, short))


@pytest.mark.parametrize("cached", [None, "1024"])
def test_chunks(cached: str | None) -> None:
    options = {**CHIP, "phase": "prefill", "prompt": "8192", "batch": "2", "cached": cached}
    whole, cut = case_of(**options), case_of(**options, chunk="512")
    before = {} if cached else {"cached": 0.0}
    more = at(cut.phase.blackboard.memory.work, cut) - at(whole.phase.blackboard.memory.work, whole)
    assert at(chunks.extra_bytes, cut, **before) == exactly(more, rel=1e-9)
    length = at(chunks.hidden, cut, **before)
    assert 128 < length < 512 and cut.bottleneck == "compute"
    number = at(q.pass_tokens, cut) / length
    assert balanced(cut, chunks=number)


def test_the_cache_read_again_costs_as_much_as_the_weights() -> None:
    case = case_of(**CHIP, phase="prefill", batch="8", cached="1024", prompt="8192", chunk="512")
    prompt = at(chunks.cache_outweighs, case) + 1024
    again = at(q.micro_batch * q.kv_read, case, prompt=prompt) - at(
        q.micro_batch * q.kv_read, case, prompt=prompt, chunks=1.0
    )
    assert again == exactly(at(q.bytes_per_weight * q.parameters_read * (q.chunks - 1), case, prompt=prompt), rel=1e-9)


def test_a_cached_prefix() -> None:
    options = {**CHIP, "phase": "prefill", "batch": "2"}
    behind = case_of(**options, prompt="8192", cached="4096")
    saved = case_of(**options, prompt="8192").times["compute"] - behind.times["compute"]
    assert at(prefix.saving, behind) == exactly(saved, rel=1e-9)
    few = case_of(**options, prompt="8200", cached="8192")
    length = at(prefix.reading, few)
    there = {"prompt": length + 8, "cached": length}
    moved = at(q.micro_batch * (q.kv_read + q.kv_written) / q.memory_bandwidth, few, **there)
    assert moved == exactly(times(few, **there)[0], rel=1e-9)
    shape = {"query_heads": 32.0, "kv_heads": 8.0}
    assert at(prefix.heads, few, **shape) == exactly(
        at(q.kv_bytes * q.peak_flops / (q.attention_flops * q.memory_bandwidth), few), rel=1e-9
    )


def cost_of(tokens: Expr | int, cached: Expr | int) -> tuple[Expr, Expr]:
    """Multiply-adds of DeepSeek-V3's heads, absorbed and expanded, summed pair by pair."""
    pairs = sum((cached + place for place in range(int(tokens))), Integer(0))
    return 128 * 1088 * pairs, 128 * 320 * pairs + cached * 512 * 128 * 256


def test_latents_are_expanded_from_so_many_tokens_on() -> None:
    tokens = latent.tokens.evaluate()
    assert tokens == exactly(512 * 128 * 256 / (128 * (1088 - 320)), rel=1e-12) and 170.6 < tokens < 170.7
    long = Integer(10) ** 9
    for new, cheaper in ((170, "absorbed"), (171, "expanded")):
        absorbed, expanded = cost_of(new, long)
        assert (absorbed < expanded) == (cheaper == "absorbed")
        stream = Stream(tokens=Integer(new), cached=long)
        assert latent_flops(V3_HEADS, stream) / q.flops_per_mac == min(absorbed, expanded)


def test_fewer_tokens_expand_a_short_prefix_only() -> None:
    assert latent.prefix.evaluate() == 190.5
    for length in (190, 191):
        absorbed, expanded = cost_of(128, length)
        assert (expanded < absorbed) == (length < 190.5)
    absorbed, expanded = cost_of(4096, 0)
    assert Rational(absorbed, expanded) == Rational(1088, 320) and latent.nothing_cached.evaluate() == exactly(3.4)


def test_a_request_is_its_steps_one_after_another() -> None:
    """Each decode step as a case of its own, at its own context."""
    steps = [case_of(**CHIP, batch="4", context=str(512 + i)) for i in range(15)]
    question = asked(**CHIP, phase="prefill", batch="4", prompt="512", output="16")
    whole = whole_request(question)
    assert whole.answer is not None and whole.prefill.bottleneck == "compute" and whole.answer.bottleneck == "memory"
    for term, one in (("memory", request.memory_phase), ("compute", request.compute_phase)):
        found = at(one, whole.answer, answer=16.0)
        assert found == exactly(sum(step.times[term] for step in steps), rel=1e-9)
        assert found == exactly(whole.answer.times[term], rel=1e-9)
    assert at(request.whole, whole.prefill, answer=16.0) == exactly(whole.time, rel=1e-9)
    rate = at(request.most.lines[2].rhs, whole.prefill, answer=16.0)
    assert rate == exactly(whole.tokens_per_second, rel=1e-9) and rate < at(request.most, whole.prefill, answer=16.0)


def test_an_answer_as_long_as_its_prefill() -> None:
    case = case_of(**CHIP, phase="prefill", prompt="4096", batch="8")
    length = at(request.as_long, case, answer=2.0)
    assert at(request.memory_phase, case, answer=length) == exactly(case.times["compute"], rel=1e-9) and length > 2


def test_prefills_ride_along_for_nothing() -> None:
    options = {**CHIP, "scope": "serving", "prompt": "1024", "batch": "16", "context": "1200"}
    case = case_of(**options, output="512").of_all_steps
    output = 1 + 1024 / at(in_flight.balance, case)
    assert balanced(case, answer=output)
    assert case_of(**options, output=str(int(output) + 20)).of_all_steps.bottleneck == "memory"
    assert case_of(**options, output=str(int(output) - 20)).of_all_steps.bottleneck == "compute"
    alone = case_of(**CHIP, batch="16", context="1200")
    share = at(in_flight.share.lines[0].rhs, case)
    assert share == exactly(1 - alone.times["compute"] / case.times["compute"], rel=1e-9)


@pytest.mark.parametrize("batch", [1, 2, 64])
def test_a_request_waits_for_the_prefills_of_the_others(batch: int) -> None:
    """Counted over the steps of one request: each other sequence ends once in them, and its successor is prefilled."""
    case = case_of(**CHIP, scope="serving", prompt="1024", batch=str(batch), output="512", context="1200")
    found = case.scenario.evaluate(case.phase.streams[1].share) * batch
    assert found == exactly((batch - 1) / 511, rel=1e-12)
    assert at(in_flight.others, case) * batch == exactly(found, rel=1e-12)
    assert at(in_flight.many, case) * batch == exactly(batch / 511, rel=1e-12)


def test_verifying_drafts() -> None:
    options = {**CHIP, "context": "1000", "sets": ("drafts=3", "acceptance=0.7")}
    checked = case_of(**options, batch="8")
    assert balanced(checked, batch=at(verify.bound_batch, checked))
    pass_, plain = case_of(**options, batch="4"), case_of(**CHIP, context="1000", batch="4")
    assert pass_.bottleneck == plain.bottleneck == "memory"
    gain = at(q.tokens_per_second, pass_) / at(q.tokens_per_second, plain)
    assert at(verify.memory_bound.lines[1].rhs, pass_) == exactly(gain, rel=1e-9)
    kept = 1 + 0.7 + 0.49 + 0.343
    assert gain < at(verify.memory_bound, pass_) == exactly(kept, rel=1e-9)
    slow = case_of(**options, batch="400")
    assert at(verify.memory_bound.lines[1].rhs, slow) > at(q.tokens_per_second, slow) / at(
        q.tokens_per_second, case_of(**CHIP, context="1000", batch="400")
    )


def test_an_index_outweighs_what_it_selects() -> None:
    mixer, number = load_transformer("deepseek-v3.2").mixers[0]
    assert state.index_context.evaluate() == 18_432 == 2048 * 576 * 2 / 128
    bytes_of = {q.bytes_per_kv: Integer(2), q.bytes_per_rotary: Integer(2), q.bytes_per_index: Integer(1)}
    bytes_of |= dict.fromkeys((q.bytes_per_scale, q.bytes_per_index_scale), Integer(0))  # the claim leaves scales out
    read = cache_read(mixer, [Stream(cached=Integer(18_432))]).xreplace(bytes_of)
    assert read == 2 * 18_432 * 128
    beyond = cache_read(mixer, [Stream(cached=Integer(65_536))]).xreplace(bytes_of)
    layers = sum(layers for _, layers in load_transformer("deepseek-v3.2").mixers)
    assert number <= layers and int(beyond * layers) == state.sparse_traffic.evaluate()


def test_compressed_entries_take_less_room_than_every_token() -> None:
    """DeepSeek-V4, entries of 128 tokens: 645, where a whole cache of 1024 B a token has 645 KiB."""
    heavily = CompressedAttention(128, 512, 1536, 16, 1024, near=128, ratio=128)
    assert compressed.compressed_context.evaluate() == exactly((128 + 2 * 128 * 4 / 2) * 128 / 127)
    stored = {q.bytes_per_kv: 2.0, q.bytes_per_state: 4.0}
    held = [float(Scenario(stored).evaluate(cache_bytes(heavily, Integer(tokens)))) for tokens in (645, 644, 646)]
    assert held[0] == exactly(645 * 1024, rel=1e-3)
    assert held[1] > 644 * 1024 and held[2] < 646 * 1024


@pytest.mark.parametrize(("model", "context"), [("qwen3-next-80b-a3b", 2095.0), ("minimax-m1", 2047.0)])
def test_a_state_beats_a_growing_cache(model: str, context: float) -> None:
    by_kind = {type(mixer).__name__: mixer for mixer, _ in load_transformer(model).mixers}
    bytes_of = {q.bytes_per_kv: Integer(2), q.bytes_per_state: Integer(4)}
    assert Scenario(state.hybrid(model)).evaluate(state.state_context.result.rhs) == context
    full, moved = by_kind["GroupedAttention"], state_moved(by_kind["RecurrentMixer"], [Stream(cached=q.context)])
    stream = [Stream(cached=Integer(int(context)))]
    cache = cache_read(full, stream) + cache_written(full, stream)
    assert Max(cache.xreplace(bytes_of), moved.xreplace(bytes_of)) == cache.xreplace(bytes_of)
    assert cache.xreplace(bytes_of) == moved.xreplace(bytes_of)
