"""Chapter 3, pipelines in training: how long the stages stand idle, over their work and over the step."""

from collections.abc import Callable, Mapping
from math import ceil, isclose

import sympy
from sympy import Symbol

from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Defined, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.pipelines import slots
from steptime.derivations.pipelines.pipelines import LECTURE
from steptime.derivations.pipelines.simulated import deferring, interleaved, run
from steptime.derivations.pipelines.slots import BOARD, MEGATRON, ZERO_BUBBLE, board
from steptime.derivations.pipelines.symbols import bubble_share, bubble_time
from steptime.derivations.rules import both_sides, equation, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.phases import pipeline as schedule
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    backward_time, bubble_ratio, forward_time, interleave, micro_batches, pipeline_parallel, weight_gradient_time,
)  # fmt: skip

EQUAL = (
    given(backward_time, forward_time, "the gradient of the inputs takes as long as the forward pass"),
    given(weight_gradient_time, forward_time, "the gradient of the weights takes as long as the forward pass"),
)
"""The three passes multiply the same weights: they take about equal time."""
RATIO = Defined(bubble_ratio, bubble_time / schedule.work_time, "the idle time over the work on all micro-batches")
SHARE = Defined(bubble_share, bubble_ratio / (1 + bubble_ratio), "the idle time over work and idle time together")
later = pipeline_parallel - 1

idle_over_work = Derivation(
    name="bubble-over-ideal",
    title="Idle time of a training pipeline over its work",
    rows=("3.5",),
    claim="Of its work a stage idles (P - 1)/(v m): more micro-batches shrink it, and so do chunks.",
    start=slots.bubble,
    steps=(
        Step(
            "over the work on m micro-batches",
            both_sides(side / schedule.work_time),
            equation(bubble_time / schedule.work_time, later / (interleave * micro_batches)),
        ),
        Step(
            "name that ratio",
            substitute(RATIO.for_(bubble_time)),
            equation(bubble_ratio, later / (interleave * micro_batches)),
        ),
    ),
    assumes=(),
    sources=(LECTURE, MEGATRON),
    example=board,
    example_text=BOARD,
)

idle_share = Derivation(
    name="bubble-share",
    title="Share of a training step that a stage stands idle",
    rows=("3.5",),
    claim="Of the whole step, the idle part is less than of the ideal: the step is longer by it.",
    start=idle_over_work,
    steps=(
        Step(
            "a share x of the step is x/(1-x) of the rest",
            substitute(SHARE.for_(bubble_ratio)),
            equation(bubble_share / (1 - bubble_share), later / (interleave * micro_batches)),
        ),
        Step(
            "solve for the share",
            solve_for(bubble_share),
            equation(bubble_share, later / (interleave * micro_batches + later)),
        ),
    ),
    assumes=(),
    sources=(LECTURE, MEGATRON),
    example=board,
    example_text=BOARD,
)

enough_micro_batches = Derivation(
    name="micro-batches-for-share",
    title="Micro-batches that keep the idle share at a given level",
    rows=("3.5",),
    claim="Micro-batches must grow in proportion to the stages; one is enough for a share that it exceeds by itself.",
    start=idle_share,
    steps=(
        Step(
            "solve for the micro-batches",
            solve_for(micro_batches),
            equation(micro_batches, later * (1 - bubble_share) / (interleave * bubble_share)),
        ),
    ),
    assumes=(),
    sources=(LECTURE, MEGATRON),
    example=lambda: {**board(), bubble_share: 0.05},
    example_text=f"{BOARD}; idle for 5 % of the step",
    holds=(more(bubble_share, 0), at_least(later * (1 - bubble_share), interleave * bubble_share)),
)

one_third = Derivation(
    name="zero-bubble-h1",
    title="Idle time where weight gradients wait for the drain, over the work",
    rows=("3.5",),
    claim="Gradients of the weights need nobody to wait for them: done in the drain, they leave a third of the bubble.",
    start=slots.bubble_h1,
    steps=(
        Step(
            "idle time as so much of the work on m micro-batches",
            substitute(RATIO.for_(bubble_time)),
            equation(bubble_ratio * schedule.work_time, schedule.bubble_zb_h1),
        ),
        Step(
            "the three passes take equal time",
            substitute(*EQUAL),
            equation(3 * bubble_ratio * micro_batches * forward_time, later * forward_time),
        ),
        Step("solve for the ratio", solve_for(bubble_ratio), equation(bubble_ratio, later / (3 * micro_batches))),
    ),
    assumes=EQUAL,
    sources=("beyond the lecture", ZERO_BUBBLE),
    example=board,
    example_text=BOARD,
    holds=(at_least(micro_batches, pipeline_parallel),),
)

NO_BUBBLE = given(bubble_time, 0, "no stage stands idle")

no_bubble = Derivation(
    name="zero-bubble-limit",
    title="When a training pipeline has no bubble at all",
    rows=("3.5",),
    claim="With weight gradients in the fill and the drain nothing is idle once they last as long as the other passes.",
    start=slots.bubble_h2,
    steps=(
        Step(
            "no idle time",
            substitute(NO_BUBBLE),
            equation(sympy.S.Zero, later * (forward_time + backward_time - 2 * weight_gradient_time)),
        ),
        Step(
            "for more than one stage",
            both_sides(side / later),
            equation(sympy.S.Zero, forward_time + backward_time - 2 * weight_gradient_time),
        ),
        Step(
            "solve for the weights' pass",
            solve_for(weight_gradient_time),
            equation(weight_gradient_time, (forward_time + backward_time) / 2),
        ),
    ),
    assumes=(NO_BUBBLE,),
    sources=one_third.sources,
    example=board,
    example_text=BOARD,
    holds=(
        more(pipeline_parallel, 1),
        at_least(micro_batches, 2 * pipeline_parallel - 1),
        at_least(forward_time, weight_gradient_time),
        at_least(forward_time, backward_time),
    ),
)

DERIVATIONS = (idle_over_work, idle_share, enough_micro_batches, one_third, no_bubble)


def _inputs() -> Mapping[str, float | str]:
    return {symbol.name: board()[symbol] for symbol in (pipeline_parallel, micro_batches, interleave)}


SMALL = {pipeline_parallel: 8.0, micro_batches: 32.0, interleave: 4.0, forward_time: 3.0, backward_time: 4.0,
         weight_gradient_time: 2.0}  # fmt: skip
"""A pipeline that is quickly run pass by pass, with passes of different length."""


def _small() -> Mapping[str, float | str]:
    return {symbol.name: value for symbol, value in SMALL.items()}


def _run(chunks: int) -> float:
    """Idle time over the work, pass by pass, with so many chunks a stage."""
    gradients = SMALL[backward_time] + SMALL[weight_gradient_time]
    return run(interleaved(8, 32, chunks), {"F": SMALL[forward_time] / chunks, "B": gradients / chunks}).idle


def _deferred(rounds: int) -> float:
    """The same where weight gradients wait, in units of the work."""
    durations = {"F": SMALL[forward_time], "B": SMALL[backward_time], "W": SMALL[weight_gradient_time]}
    return run(deferring(8, 32, rounds), durations).idle


def _at(one: Derivation, **changes: float) -> float:
    """A result, as a share of the work where it is a time, for the small pipeline with some numbers changed."""
    values = Scenario({**SMALL, **{Symbol(name, positive=True): value for name, value in changes.items()}})
    found = float(values.evaluate(one.result.rhs))
    return found / float(values.evaluate(schedule.work_time)) if one.result.lhs == bubble_time else found


def _as_in(one: Derivation, **changes: float) -> Callable[[float], bool]:
    return lambda value: isclose(value, _at(one, **changes), rel_tol=1e-9)


def _share(number: float) -> float:
    return float(Scenario({**board(), micro_batches: number}).evaluate(idle_share.result.rhs))


CLAIMS = (
    Claim("3.5", "64 stages, 512 micro-batches: idle time over the ideal", 63 / 512, idle_over_work.evaluate, _inputs),
    Claim("3.5", "The same, run pass by pass", 63 / 512, lambda: run(interleaved(64, 512), {"F": 1.0, "B": 2.0}).idle,
          _inputs, must=lambda value: isclose(value, idle_over_work.evaluate(), rel_tol=1e-9)),
    Claim("3.5", "64 stages, 512 micro-batches: idle time over the step", None, idle_share.evaluate, _inputs,
          source=Source.OWN, must=lambda value: isclose(value, 1 - 512 / (512 + 63), rel_tol=1e-9)),
    Claim("3.5", "8 stages, 32 micro-batches, 4 chunks a stage, run pass by pass: idle time over the ideal", None,
          lambda: _run(4), _small, source=Source.OWN, must=_as_in(idle_over_work)),
    Claim("3.5", "Zero-bubble schedule H1: idle time over that of 1F1B", 1 / 3,
          lambda: one_third.evaluate() / idle_over_work.evaluate(), _inputs, source=Source.PAPER),
    Claim("3.5", "8 stages, 32 micro-batches, schedule H1 run pass by pass: idle time over the ideal", None,
          lambda: _deferred(1), _small, source=Source.OWN, must=_as_in(slots.bubble_h1)),
    Claim("3.5", "The same with schedule H2", None,
          lambda: _deferred(2), _small, source=Source.OWN, must=_as_in(slots.bubble_h2)),
    Claim("3.5", "64 stages: micro-batches for an idle share of 5 %", None,
          lambda: float(ceil(enough_micro_batches.evaluate())), _inputs,
          source=Source.OWN, must=lambda value: _share(value) <= 0.05 < _share(value - 1)),
)  # fmt: skip
