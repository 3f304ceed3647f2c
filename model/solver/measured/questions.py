"""A row of measurements as questions, and what was measured as seconds of the pass or request that it means."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sympy
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import Counted, Format, Minimise, PhaseName, Recompute, Scope
from steptime.model.errors import UserError
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import Model
from steptime.model.phases.prefill import flops_of
from steptime.model.phases.train import Choices
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.step.inputs import Inputs, Question


def one_pass(row: Measurement, model: Model, machine: Hardware) -> Question:
    """One pass of a row. A serving row's prefills may all fall between the steps: the bound is pure decode, of the
    sequences that decode on average."""
    batch = _needed(row, "batch")
    if row.scope == "serving" and (in_flight := row.number("inflight")) is not None:
        batch = min(batch, max(1.0, in_flight))
    prefills = row.phase == PhaseName.PREFILL
    length = {q.prompt: _needed(row, "prompt")} if prefills else {q.context: _needed(row, "context")}
    phase = PhaseName.PREFILL if prefills else PhaseName.DECODE
    return _asked(row, model, machine, Inputs(phase, _whole({q.batch: batch, **length})))


def optimizer_step(row: Measurement, model: Model, machine: Hardware) -> Question:
    """An optimizer step of a row. What it does not state is taken as the fastest: micro-batches of one sequence, one
    chunk a stage, nothing computed again; recomputation that is only called partial counts as none."""
    known = row.recompute in tuple(Recompute)
    training = Choices(recompute=Recompute(row.recompute) if known else Recompute.NONE)
    given = {q.batch: _needed(row, "batch"), q.sequence: _needed(row, "sequence")}
    given |= {q.microbatch: row.number("microbatch") or 1, q.interleave: row.number("interleave") or 1}
    return _asked(row, model, machine, Inputs(PhaseName.TRAIN, _whole(given), training=training))


def _asked(row: Measurement, model: Model, machine: Hardware, inputs: Inputs) -> Question:
    """The question with the formats and the layout of a row."""
    formats: dict[str, Any] = {name: Format(stored) for name, stored in row.formats.items() if stored}
    if inputs.phase == PhaseName.TRAIN:
        formats.pop("kv", None)
    question = Question(model, machine, replace(inputs, **formats))
    return question.but(layout=_layout(row, question))


def _needed(row: Measurement, name: str) -> float:
    value = row.number(name)
    if value is None:
        raise UserError(f"{name} is not stated")
    return value


def _whole(given: Mapping[Symbol, float], least: int = 1) -> dict[Symbol, float]:
    """Rounded down, so that the bound stays one."""
    return {symbol: float(max(least, int(value))) for symbol, value in given.items()}


def _layout(row: Measurement, question: Question) -> Layout:
    """The layout that a row states, replicas over the chips left; the fastest on its chips where it states none."""
    degrees: dict[str, Any] = {name: degree for name, degree in row.degrees.items() if degree is not None}
    if not degrees:
        batch = int(question.inputs.given[q.batch])
        inputs = question.inputs.with_given({q.batch: None})
        search = Search(question.model, (question.hardware,), (row.chips,), inputs, (batch,), Minimise.LATENCY)
        try:
            return search_layouts(search).best.layout
        except UserError as error:
            raise UserError(f"no layout is stated, and none is found: {error}") from None
    layout = Layout(**degrees)
    if row.chips % layout.chips:
        raise UserError(f"{row.chips} chips are no multiple of the {layout.chips} of its layout")
    return replace(layout, replicas=row.chips // layout.chips)


def riding_along(row: Measurement, case: Case) -> float | None:
    """The step of in-flight batching at a steady rate. Lengths are scaled as the mean context says they were."""
    prompt, output = row.number("prompt"), row.number("output")
    if row.scope != Scope.SERVING or prompt is None or output is None:
        return None
    scale = _needed(row, "context") / (prompt + output / 2)
    lengths = _whole({q.prompt: prompt * scale, q.answer: output * scale}, 2)
    return build_case(case.question.but(lengths, scope=Scope.SERVING)).number(q.step_time)


def whole(row: Measurement, question: Question) -> Question:
    """The whole request: the prompt counts what is cached already."""
    cached = row.number("cached") or 0.0
    lengths = _whole({q.prompt: _needed(row, "prompt") + cached, q.answer: _needed(row, "output")})
    held: dict[Symbol, float | None] = {q.context: None, **_whole({q.cached: cached} if cached else {}), **lengths}
    return question.but(held, phase=PhaseName.PREFILL)


def request_seconds(row: Measurement) -> float:
    """Seconds of the whole request: from tokens per second, or from the mean time of an output token."""
    output = _needed(row, "output")
    if row.quantity == "tokens_per_second":
        return _needed(row, "batch") * output / row.value
    if row.quantity == "step_time":
        return row.value * output
    raise UserError(f"{row.quantity} of a whole request is not modelled")


def seconds(row: Measurement, case: Case) -> float:
    """Seconds of one pass; a throughput, or a utilisation, is the time that it implies, against the bf16 peak.

    A printed MFU counts every weight for every token and attention in full (PaLM, arXiv 2204.02311, appendix B), unless
    the row says causal; an HFU what is computed again too.
    """
    if row.quantity == "step_time":
        return row.value
    if row.quantity == "tokens_per_second":
        return float(case.scenario.evaluate(q.batch * case.phase.yields) / row.value)
    if row.quantity == "hfu" and row.phase != PhaseName.TRAIN:
        raise UserError(f"hfu of a {row.phase} is not modelled")
    if row.quantity == "hfu" and row.recompute not in tuple(Recompute):
        raise UserError(f"hfu with {row.recompute or 'unstated'} recomputation: what is computed again is not stated")
    flops = printed_flops(row, case)
    rate = row.value if row.quantity == "flops_per_second_per_chip" else row.value * case.hardware.peak("bf16")
    return flops / (rate * row.chips)


def printed_flops(row: Measurement, case: Case) -> float:
    """FLOP of the whole batch as papers count them."""
    if row.phase == PhaseName.DECODE:
        return float(case.scenario.evaluate(q.batch * case.phase.flops_per_sequence))
    if row.phase == PhaseName.PREFILL:
        every_token = flops_of(q.prompt, sympy.S.Zero, q.prompt)
        in_full = every_token + q.attention_flops * (q.prompt**2 - q.prompt * (q.prompt - 1) / 2)
        return float(case.scenario.evaluate(q.batch * in_full))
    counted = Counted.CAUSAL if row.detail.get("attention") == Counted.CAUSAL else Counted.FULL
    training = replace(case.inputs.training, attention=counted)
    as_printed = build_case(case.question.but(training=training))
    again = q.recomputed_flops if row.quantity == "hfu" else sympy.S.Zero
    return float(as_printed.scenario.evaluate(q.batch * (q.model_flops + again)))
