"""The estimate of a step: what a chip is asked for, put into the closed form with a set of coefficients.

It stands beside the bound and never below it. Where rows that the fit had not seen lay gives its band.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.bands import Evidence
from steptime.model.catalog.coefficients import Coefficients
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import PhaseName, Scope
from steptime.model.errors import Unbound
from steptime.model.estimate import symbols as e
from steptime.model.estimate.terms import DECODE, PREFILL, along
from steptime.model.estimate.training import TRAINING
from steptime.model.scenario import Scenario
from steptime.model.step.build import build_case
from steptime.model.step.capped import capped_clock
from steptime.model.step.case import Case
from steptime.model.step.coefficients import coefficient_values, coefficients_for
from steptime.model.step.demands import (
    demands_of,
    others_per_step,
    own_per_step,
    prompts_together,
    waves_unknown,
)
from steptime.model.step.inputs import WORKLOAD, Inputs
from steptime.model.step.outside import outside
from steptime.model.step.training import asked_in_training, rates_of
from steptime.model.step.wide_peak import wide_peak_of


@dataclass(frozen=True)
class Clock:
    """What a power cap does: the share of the clock that it leaves, and by how many seconds a step is longer."""

    share: float
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """Seconds of a step in practice, between which eight in ten lie, after the band of which family; its terms, which
    add up to it; ``outside`` says in what the step is beyond what was calibrated. The mean step, in which no
    request's own prefill is left out, takes ``own`` seconds longer. ``clock``: under a power cap, else None.
    ``evidence``: what the band rests on."""

    step_time: float
    low: float
    high: float
    family: str
    terms: Mapping[str, float]
    outside: tuple[str, ...] = ()
    own: float = 0.0
    clock: Clock | None = None
    evidence: Evidence | None = None

    @property
    def inside(self) -> bool:
        return not self.outside

    @property
    def mean_time(self) -> float:
        """Seconds of the mean step, at the pace of the fullest rank: throughput and cost follow from it."""
        return self.step_time + self.own


def estimated(case: Case) -> Estimate | None:
    """The estimate of a decode step, of a pass that checks drafts, of a prefill, or of a step of training.

    None where there is none: of lists of quantities, where the bound has no number, where the ideal alone is asked for,
    and of training with a set that has no coefficients of it.
    """
    bound, chosen = case.number(q.step_time), coefficients_of(case)
    if bound is None or chosen is None:
        return None
    try:
        terms, own = terms_of(case, chosen)
    except Unbound:
        return None
    trains, numbers = case.inputs.phase == PhaseName.TRAIN, case.number
    lengths = {"sequence": numbers(q.sequence), "microbatch": numbers(q.microbatch)} if trains else \
        {"context": numbers(q.context), "sequences": numbers(q.rank_batch), "stages": case.layout.pp}  # fmt: skip
    lengths["chips"] = case.layout.chips
    found = estimate_of(case.accounts.transformer, case.hardware, case.inputs, chosen, bound, terms, own, lengths)
    share = capped_clock(case.inputs, case.hardware, case.scenario.values)
    if share is None:
        return found
    uncapped, _ = terms_of(replace(case, inputs=case.inputs.with_given({q.power_cap: None})), chosen)
    return replace(found, clock=Clock(share, found.step_time - max(sum(uncapped.values()), bound)))


def estimate_of(
    model: Transformer | None, hardware: Hardware, inputs: Inputs, chosen: Coefficients, bound: float,
    terms: Mapping[str, float], own: float, lengths: Mapping[str, float | None],
) -> Estimate:  # fmt: skip
    """The estimate that terms add up to, with its band and what lies outside of the rows of the fit; the mean step
    takes ``own`` seconds longer, and the bound at least."""
    assert model is not None, "an architecture is known"
    bands = (chosen.training if inputs.phase == PhaseName.TRAIN else None) or chosen
    kind = kind_of(model)
    band = bands.band(kind, hardware.family, hardware.name)
    time = max(sum(terms.values()), bound)
    beyond = tuple(outside(hardware, kind, inputs, chosen, lengths))
    numbers = {term: float(seconds) for term, seconds in terms.items()}
    low, high = max(bound, time * band.low), time * band.high
    return Estimate(time, low, high, band.name, numbers, beyond, float(own), evidence=band)


def coefficients_of(case: Case) -> Coefficients | None:
    """The coefficients with which a step has an estimate; None where it has none."""
    return coefficients_for(case.inputs) if case.accounts.transformer is not None else None


def kind_of(model: Transformer) -> str:
    """What decides how far an estimate may be off: experts or none."""
    return "experts" if model.experts else "dense"


def estimated_time(case: Case, chosen: Coefficients, every: bool = False) -> Any:
    """Seconds of the estimate alone: a number, or an array where the case has arrays. ``every``: of the mean step."""
    terms, own = terms_of(case, chosen)
    return np.maximum(sum(terms.values()), case.scenario.evaluate(q.step_time)) + (own if every else 0.0)


def terms_of(case: Case, chosen: Coefficients) -> tuple[dict[str, Any], Any]:
    """Seconds by term: of a step, with the prefills that ride along in it where the scope is serving; and by how much
    the mean step is longer, in which no request's own prefill is left out. Numbers, or arrays where the case has
    arrays. Raises Unbound where the ledger lacks a number."""
    values = coefficient_values(case.inputs, case.hardware, chosen, case.scenario.values)
    if case.inputs.phase == PhaseName.TRAIN:
        return _each(TRAINING, {**values, **asked_in_training(case)}), 0.0
    if case.inputs.phase == PhaseName.PREFILL:
        return _each(PREFILL, {**values, **asked_of_chip(case)}), 0.0
    if case.inputs.scope != Scope.SERVING:
        return _each(DECODE, {**values, **asked_of_chip(case)}), 0.0
    pure, alone = parts_of_serving(case)
    prefill = Scenario({**values, **asked_of_chip(alone), e.riding: 1 / prompts_of_pass(case)}).evaluate(along)
    others, own = (case.scenario.evaluate(one) for one in (others_per_step, own_per_step))
    terms = {**_each(DECODE, {**values, **asked_of_chip(pure)}), "prefills": others * prefill}
    return terms, own * prefill


def _each(terms: Mapping[str, Expr], values: Mapping[Symbol, Any]) -> dict[str, Any]:
    there = Scenario(values)
    return {name: there.evaluate(expr) for name, expr in terms.items()}


def parts_of_serving(case: Case) -> tuple[Case, Case]:
    """A step of in-flight batching as a decode step alone, and a prefill alone of prompts side by side."""
    there, context = case.scenario.values, case.scenario.value(q.context)
    held = replace(case.inputs, layout=case.layout_of_others, chips=None)
    asked = (replace(case.question, inputs=one) for one in held.served_apart(context, there[q.prompt]))
    pure, prompt = map(build_case, asked)
    same = {s: value for s, value in there.items() if s in pure.scenario.values}  # numbers that were changed, too
    figures = {s: value for s, value in same.items() if s in prompt.scenario.values and s not in WORKLOAD}
    return pure.changed(same), prompt.changed({**figures, q.batch: prompts_of_pass(case)})


def prompts_of_pass(case: Case) -> Any:
    """Prompts of one prefill that rides along in a step of in-flight batching."""
    return case.scenario.evaluate(prompts_together(case.accounts.meets(case.layout)))


def evaluated(expr: Expr, values: Mapping[Symbol, Any]) -> float:
    return float(Scenario(values).evaluate(expr))


def asked_of_chip(case: Case) -> dict[Symbol, Any]:
    """Bytes, FLOP, collectives, kernels and sequences of one chip in a pass, routed experts as the fullest chip reads
    them; and its machine's rates. Numbers, or arrays where the case has arrays.

    Raises Unbound where the ledger lacks a number.
    """
    known = waves_unknown(case.inputs, case.hardware)
    found: dict[Symbol, Any] = {s: case.scenario.evaluate(e) for s, e in demanded(case).items() if s not in known}
    found |= rates_of(case)
    wide = wide_peak_of(case.hardware, case.precision["activations"], found[q.peak_flops])
    return {**found, **known, q.wide_peak: wide}


def demanded(case: Case) -> dict[Symbol, Expr]:
    """The same as expressions in the quantities of the case."""
    return demands_of(case.accounts, case.phase, case.plan, case.operations)
