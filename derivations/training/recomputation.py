"""Chapter 10, training: FLOP that are run again, with attention counted; chapter 6 has them for weights alone."""

from collections.abc import Mapping

import sympy
from sympy import Rational

from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Defined, Tends, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.reversible.symbols import flops_ratio
from steptime.derivations.rules import equation, limit, substitute
from steptime.derivations.serving.symbols import token_pairs
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.compute import whole, whole_in_full
from steptime.derivations.training.flops import gpt_3
from steptime.derivations.training.formulas import gpt_attention, gpt_weights
from steptime.derivations.training.products import FORWARD, IN_FULL, PAIRS
from steptime.derivations.training.symbols import forward_sequence_flops, vocabulary
from steptime.model.scenario import Scenario

from steptime.derivations.training.numbers import (  # isort: skip
    GPT, HEADS, KORTHIKANTI, MEGATRON, shapes,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, flops_per_mac, layers, model_flops, sequence, unembedding_parameters, width,
)  # fmt: skip

GPT_3 = "GPT-3, sequences of 2048 tokens"
UNEMBEDDING = given(
    unembedding_parameters, vocabulary * width, "the unembedding has a column for every token of the vocabulary"
)
WIDE = Tends(width, sympy.oo, "the model is many times wider than its sequences are long")

everything_again = Derivation(
    name="full-recomputation-flops",
    title="FLOP with every layer run again, attention counted",
    rows=("10.2",),
    claim="Attention runs again as well, so that 8/6 stays; only the unembedding runs once.",
    start=Defined(
        flops_ratio,
        1
        + (forward_sequence_flops - flops_per_mac * unembedding_parameters * sequence + attention_flops * token_pairs)
        / model_flops,
        "the FLOP with every layer run forward again, over those without",
    ),
    steps=(
        Step(
            "a third more, but for the unembedding",
            substitute(FORWARD, PAIRS, whole),
            equation(
                flops_ratio,
                Rational(4, 3)
                - 2
                * flops_per_mac
                * unembedding_parameters
                / (3 * (2 * flops_per_mac * active_parameters + attention_flops * (sequence - 1))),
            ),
        ),
        Step(
            "the unembedding by its shape",
            substitute(UNEMBEDDING),
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
    assumes=(UNEMBEDDING,),
    sources=(MEGATRON + ", equation 3", KORTHIKANTI),
    example=gpt_3,
    example_text=GPT_3,
    holds=(at_least(active_parameters, vocabulary * width),),
)

attention_again = Derivation(
    name="selective-recomputation-flops",
    title="FLOP with the core of attention run again",
    rows=("10.2",),
    claim="Scores and their sums alone run again: about s/18h of the FLOP.",
    start=Defined(
        flops_ratio,
        1 + attention_flops * token_pairs / model_flops,
        "the FLOP with scores and their sums run forward again, over those without",
    ),
    steps=(
        Step(
            "a third of attention's FLOP",
            substitute(whole_in_full, IN_FULL),
            equation(
                flops_ratio,
                1 + attention_flops * sequence / (3 * (flops_per_mac * active_parameters + attention_flops * sequence)),
            ),
        ),
        Step(
            "weights and attention of a GPT",
            substitute(*GPT),
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
    assumes=(IN_FULL, *GPT, HEADS),
    sources=(KORTHIKANTI + ", section 5 and appendix A",),
    example=gpt_3,
    example_text=GPT_3,
)

wide = Derivation(
    name="selective-recomputation-wide",
    title="Selective recomputation of a wide model",
    rows=("10.2",),
    claim="Weights grow with the square of the width, attention with the width: what is run again vanishes.",
    start=attention_again,
    steps=(
        Step("many times wider than the sequence is long", limit(width, sympy.oo), equation(flops_ratio, sympy.S.One)),
    ),
    assumes=(WIDE,),
    sources=attention_again.sources,
    example=gpt_3,
    example_text=GPT_3,
)


def _added(model: str) -> float:
    return float(Scenario(shapes(model, 2048.0)).evaluate(attention_again.result.rhs)) - 1


def _inputs(model: str = "gpt3-175b") -> Mapping[str, float | str]:
    values = shapes(model, 2048.0)
    return {"model": model, **{symbol.name: values[symbol] for symbol in (sequence, width, layers, vocabulary)}}


DERIVATIONS = (everything_again, attention_again, wide)

CLAIMS = (
    Claim("10.2", f"GPT-3: FLOP with full recomputation over those without ({MEGATRON}, equation 3: 96 B s l h^2 of "
          "72, but for the unembedding)", 8 / 6, everything_again.evaluate, _inputs, source=Source.PAPER,
          must=lambda value: 1 < value < 4 / 3),
    Claim("10.2", f"GPT-3: FLOP that selective recomputation adds (scheme of {KORTHIKANTI}): less than s/18h", None,
          lambda: _added("gpt3-175b"), _inputs, source=Source.OWN,
          must=lambda value: 0 < value < 2048 / (18 * 12288)),
    Claim("10.2", "MT-NLG 530B: the same, a smaller share in a wider model", None,
          lambda: _added("mt-nlg-530b"), lambda: _inputs("mt-nlg-530b"), source=Source.OWN,
          must=lambda value: 0 < value < _added("gpt3-175b")),
)  # fmt: skip
