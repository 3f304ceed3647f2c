"""Chapter 9, serving: the time of a whole request, one prefill and every decode step behind it."""

from collections.abc import Mapping

import sympy
from sympy import Expr, Symbol, sqrt

from steptime.derivations.board import PEAK, PERFECT_SHARDS, is_
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute
from steptime.derivations.serving.prefill import flops
from steptime.derivations.serving.symbols import answer_time, completed_square
from steptime.derivations.steps import Derivation, Step
from steptime.model.economics import cost as economics
from steptime.model.phases.decode import DECODE
from steptime.model.phases.prefill import ANSWER, PREFILL, decode_steps

from steptime.derivations.serving.numbers import (  # isort: skip
    ALL_CONTEXT, ALL_READ, IDEAL, LLAMA, POPE, cache_of, llama_request, summed,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, answer, attention_flops, batch, bytes_per_weight, context, flops_per_mac, kv_bytes, kv_written,
    memory_bandwidth, micro_batch, parameters_read, pass_tokens, peak_flops, prompt, request_time, stage_chips,
    step_time, tokens_per_second,
)  # fmt: skip

MEAN = is_(context, prompt + (answer - 2) / 2)
"""The mean context of a request's decode steps: the first has the prompt behind it, each further one a token more."""

prefill_time = PREFILL.blackboard.compute.time
prefill_flops = flops.xreplace({pass_tokens: prompt})
memory_line = equation(
    answer_time,
    (answer - 1)
    * (bytes_per_weight * parameters_read + micro_batch * kv_bytes * (prompt + answer / 2))
    / (stage_chips * memory_bandwidth),
)
compute_line = equation(
    answer_time,
    (answer - 1)
    * (flops_per_mac * active_parameters + attention_flops * (prompt + (answer - 2) / 2))
    * micro_batch
    / (stage_chips * peak_flops),
)
ASSUMES = (IDEAL, ALL_CONTEXT, ALL_READ, "a static batch: all requests of it start and end together")
BOUND = (*ASSUMES, "compute binds the prefill, memory every decode step")


def request() -> Mapping[Symbol, float]:
    return llama_request(2048, 256, 64)


REQUEST = f"{LLAMA}, 64 requests of 2048 tokens and 256 of answer"

memory_shared = (*PEAK[1:], *PERFECT_SHARDS[1:])
compute_shared = (PEAK[0], PERFECT_SHARDS[0])


def steps_of(name: str, title: str, claim: str, time: Expr, step: Step) -> Derivation:
    """One way to a term of all decode steps of a request."""
    return Derivation(
        name, title, ("9.6",), claim, equation(answer_time, time), (step,), ASSUMES, (POPE,), request, REQUEST
    )


memory_sum = steps_of(
    "answer-memory-sum",
    "Memory time of an answer, step by step",
    "The cache grows by a token a step: the sum over the steps is a triangle on top of the prompt.",
    summed(DECODE.blackboard.memory.time, context, prompt, decode_steps),
    Step(
        "at the peak, perfectly sharded; a step writes one token of each sequence",
        substitute(*memory_shared, is_(kv_written, kv_bytes)),
        memory_line,
    ),
)

memory_mean = steps_of(
    "answer-memory-mean",
    "Memory time of an answer, at its mean context",
    "All decode steps of a request take what as many take at the mean context.",
    decode_steps * DECODE.blackboard.memory.time,
    Step(
        "the mean context, at the peak, perfectly sharded",
        substitute(*memory_shared, is_(kv_written, kv_bytes), MEAN),
        memory_line,
    ),
)

memory_phase = steps_of(
    "answer-memory",
    "Memory time of an answer, as one phase",
    "A pass of as many chunks as tokens is the decode steps one after another.",
    ANSWER.blackboard.memory.time,
    Step(
        "at the peak, perfectly sharded; each step reads all before it and writes one token",
        substitute(*memory_shared, *cache_of(ANSWER)),
        memory_line,
    ),
)

compute_sum = steps_of(
    "answer-compute-sum",
    "Compute time of an answer, step by step",
    "Attention grows by a token a step, the weights' multiply-adds do not.",
    summed(DECODE.blackboard.compute.time, context, prompt, decode_steps),
    Step("at the peak, perfectly sharded", substitute(*compute_shared), compute_line),
)

compute_phase = steps_of(
    "answer-compute",
    "Compute time of an answer, as one phase",
    "A pass in which every token predicts the next is the decode steps one after another.",
    ANSWER.blackboard.compute.time,
    Step("at the peak, perfectly sharded", substitute(*compute_shared), compute_line),
)

whole = Derivation(
    name="request-time",
    title="Time of a request",
    rows=("9.6",),
    claim="A prefill gives the first token of the answer; every other token takes a decode step.",
    start=equation(request_time, prefill_time.xreplace(PREFILL.definitions) + memory_phase.result.rhs),
    steps=(
        Step(
            "at the peak, perfectly sharded",
            substitute(*compute_shared),
            equation(request_time, prefill_flops * micro_batch / (stage_chips * peak_flops) + memory_line.rhs),
        ),
    ),
    assumes=BOUND,
    sources=(POPE,),
    example=request,
    example_text=REQUEST,
)

each = prefill_flops * memory_bandwidth + (answer - 1) * kv_bytes * (prompt + answer / 2) * peak_flops

most = Derivation(
    name="request-throughput",
    title="Tokens per second of requests, at most",
    rows=("9.6",),
    claim="However large the batch, each request is prefilled and reads its own cache.",
    start=equation(tokens_per_second, answer * economics.throughput),
    steps=(
        Step(
            "an answer of every sequence in the time of a request; one stage, one replica",
            substitute(is_(step_time, request_time), is_(batch, micro_batch)),
            equation(tokens_per_second, answer * micro_batch / request_time),
        ),
        Step(
            "put in the time",
            substitute(whole.result),
            equation(
                tokens_per_second,
                answer
                * micro_batch
                * stage_chips
                * peak_flops
                * memory_bandwidth
                / (micro_batch * each + (answer - 1) * bytes_per_weight * parameters_read * peak_flops),
            ),
        ),
        Step(
            "as the batch grows the weights no longer count",
            limit(micro_batch, sympy.oo),
            equation(tokens_per_second, answer * stage_chips * peak_flops * memory_bandwidth / each),
        ),
    ),
    assumes=BOUND,
    sources=(POPE,),
    example=request,
    example_text=f"{REQUEST}; then any number of them",
)

half_linear = bytes_per_weight * parameters_read / (micro_batch * kv_bytes) + prompt + sympy.Rational(1, 2)
"""Half the linear coefficient of the equation for the decode steps."""

twice = 2 * half_linear
linear = twice * (answer - 1)
constant = 2 * prefill_flops * memory_bandwidth / (kv_bytes * peak_flops)
square = half_linear**2 + constant

as_long = Derivation(
    name="answer-length",
    title="The answer that takes as long to decode as the prompt to prefill",
    rows=("9.6",),
    claim="A longer answer makes a request one of decoding, a shorter one of prefill.",
    start=equation(memory_phase.result.rhs, whole.result.rhs - memory_phase.result.rhs),
    steps=(
        Step(
            "over half of what a token of context costs, the linear term to the right",
            both_sides(side * 2 * stage_chips * memory_bandwidth / (micro_batch * kv_bytes) - linear),
            equation((answer - 1) ** 2, constant - linear),
        ),
        Step(
            "half the linear coefficient is taken off the decode steps, so that a square stands alone",
            substitute(is_(answer, completed_square + 1 - half_linear)),
            equation((completed_square - half_linear) ** 2, constant - twice * (completed_square - half_linear)),
        ),
        Step("solve for the square", solve_for(completed_square), equation(completed_square, sqrt(square))),
        Step(
            "the answer again",
            substitute(is_(completed_square, answer - 1 + half_linear)),
            equation(answer - 1 + half_linear, sqrt(square)),
        ),
        Step(
            "the answer alone",
            both_sides(side + 1 - half_linear),
            equation(answer, 1 + sqrt(square) - half_linear),
        ),
    ),
    assumes=BOUND,
    sources=(POPE,),
    example=request,
    example_text=REQUEST,
)

DERIVATIONS = (memory_sum, memory_mean, memory_phase, compute_sum, compute_phase, whole, most, as_long)
