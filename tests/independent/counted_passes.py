"""A prefill by hand: chip by chip, token by token, chunk by chunk, in plain loops.

Nothing here knows the ledger's formulas. A pass works on some tokens of each sequence behind those before it. A token
attends to the tokens before it that its layer still sees; keys and values of earlier passes are read once a pass, those
of the pass itself are written once, where a later token can see them.
"""

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import product

import pytest
from conftest import case_of
from counted_stage import attention_shard, block_weights

from steptime.model import symbols as q
from steptime.model.architecture import transformer as tf
from steptime.model.layout.layout import Layout
from steptime.model.step.case import Case

PROJECTIONS, ATTENTION, UNEMBEDDING = "attention projections", "attention over the KV cache", "unembedding"
DENSE, SHARED, ROUTED, ROUTER = "dense feed-forward", "shared experts", "routed experts", "router"
VECTORS = "norms and biases"


@dataclass(frozen=True)
class Pass:
    """New tokens of each sequence, the tokens before them, and how many of them predict a next token."""

    before: int
    tokens: int
    predicted: int


def prefill_passes(prompt: int, cached: int = 0, chunk: int = 0) -> list[Pass]:
    """Chunks one after another; only the last token of the last one predicts."""
    size = chunk or prompt - cached
    starts = range(cached, prompt, size)
    return [Pass(start, size, int(start + size == prompt)) for start in starts]


# --- by hand: what tokens see --------------------------------------------------------------------------------------
def seen(mixer: tf.Attention, position: int) -> int:
    """Tokens before a position that its token attends to, itself not counted."""
    if isinstance(mixer, tf.RecurrentMixer):
        return 0
    if mixer.window is None:
        return position
    return position % mixer.window if mixer.chunked else min(position, mixer.window)


@cache
def pairs(mixer: tf.Attention, before: int, tokens: int, most: int | None = None) -> int:
    """Pairs of a new token and one that it attends to, at most so many of those it sees."""
    counts = (seen(mixer, position) for position in range(before, before + tokens))
    return sum(count if most is None else min(count, most) for count in counts)


def kept(mixer: tf.Attention, end: int, tokens: int) -> int:
    """Tokens of a pass that the token after it still sees."""
    return min(tokens, seen(mixer, end))


# --- by hand: one chip, one sequence -------------------------------------------------------------------------------
def weights_of(mixer: tf.Attention, width: int, rank: int, tp: int) -> float:
    """Weights that a rank multiplies with every token."""
    if isinstance(mixer, tf.RecurrentMixer):
        return (width * mixer.inputs + mixer.heads * mixer.value_dim * width) / tp
    weights = attention_shard(mixer, width, rank, tp)[0]
    if isinstance(mixer, tf.GroupedAttention):
        return weights + (width * mixer.heads * mixer.head_dim / tp if mixer.gated else 0)
    if mixer.indexer is None:
        return weights
    heads, dim = mixer.indexer.heads, mixer.indexer.dim
    return weights + (mixer.query_rank or width) * heads * dim + width * dim + width * heads


def mixing_macs(mixer: tf.Attention, one: Pass, tp: int) -> float:
    """Multiply-adds of a rank for the new tokens of one sequence, beside the weights."""
    if isinstance(mixer, tf.RecurrentMixer):
        state = mixer.touches * mixer.heads * mixer.key_dim * mixer.value_dim + mixer.channels * mixer.kernel
        return one.tokens * state / tp
    heads = mixer.heads / tp
    if isinstance(mixer, tf.GroupedAttention):
        return pairs(mixer, one.before, one.tokens) * heads * (mixer.head_dim + mixer.value_dim)
    chosen, scored = mixer.indexer, 0
    if chosen is not None:
        scored = pairs(mixer, one.before, one.tokens) * chosen.heads * chosen.dim
    number = pairs(mixer, one.before, one.tokens, chosen and chosen.selected)
    absorbed = number * heads * (mixer.kv_rank + mixer.rope_dim + mixer.kv_rank)
    expanded = number * heads * (mixer.nope_dim + mixer.rope_dim + mixer.value_dim)
    made_again = min(seen(mixer, one.before), chosen.selected if chosen else one.before)
    expanded += made_again * mixer.kv_rank * heads * (mixer.nope_dim + mixer.value_dim)
    return scored + min(absorbed, expanded)


def mixing_bytes(mixer: tf.Attention, one: Pass, rank: int, tp: int, size: dict[str, float]) -> float:
    """Bytes of cache and state that a rank reads and writes for one sequence."""
    if isinstance(mixer, tf.RecurrentMixer):
        state = mixer.heads * mixer.key_dim * mixer.value_dim * size["state"]
        state += mixer.channels * (mixer.kernel - 1) * size["kv"]
        return state / tp * (2 if one.before else 1)  # the first pass starts from nothing
    read, written = seen(mixer, one.before), kept(mixer, one.before + one.tokens, one.tokens)
    elements = attention_shard(mixer, 0, rank, tp)[1]
    index = mixer.indexer if isinstance(mixer, tf.LatentAttention) else None
    if index is None:
        return (read + written) * elements * size["kv"]
    assert size["index"] == 1  # so that an fp32 scale goes with each key
    scored = (read + written) * (index.dim + 4)
    return scored + (min(read, index.selected) + written) * elements * size["kv"]


# --- by hand: all chips of a stage ---------------------------------------------------------------------------------
def sizes(case: Case) -> dict[str, float]:
    """Bytes of an element of each kind."""
    weight = case.number(q.bytes_per_weight)
    kinds = {"attention": q.attention_weight_bytes, "dense": q.dense_weight_bytes, "experts": q.expert_weight_bytes,
             "router": q.router_weight_bytes, "embedding": q.embedding_weight_bytes}  # fmt: skip
    found = {name: case.number(symbol) or weight for name, symbol in kinds.items()}
    return found | {"kv": case.number(q.bytes_per_kv), "state": case.number(q.bytes_per_state),
                    "index": case.number(q.bytes_per_index)}  # fmt: skip


def dealt(number: int, places: int) -> list[int]:
    """Sequences dealt out one by one."""
    return [len(range(place, number, places)) for place in range(places)]


def fullest(layout: Layout, batch: int) -> tuple[int, int]:
    """Sequences of the fullest micro-batch of all replicas, and those on its fullest data-parallel rank."""
    micro_batch = max(dealt(max(dealt(batch, layout.replicas)), layout.pp))
    return micro_batch, max(dealt(micro_batch, layout.dp))


def traversal(layout: Layout, batch: int, chunks: int) -> float:
    """Time of a pass over that of all stages one after another. Stage s works on chunk c once it is done with chunk
    c-1 and stage s-1 with chunk c; the next pass of the same micro-batch begins when all others have passed the first
    stage."""
    ends = [[0.0] * chunks for _ in range(layout.pp)]
    for stage, chunk in product(range(layout.pp), range(chunks)):
        before = max(ends[stage][chunk - 1] if chunk else 0.0, ends[stage - 1][chunk] if stage else 0.0)
        ends[stage][chunk] = before + 1 / chunks
    in_flight = sum(held > 0 for held in dealt(max(dealt(max(dealt(batch, layout.replicas)), layout.dp)), layout.pp))
    return max(ends[-1][-1], in_flight) / layout.pp


def count(case: Case, passes: list[Pass], batch: int, in_chunks: bool = False) -> tuple[Counter[str], Counter[str]]:
    """FLOP and bytes by operation of a chip on the fullest rank, a mean over its tensor-parallel group, all stages."""
    model, layout, size = case.accounts.model, case.layout, sizes(case)
    width, tp, stage = model.width, layout.tp, layout.tp * layout.cp * layout.dp
    micro_batch, held = fullest(layout, batch)
    sequences, all_tokens = held / layout.cp, sum(one.tokens for one in passes)
    # A chip of a context-parallel group has its share of the tokens; one token is not divided.
    whole_tokens = sum(math.ceil(sequences * one.tokens) for one in passes) if not in_chunks else (
        math.ceil(sequences * all_tokens))  # fmt: skip
    macs, streamed = Counter[str](), Counter[str]()
    for one, (layer, number), rank in product(passes, model.kinds.items(), range(tp)):
        tokens = whole_tokens * one.tokens / all_tokens
        if layer.attention is not None:
            weights = weights_of(layer.attention, width, rank, tp)
            macs[PROJECTIONS] += number * tokens * weights
            streamed[PROJECTIONS] += number * weights * size["attention"]
            macs[ATTENTION] += number * sequences * mixing_macs(layer.attention, one, tp)
            streamed[ATTENTION] += number * sequences * mixing_bytes(layer.attention, one, rank, tp, size)
        streamed[VECTORS] += number * (layer.mixer_vectors + layer.vectors) * size["router"]
        for block in layer.feed_forward:
            ways, multiplied = (stage, micro_batch * one.tokens) if layout.ffn == "all" else (tp, tokens)
            shared, router, experts = block_weights(block, width)
            name = SHARED if experts else DENSE
            macs[name] += number * shared / ways * multiplied
            streamed[name] += number * shared / ways * size["dense"]
            macs[ROUTER] += number * router * tokens
            streamed[ROUTER] += number * router * size["router"]
            streamed[VECTORS] += number * block.vectors * size["router"]
    for one, (layer, number) in product(passes, model.kinds.items()):
        for block in layer.feed_forward:
            if not (experts := block_weights(block, width)[2]):
                continue
            chosen, tokens, expert = block.experts_per_token / block.experts, micro_batch * one.tokens, experts[0]
            one_slice = layout.ep / stage  # of an expert; a chip that works multiplies one token by it, and reads it
            macs[ROUTED] += tp * number * expert * max(one_slice, tokens * chosen * len(experts) / stage)
            touched = max(one_slice, len(experts) * (1 - (1 - chosen) ** tokens) / stage)
            streamed[ROUTED] += tp * number * touched * (expert + block.expert_vectors) * size["experts"]
    for one in passes:
        macs[UNEMBEDDING] += whole_tokens * one.predicted / all_tokens * model.vocabulary * width
        streamed[UNEMBEDDING] += model.vocabulary * width * size["embedding"]
        streamed[VECTORS] += tp * model.vectors * size["router"]
    share = (traversal(layout, batch, len(passes)) if in_chunks else 1) / tp
    flops = Counter({name: 2 * number * share for name, number in macs.items()})
    return flops, Counter({name: number * share for name, number in streamed.items()})


# --- the project's numbers -----------------------------------------------------------------------------------------
def lines(case: Case, amount: str) -> dict[str, float]:
    """What the ledger says of each operation that has such an amount."""
    found = {line.name: case.number(getattr(line, amount)) for line in case.operations}
    return {name: value for name, value in found.items() if value}


def agree(case: Case, passes: list[Pass], batch: int, *, cache: bool = True, in_chunks: bool = False) -> None:
    """Every operation, and all of them together; ``cache`` leaves out the cache's traffic where it is false."""
    flops, streamed = count(case, passes, batch, in_chunks)
    for amount, ours in (("flops", flops), ("memory_bytes", streamed)):
        found = lines(case, amount)
        if amount == "memory_bytes" and not cache:
            found.pop(ATTENTION), ours.pop(ATTENTION)
        assert found == pytest.approx({name: value for name, value in ours.items() if value}, rel=1e-9), amount
        assert sum(found.values()) == pytest.approx(ours.total(), rel=1e-9)


def prefill(model: str, layout: str, batch: int, prompt: int, cached: int = 0, chunk: int = 0, **more: str) -> Case:
    size = {name: str(value) for name, value in (("cached", cached), ("chunk", chunk)) if value}
    options = {"phase": "prefill", "batch": str(batch), "prompt": str(prompt), "layout": layout}
    return case_of(model, "a100-sxm-80gb", **options, **size, **more)
