"""What was measured, as seconds of the pass or request: a throughput, or a share of the peak, implies a time.

A printed MFU counts every weight for every token and attention in full (PaLM, arXiv 2204.02311, appendix B), unless the
row says causal; an HFU what its recomputation runs again too, and not what a fused kernel makes again. The peak is that
of bf16, unless the row says which.
"""

from dataclasses import replace
from typing import cast

import sympy
from sympy import Expr

from steptime.model import symbols as q
from steptime.model.architecture.attention import GroupedAttention
from steptime.model.architecture.transformer import Layer, Transformer
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import AttentionKernel, Counted, PhaseName, Recompute
from steptime.model.errors import UserError
from steptime.model.phases.decode import DECODE
from steptime.model.phases.prefill import flops_of
from steptime.model.solver.measured.questions import needed
from steptime.model.step.build import build_case
from steptime.model.step.case import Case

SHARES = ("mfu", "hfu", "flops_per_second_per_chip")
"""Quantities that need the FLOP of a step as papers count them."""


def request_seconds(row: Measurement) -> float:
    """Seconds of the whole request: from tokens per second, or from the mean time of an output token."""
    output = needed(row, "output")
    if row.quantity == "tokens_per_second":
        return needed(row, "batch") * output / row.value
    if row.quantity == "step_time":
        return row.value * output
    raise UserError(f"{row.quantity} of a whole request is not modelled")


def wanted_of(row: Measurement) -> dict[str, Expr]:
    """What must be known of a pass to turn what was measured into seconds of it.

    Raises UserError for what is not modelled.
    """
    if row.quantity == "tokens_per_second":
        return {"tokens": q.batch * (q.prompt if row.phase == PhaseName.PREFILL else sympy.S.One)}
    if row.quantity == "hfu" and row.phase != PhaseName.TRAIN:
        raise UserError(f"hfu of a {row.phase} is not modelled")
    if row.quantity not in SHARES or row.phase == PhaseName.TRAIN:
        return {}
    if row.phase == PhaseName.DECODE:
        return {"flops": q.batch * DECODE.flops_per_sequence}
    every_token = flops_of(q.prompt, sympy.S.Zero, q.prompt)
    return {"flops": q.batch * (every_token + q.attention_flops * (q.prompt**2 - q.prompt * (q.prompt - 1) / 2))}


def seconds(row: Measurement, machine: Hardware, tokens: float = 0.0, flops: float = 0.0) -> float:
    """Seconds of one pass of so many tokens and FLOP."""
    if row.quantity == "step_time":
        return row.value
    if row.quantity == "tokens_per_second":
        return tokens / row.value
    if row.quantity == "flops_per_second_per_chip":
        return flops / (row.value * row.chips)
    return flops / (row.value * (row.number("peak") or machine.peak("bf16")) * row.chips)


def printed_flops(row: Measurement, case: Case) -> float:
    """FLOP of an optimizer step as papers count them; raises UserError where the row leaves open what was counted."""
    if row.quantity == "hfu" and row.recompute not in tuple(Recompute):
        raise UserError(f"hfu with {row.recompute or 'unstated'} recomputation: what is computed again is not stated")
    counted = Counted.CAUSAL if row.detail.get("attention") == Counted.CAUSAL else Counted.FULL
    training = replace(case.inputs.training, attention=counted, attention_kernel=AttentionKernel.UNFUSED)
    question = case.question.but({q.interleave: 1.0}, training=training)
    if row.detail.get("kv_heads") == "all":
        question = replace(question, model=of_all_heads(cast(Transformer, question.model)))  # only these are trained
    again = q.recomputed_flops if row.quantity == "hfu" else sympy.S.Zero
    return float(build_case(question).scenario.evaluate(q.batch * (q.model_flops + again)))


def of_all_heads(model: Transformer) -> Transformer:
    """The model with keys and values for every query head, as some papers count FLOP.

    >>> from steptime.model.catalog.transformers import load_transformer
    >>> of_all_heads(load_transformer("nemotron-4-15b")).parameters - load_transformer("nemotron-4-15b").parameters
    2013265920
    """
    every = {layer: _of_all_heads(layer) for layer in dict.fromkeys(model.layers)}
    return replace(model, layers=tuple(every[layer] for layer in model.layers))


def _of_all_heads(layer: Layer) -> Layer:
    mixer = layer.attention
    return (
        replace(layer, attention=replace(mixer, kv_heads=mixer.heads)) if isinstance(mixer, GroupedAttention) else layer
    )
