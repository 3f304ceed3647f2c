"""Chapter 3, pipelines and memory: what a chip of a pipeline holds, and the room of a rack."""

from collections.abc import Callable, Mapping
from math import ceil

import sympy
from sympy import Expr, Symbol

from steptime.derivations.axioms import EVEN_CHIPS, EVEN_LAYERS, STORED_ONLY
from steptime.derivations.batch.batch import best_batch
from steptime.derivations.batch.symbols import ridge
from steptime.derivations.batch.terms import ridge_batch
from steptime.derivations.board import numbers
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Crossing, Defined, Modelled, Tends, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.pipelines import formulas
from steptime.derivations.pipelines.pipelines import LECTURE, full_pipeline
from steptime.derivations.pipelines.symbols import capacity_surplus, kv_memory, weight_memory
from steptime.derivations.rules import equation, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.layout.layout import Layout
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    bytes_per_weight, context, kv_bytes, memory_capacity, memory_per_chip, micro_batch, parameters, pipeline_parallel,
    scale_up_domain, stage_chips,
)  # fmt: skip

NODES = "DeepSeek-V3 at fp8 in stages of 8 H100, context 4096, 64 sequences a micro-batch"
ONE_REPLICA = given(q.replicas, 1, "one replica")
weights, cache = bytes_per_weight * parameters, micro_batch * context * kv_bytes  # shorthand in the lines below


def nodes() -> Mapping[Symbol, float]:
    """Numbers of one stage of eight H100."""
    return numbers("deepseek-v3", "h100-sxm", layout="dp=8,ep=8", context=4096, batch=64)


def optimum(length: int) -> Mapping[Symbol, float]:
    """Numbers of a GB200 NVL72 at the lecture's optimal batch without KV cache, rho N_t/N_a."""
    values = numbers("deepseek-v3", "gb200-nvl72", layout="dp=72,ep=72", context=length, batch=2048)
    known = {**values, ridge: Scenario(values).evaluate(ridge_batch.result.rhs)}
    best = Scenario(known).evaluate(best_batch.result.rhs)
    return {**values, micro_batch: float(best), pipeline_parallel: 1.0}


stage_footprint = Derivation(
    name="stage-memory",
    title="Memory of a chip in a pipeline",
    rows=("3.3",),
    claim="More stages divide the weights; the KV cache they do not, for they need as many more sequences in flight.",
    start=Modelled(memory_per_chip, formulas.chip_memory),
    steps=(
        Step(
            "one replica, no stage idle: B = P b",
            substitute(ONE_REPLICA, full_pipeline),
            equation(memory_per_chip, weights / (stage_chips * pipeline_parallel) + cache / stage_chips),
        ),
    ),
    assumes=(STORED_ONLY, EVEN_LAYERS, EVEN_CHIPS, ONE_REPLICA),
    sources=(LECTURE,),
    example=lambda: {**nodes(), pipeline_parallel: 4.0},
    example_text=f"{NODES}, four of them",
)

EVER_MORE_STAGES = Tends(pipeline_parallel, sympy.oo, "ever more stages divide the weights")

kv_floor = Derivation(
    name="kv-floor",
    title="Memory that no pipeline takes off a chip",
    rows=("3.3",),
    claim="However many stages, a chip holds its share of the KV cache of a whole micro-batch.",
    start=stage_footprint,
    steps=(
        Step(
            "ever more stages",
            limit(pipeline_parallel, sympy.oo),
            equation(memory_per_chip, cache / stage_chips),
        ),
    ),
    assumes=(EVER_MORE_STAGES,),
    sources=(LECTURE,),
    example=nodes,
    example_text=NODES,
)

FULL = given(memory_per_chip, memory_capacity, "the chip is full")

fewest_stages = Derivation(
    name="fewest-stages",
    title="The fewest stages that fit",
    rows=("3.3",),
    claim="Where one stage is too small, more make room for any weights, but only beside a micro-batch's KV cache.",
    start=stage_footprint,
    steps=(
        Step(
            "the chip is full",
            substitute(FULL),
            equation(memory_capacity, weights / (stage_chips * pipeline_parallel) + cache / stage_chips),
        ),
        Step(
            "solve for the stages",
            solve_for(pipeline_parallel),
            equation(pipeline_parallel, weights / (stage_chips * memory_capacity - cache)),
        ),
    ),
    assumes=(FULL,),
    sources=(LECTURE,),
    example=nodes,
    example_text=NODES,
    holds=(more(stage_chips * memory_capacity, cache), at_least(weights + cache, stage_chips * memory_capacity)),
)

kv_dominant = Derivation(
    name="kv-dominant-stages",
    title="Stages from which the KV cache is the larger part",
    rows=("3.3",),
    claim="A few stages divide the weights so far that the KV cache, which they do not divide, is most of the memory.",
    start=Crossing(
        Modelled(weight_memory, formulas.chip_weights),
        Modelled(kv_memory, formulas.chip_kv),
        "a chip holds as much of the KV cache as of the weights",
    ),
    steps=(
        Step(
            "one replica, no stage idle: B = P b",
            substitute(ONE_REPLICA, full_pipeline),
            equation(weights / (stage_chips * pipeline_parallel), cache / stage_chips),
        ),
        Step(
            "solve for the stages",
            solve_for(pipeline_parallel),
            equation(pipeline_parallel, weights / cache),
        ),
    ),
    assumes=(EVEN_LAYERS, EVEN_CHIPS, ONE_REPLICA),
    sources=(LECTURE,),
    example=nodes,
    example_text=NODES,
    holds=(more(kv_bytes, 0), at_least(weights, cache)),
)

ONE_STAGE = given(pipeline_parallel, 1, "one stage")
ONE_DOMAIN = given(stage_chips, scale_up_domain, "the stage is a whole scale-up domain")
SURPLUS = Defined(capacity_surplus, memory_capacity / weight_memory, "the memory of a chip over the weights in it")

surplus = Derivation(
    name="capacity-surplus",
    title="Room of a scale-up domain over the weights of a model",
    rows=("3.6",),
    claim="A rack holds its weights many times over: capacity is not what a pipeline is needed for.",
    start=Modelled(weight_memory, formulas.chip_weights),
    steps=(
        Step(
            "one stage, a whole domain, and its chips so many times larger",
            substitute(ONE_STAGE, ONE_DOMAIN, SURPLUS.for_(weight_memory)),
            equation(memory_capacity / capacity_surplus, weights / scale_up_domain),
        ),
        Step(
            "solve for the ratio",
            solve_for(capacity_surplus),
            equation(capacity_surplus, scale_up_domain * memory_capacity / weights),
        ),
    ),
    assumes=(EVEN_CHIPS, ONE_STAGE, ONE_DOMAIN),
    sources=(LECTURE,),
    example=lambda: {**optimum(4096), parameters: 1e12},
    example_text="10^12 parameters at fp8 on one GB200 NVL72",
)


def _evaluate(expr: Expr, values: Mapping[Symbol, float]) -> float:
    return float(Scenario(values).evaluate(expr))


def _kv_on_the_fullest_chip(stages: int) -> float:
    """Bytes of KV cache on the fullest chip of so many racks: layers and sequences whole, the model as it is."""
    from steptime.model.catalog.hardware import load_hardware
    from steptime.model.catalog.models import load_model
    from steptime.model.step.build import build_case
    from steptime.model.step.inputs import Inputs, Question

    asked = Inputs(given={context: 4096.0, q.batch: 2048.0 * stages}, layout=Layout(dp=72, ep=72, pp=stages))
    case = build_case(Question(load_model("deepseek-v3"), load_hardware("gb200-nvl72"), asked))
    return max(float(case.scenario.evaluate(footprint.kv)) for footprint in case.whole_footprints)


def _fits(stages: float) -> bool:
    """Whether the lecture's formula has room on so many stages."""
    values = {**nodes(), pipeline_parallel: stages}
    return _evaluate(stage_footprint.result.rhs, values) <= values[memory_capacity]


def _inputs(values: Mapping[Symbol, float]) -> Mapping[str, float | str]:
    return {symbol.name: values[symbol] for symbol in (parameters, kv_bytes, context, micro_batch, memory_capacity)}


def _dominant_from(length: int) -> Callable[[], float]:
    """Whole stages; the first one, where a micro-batch's cache is larger than all weights."""
    return lambda: float(max(1, ceil(_evaluate(kv_dominant.result.rhs, optimum(length)))))


def _at_optimum(length: int) -> Callable[[], Mapping[str, float | str]]:
    return lambda: _inputs(optimum(length))


def _rack() -> Mapping[str, float | str]:
    chosen = (parameters, bytes_per_weight, memory_capacity, scale_up_domain)
    return {symbol.name: surplus.numbers[symbol] for symbol in chosen}


DERIVATIONS = (stage_footprint, kv_floor, fewest_stages, kv_dominant, surplus)

CLAIMS = (
    Claim("3.3", "DeepSeek-V3's KV cache on the fullest chip of 16 racks over that of one: layers divide unevenly",
          None, lambda: _kv_on_the_fullest_chip(16) / _kv_on_the_fullest_chip(1),
          lambda: {"pipeline_parallel": 16.0, "context": 4096.0, "micro_batch": 2048.0},
          source=Source.OWN, must=lambda value: abs(value - 1) < 0.05),
    Claim("3.3", "Stages from which the KV cache is the larger part, at 1000 tokens of context and the optimal batch",
          2.0, _dominant_from(1000), _at_optimum(1000)),
    Claim("3.3", "The same at 4096 tokens: so that two stages leave it the larger part too", None,
          _dominant_from(4096), _at_optimum(4096), source=Source.OWN, must=lambda value: value <= 2),
    Claim("3.3", "DeepSeek-V3 at fp8, 64 sequences of 4096 tokens: fewest stages of 8 H100 that fit", None,
          lambda: float(ceil(fewest_stages.evaluate())), lambda: _inputs(nodes()),
          source=Source.OWN, must=lambda value: _fits(value) and not _fits(value - 1)),
    Claim("3.6", "Memory of one GB200 NVL72", 13.8,
          lambda: surplus.evaluate() * surplus.numbers[parameters] * surplus.numbers[bytes_per_weight] / 1e12,
          _rack, unit="TB"),
    Claim("3.6", "Memory of one GB200 NVL72 over 10^12 parameters at fp8", 13.8, surplus.evaluate, _rack),
)  # fmt: skip
