"""The ledger of a training step, from that of a forward pass: what each line costs one chip of the mean stage.

A micro-batch passes all stages one after another, so that the forward ledger sums over all layers; a stage has 1/P of
them, and m micro-batches pass it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.stream import Stream
from steptime.model.architecture.transformer import Transformer
from steptime.model.choices import PhaseName, Recompute, Split
from steptime.model.layout.choices import Plan, Weight
from steptime.model.layout.layout import SYMBOLIC, Degrees
from steptime.model.network.collectives import Group, all_gather, all_reduce, group, reduce_scatter
from steptime.model.phases import prefill
from steptime.model.phases.ledger import Ledger, Row, joined
from steptime.model.phases.phase import Phase
from steptime.model.phases.shards import AMOUNTS, shards
from steptime.model.phases.train import TrainPhase, forward_flops
from steptime.model.terms import FORWARD_AND_BACKWARD, Operation, OperationName, Transfer, one, zero

from steptime.model.symbols import (  # isort: skip
    gradient_bytes, micro_batches, optimizer_bytes, reduce_bytes, sequence, weight_passes,
)  # fmt: skip


@cache
def forward_phase(streams: tuple[Stream, ...]) -> Phase:
    """A forward pass of training, which is the same whatever the choices of the backward pass."""
    board = prefill.terms_of(forward_flops, zero, sequence, one)
    return Phase(PhaseName.PREFILL, board, streams, forward_flops, zero, sequence)


@cache
def forward_ledger(model: Transformer, plan: Plan, degrees: Degrees, streams: tuple[Stream, ...]) -> Ledger:
    """One forward ledger for all choices of training, which a search goes through by the dozen."""
    return Ledger(model, plan, degrees, forward_phase(streams))


@dataclass(frozen=True)
class Replicated:
    """Weights of one chip of the mean stage that a group of chips each hold, and must keep equal: how many, and the
    bytes that store them."""

    weights: Expr
    stored: Expr
    over: Group


@dataclass(frozen=True)
class TrainLedger:
    """The ledger of one architecture in training at given degrees of parallelism."""

    model: Transformer
    plan: Plan
    phase: TrainPhase
    degrees: Degrees = SYMBOLIC

    @cached_property
    def forward(self) -> Ledger:
        """The forward pass of one micro-batch through all stages."""
        return forward_ledger(self.model, self.plan, self.degrees, self.phase.streams)

    @property
    def share(self) -> Expr:
        """Micro-batches that pass a stage, each through 1/P of the layers."""
        return micro_batches / self.degrees.pp

    def flop_passes(self, name: OperationName) -> int:
        """Forward passes' worth of FLOP of a line: three, and one where the backward pass runs it again."""
        choices = self.phase.choices
        again = choices.runs_layers_again and name != OperationName.UNEMBEDDING
        scores_again = choices.recompute == Recompute.SELECTIVE and name == OperationName.SCORES
        return FORWARD_AND_BACKWARD + int(again or scores_again)

    def weight_passes(self, name: OperationName) -> Expr:
        """Times that a micro-batch streams the weights of a line; the unembedding is never run again."""
        return sympy.Integer(2) if name == OperationName.UNEMBEDDING else weight_passes

    def network_passes(self, name: OperationName) -> Expr:
        """Times that a line's transfer happens: forward, backward, and where layers run again.

        Keys and values of other chips' tokens are needed again in the backward pass, and their gradients go back.
        """
        both = 3 if name == OperationName.CONTEXT else 2
        return sympy.Integer(both + int(self.phase.choices.runs_layers_again))

    def moved(self, row: Row) -> Transfer:
        """A row's transfers for one micro-batch: with v chunks of layers a stage sends v times each way, and the last
        sends to the first between them."""
        if row.operation == OperationName.SENDS:
            back = self.forward.send_back()
            return row.moved.times(2 * q.interleave) + back.times(2 * (q.interleave - 1))
        return row.moved.times(self.network_passes(row.operation))

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """Forward, backward and recomputation of each line; gathers of sequence parallelism; gradients; optimizer."""
        lines = list(joined(self.operation(row) for row in self.forward.rows))
        gathers, gradients = self.gathers_of_inputs(), self.gradients()
        if gathers != Transfer():
            lines.append(Operation(OperationName.INPUT_GATHERS, network=(gathers,)))
        if gradients != Transfer():
            lines.append(Operation(OperationName.REPLICAS, network=(gradients,)))
        return (*lines, Operation(OperationName.STATE, memory_bytes=self.state_traffic()))

    def operation(self, row: Row) -> Operation:
        """A row of the forward ledger in the bytes and FLOP of one chip and step; scores read no cache."""
        line, name = self.forward.operation(row), row.operation
        flops = self.flop_passes(name) * line.flops * self.share * (1 + q.bubble_ratio)
        network = (self.moved(row).times(self.share),) if line.network else ()
        if name == OperationName.SCORES:
            return Operation(OperationName.ATTENTION, flops, network=network)
        return Operation(name, flops, self.weight_passes(name) * line.memory_bytes * self.share, network)

    # --- what is added to forward and backward ----------------------------------------------------------------------
    def gathers_of_inputs(self) -> Transfer:
        """Sequence parallelism keeps each block's input in shares, and gathers it again for the weights' gradient.

        Where layers run again they gather it anyway.
        """
        if not self.phase.choices.sequence_parallel or self.phase.choices.runs_layers_again:
            return Transfer()
        held = self.forward.tokens / self.forward.groups * self.model.width * reduce_bytes
        blocks = sum(number * layer.sums for layer, number in self.model.kinds.items())
        return all_gather(held, group(self.degrees.tp, one, self.plan.axes)).times(blocks * self.share)

    @cached_property
    def replicated(self) -> tuple[Replicated, ...]:
        """Weights that data- and context-parallel chips and replicas hold alike, and those that only replicas do.

        Routed experts, and with ffn=all dense blocks, are spread over the whole stage.
        """
        d, width = self.degrees, self.model.width
        alike, spread = dict.fromkeys(Weight, zero), dict.fromkeys(Weight, zero)
        for row in self.forward.rows:
            if row.kind == Weight.EXPERTS:
                continue  # what a pass reads of them is less than what is held
            whole_stage = row.kind == Weight.DENSE and self.plan.ffn == Split.STAGE
            (spread if whole_stage else alike)[row.kind] += row.weights / row.weight_ways
        untied = 0 if self.model.tied else self.model.embedding
        alike[Weight.EMBEDDING] += (untied + self.model.positions * width) / d.tp
        for number, block in self.forward.expert_layers:
            one_expert = block.expert_weights(width) + block.expert_vectors
            spread[Weight.EXPERTS] += number * block.experts * one_expert / d.stage
        across = group(d.replicas, d.stage * d.pp, self.plan.axes)
        within = group(d.dp * d.cp, d.tp, self.plan.axes)
        everyone = Group(within.size * across.size, within.inside * across.inside, self.plan.axes)
        found = (self._replicated(alike, everyone), self._replicated(spread, across))
        return tuple(part for part in found if part.weights != 0)

    def _replicated(self, held: Mapping[Weight, Expr], over: Group) -> Replicated:
        """Weights of each kind over all stages, as those of one; each kind in its own format."""
        stored = sympy.Add(*[self.plan.bytes_of(kind) * number for kind, number in held.items()])
        return Replicated(sympy.Add(*held.values()) / self.degrees.pp, stored / self.degrees.pp, over)

    def gradients(self) -> Transfer:
        """Sums of gradients over the chips that hold the same weights, and what ZeRO gathers of the weights.

        ZeRO 0 adds all gradients once a step; 1 gives each chip its share of the sum and gathers the new weights; from
        2 on a chip keeps only its share of the gradients, so that each micro-batch's are added; 3 gathers the weights
        for forward and backward of each micro-batch.
        """
        zero, total = self.phase.choices.zero, Transfer()
        for part in self.replicated:
            volume = gradient_bytes * part.weights
            if zero == 0:
                total += all_reduce(volume, part.over, self.plan.in_switch)
                continue
            total += reduce_scatter(volume, part.over).times(micro_batches if zero >= 2 else 1)
            total += all_gather(part.stored, part.over).times(2 * micro_batches if zero == 3 else 1)
        return total

    def state_traffic(self) -> Expr:
        """Bytes of memory beside the passes: gradients added up over micro-batches, and the optimizer's update.

        Every micro-batch but the first reads the sum of gradients, each writes it. The update reads gradient and state
        and writes state and weight, of a chip's share of them with ZeRO; all its new weights with ZeRO 1 and 2, which
        gather them.
        """
        zero, total = self.phase.choices.zero, sympy.Integer(0)
        for part in self.replicated:
            kept = part.weights / (part.over.size if zero >= 2 else 1)
            updated = part.weights / (part.over.size if zero >= 1 else 1)
            total += (2 * micro_batches - 1) * gradient_bytes * kept
            renewed = part.stored / (part.over.size if zero == 3 else 1)
            total += (2 * optimizer_bytes + gradient_bytes) * updated + renewed
        return total

    # --- the slots -------------------------------------------------------------------------------------------------
    @cached_property
    def slots(self) -> dict[Symbol, Expr]:
        """Definitions that make the blackboard's terms equal to the ledger's sums."""
        phase, rows, found = self.phase, self.forward.rows, self.forward.slots
        multiplied = [row for row in rows if row.flops != 0]
        per_chip = sympy.Add(*[self.flop_passes(r.operation) * r.flops / r.flop_ways for r in multiplied])
        again = [(self.flop_passes(row.operation) - FORWARD_AND_BACKWARD) * row.flops for row in multiplied]
        total = phase.flops_per_sequence + q.recomputed_flops
        bytes_of = self.plan.bytes_of if self.plan.mixed else lambda kind: one
        weights = [(row.operation, bytes_of(row.kind) * row.weights, row.weight_ways) for row in rows]
        read = sympy.Add(*[stored for _, stored, _ in weights])
        streamed = sympy.Add(*[self.weight_passes(name) * stored / ways for name, stored, ways in weights])
        moved = sum((self.moved(row) for row in rows), Transfer())
        gathers, gradients = self.gathers_of_inputs(), self.gradients()
        one_token, tokens = {q.micro_batch: 1 / q.sequence}, q.micro_batch * q.sequence * self.share
        starts = moved.times(self.share) + gathers + gradients
        own = {symbol: found[symbol] for symbol in AMOUNTS if symbol in found}
        own |= {q.recomputed_flops: sympy.Add(*again)}
        return {
            **found,
            q.model_flops: phase.flops_per_sequence,
            q.recomputed_flops: sympy.Add(*again),
            q.compute_shards: shards([row.flop_ways for row in multiplied], total, per_chip, own),
            q.weight_shards: weight_passes * read / streamed,
            q.scale_up_bytes: moved.scale_up.xreplace(one_token) + gathers.scale_up / tokens,
            q.scale_out_bytes: moved.scale_out.xreplace(one_token) + gathers.scale_out / tokens,
            q.scale_up_starts: starts.scale_up_starts,
            q.scale_out_starts: starts.scale_out_starts,
            q.state_traffic: self.state_traffic(),
            q.gradient_up_bytes: gradients.scale_up,
            q.gradient_out_bytes: gradients.scale_out,
            **phase.definitions,
        }
