"""Chapter 9, serving: the batch and the prompt at which a prefill turns compute-bound."""

from collections.abc import Mapping

from sympy import Rational, Symbol, sqrt

from steptime.derivations.axioms import ATTENDS_TO_ALL, LAST_PREDICTS, ON_CHIP, STREAMED_ONCE
from steptime.derivations.batch.batch import peak_by_ridge
from steptime.derivations.batch.symbols import memory_time, ridge
from steptime.derivations.batch.terms import ridge_batch
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Crossing, Defined, Modelled
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import both_sides, equation, side, solve_for, substitute
from steptime.derivations.serving import formulas
from steptime.derivations.serving.attention import body
from steptime.derivations.serving.symbols import completed_square
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.scenario import Scenario

from steptime.derivations.serving.numbers import (  # isort: skip
    BOTH, LLAMA, NOTHING_CACHED, POPE, SHARED, V3, WEIGHTS_ALONE, llama_prefill, v3_prefill,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, bytes_per_weight, flops_per_mac, kv_bytes, memory_bandwidth, micro_batch,
    parameters, parameters_read, pass_tokens, peak_flops, stage_chips, unembedding_parameters,
)  # fmt: skip

flops = (
    flops_per_mac * (body * pass_tokens + unembedding_parameters)
    + attention_flops * pass_tokens * (pass_tokens - 1) / 2
)
bytes_moved = bytes_per_weight * parameters_read + micro_batch * kv_bytes * pass_tokens
half_linear = (
    flops_per_mac * body / attention_flops
    - kv_bytes * peak_flops / (attention_flops * memory_bandwidth)
    - Rational(1, 2)
)
constant = (
    2 * bytes_per_weight * parameters_read * peak_flops / (attention_flops * micro_batch * memory_bandwidth)
    - 2 * flops_per_mac * unembedding_parameters / attention_flops
)
square = half_linear**2 + constant

prefill_balance = Derivation(
    name="prefill-balance",
    title="Where a prefill computes as long as it reads",
    rows=("9.2",),
    claim="A prefill streams the weights once, writes its cache, and multiplies every token.",
    start=Crossing(
        Modelled(q.compute_time, formulas.prefill_compute.time),
        Modelled(memory_time, formulas.prefill_memory.time),
        BOTH,
    ),
    steps=(
        Step(
            "at the peak, perfectly sharded; keys and values of the pass stay on the chip and are written once",
            substitute(*SHARED, NOTHING_CACHED, Modelled(q.kv_written, formulas.prefill_written)),
            equation(flops * micro_batch / (stage_chips * peak_flops), bytes_moved / (stage_chips * memory_bandwidth)),
        ),
        Step(
            "clear the rates and the chips",
            both_sides(side * stage_chips * peak_flops * memory_bandwidth),
            equation(flops * micro_batch * memory_bandwidth, bytes_moved * peak_flops),
        ),
    ),
    assumes=(ATTENDS_TO_ALL, LAST_PREDICTS, STREAMED_ONCE, ON_CHIP, *SHARED, NOTHING_CACHED),
    sources=(POPE,),
    example=lambda: llama_prefill(256),
    example_text=f"{LLAMA}, one prompt of 256 tokens",
)

prefill_batch = Derivation(
    name="prefill-batch",
    title="The batch at which a prefill turns compute-bound",
    rows=("9.2",),
    claim="A batch of prompts turns compute-bound when together they are long enough.",
    start=prefill_balance,
    steps=(
        Step(
            "solve for the batch",
            solve_for(micro_batch),
            equation(
                micro_batch,
                bytes_per_weight
                * parameters_read
                * peak_flops
                / (flops * memory_bandwidth - kv_bytes * pass_tokens * peak_flops),
            ),
        ),
    ),
    assumes=(),
    sources=(POPE,),
    example=lambda: llama_prefill(64),
    example_text=f"{LLAMA}, prompts of 64 tokens",
    holds=(more(flops * memory_bandwidth, kv_bytes * pass_tokens * peak_flops),),
)

SQUARE = Defined(completed_square, pass_tokens + half_linear, "the tokens and half the linear coefficient")

prefill_prompt = Derivation(
    name="prefill-prompt",
    title="The prompt at which a prefill turns compute-bound",
    rows=("9.2",),
    claim="Beyond this many tokens a sequence, a prefill is bound by compute: a few hundred where one is alone.",
    start=prefill_balance,
    steps=(
        Step(
            "for one sequence, over half of what a pair of tokens costs",
            both_sides(side * 2 / (attention_flops * micro_batch * memory_bandwidth)),
            equation(
                pass_tokens * (pass_tokens - 1)
                + 2 * flops_per_mac * (body * pass_tokens + unembedding_parameters) / attention_flops,
                2 * bytes_moved * peak_flops / (attention_flops * micro_batch * memory_bandwidth),
            ),
        ),
        Step(
            "a square and no linear term: half the linear coefficient is taken off the tokens",
            substitute(SQUARE.for_(pass_tokens)),
            equation(
                completed_square**2
                - half_linear**2
                + 2 * kv_bytes * peak_flops * (completed_square - half_linear) / (attention_flops * memory_bandwidth)
                + 2 * flops_per_mac * unembedding_parameters / attention_flops,
                2
                * (bytes_per_weight * parameters_read / micro_batch + kv_bytes * (completed_square - half_linear))
                * peak_flops
                / (attention_flops * memory_bandwidth),
            ),
        ),
        Step(
            "solve for the square",
            solve_for(completed_square),
            equation(completed_square, sqrt(square)),
        ),
        Step(
            "the tokens again",
            substitute(SQUARE),
            equation(pass_tokens + half_linear, sqrt(square)),
        ),
        Step(
            "the tokens alone",
            both_sides(side - half_linear),
            equation(pass_tokens, sqrt(square) - half_linear),
        ),
    ),
    assumes=(),
    sources=(POPE,),
    example=lambda: llama_prefill(256),
    example_text=f"{LLAMA}, one sequence",
    holds=(more(attention_flops, 0), at_least(square, 0), at_least(sqrt(square), 1 + half_linear)),
)

prefill_ridge = Derivation(
    name="prefill-ridge",
    title="The prompt from which a prefill is compute-bound, as the ridge",
    rows=("9.2",),
    claim="A pass turns compute-bound at the ridge times the sparsity, in tokens, whoever they belong to.",
    start=prefill_balance,
    steps=(
        Step(
            "weights alone, all of them, and every token multiplies all active ones",
            substitute(*WEIGHTS_ALONE),
            equation(
                flops_per_mac * active_parameters * pass_tokens * micro_batch * memory_bandwidth,
                bytes_per_weight * parameters * peak_flops,
            ),
        ),
        Step(
            "solve for the tokens",
            solve_for(pass_tokens),
            equation(
                pass_tokens,
                bytes_per_weight
                * parameters
                * peak_flops
                / (flops_per_mac * active_parameters * micro_batch * memory_bandwidth),
            ),
        ),
        Step(
            "the rates as the ridge",
            substitute(peak_by_ridge),
            equation(pass_tokens, ridge * parameters / (active_parameters * micro_batch)),
        ),
    ),
    assumes=WEIGHTS_ALONE,
    sources=(POPE,),
    example=lambda: v3_prefill(4096, 1),
    example_text=f"{V3}, one sequence; the ridge as it follows",
    holds=(at_least(ridge * parameters, active_parameters * micro_batch),),
)
DERIVATIONS = (prefill_balance, prefill_batch, prefill_prompt, prefill_ridge)

A100 = "a100-sxm-80gb"


def dense_13b() -> Mapping[Symbol, float]:
    """One sequence of a dense model of 13 billion weights on an A100, 16 bits throughout."""
    from steptime.model.catalog.hardware import load_hardware

    chip = load_hardware(A100)
    rates = {peak_flops: chip.peak("bf16"), memory_bandwidth: chip.figures["memory_bandwidth"].value}
    weights = {parameters: 13e9, active_parameters: 13e9, micro_batch: 1.0}
    values = {**rates, **weights, bytes_per_weight: 2.0, flops_per_mac: 2.0}
    return {**values, ridge: Scenario(values).evaluate(ridge_batch.result.rhs)}


CLAIMS = (
    Claim(
        "9.2",
        "tokens of one prompt of a 13B model that make an A100 near compute-bound "
        "(DistServe, arXiv 2401.09670, second-hand)",
        512.0,
        lambda: float(Scenario(dense_13b()).evaluate(prefill_ridge.result.rhs)),
        lambda: {"hardware": A100, **{symbol.name: value for symbol, value in dense_13b().items()}},
        wording=Wording.ABOUT,
        source=Source.PAPER,
        must=lambda value: value <= 512,
    ),
)
