"""What a step of training asks of a chip of the fullest stage: the ledger's lines in groups, and what lies between."""

from typing import Any

import numpy as np
import sympy
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.architecture.transformer import ExpertFeedForward, Transformer
from steptime.model.choices import Counted
from steptime.model.estimate import symbols as e
from steptime.model.estimate.activation_traffic import Executed, of_loss, passed
from steptime.model.estimate.groups import kernels_of
from steptime.model.estimate.training import OF_PASSES, STRETCHED, training_groups
from steptime.model.precision import BYTES, activations_for
from steptime.model.step.case import Case
from steptime.model.terms import OperationName

TILE_ROWS = 128
"""Rows of a tile of grouped products: each expert fills its last one by half on average."""
ROUNDS = 3
"""Kernels of a forward and a backward pass over those of a forward pass: a product has two in the backward pass."""


def asked_in_training(case: Case) -> dict[Symbol, Any]:
    """FLOP, bytes of weights, activations and state, bytes to other chips, and launches of a chip of the fullest stage;
    and its machine's rates. Numbers, or arrays where the case has arrays.

    Raises Unbound where the ledger lacks a number.
    """
    model, choices, layout = case.accounts.transformer, case.inputs.training, case.layout
    assert model is not None, "an architecture is known"
    narrow = BYTES[case.precision["activations"]] < BYTES["bf16"]
    step = Executed(choices.recompute, choices.fused, choices.dropout, narrow, choices.sequence_parallel)
    lines = training_groups(case.operations, narrow, _padding(model))
    tokens = q.microbatch * q.sequence / layout.cp * q.micro_batches / layout.pp
    tp = sympy.Integer(layout.tp)
    lines[e.passed_bytes] = tokens * (passed(model, step, tp) + of_loss(model, tp))
    found: dict[Symbol, Any] = {s: case.scenario.evaluate(expr) for s, expr in lines.items()}
    stretch, fuller = 1 + case.scenario.evaluate(q.bubble_ratio), fullest_over_mean_stage(case)
    for symbol in OF_PASSES:
        found[symbol] = found[symbol] * fuller * (stretch if symbol in STRETCHED else 1.0)
    if not choices.fused and choices.attention == Counted.CAUSAL:
        length = case.scenario.evaluate(q.sequence)
        all_pairs = length**2 / np.maximum(1.0, length * (length - 1) / 2)  # over those that are not masked afterwards
        found[e.paired_flops] = found[e.paired_flops] * all_pairs
    passes_of_micro_batches = case.scenario.evaluate(q.micro_batches)
    again = step.forward_passes - 1
    found |= {
        e.launches: passes_of_micro_batches * (ROUNDS + again) * kernels_of(model) / layout.pp,
        e.hiding_share: 1.0 if choices.zero >= 2 else 1 / passes_of_micro_batches,
    }
    rates = (q.peak_flops, q.memory_bandwidth, q.scale_up_bandwidth, q.scale_out_bandwidth)
    found |= {rate: case.number(rate) or 1.0 for rate in rates}
    peaks = case.hardware.peaks
    wide = case.hardware.peak(activations_for("bf16", tuple(peaks))) if peaks and narrow else found[q.peak_flops]
    found[q.wide_peak] = min(wide, found[q.peak_flops])
    return found


def _padding(model: Transformer) -> sympy.Expr:
    """Rows of tiles over tokens of experts, each of which leaves half a tile empty on average; of the layers with the
    largest number of experts for the tokens that they have."""
    blocks = [block for layer in model.kinds for block in layer.feed_forward if isinstance(block, ExpertFeedForward)]
    if not blocks:
        return sympy.S.One
    fewest = min(blocks, key=lambda block: block.experts_per_token / block.experts)
    tokens = q.micro_batch * q.sequence * fewest.experts_per_token / fewest.experts
    return 1 + sympy.Rational(TILE_ROWS, 2) / tokens


def fullest_over_mean_stage(case: Case) -> Any:
    """Work of the fullest stage over that of the mean one: the last multiplies the unembedding beside its layers.

    Where layers divide evenly every stage has as many; else the last has so few that the fullest has least.
    """
    stages, layers = case.layout.pp, case.accounts.layers
    if stages == 1:
        return 1.0
    numbers = [(line.name, case.scenario.evaluate(line.flops)) for line in case.operations]
    total = sum(flops for _, flops in numbers)
    last = sum(flops for name, flops in numbers if name == OperationName.UNEMBEDDING)
    extra = last / (total - last) * layers  # of the unembedding, in layers
    if layers % stages == 0:
        fullest = layers / stages + extra
    else:
        here = np.arange(1, layers // stages + 2)
        others = np.ceil((layers - here) / (stages - 1))
        fullest = np.min(np.maximum(here + np.asarray(extra)[..., None], others), axis=-1)
    return fullest / ((layers + extra) / stages)
