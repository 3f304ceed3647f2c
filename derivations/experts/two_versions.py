"""Chapter 2: two balanced batches of a mixture of experts, of the model and of one expert, and when they agree."""

from collections.abc import Mapping

from sympy import S, Symbol

from steptime.derivations.axioms import STREAMED_ONCE, UNIFORM
from steptime.derivations.batch.batch import best_batch
from steptime.derivations.batch.symbols import experts_routed, optimal_batch, ridge
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Compared, Defined, Tends, given
from steptime.derivations.rules import equation, identity, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.model.symbols import active_parameters, micro_batch, parameters

from steptime.derivations.experts.symbols import (  # isort: skip
    always_read, expert_tokens, experts_per_token, routed_weights, versions_ratio,
)  # fmt: skip

LECTURE = "Reiner Pope, blackboard lecture on LLM training and serving, Dwarkesh Podcast, 2026-04-29, chapters 1 and 2"
REPORT = "DeepSeek-AI 2024, arXiv 2412.19437: 671B weights, 37B active, 8 of 256 experts"
V3 = "DeepSeek-V3: 17e9 weights that every token passes, 654e9 in 256 experts of which it chooses 8; a ridge of 300"


def v3() -> Mapping[Symbol, float]:
    """DeepSeek-V3 by its kinds of weights."""
    dense, routed = 17.1e9, 653.9e9
    return {
        ridge: 300.0,
        experts_routed: 256.0,
        experts_per_token: 8.0,
        always_read: dense,
        routed_weights: routed,
        parameters: dense + routed,
        active_parameters: dense + routed * 8 / 256,
        micro_batch: 300 * 32.0,
        expert_tokens: 300.0,
        optimal_batch: 300 * (dense + routed) / (dense + routed * 8 / 256),
    }


SHARE = Defined(
    expert_tokens, micro_batch * experts_per_token / experts_routed, "an even share of a micro-batch's choices"
)
BALANCED = given(expert_tokens, ridge, "an expert's multiply-adds take as long as streaming it: tokens at the ridge")

one = Derivation(
    name="balanced-batch-of-an-expert",
    title="The batch at which one expert turns compute-bound",
    rows=("2.6",),
    claim="Each expert is a dense layer to the tokens that choose it: the ridge, times experts over those chosen.",
    start=SHARE,
    steps=(
        Step(
            "as many as the ridge",
            substitute(BALANCED),
            equation(ridge, micro_batch * experts_per_token / experts_routed),
        ),
        Step(
            "solve for the batch",
            solve_for(micro_batch),
            equation(micro_batch, ridge * experts_routed / experts_per_token),
        ),
    ),
    assumes=(BALANCED, UNIFORM),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

KINDS = (
    given(parameters, always_read + routed_weights, "weights that every token passes, and routed ones"),
    given(
        active_parameters,
        always_read + routed_weights * experts_per_token / experts_routed,
        "of the routed ones a token passes those that it chooses",
    ),
)
all_weights = (always_read + routed_weights) / (always_read + routed_weights * experts_per_token / experts_routed)

whole = Derivation(
    name="balanced-batch-by-kinds",
    title="The batch at which a mixture of experts turns compute-bound, by its kinds of weights",
    rows=("2.6",),
    claim="Weights that every token passes multiply more and are read no more often: the whole model balances sooner "
    "than its experts.",
    start=best_batch,
    steps=(Step("by kinds of weights", substitute(*KINDS), equation(optimal_batch, ridge * all_weights)),),
    assumes=KINDS,
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

ratio = Derivation(
    name="two-balanced-batches",
    title="The balanced batch of an expert over that of the whole model",
    rows=("2.6",),
    claim="Apart by the share of weights that every token passes, times the sparsity less one: the same for experts "
    "alone. In between the model computes longer than it reads, and its experts still read longer than they compute.",
    start=Compared(versions_ratio, one, whole, "the one version over the other"),
    steps=(
        Step(
            "the ridge cancels",
            identity(),
            equation(
                versions_ratio,
                1 + (experts_routed / experts_per_token - 1) * always_read / (always_read + routed_weights),
            ),
        ),
    ),
    assumes=(STREAMED_ONCE,),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)

NO_DENSE = Tends(always_read, S.Zero, "experts are all the weights that there are")
alone = Derivation(
    name="two-balanced-batches-agree",
    title="Where both versions agree",
    rows=("2.6",),
    claim="Weights over active weights and experts over experts chosen are one number where every weight is routed.",
    start=ratio,
    steps=(Step("experts alone", limit(always_read, 0), equation(versions_ratio, S.One)),),
    assumes=(NO_DENSE,),
    sources=(LECTURE,),
    example=v3,
    example_text=V3,
)


def _inputs() -> dict[str, float]:
    return {symbol.name: v3()[symbol] for symbol in (always_read, routed_weights, experts_routed, experts_per_token)}


DERIVATIONS = (one, whole, ratio, alone)

CLAIMS = (
    Claim("2.6", f"DeepSeek-V3: 32 experts for each that is chosen, over weights for each active one ({REPORT}: 18.1)",
          32 / (671 / 37), ratio.evaluate, _inputs, wording=Wording.ABOUT, source=Source.PAPER),
    Claim("2.6", "The same, never less than one", None, ratio.evaluate, _inputs, source=Source.OWN,
          must=lambda value: value >= 1),
)  # fmt: skip
