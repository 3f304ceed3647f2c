"""Chapter 9, serving: stages of a pipeline work on chunks of one prompt at the same time."""

from steptime.derivations.axioms import EQUAL_STAGES, NO_HOPS
from steptime.derivations.facts import Defined, Wavefront, given
from steptime.derivations.pipelines.symbols import stage_time
from steptime.derivations.rules import both_sides, equation, side, substitute
from steptime.derivations.serving.numbers import SARATHI
from steptime.derivations.serving.symbols import chunk_time
from steptime.derivations.steps import Derivation, Step
from steptime.model.phases.pipeline import stage_times_of_chunks
from steptime.model.symbols import chunks, pipeline_parallel, step_time, traversal

EQUAL = given(chunk_time, stage_time / chunks, "chunks of equal length: each takes an equal part of a stage's time")
TRAVERSAL = Defined(
    traversal,
    step_time / (pipeline_parallel * stage_time),
    "the time of a pass over that of all stages one after another",
)

traversed = Derivation(
    name="chunks-through-stages",
    title="A prompt in chunks on a pipeline",
    rows=("9.3",),
    claim="The last stage waits for the first chunk only; in one piece a prompt passes all stages one after another.",
    start=Wavefront(
        step_time,
        across=pipeline_parallel,
        along=chunks,
        each=chunk_time,
        closed=(chunks + pipeline_parallel - 1) * chunk_time,
        why="when the last chunk leaves the last stage",
    ),
    steps=(
        Step(
            "chunks of equal length",
            substitute(EQUAL),
            equation(step_time, (chunks + pipeline_parallel - 1) * stage_time / chunks),
        ),
        Step(
            "over the time of all stages one after another",
            both_sides(side / (pipeline_parallel * stage_time)),
            equation(
                step_time / (pipeline_parallel * stage_time),
                (chunks + pipeline_parallel - 1) / (chunks * pipeline_parallel),
            ),
        ),
        Step(
            "that share of it is what a step takes: its own time, and the first chunk's",
            substitute(TRAVERSAL.for_(step_time)),
            equation(traversal, stage_times_of_chunks / pipeline_parallel),
        ),
    ),
    assumes=(EQUAL_STAGES, NO_HOPS, EQUAL),
    sources=(SARATHI,),
    example=lambda: {chunks: 8.0, pipeline_parallel: 4.0, stage_time: 0.1},
    example_text="8 chunks on 4 stages, 0.1 s of the prompt on each",
)

DERIVATIONS = (traversed,)
