"""A ledger of which slots were set by hand: every line keeps its kind, and is as much more or less as its slot is.

At a slot's own value nothing changes. At another, the lines that the slot is the sum of change in proportion, so that
they still add up to the blackboard's terms. Where a layout has no such line, all of what was set is a line of its own.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import Load
from steptime.model.extremes import at_least
from steptime.model.layout.choices import Plan
from steptime.model.phases.decode import DECODE
from steptime.model.phases.ledger import joined
from steptime.model.phases.phase import Phase, weight_traffic
from steptime.model.terms import Operation, OperationName, Transfer, one, zero

COMPUTE = frozenset({q.active_parameters, q.unembedding_parameters, q.attention_flops, q.compute_shards})
WEIGHTS = frozenset({q.parameters_read, q.weight_shards})
CACHE = frozenset({q.kv_bytes, q.kv_read, q.kv_written, q.kv_shards})
NETWORK = frozenset({
    q.scale_up_bytes, q.scale_out_bytes, q.scale_up_starts, q.scale_out_starts, q.gradient_up_bytes,
    q.gradient_out_bytes,
})  # fmt: skip
SLOTS = COMPUTE | WEIGHTS | CACHE | NETWORK | {q.state_traffic}
"""What joins the blackboard to a ledger."""
OF_PASS = SLOTS - {q.active_parameters, q.unembedding_parameters, q.kv_bytes}
"""Slots of which each pass has its own, whatever the model."""

ATTENTION = (OperationName.SCORES, OperationName.ATTENTION)
LEAST = sympy.Float("1e-30")
"""Less than any amount that is not zero: an amount that is zero divides nothing."""

MORE_STATE = sympy.Symbol("more_state", nonnegative=True)
"""Traffic of gradients and optimizer over the architecture's own: of its line, an estimate asks how it grows with
micro-batches, and the ratio does not."""


class Books(Protocol):
    """A ledger read both ways."""

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What each operation costs one chip in one step."""

    @property
    def slots(self) -> dict[Symbol, Expr]:
        """Definitions that make the blackboard's terms equal to the ledger's sums."""


@dataclass(frozen=True)
class ByHand:
    """The ledger of an architecture with ``given`` slots set by hand, whose symbols stand in its lines."""

    ledger: Books
    plan: Plan
    phase: Phase
    given: frozenset[Symbol]

    @cached_property
    def slots(self) -> dict[Symbol, Expr]:
        """The ledger's own, of which those that are given have a number; in passes of several tokens a cache of more
        bytes a token is read and written in proportion."""
        own = self.ledger.slots
        found = {**own, **{symbol: own[symbol] * _over(q.kv_bytes, own[q.kv_bytes]) for symbol in self._follow}}
        return found | ({MORE_STATE: self._ratio(q.state_traffic)} if q.state_traffic in self.given else {})

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """The ledger's lines in proportion, and what has no line in it."""
        lines = [self._line(line) for line in self.ledger.operations]
        lines = list(joined([*lines, *(line for line in (self._attention_alone(), self._sent_alone()) if line)]))
        if not self.given & COMPUTE:
            return tuple(lines)
        # Lines are split in ways of their own, the blackboard's sum of them in one: they add up to it at any value.
        work, flops = self.phase.blackboard.compute.work, sympy.Add(*[line.flops for line in lines])
        even = _of_one(work) / _of_one(flops) if self.plan.load == Load.MEAN else work / flops
        return tuple(replace(line, flops=even * line.flops) for line in lines)

    def _line(self, line: Operation) -> Operation:
        """A line in proportion to what was set."""
        is_attention, sent = line.name in ATTENTION, line.traffic
        up, out = q.scale_up_bytes, q.scale_out_bytes
        read = self.phase.kv_traffic / q.kv_shards if is_attention else weight_traffic / q.weight_shards
        more = self._ratio(read)
        if line.name == OperationName.STATE:
            more = MORE_STATE if q.state_traffic in self.given else one
        if line.name == OperationName.REPLICAS:
            up, out = q.gradient_up_bytes, q.gradient_out_bytes
        network = Transfer(
            sent.scale_up * self._ratio(up),
            sent.scale_out * self._ratio(out),
            sent.scale_up_starts * self._ratio(q.scale_up_starts),
            sent.scale_out_starts * self._ratio(q.scale_out_starts),
        )
        flops = line.flops * self._ratio(q.attention_flops if is_attention else self._linear)
        return Operation(line.name, flops, line.memory_bytes * more, (network,) if line.network else ())

    @property
    def _linear(self) -> Expr:
        """FLOP of a sequence without attention."""
        return self.phase.flops_per_sequence.xreplace({q.attention_flops: zero})

    def _attention_alone(self) -> Operation | None:
        """Attention of an architecture that has none."""
        if q.attention_flops not in self.given:
            return None
        others = (q.active_parameters, q.unembedding_parameters, q.recomputed_flops)
        scores = self.phase.blackboard.compute.work.xreplace(dict.fromkeys(others, zero))
        alone = self._alone(scores, q.attention_flops)
        return Operation(OperationName.SCORES, alone) if alone != 0 else None

    def _sent_alone(self) -> Operation | None:
        """What crosses links that the architecture has nothing on at a layout."""
        if not self.given & NETWORK:
            return None
        sent = self.phase.blackboard.sent
        up = [_with(sent.scale_up, symbol) for symbol in (q.scale_up_bytes, q.gradient_up_bytes)]
        out = [_with(sent.scale_out, symbol) for symbol in (q.scale_out_bytes, q.gradient_out_bytes)]
        alone = Transfer(
            self._alone(*up[0]) + self._alone(*up[1]),
            self._alone(*out[0]) + self._alone(*out[1]),
            self._alone(sent.scale_up_starts, q.scale_up_starts),
            self._alone(sent.scale_out_starts, q.scale_out_starts),
        )
        return Operation(OperationName.COLLECTIVES, network=(alone,)) if alone != Transfer() else None

    @property
    def _follow(self) -> tuple[Symbol, ...]:
        """Traffic that follows from the bytes of a token of context, where these are set."""
        follow = q.kv_bytes in self.given and self.phase is not DECODE
        return (q.kv_read, q.kv_written) if follow else ()

    def _as_own(self, amount: Expr) -> Expr:
        """An amount as the architecture itself has it."""
        return amount.xreplace({symbol: self.ledger.slots[symbol] for symbol in (*self.given, *self._follow)})

    def _ratio(self, amount: Expr) -> Expr:
        """An amount as set over the same as the architecture itself has it; one where nothing of it is set."""
        own = self._as_own(amount)
        return one if own == amount else _over(amount, own)

    def _alone(self, amount: Expr, slot: Symbol) -> Expr:
        """An amount that is proportional to a slot, where the architecture itself has none of that, else zero."""
        if slot not in self.given:
            return zero
        own = self.ledger.slots[slot]
        return amount * (1 - _over(own, own))


def _over(amount: Expr, own: Expr) -> Expr:
    """An amount over the architecture's own; what that may be zero of is zero then, too."""
    return amount / (own if own.is_positive else at_least(LEAST, own))


def _of_one(flops: Expr) -> Expr:
    """FLOP of one sequence in one micro-batch that waits for none: of the mean load all others have as many."""
    return flops.xreplace({q.micro_batch: one, q.micro_batches: one, q.bubble_ratio: zero})


def _with(total: Expr, slot: Symbol) -> tuple[Expr, Symbol]:
    """The summands of a total that are proportional to a slot, and the slot."""
    return total - total.xreplace({slot: zero}), slot
