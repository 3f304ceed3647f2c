"""Chapter 9, serving: the time of a whole request, one prefill and every decode step behind it."""

import sympy
from sympy import sqrt

from steptime.derivations.axioms import CACHES_FIT, DECODE_READS, LAST_PREDICTS
from steptime.derivations.batch.terms import EVER_MORE
from steptime.derivations.board import ONE_STAGE, READS_ALL
from steptime.derivations.facts import Crossing, Defined, Modelled, given, instance
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute
from steptime.derivations.serving import formulas
from steptime.derivations.serving.numbers import POPE
from steptime.derivations.serving.prefill import flops
from steptime.derivations.serving.symbols import answer_time, completed_square, prefill_time
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import cost as economics

from steptime.derivations.serving.answer import (  # isort: skip
    COMPUTES, REQUEST, compute_phase, compute_shared, memory_line, memory_phase, memory_sum, request,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    answer, bytes_per_weight, kv_bytes, memory_bandwidth, micro_batch, parameters, parameters_read, pass_tokens,
    peak_flops, prompt, request_time, stage_chips, step_time, tokens_per_second,
)  # fmt: skip

__all__ = ["DERIVATIONS", "as_long", "compute_phase", "memory_phase", "most", "whole"]

prefill_flops = flops.xreplace({pass_tokens: prompt})
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

most = Derivation(
    name="request-throughput",
    title="Tokens per second of requests, at most",
    rows=("9.6",),
    claim="However large the batch, each request is prefilled and reads its own cache.",
    start=Modelled(tokens_per_second, economics.throughput),
    steps=(
        Step(
            "an answer of every sequence in the time of a request; one stage, one replica",
            substitute(MEAN, ONE_STAGE[1]),
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
            "every weight is read",
            substitute(READS_ALL),
            equation(
                tokens_per_second,
                answer
                * micro_batch
                * stage_chips
                * peak_flops
                * memory_bandwidth
                / (micro_batch * each + (answer - 1) * bytes_per_weight * parameters * peak_flops),
            ),
        ),
        Step(
            "as the batch grows the weights no longer count",
            limit(micro_batch, sympy.oo),
            equation(tokens_per_second, answer * stage_chips * peak_flops * memory_bandwidth / each),
        ),
    ),
    assumes=(CACHES_FIT, MEAN, ONE_STAGE[1], READS_ALL, EVER_MORE),
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

DERIVATIONS = (whole, most, as_long)
