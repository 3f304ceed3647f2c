"""One optimizer step of training: forward and backward of every micro-batch, and the update of the weights.

The blackboard has one line a term. A stage of the pipeline holds 1/P of the layers and works on m micro-batches of b
sequences one after another; its chips stand idle while the pipeline fills and drains, which stretches compute by the
bubble. The backward pass multiplies twice what the forward pass does, and recomputation some of it again; fused
attention makes its scores again in any case, five products for the two of its forward pass. Weights are streamed for
every pass of every micro-batch; gradients, optimizer state and weights are updated once a step.
Sources: Kaplan et al. 2020 (arXiv 2001.08361) for 6N; Korthikanti et al. 2022 (arXiv 2205.05198) for recomputation and
sequence parallelism; Narayanan et al. 2021 (arXiv 2104.04473) for schedules; Rajbhandari et al. 2020 (arXiv 1910.02054)
for ZeRO; Dao et al. 2022 (arXiv 2205.14135) and 2023 (arXiv 2307.08691, section 4.1) for fused attention.
"""

from dataclasses import dataclass, field
from functools import cache, cached_property

import sympy
from sympy import Expr

from steptime.model.architecture.stream import Stream
from steptime.model.choices import AttentionKernel, Counted, PhaseName, Recompute, Schedule
from steptime.model.phases import pipeline
from steptime.model.phases.phase import Phase, weight_traffic
from steptime.model.phases.rates import rates
from steptime.model.terms import FORWARD_AND_BACKWARD, Operation, OperationName, StepTime, Term, one, zero

from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, backward_time, batch, bubble_ratio, compute_shards, data_parallel,
    flops_per_mac, forward_time, gradient_out_bytes, gradient_up_bytes, micro_batch, micro_batches, microbatch,
    pipeline_parallel, recomputed_flops, replicas, scale_out_bytes, scale_out_latency, scale_out_starts, scale_up_bytes,
    scale_up_latency, scale_up_starts, sequence, state_traffic, weight_gradient_time, weight_passes, weight_shards,
)  # fmt: skip

forward_flops = flops_per_mac * active_parameters * sequence
"""FLOP of one sequence's forward pass through all weights."""

# --- the blackboard ------------------------------------------------------------------------------------------------
share_of_stage = micro_batches / pipeline_parallel
"""Micro-batches that pass a stage, each through 1/P of the layers."""


def terms_of(flops: Expr) -> StepTime:
    """The terms of a step, per chip of the mean stage, from the FLOP of one sequence that nothing computes twice."""
    worked = (flops + recomputed_flops) * micro_batch * share_of_stage / compute_shards
    streamed = weight_passes * weight_traffic / weight_shards * share_of_stage
    tokens = micro_batch * sequence * share_of_stage
    sent_up = scale_up_bytes * tokens + gradient_up_bytes
    sent_out = scale_out_bytes * tokens + gradient_out_bytes
    return StepTime(
        Term("compute", work=(1 + bubble_ratio) * worked, rate=rates.compute),
        Term("memory", work=streamed + state_traffic, rate=rates.memory),
        Term("scale_up", sent_up, rates.scale_up, scale_up_starts, scale_up_latency),
        Term("scale_out", sent_out, rates.scale_out, scale_out_starts, scale_out_latency),
    )


@dataclass(frozen=True)
class Choices:
    """How a step is trained: recomputation, ZeRO stage, sequence parallelism, schedule, and how attention is counted.

    ``sequence_parallel``: tensor-parallel chips share norms and masks too; a single one has nothing to share.
    ``attention``: causal, each token with those before it, or full, each with all, as many papers print. ``dropout``:
    whether masks are kept. ``attention_kernel``: None takes the fused one, but for selective recomputation, which is of
    the steps of an unfused one. ZeRO 1 shares the optimizer state over data-parallel chips, 2 the gradients too, 3 the
    weights too.
    """

    recompute: Recompute = Recompute.NONE
    zero: int = 0
    sequence_parallel: bool = True
    schedule: Schedule = Schedule.ONE_F_ONE_B
    attention: Counted = Counted.CAUSAL
    dropout: bool = False
    attention_kernel: AttentionKernel | None = None

    @property
    def kernel(self) -> AttentionKernel:
        """What makes scores and their sums."""
        usual = AttentionKernel.UNFUSED if self.recompute == Recompute.SELECTIVE else AttentionKernel.FUSED
        return self.attention_kernel or usual

    @property
    def fused(self) -> bool:
        """Whether scores are never kept, and made once more in the backward pass, whatever else runs again."""
        return self.kernel == AttentionKernel.FUSED

    @property
    def runs_layers_again(self) -> bool:
        """Whether every layer runs forward a second time."""
        return self.recompute in (Recompute.FULL, Recompute.REVERSIBLE)

    @property
    def weight_passes(self) -> int:
        """Times that a micro-batch streams a layer's weights: forward, gradient of the inputs, and once more."""
        return 3 if self.runs_layers_again else 2

    @property
    def idle(self) -> Expr:
        """Idle time of a stage over the time that it works, by its schedule.

        The passes of a micro-batch are counted in forward passes: the backward pass takes as long, with what it runs
        again, and the gradient of the weights too (`pipeline`).
        """
        idle = {
            Schedule.ONE_F_ONE_B: pipeline.bubble,
            Schedule.ZB_H1: pipeline.bubble_zb_h1,
            Schedule.ZB_H2: pipeline.bubble_zb_h2,
        }[self.schedule]
        backward = 2 if self.runs_layers_again else 1
        passes = {forward_time: one, backward_time: sympy.Integer(backward), weight_gradient_time: one}
        return (idle / pipeline.work_time).xreplace(passes)


@dataclass(frozen=True)
class TrainPhase(Phase):
    """The phase of training: ``flops_per_sequence`` is what the model needs, without anything computed again."""

    choices: Choices = field(default_factory=Choices)

    @property
    def idle(self) -> Expr:
        """A stage stands idle while the pipeline fills and drains."""
        return 1 + bubble_ratio

    @property
    def compute_slope(self) -> Expr:
        """Compute time that one more sequence in the micro-batch adds."""
        return self.blackboard.compute.work / micro_batch / self.blackboard.compute.rate

    @property
    def memory_slope(self) -> Expr:
        """Nothing is read for a sequence: activations are not counted as memory traffic."""
        return zero

    @cached_property
    def ledger(self) -> tuple[Operation, ...]:
        """The blackboard's own ledger."""
        board = self.blackboard
        return (
            Operation(OperationName.PASSES, board.compute.work, board.memory.work - state_traffic),
            Operation(OperationName.STATE, memory_bytes=state_traffic),
            Operation(OperationName.COLLECTIVES, network=(board.sent,)),
        )


@cache
def train_phase(choices: Choices) -> TrainPhase:
    """The phase of a step with these choices."""
    stream = Stream(tokens=sequence, predicted=sequence, causal=choices.attention == Counted.CAUSAL)
    flops = FORWARD_AND_BACKWARD * (forward_flops + attention_flops * stream.pairs)
    return TrainPhase(
        PhaseName.TRAIN,
        terms_of(flops),
        (stream,),
        flops,
        zero,
        held=sequence,
        yields=sequence,
        varies=sequence,
        definitions={
            micro_batch: data_parallel * microbatch,
            micro_batches: batch / (replicas * data_parallel * microbatch),
            bubble_ratio: choices.idle,
            weight_passes: sympy.Integer(choices.weight_passes),
        },
        choices=choices,
    )
