"""What the fullest chip must hold in training: weights, gradients, optimizer state, activations of micro-batches.

ZeRO shares state over the chips that hold the same weights: 1 the optimizer's, 2 the gradients too, 3 the weights too.
"""

import sympy
from sympy import Expr

from steptime.model import symbols as q
from steptime.model.architecture.activations import Kept, layer_input, layer_kept
from steptime.model.architecture.transformer import Layer
from steptime.model.choices import Recompute, Schedule
from steptime.model.extremes import at_most
from steptime.model.layout.choices import KIND_BYTES
from steptime.model.phases.memory import Footprint, Room, Stage
from steptime.model.phases.train import Choices, TrainPhase

from steptime.model.symbols import (  # isort: skip
    gradient_bytes, interleave, logit_bytes, micro_batches, microbatch, optimizer_bytes, pipeline_parallel, sequence,
)  # fmt: skip

ONE_BYTE = dict.fromkeys((q.bytes_per_weight, *KIND_BYTES.values()), sympy.S.One)
"""With weights of one byte each, their bytes are their number."""


class TrainRoom(Room):
    """What a chip needs in training."""

    @property
    def choices(self) -> Choices:
        """How the step is trained."""
        assert isinstance(self.phase, TrainPhase)
        return self.phase.choices

    def footprint(self, stage: Stage, whole_sequences: bool) -> Footprint:
        """Bytes on the fullest chip of a stage; a micro-batch is always whole."""
        d, zero = self.degrees, self.choices.zero
        weights = gradients = optimizer = sympy.Integer(0)
        alike, spread = self.stage_weights(stage)
        for held, copies in ((alike, d.dp * d.cp * d.replicas), (spread, d.replicas)):
            weights += held / (copies if zero >= 3 else 1)
            number = held.xreplace(ONE_BYTE)
            gradients += number * gradient_bytes / (copies if zero >= 2 else 1)
            optimizer += number * optimizer_bytes / (copies if zero >= 1 else 1)
        logits = stage.last * self.model.vocabulary * logit_bytes / d.tp
        tokens = microbatch * sequence / d.cp
        activations = tokens * (self.held_micro_batches(stage) * self.kept(stage) + self.at_work() + logits)
        return Footprint(weights, sympy.S.Zero, activations, gradients, optimizer)

    def kept(self, stage: Stage) -> Expr:
        """Bytes per token that the layers of a stage keep of one micro-batch."""
        choices, d = self.choices, self.degrees
        return sympy.Add(*[
            number * self.layer(layer, choices.recompute).on_chip(d.tp, choices.sequence_parallel)
            for layer, number in stage.kinds
        ])  # fmt: skip

    def layer(self, layer: Layer, mode: Recompute) -> Kept:
        """What a layer keeps of each token under a mode of recomputation."""
        return layer_kept(layer, self.model.width, mode, self.choices.dropout, self.choices.fused)

    def at_work(self) -> Expr:
        """Bytes per token of the one layer that is run again, where layers keep no more than their input; scores are
        not kept of it."""
        choices = self.choices
        if not choices.runs_layers_again:
            return sympy.S.Zero
        layers = [self.layer(layer, Recompute.SELECTIVE) for layer in self.model.kinds]
        stored = {q.bytes_per_activation: 2, q.mask_bytes: 1, q.log_sum_exp_bytes: 4}  # the usual widths, to rank by
        most: Kept = max(layers, key=lambda kept: float(kept.total.subs(stored)))
        if choices.recompute == Recompute.REVERSIBLE:
            most += layer_input(self.model.width)
        return most.on_chip(self.degrees.tp, choices.sequence_parallel)

    def held_micro_batches(self, stage: Stage) -> Expr:
        """Micro-batches whose activations a stage holds at most.

        Under 1F1B one for every stage from it to the last; where each stage has v > 1 chunks of layers, stage r of P
        holds P v - r of these chunks and P - 1 - r more; ZB-H2 starts as many again. Never more than there are.
        """
        if self.choices.schedule == Schedule.ZB_H2:
            return at_most(micro_batches, 2 * (pipeline_parallel - stage.place) - 1)
        is_interleaved = at_most(1, interleave - 1)
        chunks = pipeline_parallel * interleave - stage.place
        ahead = is_interleaved * (pipeline_parallel - 1 - stage.place)
        return at_most(micro_batches * interleave, chunks + ahead) / interleave
