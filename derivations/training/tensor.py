"""Chapter 10, training: how far tensor parallelism hides, plain and with sequence parallelism."""

from collections.abc import Mapping

from sympy import Rational

from steptime.derivations.claims import Claim
from steptime.derivations.collectives import limits as chapter8_limits
from steptime.derivations.rules import equation, identity, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.symbols import traffic_ratio
from steptime.model.network.collectives import all_reduce, group
from steptime.model.phases.rates import rates
from steptime.model.scenario import Scenario
from steptime.model.terms import one

from steptime.derivations.training.numbers import (  # isort: skip
    DEGREES, DENSE, IDEAL, KORTHIKANTI, LINKS, LLAMA, NOTHING_ELSE, SHARED, SHOEYBI, SUMMED, WEIGHTS_ALONE, ledger,
    llama, phase, sums,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, batch, data_parallel, flops_per_mac, layers, micro_batch, micro_batches, peak_flops,
    pipeline_parallel, reduce_bytes, scale_up_bandwidth, sequence, tensor_parallel, width,
)  # fmt: skip

SUMS = "two sums a layer in each pass, by a ring or by all chips at once"
whole = phase().blackboard.compute.time
sums_time = sums().scale_up / rates.scale_up
step_tokens = batch * sequence
stream = layers * width * reduce_bytes
"""Bytes of a token in the residual stream, once for each layer."""

limit = Derivation(
    name="tensor-parallel-training",
    title="Tensor parallelism whose sums hide behind the multiply-adds of training",
    rows=("10.6",),
    claim="Three passes multiply and two sum: beyond one chip, half as many more as in a prefill.",
    start=equation(sums_time, whole),
    steps=(
        Step(
            "weights alone, at the peak",
            substitute(*SHARED, LINKS, *NOTHING_ELSE),
            equation(
                8
                * (tensor_parallel - 1)
                * stream
                * micro_batch
                * micro_batches
                * sequence
                / (tensor_parallel * data_parallel * pipeline_parallel * scale_up_bandwidth),
                3
                * flops_per_mac
                * active_parameters
                * micro_batch
                * micro_batches
                * sequence
                / (tensor_parallel * data_parallel * pipeline_parallel * peak_flops),
            ),
        ),
        Step(
            "the tokens cancel; solve for the chips",
            solve_for(tensor_parallel),
            equation(
                tensor_parallel,
                1 + 3 * flops_per_mac * active_parameters * scale_up_bandwidth / (8 * stream * peak_flops),
            ),
        ),
    ),
    assumes=(IDEAL, DENSE, WEIGHTS_ALONE, SUMS),
    sources=(SHOEYBI,),
    example=llama,
    example_text=LLAMA,
)

over_domain = group(DEGREES.tp, one)
rows = ledger(sequence_parallel=True)
added = all_reduce(rows.forward.tokens / rows.forward.groups * width * reduce_bytes, over_domain, in_switch=False)
plain = added.times(
    sum(n * layer.sums for layer, n in rows.model.kinds.items()) * rows.network_passes(SUMMED) * rows.share
)
gathers = rows.gathers_of_inputs()

more_bytes = Derivation(
    name="sequence-parallel-bytes",
    title="Bytes of sequence parallelism over those of plain tensor parallelism",
    rows=("10.6",),
    claim="A sum is a scatter and a gather in any case; gathering each block's input once more makes five of four.",
    start=equation(
        traffic_ratio,
        (plain.scale_up + plain.scale_out + gathers.scale_up + gathers.scale_out) / (plain.scale_up + plain.scale_out),
    ),
    steps=(Step("one gather more for every two sums", identity(), equation(traffic_ratio, Rational(5, 4))),),
    assumes=("layers do not run again, which gathers anyway", SUMS),
    sources=(KORTHIKANTI + ", section 4.2.2",),
    example=llama,
    example_text=LLAMA,
    holds=(tensor_parallel - 1,),
)

sequence_limit = Derivation(
    name="sequence-parallel-training",
    title="The same limit with sequence parallelism",
    rows=("10.6",),
    claim="A quarter more bytes take a fifth of the chips beyond the first.",
    start=equation(more_bytes.result.rhs * sums_time, whole),
    steps=(
        Step(
            "weights alone, at the peak",
            substitute(*SHARED, LINKS, *NOTHING_ELSE),
            equation(Rational(5, 4) * limit.lines[1].lhs, limit.lines[1].rhs),
        ),
        Step(
            "the tokens cancel; solve for the chips",
            solve_for(tensor_parallel),
            equation(
                tensor_parallel,
                1 + 3 * flops_per_mac * active_parameters * scale_up_bandwidth / (10 * stream * peak_flops),
            ),
        ),
    ),
    assumes=limit.assumes,
    sources=more_bytes.sources,
    example=llama,
    example_text=LLAMA,
)


def _beyond_one() -> float:
    """Chips beyond the first in training over those in a prefill, by chapter 8."""
    values = Scenario(llama())
    return float((values.evaluate(limit.result.rhs) - 1) / (values.evaluate(chapter8_limits.prefill.result.rhs) - 1))


def _inputs() -> Mapping[str, float | str]:
    chosen = (active_parameters, layers, width, reduce_bytes, peak_flops, scale_up_bandwidth)
    return {symbol.name: llama()[symbol] for symbol in chosen}


DERIVATIONS = (limit, more_bytes, sequence_limit)

CLAIMS = (
    Claim("10.6", "Llama 3.1 70B on H100: largest tp whose sums hide in training", None, limit.evaluate, _inputs,
          must=lambda value: value > 8),
    Claim("10.6", "The same with sequence parallelism", None, sequence_limit.evaluate, _inputs,
          must=lambda value: value > 8),
    Claim("10.6", "Chips beyond the first whose sums hide, training over prefill: 3 passes for 2 sums", 3 / 2,
          _beyond_one, _inputs, tolerance=1e-9),
)  # fmt: skip
