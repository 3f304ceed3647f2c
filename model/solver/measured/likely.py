"""The optimizer step that a measured row most likely ran: what it leaves open as the field does it, never as it fits.

Layouts. Trainers give experts to ep data- and context-parallel ranks, cut them as the layer's other matrices, and
repeat the whole over the ranks that are left; so these ranks are replicas here.
State is shared over data-parallel ranks: the optimizer's (ZeRO 1, the distributed optimizer), and all of it (ZeRO 3)
where no chip has room for the rest. A pipeline works on one sequence at a time, which fills it best, in chunks of one
layer where layers divide evenly; a single stage on as many sequences as have room.
Recomputation. Nothing runs again where there is room; else so many layers as it takes, in proportion (Megatron-LM's
``recompute-num-layers``).
Attention ran in steps where the row was published before kernels that fuse it (Dao et al. 2022, arXiv 2205.14135), and
where every layer ran again besides, that was before tensor-parallel chips shared norms (Korthikanti et al. 2022).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import AttentionKernel, Copies, PhaseName, Recompute
from steptime.model.errors import UserError
from steptime.model.estimate import symbols as e
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.phases.accounts import Model, accounts_of
from steptime.model.phases.memory import fullest
from steptime.model.phases.train import Choices
from steptime.model.scenario import Scenario
from steptime.model.solver.measured.questions import asked_of, has_layout, needed, stated_layout, whole_number
from steptime.model.step.build import build_case, prepare
from steptime.model.step.case import Case
from steptime.model.step.inputs import Inputs, Question
from steptime.model.step.training import asked_in_training
from steptime.model.step.workload import no_such_step

LINKS = {
    q.scale_up_bandwidth: (e.tensor_up, e.exchange_up, e.replica_up),
    q.scale_out_bandwidth: (e.tensor_out, e.exchange_out, e.replica_out),
}
"""What crosses each link."""
FUSED_SINCE = (2205, 14135)
"""Number of the paper that brought fused attention."""


@dataclass(frozen=True)
class Likely:
    """The case of a row with what is likeliest, what it asks of a chip, and the share of layers that run again where
    that is not stated. The case has its ledger's lines, and not the blackboard's terms."""

    case: Case
    asked: Mapping[Symbol, float]
    again: float

    @property
    def bound(self) -> float:
        """Seconds of the bound with the same choices, nothing run again that need not be."""
        chunks = {q.interleave: self.case.scenario.value(q.interleave)}
        whole = build_case(self.case.question.but({q.interleave: 1.0})).changed(chunks)
        return float(whole.scenario.evaluate(q.step_time))


def likely_step(row: Measurement, model: Model, machine: Hardware) -> Likely:
    """The optimizer step of a row; raises UserError for what the row or its machine lacks."""
    if not has_layout(row):
        raise UserError("no layout is stated: which one ran is not known")
    kept, again = Recompute.NONE, Recompute.FULL
    if row.recompute in tuple(Recompute):
        kept = again = Recompute(row.recompute)
    question = _question(row, model, machine)
    case = _at_best_size(row, question, _choices(row, kept, 1))
    if not _state_fits(case):
        case = _at_best_size(row, question, _choices(row, kept, 3))
    asked, share = _asked(case), 0.0
    if kept != again and _need(case) > _capacity(case):
        training = _choices(row, again, case.inputs.training.zero)
        other = _chunked(row, _lines_of(case.question.but(training=training)))
        share = _share_to_run_again(_need(case), _need(other), _capacity(case))
        more = _asked(other)
        asked = {symbol: (1 - share) * value + share * more[symbol] for symbol, value in asked.items()}
    return Likely(case, {symbol: float(value) for symbol, value in asked.items()}, share)


def _question(row: Measurement, model: Model, machine: Hardware) -> Question:
    given = {q.batch: whole_number(needed(row, "batch")), q.sequence: whole_number(needed(row, "sequence"))}
    question = asked_of(row, model, machine, Inputs(PhaseName.TRAIN, given))
    return question.but(layout=of_trainers(stated_layout(row)))


def _lines_of(question: Question) -> Case:
    """The case with its ledger's lines and the memory of a chip, without the blackboard's terms, which take long."""
    asked = prepare(question)
    layout, accounts, phase = asked.inputs.layout, asked.accounts, asked.phase
    assert layout is not None, "stated"
    if (why := accounts.refusal(layout) or no_such_step(layout, accounts.layers, asked.values)) is not None:
        raise UserError(f"`layout`: {why}")
    plan = replace(asked.plan, ffn=layout.ffn, copies=Copies.PER_DOMAIN)
    values = {**asked.values, **{symbol: float(getattr(layout, key)) for key, symbol in SYMBOLS.items()}}
    values |= {q.chips: float(layout.chips), q.stage_chips: float(layout.stage)}
    held = accounts.footprints(layout, plan, phase, asked.inputs.given, whole=True)
    scenario = Scenario(values, {**phase.definitions, q.memory_per_chip: fullest(held)})
    lines = accounts.ledger(plan, phase, layout.degrees, values).operations
    return Case(asked.inputs, accounts, asked.hardware, layout, asked.precision, plan, phase, lines, scenario)


def _asked(case: Case) -> dict[Symbol, Any]:
    """What is asked of a chip; raises UserError where bytes cross a link of which no figure is known."""
    found = asked_in_training(case)
    for link, sent in LINKS.items():
        if link not in case.scenario.values and any(found[symbol] > 0 for symbol in sent):
            raise UserError(f"missing {case.where(link.name)}")
    return found


def of_trainers(layout: Layout) -> Layout:
    """The layout with as many ranks a replica as experts lie on.

    >>> print(of_trainers(Layout(tp=4, cp=2, dp=16, ep=8)))
    tp=4,cp=2,dp=4,ep=8,pp=1,replicas=4
    """
    ranks = layout.ep // layout.cp
    if layout.ep == 1 or layout.ep % layout.cp or layout.dp % ranks:
        return layout
    return replace(layout, dp=ranks, replicas=layout.replicas * layout.dp // ranks)


def _choices(row: Measurement, recompute: Recompute, zero: int) -> Choices:
    """What is likeliest beside what runs again and how state is shared."""
    steps, tp = before_fused_attention(row.source), row.degrees.get("tp") or 1
    shares = tp > 1 and not (steps and recompute == Recompute.FULL)
    return Choices(recompute, zero, shares, attention_kernel=AttentionKernel.UNFUSED if steps else None)


def before_fused_attention(source: str) -> bool:
    """Whether a source is a paper from before fused attention.

    >>> before_fused_attention("arXiv 2104.04473, table 1"), before_fused_attention("arXiv 2407.21783")
    (True, False)
    """
    paper = re.search(r"arXiv (\d{4})\.(\d{5})", source)
    return paper is not None and (int(paper[1]), int(paper[2])) < FUSED_SINCE


def _at_best_size(row: Measurement, question: Question, training: Choices) -> Case:
    """The case with the micro-batch that the row states; else with one sequence on each stage of a pipeline, and with
    as many as have room on a single stage."""
    stated = row.number("microbatch")
    case = _chunked(row, _lines_of(question.but({q.microbatch: stated or 1.0}, training=training)))
    if stated is not None or case.layout.pp > 1:
        return case
    share = int(case.inputs.given[q.batch]) // (case.layout.dp * case.layout.replicas)
    sizes = np.array([size for size in range(1, share + 1) if share % size == 0], float)
    fit = sizes[_need(case.changed({q.microbatch: sizes})) <= _capacity(case)]
    best = {q.microbatch: float(fit.max() if fit.size else sizes.min())}
    return replace(case.changed(best), inputs=case.inputs.with_given(best))


def _chunked(row: Measurement, case: Case) -> Case:
    """The case with the chunks a stage that the row states; else of one layer each, where layers divide evenly."""
    layers, stages = accounts_of(case.accounts.model).layers, case.layout.pp
    usual = 1 if stages == 1 else layers // stages
    return case.changed({q.interleave: row.number("interleave") or float(usual)})


def _need(case: Case) -> Any:
    """Bytes on the fullest chip: a number, or an array of them."""
    return case.scenario.evaluate(q.memory_per_chip)


def _capacity(case: Case) -> float:
    """What a chip holds at most: what was measured ran, whatever was kept free."""
    capacity = case.number(q.memory_capacity)
    return float("inf") if capacity is None else capacity


def _state_fits(case: Case) -> bool:
    """Whether a chip has room for weights, gradients and state, where their sharing can be had without a pipeline."""
    held = case.fullest_stage
    taken = case.number(held.weights + held.gradients + held.optimizer)
    return taken is None or taken <= _capacity(case)


def _share_to_run_again(need: float, least: float, capacity: float) -> float:
    """Of the layers, those that keep only their input so that the rest has room.

    >>> _share_to_run_again(100.0, 20.0, 60.0), _share_to_run_again(100.0, 20.0, 10.0)
    (0.5, 1.0)
    """
    return min(1.0, (need - capacity) / (need - least)) if need > least else 1.0
