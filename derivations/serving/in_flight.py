"""Chapter 9, serving: in-flight batching, and how much prefill a memory-bound decode step carries for nothing."""

from collections.abc import Mapping

from sympy import S, Symbol, oo

from steptime.derivations.batch.batch import peak_by_ridge
from steptime.derivations.batch.symbols import ridge
from steptime.derivations.batch.terms import ridge_batch
from steptime.derivations.board import is_
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute
from steptime.derivations.serving.attention import body
from steptime.derivations.serving.symbols import prefill_share, prefills_per_decode, prompt_ratio
from steptime.derivations.steps import Derivation, Step
from steptime.model.phases.decode import DECODE
from steptime.model.phases.prefill import IN_FLIGHT, decode_steps, prefills_riding_along
from steptime.model.scenario import Scenario

from steptime.derivations.serving.numbers import (  # isort: skip
    ALL_CONTEXT, ALL_READ, IDEAL, LLAMA, SARATHI, SHARED, cache_of, llama,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, answer, attention_flops, bytes_per_weight, context, flops_per_mac, in_flight, kv_bytes,
    memory_bandwidth, micro_batch, own_prefill, parameters, parameters_read, pass_tokens, peak_flops, prompt,
    stage_chips, unembedding_parameters,
)  # fmt: skip

decode_flops = flops_per_mac * active_parameters + attention_flops * context
per_prompt_token = flops_per_mac * (body + unembedding_parameters / prompt) + attention_flops * (prompt - 1) / 2
"""FLOP of a prefill for each token of the prompt."""

room = bytes_per_weight * parameters_read * peak_flops - micro_batch * (
    decode_flops * memory_bandwidth - kv_bytes * (context + 1) * peak_flops
)
"""What the decode step alone leaves of the FLOP that fit in its memory time, times the bandwidth."""

rise = per_prompt_token * memory_bandwidth - kv_bytes * peak_flops
ALL_COUNTED = {own_prefill: S.Zero}
"""The mean of all steps, every prefill counted: what throughput follows from."""

ASSUMES = (
    IDEAL,
    ALL_CONTEXT,
    ALL_READ,
    "requests of one length at a steady rate: a prefill for each that ends, spread evenly over the steps",
    "the mean of all steps, so that every prefill counts, a request's own too",
)


def serving() -> Mapping[Symbol, float]:
    """Llama 3.1 70B with prefills riding along, the share of them that the example has, and the ridge."""
    values = llama(scope="serving", prompt=1024, output=512, batch=64)
    found = {**values, ridge: Scenario(values).evaluate(ridge_batch.result.rhs)}
    return {**found, prompt_ratio: values[prompt] / (values[answer] - 1)}


SERVING = f"{LLAMA}, 64 sequences in flight, prompts of 1024 tokens and answers of 512"

others = Derivation(
    name="in-flight-others",
    title="Prefills that a request's steps carry",
    rows=("9.7",),
    claim="A request waits for the prefills of the others only: its own lies before its first step.",
    start=equation(prefills_per_decode * in_flight, (in_flight - own_prefill) / decode_steps),
    steps=(
        Step(
            "for each sequence that decodes",
            both_sides(side / in_flight),
            equation(prefills_per_decode, prefills_riding_along),
        ),
    ),
    assumes=(ASSUMES[3], "each sequence ends, and a prefilled one takes its place, once in its decode steps"),
    sources=(SARATHI,),
    example=lambda: llama(scope="serving", prompt=1024, output=512, batch=64),
    example_text=SERVING,
    holds=(in_flight - own_prefill,),
)

many = Derivation(
    name="in-flight-many",
    title="Among many sequences, one's own prefill does not matter",
    rows=("9.7",),
    claim="With many sequences in flight a request's steps are as the mean of all: one prefill over its decode steps.",
    start=others.result,
    steps=(
        Step(
            "one of many",
            limit(in_flight, oo),
            equation(prefills_per_decode, 1 / decode_steps),
        ),
    ),
    assumes=others.assumes,
    sources=(SARATHI,),
    example=others.example,
    example_text=SERVING,
    holds=others.holds,
)

whole_step = IN_FLIGHT.flops_per_sequence.xreplace(IN_FLIGHT.definitions).xreplace(ALL_COUNTED)

share = Derivation(
    name="in-flight-share",
    title="Share of prefills in the FLOP of a step",
    rows=("9.7",),
    claim="A step carries one prefill over a request's decode steps for every sequence: their share is that of tokens.",
    start=equation(
        prefill_share,
        (whole_step - DECODE.flops_per_sequence) / whole_step,
    ),
    steps=(
        Step(
            "every token multiplies the same weights",
            substitute(is_(attention_flops, 0), is_(unembedding_parameters, 0)),
            equation(prefill_share, prompt / (prompt + answer - 1)),
        ),
    ),
    assumes=("no FLOP of attention, every token multiplied by the unembedding too", *ASSUMES[3:]),
    sources=(SARATHI,),
    example=serving,
    example_text=SERVING,
)

balance = Derivation(
    name="in-flight-ratio",
    title="Prompt tokens that ride along for nothing",
    rows=("9.7",),
    claim="Up to this many tokens of prompt for each decode step, prefills hide in a step that memory bounds.",
    start=equation(
        *(term.time.xreplace(IN_FLIGHT.definitions).xreplace(ALL_COUNTED) for term in IN_FLIGHT.blackboard.terms[:2]),
    ),
    steps=(
        Step(
            "at the peak, perfectly sharded; decode reads its context, both write",
            substitute(*SHARED, *(is_(one.lhs, one.rhs.xreplace(ALL_COUNTED)) for one in cache_of(IN_FLIGHT))),
            equation(
                (decode_flops + prompt * per_prompt_token / (answer - 1)) * micro_batch / (stage_chips * peak_flops),
                (
                    bytes_per_weight * parameters_read
                    + micro_batch * kv_bytes * (context + 1 + pass_tokens / (answer - 1))
                )
                / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "the prompt is prefilled whole; so many of its tokens for each decode step",
            substitute(is_(pass_tokens, prompt), is_(answer, 1 + prompt / prompt_ratio)),
            equation(
                (decode_flops + prompt_ratio * per_prompt_token) * micro_batch / (stage_chips * peak_flops),
                (bytes_per_weight * parameters_read + micro_batch * kv_bytes * (context + 1 + prompt_ratio))
                / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "clear the rates and the chips",
            both_sides(side * stage_chips * peak_flops * memory_bandwidth),
            equation(
                (decode_flops + prompt_ratio * per_prompt_token) * micro_batch * memory_bandwidth,
                (bytes_per_weight * parameters_read + micro_batch * kv_bytes * (context + 1 + prompt_ratio))
                * peak_flops,
            ),
        ),
        Step(
            "solve for the ratio",
            solve_for(prompt_ratio),
            equation(prompt_ratio, room / (micro_batch * rise)),
        ),
    ),
    assumes=ASSUMES,
    sources=(SARATHI,),
    example=serving,
    example_text=SERVING,
    holds=(room, rise),
)

tokens = Derivation(
    name="in-flight-tokens",
    title="The same, as the ridge",
    rows=("9.7",),
    claim="Decoded and prefilled tokens fill one step: together they are the batch that turns compute-bound.",
    start=balance.lines[3],
    steps=(
        Step(
            "weights alone, all of them, and every token multiplies all active ones",
            substitute(
                is_(kv_bytes, 0),
                is_(attention_flops, 0),
                is_(unembedding_parameters, 0),
                is_(parameters_read, parameters),
            ),
            equation(
                flops_per_mac * active_parameters * (1 + prompt_ratio) * micro_batch * memory_bandwidth,
                bytes_per_weight * parameters * peak_flops,
            ),
        ),
        Step(
            "the rates as the ridge",
            substitute(peak_by_ridge.result),
            equation(
                flops_per_mac * active_parameters * (1 + prompt_ratio) * micro_batch * memory_bandwidth,
                flops_per_mac * memory_bandwidth * ridge * parameters,
            ),
        ),
        Step(
            "solve for the tokens that ride along",
            solve_for(prompt_ratio),
            equation(prompt_ratio, ridge * parameters / (active_parameters * micro_batch) - 1),
        ),
    ),
    assumes=(*ASSUMES, "no FLOP of attention, no cache", "fewer sequences than turn a decode step compute-bound"),
    sources=(SARATHI,),
    example=serving,
    example_text=SERVING,
    holds=(ridge * parameters - active_parameters * micro_batch,),
)

DERIVATIONS = (others, many, share, balance, tokens)
