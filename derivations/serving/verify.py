"""Chapter 9, serving: a pass that verifies drafts, its speed-up while memory binds and beyond."""

from collections.abc import Mapping

from sympy import S, Symbol

from steptime.derivations.axioms import ATTENDS_TO_ALL, BEFORE_ONCE, DRAFTS_FREE, ON_CHIP, STREAMED_ONCE
from steptime.derivations.batch.drafts import LEVIATHAN, draft_limit, expected
from steptime.derivations.batch.symbols import draft_limit_batch, memory_time, speed_up
from steptime.derivations.batch.terms import ONE_SEQUENCE
from steptime.derivations.board import NO_ATTENTION_FLOPS, NOTHING_WRITTEN, PERFECT_SHARDS, READS_ALL
from steptime.derivations.facts import Compared, Crossing, Modelled, given, instance
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute
from steptime.derivations.serving import formulas
from steptime.derivations.serving.numbers import BOTH, LLAMA, SHARED, llama
from steptime.derivations.serving.symbols import replaced_time
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q

from steptime.model.symbols import (  # isort: skip
    acceptance, active_parameters, attention_flops, bytes_per_weight, context, drafts, flops_per_mac, kv_bytes,
    kv_written, memory_bandwidth, micro_batch, parameters, parameters_read, pass_tokens, peak_flops, stage_chips,
    tokens_per_pass,
)  # fmt: skip

checked = (drafts + 1) * (flops_per_mac * active_parameters + attention_flops * (context + drafts / 2))
"""FLOP of one sequence in a pass: each token attends to the context and to the drafts before it."""

DRAWN = given(pass_tokens, drafts + 1, "a pass works on the drafts and the token before them")
READ = Modelled(q.kv_read, formulas.verify_read)
WRITTEN = Modelled(kv_written, formulas.verify_written)
plain = Modelled(replaced_time, formulas.replaced_steps)
checking = Modelled(memory_time, formulas.verify_memory.time)


def verifying() -> Mapping[Symbol, float]:
    """Llama 3.1 70B, two drafts a pass."""
    return llama(drafts=2, acceptance=0.8, context=1000, batch=16)


VERIFYING = f"{LLAMA}, 16 sequences of 1000 tokens; two drafts, each accepted with a chance of 0.8"


bound_batch = Derivation(
    name="verify-batch",
    title="The batch at which verifying drafts turns compute-bound",
    rows=("9.8",),
    claim="A pass over drafts multiplies each of them and reads the context once: it is a short prefill.",
    start=Crossing(Modelled(q.compute_time, formulas.verify_compute.time), checking, BOTH),
    steps=(
        Step(
            "at the peak, perfectly sharded; the context is read once for all drafts",
            substitute(*SHARED, READ, WRITTEN),
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
            equation(
                micro_batch,
                bytes_per_weight
                * parameters_read
                * peak_flops
                / (checked * memory_bandwidth - kv_bytes * (context + drafts + 1) * peak_flops),
            ),
        ),
    ),
    assumes=(ATTENDS_TO_ALL, STREAMED_ONCE, BEFORE_ONCE, ON_CHIP, *SHARED, DRAWN),
    sources=(LEVIATHAN,),
    example=verifying,
    example_text=VERIFYING,
    holds=(more(checked * memory_bandwidth, kv_bytes * (context + drafts + 1) * peak_flops),),
)

memory_bound = Derivation(
    name="verify-speed-up",
    title="Speed-up of verified drafts while memory binds",
    rows=("9.8",),
    claim="A pass reads what a step reads: at best it is faster by the tokens that it keeps.",
    start=Compared(
        speed_up,
        instance(plain, {kv_written: kv_bytes}),
        instance(checking, {q.kv_read: READ.formula, kv_written: WRITTEN.formula}),
        "the memory time of the steps that a pass replaces over that of the pass",
    ),
    steps=(
        Step(
            "perfectly sharded; a step writes one token, a pass all that it checks",
            substitute(*PERFECT_SHARDS[1:], DRAWN),
            equation(
                speed_up,
                tokens_per_pass
                * (bytes_per_weight * parameters_read + micro_batch * kv_bytes * (context + 1))
                / (bytes_per_weight * parameters_read + micro_batch * kv_bytes * (context + drafts + 1)),
            ),
        ),
        Step(
            "both read every weight",
            substitute(READS_ALL),
            equation(
                speed_up,
                tokens_per_pass
                * (bytes_per_weight * parameters + micro_batch * kv_bytes * (context + 1))
                / (bytes_per_weight * parameters + micro_batch * kv_bytes * (context + drafts + 1)),
            ),
        ),
        Step(
            "weights alone: what drafts write no longer counts",
            limit(micro_batch, 0),
            equation(speed_up, tokens_per_pass),
        ),
        Step(
            "the tokens that a pass keeps",
            substitute(expected),
            equation(speed_up, (1 - acceptance ** (drafts + 1)) / (1 - acceptance)),
        ),
    ),
    assumes=(STREAMED_ONCE, BEFORE_ONCE, ON_CHIP, DRAFTS_FREE, *PERFECT_SHARDS[1:], DRAWN, READS_ALL, ONE_SEQUENCE),
    sources=(LEVIATHAN,),
    example=verifying,
    example_text=VERIFYING,
    holds=(more(S.One, acceptance),),
    regime=("memory binds the step and the pass",),
)

stops = Derivation(
    name="verify-limit",
    title="The limit of drafting, from the pass itself",
    rows=("9.8",),
    claim="A compute-bound pass is as slow as the steps that it replaces at the batch of row 1.14.",
    start=Crossing(
        plain,
        Modelled(q.compute_time, formulas.verify_compute.time),
        "a pass takes as long to compute as the steps that it replaces take to read",
        over=micro_batch,
        at=draft_limit_batch,
    ),
    steps=(
        Step(
            "at the peak, perfectly sharded, without the FLOP of attention and the tokens written",
            substitute(*SHARED, NO_ATTENTION_FLOPS, NOTHING_WRITTEN, DRAWN),
            equation(
                tokens_per_pass
                * (bytes_per_weight * parameters_read + draft_limit_batch * kv_bytes * context)
                / (stage_chips * memory_bandwidth),
                (drafts + 1) * flops_per_mac * active_parameters * draft_limit_batch / (stage_chips * peak_flops),
            ),
        ),
        Step(
            "every weight is read",
            substitute(READS_ALL),
            equation(
                tokens_per_pass
                * (bytes_per_weight * parameters + draft_limit_batch * kv_bytes * context)
                / (stage_chips * memory_bandwidth),
                (drafts + 1) * flops_per_mac * active_parameters * draft_limit_batch / (stage_chips * peak_flops),
            ),
        ),
        Step("solve for the batch", solve_for(draft_limit_batch), draft_limit.result),
    ),
    assumes=(STREAMED_ONCE, DRAFTS_FREE, *SHARED, NO_ATTENTION_FLOPS, NOTHING_WRITTEN, DRAWN, READS_ALL),
    sources=(LEVIATHAN,),
    example=verifying,
    example_text=VERIFYING,
    holds=draft_limit.holds,
)

DERIVATIONS = (bound_batch, memory_bound, stops)
