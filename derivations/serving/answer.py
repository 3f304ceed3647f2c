"""Chapter 9, serving: the decode steps of a request, one after another, at their mean context, and as one phase."""

from collections.abc import Mapping

from sympy import Expr, Sum, Symbol
from sympy.core.relational import Relational

from steptime.derivations.axioms import ATTENDS_TO_ALL, BEFORE_ONCE, ON_CHIP, STATIC_BATCH, STREAMED_ONCE
from steptime.derivations.batch.symbols import memory_time, tokens_read
from steptime.derivations.board import PEAK, PERFECT_SHARDS
from steptime.derivations.facts import Defined, Fact, Modelled, given
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.prices.formulas import grouped
from steptime.derivations.rules import equation, identity, substitute, total
from steptime.derivations.serving import formulas
from steptime.derivations.serving.numbers import CACHE_READ, LLAMA, POPE, llama_request
from steptime.derivations.serving.symbols import answer_time
from steptime.derivations.steps import Assumption, Derivation, Step
from steptime.model.architecture.attended import attended, whole_context_read
from steptime.model.phases.decode import compute, memory
from steptime.model.phases.prefill import decode_steps
from steptime.model.phases.prefill import mean_context as mean_of_steps

from steptime.model.symbols import (  # isort: skip
    active_parameters, answer, attention_flops, bytes_per_weight, context, flops_per_mac, kv_bytes, kv_written,
    memory_bandwidth, micro_batch, parameters_read, peak_flops, prompt, stage_chips, turn,
)  # fmt: skip

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
    holds: tuple[Relational, ...] = (),
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

contexts = Sum(attended(grouped, prompt + turn), (turn, 0, decode_steps - 1))

answer_reads = answer_of(
    "answer-reads",
    "Cached tokens that an answer's decode steps read",
    "The first step has the prompt behind it, each further one a token more.",
    Defined(tokens_read, contexts, "what each decode step finds in the cache: the prompt and the steps before it"),
    (
        Step(
            "the prompt once a step, and a triangle",
            total(contexts, whole_context_read(decode_steps, prompt, decode_steps)),
            equation(tokens_read, (answer - 1) * prompt + (answer - 1) * (answer - 2) / 2),
        ),
    ),
    (ATTENDS_TO_ALL, BEFORE_ONCE),
)

mean_context = answer_of(
    "answer-context",
    "Mean context of an answer's decode steps",
    "Half of the answer is behind a step on average, but for a token.",
    Defined(context, tokens_read / decode_steps, "the mean of what the decode steps read"),
    (
        Step(
            "the tokens that they read",
            substitute(answer_reads),
            equation(context, ((answer - 1) * prompt + (answer - 1) * (answer - 2) / 2) / decode_steps),
        ),
        Step("for one step", identity(), equation(context, mean_of_steps)),
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
            "at the peak, perfectly sharded; the bytes of the cache by its tokens",
            substitute(*memory_shared, CACHE_READ, Modelled(kv_written, formulas.answer_written)),
            equation(
                answer_time,
                (
                    decode_steps * bytes_per_weight * parameters_read
                    + micro_batch * kv_bytes * (tokens_read + decode_steps)
                )
                / (stage_chips * memory_bandwidth),
            ),
        ),
        Step("the tokens that the steps read", substitute(answer_reads), memory_line),
    ),
    (*READS, ON_CHIP),
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

DERIVATIONS = (memory_sum, answer_reads, mean_context, memory_mean, memory_phase, compute_sum, compute_phase)
