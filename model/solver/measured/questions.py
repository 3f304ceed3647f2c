"""A row of measurements as questions: the pass or request that it means, bound from below where it leaves things open.

What a row states is taken as it is; of what it does not state, whatever takes least time.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import Efficiency, Load, Minimise, PhaseName, Scope
from steptime.model.errors import UserError
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import Model
from steptime.model.solver.layouts.points import Search
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.solver.measured.formats import with_formats
from steptime.model.step.inputs import Inputs, Question

ALL_OF_IT: Mapping[Symbol, float] = {q.usable_memory: 1.0, q.workspace: 0.0}
"""What was measured ran, whatever its engine kept free: a bound may fill the memory."""


def one_pass(row: Measurement, model: Model, machine: Hardware) -> Question:
    """One pass of a row. A serving row's prefills may all fall between the steps: the bound is pure decode.

    Where drafts are checked it is the pass that checks them. Raises UserError for what the row lacks.
    """
    if row.phase == PhaseName.PREFILL:
        phase, given = PhaseName.PREFILL, {q.prompt: whole_number(needed(row, "prompt"))}
    else:
        phase, given = PhaseName.DECODE, {q.context: whole_number(needed(row, "context"))}
    if "mtp" in row.detail:
        if row.number("drafts") is None:
            raise UserError("time per token of several a step, and drafts are not stated")
        # How many of them are accepted says nothing of the pass itself.
        given |= {q.drafts: needed(row, "drafts"), q.acceptance: 0.0}
    batch, load = sequences(row)
    return _asked(row, model, machine, Inputs(phase, {q.batch: batch, **given}, load=load))


def sequences(row: Measurement) -> tuple[float, Load]:
    """Sequences that decode together, and how they lie on ranks: whole ones of a pass, or their mean over time.

    With n in flight tokens come out at the rate n/t(n); a token's mean time is the mean of n over that of this rate,
    both over time. Where the rate is concave in n, as for t = a + b n, that is at least t at the mean of n: a bound may
    take the mean as it is. Ranks share it evenly as long as each has one, which is less than whole sequences take.
    """
    batch, mean = needed(row, "batch"), row.number("inflight")
    if row.phase != PhaseName.DECODE or row.scope == "request" or mean is None:
        return whole_number(batch), Load.AT_LEAST_ONE if row.scope == Scope.SERVING else Load.WHOLE
    return max(1.0, min(batch, mean)), Load.AT_LEAST_ONE


def tokens_a_step(row: Measurement) -> float:
    """The most tokens that a sequence gains in a step: each draft, and one more."""
    return 1 + (row.number("drafts") or 0.0) if "mtp" in row.detail else 1.0


def riding_along(row: Measurement, question: Question) -> Question | None:
    """The step of in-flight batching at a steady rate; None where the row is of another kind.

    Lengths are scaled as the mean context says they were.
    """
    if row.scope != Scope.SERVING or "mtp" in row.detail or (lengths := _lengths(row)) is None:
        return None
    prompt, output = lengths
    scaled = {q.prompt: whole_number(prompt, 2), q.answer: whole_number(output, 2)}
    return question.but(scaled, scope=Scope.SERVING)


def first_token(row: Measurement, question: Question) -> Question | None:
    """The prefill of one prompt alone, on a server that states its time to the first token; None elsewhere, and where
    prefills ran on other chips."""
    if row.scope != Scope.SERVING or row.number("ttft_s") is None or (lengths := _lengths(row)) is None:
        return None
    alone = question.inputs.prompt_alone(whole_number(lengths[0], 2))
    return replace(question, inputs=replace(alone, load=Load.WHOLE))


def _lengths(row: Measurement) -> tuple[float, float] | None:
    """Mean lengths of prompt and answer: as printed, scaled to the mean context."""
    prompt, output = row.number("prompt"), row.number("output")
    if prompt is None or output is None:
        return None
    scale = needed(row, "context") / (prompt + output / 2)
    return prompt * scale, output * scale


def parts_of_request(row: Measurement, question: Question) -> tuple[Question, Question | None]:
    """The prefill of a whole request, and all of its decode steps; the prompt counts what is cached already."""
    cached = whole_number(row.number("cached") or 0.0, 0)
    prompt, output = needed(row, "prompt") + cached, whole_number(needed(row, "output"))
    held: dict[Symbol, float | None] = {q.context: None, q.prompt: whole_number(prompt), q.answer: output}
    prefill = question.but({**held, q.cached: cached or None}, phase=PhaseName.PREFILL)
    if output <= 1:
        return prefill, None
    return prefill, prefill.but({q.cached: None}, phase=PhaseName.ANSWER)


def needed(row: Measurement, name: str) -> float:
    """A number of a row; raises UserError where it is not stated."""
    value = row.number(name)
    if value is None:
        raise UserError(f"{name} is not stated")
    return value


def whole_number(value: float, least: int = 1) -> float:
    """Rounded down, so that the bound stays one."""
    return float(max(least, int(value)))


def has_layout(row: Measurement) -> bool:
    """Whether a row states any degree of parallelism."""
    return any(degree is not None for degree in row.degrees.values())


def stated_layout(row: Measurement) -> Layout:
    """The layout that a row states, replicas over the chips left."""
    degrees: dict[str, Any] = {name: degree for name, degree in row.degrees.items() if degree is not None}
    layout = Layout(**degrees)
    if row.chips % layout.chips:
        raise UserError(f"{row.chips} chips are no multiple of the {layout.chips} of its layout")
    return replace(layout, replicas=row.chips // layout.chips)


def asked_of(row: Measurement, model: Model, machine: Hardware, inputs: Inputs) -> Question:
    """A question with the formats of a row."""
    return Question(model, machine, with_formats(row, model, inputs))


def searched(row: Measurement, question: Question, free: frozenset[str] = frozenset()) -> Question:
    """The fastest at the bound on a row's chips, of all layouts and of all choices that are free."""
    inputs = question.inputs.with_given(ALL_OF_IT)
    batch = int(inputs.given[q.batch])
    kept = replace(inputs.with_given({q.batch: None}), layout=None, efficiency=Efficiency.IDEAL)
    search = Search(question.model, (question.hardware,), (row.chips,), kept, (batch,), Minimise.LATENCY, None, {},
                    free, within=0.0)  # fmt: skip  # the fastest, so that a bound stays one
    try:
        found = search_layouts(search).best.question
    except UserError as error:
        raise UserError(f"no layout is stated, and none is found: {error}") from None
    return replace(found, inputs=replace(found.inputs, efficiency=inputs.efficiency))


def _asked(row: Measurement, model: Model, machine: Hardware, inputs: Inputs) -> Question:
    """The question with the formats and the layout of a row; with the fastest on its chips where it states none."""
    question = asked_of(row, model, machine, inputs)
    layout = stated_layout(row) if has_layout(row) else searched(row, question).inputs.layout
    return question.but(layout=layout)
