"""A training step by hand: every micro-batch, chip, message and entry of a schedule, in plain loops.

Nothing here knows the ledger's formulas. Sums are a mean over all chips of a replica: over a stage, and over stages.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise, product

from conftest import case_of
from counted_stage import Network, Work, block_weights, messages

from steptime.model import symbols as q
from steptime.model.architecture import transformer as tf
from steptime.model.step.case import Case

from counted_passes import (  # isort: skip
    DENSE, PROJECTIONS, ROUTED, ROUTER, SHARED, UNEMBEDDING, VECTORS, Pass, mixing_macs, pairs, sizes,
    weights_of,
)  # fmt: skip


SENDS, GRADIENTS, STATE = "pipeline sends", "gradients and weights between replicas", "gradients and optimizer"


@dataclass(frozen=True)
class Step:
    """One optimizer step, in the words of a question."""

    model: str
    layout: str
    batch: int
    sequence: int
    microbatch: int = 1
    recompute: str = "none"
    interleave: int = 1
    zero: int = 0
    sequence_parallel: bool = False
    dropout: bool = False
    fused: bool = False

    def case(self) -> Case:
        numbers = {name: str(getattr(self, name)) for name in ("batch", "sequence", "microbatch", "interleave")}
        options = {name: getattr(self, name) for name in ("recompute", "zero", "sequence_parallel", "dropout")}
        options["attention_kernel"] = "fused" if self.fused else "unfused"
        return case_of(self.model, "a100-sxm-80gb", phase="train", layout=self.layout, **numbers, **options)

    def micro_batches(self, case: Case) -> int:
        """Micro-batches that a data-parallel rank works on."""
        found, rest = divmod(self.batch, case.layout.replicas * case.layout.dp * self.microbatch)
        assert not rest
        return found


def score_macs(mixer: tf.Attention, one: Pass, tp: int) -> float:
    """Multiply-adds of a rank that meet queries with keys, of one sequence whose tokens are all new."""
    if isinstance(mixer, tf.RecurrentMixer):
        return 0
    chosen = mixer.indexer if isinstance(mixer, tf.LatentAttention) else None
    met = pairs(mixer, one.before, one.tokens, chosen and chosen.selected)
    width = mixer.head_dim if isinstance(mixer, tf.GroupedAttention) else mixer.nope_dim + mixer.rope_dim
    return met * mixer.heads / tp * width


# --- by hand: FLOP and memory --------------------------------------------------------------------------------------
def count(step: Step, case: Case) -> tuple[Counter[str], Counter[str]]:
    """FLOP without idling, and bytes of weights, by operation: forward once, backward twice the FLOP, and again."""
    model, layout, size = case.accounts.model, case.layout, sizes(case)
    chips = list(product(range(layout.dp), range(layout.cp), range(layout.tp)))
    macs, streamed, again = Counter[str](), Counter[str](), int(step.recompute == "full")
    tokens, everywhere = step.microbatch * step.sequence / layout.cp, layout.dp * step.microbatch * step.sequence
    sequences, whole = step.microbatch / layout.cp, Pass(0, step.sequence, step.sequence)
    for (layer, number), (_, _, rank) in product(model.kinds.items(), chips):
        parts = {PROJECTIONS: (0.0, 0.0, "attention")}
        if layer.attention is not None:
            own = weights_of(layer.attention, model.width, rank, layout.tp)
            parts[PROJECTIONS] = (own, own, "attention")
            cores = 3 + (step.recompute != "none")
            macs["attention"] += cores * number * sequences * mixing_macs(layer.attention, whole, layout.tp)
            if step.fused:  # the backward pass makes the scores again, and not the sums of values
                macs["attention"] += number * sequences * score_macs(layer.attention, whole, layout.tp)
        for block in layer.feed_forward:
            shared, router, experts = block_weights(block, model.width)
            held = shared / (len(chips) if layout.ffn == "all" else layout.tp)
            parts |= {SHARED if experts else DENSE: (shared / layout.tp, held, "dense"),
                      ROUTER: (router, router, "router")}  # fmt: skip
            streamed[VECTORS] += (2 + again) * number * block.vectors * size["router"]
        streamed[VECTORS] += (2 + again) * number * (layer.mixer_vectors + layer.vectors) * size["router"]
        for name, (multiplied, held, kind) in parts.items():
            macs[name] += (3 + again) * number * multiplied * tokens
            streamed[name] += (2 + again) * number * held * size[kind]
    for layer, number in model.kinds.items():
        for block in layer.feed_forward:
            for expert in block_weights(block, model.width)[2]:
                chosen, stored = block.experts_per_token / block.experts, expert + block.expert_vectors
                macs[ROUTED] += (3 + again) * number * expert * everywhere * chosen
                touched = 1 - (1 - chosen) ** everywhere
                streamed[ROUTED] += (2 + again) * number * touched * stored * size["experts"]
    for _ in chips:
        macs[UNEMBEDDING] += 3 * tokens * model.vocabulary * model.width / layout.tp
        streamed[UNEMBEDDING] += 2 * model.vocabulary * model.width / layout.tp * size["embedding"]
        streamed[VECTORS] += (2 + again) * model.vectors * size["router"]
    share = step.micro_batches(case) / len(chips) / layout.pp
    flops = Counter({name: 2 * share * number for name, number in macs.items()})
    return flops, Counter({name: share * number for name, number in streamed.items()})


def held_alike(case: Case) -> list[tuple[Counter[str], int]]:
    """Weights of each kind that a chip of the mean stage holds, with the places in a replica that hold the same: those
    that only tensor-parallel chips share, and those spread over the whole stage."""
    model, layout = case.accounts.model, case.layout
    alike, spread = Counter[str](), Counter[str]()
    for layer, number in model.kinds.items():
        if layer.attention is not None:
            alike["attention"] += number * weights_of(layer.attention, model.width, 0, layout.tp)
        alike["router"] += number * (layer.mixer_vectors + layer.vectors)
        for block in layer.feed_forward:
            shared, router, experts = block_weights(block, model.width)
            alike["router"] += number * (router + block.vectors)
            alike["dense"] += number * (0 if layout.ffn == "all" else shared / layout.tp)
            spread["dense"] += number * (shared / layout.stage if layout.ffn == "all" else 0)
            spread["experts"] += number * sum(expert + block.expert_vectors for expert in experts) / layout.stage
    tables = model.vocabulary * (1 if model.tied else 2) + model.positions
    alike["embedding"] += tables * model.width / layout.tp
    alike["router"] += model.vectors
    stage = [Counter({kind: number / layout.pp for kind, number in held.items()}) for held in (alike, spread)]
    return [(stage[0], layout.dp * layout.cp), (stage[1], 1)]


def stored(case: Case, weights: Counter[str]) -> float:
    """Bytes of weights, each kind in its own format."""
    return sum(number * sizes(case)[kind] for kind, number in weights.items())


def state_bytes(step: Step, case: Case) -> float:
    """Gradients added up micro-batch by micro-batch, then one update: by chips that share all state, or none."""
    gradient, state, total = case.number(q.gradient_bytes), case.number(q.optimizer_bytes), 0.0
    for weights, places in held_alike(case):
        copies = places * case.layout.replicas
        own = weights.total() / (copies if step.zero else 1)
        summed = own if step.zero >= 2 else weights.total()
        for micro_batch in range(step.micro_batches(case)):
            total += summed * gradient * (1 if micro_batch == 0 else 2)  # the first only writes
        renewed = stored(case, weights) / (copies if step.zero == 3 else 1)  # with 1 and 2 all are gathered, and kept
        total += own * (gradient + state + state) + renewed
    return total


# --- by hand: messages ---------------------------------------------------------------------------------------------
def gradient_messages(step: Step, case: Case) -> Counter[str]:
    """Bytes by tier: reduce-scatters of gradients and all-gathers of weights among chips that hold the same."""
    layout, net = case.layout, Network(int(case.number(q.scale_up_domain)))
    gradient, passes = case.number(q.gradient_bytes), step.micro_batches(case)
    for (weights, places), first in product(held_alike(case), range(layout.stage)):
        if places > 1 and first >= layout.tp:
            continue
        chips = [first + place * layout.tp + copy * layout.stage * layout.pp
                 for copy in range(layout.replicas) for place in range(places)]  # fmt: skip
        share = weights.total() / len(chips)
        for _ in range(passes if step.zero >= 2 else 1):
            net.gather(chips, share * gradient)  # a reduce-scatter: the same messages the other way round
        for _ in range({0: 0, 1: 1, 2: 1, 3: 2 * passes}[step.zero]):
            net.gather(chips, stored(case, weights) / len(chips))
        if step.zero == 0:
            net.gather(chips, share * gradient)
    return Counter({tier: number / layout.stage / layout.replicas for tier, number in net.bytes.items()})


def activation_messages(step: Step, case: Case) -> tuple[Counter[str], Counter[str]]:
    """Bytes by tier of tensor- and expert-parallel chips, and of hops between stages: forward, backward, again."""
    model, layout, domain = case.accounts.model, case.layout, int(case.number(q.scale_up_domain))
    passed = step.micro_batches(case) * layout.replicas * layout.dp * step.microbatch * step.sequence
    work = Work(passed, 0, dispatch=case.number(q.dispatch_bytes), domain=domain)  # already shared out over stages
    up, out = messages(model, layout, work)
    hops, around, gathers = Network(domain), Network(domain), Network(domain)
    tokens = passed / layout.replicas / layout.pp / layout.dp
    for hop, chip in product(range(layout.pp - 1), range(layout.stage)):
        size = tokens / layout.tp * model.width * work.sent / layout.stage
        hops.message(hop * layout.stage + chip, (hop + 1) * layout.stage + chip, size)
        hops.message((hop + 1) * layout.stage + chip, hop * layout.stage + chip, size)
    for _, chip in product(range(1, step.interleave), range(layout.stage)):  # around once more for each chunk
        last = (layout.pp - 1) * layout.stage + chip
        places = [hop * layout.stage + chip for hop in range(layout.pp)]
        for here, there in [(last, chip), *pairwise(places)]:
            around.message(here, there, size)
            around.message(there, here, size)
    passes, inputs = 2 + (step.recompute == "full"), step.sequence_parallel and step.recompute != "full"
    for _ in range(sum(number * layer.sums for layer, number in model.kinds.items()) if inputs else 0):
        gathers.gather(list(range(layout.tp)), tokens * model.width * work.sent / layout.tp / layout.tp)
    total = Counter({tier: passes * (number - hops.bytes[tier] / 2) + gathers.bytes[tier]
                     for tier, number in (("up", up), ("out", out))})  # fmt: skip
    return total, hops.bytes + around.bytes
