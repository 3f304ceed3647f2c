"""The ledger against a count by hand: plain loops place every shard on every chip of a stage and add up what each does.

Nothing here knows the ledger's formulas. A chip has coordinates (tp, cp, dp) and an address; whether a message crosses
a domain's edge follows from the two addresses.
"""

import math
from collections import Counter
from dataclasses import dataclass
from itertools import product

import pytest
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


@dataclass(frozen=True)
class Work:
    """The load, and the bytes of a weight, of an element of KV cache, of activations to experts and of any others."""

    batch: int
    context: int
    weight: float = 0.5
    kv: float = 2.0
    dispatch: float = 1.0
    sent: float = 2.0
    domain: int = 8


# --- by hand: one chip ---------------------------------------------------------------------------------------------
def attention_shard(attention: tf.Attention, width: int, rank: int, tp: int) -> tuple[float, float, float]:
    """Weights that one rank holds, elements of its cache per token, multiply-adds per token of context."""
    heads = attention.heads // tp
    if isinstance(attention, tf.GroupedAttention):
        key, value, per_kv_head = attention.head_dim, attention.value_dim, attention.heads // attention.kv_heads
        kv_heads = len({head // per_kv_head for head in range(rank * heads, (rank + 1) * heads)})
        value_weights = 0 if attention.shared_kv_matrix else value
        weights = width * heads * (key + value) + width * kv_heads * (key + value_weights)
        return weights, kv_heads * (key + value), heads * (key + value)
    latent, rotary, query = attention.kv_rank, attention.rope_dim, attention.query_rank
    weights = width * (latent + rotary) + heads * attention.value_dim * width
    weights += heads * latent * (attention.nope_dim + attention.value_dim)
    weights += (width if query is None else query) * heads * (attention.nope_dim + rotary)
    return weights + width * (query or 0), latent + rotary, heads * (latent + rotary + latent)


def block_weights(block: tf.FeedForward, width: int) -> tuple[int, int, list[int]]:
    """Weights of a block that every token multiplies and that chips share, of its router, and of each routed expert."""
    matrices = 3 if block.gated else 2
    if isinstance(block, tf.DenseFeedForward):
        return matrices * width * block.intermediate, 0, []
    shared = matrices * width * block.shared_intermediate + (width if block.shared_gate else 0)
    return shared, width * block.experts, [matrices * width * block.intermediate] * block.experts


# --- by hand: all chips of a stage ---------------------------------------------------------------------------------
def flops_and_bytes(model: tf.Transformer, layout: Layout, work: Work) -> tuple[float, float]:
    """FLOPs and memory bytes of a step, a mean over the chips of a stage, summed over stages."""
    chips = list(product(range(layout.dp), range(layout.cp), range(layout.tp)))
    batch = work.batch / layout.replicas / layout.pp
    sequences, tokens = batch / layout.dp, batch / layout.dp / layout.cp
    macs, streamed, cached = 0.0, 0.0, 0.0
    for layer, (_, _, rank) in product(model.layers, chips):
        weights, elements, per_pair = attention_shard(layer.attention, model.width, rank, layout.tp)
        pairs = min(work.context, layer.attention.window or math.inf) / layout.cp
        macs += tokens * weights + sequences * pairs * per_pair
        streamed += weights + layer.attention.vectors + layer.vectors
        cached += sequences * elements * (pairs + 1 / layout.cp)
        for block in layer.feed_forward:
            shared, router, _ = block_weights(block, model.width)
            ways = len(chips) if layout.ffn == "all" else layout.tp
            macs += shared / ways * (batch if layout.ffn == "all" else tokens) + router * tokens
            streamed += shared / ways + router + block.vectors
    for layer in model.layers:
        for block in layer.feed_forward:
            for expert in block_weights(block, model.width)[2]:
                chosen = block.experts_per_token / block.experts
                macs += expert * batch * chosen
                streamed += (expert + block.expert_vectors) * (1 - (1 - chosen) ** batch)
    macs += len(chips) * tokens * model.vocabulary * model.width / layout.tp
    streamed += len(chips) * (model.vocabulary * model.width / layout.tp + model.vectors)
    return 2 * macs / len(chips), (work.weight * streamed + work.kv * cached) / len(chips)


def fullest_chip(model: tf.Transformer, layout: Layout, work: Work, whole: bool) -> float:
    """Bytes of weights and KV cache on the chip that holds most; the micro-batches of all stages are in flight."""
    sequences = (math.ceil if whole else float)(work.batch / layout.replicas / layout.dp)
    waiting, fullest, slices = model.layers, 0.0, layout.stage // layout.ep
    for stage in range(layout.pp):
        depth = math.ceil(len(waiting) / (layout.pp - stage))
        layers, waiting = waiting[:depth], waiting[depth:]
        first, last = stage == 0, stage == layout.pp - 1
        tables = model.vocabulary * (first + last - (first and last and model.tied)) + model.positions * first
        for chip in range(layout.stage):
            held, cached = tables * model.width / layout.tp + model.vectors * last, 0.0
            for layer in layers:
                weights, elements, _ = attention_shard(layer.attention, model.width, chip % layout.tp, layout.tp)
                held += weights + layer.vectors + layer.attention.vectors
                cached += sequences * elements * min(work.context, layer.attention.window or math.inf) / layout.cp
                for block in layer.feed_forward:
                    shared, router, experts = block_weights(block, model.width)
                    held += shared / (layout.stage if layout.ffn == "all" else layout.tp) + router + block.vectors
                    for expert in experts[chip // slices :: layout.ep]:
                        held += (expert + block.expert_vectors) / slices
            fullest = max(fullest, work.weight * held + work.kv * cached)
    return fullest


# --- by hand: messages ---------------------------------------------------------------------------------------------
class Network:
    """Bytes of all messages so far, by whether sender and receiver share a domain."""

    def __init__(self, domain: int) -> None:
        self.domain, self.bytes = domain, Counter[str]()

    def message(self, sender: int, receiver: int, size: float) -> None:
        if sender != receiver:
            self.bytes["up" if sender // self.domain == receiver // self.domain else "out"] += size

    def gather(self, chips: list[int], share: float) -> None:
        """Every chip's share to every other: first to its peers in other domains; each then spreads what it got."""
        domains = [[chip for chip in chips if chip // self.domain == one] for one in {c // self.domain for c in chips}]
        for here, there in product(domains, repeat=2):
            for sender, receiver in zip(here, there, strict=True):
                self.message(sender, receiver, share)
        for sender, receiver in (pair for inside in domains for pair in product(inside, repeat=2)):
            self.message(sender, receiver, share * len(domains))


def messages(model: tf.Transformer, layout: Layout, work: Work) -> tuple[float, float]:
    """Bytes a chip sends on either tier in a step, a mean over the stage; experts are whole, each copy is a message."""
    net, tp, cp, stage = Network(work.domain), layout.tp, layout.cp, layout.stage
    tokens = work.batch / layout.replicas / layout.pp / layout.dp / cp
    for layer in model.layers:
        for first in range(0, stage, tp):
            for _ in range(2 if layer.parallel else 4):  # reduce-scatter and all-gather make an all-reduce
                net.gather(list(range(first, first + tp)), tokens * model.width / tp * work.sent)
        for rank, group in product(range(tp), range(layout.dp)):
            chips = [rank + tp * (place + cp * group) for place in range(cp)]
            for elements in (layer.attention.head_dim, layer.attention.value_dim) if cp > 1 else ():
                net.gather(chips, tokens * layer.attention.heads / tp * elements * work.sent)
        for block in (block for block in layer.feed_forward if isinstance(block, tf.ExpertFeedForward)):
            for sender, receiver in product(range(stage), repeat=2):
                copies = tokens * block.experts_per_token / stage
                net.message(sender, receiver, copies * model.width * (work.dispatch + work.sent))
    for hop, chip in product(range(layout.pp - 1), range(stage)):
        net.message(hop * stage + chip, (hop + 1) * stage + chip, tokens / tp * model.width * work.sent)
    return net.bytes["up"] / stage, net.bytes["out"] / stage


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
