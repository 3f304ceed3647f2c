"""The ledger of a training step, from that of a forward pass: what each line costs one chip of the mean stage.

A micro-batch passes all stages one after another, so that the forward ledger sums over all layers; a stage has 1/P of
them, and m micro-batches pass it.
"""

from dataclasses import dataclass
from functools import cache, cached_property

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.mixing import score_flops
from steptime.model.architecture.stream import Stream
from steptime.model.architecture.transformer import Transformer
from steptime.model.choices import PhaseName, Recompute
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import SYMBOLIC, Degrees
from steptime.model.network.collectives import all_gather, all_reduce, group, reduce_scatter
from steptime.model.phases import prefill
from steptime.model.phases.ledger import Ledger, Row, joined
from steptime.model.phases.phase import Phase
from steptime.model.phases.replicated import Replicated, replicated_weights
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
        """Forward passes' worth of FLOP of a line: three, and one where the backward pass runs it again; what a fused
        kernel makes again is no whole pass (`scored_again`)."""
        choices = self.phase.choices
        again = choices.runs_layers_again and name != OperationName.UNEMBEDDING
        steps_again = choices.recompute == Recompute.SELECTIVE and not choices.fused
        scores_again = steps_again and name == OperationName.SCORES
        return FORWARD_AND_BACKWARD + int(again or scores_again)

    @cached_property
    def scored_again(self) -> Row:
        """The scores that a fused kernel makes once more in its backward pass, split as attention is."""
        scored = [number * score_flops(mixer, self.phase.streams) for mixer, number in self.model.mixers]
        return Row(OperationName.SCORES, sympy.Add(*scored) if self.phase.choices.fused else zero, self.degrees.stage)

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
        shared = row.operation == OperationName.TENSOR_SUMS and self.phase.choices.sequence_parallel
        # Scattered, and gathered after norm and dropout; sums inside a mixer stay whole.
        once = self.stream_gathers.times(2) + self.forward.sums_within() if shared else row.moved
        return once.times(self.network_passes(row.operation))

    @cached_property
    def stream_gathers(self) -> Transfer:
        """A gather of the stream by tensor-parallel chips for each of its sums, in one forward pass of a micro-batch; a
        scatter moves the same bytes back."""
        held = self.forward.tokens / self.forward.groups * self.model.width * reduce_bytes
        sums = sum(number * layer.sums for layer, number in self.model.kinds.items())
        return all_gather(held, group(self.degrees.tp, one, self.plan.axes)).times(sums)

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """Forward, backward and recomputation of each line; gathers of sequence parallelism; gradients; optimizer."""
        again = self.forward.operation(self.scored_again).flops * self.share * (1 + q.bubble_ratio)
        scored = [Operation(OperationName.ATTENTION, again)] if again != 0 else []
        lines = list(joined([*map(self.operation, self.forward.rows), *scored]))
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
        return self.stream_gathers.times(self.share)

    @cached_property
    def replicated(self) -> tuple[Replicated, ...]:
        """Weights that several chips hold alike."""
        return replicated_weights(self.forward)

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
        passes = [(self.flop_passes(row.operation), row) for row in rows if row.flops != 0]
        once_more = self.scored_again
        per_chip = sympy.Add(*[times * row.flops / row.flop_ways for times, row in passes])
        per_chip += once_more.flops / once_more.flop_ways
        ways = [row.flop_ways for row in (*(row for _, row in passes), *([once_more] if once_more.flops != 0 else []))]
        again = [(times - FORWARD_AND_BACKWARD) * row.flops for times, row in passes]
        run_again = sympy.Add(*again, once_more.flops)
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
        own |= {q.recomputed_flops: run_again}
        return {
            **found,
            q.model_flops: phase.flops_per_sequence,
            q.recomputed_flops: run_again,
            q.compute_shards: shards(ways, total, per_chip, own),
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
