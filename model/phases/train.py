"""One optimizer step of training: forward and backward of every micro-batch, and the update of the weights.

The blackboard has one line a term. A stage of the pipeline holds 1/P of the layers and works on m micro-batches of b
sequences one after another; its chips stand idle while the pipeline fills and drains, which stretches compute by the
bubble. The backward pass multiplies twice what the forward pass does, and recomputation some of it again. Weights are
streamed for every pass of every micro-batch; gradients, optimizer state and weights are updated once a step.
Sources: Kaplan et al. 2020 (arXiv 2001.08361) for 6N; Korthikanti et al. 2022 (arXiv 2205.05198) for recomputation and
sequence parallelism; Narayanan et al. 2021 (arXiv 2104.04473) for schedules; Rajbhandari et al. 2020 (arXiv 1910.02054)
for ZeRO.
"""

from dataclasses import dataclass, field

import sympy
from sympy import Expr

from steptime.model.architecture.activations import MODES
from steptime.model.layout.layout import SYMBOLIC
from steptime.model.phases.phase import Phase, Stream, rates, weight_traffic
from steptime.model.phases.pipeline import bubble, bubble_zb_h1, bubble_zb_h2, work_time
from steptime.model.symbols import (
    active_parameters,
    attention_flops,
    backward_time,
    batch,
    bubble_ratio,
    compute_shards,
    flops_per_mac,
    forward_time,
    gradient_out_bytes,
    gradient_up_bytes,
    micro_batch,
    micro_batches,
    microbatch,
    pipeline_parallel,
    recomputed_flops,
    scale_out_bytes,
    scale_out_latency,
    scale_out_starts,
    scale_up_bytes,
    scale_up_latency,
    scale_up_starts,
    sequence,
    state_traffic,
    weight_gradient_time,
    weight_passes,
    weight_shards,
)
from steptime.model.terms import Operation, StepTime, Term, Transfer

IDLE = {"1f1b": bubble, "zb-h1": bubble_zb_h1, "zb-h2": bubble_zb_h2}
SCHEDULES = tuple(IDLE)
"""1F1B, interleaved where a stage holds several chunks of layers; and two schedules that put weight gradients off."""

FORWARD_AND_BACKWARD = 3
"""Forward passes' worth of FLOP: one forward, two backward."""


@dataclass(frozen=True)
class Choices:
    """How a step is trained: recomputation, ZeRO stage, sequence parallelism, schedule, and how attention is counted.

    ``attention``: causal, each token with those before it, or full, each with all, as many papers print. ``dropout``:
    whether masks are kept. ZeRO 1 shares the optimizer state over data-parallel chips, 2 the gradients too, 3 the
    weights too.
    """

    recompute: str = "none"
    zero: int = 0
    sequence_parallel: bool = False
    schedule: str = "1f1b"
    attention: str = "causal"
    dropout: bool = False

    def __post_init__(self) -> None:
        assert self.recompute in MODES and self.zero in range(4) and self.schedule in SCHEDULES

    @property
    def runs_layers_again(self) -> bool:
        """Whether every layer runs forward a second time."""
        return self.recompute in ("full", "reversible")

    @property
    def weight_passes(self) -> int:
        """Times that a micro-batch streams a layer's weights: forward, gradient of the inputs, and once more."""
        return 3 if self.runs_layers_again else 2

    @property
    def idle(self) -> Expr:
        """Idle time of a stage over the time that it works, by its schedule.

        The pipeline's own formulas, each pass as long as a forward pass, and the gradient of the inputs with what it
        runs again.
        """
        again = sympy.Integer(2 if self.runs_layers_again else 1)
        passes = {forward_time: sympy.S.One, backward_time: again, weight_gradient_time: sympy.S.One}
        return (IDLE[self.schedule] / work_time).xreplace(passes)


forward_flops = flops_per_mac * active_parameters * sequence
"""FLOP of one sequence's forward pass through all weights."""


@dataclass(frozen=True)
class TrainPhase(Phase):
    """The phase of training: ``flops_per_sequence`` is what the model needs, without anything computed again."""

    choices: Choices = field(default_factory=Choices)

    @property
    def share_of_stage(self) -> Expr:
        """Micro-batches that pass a stage, each through 1/P of the layers."""
        return micro_batches / pipeline_parallel

    @property
    def blackboard(self) -> StepTime:
        """The step's terms in few symbols; per chip of the mean stage."""
        share = self.share_of_stage
        flops = (self.flops_per_sequence + recomputed_flops) * micro_batch * share / compute_shards
        tokens = micro_batch * sequence * share
        weights = weight_passes * weight_traffic / weight_shards * share
        return StepTime(
            Term("compute", (1 + bubble_ratio) * flops, rates.compute),
            Term("memory", weights + state_traffic, rates.memory),
            Term("scale_up", scale_up_bytes * tokens + gradient_up_bytes, rates.scale_up,
                 scale_up_starts * scale_up_latency),
            Term("scale_out", scale_out_bytes * tokens + gradient_out_bytes, rates.scale_out,
                 scale_out_starts * scale_out_latency),
        )  # fmt: skip

    @property
    def compute_slope(self) -> Expr:
        """Compute time that one more sequence in the micro-batch adds."""
        return self.blackboard.compute.work / micro_batch / rates.compute

    @property
    def memory_slope(self) -> Expr:
        """Nothing is read for a sequence: activations are not counted as memory traffic."""
        return sympy.S.Zero

    @property
    def ledger(self) -> tuple[Operation, ...]:
        """The blackboard's own ledger."""
        step = self.blackboard
        starts = (scale_up_starts, scale_out_starts)
        return (
            Operation("forward and backward", step.compute.work, step.memory.work - state_traffic),
            Operation("gradients and optimizer", memory_bytes=state_traffic),
            Operation("collectives", network=(Transfer(step.scale_up.work, step.scale_out.work, *starts),)),
        )


def train_phase(choices: Choices) -> TrainPhase:
    """The phase of a step with these choices."""
    stream = Stream(tokens=sequence, predicted=sequence, causal=choices.attention == "causal")
    return TrainPhase(
        "train",
        (stream,),
        FORWARD_AND_BACKWARD * (forward_flops + attention_flops * stream.pairs),
        sympy.S.Zero,
        held=sequence,
        yields=sequence,
        varies=sequence,
        definitions={
            micro_batch: SYMBOLIC.dp * microbatch,
            micro_batches: batch / (SYMBOLIC.replicas * SYMBOLIC.dp * microbatch),
            bubble_ratio: choices.idle,
            weight_passes: sympy.Integer(choices.weight_passes),
        },
        choices=choices,
    )
