"""Chapter 9, serving: the time of a whole request, one prefill and every decode step behind it."""

from collections.abc import Mapping

import sympy
from sympy import Expr, Sum, Symbol, sqrt

from steptime.derivations.batch.symbols import memory_time
from steptime.derivations.board import PEAK, PERFECT_SHARDS
from steptime.derivations.conditions import more
from steptime.derivations.facts import Crossing, Defined, Fact, Modelled, Tends, given, instance
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute, total
from steptime.derivations.serving import formulas
from steptime.derivations.serving.numbers import LLAMA, POPE, llama_request
from steptime.derivations.serving.prefill import flops
from steptime.derivations.serving.symbols import answer_time, completed_square, prefill_time
from steptime.derivations.steps import Assumption, Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import cost as economics
from steptime.model.phases.decode import compute, memory
from steptime.model.phases.prefill import decode_steps

from steptime.derivations.axioms import (  # isort: skip
    ATTENDS_TO_ALL, BEFORE_ONCE, DECODE_READS, LAST_PREDICTS, ON_CHIP, STATIC_BATCH, STREAMED_ONCE,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, answer, attention_flops, batch, bytes_per_weight, context, flops_per_mac, kv_bytes, kv_written,
    memory_bandwidth, micro_batch, parameters_read, pass_tokens, peak_flops, prompt, request_time, stage_chips,
    step_time, tokens_per_second, turn,
)  # fmt: skip

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
WRITES_ONE = given(kv_written, kv_bytes, "a step writes one token of each sequence")
memory_shared = (*PEAK[1:], *PERFECT_SHARDS[1:])
compute_shared = (PEAK[0], PERFECT_SHARDS[0])
READS = (STREAMED_ONCE, STATIC_BATCH, *memory_shared)
COMPUTES = (ATTENDS_TO_ALL, STATIC_BATCH, *compute_shared)


def request() -> Mapping[Symbol, float]:
    return llama_request(2048, 256, 64)


REQUEST = f"{LLAMA}, 64 requests of 2048 tokens and 256 of answer"


def over_steps(of_step: Expr) -> Sum:
    """So much for each decode step of a request, which has the prompt and the steps before it behind it."""
    return Sum(of_step.xreplace({context: prompt + turn}), (turn, 0, decode_steps - 1))


def answer_of(
    name: str, title: str, claim: str, start: Fact, steps: tuple[Step, ...], assumes: tuple[Assumption, ...],
    holds: tuple[sympy.Rel, ...] = (),
) -> Derivation:  # fmt: skip
    """One way to a term of all decode steps of a request."""
    return Derivation(name, title, ("9.6",), claim, start, steps, assumes, (POPE,), request, REQUEST, holds)


step_bytes = bytes_per_weight * parameters_read + micro_batch * kv_bytes * (context + 1)
step_flops = flops_per_mac * active_parameters + attention_flops * context
reading = over_steps(step_bytes / (stage_chips * memory_bandwidth))
computing = over_steps(step_flops * micro_batch / (stage_chips * peak_flops))

memory_sum = answer_of(
    "answer-memory-sum",
    "Memory time of an answer, step by step",
    "The cache grows by a token a step: the sum over the steps is a triangle on top of the prompt.",
    Defined(answer_time, over_steps(memory.time), "the memory time of all decode steps, one after another"),
    (
        Step(
            "at the peak, perfectly sharded; a step writes one token of each sequence",
            substitute(*memory_shared, WRITES_ONE),
            equation(answer_time, reading),
        ),
        Step("the sum of a number and a triangle", total(reading, memory_line.rhs), memory_line),
    ),
    (*READS, WRITES_ONE),
)

contexts = Sum(prompt + turn, (turn, 0, decode_steps - 1))

mean_context = answer_of(
    "answer-context",
    "Mean context of an answer's decode steps",
    "The first step has the prompt behind it, each further one a token more.",
    Defined(context, contexts / decode_steps, "the mean of what the decode steps have behind them"),
    (
        Step(
            "the prompt, and half of a triangle",
            total(contexts, (answer - 1) * prompt + (answer - 1) * (answer - 2) / 2),
            equation(context, prompt + (answer - 2) / 2),
        ),
    ),
    (),
    (more(answer, 1),),
)

memory_mean = answer_of(
    "answer-memory-mean",
    "Memory time of an answer, at its mean context",
    "All decode steps of a request take what as many take at the mean context.",
    Defined(answer_time, decode_steps * memory_time, "the memory time of as many steps, all at the mean context"),
    (
        Step(
            "what a step at one context reads and writes",
            substitute(Modelled(memory_time, memory.time)),
            equation(answer_time, decode_steps * memory.time),
        ),
        Step(
            "at the peak, perfectly sharded; a step writes one token of each sequence",
            substitute(*memory_shared, WRITES_ONE),
            equation(answer_time, decode_steps * step_bytes / (stage_chips * memory_bandwidth)),
        ),
        Step("the mean context", substitute(mean_context), memory_line),
    ),
    (*READS, WRITES_ONE),
    (more(answer, 1),),
)

memory_phase = answer_of(
    "answer-memory",
    "Memory time of an answer, as one phase",
    "A pass of as many chunks as tokens is the decode steps one after another.",
    Modelled(answer_time, formulas.answer_memory.time),
    (
        Step(
            "at the peak, perfectly sharded; each step reads all before it and writes one token",
            substitute(
                *memory_shared,
                Modelled(q.kv_read, formulas.answer_read),
                Modelled(kv_written, formulas.answer_written),
            ),
            memory_line,
        ),
    ),
    (*READS, BEFORE_ONCE, ON_CHIP),
)

compute_sum = answer_of(
    "answer-compute-sum",
    "Compute time of an answer, step by step",
    "Attention grows by a token a step, the weights' multiply-adds do not.",
    Defined(answer_time, over_steps(compute.time), "the compute time of all decode steps, one after another"),
    (
        Step("at the peak, perfectly sharded", substitute(*compute_shared), equation(answer_time, computing)),
        Step("the sum of a number and a triangle", total(computing, compute_line.rhs), compute_line),
    ),
    COMPUTES,
)

compute_phase = answer_of(
    "answer-compute",
    "Compute time of an answer, as one phase",
    "A pass in which every token predicts the next is the decode steps one after another.",
    Modelled(answer_time, formulas.answer_compute.time),
    (Step("at the peak, perfectly sharded", substitute(*compute_shared), compute_line),),
    COMPUTES,
)

PREFILL_COMPUTES = given(prefill_time, q.compute_time, "compute binds the prefill: it takes its time")
prefill = instance(Modelled(q.compute_time, formulas.prefill_compute.time), {pass_tokens: prompt})

whole = Derivation(
    name="request-time",
    title="Time of a request",
    rows=("9.6",),
    claim="A prefill gives the first token of the answer; every other token takes a decode step.",
    start=Defined(request_time, prefill_time + answer_time, "the time of its prefill and of all its decode steps"),
    steps=(
        Step(
            "compute binds the prefill",
            substitute(PREFILL_COMPUTES),
            equation(request_time, q.compute_time + answer_time),
        ),
        Step(
            "the prompt multiplied, and the memory time of the answer",
            substitute(prefill, memory_sum),
            equation(request_time, prefill.line.rhs + memory_line.rhs),
        ),
        Step(
            "at the peak, perfectly sharded",
            substitute(*compute_shared),
            equation(request_time, prefill_flops * micro_batch / (stage_chips * peak_flops) + memory_line.rhs),
        ),
    ),
    assumes=(LAST_PREDICTS, *COMPUTES, PREFILL_COMPUTES, DECODE_READS),
    sources=(POPE,),
    example=request,
    example_text=REQUEST,
)

each = prefill_flops * memory_bandwidth + (answer - 1) * kv_bytes * (prompt + answer / 2) * peak_flops
MEAN = given(step_time, request_time / answer, "on average, an answer gains a token in its part of the request's time")
ALL_HERE = given(batch, micro_batch, "all sequences are on that stage")
EVER_MORE = Tends(micro_batch, sympy.oo, "ever more sequences share the weights")

most = Derivation(
    name="request-throughput",
    title="Tokens per second of requests, at most",
    rows=("9.6",),
    claim="However large the batch, each request is prefilled and reads its own cache.",
    start=Modelled(tokens_per_second, economics.throughput),
    steps=(
        Step(
            "an answer of every sequence in the time of a request; one stage, one replica",
            substitute(MEAN, ALL_HERE),
            equation(tokens_per_second, answer * micro_batch / request_time),
        ),
        Step(
            "put in the time",
            substitute(whole),
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
    assumes=(MEAN, ALL_HERE, EVER_MORE),
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
SQUARE = Defined(completed_square, answer - 1 + half_linear, "the decode steps and half the linear coefficient")

as_long = Derivation(
    name="answer-length",
    title="The answer that takes as long to decode as the prompt to prefill",
    rows=("9.6",),
    claim="A longer answer makes a request one of decoding, a shorter one of prefill.",
    start=Crossing(memory_sum, prefill, "the answer takes as long to decode as the prompt to prefill"),
    steps=(
        Step(
            "at the peak, perfectly sharded",
            substitute(*compute_shared),
            equation(memory_line.rhs, prefill_flops * micro_batch / (stage_chips * peak_flops)),
        ),
        Step(
            "over half of what a token of context costs, the linear term to the right",
            both_sides(side * 2 * stage_chips * memory_bandwidth / (micro_batch * kv_bytes) - linear),
            equation((answer - 1) ** 2, constant - linear),
        ),
        Step(
            "half the linear coefficient is taken off the decode steps, so that a square stands alone",
            substitute(SQUARE.for_(answer)),
            equation((completed_square - half_linear) ** 2, constant - twice * (completed_square - half_linear)),
        ),
        Step("solve for the square", solve_for(completed_square), equation(completed_square, sqrt(square))),
        Step(
            "the answer again",
            substitute(SQUARE),
            equation(answer - 1 + half_linear, sqrt(square)),
        ),
        Step(
            "the answer alone",
            both_sides(side + 1 - half_linear),
            equation(answer, 1 + sqrt(square) - half_linear),
        ),
    ),
    assumes=(LAST_PREDICTS, *COMPUTES, DECODE_READS),
    sources=(POPE,),
    example=request,
    example_text=REQUEST,
    holds=(more(kv_bytes, 0),),
)

DERIVATIONS = (
    memory_sum,
    mean_context,
    memory_mean,
    memory_phase,
    compute_sum,
    compute_phase,
    whole,
    most,
    as_long,
)
