"""From the words of a question to its phase: what a pass works on, and numbers for the tokens of it."""

from collections.abc import Iterable, Mapping

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.attended import whole_context_read
from steptime.model.architecture.transformer import Transformer
from steptime.model.errors import UserError
from steptime.model.layout.layout import Layout
from steptime.model.phases.decode import DECODE
from steptime.model.phases.phase import Phase
from steptime.model.phases.prefill import ANSWER, IN_FLIGHT, VERIFY, prefill_phase
from steptime.model.phases.train import Choices, train_phase
from steptime.model.quantity import lookup
from steptime.model.step.inputs import Question
from steptime.model.text.parse import parse_quantity

DEFAULTS: dict[Symbol, float] = {
    q.batch: 64.0, q.context: 4096.0, q.prompt: 4096.0, q.sequence: 4096.0, q.microbatch: 1.0,
}  # fmt: skip
"""What is taken where nothing is said; every one taken is shown."""


DECODE_EFFICIENCY = 0.3
"""Utilisation in generation over that in training (Pope 2026, blackboard lecture, chapter 4)."""
TRAINED: dict[Symbol, float] = {
    q.gradient_bytes: 4.0, q.optimizer_bytes: 12.0, q.bytes_per_activation: 2.0, q.logit_bytes: 4.0, q.mask_bytes: 1.0,
}  # fmt: skip
"""Mixed precision as Megatron and ZeRO describe it: gradients added up in fp32, Adam's master weight and two moments in
fp32, activations in 16 bits, logits in fp32 (Rajbhandari et al. 2020, arXiv 1910.02054, section 3.1)."""


def workload(question: Question, sets: dict[Symbol, float], defaults: list[str]) -> tuple[Phase, dict[Symbol, float]]:
    """The phase of a question, and a number for each quantity of its workload; takes them out of ``sets``.

    Raises UserError for options that do not go together.
    """
    stated = _stated(question, sets)
    if question.phase == "answer":  # asked for by `model.step.request`, after the prefill that it belongs to
        return ANSWER, DEFAULTS | stated
    if question.phase == "train":
        return _training(question, stated, sets, defaults), stated
    prefills = question.phase == "prefill"
    _refuse_strangers(question, stated, prefills)
    needed = [q.batch, q.prompt] if prefills else [q.batch, q.context]
    if question.scope == "serving":
        needed.append(q.prompt)
        if q.answer not in stated:
            raise UserError("--scope serving needs --output: the tokens that each request generates")
        if stated[q.answer] < 2:
            raise UserError("--output: in-flight batching needs at least 2 tokens; the first comes from the prefill")
        if q.context not in stated:
            prompt = stated.get(q.prompt, DEFAULTS[q.prompt])
            stated[q.context] = prompt + (stated[q.answer] - 2) / 2
            defaults.append(f"context {stated[q.context]:g}, the mean over a request's decode steps")
    for symbol in needed:
        if symbol not in stated:
            stated[symbol] = DEFAULTS[symbol]
            defaults.append(f"{symbol.name} {DEFAULTS[symbol]:g}")
    if prefills:
        if q.drafts in sets and q.answer in stated:
            raise UserError("--set drafts: drafts are not modelled together with --output")
        _check_prefill(stated)
        return prefill_phase(q.cached in stated, q.chunk in stated), stated
    if q.drafts in sets:
        if question.scope == "serving":
            raise UserError("--set drafts: drafts are not modelled together with --scope serving")
        if not 0 <= sets.get(q.acceptance, -1.0) < 1:
            raise UserError("--set drafts needs --set acceptance=…, the chance below 1 that a draft is accepted")
        return VERIFY, stated
    return (IN_FLIGHT if question.scope == "serving" else DECODE), stated


def _training(question: Question, stated: dict[Symbol, float], sets: dict[Symbol, float], defaults: list[str]) -> Phase:
    """The phase of an optimizer step with the choices of a question; fills in its defaults."""
    _refuse_strangers(question, stated, prefills=False)
    if question.scope != "steps":
        raise UserError(f"--scope {question.scope} says nothing in --phase train")
    for symbol in (q.batch, q.sequence, q.microbatch):
        if symbol not in stated:
            stated[symbol] = DEFAULTS[symbol]
            defaults.append(f"{symbol.name} {DEFAULTS[symbol]:g}")
    stated.setdefault(q.interleave, 1.0)
    if stated[q.interleave] > 1 and question.schedule != "1f1b":
        raise UserError(f"--interleave belongs to --schedule 1f1b, not to {question.schedule}")
    for symbol, value in TRAINED.items():
        if symbol not in sets:
            stated[symbol] = value
    if q.served_tokens in sets and q.decode_efficiency not in sets:
        stated[q.decode_efficiency] = DECODE_EFFICIENCY
        defaults.append(f"decode_efficiency {DECODE_EFFICIENCY:g}")
    return train_phase(
        Choices(question.recompute, question.zero, question.sequence_parallel, question.schedule, question.attention,
                question.dropout)
    )  # fmt: skip


def no_such_step(layout: Layout, model: Transformer, values: Mapping[Symbol, float]) -> str | None:
    """Why a layout cannot train with this batch, or None: whole micro-batches on every rank, a layer for each chunk."""
    ranks = layout.dp * layout.replicas * values[q.microbatch]
    if values[q.batch] % ranks:
        return (f"batch {values[q.batch]:g} is no multiple of dp·replicas·microbatch = {ranks:g}: "
                "micro-batches are whole")  # fmt: skip
    chunks = layout.pp * values[q.interleave]
    if values[q.interleave] > 1 and (layout.pp == 1 or len(model.layers) % chunks):
        return f"interleave {values[q.interleave]:g} on {layout.pp} stages does not divide {len(model.layers)} layers"
    return None


def _stated(question: Question, sets: dict[Symbol, float]) -> dict[Symbol, float]:
    """What options or --set give; --set wins. Options are named as people say them: --output is `answer`."""
    options = {
        q.batch: question.batch, q.context: question.context, q.prompt: question.prompt,
        q.cached: question.cached, q.chunk: question.chunk, q.answer: question.output, q.sequence: question.sequence,
        q.microbatch: question.microbatch, q.interleave: question.interleave, q.training_tokens: question.tokens,
    }  # fmt: skip
    found: dict[Symbol, float] = {}
    for symbol, text in options.items():
        if symbol in sets:
            found[symbol] = sets.pop(symbol)
        elif text is not None:
            found[symbol] = parse_quantity(lookup(symbol.name), text)
    return {symbol: value for symbol, value in found.items() if symbol != q.cached or value > 0}


def _refuse_strangers(question: Question, stated: Iterable[Symbol], prefills: bool) -> None:
    """Options that this phase has no use for are a slip, not to be dropped in silence."""
    serving = question.scope == "serving"
    allowed = {
        "prefill": {q.batch, q.prompt, q.cached, q.chunk, q.answer},
        "decode": {q.batch, q.context},
        "serving": {q.batch, q.context, q.prompt, q.answer},
        "train": {q.batch, q.sequence, q.microbatch, q.interleave, q.training_tokens},
    }["serving" if serving else question.phase]
    if serving and prefills:
        raise UserError("--scope serving is a decode step with prefills riding along: use --phase decode")
    if question.phase != "train":
        usual = Question("", "")
        for name in ("recompute", "zero", "sequence_parallel", "schedule", "attention", "dropout"):
            if getattr(question, name) != getattr(usual, name):
                raise UserError(
                    f"--{name.replace('_', '-')} says nothing in --phase {question.phase}; see --phase train"
                )
    spelled = {q.answer: "output", q.training_tokens: "tokens"}
    for symbol in stated:
        if symbol not in allowed:
            name = spelled.get(symbol, symbol.name)
            where = "--scope serving" if serving else f"--phase {question.phase}"
            remedy = "" if question.phase != "decode" or serving else f"; see {_home(symbol)}"
            raise UserError(f"--{name} says nothing in {where}{remedy}")


def _home(symbol: Symbol) -> str:
    """Where an option that decode has no use for belongs."""
    if symbol in (q.sequence, q.microbatch, q.interleave, q.training_tokens):
        return "--phase train"
    return "--phase prefill" if symbol in (q.cached, q.chunk) else "--phase prefill or --scope serving"


def _check_prefill(stated: dict[Symbol, float]) -> None:
    cached, prompt = stated.get(q.cached, 0.0), stated[q.prompt]
    if cached >= prompt:
        raise UserError(
            f"--cached {cached:g} must be less than --prompt {prompt:g}, which counts the cached tokens too"
        )
    if prompt == 1:
        raise UserError("--prompt: a single token with nothing before it is no prefill; give at least 2")
    if stated.get(q.chunk, 0.0) > prompt - cached:
        raise UserError(f"--chunk {stated[q.chunk]:g} is longer than the {prompt - cached:g} new tokens")


def set_by_hand(phase: Phase, per_token: Expr, written: Expr) -> dict[Symbol, Expr]:
    """Cache traffic of a phase from bytes per token of context, for a model that states no more than that."""
    read = sympy.Add(*[s.share * whole_context_read(s.tokens, s.cached, s.chunks) for s in phase.streams])
    return {q.kv_read: per_token * read, q.kv_written: written * phase.tokens}
