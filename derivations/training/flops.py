"""Chapter 10, training: six FLOP a weight and token, and what attention adds."""

from collections.abc import Mapping

from sympy import Rational, Symbol

from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Crossing, Defined
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import drop, equation, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.formulas import gpt_attention, gpt_weights
from steptime.derivations.training.symbols import training_flops, vocabulary
from steptime.model.scenario import Scenario

from steptime.derivations.training.numbers import (  # isort: skip
    GPT, GPT_3, HEADS, KAPLAN, KORTHIKANTI, LLAMA_3, shapes,
)  # fmt: skip
from steptime.derivations.training.products import (  # isort: skip
    LLAMA_405B, attention, llama_405b, pairs_part, per_token, per_token_in_full, weights,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, batch, flops_per_mac, layers, sequence, step_flops, width,
)  # fmt: skip

MEGATRON_1T = "Megatron 1T (128 layers of width 25,600), 512 sequences of 2048 tokens"


def megatron_1t() -> Mapping[Symbol, float]:
    """The largest model of Narayanan et al. 2021, with the batch of Korthikanti et al. 2022."""
    return shapes("megatron-gpt-1t", 2048.0, 512.0)


def gpt_3() -> Mapping[Symbol, float]:
    """GPT-3, sequences of 2048 tokens."""
    return shapes("gpt3-175b", 2048.0)


six_n = Derivation(
    name="training-flops-6n",
    title="Six FLOP a weight and token",
    rows=("10.1",),
    claim="Short sequences leave 6 N: two FLOP a multiply-add, three of them a weight.",
    start=per_token,
    steps=(
        Step(
            "attention is little where sequences are short",
            drop(pairs_part, error=Rational(1, 20)),
            equation(training_flops, 3 * flops_per_mac * active_parameters),
        ),
    ),
    assumes=(),
    sources=(KAPLAN,),
    example=llama_405b,
    example_text=LLAMA_405B,
    holds=(at_least(flops_per_mac * active_parameters, 10 * attention_flops * (sequence - 1)),),
)

attention_sequence = Derivation(
    name="training-attention-sequence",
    title="The sequence at which attention adds as much as the weights",
    rows=("10.1",),
    claim="Beyond it 6 N is not even half of the FLOP.",
    start=Crossing(attention, weights, "attention takes as many FLOP as the weights"),
    steps=(
        Step(
            "solve for the sequence",
            solve_for(sequence),
            equation(sequence, 1 + 2 * flops_per_mac * active_parameters / attention_flops),
        ),
    ),
    assumes=(),
    sources=(KAPLAN,),
    example=llama_405b,
    example_text=LLAMA_405B,
    holds=(more(attention_flops, 0),),
)

gpt_sequence = Derivation(
    name="training-attention-sequence-gpt",
    title="The sequence at which a GPT's attention adds as much as its weights, by its shapes",
    rows=("10.1",),
    claim="A GPT reaches it at twelve widths: the wider the model, the longer the sequences that it can afford.",
    start=attention_sequence,
    steps=(
        Step(
            "weights and attention of its layers, and the unembedding",
            substitute(*GPT),
            equation(sequence, 1 + 2 * flops_per_mac * gpt_weights / gpt_attention),
        ),
        Step(
            "the heads share the width",
            substitute(HEADS),
            equation(sequence, 1 + 12 * width + vocabulary / layers),
        ),
    ),
    assumes=(*GPT, HEADS),
    sources=(KAPLAN,),
    example=gpt_3,
    example_text="GPT-3",
)

gpt_step = Derivation(
    name="training-flops-gpt",
    title="FLOP of a training step of a GPT, attention counted in full",
    rows=("10.1",),
    claim="72 B s l h^2 (1 + s/6h + V/12lh): layers, attention and unembedding, as papers print it.",
    start=Defined(step_flops, batch * sequence * training_flops, "the FLOP of all tokens of all sequences"),
    steps=(
        Step(
            "weights and attention of a token",
            substitute(per_token_in_full),
            equation(step_flops, batch * sequence * per_token_in_full.result.rhs),
        ),
        Step(
            "weights and attention of its layers, and the unembedding",
            substitute(*GPT),
            equation(step_flops, 3 * batch * sequence * (flops_per_mac * gpt_weights + gpt_attention * sequence)),
        ),
        Step(
            "the heads share the width",
            substitute(HEADS),
            equation(
                step_flops,
                36
                * flops_per_mac
                * batch
                * sequence
                * layers
                * width**2
                * (1 + sequence / (6 * width) + vocabulary / (12 * layers * width)),
            ),
        ),
    ),
    assumes=(*GPT, HEADS),
    sources=(KORTHIKANTI + ", appendix A",),
    example=megatron_1t,
    example_text=MEGATRON_1T,
)


def _llama_run() -> float:
    return 15.6e12 * six_n.evaluate()


def _gpt_3_run() -> float:
    return 300e9 * float(Scenario(gpt_3()).evaluate(six_n.result.rhs))


DERIVATIONS = (six_n, attention_sequence, gpt_sequence, gpt_step)

CLAIMS = (
    Claim("10.1", f"Llama 3.1 405B: FLOP of 15.6e12 tokens ({LLAMA_3}, section 1: 3.8e25)", 3.8e25, _llama_run,
          lambda: {"active_parameters": llama_405b()[active_parameters], "tokens": 15.6e12}, source=Source.PAPER),
    Claim("10.1", f"GPT-3: FLOP of 300e9 tokens ({GPT_3}, table D.1: 3.14e23)", 3.14e23, _gpt_3_run,
          lambda: {"active_parameters": gpt_3()[active_parameters], "tokens": 300e9}, source=Source.PAPER),
    Claim("10.1", f"Megatron 1T: FLOP of a step ({KORTHIKANTI}, table 5: 56.3 % of 512 A100 at 312e12 for 71.49 s)",
          0.563 * 512 * 312e12 * 71.49, gpt_step.evaluate,
          lambda: {symbol.name: megatron_1t()[symbol] for symbol in (batch, sequence, layers, width, vocabulary)},
          source=Source.PAPER),
    Claim("10.1", "Llama 3.1 405B: sequence at which attention adds as much as the weights: beyond that of its "
          "pre-training", None, attention_sequence.evaluate,
          lambda: {"attention_flops": llama_405b()[attention_flops]}, source=Source.OWN,
          must=lambda value: value > 8192),
)  # fmt: skip
