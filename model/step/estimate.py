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
from steptime.model.catalog.coefficients import Coefficients, shipped
from steptime.model.choices import Efficiency, PhaseName, Scope
from steptime.model.errors import Unbound
from steptime.model.estimate import symbols as e
from steptime.model.estimate.experts import fullest_rank, waiting_for_the_fullest
from steptime.model.estimate.groups import groups, kernels_of, padding_of
from steptime.model.estimate.terms import DECODE, PREFILL, along
from steptime.model.precision import activations_for
from steptime.model.scenario import Scenario
from steptime.model.step.build import build_case
from steptime.model.step.case import Case


@dataclass(frozen=True)
class Estimate:
    """Seconds of a step in practice, between which eight in ten lie, after the band of which family; its terms, which
    add up to it; ``outside`` says in what the step is beyond what was calibrated."""

    step_time: float
    low: float
    high: float
    family: str
    terms: Mapping[str, float]
    outside: tuple[str, ...] = ()

    @property
    def inside(self) -> bool:
        return not self.outside


def estimated(case: Case) -> Estimate | None:
    """The estimate of a decode step, of a pass that checks drafts, or of a prefill.

    None where there is none: of lists of quantities, of training, where the bound has no number, and where the ideal
    alone is asked for.
    """
    bound, model = case.number(q.step_time), case.accounts.transformer
    if bound is None or case.inputs.efficiency == Efficiency.IDEAL or model is None:
        return None
    if case.inputs.phase not in (PhaseName.DECODE, PhaseName.PREFILL):
        return None
    chosen = case.inputs.coefficients or shipped()
    try:
        terms = _terms(case, chosen)
    except Unbound:
        return None
    kind, family = kind_of(model), case.hardware.family
    name, band = chosen.band(kind, family)
    time = max(sum(terms.values()), bound)
    outside = tuple(_outside(case, chosen))
    return Estimate(time, max(bound, time * band.low), time * band.high, name, terms, outside)


def kind_of(model: Transformer) -> str:
    """What decides how far an estimate may be off: experts or none."""
    return "experts" if model.experts else "dense"


def _terms(case: Case, chosen: Coefficients) -> dict[str, float]:
    """Seconds by term: of a step, with the prefills that ride along in it where the scope is serving."""
    values = chosen.of_family(case.hardware.family)
    if case.inputs.phase == PhaseName.PREFILL:
        return _each(PREFILL, {**values, **asked_of_chip(case)})
    if case.inputs.scope != Scope.SERVING:
        return _each(DECODE, {**values, **asked_of_chip(case)})
    pure, alone, number = parts_of_serving(case)
    prefills = evaluated(along, {**values, **asked_of_chip(alone), e.riding: number})
    return {**_each(DECODE, {**values, **asked_of_chip(pure)}), "prefills": prefills}


def _each(terms: Mapping[str, Expr], values: Mapping[Symbol, float]) -> dict[str, float]:
    return {name: evaluated(expr, values) for name, expr in terms.items()}


def parts_of_serving(case: Case) -> tuple[Case, Case, float]:
    """A step of in-flight batching as a decode step alone, one prefill alone, and how many of these ride along in it:
    one for each sequence that ends, but for a request's own."""
    there = case.scenario.values
    held = replace(case.layout, copies=None)
    inputs = case.inputs.with_given({q.prompt: None, q.answer: None, q.context: there[q.context]},
                                    scope=Scope.STEPS, layout=held, chips=None)  # fmt: skip
    alone = replace(case.inputs.prompt_alone(there[q.prompt]), layout=held, chips=None)
    pure, prompt = (build_case(replace(case.question, inputs=one)) for one in (inputs, alone))
    sequences = there[q.batch] / case.layout.replicas
    return pure, prompt, max(0.0, sequences - there.get(q.own_prefill, 0.0)) / (there[q.answer] - 1)


def evaluated(expr: Expr, values: Mapping[Symbol, Any]) -> float:
    return float(Scenario(values).evaluate(expr))


def asked_of_chip(case: Case) -> dict[Symbol, Any]:
    """Bytes, FLOP, collectives, kernels and sequences of one chip in a pass, routed experts as the fullest chip reads
    them; and its machine's rates. Numbers, or arrays where the case has arrays.

    Raises Unbound where the ledger lacks a number.
    """
    model = case.accounts.transformer
    assert model is not None, "an architecture is known"
    found: dict[Symbol, Any] = {s: case.scenario.evaluate(expr) for s, expr in groups(case.operations).items()}
    tokens = case.scenario.evaluate(q.micro_batch * case.phase.tokens / case.phase.passes)
    passes = case.scenario.evaluate(case.phase.passes * case.phase.traversed)
    sequences, waiting = case.scenario.evaluate(q.rank_batch), _waiting_for_the_fullest_rank(case)
    for symbol in (e.cache_bytes, e.score_flops):
        found[symbol] = found[symbol] * waiting
    found[e.expert_bytes] = found[e.expert_bytes] * waiting_for_the_fullest(model, tokens, case.layout.ep)
    found |= {
        e.kernels: kernels_of(model) * passes,
        e.sequences: sequences * waiting * case.layout.pp * passes,
        q.head_padding: padding_of(model, case.layout.tp),
    }
    rates = (q.peak_flops, q.memory_bandwidth, q.scale_up_bandwidth, q.scale_out_bandwidth)
    found |= {rate: case.number(rate) or 1.0 for rate in rates}
    peaks = case.hardware.peaks
    found[q.wide_peak] = case.hardware.peak(activations_for("bf16", tuple(peaks))) if peaks else found[q.peak_flops]
    return found


def _waiting_for_the_fullest_rank(case: Case) -> Any:
    """Sequences on the fullest rank over those that the bound has there; one where ranks do not wait for each other, in
    a prefill, and for a static batch, which is dealt out evenly."""
    if case.inputs.phase != PhaseName.DECODE or not case.accounts.meets(case.layout):
        return 1.0
    held, mean = case.scenario.evaluate(q.rank_batch), case.scenario.evaluate(q.micro_batch) / case.layout.dp
    return np.maximum(1.0, fullest_rank(mean, case.layout.dp) / held)


def _outside(case: Case, chosen: Coefficients) -> list[str]:
    """In what a step is beyond the rows of the fit."""
    found = []
    if case.hardware.family not in chosen.kernels:
        found.append(f"no row of machines of the family {case.hardware.family or case.hardware.name}")
    if case.inputs.phase == PhaseName.PREFILL:
        found.append("no row of a prefill alone")
    if q.drafts in case.inputs.given:
        found.append("no row that states how many drafts were accepted; what drafting itself takes is not counted")
    values = {"context": case.number(q.context), "sequences": case.number(q.rank_batch), "chips": case.layout.chips}
    for name, value in values.items():
        low, high = getattr(chosen.seen, name)
        if value is not None and not low <= value <= high and (name != "context" or case.inputs.phase == "decode"):
            found.append(f"{name} {value:,.4g} outside {low:,.4g} to {high:,.4g}")
    return found
