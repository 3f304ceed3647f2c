"""Chapter 9, serving: stages of a pipeline work on chunks of one prompt at the same time."""

from steptime.derivations.board import is_
from steptime.derivations.pipelines.symbols import stage_time
from steptime.derivations.rules import both_sides, equation, identity, side, substitute
from steptime.derivations.serving.numbers import SARATHI
from steptime.derivations.steps import Derivation, Step
from steptime.model.phases.pipeline import stage_times_of_chunks
from steptime.model.symbols import chunks, pipeline_parallel, step_time, traversal

traversed = Derivation(
    name="chunks-through-stages",
    title="A prompt in chunks on a pipeline",
    rows=("9.3",),
    claim="The last stage waits for the first chunk only; in one piece a prompt passes all stages one after another.",
    start=equation(step_time, (chunks + pipeline_parallel - 1) * stage_time / chunks),
    steps=(
        Step(
            "over the time of all stages one after another",
            both_sides(side / (pipeline_parallel * stage_time)),
            equation(
                step_time / (pipeline_parallel * stage_time),
                (chunks + pipeline_parallel - 1) / (chunks * pipeline_parallel),
            ),
        ),
        Step(
            "that share of it is what a step takes",
            substitute(is_(step_time, traversal * pipeline_parallel * stage_time)),
            equation(traversal, (chunks + pipeline_parallel - 1) / (chunks * pipeline_parallel)),
        ),
        Step(
            "its own time, and the first chunk's",
            identity(),
            equation(traversal, stage_times_of_chunks / pipeline_parallel),
        ),
    ),
    assumes=("one prompt in the pipeline", "chunks of equal length, one after another", "stages of equal length"),
    sources=(SARATHI,),
    example=lambda: {chunks: 8.0, pipeline_parallel: 4.0, stage_time: 0.1},
    example_text="8 chunks on 4 stages, 0.1 s of the prompt on each",
)

DERIVATIONS = (traversed,)
