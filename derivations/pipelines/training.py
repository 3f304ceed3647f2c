"""Chapter 3, pipelines in training: the number of micro-batches of a given batch."""

from collections.abc import Mapping
from math import isclose

from sympy import Symbol, sqrt

from steptime.derivations.axioms import EVEN_LAYERS, FULL_OVERLAP, NO_OVERLAP
from steptime.derivations.batch.terms import ridge_batch
from steptime.derivations.board import numbers
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Chosen, Crossing, Modelled
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.pipelines import formulas
from steptime.derivations.pipelines.pipelines import LECTURE
from steptime.derivations.pipelines.slots import step_through_pipeline
from steptime.derivations.pipelines.symbols import micro_batch_overhead, sequence_time, stage_time, training_time
from steptime.derivations.rules import equation, minimise, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    active_parameters, batch, bytes_per_weight, flops_per_mac, interleave, memory_bandwidth, micro_batches,
    parameters_read, pass_tokens, peak_flops, pipeline_parallel,
)  # fmt: skip

CRITICAL = "McCandlish et al. 2018, arXiv 1812.06162: beyond a critical batch more sequences hardly help convergence"
V3_TRAINING = (
    "DeepSeek-V3 (arXiv 2412.19437): 15,360 sequences of 4096 tokens over 2048 chips in 16 stages, fp8; here on H100"
)
later = pipeline_parallel - 1


def v3_training() -> Mapping[Symbol, float]:
    """Numbers of DeepSeek-V3's training: batch, sequence and layout of its report, every expert read."""
    values = numbers("deepseek-v3", "h100-sxm", layout="dp=128,ep=64,pp=16", context=4096, batch=15360)
    values = {**values, pass_tokens: 4096.0, interleave: 1.0, micro_batches: 1.0}
    parts = {
        micro_batch_overhead: formulas.stage_streaming_time,
        sequence_time: formulas.stage_compute_time * micro_batches / batch,
    }
    return {**values, **{symbol: float(Scenario(values).evaluate(part)) for symbol, part in parts.items()}}


SHORTEST = Chosen(micro_batches, "as many micro-batches as make the step shortest, of a given batch")

best_micro_batches = Derivation(
    name="optimal-micro-batches",
    title="Micro-batches of a given batch that make a training step shortest",
    rows=("3.5",),
    claim="More micro-batches shrink the bubble, but each streams the weights again: their best number is a root.",
    start=step_through_pipeline,
    steps=(
        Step(
            "a stage's time for one of m micro-batches of the batch that convergence allows",
            substitute(Modelled(stage_time, formulas.stage_time_of_micro_batch)),
            equation(
                training_time,
                micro_batches * micro_batch_overhead
                + sequence_time * batch
                + later * micro_batch_overhead / interleave
                + later * sequence_time * batch / (interleave * micro_batches),
            ),
        ),
        Step(
            "the shortest step over the number of micro-batches",
            minimise(micro_batches),
            equation(micro_batches, sqrt(later * sequence_time * batch / (interleave * micro_batch_overhead))),
        ),
    ),
    assumes=(NO_OVERLAP, SHORTEST),
    sources=(LECTURE, CRITICAL),
    example=v3_training,
    example_text=V3_TRAINING,
    holds=(at_least(later * sequence_time * batch, interleave * micro_batch_overhead),),
)

most_micro_batches = Derivation(
    name="largest-number-of-micro-batches",
    title="Micro-batches that still are compute-bound, where streaming overlaps",
    rows=("3.5",),
    claim="Where weights stream during the multiply-adds, cut the batch until a micro-batch has the ridge's tokens.",
    start=Crossing(
        Modelled(micro_batch_overhead, formulas.stage_streaming_time),
        Modelled(stage_time, formulas.stage_compute_time),
        "a stage streams its weights as long as it multiplies",
    ),
    steps=(
        Step(
            "solve for the micro-batches",
            solve_for(micro_batches),
            equation(
                micro_batches,
                batch
                * pass_tokens
                * flops_per_mac
                * active_parameters
                * memory_bandwidth
                / (bytes_per_weight * parameters_read * peak_flops),
            ),
        ),
    ),
    assumes=(FULL_OVERLAP, EVEN_LAYERS),
    sources=(LECTURE, CRITICAL),
    example=v3_training,
    example_text=V3_TRAINING,
    holds=(
        at_least(
            batch * pass_tokens * flops_per_mac * active_parameters * memory_bandwidth,
            bytes_per_weight * parameters_read * peak_flops,
        ),
    ),
)


def _inputs() -> Mapping[str, float | str]:
    chosen = (batch, pass_tokens, pipeline_parallel, q.stage_chips, micro_batch_overhead, sequence_time)
    return {symbol.name: v3_training()[symbol] for symbol in chosen}


DERIVATIONS = (best_micro_batches, most_micro_batches)


def _time(number: float) -> float:
    """Time of the step at so many micro-batches."""
    values = {**v3_training(), micro_batches: number}
    return float(Scenario(values).evaluate(best_micro_batches.lines[1].rhs))


def _is_shortest(number: float) -> bool:
    return all(_time(number) <= _time(other) for other in (1.0, number / 2, number - 1, number + 1, number * 2))


def _is_ridge(number: float) -> bool:
    """Whether a micro-batch has the tokens at which chapter 1 says that decode turns compute-bound."""
    values = v3_training()
    ridge = Scenario(values).evaluate(ridge_batch.result.rhs * parameters_read / active_parameters)
    return isclose(values[batch] * values[pass_tokens] / number, float(ridge), rel_tol=1e-9)


CLAIMS = (
    Claim("3.5", "DeepSeek-V3's batch over 16 stages: best number of micro-batches, nothing overlapping", None,
          best_micro_batches.evaluate, _inputs, source=Source.OWN, must=_is_shortest),
    Claim("3.5", "DeepSeek-V3's batch: micro-batches that stay compute-bound where streaming overlaps", None,
          most_micro_batches.evaluate, _inputs, source=Source.OWN, must=_is_ridge),
)  # fmt: skip
