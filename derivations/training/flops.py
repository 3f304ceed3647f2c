"""Chapter 10, training: six FLOP a weight and token, and what attention adds."""

from collections.abc import Mapping

import sympy
from sympy import Rational, Symbol

from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.rules import drop, equation, identity, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.symbols import training_flops, vocabulary
from steptime.model.scenario import Scenario

from steptime.derivations.training.numbers import (  # isort: skip
    GPT_3, HEADS, KAPLAN, KORTHIKANTI, LLAMA_3, gpt_attention, gpt_weights, phase, shapes, trained,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, attention_flops, batch, flops_per_mac, layers, sequence, step_flops, width,
)  # fmt: skip

PHASE, IN_FULL = phase(), phase(attention="full")
CAUSAL = "each token attends to those before it, in every layer"
GPT = "layers alike, four widths in the feed-forward block, heads that share the width"
MEGATRON_1T = "Megatron 1T (128 layers of width 25,600), 512 sequences of 2048 tokens"
LLAMA_405B = "Llama 3.1 405B, sequences of 8192 tokens"
earlier = 3 * attention_flops * (sequence - 1) / 2


def llama_405b() -> Mapping[Symbol, float]:
    """Llama 3.1 405B at the sequence of its pre-training."""
    return trained("llama-3.1-405b", layout="tp=8,pp=16,dp=128", batch=2048, sequence=8192)


def megatron_1t() -> Mapping[Symbol, float]:
    """The largest model of Narayanan et al. 2021, with the batch of Korthikanti et al. 2022."""
    return shapes("megatron-gpt-1t", 2048.0, 512.0)


def gpt_3() -> Mapping[Symbol, float]:
    """GPT-3, sequences of 2048 tokens."""
    return shapes("gpt3-175b", 2048.0)


per_token = Derivation(
    name="training-flops",
    title="FLOP of training, per token",
    rows=("10.1",),
    claim="Forward once, backward twice: each active weight three times, each pair of tokens three times.",
    start=equation(training_flops, PHASE.flops_per_sequence / sequence),
    steps=(
        Step(
            "a token attends to half of the others",
            identity(),
            equation(training_flops, 3 * flops_per_mac * active_parameters + earlier),
        ),
    ),
    assumes=(CAUSAL, "nothing recomputed"),
    sources=(KAPLAN,),
    example=llama_405b,
    example_text=LLAMA_405B,
    holds=(sequence - 1,),
)

six_n = Derivation(
    name="training-flops-6n",
    title="Six FLOP a weight and token",
    rows=("10.1",),
    claim="Short sequences leave 6 N: two FLOP a multiply-add, three of them a weight.",
    start=per_token.result,
    steps=(
        Step(
            "attention is little where sequences are short",
            drop(earlier, error=Rational(45, 1000)),
            equation(training_flops, 3 * flops_per_mac * active_parameters),
        ),
    ),
    assumes=per_token.assumes,
    sources=per_token.sources,
    example=llama_405b,
    example_text=LLAMA_405B,
    holds=per_token.holds,
)

attention_sequence = Derivation(
    name="training-attention-sequence",
    title="The sequence at which attention adds as much as the weights",
    rows=("10.1",),
    claim="Beyond it 6 N is not even half of the FLOP.",
    start=equation(
        per_token.result.rhs.xreplace({active_parameters: sympy.S.Zero}),
        per_token.result.rhs.xreplace({attention_flops: sympy.S.Zero}),
    ),
    steps=(
        Step(
            "solve for the sequence",
            solve_for(sequence),
            equation(sequence, 1 + 2 * flops_per_mac * active_parameters / attention_flops),
        ),
    ),
    assumes=per_token.assumes,
    sources=per_token.sources,
    example=llama_405b,
    example_text=LLAMA_405B,
)

gpt_sequence = Derivation(
    name="training-attention-sequence-gpt",
    title="The same for a GPT, by its shapes",
    rows=("10.1",),
    claim="A GPT reaches it at twelve widths: the wider the model, the longer the sequences that it can afford.",
    start=attention_sequence.result,
    steps=(
        Step(
            "weights and attention of its layers, and the unembedding",
            substitute(is_(active_parameters, gpt_weights), is_(attention_flops, gpt_attention)),
            equation(sequence, 1 + 2 * flops_per_mac * gpt_weights / gpt_attention),
        ),
        Step(
            "the heads share the width",
            substitute(HEADS),
            equation(sequence, 1 + 12 * width + vocabulary / layers),
        ),
    ),
    assumes=(*per_token.assumes, GPT),
    sources=per_token.sources,
    example=gpt_3,
    example_text="GPT-3",
)

gpt_step = Derivation(
    name="training-flops-gpt",
    title="FLOP of a training step of a GPT, attention counted in full",
    rows=("10.1",),
    claim="72 B s l h^2 (1 + s/6h + V/12lh): layers, attention and unembedding, as papers print it.",
    start=equation(step_flops, batch * IN_FULL.flops_per_sequence),
    steps=(
        Step(
            "weights and attention of its layers, and the unembedding",
            substitute(is_(active_parameters, gpt_weights), is_(attention_flops, gpt_attention)),
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
    assumes=("each token counted with all of its sequence", GPT, "nothing recomputed"),
    sources=(KORTHIKANTI + ", appendix A",),
    example=megatron_1t,
    example_text=MEGATRON_1T,
)


def _llama_run() -> float:
    return 15.6e12 * six_n.evaluate()


def _gpt_3_run() -> float:
    return 300e9 * float(Scenario(gpt_3()).evaluate(six_n.result.rhs))


DERIVATIONS = (per_token, six_n, attention_sequence, gpt_sequence, gpt_step)

CLAIMS = (
    Claim("10.1", f"Llama 3.1 405B: FLOP of 15.6e12 tokens ({LLAMA_3}, section 1: 3.8e25)", 3.8e25, _llama_run,
          lambda: {"active_parameters": llama_405b()[active_parameters], "tokens": 15.6e12}, tolerance=0.01),
    Claim("10.1", f"GPT-3: FLOP of 300e9 tokens ({GPT_3}, table D.1: 3.14e23)", 3.14e23, _gpt_3_run,
          lambda: {"active_parameters": gpt_3()[active_parameters], "tokens": 300e9}, tolerance=0.01),
    Claim("10.1", f"Megatron 1T: FLOP of a step ({KORTHIKANTI}, table 5: 56.3 % of 512 A100 at 312e12 for 71.49 s)",
          0.563 * 512 * 312e12 * 71.49, gpt_step.evaluate,
          lambda: {symbol.name: megatron_1t()[symbol] for symbol in (batch, sequence, layers, width, vocabulary)},
          tolerance=0.005),
    Claim("10.1", "Llama 3.1 405B: sequence at which attention adds as much as the weights", None,
          attention_sequence.evaluate, lambda: {"attention_flops": llama_405b()[attention_flops]},
          must=lambda value: value > 8192),
)  # fmt: skip
