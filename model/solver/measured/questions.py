"""A row of measurements as questions, and what was measured as seconds of the pass or request that it means."""

from dataclasses import replace

import sympy

from steptime.model import symbols as q
from steptime.model.architecture.activations import MODES
from steptime.model.catalog.measurement import Measurement
from steptime.model.errors import UserError
from steptime.model.phases.prefill import flops_of
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.step.inputs import Question, read_layout


def one_pass(row: Measurement, model: str, machine: str) -> Question:
    """One pass of a row. A serving row's prefills may all fall between the steps: the bound is pure decode, of the
    sequences that decode on average."""
    batch = _needed(row, "batch")
    if row.scope == "serving" and "inflight" in row.detail:
        batch = min(batch, max(1.0, _needed(row, "inflight")))
    prefills = row.phase == "prefill"
    question = Question(
        model, machine, phase=row.phase, batch=_whole(batch),
        prompt=_whole(_needed(row, "prompt")) if prefills else None,
        context=None if prefills else _whole(_needed(row, "context")),
        weights=row.formats.get("weights"), activations=row.formats.get("activations"), kv=row.formats.get("kv"),
    )  # fmt: skip
    return replace(question, layout=_layout(row, question))


def optimizer_step(row: Measurement, model: str, machine: str) -> Question:
    """An optimizer step of a row. What it does not state is taken as the fastest: micro-batches of one sequence, one
    chunk a stage, nothing computed again; recomputation that is only called partial counts as none."""
    recompute = row.recompute if row.recompute in MODES else "none"
    microbatch, interleave = row.number("microbatch") or 1, row.number("interleave") or 1
    question = Question(
        model, machine, phase="train", batch=_whole(_needed(row, "batch")), sequence=_whole(_needed(row, "sequence")),
        microbatch=_whole(microbatch), interleave=_whole(interleave), recompute=recompute,
        weights=row.formats.get("weights"), activations=row.formats.get("activations"),
    )  # fmt: skip
    return replace(question, layout=_layout(row, question))


def _needed(row: Measurement, name: str) -> float:
    value = row.number(name)
    if value is None:
        raise UserError(f"{name} is not stated")
    return value


def _whole(value: float, least: int = 1) -> str:
    """Rounded down, so that the bound stays one."""
    return str(max(least, int(value)))


def _layout(row: Measurement, question: Question) -> str:
    """The layout that a row states, replicas over the chips left; the fastest on its chips where it states none."""
    stated = ",".join(f"{name}={degree}" for name, degree in row.degrees.items() if degree is not None)
    if not stated:
        search = Search(question, (question.hardware,), (row.chips,), (int(question.batch or 1),), "latency")
        try:
            return str(search_layouts(search).best.layout)
        except UserError as error:
            raise UserError(f"no layout is stated, and none is found: {error}") from None
    layout, _ = read_layout(stated, {})
    assert layout is not None
    if row.chips % layout.chips:
        raise UserError(f"{row.chips} chips are no multiple of the {layout.chips} of its layout")
    return str(replace(layout, replicas=row.chips // layout.chips))


def riding_along(row: Measurement, case: Case) -> float | None:
    """The step of in-flight batching at a steady rate. Lengths are scaled as the mean context says they were."""
    prompt, output = row.number("prompt"), row.number("output")
    if row.scope != "serving" or prompt is None or output is None:
        return None
    scale = _needed(row, "context") / (prompt + output / 2)
    question = replace(
        case.question, scope="serving", prompt=_whole(prompt * scale, 2), output=_whole(output * scale, 2)
    )
    return build_case(question).number(q.step_time)


def whole(row: Measurement, question: Question) -> Question:
    """The whole request: the prompt counts what is cached already."""
    cached = row.number("cached") or 0.0
    return replace(
        question, phase="prefill", context=None, prompt=_whole(_needed(row, "prompt") + cached),
        cached=_whole(cached) if cached else None, output=_whole(_needed(row, "output")),
    )  # fmt: skip


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
    if row.quantity == "hfu" and row.phase != "train":
        raise UserError(f"hfu of a {row.phase} is not modelled")
    if row.quantity == "hfu" and row.recompute not in MODES:
        raise UserError(f"hfu with {row.recompute or 'unstated'} recomputation: what is computed again is not stated")
    flops = printed_flops(row, case)
    rate = row.value if row.quantity == "flops_per_second_per_chip" else row.value * case.hardware.peak("bf16")
    return flops / (rate * row.chips)


def printed_flops(row: Measurement, case: Case) -> float:
    """FLOP of the whole batch as papers count them."""
    if row.phase == "decode":
        return float(case.scenario.evaluate(q.batch * case.phase.flops_per_sequence))
    if row.phase == "prefill":
        every_token = flops_of(q.prompt, sympy.S.Zero, q.prompt)
        in_full = every_token + q.attention_flops * (q.prompt**2 - q.prompt * (q.prompt - 1) / 2)
        return float(case.scenario.evaluate(q.batch * in_full))
    counted = "causal" if row.detail.get("attention") == "causal" else "full"
    as_printed = build_case(replace(case.question, attention=counted))
    again = q.recomputed_flops if row.quantity == "hfu" else sympy.S.Zero
    return float(as_printed.scenario.evaluate(q.batch * (q.model_flops + again)))
