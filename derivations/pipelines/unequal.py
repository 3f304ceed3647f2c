"""Chapter 3, pipelines whose stages are unequal: an unembedding on the last, layers that do not divide evenly."""

from collections.abc import Mapping

from sympy import Le, Symbol, oo

from steptime.derivations.axioms import FULLEST_PACES
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Chosen, Crossing, Defined, Given, Tends
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import equation, extreme, identity, limit, solve_for
from steptime.derivations.steps import Derivation, Step
from steptime.model.estimate.symbols import fullest_stage, unembedding_layers
from steptime.model.scenario import Scenario
from steptime.model.symbols import layers, micro_batches, pipeline_parallel

from steptime.derivations.pipelines.symbols import (  # isort: skip
    last_layers, layers_per_stage, most_layers, rounded_ratio, unequal_ratio,
)  # fmt: skip

LLAMA3 = "Llama Team 2024, arXiv 2407.21783, section 3.3.2: one layer less on the first and the last of 16 stages"
GEMMA = "a model of 26 layers whose unembedding multiplies as much as ten of them, on 4 stages, 16 micro-batches"
LARGE = "Llama 3.1 405B: 126 layers, an unembedding of 0.66 of one, on 16 stages, 16 micro-batches"


def stages(depth: float = 126.0, extra: float = 0.66, ways: float = 16.0) -> Mapping[Symbol, float]:
    """So many layers on so many stages, the unembedding on the last."""
    return {
        layers: depth,
        unembedding_layers: extra,
        pipeline_parallel: ways,
        micro_batches: 16.0,
        fullest_stage: (depth + ways * extra) / (depth + extra),
        layers_per_stage: depth / ways,
        most_layers: float(-(-depth // ways)),
    }


HEAVY = Defined(
    fullest_stage,
    (layers / pipeline_parallel + unembedding_layers) / ((layers + unembedding_layers) / pipeline_parallel),
    "the last stage's work, its even share of the layers and the unembedding, over the mean stage's",
)
head = Derivation(
    name="head-on-the-last-stage",
    title="What an unembedding on the last stage costs, layers shared out evenly",
    rows=("3.7",),
    claim="Every other stage waits for it: more stages, or shorter models with large vocabularies, lose most.",
    start=HEAVY,
    steps=(
        Step(
            "clear the stages",
            identity(),
            equation(
                fullest_stage,
                (layers + pipeline_parallel * unembedding_layers) / (layers + unembedding_layers),
            ),
        ),
    ),
    assumes=(),
    sources=(LLAMA3,),
    example=lambda: stages(26.0, 10.0, 4.0),
    example_text=GEMMA,
)

others = pipeline_parallel - 1
fewer = Derivation(
    name="layers-beside-the-head",
    title="Layers on the last stage that make all stages equal",
    rows=("3.7",),
    claim="Fewer by the unembedding, all but its own share of it. Where that is no whole number of layers something is "
    "left to wait for: pipelines ask architectures for depth that divides.",
    start=Crossing(
        Defined(layers_per_stage, (layers - last_layers) / others, "the layers of each other stage"),
        Defined(most_layers, last_layers + unembedding_layers, "those of the last, and the unembedding"),
        "all stages work equally long",
    ),
    steps=(
        Step(
            "solve for the layers",
            solve_for(last_layers),
            equation(last_layers, (layers - others * unembedding_layers) / pipeline_parallel),
        ),
    ),
    assumes=(),
    sources=(LLAMA3,),
    example=stages,
    example_text=LARGE,
    holds=(more(pipeline_parallel, 1), at_least(layers, others * unembedding_layers)),
)

most_stages = Derivation(
    name="stages-for-the-head",
    title="Stages on which an unembedding can be evened out at most",
    rows=("3.7",),
    claim="No stage works less than the unembedding alone: beyond these the model itself is too wide at its end.",
    start=Crossing(
        Defined(layers_per_stage, layers / others, "the layers of each other stage, where the last has none"),
        Defined(most_layers, unembedding_layers, "the work of the last, in layers: the unembedding alone"),
        "all stages work equally long",
    ),
    steps=(
        Step(
            "solve for the stages",
            solve_for(pipeline_parallel),
            equation(pipeline_parallel, 1 + layers / unembedding_layers),
        ),
    ),
    assumes=(),
    sources=(LLAMA3,),
    example=lambda: stages(26.0, 10.0, 4.0),
    example_text=GEMMA,
    holds=(more(unembedding_layers, 0),),
)

NEXT = Given(
    Le(most_layers, (layers + others) / pipeline_parallel, evaluate=False),
    "no stage has more layers than the next whole number of an even share",
)
WORST = Chosen(most_layers, "the most that whole layers can cost", least=False)
rounded = Derivation(
    name="layers-that-do-not-divide",
    title="What layers that do not divide evenly over stages cost, at most",
    rows=("3.7",),
    claim="One layer less on all other stages: little of a deep model on few stages, a factor of two where stages are "
    "as many as layers and one more.",
    start=Defined(rounded_ratio, most_layers * pipeline_parallel / layers, "the most layers over the mean stage's"),
    steps=(
        Step(
            "the next whole number at most",
            extreme(NEXT.relation, least=False),
            equation(rounded_ratio, 1 + others / layers),
        ),
    ),
    assumes=(NEXT, WORST),
    sources=(LLAMA3,),
    example=stages,
    example_text=LARGE,
)

TIMES = Defined(
    unequal_ratio,
    ((micro_batches - 1) * fullest_stage + pipeline_parallel) / (micro_batches - 1 + pipeline_parallel),
    "a micro-batch passes all stages, and each other one follows after the fullest stage's time; over the same with "
    "all stages as the mean one",
)
passed = Derivation(
    name="unequal-pipeline",
    title="A step through unequal stages over one through equal ones",
    rows=("3.7",),
    claim="Filling and draining take the sum of all stages, shared out or not; between them the fullest sets the pace.",
    start=TIMES,
    steps=(
        Step(
            "what the fullest adds",
            identity(),
            equation(
                unequal_ratio,
                1 + (micro_batches - 1) * (fullest_stage - 1) / (micro_batches + others),
            ),
        ),
    ),
    assumes=(FULLEST_PACES,),
    sources=(LLAMA3,),
    example=stages,
    example_text=LARGE,
)

MANY = Tends(micro_batches, oo, "ever more micro-batches pass")
paced = Derivation(
    name="unequal-pipeline-many",
    title="A step through unequal stages as ever more micro-batches pass",
    rows=("3.7",),
    claim="The fullest stage's work over the mean one's, and nothing else: micro-batches hide bubbles, not imbalance.",
    start=passed,
    steps=(
        Step(
            "ever more micro-batches",
            limit(micro_batches, oo),
            equation(unequal_ratio, fullest_stage),
        ),
    ),
    assumes=(MANY,),
    sources=(LLAMA3,),
    example=stages,
    example_text=LARGE,
)


def _inputs() -> dict[str, float]:
    return {symbol.name: stages()[symbol] for symbol in (layers, unembedding_layers, pipeline_parallel)}


def flow(times: list[float], number: int) -> float:
    """When the last of so many micro-batches leaves the last of stages that take so long each, one by one."""
    ends = [0.0] * len(times)
    for _ in range(number):
        before = 0.0
        for place, each in enumerate(times):
            before = ends[place] = max(before, ends[place]) + each
    return ends[-1]


def _flows() -> float:
    """A step through stages of Llama 3.1 405B with whole layers, over the theorem's."""
    work = [7.0, *[8.0] * 14, 7.66]
    mean = sum(work) / 16
    values = {**stages(), fullest_stage: max(work) / mean, micro_batches: 16.0}
    return flow(work, 16) / flow([mean] * 16, 16) / float(Scenario(values).evaluate(passed.result.rhs))


DERIVATIONS = (head, fewer, most_stages, rounded, passed, paced)

CLAIMS = (
    Claim("3.7", f"Layers on the last of Llama 3.1 405B's 16 stages ({LLAMA3}: 7, all others but the first 8)", 7.0,
          fewer.evaluate, _inputs, source=Source.PAPER, wording=Wording.ABOUT),
    Claim("3.7", "A step through 16 stages of 7, 8, ..., 8, 7.66 layers, worked out one by one, over the theorem's",
          None, _flows, _inputs, source=Source.OWN, must=lambda value: abs(value - 1) < 1e-9),
)  # fmt: skip
