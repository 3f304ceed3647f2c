"""A model given as quantities, with no architecture: sharded perfectly over the chips of a stage."""

from collections.abc import Collection
from dataclasses import dataclass

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import SYMBOLIC, Degrees
from steptime.model.network.collectives import all_reduce, group, send
from steptime.model.phases.decode import DECODE, micro_batch_of_batch
from steptime.model.phases.phase import Phase
from steptime.model.terms import Operation, Transfer


@dataclass(frozen=True)
class AbstractLedger:
    """The ledger and the slots of an abstract model; ``given`` are the quantities that it states."""

    given: Collection[Symbol]
    plan: Plan
    degrees: Degrees = SYMBOLIC
    phase: Phase = DECODE

    def operations(self) -> tuple[Operation, ...]:
        return self.phase.ledger

    def collectives(self) -> Transfer:
        """Two all-reduces a layer over the chips of a stage, and the sends between stages, where the width is known."""
        if not {q.width, q.layers} <= set(self.given):
            return Transfer()
        tokens_times_width = q.width / self.degrees.dp / self.degrees.cp  # of a micro-batch of one
        over = group(self.degrees.tp, sympy.S.One, self.plan.axes)
        reduced = all_reduce(tokens_times_width * q.reduce_bytes, over, self.plan.in_switch).times(2 * q.layers)
        return reduced + send(
            q.width / self.degrees.stage * q.send_bytes, self.degrees.pp, self.degrees.stage, self.plan.axes
        )

    def slots(self) -> dict[Symbol, Expr]:
        """Definitions of what the model does not state; a step reads every weight and writes one token's KV."""
        moved, stage = self.collectives(), self.degrees.stage
        return {
            **self.phase.definitions,
            q.micro_batch: micro_batch_of_batch,
            q.stage_chips: stage,
            q.active_parameters: q.parameters,
            q.parameters_read: q.parameters,
            q.unembedding_parameters: sympy.S.Zero,
            q.attention_flops: sympy.S.Zero,
            q.kv_written: q.kv_bytes,
            q.compute_shards: stage,
            q.weight_shards: stage,
            q.kv_shards: stage,
            q.scale_up_bytes: moved.scale_up,
            q.scale_out_bytes: moved.scale_out,
            q.scale_up_starts: moved.scale_up_starts,
            q.scale_out_starts: moved.scale_out_starts,
        }
