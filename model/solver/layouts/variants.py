"""What a search over layouts varies beside the layout: formats that a machine has, and choices of training."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from sympy import Symbol, divisors

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.hardware import Hardware
from steptime.model.errors import UserError
from steptime.model.layout.choices import Plan
from steptime.model.layout.enumeration import Columns
from steptime.model.phases.phase import Phase
from steptime.model.solver.layouts.points import Search
from steptime.model.step.build import base_values
from steptime.model.step.inputs import Question, read_sets
from steptime.model.step.workload import workload

Array = np.ndarray
FORMATS = ("bf16", "fp8", "fp4", "int8", "int4")
"""Formats of weights that are tried, where the chip has a peak for them; beside the model's own."""
NO_LINK = 1e-300
"""Bandwidth of a link whose figure is missing: a layout that needs it never ends."""
MOST_EXECUTIONS = 20_000_000


@dataclass(frozen=True)
class Variant:
    """A machine, one choice of formats and one of training, as a question without layout and batch; its numbers."""

    hardware: Hardware
    question: Question
    phase: Phase
    values: Mapping[Symbol, float]
    plan: Plan

    def differs(self, columns: Columns) -> Array:
        """Rows on which this choice is another execution: sequence parallelism needs tensor-parallel chips, ZeRO chips
        that hold the same weights."""
        rows = np.ones(len(columns["tp"]), bool)
        if self.question.phase == "train" and self.question.sequence_parallel:
            rows &= columns["tp"] > 1
        if self.question.phase == "train" and self.question.zero:
            rows &= columns["dp"] * columns["cp"] * columns["replicas"] > 1
        return rows


def variants_on(search: Search, model: Transformer, hardware: Hardware) -> list[Variant]:
    """Every choice of formats that a machine has peaks for, and in training of what is not stated; the model's own
    format of weights is always one."""
    question = replace(search.question, hardware=hardware.name, layout=None, batch=None)
    found = []
    for chosen in _trained(search, question) if question.phase == "train" else _formats(question, model, hardware):
        sets = read_sets(chosen.sets)
        phase, asked = workload(chosen, sets, [])
        values, _ = base_values(chosen, model, hardware, sets, [])
        links = {q.scale_up_bandwidth: NO_LINK, q.scale_out_bandwidth: NO_LINK, q.scale_up_domain: 1.0}
        plan = Plan(
            in_switch=hardware.in_switch_reduction,
            experts=question.experts,
            mixed=q.bytes_per_weight not in values,
            axes=hardware.torus_axes,
        )
        numbers = {**links, **values, **{symbol: value for symbol, value in asked.items() if symbol != q.batch}}
        found.append(Variant(hardware, chosen, phase, numbers, plan))
    return found


def _formats(question: Question, model: Transformer, hardware: Hardware) -> list[Question]:
    own = model.precision or "bf16"
    others = [f for f in FORMATS if f in hardware.peaks and f != own]
    weights = [question.weights] if question.weights else [None, *others]
    kvs = [question.kv] if question.kv else ["bf16", *(["fp8"] if "fp8" in hardware.peaks else [])]
    return [replace(question, weights=stored, kv=kv) for stored, kv in product(weights, kvs)]


def _trained(search: Search, question: Question) -> list[Question]:
    """Recomputation, ZeRO and sequence parallelism, where they are free."""
    recompute = ("none", "selective", "full") if "recompute" in search.free else (question.recompute,)
    zero = (0, 1, 2, 3) if "zero" in search.free else (question.zero,)
    shared = (False, True) if "sequence_parallel" in search.free else (question.sequence_parallel,)
    return [
        replace(question, recompute=mode, zero=stage, sequence_parallel=share)
        for mode, stage, share in product(recompute, zero, shared)
    ]


def executions(columns: Columns, search: Search, layers: int) -> Columns:
    """Layouts with every micro-batch that divides a rank's share of the batch, and every way to cut a stage's layers in
    chunks; raises UserError where there is none, or where there are too many."""
    if len(search.batches) != 1:
        raise UserError("solve layout --phase train needs one --batch: the global batch in sequences")
    batch, rows = search.batches[0], []
    for row, (dp, replicas, pp) in enumerate(zip(columns["dp"], columns["replicas"], columns["pp"], strict=True)):
        ranks = int(dp * replicas)
        if batch % ranks:
            continue
        sizes = divisors(batch // ranks) if "microbatch" in search.free else [int(search.question.microbatch or 1)]
        chunks = [1, *(v for v in divisors(layers // int(pp))[1:] if pp > 1 and layers % (int(pp) * v) == 0)]
        if "interleave" not in search.free:
            chunks = [v for v in chunks if v == int(search.question.interleave or 1)]
        rows += [(row, size, v) for size in sizes if (batch // ranks) % size == 0 for v in chunks]
        if len(rows) > MOST_EXECUTIONS:
            raise UserError(
                f"more than {MOST_EXECUTIONS:,} executions: hold some degrees with --layout, or --microbatch"
            )
    if not rows:
        raise UserError(f"--batch {batch}: no layout divides it into whole micro-batches")
    table = np.array(rows)
    found = {name: column[table[:, 0]] for name, column in columns.items()}
    return found | {"layout_row": table[:, 0], "microbatch": table[:, 1].astype(float),
                    "interleave": table[:, 2].astype(float)}  # fmt: skip


def affordable(variants: list[Variant]) -> str:
    """Cost where every machine has a price, else chip-seconds."""
    return "cost" if all(q.chip_hour_price in variant.values for variant in variants) else "chip-seconds"


def must_have(variants: list[Variant], minimise: str) -> None:
    """Raise UserError for a machine without the figure that is minimised."""
    needed = {"cost": q.chip_hour_price, "energy": q.power}.get(minimise)
    for variant in variants:
        if needed is not None and needed not in variant.values:
            where = variant.hardware.missing(needed.name)
            raise UserError(f"solve layout needs {where}; --minimise chip-seconds needs no price")
