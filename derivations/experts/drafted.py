"""Chapter 2: drafts of a mixture of experts, where every token checked touches experts of its own."""

import math
from collections.abc import Mapping
from functools import partial

import sympy
from sympy import Symbol

from steptime.derivations.axioms import DRAFTS_FREE, INDEPENDENT, SAME_CHANCE
from steptime.derivations.batch.drafts import LEVIATHAN, expected
from steptime.derivations.batch.symbols import experts_routed
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.experts.touched import batch_for_experts, experts_touched
from steptime.derivations.facts import Chosen, Defined, given, instance
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.rules import equation, solve_for, substitute, turning
from steptime.derivations.steps import Derivation, Step
from steptime.model.scenario import Scenario
from steptime.model.symbols import acceptance, drafts, micro_batch, pass_tokens, tokens_per_pass

from steptime.derivations.experts.symbols import (  # isort: skip
    always_read, drafted_reads, experts_draft_gain, experts_per_token, routed_weights,
    untouched_share,
)  # fmt: skip

V3 = "DeepSeek-V3: 256 routed experts of which a token chooses 8, 58 layers with them; drafts accepted with 0.85"
V3_REPORT = "DeepSeek-AI 2024, arXiv 2412.19437, section 5.4.3"


def drafted(sequences: float = 64.0, chance: float = 0.85, ahead: float = 1.0) -> Mapping[Symbol, float]:
    """DeepSeek-V3 with so many sequences, each drafting so far ahead."""
    routed = 58 * 256 * 3 * 7168 * 2048
    values = {
        acceptance: chance,
        drafts: ahead,
        micro_batch: sequences,
        pass_tokens: 1.0,
        experts_routed: 256.0,
        experts_per_token: 8.0,
        routed_weights: float(routed),
        always_read: 671e9 - routed,
    }
    values[untouched_share] = Scenario(values).evaluate(experts_touched.result.rhs)
    values[tokens_per_pass] = Scenario(values).evaluate(expected.result.rhs)
    return {symbol: float(value) for symbol, value in values.items()}


ONE_TOKEN = {pass_tokens: sympy.S.One}
READ_ALONE = Defined(
    experts_draft_gain,
    tokens_per_pass * (1 - untouched_share) / (1 - untouched_share ** (drafts + 1)),
    "the tokens that a pass keeps, over how many times the experts of a plain step it reads: each of its tokens leaves "
    "as large a share of them untouched",
)

of_experts = Derivation(
    name="drafts-of-experts",
    title="What free drafts gain where a step reads its experts alone",
    rows=("2.5",),
    claim="Two geometric sums: tokens kept by chances, experts read by the share left untouched. At a batch of one a "
    "pass reads an expert for every draft, kept or not; at a large one it reads them all in any case.",
    start=READ_ALONE,
    steps=(
        Step(
            "the tokens kept",
            substitute(expected),
            equation(
                experts_draft_gain,
                (1 - acceptance ** (drafts + 1))
                / (1 - acceptance)
                * (1 - untouched_share)
                / (1 - untouched_share ** (drafts + 1)),
            ),
        ),
    ),
    assumes=(DRAFTS_FREE, INDEPENDENT),
    sources=(LEVIATHAN,),
    example=drafted,
    example_text=V3,
    holds=(more(sympy.S.One, acceptance), more(sympy.S.One, untouched_share ** (drafts + 1))),
)

AS_MANY = given(
    untouched_share, acceptance, "as large a share of the experts is left untouched as of the drafts accepted"
)
even = Derivation(
    name="drafts-of-experts-even",
    title="Where drafts of experts begin to pay",
    rows=("2.5",),
    claim="Where the share of experts left untouched is the chance of acceptance, for any number of drafts: below that "
    "batch drafting loses, above it gains.",
    start=of_experts,
    steps=(Step("both sums are one", substitute(AS_MANY), equation(experts_draft_gain, sympy.S.One)),),
    assumes=(AS_MANY,),
    sources=(LEVIATHAN,),
    example=drafted,
    example_text=V3,
    holds=(more(sympy.S.One, acceptance),),
)

from_batch = Derivation(
    name="batch-for-drafts",
    title="The batch from which drafts of experts pay",
    rows=("2.5",),
    claim="A few sequences, more the surer the drafts are not: from there on experts are shared by the tokens checked.",
    start=instance(batch_for_experts, ONE_TOKEN),
    steps=(
        Step(
            "as many left untouched as are accepted",
            substitute(AS_MANY),
            equation(micro_batch, sympy.log(acceptance) / sympy.log(1 - experts_per_token / experts_routed)),
        ),
    ),
    assumes=(AS_MANY,),
    sources=(LEVIATHAN,),
    example=drafted,
    example_text=V3,
    holds=(more(experts_routed, experts_per_token), more(acceptance, 0)),
)

CHECKED = Defined(
    drafted_reads,
    always_read + routed_weights * (1 - untouched_share**2),
    "weights read in any case, and experts that two tokens of each sequence touch",
)
GAINS_NOTHING = given(
    drafted_reads,
    (1 + acceptance) * (always_read + routed_weights * (1 - untouched_share)),
    "one draft gains nothing: a pass reads as much more than a plain step as it keeps tokens",
)

for_one = Derivation(
    name="dense-weights-for-one-draft",
    title="Weights read in any case with which one draft pays",
    rows=("2.5",),
    claim="What a step reads anyhow a draft does not read again: attention, shared experts and KV cache carry it over "
    "the batches at which experts alone would not.",
    start=CHECKED,
    steps=(
        Step(
            "no gain",
            substitute(GAINS_NOTHING),
            equation(GAINS_NOTHING.line.rhs, CHECKED.value),
        ),
        Step(
            "solve for what is read in any case",
            solve_for(always_read),
            equation(
                always_read,
                routed_weights * (1 - untouched_share) * (untouched_share - acceptance) / acceptance,
            ),
        ),
    ),
    assumes=(GAINS_NOTHING, DRAFTS_FREE, SAME_CHANCE, INDEPENDENT),
    sources=(LEVIATHAN,),
    example=partial(drafted, 1.0, 0.85, 1.0),
    example_text=f"{V3}; one sequence",
    holds=(more(untouched_share, acceptance), more(acceptance, 0)),
)

WORST = Chosen(untouched_share, "the batch at which one draft needs most of what is read in any case", least=False)
worst = Derivation(
    name="worst-batch-for-one-draft",
    title="The batch at which one draft pays least",
    rows=("2.5",),
    claim="Half way between the batch where drafts of experts begin to pay and none.",
    start=for_one,
    steps=(
        Step(
            "where what is needed stops rising",
            turning(untouched_share, 1 + acceptance, 2 * untouched_share, routed_weights / acceptance, least=False),
            equation(1 + acceptance, 2 * untouched_share),
        ),
        Step("solve for the share", solve_for(untouched_share), equation(untouched_share, (1 + acceptance) / 2)),
    ),
    assumes=(WORST,),
    sources=(LEVIATHAN,),
    example=drafted,
    example_text=V3,
    holds=(more(sympy.S.One, acceptance), more(acceptance, 0)),
)

at_any = Derivation(
    name="one-draft-at-any-batch",
    title="Weights read in any case with which one draft pays at any batch",
    rows=("2.5",),
    claim="A small share of the experts is enough where drafts are sure: it falls with the square of what is missed.",
    start=for_one,
    steps=(
        Step(
            "at the worst batch",
            substitute(worst),
            equation(always_read, routed_weights * (1 - acceptance) ** 2 / (4 * acceptance)),
        ),
    ),
    assumes=(),
    sources=(LEVIATHAN,),
    example=drafted,
    example_text=V3,
    holds=(more(sympy.S.One, acceptance), more(acceptance, 0)),
)

DERIVATIONS = (of_experts, even, from_batch, for_one, worst, at_any)


def gain_of_one(sequences: float) -> float:
    """What one free draft gains DeepSeek-V3 while memory binds, by the weights that either pass reads."""
    values = drafted(sequences)
    share, plain = values[untouched_share], values[always_read]
    once = plain + values[routed_weights] * (1 - share)
    return (1 + values[acceptance]) * once / (plain + values[routed_weights] * (1 - share**2))


def _inputs() -> dict[str, float]:
    chosen = (acceptance, experts_routed, experts_per_token, routed_weights, always_read)
    return {symbol.name: drafted()[symbol] for symbol in chosen}


def _least_gain() -> float:
    return min(gain_of_one(math.exp(step / 50)) for step in range(500))


CLAIMS = (
    Claim("2.5", f"DeepSeek-V3, one draft accepted with 0.85: tokens a second over those without ({V3_REPORT}: 1.8 "
          "times, acceptance 0.85 to 0.9), ours at 4096 sequences", 1.8, partial(gain_of_one, 4096.0), _inputs,
          wording=Wording.ABOUT, source=Source.PAPER),
    Claim("2.5", "DeepSeek-V3: the least that one draft gains at any batch: more than nothing, as it reads more in any "
          "case than the theorem asks for", None, _least_gain, _inputs, source=Source.OWN,
          must=lambda value: value > 1),
    Claim("2.5", "DeepSeek-V3: weights read in any case with which one draft pays at any batch, over those that it has",
          None, lambda: at_any.evaluate() / drafted()[always_read], _inputs, source=Source.OWN,
          must=lambda value: 0 < value < 1),
    Claim("2.5", "DeepSeek-V3's experts alone, 3 drafts at the batch from which they pay: no gain", None,
          lambda: Scenario(drafted(from_batch.evaluate(), ahead=3.0)).evaluate(of_experts.result.rhs), _inputs,
          source=Source.OWN, must=lambda value: abs(value - 1) < 1e-9),
)  # fmt: skip
