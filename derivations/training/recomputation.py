"""Chapter 10, training: FLOP that are run again, with attention counted; chapter 6 has them for weights alone."""

from collections.abc import Mapping

import sympy
from sympy import Rational

from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.reversible.symbols import flops_ratio
from steptime.derivations.rules import equation, identity, limit, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.flops import CAUSAL, GPT, IN_FULL, PHASE, gpt_3
from steptime.derivations.training.symbols import vocabulary
from steptime.model.scenario import Scenario
from steptime.model.symbols import active_parameters, attention_flops, flops_per_mac, layers, sequence, width

from steptime.derivations.training.numbers import (  # isort: skip
    HEADS, KORTHIKANTI, MEGATRON, gpt_attention, gpt_weights, run_again, shapes,
)  # fmt: skip

everything_again = Derivation(
    name="full-recomputation-flops",
    title="FLOP with every layer run again, attention counted",
    rows=("10.2",),
    claim="Attention runs again as well, so that 8/6 stays; only the unembedding runs once.",
    start=equation(flops_ratio, 1 + run_again(recompute="full", attention_kernel="unfused") / PHASE.flops_per_sequence),
    steps=(
        Step(
            "a third more, but for the unembedding",
            identity(),
            equation(
                flops_ratio,
                Rational(4, 3)
                - 2
                * flops_per_mac
                * vocabulary
                * width
                / (3 * (2 * flops_per_mac * active_parameters + attention_flops * (sequence - 1))),
            ),
        ),
    ),
    assumes=(CAUSAL, "scores and their sums by an unfused kernel"),
    sources=(MEGATRON + ", equation 3", KORTHIKANTI),
    example=gpt_3,
    example_text="GPT-3, sequences of 2048 tokens",
    holds=(sequence - 1, active_parameters - vocabulary * width),
)

attention_again = Derivation(
    name="selective-recomputation-flops",
    title="FLOP with the core of attention run again",
    rows=("10.2",),
    claim="Scores and their sums alone run again: about s/18h of the FLOP.",
    start=equation(flops_ratio, 1 + run_again(recompute="selective", attention="full") / IN_FULL.flops_per_sequence),
    steps=(
        Step(
            "a third of attention's FLOP",
            identity(),
            equation(
                flops_ratio,
                1 + attention_flops * sequence / (3 * (flops_per_mac * active_parameters + attention_flops * sequence)),
            ),
        ),
        Step(
            "weights and attention of a GPT",
            substitute(is_(active_parameters, gpt_weights), is_(attention_flops, gpt_attention)),
            equation(
                flops_ratio,
                1 + gpt_attention * sequence / (3 * (flops_per_mac * gpt_weights + gpt_attention * sequence)),
            ),
        ),
        Step(
            "the heads share the width",
            substitute(HEADS),
            equation(flops_ratio, 1 + sequence / (18 * width + 3 * sequence + 3 * vocabulary / (2 * layers))),
        ),
    ),
    assumes=("each token counted with all of its sequence", GPT, "scores and their sums by an unfused kernel"),
    sources=(KORTHIKANTI + ", section 5 and appendix A",),
    example=gpt_3,
    example_text="GPT-3, sequences of 2048 tokens",
)

wide = Derivation(
    name="selective-recomputation-wide",
    title="Selective recomputation of a wide model",
    rows=("10.2",),
    claim="Weights grow with the square of the width, attention with the width: what is run again vanishes.",
    start=attention_again.result,
    steps=(
        Step("many times wider than the sequence is long", limit(width, sympy.oo), equation(flops_ratio, sympy.S.One)),
    ),
    assumes=attention_again.assumes,
    sources=attention_again.sources,
    example=gpt_3,
    example_text="GPT-3, sequences of 2048 tokens",
)


def _added(model: str) -> float:
    return float(Scenario(shapes(model, 2048.0)).evaluate(attention_again.result.rhs)) - 1


def _inputs(model: str = "gpt3-175b") -> Mapping[str, float | str]:
    values = shapes(model, 2048.0)
    return {"model": model, **{symbol.name: values[symbol] for symbol in (sequence, width, layers, vocabulary)}}


DERIVATIONS = (everything_again, attention_again, wide)

CLAIMS = (
    Claim("10.2", "GPT-3: FLOP with full recomputation over those without (weights alone: 8/6)", 8 / 6,
          everything_again.evaluate, _inputs, tolerance=0.01, must=lambda value: 1 < value < 4 / 3),
    Claim("10.2", f"GPT-3: FLOP that selective recomputation adds (scheme of {KORTHIKANTI})", None,
          lambda: _added("gpt3-175b"), _inputs, must=lambda value: value > 0),
    Claim("10.2", "MT-NLG 530B: the same", None,
          lambda: _added("mt-nlg-530b"), lambda: _inputs("mt-nlg-530b"), must=lambda value: value > 0),
)  # fmt: skip
