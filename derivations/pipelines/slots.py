"""Chapter 3, pipelines in training: how long a step takes and a stage stands idle, slot by slot."""

from collections.abc import Mapping

import sympy
from sympy import Expr, Symbol

from steptime.derivations.axioms import EQUAL_STAGES, GRADIENTS_WAIT, NO_BARRIER, NO_HOPS, ONE_F_ONE_B, WHOLE_ROUNDS
from steptime.derivations.facts import Defined, Given, Modelled, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.pipelines import formulas
from steptime.derivations.pipelines.formulas import over_micro_batches, over_stages, slower_end
from steptime.derivations.pipelines.pipelines import LECTURE
from steptime.derivations.rules import branch, equation, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.phases import pipeline as schedule

from steptime.derivations.pipelines.symbols import (  # isort: skip
    bubble_time, forward_share, held_micro_batches, stage_time, training_time,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    backward_time, forward_time, interleave, micro_batches, pipeline_parallel, weight_gradient_time,
)  # fmt: skip

MEGATRON = "Narayanan et al. 2021, arXiv 2104.04473, section 2.2"
ZERO_BUBBLE = "Qi et al. 2023, arXiv 2401.10241, section 2"
BOARD = "64 stages, 512 micro-batches, no interleaving; passes of one time unit each (only ratios count)"
IDLE = Defined(bubble_time, training_time - schedule.work_time, "the time of a step less the work on micro-batches")
later = pipeline_parallel - 1


def board() -> Mapping[Symbol, float]:
    """The lecture's pipeline, in units of one pass."""
    passes = dict.fromkeys((forward_time, backward_time, weight_gradient_time), 1.0)
    held = {held_micro_batches: 64.0, stage_time: 3.0}
    return {pipeline_parallel: 64.0, micro_batches: 512.0, interleave: 1.0, **passes, **held}


def before_the_last(each: Expr) -> sympy.Sum:
    """So much for each stage but one."""
    return over_stages(each, 1, later)


forward_part, backward_part = forward_share * stage_time / interleave, (1 - forward_share) * stage_time / interleave

step_through_pipeline = Derivation(
    name="training-time-1f1b",
    title="Time of a training step through a pipeline",
    rows=("3.5",),
    claim="The last stage waits for one chunk to come down, works on all micro-batches, and one gradient goes up.",
    start=Modelled(training_time, formulas.slots_of_a_step),
    steps=(
        Step(
            "the first chunk passes every stage but the last",
            total(before_the_last(forward_part), later * forward_part),
            equation(
                training_time, later * forward_part + over_micro_batches(stage_time) + before_the_last(backward_part)
            ),
        ),
        Step(
            "the last stage works on every micro-batch",
            total(over_micro_batches(stage_time), micro_batches * stage_time),
            equation(training_time, later * forward_part + micro_batches * stage_time + before_the_last(backward_part)),
        ),
        Step(
            "the last gradient passes every stage but the last: together one chunk's time for each",
            total(before_the_last(backward_part), later * backward_part),
            equation(training_time, formulas.pipeline_time),
        ),
    ),
    assumes=(EQUAL_STAGES, NO_HOPS, ONE_F_ONE_B, WHOLE_ROUNDS),
    sources=(LECTURE, MEGATRON),
    example=board,
    example_text=BOARD,
)

bubble = Derivation(
    name="bubble-1f1b",
    title="Idle time of a training pipeline",
    rows=("3.5",),
    claim="Filling and draining costs P - 1 micro-batches' time, once a step; 1/v of it with v chunks a stage.",
    start=step_through_pipeline,
    steps=(
        Step(
            "a stage runs three passes for a micro-batch",
            substitute(Modelled(stage_time, schedule.micro_batch_time)),
            equation(training_time, (micro_batches + later / interleave) * schedule.micro_batch_time),
        ),
        Step(
            "the step as work and idle time",
            substitute(IDLE.for_(training_time)),
            equation(
                bubble_time + schedule.work_time, (micro_batches + later / interleave) * schedule.micro_batch_time
            ),
        ),
        Step("solve for the idle time", solve_for(bubble_time), equation(bubble_time, schedule.bubble)),
    ),
    assumes=(),
    sources=(LECTURE, MEGATRON),
    example=board,
    example_text=BOARD,
)

down_and_up, gradients = forward_time + backward_time, backward_time + weight_gradient_time
not_waiting = micro_batches - held_micro_batches
past = before_the_last(down_and_up)
whole = over_micro_batches(schedule.micro_batch_time, not_waiting)
at_last = over_micro_batches(down_and_up, held_micro_batches)
at_first = over_micro_batches(gradients, held_micro_batches)
in_closed_form = (
    later * down_and_up,
    not_waiting * schedule.micro_batch_time,
    held_micro_batches * down_and_up,
    held_micro_batches * gradients,
)
past_, whole_, at_last_, at_first_ = in_closed_form
set_by_last = past_ + whole_ + at_last_ + weight_gradient_time
work_and_idle = bubble_time + schedule.work_time

ROOM = Given(
    at_least(held_micro_batches, pipeline_parallel), "a stage has room for as many micro-batches as there are stages"
)
deferred = Derivation(
    name="bubble-deferred",
    title="Idle time of a training pipeline in which weight gradients wait",
    rows=("3.5",),
    claim="Each gradient of weights that waits for the drain shortens the bubble by itself, as long as there is room.",
    start=Modelled(training_time, formulas.slots_with_deferred_gradients),
    steps=(
        Step(
            "the other stages are passed down and up",
            total(past, past_),
            equation(training_time, slower_end(past_, whole, at_last, at_first)),
        ),
        Step(
            "all passes of the micro-batches whose weight gradients do not wait",
            total(whole, whole_),
            equation(training_time, slower_end(past_, whole_, at_last, at_first)),
        ),
        Step(
            "two passes of the others on the last stage",
            total(at_last, at_last_),
            equation(training_time, slower_end(past_, whole_, at_last_, at_first)),
        ),
        Step(
            "or what is left of them for the first",
            total(at_first, at_first_),
            equation(training_time, slower_end(*in_closed_form)),
        ),
        Step(
            "where a weight gradient takes no longer than a forward pass, the last stage sets the pace",
            branch(slower_end(*in_closed_form), set_by_last),
            equation(training_time, set_by_last),
        ),
        Step(
            "the step as work and idle time",
            substitute(IDLE.for_(training_time)),
            equation(work_and_idle, set_by_last),
        ),
        Step(
            "solve for the idle time",
            solve_for(bubble_time),
            equation(bubble_time, later * down_and_up - (held_micro_batches - 1) * weight_gradient_time),
        ),
    ),
    assumes=(EQUAL_STAGES, NO_HOPS, GRADIENTS_WAIT, NO_BARRIER, ROOM),
    sources=("beyond the lecture", ZERO_BUBBLE),
    example=board,
    example_text=f"{BOARD}; room for 64 micro-batches",
    holds=(
        at_least(micro_batches, held_micro_batches),
        at_least((held_micro_batches - 1) * forward_time, (held_micro_batches - 1) * weight_gradient_time),
        at_least(later * down_and_up, (held_micro_batches - 1) * weight_gradient_time),
    ),
)

NO_MORE = given(held_micro_batches, pipeline_parallel, "a stage holds as many micro-batches as there are stages")
TWICE = given(held_micro_batches, 2 * pipeline_parallel - 1, "a stage holds one micro-batch less than twice the stages")
QUICK_GRADIENTS = at_least(later * forward_time, later * weight_gradient_time)

bubble_h1 = Derivation(
    name="bubble-zb-h1",
    title="Idle time of the zero-bubble schedule H1",
    rows=("3.5",),
    claim="In the memory of 1F1B a stage leaves P - 1 weight gradients for the drain.",
    start=deferred,
    steps=(Step("as many held as stages", substitute(NO_MORE), equation(bubble_time, schedule.bubble_zb_h1)),),
    assumes=(NO_MORE,),
    sources=deferred.sources,
    example=board,
    example_text=BOARD,
    holds=(at_least(micro_batches, pipeline_parallel), QUICK_GRADIENTS),
)

bubble_h2 = Derivation(
    name="bubble-zb-h2",
    title="Idle time of the zero-bubble schedule H2",
    rows=("3.5",),
    claim="In about twice the memory of 1F1B twice as many weight gradients wait: they fill the start as well.",
    start=deferred,
    steps=(Step("nearly twice as many held", substitute(TWICE), equation(bubble_time, schedule.bubble_zb_h2)),),
    assumes=(TWICE,),
    sources=deferred.sources,
    example=lambda: {**board(), weight_gradient_time: 0.5},
    example_text=f"{BOARD}, but half of one for a weight gradient",
    holds=(
        at_least(micro_batches, 2 * pipeline_parallel - 1),
        QUICK_GRADIENTS,
        at_least(later * down_and_up, 2 * later * weight_gradient_time),
    ),
)

DERIVATIONS = (step_through_pipeline, bubble, deferred, bubble_h1, bubble_h2)
