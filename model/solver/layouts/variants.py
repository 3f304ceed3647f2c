"""What a search over layouts varies beside the layout: formats that a machine has, and choices of training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from sympy import Symbol, divisors

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import Format, Minimise, PhaseName, Recompute
from steptime.model.errors import UserError
from steptime.model.layout.choices import Plan
from steptime.model.layout.enumeration import Columns
from steptime.model.phases.accounts import Accounts
from steptime.model.phases.phase import Phase
from steptime.model.solver.layouts.points import Search
from steptime.model.step.build import base_values, plan_of
from steptime.model.step.inputs import Inputs, Question, settled
from steptime.model.step.workload import workload

Array = np.ndarray
FORMATS = (Format.BF16, Format.FP8, Format.FP4, Format.INT8, Format.INT4)
"""Formats of weights that are tried, where the chip has a peak for them; beside the model's own."""
NO_LINK = 1e-300
"""Bandwidth of a link whose figure is missing: a layout that needs it never ends."""
MOST_EXECUTIONS = 20_000_000


@dataclass(frozen=True)
class Variant:
    """A machine, one choice of formats and one of training, as a question without layout and batch; its numbers."""

    question: Question
    phase: Phase
    values: Mapping[Symbol, float]
    plan: Plan

    def differs(self, columns: Columns) -> Array:
        """Rows on which this choice is another execution: sequence parallelism needs tensor-parallel chips, ZeRO chips
        that hold the same weights."""
        rows, training = np.ones(len(columns["tp"]), bool), self.question.inputs.training
        if training.sequence_parallel:
            rows &= columns["tp"] > 1
        if training.zero:
            rows &= columns["dp"] * columns["cp"] * columns["replicas"] > 1
        return rows


def variants_on(search: Search, accounts: Accounts, hardware: Hardware) -> list[Variant]:
    """Every choice of formats that a machine has peaks for, and in training of what is not stated; the model's own
    format of weights is always one."""
    found = []
    trains = search.inputs.phase == PhaseName.TRAIN
    for chosen in _trained(search) if trains else _formats(search.inputs, accounts, hardware):
        inputs = settled(chosen)
        work, base = workload(inputs), base_values(inputs, accounts, hardware)
        links = {q.scale_up_bandwidth: NO_LINK, q.scale_out_bandwidth: NO_LINK, q.scale_up_domain: 1.0}
        numbers = {**links, **base.values, **{s: value for s, value in work.values.items() if s != q.batch}}
        numbers.pop(q.batch, None)
        question = Question(search.model, hardware, inputs)
        found.append(Variant(question, work.phase, numbers, plan_of(inputs, hardware, base.values)))
    return found


def _formats(inputs: Inputs, accounts: Accounts, hardware: Hardware) -> list[Inputs]:
    own = accounts.precision or Format.BF16
    others = [known for known in FORMATS if known in hardware.peaks and known != own]
    weights = [inputs.weights] if inputs.weights else [None, *others]
    kvs = [inputs.kv] if inputs.kv else [Format.BF16, *([Format.FP8] if Format.FP8 in hardware.peaks else [])]
    return [replace(inputs, weights=stored, kv=kv) for stored, kv in product(weights, kvs)]


def _trained(search: Search) -> list[Inputs]:
    """Recomputation, ZeRO and sequence parallelism, where they are free."""
    usual, free = search.inputs.training, search.free
    recompute = (Recompute.NONE, Recompute.SELECTIVE, Recompute.FULL) if "recompute" in free else (usual.recompute,)
    zero = range(4) if "zero" in free else (usual.zero,)
    shared = (False, True) if "sequence_parallel" in free else (usual.sequence_parallel,)
    return [
        replace(search.inputs, training=replace(usual, recompute=mode, zero=stage, sequence_parallel=share))
        for mode, stage, share in product(recompute, zero, shared)
    ]


def executions(columns: Columns, search: Search, layers: int) -> Columns:
    """Layouts with every micro-batch that divides a rank's share of the batch, and every way to cut a stage's layers in
    chunks; raises UserError where there is none, or where there are too many."""
    if len(search.batches) != 1:
        raise UserError("a search in `phase` train needs one `batch`: the global batch in sequences")
    batch, rows = search.batches[0], []
    for row, (dp, replicas, pp) in enumerate(zip(columns["dp"], columns["replicas"], columns["pp"], strict=True)):
        ranks = int(dp * replicas)
        if batch % ranks:
            continue
        sizes = divisors(batch // ranks) if "microbatch" in search.free else [search.given(q.microbatch)]
        chunks = [1, *(v for v in divisors(layers // int(pp))[1:] if pp > 1 and layers % (int(pp) * v) == 0)]
        if "interleave" not in search.free:
            chunks = [v for v in chunks if v == search.given(q.interleave)]
        rows += [(row, size, v) for size in sizes if (batch // ranks) % size == 0 for v in chunks]
        if len(rows) > MOST_EXECUTIONS:
            raise UserError(
                f"more than {MOST_EXECUTIONS:,} executions: hold some degrees with `layout`, or `microbatch`"
            )
    if not rows:
        raise UserError(f"`batch` {batch}: no layout divides it into whole micro-batches")
    table = np.array(rows)
    found = {name: column[table[:, 0]] for name, column in columns.items()}
    return found | {"layout_row": table[:, 0], "microbatch": table[:, 1].astype(float),
                    "interleave": table[:, 2].astype(float)}  # fmt: skip


def nothing_to_try(search: Search) -> UserError:
    """Why no execution is left: what was asked of training needs chips that no layout here has."""
    asked = search.inputs.training
    needs = [
        ("`sequence_parallel` needs chips that split a tensor: tp of at least 2", asked.sequence_parallel),
        ("`zero` needs chips that hold the same weights: dp, cp or replicas of at least 2", bool(asked.zero)),
    ]
    chips = ", ".join(map(str, search.chips))
    said = "; ".join(why for why, does in needs if does)
    return UserError(f"nothing to try: {said}; no layout of {chips} chips that may be tried has them")


def affordable(variants: Sequence[Variant]) -> Minimise:
    """Cost where every machine has a price, else chip-seconds."""
    return Minimise.COST if all(q.chip_hour_price in one.values for one in variants) else Minimise.CHIP_SECONDS


def must_have(variants: Sequence[Variant], minimise: Minimise) -> None:
    """Raise UserError for a machine without the figure that is minimised."""
    needed = {Minimise.COST: q.chip_hour_price, Minimise.ENERGY: q.power}.get(minimise)
    for variant in variants:
        if needed is not None and needed not in variant.values:
            where = variant.question.hardware.missing(needed.name)
            raise UserError(f"the search needs {where}; `minimise` chip-seconds needs no price")
