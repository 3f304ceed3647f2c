"""What a search over layouts varies beside the layout: formats that a machine has, and choices of training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import AttentionKernel, Format, Minimise, PhaseName, Recompute, Schedule
from steptime.model.economics.cost import capped_power
from steptime.model.errors import UserError
from steptime.model.layout.choices import Plan
from steptime.model.layout.enumeration import Columns
from steptime.model.phases.accounts import Accounts
from steptime.model.phases.phase import Phase
from steptime.model.precision import activations_for
from steptime.model.scenario import Scenario
from steptime.model.solver.layouts.points import Search
from steptime.model.step.build import base_values, plan_of
from steptime.model.step.capped import is_capped
from steptime.model.step.formats import usual_activations
from steptime.model.step.inputs import Inputs, Question, settled
from steptime.model.step.workload import workload

Array = np.ndarray
FORMATS = (Format.BF16, Format.FP8, Format.FP4, Format.INT8, Format.INT4)
"""Formats of weights that are tried, where the chip has a peak for them; beside the model's own."""
NO_LINK = 1e-300
"""Bandwidth of a link whose figure is missing: a layout that needs it never ends."""


@dataclass(frozen=True)
class Variant:
    """A machine, one choice of formats and one of training, as a question without layout and batch; its numbers.

    ``free``: the choices of training that are searched.
    """

    question: Question
    phase: Phase
    values: Mapping[Symbol, float]
    plan: Plan
    free: frozenset[str]

    def differs(self, columns: Columns) -> Array:
        """Rows on which this choice is another execution than one tried before: where it is searched, sequence
        parallelism needs tensor-parallel chips, ZeRO chips that hold the same weights, and a schedule stages; and where
        it is one: only 1F1B has several chunks a stage."""
        rows, training = np.ones(len(columns["tp"]), bool), self.question.inputs.training
        if "sequence_parallel" in self.free and not training.sequence_parallel:
            rows &= columns["tp"] > 1
        if "zero" in self.free and training.zero:
            rows &= columns["dp"] * columns["cp"] * columns["replicas"] > 1
        if training.schedule != Schedule.ONE_F_ONE_B and "interleave" in columns:
            rows &= columns["interleave"] == 1
            if "schedule" in self.free:
                rows &= columns["pp"] > 1
        return rows


def variants_on(search: Search, accounts: Accounts, hardware: Hardware) -> list[Variant]:
    """Every choice of the formats and, in training, of what is free; the model's own format of weights is the first."""
    found = []
    for chosen in _trained(search, _formats(search, accounts, hardware)):
        inputs = settled(chosen)
        work, base = workload(inputs), base_values(inputs, accounts, hardware)
        links = {q.scale_up_bandwidth: NO_LINK, q.scale_out_bandwidth: NO_LINK, q.scale_up_domain: 1.0}
        numbers = {**links, **base.values, **{s: value for s, value in work.values.items() if s != q.batch}}
        numbers.pop(q.batch, None)
        if is_capped(inputs, hardware):  # joules are all that a search follows from watts: coefficients have the clock
            numbers[q.power] = Scenario(numbers).evaluate(capped_power)
        question = Question(search.model, hardware, inputs)
        found.append(Variant(question, work.phase, numbers, plan_of(inputs, hardware, base.values), search.free))
    return found


def _formats(search: Search, accounts: Accounts, hardware: Hardware) -> list[Inputs]:
    """The formats that are stated, else the model's own; those that are free are tried, its own first."""
    inputs, free, peaks = search.inputs, search.free, hardware.peaks
    own = accounts.precision or Format.BF16
    weights, kvs, activations = [inputs.weights], [inputs.kv], [inputs.activations]
    if "weights" in free:
        weights = [None, *(known for known in FORMATS if known in peaks and known != own)]
    if "kv" in free:
        kvs = [Format.BF16, *([Format.FP8] if Format.FP8 in peaks else [])]
    if "activations" in free:
        activations = [None, *(known for known in FORMATS if known in peaks)]
    found = [replace(inputs, weights=stored, kv=kv, activations=used)
             for stored, kv, used in product(weights, kvs, activations)]  # fmt: skip
    if "activations" not in free:
        return found
    return [one for one in found if one.activations != _usual(one, accounts, hardware)]


def _usual(inputs: Inputs, accounts: Accounts, hardware: Hardware) -> str | None:
    """The format of the multiply-adds where none is stated and they are free: stated anew, it would be tried twice."""
    wanted = usual_activations(inputs.weights, accounts)
    return activations_for(wanted, tuple(hardware.peaks)) if hardware.peaks else None


def _trained(search: Search, formats: Sequence[Inputs]) -> list[Inputs]:
    """Recomputation, kernel of attention, ZeRO, sequence parallelism and schedule, where they are free; first what is
    taken where nothing is said."""
    if search.inputs.phase != PhaseName.TRAIN:
        return list(formats)
    usual, free = search.inputs.training, search.free
    modes = (Recompute.NONE, Recompute.SELECTIVE, Recompute.FULL) if "recompute" in free else (usual.recompute,)
    kernels = (None, AttentionKernel.UNFUSED) if "attention_kernel" in free else (usual.attention_kernel,)
    again = []
    for mode, kernel in product(modes, kernels):
        tried = mode == Recompute.SELECTIVE and kernel != kernels[0]  # it has one kernel
        never = mode == Recompute.SELECTIVE and kernel == AttentionKernel.FUSED and "recompute" in free
        if not tried and not never:
            again.append((mode, kernel))
    zero = range(4) if "zero" in free else (usual.zero,)
    shared = (True, False) if "sequence_parallel" in free else (usual.sequence_parallel,)
    schedules = tuple(Schedule) if "schedule" in free else (usual.schedule,)
    found = []
    for inputs, (mode, kernel), stage, share, order in product(formats, again, zero, shared, schedules):
        chosen = replace(usual, recompute=mode, attention_kernel=kernel, zero=stage)
        chosen = replace(chosen, sequence_parallel=share, schedule=order)
        found.append(replace(inputs, training=chosen))
    return found


def affordable(variants: Sequence[Variant]) -> Minimise:
    """Cost where every machine has a price, else chip-seconds."""
    return Minimise.COST if all(q.chip_hour_price in one.values for one in variants) else Minimise.CHIP_SECONDS


def must_have(variants: Sequence[Variant], minimise: Minimise, search: Search) -> None:
    """Raise UserError for a machine without a figure that is minimised or limited."""
    needed = {Minimise.COST: q.chip_hour_price, Minimise.ENERGY: q.power}.get(minimise)
    limited = {q.dollars_per_million_tokens: q.chip_hour_price, q.joules_per_token: q.power}
    for variant in variants:
        hardware = variant.question.hardware
        if needed is not None and needed not in variant.values:
            where = hardware.missing(needed.name)
            raise UserError(f"the search needs {where}; `minimise` chip-seconds needs no price")
        for limit in search.limits:
            figure = limited.get(limit.quantity)
            if figure is not None and figure not in variant.values:
                raise UserError(f"`limit` {limit.quantity.name} needs {hardware.missing(figure.name)}")
