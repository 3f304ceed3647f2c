"""Chapter 9, serving: a pass that verifies drafts, its speed-up while memory binds and beyond."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.derivations.batch.drafts import LEVIATHAN, draft_limit, expected
from steptime.derivations.batch.symbols import draft_limit_batch, speed_up
from steptime.derivations.board import PERFECT_SHARDS, is_
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute
from steptime.derivations.serving.numbers import ALL_CONTEXT, ALL_READ, IDEAL, LLAMA, SHARED, cache_of, llama
from steptime.derivations.steps import Derivation, Step
from steptime.model.phases.decode import DECODE
from steptime.model.phases.prefill import VERIFY

from steptime.model.symbols import (  # isort: skip
    acceptance, active_parameters, attention_flops, bytes_per_weight, context, drafts, flops_per_mac, kv_bytes,
    kv_written, memory_bandwidth, micro_batch, parameters, parameters_read, pass_tokens, peak_flops, stage_chips,
    tokens_per_pass,
)  # fmt: skip

step, verify = DECODE.blackboard, VERIFY.blackboard
checked = (drafts + 1) * (flops_per_mac * active_parameters + attention_flops * (context + drafts / 2))
"""FLOP of one sequence in a pass: each token attends to the context and to the drafts before it."""

ROOM = checked * memory_bandwidth - kv_bytes * (context + drafts + 1) * peak_flops
DRAWN = is_(pass_tokens, drafts + 1)
ASSUMES = (IDEAL, ALL_CONTEXT, ALL_READ, "drafting itself costs nothing")


def verifying() -> Mapping[Symbol, float]:
    """Llama 3.1 70B, two drafts a pass."""
    return llama(drafts=2, acceptance=0.8, context=1000, batch=16)


VERIFYING = f"{LLAMA}, 16 sequences of 1000 tokens; two drafts, each accepted with a chance of 0.8"


bound_batch = Derivation(
    name="verify-batch",
    title="The batch at which verifying drafts turns compute-bound",
    rows=("9.8",),
    claim="A pass over drafts multiplies each of them and reads the context once: it is a short prefill.",
    start=equation(verify.compute.time, verify.memory.time),
    steps=(
        Step(
            "at the peak, perfectly sharded; the context is read once for all drafts",
            substitute(*SHARED, *cache_of(VERIFY)),
            equation(
                (
                    flops_per_mac * active_parameters * pass_tokens
                    + attention_flops * (pass_tokens * context + pass_tokens * (pass_tokens - 1) / 2)
                )
                * micro_batch
                / (stage_chips * peak_flops),
                (bytes_per_weight * parameters_read + micro_batch * kv_bytes * (context + pass_tokens))
                / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "the drafts and the token before them",
            substitute(DRAWN),
            equation(
                checked * micro_batch / (stage_chips * peak_flops),
                (bytes_per_weight * parameters_read + micro_batch * kv_bytes * (context + drafts + 1))
                / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "clear the rates and the chips",
            both_sides(side * stage_chips * peak_flops * memory_bandwidth),
            equation(
                checked * micro_batch * memory_bandwidth,
                (bytes_per_weight * parameters_read + micro_batch * kv_bytes * (context + drafts + 1)) * peak_flops,
            ),
        ),
        Step(
            "solve for the batch",
            solve_for(micro_batch),
            equation(micro_batch, bytes_per_weight * parameters_read * peak_flops / ROOM),
        ),
    ),
    assumes=ASSUMES,
    sources=(LEVIATHAN,),
    example=verifying,
    example_text=VERIFYING,
    holds=(ROOM,),
)

reads = {one.lhs: one.rhs for one in cache_of(VERIFY)}

memory_bound = Derivation(
    name="verify-speed-up",
    title="Speed-up of verified drafts while memory binds",
    rows=("9.8",),
    claim="A pass reads what a step reads: at best it is faster by the tokens that it keeps.",
    start=equation(speed_up, tokens_per_pass * step.memory.time / verify.memory.time.xreplace(reads)),
    steps=(
        Step(
            "perfectly sharded; a step writes one token, a pass all that it checks",
            substitute(*PERFECT_SHARDS[1:], is_(kv_written, kv_bytes), DRAWN),
            equation(
                speed_up,
                tokens_per_pass
                * (bytes_per_weight * parameters_read + micro_batch * kv_bytes * (context + 1))
                / (bytes_per_weight * parameters_read + micro_batch * kv_bytes * (context + drafts + 1)),
            ),
        ),
        Step(
            "weights alone: what drafts write no longer counts",
            limit(micro_batch, 0),
            equation(speed_up, tokens_per_pass),
        ),
        Step(
            "the tokens that a pass keeps",
            substitute(expected.result),
            equation(speed_up, (1 - acceptance ** (drafts + 1)) / (1 - acceptance)),
        ),
    ),
    assumes=(*ASSUMES, "memory binds the step and the pass", "each draft is accepted with the same chance"),
    sources=(LEVIATHAN,),
    example=verifying,
    example_text=VERIFYING,
    holds=(1 - acceptance,),
)

stops = Derivation(
    name="verify-limit",
    title="The limit of drafting, from the pass itself",
    rows=("9.8",),
    claim="A compute-bound pass is as slow as the steps that it replaces at the batch of row 1.14.",
    start=equation(speed_up, tokens_per_pass * step.memory.time / verify.compute.time),
    steps=(
        Step(
            "at the peak, perfectly sharded, without the FLOP of attention and the tokens written",
            substitute(*SHARED, is_(attention_flops, 0), is_(kv_written, 0), DRAWN),
            equation(
                speed_up,
                tokens_per_pass
                * (bytes_per_weight * parameters_read + micro_batch * kv_bytes * context)
                * peak_flops
                / ((drafts + 1) * flops_per_mac * active_parameters * micro_batch * memory_bandwidth),
            ),
        ),
        Step(
            "no speed-up, every weight read: that batch is the limit",
            substitute(is_(speed_up, 1), is_(parameters_read, parameters), is_(micro_batch, draft_limit_batch)),
            equation(
                1,
                tokens_per_pass
                * (bytes_per_weight * parameters + draft_limit_batch * kv_bytes * context)
                * peak_flops
                / ((drafts + 1) * flops_per_mac * active_parameters * draft_limit_batch * memory_bandwidth),
            ),
        ),
        Step("solve for the batch", solve_for(draft_limit_batch), draft_limit.result),
    ),
    assumes=(*ASSUMES, "no FLOP of attention", "compute binds the pass, memory the step"),
    sources=(LEVIATHAN,),
    example=verifying,
    example_text=VERIFYING,
    holds=draft_limit.holds,
)

DERIVATIONS = (bound_batch, memory_bound, stops)
