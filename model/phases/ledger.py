"""The ledger of a pass: one row for each thing that is multiplied, read or sent, with the shapes of a real architecture
and layout in it.

Rows are enumerated once and read both ways. As *operations* they are lines in bytes and FLOP of one chip, which the
three terms sum. As *slots* they define the blackboard's symbols so that its terms are those sums exactly. All stages of
a pipeline are traversed one after another, so a row sums over all layers. What a pass works on, one token of each
sequence or a whole prompt, is its `Phase`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.mixer import Matrix
from steptime.model.architecture.transformer import DenseFeedForward, ExpertFeedForward, Layer
from steptime.model.choices import Experts, Split, Weight
from steptime.model.extremes import at_least, at_most
from steptime.model.network.experts import distinct_experts
from steptime.model.phases.decode import DECODE
from steptime.model.phases.loads import loads
from steptime.model.phases.phase import weight_traffic
from steptime.model.phases.shards import AMOUNTS, shards
from steptime.model.phases.traffic import Pass
from steptime.model.symbols import bytes_per_weight, context, expert_load, flops_per_mac, micro_batch, parameters_read
from steptime.model.terms import Operation, OperationName, Transfer, one, zero

from steptime.model.architecture.mixing import (  # isort: skip
    attention_flops, cache_bytes, cache_read, cache_written, choosing_flops, state_moved,
)  # fmt: skip

NOTHING = Transfer()


@dataclass(frozen=True)
class Row:
    """One row: what it costs, and the ways that each cost is split over the chips of a stage.

    ``flops`` of each sequence of the micro-batch; ``weights`` of one ``kind`` that each pass reads; ``read`` and
    ``written`` bytes of cache and state of each sequence; ``moved`` what one chip sends.
    """

    operation: OperationName
    flops: Expr = zero
    flop_ways: Expr = one
    weights: Expr = zero
    kind: Weight = Weight.ROUTER
    weight_ways: Expr = one
    read: Expr = zero
    written: Expr = zero
    cache_ways: Expr = one
    moved: Transfer = NOTHING


def touched_experts(block: ExpertFeedForward, read: Experts, tokens: Expr = micro_batch) -> Expr:
    """Expected distinct experts that tokens touch: N_e (1 - (1 - k/N_e)^n), every token choosing uniformly."""
    if read == Experts.ALL:
        return sympy.Integer(block.experts)
    return distinct_experts(sympy.Integer(block.experts), sympy.Integer(block.experts_per_token), tokens)


@dataclass(frozen=True)
class Ledger(Pass):
    """The ledger of one architecture at given degrees of parallelism."""

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Every row: weights that all tokens multiply, routed experts, attention and its cache, norms, collectives."""
        layers = self.model.kinds.items()
        return (
            *(row for layer, number in layers for row in self.dense_rows(layer, number)),
            self.unembedding,
            *(self.expert_row(block, number) for number, block in self.expert_layers),
            *self.attention_rows(),
            *self.cache_rows(),
            Row(OperationName.NORMS, weights=sympy.Integer(self.model.vector_weights)),
            *(Row(name, moved=moved) for name, moved in self.collectives()),
        )

    # --- weights -----------------------------------------------------------------------------------------------------
    def dense_rows(self, layer: Layer, number: int) -> Iterator[Row]:
        """What every token multiplies in all layers of one kind."""
        width, router, everyone = self.model.width, Weight.ROUTER, self.plan.ffn == Split.STAGE
        whole, split = (self.degrees.stage,) * 2 if everyone else (self.degrees.tp, self.slices)
        for matrix in layer.matrices(width):
            ways = self.ways(matrix)
            yield self.multiplied(OperationName.PROJECTIONS, number * matrix.weights, Weight.ATTENTION, ways,
                                  ways * self.groups)  # fmt: skip
        if layer.mixing:
            yield self.multiplied(OperationName.PROJECTIONS, number * layer.mixing, router, one, self.groups)
        for block in layer.feed_forward:
            if isinstance(block, DenseFeedForward):
                weights = number * block.weights(width)
                yield self.multiplied(OperationName.DENSE, weights, Weight.DENSE, whole, split)
                continue
            yield self.multiplied(OperationName.ROUTER, number * block.router_weights(width), router, one, self.groups)
            if shared := number * block.shared_weights(width):
                yield self.multiplied(OperationName.SHARED, shared, Weight.DENSE, whole, split)

    def multiplied(self, name: OperationName, weights: Expr | int, kind: Weight, ways: Expr, split: Expr) -> Row:
        """Weights that every token multiplies, held by ``ways`` chips; their multiply-adds are ``split``."""
        number = sympy.sympify(weights, strict=True)
        return Row(name, flops_per_mac * number * self.phase.tokens, split, number, kind, ways)

    @property
    def unembedding(self) -> Row:
        """Only predicted tokens need it."""
        weights = sympy.sympify(self.model.unembedding_weights, strict=True)
        flops = flops_per_mac * weights * self.phase.predicted
        kind = Weight.EMBEDDING if self.model.tied else Weight.UNEMBEDDING
        return Row(OperationName.UNEMBEDDING, flops, self.slices, weights, kind, self.degrees.tp)

    def ways(self, matrix: Matrix) -> Expr:
        """Chips that share a matrix: tp, or fewer where it cannot be split so far."""
        return self.degrees.tp if matrix.split is None else at_most(self.degrees.tp, sympy.Integer(matrix.split))

    def expert_row(self, block: ExpertFeedForward, number: int) -> Row:
        """Routed experts of all layers of one kind: those chosen are multiplied, those touched are read.

        The mean over the chips of a stage; a chip that works at all multiplies one token by one expert or slice, and
        reads it.
        """
        weights, stage, ep = block.expert_weights(self.model.width), self.degrees.stage, self.degrees.ep
        chosen = flops_per_mac * number * block.experts_per_token * weights * self.phase.tokens
        touched = touched_experts(block, self.plan.experts, self.tokens / self.phase.passes)
        one_expert = number * (weights + block.expert_vectors)
        read = one_expert * touched
        flop_ways, read_ways = stage / expert_load, stage
        if not self.is_mean and ep != 1:
            copies = block.experts_per_token * self.tokens / self.phase.passes
            flop_ways = stage * copies / at_least(ep, copies * expert_load)
            read_ways = read / (one_expert * at_least(ep, touched) / stage)
        return Row(OperationName.ROUTED, chosen, flop_ways, read, Weight.EXPERTS, read_ways)

    # --- attention ---------------------------------------------------------------------------------------------------
    def attention_rows(self) -> Iterator[Row]:
        """Scores and sums, split by heads too; choosing tokens, which tensor parallelism does not split."""
        tp, streams, mixers = self.degrees.tp, self.phase.streams, self.model.mixers
        shared = self.ranks * self.degrees.cp
        for mixer, number in mixers:
            if flops := number * attention_flops(mixer, streams):
                yield Row(OperationName.SCORES, flops, tp * shared)
        for mixer, number in mixers:
            if flops := number * choosing_flops(mixer, streams):
                yield Row(OperationName.SCORES, flops, shared)

    def cache_rows(self) -> Iterator[Row]:
        """Each kind of mixer's cache, split by its own heads, and its state, split by all heads."""
        tp, streams, shared = self.degrees.tp, self.phase.streams, self.ranks * self.degrees.cp
        for mixer, number in self.model.mixers:
            read, written = number * cache_read(mixer, streams), number * cache_written(mixer, streams)
            if read or written:
                ways = at_most(tp, sympy.Integer(mixer.cache_split)) * shared
                yield Row(OperationName.SCORES, read=read, written=written, cache_ways=ways)
            if state := number * state_moved(mixer, streams):
                yield Row(OperationName.SCORES, written=state, cache_ways=tp * shared)

    # --- read both ways ----------------------------------------------------------------------------------------------
    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """What each operation costs one chip in one step."""
        lines = tuple(joined(self.operation(row) for row in self.rows))
        return lines if self.phase.traversed == 1 else tuple(line.times(self.phase.traversed) for line in lines)

    def operation(self, row: Row) -> Operation:
        """One row in the bytes and FLOP of one chip."""
        cache = (row.read + row.written) * micro_batch / row.cache_ways
        streamed = self.phase.passes * self.plan.bytes_of(row.kind) * row.weights / row.weight_ways
        network = (row.moved,) if row.moved != NOTHING else ()
        return Operation(row.operation, row.flops * micro_batch / row.flop_ways, streamed + cache, network)

    @cached_property
    def slots(self) -> dict[Symbol, Expr]:
        """Definitions that make the blackboard's terms equal to the ledger's sums."""
        phase, rows = self.phase, self.rows
        multiplied = [row for row in rows if row.flops != 0]
        streamed = [row for row in rows if row.weights != 0]
        cached = [row for row in rows if row.read != 0 or row.written != 0]
        bytes_of = self.plan.bytes_of if self.plan.mixed else lambda kind: one
        read, written = sympy.Add(*[row.read for row in cached]), sympy.Add(*[row.written for row in cached])
        stored = sympy.Add(*[bytes_of(row.kind) * row.weights for row in streamed])
        flops_per_chip = sympy.Add(*[row.flops / row.flop_ways for row in multiplied])
        weights_per_chip = sympy.Add(*[bytes_of(row.kind) * row.weights / row.weight_ways for row in streamed])
        kv_per_chip = sympy.Add(*[(row.read + row.written) / row.cache_ways for row in cached])
        moved = sum((row.moved for row in rows), Transfer())
        attention = [row.flops for row in rows if row.operation == OperationName.SCORES]
        found = {
            **phase.definitions,
            **loads(phase, self.plan.load, self.ranks_meet),
            q.stage_chips: self.degrees.stage,
            q.parameters: sympy.sympify(self.model.parameters, strict=True),
            q.active_parameters: sympy.sympify(self.model.active_parameters, strict=True),
            q.unembedding_parameters: sympy.sympify(self.model.unembedding_weights, strict=True),
            q.parameters_read: sympy.Add(*[row.weights for row in streamed]),
            q.attention_flops: sympy.Add(*attention) / phase.pairs,
            q.kv_bytes: sympy.Add(*[row.read / context for row in cached]),
            q.kv_written: written,
            q.scale_up_bytes: self.per_token(moved.scale_up),
            q.scale_out_bytes: self.per_token(moved.scale_out),
            q.scale_up_starts: phase.traversed * moved.scale_up_starts,
            q.scale_out_starts: phase.traversed * moved.scale_out_starts,
        }
        if self.plan.mixed:  # one weight's bytes on average over those that are read
            found[bytes_per_weight] = stored / found[parameters_read]
        if phase is not DECODE:
            held = sympy.Add(*[n * cache_bytes(mixer, phase.held) / phase.held for mixer, n in self.model.mixers])
            found |= {q.kv_read: read, q.kv_bytes: held}
        own = {symbol: found[symbol] for symbol in AMOUNTS if symbol in found}
        total = weight_traffic if self.plan.mixed else parameters_read
        return found | {
            q.compute_shards: shards([r.flop_ways for r in multiplied], phase.flops_per_sequence, flops_per_chip, own),
            q.weight_shards: shards([row.weight_ways for row in streamed], total, weights_per_chip, own),
            q.kv_shards: shards([row.cache_ways for row in cached], phase.kv_traffic, kv_per_chip, own),
        }

    def per_token(self, moved: Expr) -> Expr:
        """Bytes a token of the micro-batch; at the mean load they are those of a micro-batch of one token, since every
        transfer is proportional to it."""
        return moved.xreplace({micro_batch: 1 / self.phase.tokens}) if self.is_mean else moved / self.tokens


def joined(operations: Iterable[Operation]) -> Iterable[Operation]:
    """Rows of one operation added up, in order of first appearance."""
    lines: dict[OperationName, Operation] = {}
    for line in operations:
        before = lines.get(line.name)
        lines[line.name] = line if before is None else before + line
    return lines.values()
