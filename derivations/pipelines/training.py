"""Chapter 3, pipelines in training: activations held, and the number of micro-batches of a given batch."""

from collections.abc import Mapping

from sympy import Symbol, oo, sqrt

from steptime.derivations.board import is_, numbers
from steptime.derivations.claims import Claim
from steptime.derivations.pipelines import formulas
from steptime.derivations.pipelines.bubble import MEGATRON, board
from steptime.derivations.pipelines.pipelines import LECTURE
from steptime.derivations.rules import equation, limit, minimise, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

from steptime.derivations.pipelines.symbols import (  # isort: skip
    activation_bytes, activation_memory, activation_ratio, further_stages, micro_batch_overhead, sequence_time,
    stage_index, stage_time, training_time,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, batch, bytes_per_weight, flops_per_mac, interleave, memory_bandwidth, micro_batches,
    parameters_read, pass_tokens, peak_flops, pipeline_parallel,
)  # fmt: skip

KORTHIKANTI = "Korthikanti et al. 2022, arXiv 2205.05198"
CRITICAL = "McCandlish et al. 2018, arXiv 1812.06162: beyond a critical batch more sequences hardly help convergence"
BOARD = "64 stages, 512 micro-batches"
V3_TRAINING = (
    "DeepSeek-V3 (arXiv 2412.19437): 15,360 sequences of 4096 tokens over 2048 chips in 16 stages, fp8; here on H100"
)
later = pipeline_parallel - 1


def held() -> Mapping[Symbol, float]:
    """The lecture's pipeline; activations in units of one micro-batch's."""
    return {**board(), activation_bytes: 1.0, stage_index: 1.0}


def v3_training() -> Mapping[Symbol, float]:
    """Numbers of DeepSeek-V3's training: batch, sequence and layout of its report, every expert read."""
    values = numbers("deepseek-v3", "h100-sxm", layout="dp=128,ep=64,pp=16", context=4096, batch=15360)
    values = {**values, pass_tokens: 4096.0, interleave: 1.0, micro_batches: 1.0}
    parts = {
        micro_batch_overhead: formulas.stage_streaming_time,
        sequence_time: formulas.stage_compute_time * micro_batches / batch,
    }
    return {**values, **{symbol: float(Scenario(values).evaluate(part)) for symbol, part in parts.items()}}


one_f_one_b = Derivation(
    name="activations-1f1b",
    title="Activations that 1F1B holds, over those of a pipeline with all forward passes first",
    rows=("3.5",),
    claim="A stage holds as many micro-batches as there are stages, however many pass: backward follows forward.",
    start=equation(activation_ratio, formulas.held_1f1b / formulas.held_gpipe),
    steps=(
        Step(
            "the first stage holds most",
            substitute(is_(stage_index, 1)),
            equation(activation_ratio, pipeline_parallel / micro_batches),
        ),
    ),
    assumes=("at least as many micro-batches as stages", "no recomputation"),
    sources=(LECTURE, MEGATRON),
    example=held,
    example_text=BOARD,
    holds=(micro_batches - pipeline_parallel,),
)

first_stage = Derivation(
    name="activations-first-stage",
    title="Activations on the first stage under 1F1B",
    rows=("3.5",),
    claim="P micro-batches of 1/P of the layers: as much as one micro-batch in all layers, whatever the stages.",
    start=equation(activation_memory, formulas.held_1f1b),
    steps=(
        Step(
            "the first stage holds most",
            substitute(is_(stage_index, 1)),
            equation(activation_memory, activation_bytes),
        ),
    ),
    assumes=one_f_one_b.assumes,
    sources=(MEGATRON, KORTHIKANTI),
    example=held,
    example_text=BOARD,
    holds=(pipeline_parallel - stage_index + 1,),
)

interleaved = Derivation(
    name="activations-interleaved",
    title="Activations of interleaved 1F1B over those of plain 1F1B",
    rows=("3.5",),
    claim="Interleaving divides the bubble, for up to twice the activations.",
    start=equation(activation_memory, formulas.held_interleaved),
    steps=(
        Step(
            "over those of plain 1F1B",
            substitute(is_(activation_memory, activation_ratio * first_stage.result.rhs)),
            equation(
                activation_ratio * activation_bytes,
                activation_bytes * (1 + later / (pipeline_parallel * interleave)),
            ),
        ),
        Step(
            "solve for the ratio",
            solve_for(activation_ratio),
            equation(activation_ratio, 1 + later / (pipeline_parallel * interleave)),
        ),
        Step(
            "at worst, many stages",
            limit(pipeline_parallel, oo),
            equation(activation_ratio, 1 + 1 / interleave),
        ),
    ),
    assumes=one_f_one_b.assumes,
    sources=(MEGATRON, KORTHIKANTI),
    example=lambda: {**held(), interleave: 4.0},
    example_text=f"{BOARD}; 4 chunks a stage",
    holds=(later,),
)

best_micro_batches = Derivation(
    name="optimal-micro-batches",
    title="Micro-batches of a given batch that make a training step shortest",
    rows=("3.5",),
    claim="More micro-batches shrink the bubble, but each streams the weights again: their best number is a root.",
    start=equation(training_time, formulas.pipeline_time),
    steps=(
        Step(
            "a stage's time for one of m micro-batches of the batch that convergence allows",
            substitute(is_(stage_time, formulas.stage_time_of_micro_batch)),
            equation(
                training_time,
                (micro_batches + later / interleave) * (micro_batch_overhead + sequence_time * batch / micro_batches),
            ),
        ),
        Step(
            "count the stages after the first",
            substitute(is_(pipeline_parallel, 1 + further_stages)),
            equation(
                training_time,
                micro_batches * micro_batch_overhead
                + sequence_time * batch
                + further_stages * micro_batch_overhead / interleave
                + further_stages * sequence_time * batch / (interleave * micro_batches),
            ),
        ),
        Step(
            "the shortest step over the number of micro-batches",
            minimise(micro_batches),
            equation(micro_batches, sqrt(further_stages * sequence_time * batch / (interleave * micro_batch_overhead))),
        ),
        Step(
            "in stages again",
            substitute(is_(further_stages, later)),
            equation(micro_batches, sqrt(later * sequence_time * batch / (interleave * micro_batch_overhead))),
        ),
    ),
    assumes=("streaming weights and multiplying do not overlap", "the batch is as large as convergence allows"),
    sources=(LECTURE, CRITICAL),
    example=v3_training,
    example_text=V3_TRAINING,
    holds=(later,),
)

most_micro_batches = Derivation(
    name="largest-number-of-micro-batches",
    title="Micro-batches that still are compute-bound, where streaming overlaps",
    rows=("3.5",),
    claim="Where weights stream during the multiply-adds, cut the batch until a micro-batch has the ridge's tokens.",
    start=equation(formulas.stage_streaming_time, formulas.stage_compute_time),
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
    assumes=("streaming weights and multiplying overlap", "every expert is read", "no attention FLOP"),
    sources=(LECTURE, CRITICAL),
    example=v3_training,
    example_text=V3_TRAINING,
)


def _inputs() -> Mapping[str, float | str]:
    chosen = (batch, pass_tokens, pipeline_parallel, q.stage_chips, micro_batch_overhead, sequence_time)
    return {symbol.name: v3_training()[symbol] for symbol in chosen}


def _board() -> Mapping[str, float | str]:
    return {symbol.name: board()[symbol] for symbol in (pipeline_parallel, micro_batches)}


DERIVATIONS = (one_f_one_b, first_stage, interleaved, best_micro_batches, most_micro_batches)

CLAIMS = (
    Claim("3.5", "64 stages, 512 micro-batches: activations of 1F1B over those with all forward passes first", None,
          one_f_one_b.evaluate, _board, must=lambda value: 0 < value <= 1),
    Claim("3.5", "4 interleaved chunks a stage: activations over those of plain 1F1B, many stages", None,
          interleaved.evaluate, lambda: {"interleave": 4.0}, must=lambda value: 1 <= value <= 2),
    Claim("3.5", "DeepSeek-V3's batch over 16 stages: best number of micro-batches, nothing overlapping", None,
          best_micro_batches.evaluate, _inputs, must=lambda value: value > 0),
    Claim("3.5", "DeepSeek-V3's batch: micro-batches that stay compute-bound where streaming overlaps", None,
          most_micro_batches.evaluate, _inputs, must=lambda value: value > 0),
)  # fmt: skip
