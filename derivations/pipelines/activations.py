"""Chapter 3, pipelines in training: the activations that a stage holds for the backward pass."""

from collections.abc import Mapping

import sympy
from sympy import Symbol, oo

from steptime.derivations.axioms import COMES_BACK, EQUAL_STAGES, EVEN_LAYERS, FORWARD_UNTIL_BACK, NO_HOPS
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Compared, Defined, Line, Modelled, Tends, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.pipelines import formulas, simulated
from steptime.derivations.pipelines.formulas import over_stages
from steptime.derivations.pipelines.pipelines import LECTURE
from steptime.derivations.pipelines.slots import MEGATRON, before_the_last, board
from steptime.derivations.rules import branch, equation, limit, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.symbols import interleave, micro_batches, pipeline_parallel

from steptime.derivations.pipelines.symbols import (  # isort: skip
    activation_bytes, activation_memory, activation_ratio, held_micro_batches, stage_index, stage_time, stage_turns,
)  # fmt: skip

KORTHIKANTI = "Korthikanti et al. 2022, arXiv 2205.05198"
BOARD = "64 stages, 512 micro-batches"
FIRST = given(stage_index, 1, "the first stage, which holds most")
later = pipeline_parallel - 1


def held() -> Mapping[Symbol, float]:
    """The lecture's pipeline; activations in units of one micro-batch's."""
    return {**board(), activation_bytes: 1.0, stage_index: 1.0}


to_the_last = over_stages(stage_time, stage_index, pipeline_parallel)
stays = (pipeline_parallel - stage_index + 1) * stage_time

in_flight = Derivation(
    name="micro-batches-held",
    title="Micro-batches of which a stage holds activations under 1F1B",
    rows=("3.5",),
    claim="A stage holds one micro-batch for every stage from it to the last, however many pass.",
    start=Modelled(held_micro_batches, formulas.in_flight),
    steps=(
        Step(
            "a micro-batch stays for one time of each stage from this one to the last",
            total(to_the_last, stays),
            equation(held_micro_batches, sympy.Min(micro_batches, pipeline_parallel - stage_index + 1)),
        ),
        Step(
            "of enough micro-batches",
            branch(
                sympy.Min(micro_batches, pipeline_parallel - stage_index + 1),
                pipeline_parallel - stage_index + 1,
            ),
            equation(held_micro_batches, pipeline_parallel - stage_index + 1),
        ),
    ),
    assumes=(EQUAL_STAGES, NO_HOPS, COMES_BACK),
    sources=(LECTURE, MEGATRON),
    example=held,
    example_text=BOARD,
    holds=(at_least(micro_batches, pipeline_parallel - stage_index + 1),),
)

first_stage = Derivation(
    name="activations-first-stage",
    title="Activations on the first stage under 1F1B",
    rows=("3.5",),
    claim="P micro-batches of 1/P of the layers: as much as one micro-batch in all layers, whatever the stages.",
    start=Modelled(activation_memory, formulas.held_in_stage),
    steps=(
        Step(
            "one micro-batch for every stage from this one to the last",
            substitute(in_flight),
            equation(activation_memory, formulas.held_1f1b),
        ),
        Step("the first stage holds most", substitute(FIRST), equation(activation_memory, activation_bytes)),
    ),
    assumes=(EVEN_LAYERS, FIRST),
    sources=(MEGATRON, KORTHIKANTI),
    example=held,
    example_text=BOARD,
    holds=(at_least(micro_batches, pipeline_parallel),),
)

one_f_one_b = Derivation(
    name="activations-1f1b",
    title="Activations that 1F1B holds, over those of a pipeline with all forward passes first",
    rows=("3.5",),
    claim="A stage holds as many micro-batches as there are stages, however many pass: backward follows forward.",
    start=Compared(
        activation_ratio,
        Line(first_stage, 1),
        Modelled(activation_memory, formulas.held_gpipe),
        "the activations that a stage holds under 1F1B, over those of all micro-batches",
    ),
    steps=(
        Step(
            "the first stage holds most",
            substitute(FIRST),
            equation(activation_ratio, pipeline_parallel / micro_batches),
        ),
    ),
    assumes=(FIRST,),
    sources=(LECTURE, MEGATRON),
    example=held,
    example_text=BOARD,
    holds=(at_least(micro_batches, pipeline_parallel),),
)

down, back = over_stages(interleave, 1, pipeline_parallel), before_the_last(sympy.S.One)
passes = pipeline_parallel * interleave + later
TURNS = Defined(stage_turns, micro_batches / pipeline_parallel, "how many micro-batches pass for each stage")
MANY_STAGES = Tends(pipeline_parallel, oo, "many stages, and as many more micro-batches")

interleaved = Derivation(
    name="activations-interleaved",
    title="Activations of interleaved 1F1B over those of plain 1F1B",
    rows=("3.5",),
    claim="Interleaving divides the bubble, for up to twice the activations.",
    start=Compared(
        activation_ratio,
        Modelled(activation_memory, formulas.held_in_chunks),
        first_stage,
        "the activations that the first stage holds with several chunks, over those with one",
    ),
    steps=(
        Step(
            "every chunk on every stage on the way down",
            total(down, pipeline_parallel * interleave),
            equation(
                activation_ratio,
                sympy.Min(interleave * micro_batches, pipeline_parallel * interleave + back)
                / (pipeline_parallel * interleave),
            ),
        ),
        Step(
            "and every other stage on the way back",
            total(back, later),
            equation(
                activation_ratio, sympy.Min(interleave * micro_batches, passes) / (pipeline_parallel * interleave)
            ),
        ),
        Step(
            "so many micro-batches for each stage",
            substitute(TURNS.for_(micro_batches)),
            equation(
                activation_ratio,
                sympy.Min(interleave * stage_turns * pipeline_parallel, passes) / (pipeline_parallel * interleave),
            ),
        ),
        Step(
            "of enough micro-batches",
            branch(sympy.Min(interleave * stage_turns * pipeline_parallel, passes), passes),
            equation(activation_ratio, 1 + later / (pipeline_parallel * interleave)),
        ),
        Step(
            "at worst, many stages",
            limit(pipeline_parallel, oo),
            equation(activation_ratio, 1 + 1 / interleave),
        ),
    ),
    assumes=(FORWARD_UNTIL_BACK, MANY_STAGES),
    sources=(MEGATRON, KORTHIKANTI),
    example=lambda: {**held(), interleave: 4.0, stage_turns: 8.0},
    example_text=f"{BOARD}; 4 chunks a stage",
    holds=(at_least(stage_turns * interleave, interleave + 1),),
)

DERIVATIONS = (in_flight, first_stage, one_f_one_b, interleaved)


def _board() -> Mapping[str, float | str]:
    return {symbol.name: board()[symbol] for symbol in (pipeline_parallel, micro_batches)}


def _held(stages: int, number: int, chunks: int = 1) -> int:
    """Chunks of which the first stage holds activations at most, pass by pass."""
    return simulated.held(simulated.interleaved(stages, number, chunks)[0])


CLAIMS = (
    Claim("3.5", "64 stages, 512 micro-batches: activations of 1F1B over those with all forward passes first", None,
          one_f_one_b.evaluate, _board, source=Source.OWN, must=lambda value: value == _held(64, 512) / 512),
    Claim("3.5", "4 interleaved chunks a stage: activations over those of plain 1F1B, many stages", None,
          interleaved.evaluate, lambda: {"interleave": 4.0},
          source=Source.OWN, must=lambda value: 0 < value - _held(64, 128, 4) / (64 * 4) < 0.01),
)  # fmt: skip
