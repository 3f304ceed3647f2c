"""A decode step by hand: plain loops place every shard on every chip of a stage and add up what each does.

Nothing here knows the ledger's formulas. A chip has coordinates (tp, cp, dp) and an address; whether a message crosses
a domain's edge follows from the two addresses.
"""

import math
from collections import Counter
from dataclasses import dataclass
from itertools import product

from steptime.model.architecture import transformer as tf
from steptime.model.layout.layout import Layout


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
