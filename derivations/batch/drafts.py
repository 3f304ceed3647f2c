"""Chapter 1: speculative decoding and multi-token prediction: tokens a pass, and the batch where they stop paying."""

from collections.abc import Mapping

import sympy
from sympy import Le, Symbol

from steptime.derivations.axioms import DRAFTS_FREE, SAME_CHANCE
from steptime.derivations.batch.batch import SHORT, V3_ALL, peak_by_ridge, v3
from steptime.derivations.batch.symbols import accepted_drafts, draft_limit_batch, kept_token_time, ridge
from steptime.derivations.batch.terms import LECTURE, compute_term, memory_term
from steptime.derivations.board import READS_ALL
from steptime.derivations.facts import Chosen, Crossing, Defined, Expected, Line, instance
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import both_sides, equation, extreme, limit, side, solve_for, substitute, total
from steptime.derivations.steps import Derivation, Step
from steptime.model.phases.prefill import expected_tokens
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    acceptance, active_parameters, bytes_per_weight, compute_time, context, drafts, flops_per_mac, kv_bytes,
    memory_bandwidth, micro_batch, parameters, peak_flops, stage_chips, tokens_per_pass, turn,
)  # fmt: skip

LEVIATHAN = "Leviathan et al. 2023, Fast inference from transformers via speculative decoding, arXiv 2211.17192, eq. 1"
ACCEPTED = Expected(
    accepted_drafts,
    turn,
    sympy.S.One,
    drafts,
    acceptance**turn,
    "the number of drafts that are accepted with all drafts before them",
)
KEPT = Defined(tokens_per_pass, accepted_drafts + 1, "the accepted drafts and the token that the pass itself gives")
SURER = Chosen(acceptance, "drafts are accepted with the chance that keeps most tokens", least=False)


def drafting(chance: float = 0.8, drafted: float = 2.0) -> Mapping[Symbol, float]:
    """DeepSeek-V3 as for the optimal batch, with so many drafts, each accepted with such a chance."""
    values = {**v3(), acceptance: chance, drafts: drafted}
    return {**values, tokens_per_pass: Scenario(values).evaluate(expected.result.rhs)}


DRAFTING = f"{V3_ALL}; two drafts, each accepted with a chance of 0.8"

expected = Derivation(
    name="tokens-per-pass",
    title="Expected tokens of a pass with drafts",
    rows=("1.14",),
    claim="A pass keeps the drafts before the first miss, and one token more: a geometric sum.",
    start=KEPT,
    steps=(
        Step(
            "a draft is accepted with all before it",
            substitute(ACCEPTED),
            equation(tokens_per_pass, ACCEPTED.line.rhs + 1),
        ),
        Step(
            "the geometric sum",
            total(ACCEPTED.line.rhs, (acceptance - acceptance ** (drafts + 1)) / (1 - acceptance)),
            equation(tokens_per_pass, expected_tokens),
        ),
    ),
    assumes=(SAME_CHANCE,),
    sources=(LECTURE, LEVIATHAN),
    example=drafting,
    example_text=DRAFTING,
    holds=(more(sympy.S.One, acceptance),),
)

most_tokens = Derivation(
    name="most-tokens-per-pass",
    title="The most tokens that a pass with drafts can keep",
    rows=("1.14",),
    claim="However sure the drafts are, a pass keeps no more than all of them and one.",
    start=Line(expected, 1),
    steps=(
        Step(
            "every draft is accepted",
            extreme(Le(acceptance, 1, evaluate=False), least=False),
            equation(tokens_per_pass, sympy.Sum(sympy.S.One, (turn, 1, drafts)) + 1),
        ),
        Step(
            "one for each draft, and one",
            total(sympy.Sum(sympy.S.One, (turn, 1, drafts)), drafts),
            equation(tokens_per_pass, drafts + 1),
        ),
    ),
    assumes=(SURER,),
    sources=(LEVIATHAN,),
    example=drafting,
    example_text=DRAFTING,
)

kept_token = Derivation(
    name="kept-token-time",
    title="Compute time of a pass with drafts for each token that it keeps",
    rows=("1.14",),
    claim="Drafts are computed whether kept or not: a pass works on all of them and on the token before.",
    start=Defined(kept_token_time, compute_time / tokens_per_pass, "the compute time of a pass over the tokens kept"),
    steps=(
        Step(
            "each sequence stands for its drafts and the token before them",
            substitute(instance(compute_term, {micro_batch: (drafts + 1) * micro_batch})),
            equation(
                kept_token_time,
                (drafts + 1)
                * flops_per_mac
                * active_parameters
                * micro_batch
                / (stage_chips * peak_flops * tokens_per_pass),
            ),
        ),
    ),
    assumes=(DRAFTS_FREE,),
    sources=(LECTURE,),
    example=drafting,
    example_text=DRAFTING,
)

draft_limit = Derivation(
    name="draft-limit",
    title="The batch above which drafting stops paying",
    rows=("1.14",),
    claim="Drafts are computed whether kept or not: above this batch they cost more than they save.",
    start=Crossing(
        kept_token,
        memory_term,
        "a kept token takes as long to compute as a plain step, where memory binds",
        over=micro_batch,
        at=draft_limit_batch,
    ),
    steps=(
        Step(
            "every weight is read",
            substitute(READS_ALL),
            equation(
                (drafts + 1)
                * flops_per_mac
                * active_parameters
                * draft_limit_batch
                / (stage_chips * peak_flops * tokens_per_pass),
                (bytes_per_weight * parameters + draft_limit_batch * context * kv_bytes)
                / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "clear the rates, the chips and the tokens kept",
            both_sides(side * stage_chips * peak_flops * memory_bandwidth * tokens_per_pass),
            equation(
                (drafts + 1) * flops_per_mac * active_parameters * draft_limit_batch * memory_bandwidth,
                tokens_per_pass * peak_flops * (bytes_per_weight * parameters + draft_limit_batch * context * kv_bytes),
            ),
        ),
        Step(
            "solve for the batch",
            solve_for(draft_limit_batch),
            equation(
                draft_limit_batch,
                tokens_per_pass
                * bytes_per_weight
                * parameters
                * peak_flops
                / (
                    (drafts + 1) * flops_per_mac * active_parameters * memory_bandwidth
                    - tokens_per_pass * context * kv_bytes * peak_flops
                ),
            ),
        ),
    ),
    assumes=(READS_ALL,),
    sources=(LECTURE,),
    example=drafting,
    example_text=DRAFTING,
    holds=(
        more(
            (drafts + 1) * flops_per_mac * active_parameters * memory_bandwidth,
            tokens_per_pass * context * kv_bytes * peak_flops,
        ),
    ),
)

draft_limit_short = Derivation(
    name="draft-limit-short-context",
    title="The limit of drafting as the context vanishes",
    rows=("1.14",),
    claim="Without KV cache drafting pays up to the optimal batch times the share of tokens kept.",
    start=draft_limit,
    steps=(
        Step(
            "let the context vanish",
            limit(context, 0),
            equation(
                draft_limit_batch,
                tokens_per_pass
                * bytes_per_weight
                * parameters
                * peak_flops
                / ((drafts + 1) * flops_per_mac * active_parameters * memory_bandwidth),
            ),
        ),
        Step(
            "the rates as the ridge",
            substitute(peak_by_ridge),
            equation(
                draft_limit_batch,
                tokens_per_pass / (drafts + 1) * ridge * parameters / active_parameters,
            ),
        ),
    ),
    assumes=(SHORT,),
    sources=(LECTURE,),
    example=drafting,
    example_text=DRAFTING,
)

DERIVATIONS = (expected, most_tokens, kept_token, draft_limit, draft_limit_short)
