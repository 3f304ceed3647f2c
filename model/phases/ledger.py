"""The ledger of a pass: one line an operation, with the shapes of a real architecture and layout in it.

`Ledger.slots` defines the blackboard's symbols so that its terms are the ledger's sums exactly. All stages of a
pipeline are traversed one after another, so a line sums over all layers; it is per chip. What a pass works on, one
token of each sequence or a whole prompt, is its `Phase`.
"""

from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.attention import Attention, Matrix
from steptime.model.architecture.mixing import (
    attention_flops,
    cache_bytes,
    cache_read,
    cache_written,
    choosing_flops,
    state_moved,
)
from steptime.model.architecture.transformer import DenseFeedForward, ExpertFeedForward, Transformer
from steptime.model.extremes import at_most
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import SYMBOLIC, Degrees
from steptime.model.network.experts import distinct_experts
from steptime.model.phases.decode import DECODE, micro_batch_of_batch
from steptime.model.phases.phase import Phase, weight_traffic
from steptime.model.phases.shards import AMOUNTS, shards
from steptime.model.phases.traffic import Traffic
from steptime.model.symbols import bytes_per_weight, context, expert_load, flops_per_mac, micro_batch, parameters_read
from steptime.model.terms import Operation, Transfer

__all__ = ["Ledger", "Plan", "touched_experts"]


@dataclass(frozen=True)
class Weights:
    """Weights that every token multiplies: the operation, how many, what kind; chips that share them, and ways that
    their multiply-adds are split; whether only predicted tokens need them."""

    operation: str
    number: Expr
    kind: str
    ways: Expr
    split: Expr
    only_predicted: bool = False


def touched_experts(block: ExpertFeedForward, plan: Plan, tokens: Expr = micro_batch) -> Expr:
    """Expected distinct experts that tokens touch: N_e (1 - (1 - k/N_e)^n), every token choosing uniformly."""
    if plan.experts == "all":
        return sympy.Integer(block.experts)
    return distinct_experts(sympy.Integer(block.experts), sympy.Integer(block.experts_per_token), tokens)


@dataclass(frozen=True)
class Ledger:
    """The ledger of one architecture at given degrees of parallelism, with the amounts that its slots average."""

    model: Transformer
    plan: Plan
    degrees: Degrees = SYMBOLIC
    phase: Phase = DECODE

    @property
    def groups(self) -> Expr:
        """Groups of chips with a share of the batch of their own, each holding its tokens on tp chips."""
        return self.degrees.dp * self.degrees.cp

    @property
    def tokens(self) -> Expr:
        """Tokens that a stage works on in one micro-batch."""
        return micro_batch * self.phase.tokens

    def ways(self, matrix: Matrix) -> Expr:
        """Chips that share a matrix: tp, or fewer where it cannot be split so far."""
        return self.degrees.tp if matrix.split is None else at_most(self.degrees.tp, sympy.Integer(matrix.split))

    @property
    def dense_ways(self) -> Expr:
        """Chips that share a dense feed-forward block."""
        return self.degrees.stage if self.plan.ffn == "all" else self.degrees.tp

    @cached_property
    def matrices(self) -> list[Weights]:
        """Weights that every token multiplies."""
        tp, stage, width = self.degrees.tp, self.degrees.stage, self.model.width
        found: list[Weights] = []
        for layer, number in self.model.kinds.items():
            for matrix in layer.matrices(width):
                weights, ways = sympy.Integer(number * matrix.weights), self.ways(matrix)
                found.append(Weights("attention projections", weights, "attention", ways, ways * self.groups))
            for block in layer.feed_forward:
                if isinstance(block, DenseFeedForward):
                    weights = sympy.Integer(number * block.weights(width))
                    found.append(Weights("dense feed-forward", weights, "dense", self.dense_ways, stage))
                else:
                    router = sympy.Integer(number * block.router_weights(width))
                    shared = sympy.Integer(number * block.shared_weights(width))
                    found.append(Weights("router", router, "router", sympy.S.One, self.groups))
                    found.append(Weights("shared experts", shared, "dense", self.dense_ways, stage))
        last = sympy.Integer(self.model.embedding)
        found.append(Weights("unembedding", last, "embedding", tp, stage, only_predicted=True))
        return [row for row in found if row.number != 0]

    def expert_layers(self) -> list[tuple[int, ExpertFeedForward]]:
        """Layers of each kind with routed experts."""
        blocks = [(number, block) for layer, number in self.model.kinds.items() for block in layer.feed_forward]
        return [(number, block) for number, block in blocks if isinstance(block, ExpertFeedForward)]

    def vectors(self) -> int:
        """Norm weights and biases, which nothing splits."""
        total = self.model.vectors
        for layer, number in self.model.kinds.items():
            total += number * (layer.vectors + layer.mixer_vectors + sum(b.vectors for b in layer.feed_forward))
        return total

    def weight_flops(self, row: Weights) -> Expr:
        """FLOP of a matrix for each sequence of the micro-batch."""
        return flops_per_mac * row.number * (self.phase.predicted if row.only_predicted else self.phase.tokens)

    def multiplied(self) -> list[tuple[Expr, Expr]]:
        """FLOP for each sequence of the micro-batch, and ways they are split, of every operation that computes."""
        stage = self.degrees.stage
        rows = [(self.weight_flops(row), row.split) for row in self.matrices]
        rows += [(self.expert_flops(n, block), stage / expert_load) for n, block in self.expert_layers()]
        return rows + self.attention_split()

    def attention_split(self) -> list[tuple[Expr, Expr]]:
        """FLOP of attention for each sequence, and ways they are split: choosing tokens not by tensor parallelism."""
        rows = [(self.score_flops(mixer, n), self.degrees.stage) for mixer, n in self.model.mixers]
        rows += [(self.choosing_flops(mixer, n), self.groups) for mixer, n in self.model.mixers]
        return [row for row in rows if row[0] != 0]

    def streamed(self) -> list[tuple[Expr, str, Expr]]:
        """Weights that one pass reads, their kind, and chips that share them."""
        rows = [(row.number, row.kind, row.ways) for row in self.matrices]
        rows += [(self.expert_weights(n, block), "experts", self.degrees.stage) for n, block in self.expert_layers()]
        return [*rows, (sympy.Integer(self.vectors()), "router", sympy.S.One)]

    def cached(self) -> list[tuple[Expr, Expr, Expr]]:
        """Bytes read and written of each kind of mixer's cache and state, for each sequence of the micro-batch, and
        ways they are split: a cache by its heads, a state by all heads."""
        tp, streams, rows = self.degrees.tp, self.phase.streams, []
        for mixer, number in self.model.mixers:
            cache = at_most(tp, sympy.Integer(mixer.cache_split)) * self.groups
            rows.append((number * cache_read(mixer, streams), number * cache_written(mixer, streams), cache))
            state = number * state_moved(mixer, streams)
            rows.append((sympy.S.Zero, state, tp * self.groups))
        return [row for row in rows if row[0] != 0 or row[1] != 0]

    def expert_flops(self, number: int, block: ExpertFeedForward) -> Expr:
        chosen = flops_per_mac * number * block.experts_per_token * block.expert_weights(self.model.width)
        return chosen * self.phase.tokens

    def expert_weights(self, number: int, block: ExpertFeedForward) -> Expr:
        one_expert = block.expert_weights(self.model.width) + block.expert_vectors
        return number * one_expert * touched_experts(block, self.plan, self.tokens / self.phase.passes)

    def score_flops(self, mixer: Attention, number: int) -> Expr:
        return number * attention_flops(mixer, self.phase.streams)

    def choosing_flops(self, mixer: Attention, number: int) -> Expr:
        return number * choosing_flops(mixer, self.phase.streams)

    @property
    def attention_flops(self) -> Expr:
        """FLOP of attention, all of it, for each sequence of the micro-batch."""
        return sympy.Add(*[self.score_flops(m, n) + self.choosing_flops(m, n) for m, n in self.model.mixers])

    # --- the operations --------------------------------------------------------------------------------------------
    def operations(self) -> tuple[Operation, ...]:
        """The ledger: what each operation costs one chip in one step."""
        passes, stage, lines = self.phase.passes, self.degrees.stage, dict[str, Operation]()

        def add(name: str, flops: Expr, memory_bytes: Expr) -> None:
            before = lines.get(name, Operation(name))
            lines[name] = Operation(name, before.flops + flops, before.memory_bytes + memory_bytes)

        for row in self.matrices:
            read = passes * self.plan.bytes_of(row.kind) * row.number / row.ways
            add(row.operation, self.weight_flops(row) * micro_batch / row.split, read)
        for number, block in self.expert_layers():
            flops = self.expert_flops(number, block) * expert_load * micro_batch / stage
            read = passes * self.plan.bytes_of("experts") * self.expert_weights(number, block) / stage
            add("routed experts", flops, read)
        scores = sympy.Add(*[flops / split for flops, split in self.attention_split()]) * micro_batch
        cache = sympy.Add(*[(read + written) * micro_batch / ways for read, written, ways in self.cached()])
        return (
            *lines.values(),
            Operation("attention over the KV cache", scores, cache),
            Operation("norms and biases", memory_bytes=passes * self.plan.bytes_of("router") * self.vectors()),
            *self.communication,
        )

    @property
    def traffic(self) -> Traffic:
        return Traffic(self.model, self.plan, self.degrees, self.phase)

    @cached_property
    def communication(self) -> tuple[Operation, ...]:
        """The collectives of a step."""
        return self.traffic.operations()

    # --- the slots -------------------------------------------------------------------------------------------------
    def slots(self) -> dict[Symbol, Expr]:
        """Definitions that make the blackboard's terms equal to the ledger's sums."""
        phase, cached = self.phase, self.cached()
        flops_per_chip = sympy.Add(*[flops / split for flops, split in self.multiplied()])
        stored = [(self.plan.bytes_of(kind) * weights, ways) for weights, kind, ways in self.streamed()]
        if not self.plan.mixed:
            stored = [(weights, ways) for weights, _, ways in self.streamed()]
        streamed = weight_traffic if self.plan.mixed else parameters_read
        weights_per_chip = sympy.Add(*[weights / ways for weights, ways in stored])
        kv_per_chip = sympy.Add(*[(read + written) / ways for read, written, ways in cached])
        read, written = sympy.Add(*[row[0] for row in cached]), sympy.Add(*[row[1] for row in cached])
        # Every transfer is proportional to the micro-batch: one token's bytes are those of a micro-batch of one token.
        moved = sum((line.traffic for line in self.communication), Transfer())
        one_token = {micro_batch: 1 / phase.tokens}
        found = {
            **phase.definitions,
            q.micro_batch: micro_batch_of_batch,
            q.stage_chips: self.degrees.stage,
            q.parameters: sympy.Integer(self.model.parameters),
            q.active_parameters: sympy.Integer(self.model.active_parameters),
            q.unembedding_parameters: sympy.Integer(self.model.embedding),
            q.parameters_read: sympy.Add(*[weights for weights, _, _ in self.streamed()]),
            q.attention_flops: self.attention_flops / phase.pairs,
            q.kv_bytes: sympy.Add(*[row[0] / context for row in cached]),
            q.kv_written: written,
            q.scale_up_bytes: moved.scale_up.xreplace(one_token),
            q.scale_out_bytes: moved.scale_out.xreplace(one_token),
            q.scale_up_starts: moved.scale_up_starts,
            q.scale_out_starts: moved.scale_out_starts,
        }
        if self.plan.mixed:  # one weight's bytes on average over those that are read
            found[bytes_per_weight] = sympy.Add(*[weights for weights, _ in stored]) / parameters_read
        if phase is not DECODE:
            held = sympy.Add(*[n * cache_bytes(mixer, phase.held) / phase.held for mixer, n in self.model.mixers])
            found |= {q.kv_read: read, q.kv_bytes: held}
        own = {symbol: found[symbol] for symbol in AMOUNTS if symbol in found}
        return found | {
            q.compute_shards: shards([s for _, s in self.multiplied()], phase.flops_per_sequence, flops_per_chip, own),
            q.weight_shards: shards([ways for _, ways in stored], streamed, weights_per_chip, own),
            q.kv_shards: shards([w for _, _, w in cached], phase.kv_traffic, kv_per_chip, own),
        }
