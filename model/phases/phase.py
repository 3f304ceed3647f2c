"""What a phase is: the terms of its step, what a pass works on, and what it yields. Each phase has a page of its own.

A pass has streams of sequences, each with so many new tokens behind so many cached ones. A decode step is one stream of
one token a sequence; a prefill one of many; in-flight batching is both at once. Weights are streamed once a pass for
all streams together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import sympy
from sympy import Expr, Symbol

from steptime.model.architecture.stream import Stream
from steptime.model.choices import PartName, PhaseName, TermName
from steptime.model.scenario import Scenario
from steptime.model.terms import Operation, OperationName, StepTime, one

from steptime.model.symbols import (  # isort: skip
    attention_flops, bytes_per_weight, compute_shards, context, kv_shards, micro_batch, parameters_read, weight_shards,
)  # fmt: skip

weight_traffic = bytes_per_weight * parameters_read
"""Bytes of the weights that one pass streams."""


@dataclass(frozen=True)
class Phase:
    """A phase: its terms, its streams, what a sequence of the micro-batch reads and writes, and what it yields.

    ``blackboard``: the terms in few symbols; per chip, all stages of a pipeline one after another.
    ``flops_per_sequence`` and ``kv_traffic`` (bytes): what a step costs for each sequence of the micro-batch, in the
    blackboard's symbols. ``held``: tokens whose cache a sequence in flight needs. ``yields``: tokens per sequence and
    step that count as throughput. ``passes``: how often a step streams the weights. ``varies``: what crossovers are
    asked over, beside batch. ``definitions``: what its own symbols are. ``traversed``: the share of a traversal of all
    stages that a step takes.
    """

    name: PhaseName
    blackboard: StepTime
    streams: tuple[Stream, ...]
    flops_per_sequence: Expr
    kv_traffic: Expr
    held: Expr
    yields: Expr = one
    passes: Expr = one
    varies: Symbol = context
    definitions: Mapping[Symbol, Expr] = field(default_factory=dict, hash=False)
    traversed: Expr = one

    def number(self, symbol: Symbol, values: Mapping[Symbol, float]) -> float:
        """A quantity of the work: as it is stated, or as the phase has it follow from what is."""
        return float(Scenario(values, self.definitions).value(symbol))

    @property
    def idle(self) -> Expr:
        """What bubbles stretch a stage's time by; compute has it in its term."""
        return one

    @cached_property
    def tokens(self) -> Expr:
        """Tokens worked on for each sequence of the micro-batch."""
        return sympy.Add(*[stream.share * stream.tokens for stream in self.streams])

    @cached_property
    def predicted(self) -> Expr:
        """Tokens for each sequence of the micro-batch that pass the unembedding."""
        return sympy.Add(*[stream.share * stream.predicted for stream in self.streams])

    @cached_property
    def pairs(self) -> Expr:
        """Pairs of tokens for each sequence of the micro-batch, where attention reads all."""
        return sympy.Add(*[stream.share * stream.pairs for stream in self.streams])

    @cached_property
    def compute_slope(self) -> Expr:
        """Compute time that one more sequence in the micro-batch adds."""
        return self.traversed * self.flops_per_sequence / compute_shards / self.blackboard.compute.rate

    @cached_property
    def memory_slope(self) -> Expr:
        """Memory time that one more sequence in the micro-batch adds, once every expert is read anyway."""
        return self.traversed * self.kv_traffic / kv_shards / self.blackboard.memory.rate

    @cached_property
    def ledger(self) -> tuple[Operation, ...]:
        """The blackboard's own ledger: all that an abstract model has."""
        attention, split = attention_flops * self.pairs, micro_batch / compute_shards
        streamed = self.passes * weight_traffic / weight_shards
        weights = Operation(OperationName.WEIGHTS, (self.flops_per_sequence - attention) * split, streamed)
        scores = Operation(OperationName.SCORES, attention * split, self.kv_traffic * micro_batch / kv_shards)
        return (
            weights.times(self.traversed),
            scores.times(self.traversed),
            Operation(OperationName.COLLECTIVES, network=(self.blackboard.sent,)),
        )

    @cached_property
    def read(self) -> dict[str, Expr]:
        """Seconds of the memory term by what is read, which add up to it; none in training, which holds no cache."""
        parts = {OperationName.WEIGHTS: PartName.WEIGHTS, OperationName.SCORES: PartName.KV}
        rate = self.blackboard.memory.rate
        return {parts[line.name]: line.memory_bytes / rate for line in self.ledger if line.name in parts}

    @cached_property
    def resources(self) -> dict[str, Expr]:
        """The terms by name; interconnect is the larger of its two tiers."""
        board = self.blackboard
        return {
            TermName.COMPUTE: board.compute.time,
            TermName.MEMORY: board.memory.time,
            TermName.INTERCONNECT: board.interconnect,
            TermName.SCALE_UP: board.scale_up.time,
            TermName.SCALE_OUT: board.scale_out.time,
        }
