"""The ledger of a decode step against a count by hand, chip by chip and message by message."""


import pytest
from counted_stage import Work, flops_and_bytes, fullest_chip, messages
from hypothesis import given, settings
from hypothesis import strategies as st

from steptime.model import symbols as q
from steptime.model.architecture import transformer as tf
from steptime.model.catalog.transformers import load_transformer
from steptime.model.choices import Copies, Split
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import SYMBOLS, Layout, impossible
from steptime.model.phases.decode import blackboard
from steptime.model.phases.ledger import Ledger
from steptime.model.phases.memory import footprints
from steptime.model.scenario import Scenario


# --- the project's numbers -----------------------------------------------------------------------------------------
def ledger(model: tf.Transformer, layout: Layout, work: Work) -> tuple[Ledger, Scenario]:
    found = Ledger(model, Plan(ffn=layout.ffn, copies=layout.copies), layout.degrees)
    values = dict.fromkeys((q.combine_bytes, q.reduce_bytes, q.send_bytes), work.sent) | {
        q.flops_per_mac: 2, q.batch: work.batch, q.context: work.context, q.scale_up_domain: work.domain,
        q.expert_load: 1, q.bytes_per_weight: work.weight, q.bytes_per_kv: work.kv, q.dispatch_bytes: work.dispatch,
    }  # fmt: skip
    values |= {symbol: getattr(layout, name) for name, symbol in SYMBOLS.items()}
    return found, Scenario({symbol: float(value) for symbol, value in values.items()}, found.slots)


def check(model: tf.Transformer, layout: Layout, work: Work) -> None:
    """Equal to the count; or less, as sharing is perfect, where a rank's query heads straddle key-value heads."""
    found, scenario = ledger(model, layout, work)
    value, rounding, operations = scenario.evaluate, (False, True), found.operations
    ours = [sum(value(line.flops) for line in operations), sum(value(line.memory_bytes) for line in operations)]
    assert ours == pytest.approx([value(blackboard.compute.work), value(blackboard.memory.work)], rel=1e-9)
    ours += [max(value(one.weights + one.kv) for one in footprints(model, layout, whole)) for whole in rounding]
    theirs = [*flops_and_bytes(model, layout, work), *(fullest_chip(model, layout, work, whole) for whole in rounding)]
    kv_heads = {getattr(layer.attention, "kv_heads", 1) for layer in model.layers}
    if all(layout.tp % heads == 0 or heads % layout.tp == 0 for heads in kv_heads):
        assert ours == pytest.approx(theirs, rel=1e-9)
    else:
        assert all(one <= other * (1 + 1e-9) for one, other in zip(ours, theirs, strict=True))


COUNTED = [
    ("llama-3.1-70b", Layout(tp=16, dp=2, pp=3, replicas=2), Work(64, 4096)),
    ("llama-2-7b", Layout(tp=4, cp=2, dp=2, ffn=Split.STAGE), Work(7, 1000, kv=1.0)),
    ("mixtral-8x7b", Layout(tp=2, dp=3, ep=6, pp=5), Work(33, 100)),
    ("deepseek-v3", Layout(dp=32, ep=32, pp=2), Work(4096, 4096, weight=1.0)),
    ("deepseek-v3", Layout(tp=8, cp=2, dp=2, ep=8, ffn=Split.STAGE), Work(100, 131072, weight=1.0)),
    ("gemma-2-27b", Layout(tp=32, cp=2, pp=2), Work(1, 8192)),
    ("qwen3-235b-a22b", Layout(tp=8, dp=2, ep=16, pp=4), Work(1000, 8191)),
    ("gpt-oss-120b", Layout(tp=2, dp=2, ep=1), Work(5, 131072)),
    ("llama-4-maverick", Layout(tp=4, dp=2, ep=8, ffn=Split.STAGE), Work(64, 10000)),
    ("llama-4-maverick", Layout(tp=5, ep=5), Work(64, 10000)),
    ("gemma-3-27b", Layout(tp=4, cp=4), Work(16, 500)),
    ("gpt2", Layout(tp=3, dp=2, pp=5), Work(12, 700)),
]
LINKED = [
    ("llama-3.1-70b", Layout(tp=8, dp=2, pp=2)),
    ("llama-3.1-70b", Layout(tp=16, cp=2, pp=3)),
    ("llama-2-7b", Layout(tp=2, cp=16, pp=2)),
    ("palm-540b", Layout(tp=2, pp=7)),
    ("deepseek-v3", Layout(dp=32, ep=32, pp=2, copies=Copies.PER_EXPERT)),
    ("qwen3-235b-a22b", Layout(cp=2, dp=8, ep=16, copies=Copies.PER_EXPERT)),
]


@pytest.mark.parametrize(("name", "layout", "work"), COUNTED, ids=[f"{name}-{layout}" for name, layout, _ in COUNTED])
def test_a_published_model_counted_chip_by_chip(name: str, layout: Layout, work: Work) -> None:
    check(load_transformer(name), layout, work)


@pytest.mark.parametrize(("name", "layout"), LINKED, ids=[f"{name}-{layout}" for name, layout in LINKED])
def test_a_published_model_counted_message_by_message(name: str, layout: Layout) -> None:
    model, work = load_transformer(name), Work(64, 4096)
    ours = [ledger(model, layout, work)[1].evaluate(term.work) for term in (blackboard.scale_up, blackboard.scale_out)]
    assert ours == pytest.approx(messages(model, layout, work), rel=1e-9, abs=1e-6)


small, vectors, window, yes_or_no = st.integers(1, 6), st.integers(0, 9), st.none() | st.integers(1, 50), st.booleans()
loads = st.builds(Work, st.integers(1, 60), st.integers(1, 90))


def divisors(number: int, most: int) -> st.SearchStrategy[int]:
    return st.sampled_from([n for n in range(1, most + 1) if number % n == 0])


def transformers(heads: int) -> st.SearchStrategy[tf.Transformer]:
    own, no = st.just(heads), st.just(False)
    grouped = st.builds(tf.GroupedAttention, own, divisors(heads, heads), small, small, window, no, yes_or_no, vectors)
    latent = st.builds(tf.LatentAttention, own, small, small, small, small, st.none() | small, vectors, window)
    dense = st.builds(tf.DenseFeedForward, small, yes_or_no, vectors)
    sizes, biases = (st.integers(3, 9), st.integers(1, 3), small), {"expert_vectors": vectors, "vectors": vectors}
    routed = st.builds(tf.ExpertFeedForward, *sizes, yes_or_no, st.integers(0, 3), **biases)
    blocks = st.lists(dense | routed, min_size=1, max_size=2).map(tuple)
    layers = st.lists(st.builds(tf.Layer, grouped | latent, blocks, vectors, yes_or_no), min_size=1, max_size=5)
    return st.builds(tf.Transformer, st.just("drawn"), small, small, yes_or_no, layers.map(tuple), vectors, vectors)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data(), st.sampled_from([4, 6, 12, 24]), small, small, loads)
def test_any_transformer_in_any_layout(data: st.DataObject, heads: int, cp: int, dp: int, work: Work) -> None:
    model, tp = data.draw(transformers(heads)), data.draw(divisors(heads, heads))
    ep, pp = data.draw(divisors(tp * cp * dp, max(1, model.experts))), data.draw(st.integers(1, len(model.layers)))
    layout = Layout(tp, cp, dp, ep, pp, data.draw(small), data.draw(st.sampled_from(Split)))
    assert impossible(layout, model) is None
    check(model, layout, work)
