"""What a pass works on, and the step that it makes: the one place where a phase is stated.

A pass has streams of sequences, each with so many new tokens behind so many cached ones. A decode step is one stream of
one token a sequence; a prefill one of many; in-flight batching is both at once. Weights are streamed once a pass for
all streams together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.attended import attended, pairs, pairs_of_tokens
from steptime.model.architecture.attention import Mixer
from steptime.model.symbols import (
    attention_flops,
    bytes_per_weight,
    compute_efficiency,
    compute_shards,
    interconnect_efficiency,
    kv_shards,
    memory_bandwidth,
    memory_efficiency,
    micro_batch,
    parameters_read,
    peak_flops,
    scale_out_bandwidth,
    scale_out_bytes,
    scale_out_latency,
    scale_out_starts,
    scale_up_bandwidth,
    scale_up_bytes,
    scale_up_latency,
    scale_up_starts,
    weight_shards,
)  # fmt: skip
from steptime.model.terms import Operation, Rates, StepTime, Term, Transfer

one: Expr = sympy.S.One

rates = Rates(
    compute=compute_efficiency * peak_flops,
    memory=memory_efficiency * memory_bandwidth,
    scale_up=interconnect_efficiency * scale_up_bandwidth,
    scale_out=interconnect_efficiency * scale_out_bandwidth,
    scale_up_latency=scale_up_latency,
    scale_out_latency=scale_out_latency,
)

weight_traffic = bytes_per_weight * parameters_read


@dataclass(frozen=True)
class Stream:
    """Sequences that a pass treats alike.

    ``share`` sequences for each sequence of the micro-batch; ``tokens`` new ones each, behind ``cached``; ``predicted``
    of them predict a next token; ``chunks`` passes, one after another, cut the tokens evenly. Not ``causal``, each
    token is counted with all of its sequence, as many papers print training FLOP.
    """

    share: Expr = one
    tokens: Expr = one
    cached: Expr = sympy.S.Zero
    predicted: Expr = one
    chunks: Expr = one
    causal: bool = True

    @property
    def pairs(self) -> Expr:
        """Pairs of a new token and one before it, of one sequence, where attention reads all."""
        return pairs_of_tokens(self.tokens, self.cached) if self.causal else self.tokens**2

    def pairs_of(self, mixer: Mixer) -> Expr:
        """Pairs of a new token and one that it attends to."""
        if self.causal:
            return pairs(mixer, self.tokens, self.cached)
        return self.tokens * attended(mixer, self.tokens)


@dataclass(frozen=True)
class Phase:
    """A phase: its streams, what a sequence of the micro-batch reads and writes, and what it yields.

    ``flops_per_sequence`` and ``kv_traffic`` (bytes): what a step costs for each sequence of the micro-batch, in the
    blackboard's symbols. ``held``: tokens whose cache a sequence in flight needs. ``yields``: tokens per sequence and
    step that count as throughput. ``passes``: how often a step streams the weights. ``varies``: what crossovers are
    asked over, beside batch. ``definitions``: what its own symbols are.
    """

    name: str
    streams: tuple[Stream, ...]
    flops_per_sequence: Expr
    kv_traffic: Expr
    held: Expr
    yields: Expr = one
    passes: Expr = one
    varies: Symbol = q.context
    definitions: Mapping[Symbol, Expr] = field(default_factory=dict, hash=False)

    @property
    def tokens(self) -> Expr:
        """Tokens worked on for each sequence of the micro-batch."""
        return sympy.Add(*[stream.share * stream.tokens for stream in self.streams])

    @property
    def predicted(self) -> Expr:
        """Tokens for each sequence of the micro-batch that pass the unembedding."""
        return sympy.Add(*[stream.share * stream.predicted for stream in self.streams])

    @property
    def pairs(self) -> Expr:
        """Pairs of tokens for each sequence of the micro-batch, where attention reads all."""
        return sympy.Add(*[stream.share * stream.pairs for stream in self.streams])

    @property
    def compute_slope(self) -> Expr:
        """Compute time that one more sequence in the micro-batch adds."""
        return self.flops_per_sequence / compute_shards / rates.compute

    @property
    def memory_slope(self) -> Expr:
        """Memory time that one more sequence in the micro-batch adds, once every expert is read anyway."""
        return self.kv_traffic / kv_shards / rates.memory

    @property
    def blackboard(self) -> StepTime:
        """The step's terms in few symbols; per chip, all stages of a pipeline one after another."""
        traffic = self.passes * weight_traffic / weight_shards + self.kv_traffic * micro_batch / kv_shards
        tokens = micro_batch * self.tokens
        return StepTime(
            Term("compute", self.flops_per_sequence * micro_batch / compute_shards, rates.compute),
            Term("memory", traffic, rates.memory),
            Term("scale_up", scale_up_bytes * tokens, rates.scale_up, scale_up_starts * scale_up_latency),
            Term("scale_out", scale_out_bytes * tokens, rates.scale_out, scale_out_starts * scale_out_latency),
        )

    @property
    def ledger(self) -> tuple[Operation, ...]:
        """The blackboard's own ledger: what an abstract model has, and what is left where a slot is set by hand."""
        attention, step = attention_flops * self.pairs, self.blackboard
        starts = (scale_up_starts, scale_out_starts)
        return (
            Operation(
                "weights",
                (self.flops_per_sequence - attention) * micro_batch / compute_shards,
                self.passes * weight_traffic / weight_shards,
            ),
            Operation(
                "attention over the KV cache",
                attention * micro_batch / compute_shards,
                self.kv_traffic * micro_batch / kv_shards,
            ),
            Operation("collectives", network=(Transfer(step.scale_up.work, step.scale_out.work, *starts),)),
        )

    @property
    def resources(self) -> dict[str, Expr]:
        """The terms by name; interconnect is the larger of its two tiers."""
        step = self.blackboard
        return {
            "compute": step.compute.time,
            "memory": step.memory.time,
            "interconnect": step.interconnect,
            "scale_up": step.scale_up.time,
            "scale_out": step.scale_out.time,
        }
