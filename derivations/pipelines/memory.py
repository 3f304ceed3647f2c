"""Chapter 3, pipelines and memory: what a chip of a pipeline holds, and the room of a rack."""

from collections.abc import Callable, Mapping
from math import ceil

from sympy import Expr, Symbol, oo

from steptime.derivations.batch.terms import ridge_batch
from steptime.derivations.board import is_, numbers
from steptime.derivations.claims import Claim
from steptime.derivations.pipelines.pipelines import LECTURE
from steptime.derivations.pipelines.symbols import capacity_surplus
from steptime.derivations.rules import equation, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.layout.layout import SYMBOLIC
from steptime.model.phases.abstract import abstract_footprint
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    bytes_per_weight, context, kv_bytes, memory_capacity, memory_per_chip, micro_batch, parameters, pipeline_parallel,
    scale_up_domain, stage_chips,
)  # fmt: skip

NODES = "DeepSeek-V3 at fp8 in stages of 8 H100, context 4096, 64 sequences a micro-batch"
EVEN = ("layers divide evenly over the stages", "weights and KV cache split evenly over the chips of a stage")
footprint = abstract_footprint(SYMBOLIC, context)
BOARD = (
    is_(q.tensor_parallel, stage_chips / (q.context_parallel * q.data_parallel)),
    is_(q.replicas, 1),
    is_(q.batch, pipeline_parallel * micro_batch),
)
"""A stage of E chips, one replica, as many micro-batches in flight as stages."""


def nodes() -> Mapping[Symbol, float]:
    """Numbers of one stage of eight H100."""
    return numbers("deepseek-v3", "h100-sxm", layout="dp=8,ep=8", context=4096, batch=64)


def optimum(length: int) -> Mapping[Symbol, float]:
    """Numbers of a GB200 NVL72 at the lecture's optimal batch without KV cache, rho N_t/N_a."""
    values = numbers("deepseek-v3", "gb200-nvl72", layout="dp=72,ep=72", context=length, batch=2048)
    best = Scenario(values).evaluate(ridge_batch.result.rhs * parameters / q.active_parameters)
    return {**values, micro_batch: float(best), pipeline_parallel: 1.0}


stage_footprint = Derivation(
    name="stage-memory",
    title="Memory of a chip in a pipeline",
    rows=("3.3",),
    claim="More stages divide the weights; the KV cache they do not, for they need as many more sequences in flight.",
    start=equation(memory_per_chip, footprint.total),
    steps=(
        Step(
            "stages of E chips, one replica, no stage idle: B = P b",
            substitute(*BOARD),
            equation(
                memory_per_chip,
                bytes_per_weight * parameters / (stage_chips * pipeline_parallel)
                + micro_batch * context * kv_bytes / stage_chips,
            ),
        ),
    ),
    assumes=EVEN,
    sources=(LECTURE,),
    example=nodes,
    example_text=NODES,
)

kv_floor = Derivation(
    name="kv-floor",
    title="Memory that no pipeline takes off a chip",
    rows=("3.3",),
    claim="However many stages, a chip holds its share of the KV cache of a whole micro-batch.",
    start=stage_footprint.result,
    steps=(
        Step(
            "ever more stages",
            limit(pipeline_parallel, oo),
            equation(memory_per_chip, micro_batch * context * kv_bytes / stage_chips),
        ),
    ),
    assumes=EVEN,
    sources=(LECTURE,),
    example=nodes,
    example_text=NODES,
)

fewest_stages = Derivation(
    name="fewest-stages",
    title="The fewest stages that fit",
    rows=("3.3",),
    claim="Enough stages make room for any weights, but only beside the KV cache of a micro-batch.",
    start=stage_footprint.result,
    steps=(
        Step(
            "the chip is full",
            substitute(is_(memory_per_chip, memory_capacity)),
            equation(
                memory_capacity,
                bytes_per_weight * parameters / (stage_chips * pipeline_parallel)
                + micro_batch * context * kv_bytes / stage_chips,
            ),
        ),
        Step(
            "solve for the stages",
            solve_for(pipeline_parallel),
            equation(
                pipeline_parallel,
                bytes_per_weight * parameters / (stage_chips * memory_capacity - micro_batch * context * kv_bytes),
            ),
        ),
    ),
    assumes=(*EVEN, "the next whole number of stages is taken"),
    sources=(LECTURE,),
    example=nodes,
    example_text=NODES,
    holds=(stage_chips * memory_capacity - micro_batch * context * kv_bytes,),
)

kv_dominant = Derivation(
    name="kv-dominant-stages",
    title="Stages from which the KV cache is the larger part",
    rows=("3.3",),
    claim="A few stages divide the weights so far that the KV cache, which they do not divide, is most of the memory.",
    start=equation(footprint.weights, footprint.kv),
    steps=(
        Step(
            "stages of E chips, one replica, no stage idle: B = P b",
            substitute(*BOARD),
            equation(
                bytes_per_weight * parameters / (stage_chips * pipeline_parallel),
                micro_batch * context * kv_bytes / stage_chips,
            ),
        ),
        Step(
            "solve for the stages",
            solve_for(pipeline_parallel),
            equation(pipeline_parallel, bytes_per_weight * parameters / (micro_batch * context * kv_bytes)),
        ),
    ),
    assumes=EVEN,
    sources=(LECTURE,),
    example=nodes,
    example_text=NODES,
)

surplus = Derivation(
    name="capacity-surplus",
    title="Room of a scale-up domain over the weights of a model",
    rows=("3.6",),
    claim="A rack holds its weights many times over: capacity is not what a pipeline is needed for.",
    start=stage_footprint.result,
    steps=(
        Step(
            "no sequence yet",
            limit(micro_batch, 0),
            equation(memory_per_chip, bytes_per_weight * parameters / (stage_chips * pipeline_parallel)),
        ),
        Step(
            "one stage, a whole domain, and its chips so many times larger",
            substitute(
                is_(pipeline_parallel, 1),
                is_(stage_chips, scale_up_domain),
                is_(memory_per_chip, memory_capacity / capacity_surplus),
            ),
            equation(memory_capacity / capacity_surplus, bytes_per_weight * parameters / scale_up_domain),
        ),
        Step(
            "solve for the ratio",
            solve_for(capacity_surplus),
            equation(capacity_surplus, scale_up_domain * memory_capacity / (bytes_per_weight * parameters)),
        ),
    ),
    assumes=EVEN,
    sources=(LECTURE,),
    example=lambda: {**optimum(4096), parameters: 1e12},
    example_text="10^12 parameters at fp8 on one GB200 NVL72",
)


def _evaluate(expr: Expr, values: Mapping[Symbol, float]) -> float:
    return float(Scenario(values).evaluate(expr))


def _kv_at(stages: float) -> float:
    """KV cache of a chip at so many stages: what it holds less its weights, over the floor."""
    values = {**nodes(), pipeline_parallel: stages}
    weights = bytes_per_weight * parameters / (stage_chips * pipeline_parallel)
    return _evaluate((stage_footprint.result.rhs - weights) / kv_floor.result.rhs, values)


def _inputs(values: Mapping[Symbol, float]) -> Mapping[str, float | str]:
    return {symbol.name: values[symbol] for symbol in (parameters, kv_bytes, context, micro_batch, memory_capacity)}


def _dominant_from(length: int) -> Callable[[], float]:
    return lambda: float(ceil(_evaluate(kv_dominant.result.rhs, optimum(length))))


def _at_optimum(length: int) -> Callable[[], Mapping[str, float | str]]:
    return lambda: _inputs(optimum(length))


def _rack() -> Mapping[str, float | str]:
    chosen = (parameters, bytes_per_weight, memory_capacity, scale_up_domain)
    return {symbol.name: surplus.numbers[symbol] for symbol in chosen}


DERIVATIONS = (stage_footprint, kv_floor, fewest_stages, kv_dominant, surplus)

CLAIMS = (
    Claim("3.3", "KV cache of a chip with 16 stages, over that with one", 1.0,
          lambda: _kv_at(16.0) / _kv_at(1.0), lambda: _inputs(nodes()), tolerance=1e-9),
    *(
        Claim("3.3", f"Stages from which the KV cache is the larger part, at {length} tokens of context and the "
              "optimal batch (lecture: two)", 2.0, _dominant_from(length), _at_optimum(length),
              must=lambda value: value >= 1)
        for length in (1000, 4096)
    ),
    Claim("3.3", "DeepSeek-V3 at fp8, 64 sequences of 4096 tokens: fewest stages of 8 H100 that fit", None,
          lambda: float(ceil(fewest_stages.evaluate())), lambda: _inputs(nodes()), must=lambda value: value >= 1),
    Claim("3.6", "Memory of one GB200 NVL72", 13.8,
          lambda: surplus.evaluate() * surplus.numbers[parameters] * surplus.numbers[bytes_per_weight] / 1e12,
          _rack, tolerance=0.01, unit="TB"),
    Claim("3.6", "Memory of one GB200 NVL72 over 10^12 parameters at fp8", 13.8, surplus.evaluate,
          _rack, tolerance=0.01),
)  # fmt: skip
