"""Chapter 3, pipelines in training: how long the stages stand idle."""

from collections.abc import Mapping

import sympy
from sympy import Symbol

from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.pipelines.pipelines import LECTURE
from steptime.derivations.pipelines.symbols import bubble_share, bubble_time
from steptime.derivations.rules import both_sides, equation, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.phases import pipeline as schedule
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    backward_time, bubble_ratio, forward_time, interleave, micro_batches, pipeline_parallel, weight_gradient_time,
)  # fmt: skip

MEGATRON = "Narayanan et al. 2021, arXiv 2104.04473, section 2.2"
ZERO_BUBBLE = "Qi et al. 2023, arXiv 2401.10241, section 2"
BOARD = "64 stages, 512 micro-batches, no interleaving; passes of one time unit each (only ratios count)"
EQUAL = (is_(backward_time, forward_time), is_(weight_gradient_time, forward_time))
"""The three passes multiply the same weights: they take about equal time."""
later = pipeline_parallel - 1


def board() -> Mapping[Symbol, float]:
    """The lecture's pipeline, in units of one pass."""
    passes = dict.fromkeys((forward_time, backward_time, weight_gradient_time), 1.0)
    return {pipeline_parallel: 64.0, micro_batches: 512.0, interleave: 1.0, **passes}


idle_over_work = Derivation(
    name="bubble-over-ideal",
    title="Idle time of a training pipeline over its work",
    rows=("3.5",),
    claim="Filling and draining costs P - 1 micro-batches' time, once a step; 1/v of it with v chunks a stage.",
    start=equation(bubble_time, schedule.bubble),
    steps=(
        Step(
            "over the work on m micro-batches",
            both_sides(side / schedule.work_time),
            equation(
                bubble_time / (micro_batches * (forward_time + backward_time + weight_gradient_time)),
                later / (interleave * micro_batches),
            ),
        ),
        Step(
            "name that ratio",
            substitute(is_(bubble_time, bubble_ratio * schedule.work_time)),
            equation(bubble_ratio, later / (interleave * micro_batches)),
        ),
    ),
    assumes=("stages take equal time", "no time between the stages"),
    sources=(LECTURE, MEGATRON),
    example=board,
    example_text=BOARD,
    holds=(later,),
)

idle_share = Derivation(
    name="bubble-share",
    title="Share of a training step that a stage stands idle",
    rows=("3.5",),
    claim="Of the whole step, the idle part is less than of the ideal: the step is longer by it.",
    start=idle_over_work.result,
    steps=(
        Step(
            "a share x of the step is x/(1-x) of the rest",
            substitute(is_(bubble_ratio, bubble_share / (1 - bubble_share))),
            equation(bubble_share / (1 - bubble_share), later / (interleave * micro_batches)),
        ),
        Step(
            "solve for the share",
            solve_for(bubble_share),
            equation(bubble_share, later / (interleave * micro_batches + later)),
        ),
    ),
    assumes=idle_over_work.assumes,
    sources=(LECTURE, MEGATRON),
    example=board,
    example_text=BOARD,
    holds=(later, 1 - bubble_share),
)

enough_micro_batches = Derivation(
    name="micro-batches-for-share",
    title="Micro-batches that keep the idle share at a given level",
    rows=("3.5",),
    claim="Micro-batches must grow in proportion to the stages.",
    start=idle_share.result,
    steps=(
        Step(
            "solve for the micro-batches",
            solve_for(micro_batches),
            equation(micro_batches, later * (1 - bubble_share) / (interleave * bubble_share)),
        ),
    ),
    assumes=idle_over_work.assumes,
    sources=(LECTURE, MEGATRON),
    example=lambda: {**board(), bubble_share: 0.05},
    example_text=f"{BOARD}; idle for 5 % of the step",
    holds=(later, 1 - bubble_share),
)

one_third = Derivation(
    name="zero-bubble-h1",
    title="Idle time where weight gradients wait for the drain",
    rows=("3.5",),
    claim="Gradients of the weights need nobody to wait for them: done in the drain, they leave a third of the bubble.",
    start=equation(bubble_time, schedule.bubble_zb_h1),
    steps=(
        Step(
            "the idle time as a multiple of the work on m micro-batches",
            substitute(is_(bubble_time, bubble_ratio * schedule.work_time)),
            equation(
                bubble_ratio * micro_batches * (forward_time + backward_time + weight_gradient_time),
                later * (forward_time + backward_time - weight_gradient_time),
            ),
        ),
        Step(
            "the three passes take equal time",
            substitute(*EQUAL),
            equation(3 * bubble_ratio * micro_batches * forward_time, later * forward_time),
        ),
        Step(
            "solve for the ratio",
            solve_for(bubble_ratio),
            equation(bubble_ratio, later / (3 * micro_batches)),
        ),
    ),
    assumes=(*idle_over_work.assumes, "no interleaving"),
    sources=("beyond the lecture", ZERO_BUBBLE),
    example=board,
    example_text=BOARD,
    holds=(later, forward_time + backward_time - weight_gradient_time),
)

no_bubble = Derivation(
    name="zero-bubble-limit",
    title="When a training pipeline has no bubble at all",
    rows=("3.5",),
    claim="With weight gradients in the fill and the drain nothing is idle once they last as long as the other passes.",
    start=equation(bubble_time, schedule.bubble_zb_h2),
    steps=(
        Step(
            "no idle time",
            substitute(is_(bubble_time, 0)),
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
    assumes=(
        *one_third.assumes,
        "twice the activations of 1F1B fit",
        "the optimizer does not wait for all stages",
    ),
    sources=one_third.sources,
    example=board,
    example_text=BOARD,
    holds=(later,),
)


def _evaluate(one: Derivation, **changes: float) -> float:
    values = {**board(), **{Symbol(name, positive=True): value for name, value in changes.items()}}
    return float(Scenario(values).evaluate(one.result.rhs))


def _inputs() -> Mapping[str, float | str]:
    return {symbol.name: board()[symbol] for symbol in (pipeline_parallel, micro_batches, interleave)}


DERIVATIONS = (idle_over_work, idle_share, enough_micro_batches, one_third, no_bubble)

CLAIMS = (
    Claim("3.5", "64 stages, 512 micro-batches: idle time over the ideal", 63 / 512, idle_over_work.evaluate, _inputs,
          tolerance=1e-9, must=lambda value: value > 0),
    Claim("3.5", "64 stages, 512 micro-batches: idle share of the step (63/512 is of the ideal)", 63 / 512,
          idle_share.evaluate, _inputs, must=lambda value: 0 < value < 1),
    Claim("3.5", "The same with each stage's layers in 4 interleaved chunks: idle time over the ideal", None,
          lambda: _evaluate(idle_over_work, interleave=4.0), _inputs, must=lambda value: value > 0),
    Claim("3.5", "Zero-bubble schedule H1: idle time over that of 1F1B", None,
          lambda: one_third.evaluate() / idle_over_work.evaluate(), _inputs,
          must=lambda value: 0 <= value <= 1),
    Claim("3.5", "64 stages: micro-batches for an idle share of 5 %", None, enough_micro_batches.evaluate, _inputs,
          must=lambda value: value > 0),
)  # fmt: skip
