"""The ledger of a training step, from that of a forward pass: what each line costs one chip of the mean stage.

A micro-batch passes all stages one after another, so that the forward ledger sums over all layers; a stage has 1/P of
them, and m micro-batches pass it.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import SYMBOLIC, Degrees
from steptime.model.network.collectives import Group, all_gather, all_reduce, group, reduce_scatter
from steptime.model.phases.ledger import Ledger
from steptime.model.phases.phase import Phase, Stream
from steptime.model.phases.shards import AMOUNTS, shards
from steptime.model.phases.train import FORWARD_AND_BACKWARD, TrainPhase, forward_flops
from steptime.model.symbols import (
    bytes_per_weight,
    gradient_bytes,
    micro_batches,
    optimizer_bytes,
    reduce_bytes,
    weight_passes,
)
from steptime.model.terms import Operation, Transfer

ATTENTION, UNEMBEDDING = "attention over the KV cache", "unembedding"
SENDS, CONTEXT = "pipeline sends", "context exchange"


@lru_cache(maxsize=64)
def _forward(model: Transformer, plan: Plan, degrees: Degrees, streams: tuple[Stream, ...]) -> Ledger:
    """One forward ledger for all choices of training, which a search goes through by the dozen."""
    return Ledger(model, plan, degrees, Phase("forward", streams, forward_flops, sympy.S.Zero, q.sequence))


@lru_cache(maxsize=64)
def _forward_slots(forward: Ledger) -> dict[Symbol, Expr]:
    return forward.slots()


@dataclass(frozen=True)
class Replicated:
    """Weights of one chip of the mean stage that a group of chips each hold, and must keep equal."""

    weights: Expr
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
        return _forward(self.model, self.plan, self.degrees, self.phase.streams)

    @property
    def share(self) -> Expr:
        """Micro-batches that pass a stage, each through 1/P of the layers."""
        return micro_batches / self.degrees.pp

    def flop_passes(self, name: str) -> int:
        """Forward passes' worth of FLOP of a line: three, and one where the backward pass runs it again."""
        choices = self.phase.choices
        again = choices.runs_layers_again and name != UNEMBEDDING
        return FORWARD_AND_BACKWARD + int(again or (choices.recompute == "selective" and name == ATTENTION))

    def weight_passes(self, name: str) -> Expr:
        """Times that a micro-batch streams the weights of a line; the unembedding is never run again."""
        return sympy.Integer(2) if name == UNEMBEDDING else weight_passes

    def network_passes(self, name: str) -> Expr:
        """Times that a line's transfer happens: forward, backward, and where layers run again.

        Keys and values of other chips' tokens are needed again in the backward pass, and their gradients go back.
        """
        return sympy.Integer((3 if name == CONTEXT else 2) + int(self.phase.choices.runs_layers_again))

    def moved(self, name: str, transfer: Transfer) -> Transfer:
        """A line's transfers for one micro-batch: with v chunks of layers a stage sends v times each way, and the last
        sends to the first between them."""
        if name == SENDS:
            back = self.forward.traffic.send_back()
            return transfer.times(2 * q.interleave) + back.times(2 * (q.interleave - 1))
        return transfer.times(self.network_passes(name))

    def operations(self) -> tuple[Operation, ...]:
        """Forward, backward and recomputation of each line; gathers of sequence parallelism; gradients; optimizer."""
        lines = []
        for line in self.forward.operations():
            flops = self.flop_passes(line.name) * line.flops * self.share * (1 + q.bubble_ratio)
            streamed = sympy.S.Zero if line.name == ATTENTION else self.weight_passes(line.name) * line.memory_bytes
            network = tuple(self.moved(line.name, moved).times(self.share) for moved in line.network)
            name = "attention" if line.name == ATTENTION else line.name
            lines.append(Operation(name, flops, streamed * self.share, network))
        gathers = self.gathers_of_inputs()
        if gathers != Transfer():
            lines.append(Operation("sequence-parallel gathers", network=(gathers,)))
        gradients = self.gradients()
        if gradients != Transfer():
            lines.append(Operation("gradients and weights between replicas", network=(gradients,)))
        return (*lines, Operation("gradients and optimizer", memory_bytes=self.state_traffic()))

    # --- what is added to forward and backward ----------------------------------------------------------------------
    def gathers_of_inputs(self) -> Transfer:
        """Sequence parallelism keeps each block's input in shares, and gathers it again for the weights' gradient.

        Where layers run again they gather it anyway.
        """
        if not self.phase.choices.sequence_parallel or self.phase.choices.runs_layers_again:
            return Transfer()
        held = self.forward.tokens / self.forward.groups * self.model.width * reduce_bytes
        blocks = sum(number * layer.sums for layer, number in self.model.kinds.items())
        over = group(self.degrees.tp, sympy.S.One, self.plan.axes)
        return all_gather(held, over).times(blocks * self.share)

    @cached_property
    def replicated(self) -> tuple[Replicated, ...]:
        """Weights that data- and context-parallel chips and replicas hold alike, and those that only replicas do.

        Routed experts, and with ffn=all dense blocks, are spread over the whole stage.
        """
        d, width = self.degrees, self.model.width
        per_tensor_group, per_stage = sympy.Integer(0), sympy.Integer(0)
        for row in self.forward.matrices:
            if row.operation in ("dense feed-forward", "shared experts") and self.plan.ffn == "all":
                per_stage += row.number / row.ways
            else:
                per_tensor_group += row.number / row.ways
        untied = 0 if self.model.tied else self.model.embedding
        per_tensor_group += (untied + self.model.positions * width) / d.tp + self.forward.vectors()
        for number, block in self.forward.expert_layers():
            one_expert = block.expert_weights(width) + block.expert_vectors
            per_stage += number * block.experts * one_expert / d.stage
        across = group(d.replicas, d.stage * d.pp, self.plan.axes)
        within = group(d.dp * d.cp, d.tp, self.plan.axes)
        everyone = Group(within.size * across.size, within.inside * across.inside, self.plan.axes)
        found = (Replicated(per_tensor_group / d.pp, everyone), Replicated(per_stage / d.pp, across))
        return tuple(part for part in found if part.weights != 0)

    def gradients(self) -> Transfer:
        """Sums of gradients over the chips that hold the same weights, and what ZeRO gathers of the weights.

        ZeRO 0 adds all gradients once a step; 1 gives each chip its share of the sum and gathers the new weights; from
        2 on a chip keeps only its share of the gradients, so that each micro-batch's are added; 3 gathers the weights
        for forward and backward of each micro-batch.
        """
        zero, total = self.phase.choices.zero, Transfer()
        for part in self.replicated:
            volume, weights = gradient_bytes * part.weights, bytes_per_weight * part.weights
            if zero == 0:
                total += all_reduce(volume, part.over, self.plan.in_switch)
                continue
            total += reduce_scatter(volume, part.over).times(micro_batches if zero >= 2 else 1)
            total += all_gather(weights, part.over).times(2 * micro_batches if zero == 3 else 1)
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
            renewed = updated if zero == 3 else part.weights
            total += (2 * optimizer_bytes + gradient_bytes) * updated + bytes_per_weight * renewed
        return total

    # --- the slots -------------------------------------------------------------------------------------------------
    def slots(self) -> dict[Symbol, Expr]:
        """Definitions that make the blackboard's terms equal to the ledger's sums."""
        forward, phase = self.forward, self.phase
        found = _forward_slots(forward)
        named = [*[(row.operation, forward.weight_flops(row), row.split) for row in forward.matrices],
                 *[("routed experts", forward.expert_flops(n, block), self.degrees.stage / q.expert_load)
                   for n, block in forward.expert_layers()],
                 *[(ATTENTION, flops, split) for flops, split in forward.attention_split()]]  # fmt: skip
        per_chip = sympy.Add(*[self.flop_passes(name) * flops / split for name, flops, split in named])
        again = sympy.Add(*[(self.flop_passes(name) - FORWARD_AND_BACKWARD) * flops for name, flops, _ in named])
        total = phase.flops_per_sequence + q.recomputed_flops
        streamed = [(self.weight_passes(row.operation) * row.number, row.ways) for row in forward.matrices]
        streamed += [(weight_passes * forward.expert_weights(n, block), self.degrees.stage)
                     for n, block in forward.expert_layers()]  # fmt: skip
        streamed.append((weight_passes * sympy.Integer(forward.vectors()), sympy.S.One))
        weights_per_chip = sympy.Add(*[weights / ways for weights, ways in streamed])
        moved = Transfer()
        for line in forward.communication:
            moved += self.moved(line.name, line.traffic)
        gathers, gradients = self.gathers_of_inputs(), self.gradients()
        one_token, tokens = {q.micro_batch: 1 / q.sequence}, q.micro_batch * q.sequence * self.share
        starts = moved.times(self.share) + gathers + gradients
        own = {symbol: found[symbol] for symbol in AMOUNTS if symbol in found} | {q.recomputed_flops: again}
        return {
            **found,
            q.model_flops: phase.flops_per_sequence,
            q.recomputed_flops: again,
            q.compute_shards: shards([split for _, _, split in named], total, per_chip, own),
            q.weight_shards: weight_passes * found[q.parameters_read] / weights_per_chip,
            q.scale_up_bytes: moved.scale_up.xreplace(one_token) + gathers.scale_up / tokens,
            q.scale_out_bytes: moved.scale_out.xreplace(one_token) + gathers.scale_out / tokens,
            q.scale_up_starts: starts.scale_up_starts,
            q.scale_out_starts: starts.scale_out_starts,
            q.state_traffic: self.state_traffic(),
            q.gradient_up_bytes: gradients.scale_up,
            q.gradient_out_bytes: gradients.scale_out,
            **phase.definitions,
        }
