"""A row of measurements as questions, and what was measured as seconds of the pass or request that it means."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sympy
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import AttentionKernel, Counted, Format, Load, Minimise, PhaseName, Recompute, Scope
from steptime.model.errors import UserError
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.phases.accounts import Model
from steptime.model.phases.prefill import flops_of
from steptime.model.phases.train import Choices
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.step.inputs import Inputs, Question

BOUNDLESS = 1e30
"""Bytes of a memory in which everything has room."""
ALL_OF_IT: Mapping[Symbol, float] = {q.usable_memory: 1.0, q.workspace: 0.0}
"""What was measured ran, whatever its engine kept free: a bound may fill the memory."""


def one_pass(row: Measurement, model: Model, machine: Hardware) -> Question:
    """One pass of a row. A serving row's prefills may all fall between the steps: the bound is pure decode, of the
    sequences that decode on average: a mean over time, which ranks share evenly as long as each has one."""
    batch = _needed(row, "batch")
    if row.scope == "serving" and (in_flight := row.number("inflight")) is not None:
        batch = min(batch, max(1.0, in_flight))
    prefills = row.phase == PhaseName.PREFILL
    length = {q.prompt: _needed(row, "prompt")} if prefills else {q.context: _needed(row, "context")}
    phase = PhaseName.PREFILL if prefills else PhaseName.DECODE
    load = Load.AT_LEAST_ONE if row.scope == Scope.SERVING else Load.WHOLE
    return _asked(row, model, machine, Inputs(phase, _whole({q.batch: batch, **length}), load=load))


def optimizer_step(row: Measurement, model: Model, machine: Hardware) -> Question:
    """An optimizer step of a row, by the fastest of all choices that it does not state, so that its time is a bound.

    Recomputation that is only called partial counts as unstated. A row that states its chunks a stage runs 1F1B.
    """
    given = {q.batch: _needed(row, "batch"), q.sequence: _needed(row, "sequence")}
    given |= {symbol: row.number(symbol.name) or 1.0 for symbol in (q.microbatch, q.interleave)}
    question = _with_formats(row, model, machine, Inputs(PhaseName.TRAIN, _whole(given), training=_fastest(row)))
    unstated = {"zero", *(name for name in ("microbatch", "interleave") if row.number(name) is None)}
    if "interleave" in unstated:
        unstated.add("schedule")
    if not _has_layout(row):
        # What fits decides, and what keeps less takes longer.
        unstated |= {"sequence_parallel", "attention_kernel"} | ({"recompute"} if _unstated_recompute(row) else set())
        return _searched(row, question, frozenset(unstated))
    plain = question.but(layout=_stated(row))
    if any(build_case(plain).missing({"step_time": q.step_time})):
        return plain
    # It ran, so that it had room.
    roomy = plain.but({q.memory_capacity: BOUNDLESS})
    return _searched(row, roomy, frozenset(unstated)).but({q.memory_capacity: None})


def _fastest(row: Measurement) -> Choices:
    """The choices that no other beats in any term, where memory is no limit: what a row does not state is not computed
    again, scores are kept, and tensor-parallel chips add up without gathering again."""
    recompute = Recompute.NONE if _unstated_recompute(row) else Recompute(row.recompute)
    return Choices(recompute, sequence_parallel=False, attention_kernel=AttentionKernel.UNFUSED)


def _unstated_recompute(row: Measurement) -> bool:
    return row.recompute not in tuple(Recompute)


def _searched(row: Measurement, question: Question, free: frozenset[str] = frozenset()) -> Question:
    """The fastest on a row's chips, under its layout where it has one, of all choices that are free."""
    inputs, layout = question.inputs, question.inputs.layout
    held = {} if layout is None else {**{name: getattr(layout, name) for name in SYMBOLS}, "ffn": layout.ffn}
    batch = int(inputs.given[q.batch])
    kept = replace(inputs.with_given({q.batch: None}), layout=None)
    search = Search(question.model, (question.hardware,), (row.chips,), kept, (batch,), Minimise.LATENCY, None, held,
                    free, within=0.0)  # fmt: skip  # the fastest, so that a bound stays one
    try:
        return search_layouts(search).best.question
    except UserError as error:
        raise UserError(f"no layout is stated, and none is found: {error}" if layout is None else str(error)) from None


def _asked(row: Measurement, model: Model, machine: Hardware, inputs: Inputs) -> Question:
    """The question with the formats and the layout of a row; with the fastest on its chips where it states none."""
    question = _with_formats(row, model, machine, inputs)
    if not _has_layout(row):
        return question.but(layout=_searched(row, question).inputs.layout)
    return question.but(layout=_stated(row))


def _with_formats(row: Measurement, model: Model, machine: Hardware, inputs: Inputs) -> Question:
    formats: dict[str, Any] = {name: Format(stored) for name, stored in row.formats.items() if stored}
    if inputs.phase == PhaseName.TRAIN:
        formats.pop("kv", None)
    return Question(model, machine, replace(inputs.with_given(ALL_OF_IT), **formats))


def _needed(row: Measurement, name: str) -> float:
    value = row.number(name)
    if value is None:
        raise UserError(f"{name} is not stated")
    return value


def _whole(given: Mapping[Symbol, float], least: int = 1) -> dict[Symbol, float]:
    """Rounded down, so that the bound stays one."""
    return {symbol: float(max(least, int(value))) for symbol, value in given.items()}


def _has_layout(row: Measurement) -> bool:
    return any(degree is not None for degree in row.degrees.values())


def _stated(row: Measurement) -> Layout:
    """The layout that a row states, replicas over the chips left."""
    degrees: dict[str, Any] = {name: degree for name, degree in row.degrees.items() if degree is not None}
    layout = Layout(**degrees)
    if row.chips % layout.chips:
        raise UserError(f"{row.chips} chips are no multiple of the {layout.chips} of its layout")
    return replace(layout, replicas=row.chips // layout.chips)


def riding_along(row: Measurement, case: Case) -> float | None:
    """The step of in-flight batching at a steady rate, as a request sees it, or for a throughput the mean of all.
    Lengths are scaled as the mean context says they were."""
    prompt, output = row.number("prompt"), row.number("output")
    if row.scope != Scope.SERVING or prompt is None or output is None:
        return None
    scale = _needed(row, "context") / (prompt + output / 2)
    lengths = _whole({q.prompt: prompt * scale, q.answer: output * scale}, 2)
    timed = q.mean_step_time if row.quantity == "tokens_per_second" else q.step_time
    return build_case(case.question.but(lengths, scope=Scope.SERVING)).number(timed)


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
    the row says causal; an HFU what its recomputation runs again too, and not what a fused kernel makes again.
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
    training = replace(case.inputs.training, attention=counted, attention_kernel=AttentionKernel.UNFUSED)
    as_printed = build_case(case.question.but(training=training))
    again = q.recomputed_flops if row.quantity == "hfu" else sympy.S.Zero
    return float(as_printed.scenario.evaluate(q.batch * (q.model_flops + again)))
