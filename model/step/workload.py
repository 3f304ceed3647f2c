"""From inputs to the phase of a step: what a pass works on, and a number for each quantity of that work."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.choices import PhaseName, Recompute, Schedule, Scope
from steptime.model.errors import UserError
from steptime.model.layout.layout import Layout
from steptime.model.phases.decode import DECODE
from steptime.model.phases.phase import Phase
from steptime.model.phases.prefill import ANSWER, FROM_PROMPT, IN_FLIGHT, VERIFY, prefill_phase
from steptime.model.phases.train import Choices, train_phase
from steptime.model.step.defaults import DECODE_EFFICIENCY, REQUEST, TRAINED, WORK
from steptime.model.step.inputs import WORKLOAD, Default, Inputs, called

Values = dict[Symbol, float]
_Filled = tuple[Values, tuple[Default, ...]]


@dataclass(frozen=True)
class Workload:
    """The phase of a step, a number for each quantity of its work, and the defaults among them."""

    phase: Phase
    values: Mapping[Symbol, float]
    defaults: tuple[Default, ...] = ()


def workload(inputs: Inputs) -> Workload:
    """The workload of some inputs; raises UserError for those that do not go together."""
    stated = {symbol: value for symbol, value in inputs.given.items() if symbol in WORKLOAD}
    if stated.get(q.cached) == 0:
        del stated[q.cached]
    if inputs.phase == PhaseName.ANSWER:  # asked for by `request`, after the prefill that it belongs to
        return Workload(ANSWER, {**REQUEST, **stated})
    _refuse_strangers(inputs, stated)
    if inputs.phase == PhaseName.TRAIN:
        return _training(inputs, stated)
    if inputs.phase == PhaseName.PREFILL:
        return _prefill(inputs, stated)
    return _decode(inputs, stated)


def _with_defaults(stated: Values, needed: tuple[Symbol, ...], usual: Mapping[Symbol, float] = WORK) -> _Filled:
    """The values with the usual ones for what is needed and not stated, and these."""
    left_out = [symbol for symbol in needed if symbol not in stated]
    taken = {symbol: usual[symbol] for symbol in left_out}
    return {**stated, **taken}, tuple(Default(symbol.name, value) for symbol, value in taken.items())


def _prefill(inputs: Inputs, stated: Values) -> Workload:
    values, defaults = _with_defaults(stated, (q.batch, q.prompt), REQUEST)
    if q.drafts in inputs.given and q.answer in stated:
        raise UserError("`drafts`: drafts are not modelled together with `output`")
    cached, prompt = values.get(q.cached, 0.0), values[q.prompt]
    if cached >= prompt:
        raise UserError(
            f"`cached` {cached:g} must be less than `prompt` {prompt:g}, which counts the cached tokens too"
        )
    if prompt == 1:
        raise UserError("`prompt`: a single token with nothing before it is no prefill; give at least 2")
    if values.get(q.chunk, 0.0) > prompt - cached:
        raise UserError(f"`chunk` {values[q.chunk]:g} is longer than the {prompt - cached:g} new tokens")
    return Workload(prefill_phase(q.cached in values, q.chunk in values), values, defaults)


def _decode(inputs: Inputs, stated: Values) -> Workload:
    serving, given = inputs.scope == Scope.SERVING, inputs.given
    if serving:
        if q.answer not in stated:
            raise UserError("`scope` serving needs `output`: the tokens that each request generates")
        if stated[q.answer] < 2:
            raise UserError("`output`: in-flight batching needs at least 2 tokens; the first comes from the prefill")
    values, defaults = _with_defaults(stated, (q.batch, q.prompt) if serving else (q.batch, q.context))
    if serving and q.drafts not in given:
        values[q.own_prefill] = given.get(q.own_prefill, 1.0)
        if q.context in values:
            return Workload(IN_FLIGHT, values, defaults)
        mean = Default("context", FROM_PROMPT.number(q.context, values), "the mean over a request's decode steps")
        return Workload(FROM_PROMPT, values, (mean, *defaults))
    if q.drafts not in given:
        return Workload(DECODE, values, defaults)
    if serving:
        raise UserError("`drafts`: drafts are not modelled together with `scope` serving")
    if not 0 <= given.get(q.acceptance, -1.0) < 1:
        raise UserError("`drafts` needs `acceptance`, the chance below 1 that a draft is accepted")
    return Workload(VERIFY, values, defaults)


def _training(inputs: Inputs, stated: Values) -> Workload:
    """An optimizer step with its choices; numbers for state, gradients and activations as they are usually kept."""
    values, defaults = _with_defaults(stated, (q.batch, q.sequence, q.microbatch))
    values.setdefault(q.interleave, 1.0)
    choices, given = inputs.training, inputs.given
    if values[q.interleave] > 1 and choices.schedule != Schedule.ONE_F_ONE_B:
        raise UserError(f"`interleave` belongs to `schedule` 1f1b, not to {choices.schedule}")
    if choices.recompute == Recompute.SELECTIVE and choices.fused:
        raise UserError("`attention_kernel` fused makes scores again in any case; `recompute` selective is of the "
                        "steps of an unfused one: leave one of the two out")  # fmt: skip
    values |= {symbol: value for symbol, value in TRAINED.items() if symbol not in given}
    if q.served_tokens in given and q.decode_efficiency not in given:
        values[q.decode_efficiency] = DECODE_EFFICIENCY
        defaults += (Default("decode_efficiency", DECODE_EFFICIENCY),)
    return Workload(train_phase(choices), values, defaults)


ALLOWED: Mapping[PhaseName | Scope, frozenset[Symbol]] = {
    PhaseName.PREFILL: frozenset({q.batch, q.prompt, q.cached, q.chunk, q.answer}),
    PhaseName.DECODE: frozenset({q.batch, q.context}),
    Scope.SERVING: frozenset({q.batch, q.context, q.prompt, q.answer}),
    PhaseName.TRAIN: frozenset({q.batch, q.sequence, q.microbatch, q.interleave, q.training_tokens}),
}
"""What each phase works on."""


def _refuse_strangers(inputs: Inputs, stated: Values) -> None:
    """Statements that this phase has no use for are a slip, not to be dropped in silence."""
    phase, serving = inputs.phase, inputs.scope == Scope.SERVING
    if serving and phase == PhaseName.PREFILL:
        raise UserError("`scope` serving is a decode step with prefills riding along: use `phase` decode")
    if serving and phase == PhaseName.TRAIN:
        raise UserError(f"`scope` {inputs.scope} says nothing in `phase` train")
    if phase != PhaseName.TRAIN:
        usual = Choices()
        for choice in fields(usual):
            if getattr(inputs.training, choice.name) != getattr(usual, choice.name):
                raise UserError(f"`{choice.name}` says nothing in `phase` {phase}; see `phase` train")
    for symbol in stated:
        if symbol not in ALLOWED[inputs.scope if serving else phase]:
            where = "`scope` serving" if serving else f"`phase` {phase}"
            remedy = f"; see {_home(symbol)}" if phase == PhaseName.DECODE and not serving else ""
            raise UserError(f"`{called(symbol)}` says nothing in {where}{remedy}")


def _home(symbol: Symbol) -> str:
    """Where what decode has no use for belongs."""
    if symbol in ALLOWED[PhaseName.TRAIN]:
        return "`phase` train"
    return "`phase` prefill" if symbol in (q.cached, q.chunk) else "`phase` prefill or `scope` serving"


def no_such_step(layout: Layout, layers: int, values: Mapping[Symbol, float]) -> str | None:
    """Why a layout cannot train with this batch, or None: whole micro-batches on every rank, a layer for each chunk."""
    ranks = layout.dp * layout.replicas * values[q.microbatch]
    if values[q.batch] % ranks:
        return (f"batch {values[q.batch]:g} is no multiple of dp·replicas·microbatch = {ranks:g}: "
                "micro-batches are whole")  # fmt: skip
    chunks = layout.pp * values[q.interleave]
    if values[q.interleave] > 1 and (layout.pp == 1 or layers % chunks):
        return f"interleave {values[q.interleave]:g} on {layout.pp} stages does not divide {layers} layers"
    return None
