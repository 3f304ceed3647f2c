"""Chapter 1: speculative decoding and multi-token prediction: tokens a pass, and the batch where they stop paying."""

from collections.abc import Mapping

from sympy import Symbol

from steptime.derivations.batch.batch import V3_ALL, peak_by_ridge, v3
from steptime.derivations.batch.symbols import draft_limit_batch, memory_time, ridge
from steptime.derivations.batch.terms import LECTURE, compute_term, memory_term
from steptime.derivations.board import is_
from steptime.derivations.rules import both_sides, equation, limit, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.phases.prefill import expected_tokens
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    acceptance, active_parameters, bytes_per_weight, compute_time, context, drafts, flops_per_mac, kv_bytes,
    memory_bandwidth, parameters, peak_flops, stage_chips, tokens_per_pass,
)  # fmt: skip

with_one_more_draft = tokens_per_pass + acceptance ** (drafts + 1)
"""Expected tokens with one draft more: it adds a token where it and all drafts before it are accepted."""

after_the_first_draft = 1 + acceptance * tokens_per_pass
"""The same expectation seen from the first draft: one token for certain, and all the rest where it is accepted."""

compute_time_per_kept_token = (drafts + 1) * compute_time / tokens_per_pass
"""Compute time of a pass over the drafts and the last token, in steps' worth of kept tokens."""

LEVIATHAN = "Leviathan et al. 2023, Fast inference from transformers via speculative decoding, arXiv 2211.17192, eq. 1"


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
    start=equation(with_one_more_draft, after_the_first_draft),
    steps=(
        Step(
            "the sum on one side",
            both_sides(side - acceptance * tokens_per_pass - acceptance ** (drafts + 1)),
            equation(tokens_per_pass * (1 - acceptance), 1 - acceptance ** (drafts + 1)),
        ),
        Step(
            "solve for the tokens",
            solve_for(tokens_per_pass),
            equation(tokens_per_pass, expected_tokens),
        ),
    ),
    assumes=("each draft is accepted with the same chance, whatever came before",),
    sources=(LECTURE, LEVIATHAN),
    example=drafting,
    example_text=DRAFTING,
)

DRAFT_ROOM = (drafts + 1) * flops_per_mac * active_parameters * memory_bandwidth - (
    tokens_per_pass * context * kv_bytes * peak_flops
)

draft_limit = Derivation(
    name="draft-limit",
    title="The batch above which drafting stops paying",
    rows=("1.14",),
    claim="Drafts are computed whether kept or not: above this batch they cost more than they save.",
    start=equation(compute_time_per_kept_token, memory_time),
    steps=(
        Step(
            "put in both terms",
            substitute(compute_term.result, memory_term.result),
            equation(
                (drafts + 1)
                * flops_per_mac
                * active_parameters
                * q.micro_batch
                / (stage_chips * peak_flops * tokens_per_pass),
                (bytes_per_weight * q.parameters_read + q.micro_batch * context * kv_bytes)
                / (stage_chips * memory_bandwidth),
            ),
        ),
        Step(
            "every weight is read; call the batch where a kept token takes as long as a plain one the limit",
            substitute(is_(q.parameters_read, parameters), is_(q.micro_batch, draft_limit_batch)),
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
    assumes=("drafting itself costs nothing", "every expert is read in every step", "a plain step is memory-bound"),
    sources=(LECTURE,),
    example=drafting,
    example_text=DRAFTING,
    holds=(DRAFT_ROOM,),
)

draft_limit_short = Derivation(
    name="draft-limit-short-context",
    title="The limit of drafting as the context vanishes",
    rows=("1.14",),
    claim="Without KV cache drafting pays up to the optimal batch times the share of tokens kept.",
    start=draft_limit.result,
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
            substitute(peak_by_ridge.result),
            equation(
                draft_limit_batch,
                tokens_per_pass / (drafts + 1) * ridge * parameters / active_parameters,
            ),
        ),
    ),
    assumes=("drafting itself costs nothing", "every expert is read in every step"),
    sources=(LECTURE,),
    example=drafting,
    example_text=DRAFTING,
)

DERIVATIONS = (expected, draft_limit, draft_limit_short)
