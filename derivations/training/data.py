"""Chapter 10, training: tokens with which gradients and gathered weights hide behind the multiply-adds."""

from collections.abc import Mapping
from dataclasses import dataclass

import sympy
from sympy import Expr, Rational, Symbol

from steptime.derivations.claims import Claim
from steptime.derivations.collectives.numbers import links
from steptime.derivations.rules import equation, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.symbols import microbatch_tokens, rank_tokens
from steptime.model.phases.rates import rates
from steptime.model.scenario import Scenario
from steptime.model.terms import FORWARD_AND_BACKWARD

from steptime.derivations.training.numbers import (  # isort: skip
    ACROSS, DENSE, IDEAL, IN_DOMAIN, LINKS, LLAMA, NOTHING_ELSE, OF_MICROBATCH, OF_RANK, SCALING_BOOK, SHARED,
    WEIGHTS_ALONE, ZERO, ledger, llama, phase, trained,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, data_parallel, flops_per_mac, gradient_bytes, micro_batches, parameters,
    peak_flops, pipeline_parallel, scale_out_bandwidth, scale_up_bandwidth, tensor_parallel,
)  # fmt: skip

whole = phase().blackboard.compute.time
backward = whole * Rational(FORWARD_AND_BACKWARD - 1, FORWARD_AND_BACKWARD)
"""Two of three passes: gradients are ready layer by layer while it runs."""

model_chips = tensor_parallel * pipeline_parallel
others = (data_parallel - 1) / data_parallel
LLAMA_8B = "Llama 3.1 8B in bf16 on 8 H100 of one domain (dp=8), gradients in fp32"
OVERLAP = "sums run as soon as each layer's gradients are there, all of them during the backward pass"
ON_THE_FLY = "gathers and scatters overlap with the multiply-adds of other layers"


@dataclass(frozen=True)
class Tier:
    """Where data-parallel ranks lie: in one domain, or one in each; names and an example for it."""

    suffix: str
    where: str
    bandwidth: Symbol
    example: str

    @property
    def over_links(self) -> str:
        return f"ranks {self.where}"

    def numbers(self) -> Mapping[Symbol, float]:
        if self.bandwidth == scale_up_bandwidth:
            return trained("llama-3.1-8b", layout="dp=8", batch=64, sequence=8192)
        return llama()

    def time(self, zero: int) -> Expr:
        """Time that gradients and weights need on the links of a rank's chips."""
        if self.bandwidth == scale_up_bandwidth:
            return ledger(IN_DOMAIN, zero=zero).gradients().scale_up / rates.scale_up
        return ledger(ACROSS, zero=zero).gradients().scale_out / rates.scale_out


UP = Tier("", "in one domain", scale_up_bandwidth, LLAMA_8B)
OUT = Tier("-across", "one in each domain", scale_out_bandwidth, LLAMA)


def hides(tier: Tier) -> Derivation:
    """The all-reduce of gradients against the backward pass."""
    link = tier.bandwidth
    return Derivation(
        name=f"gradients-hide{tier.suffix}",
        title=f"Tokens of a step with which gradients hide, {tier.over_links}",
        rows=("10.5",),
        claim="A rank needs this many tokens a step, however many ranks there are and however large the model is.",
        start=equation(tier.time(0), backward),
        steps=(
            Step(
                "weights alone, at the peak; the tokens of a step on one rank",
                substitute(*SHARED, LINKS, *NOTHING_ELSE, OF_RANK),
                equation(
                    2 * others * gradient_bytes * parameters / (model_chips * link),
                    2 * flops_per_mac * active_parameters * rank_tokens / (model_chips * peak_flops),
                ),
            ),
            Step(
                "solve for the tokens",
                solve_for(rank_tokens),
                equation(
                    rank_tokens,
                    others * gradient_bytes * parameters * peak_flops / (flops_per_mac * active_parameters * link),
                ),
            ),
            Step(
                "many ranks",
                limit(data_parallel, sympy.oo),
                equation(
                    rank_tokens, gradient_bytes * parameters * peak_flops / (flops_per_mac * active_parameters * link)
                ),
            ),
        ),
        assumes=(IDEAL, DENSE, WEIGHTS_ALONE, "sums by a ring, or by all chips at once", OVERLAP),
        sources=(SCALING_BOOK,),
        example=tier.numbers,
        example_text=tier.example,
        holds=(data_parallel - 1,),
    )


def gathered(tier: Tier) -> Derivation:
    """ZeRO 3: weights gathered twice and gradients scattered once a micro-batch, against all its passes."""
    link = tier.bandwidth
    moved = gradient_bytes + 2 * bytes_per_weight
    return Derivation(
        name=f"sharded-weights-hide{tier.suffix}",
        title=f"Tokens of a micro-batch with which gathered weights hide (ZeRO 3, FSDP), {tier.over_links}",
        rows=("10.5",),
        claim="Weights come twice and gradients go once for each micro-batch: each needs the tokens, not the step.",
        start=equation(tier.time(3), whole),
        steps=(
            Step(
                "weights alone, at the peak; the tokens of a micro-batch on one rank",
                substitute(*SHARED, LINKS, *NOTHING_ELSE, OF_MICROBATCH),
                equation(
                    micro_batches * others * moved * parameters / (model_chips * link),
                    3
                    * micro_batches
                    * flops_per_mac
                    * active_parameters
                    * microbatch_tokens
                    / (model_chips * peak_flops),
                ),
            ),
            Step(
                "solve for the tokens",
                solve_for(microbatch_tokens),
                equation(
                    microbatch_tokens,
                    others * moved * parameters * peak_flops / (3 * flops_per_mac * active_parameters * link),
                ),
            ),
            Step(
                "many ranks",
                limit(data_parallel, sympy.oo),
                equation(
                    microbatch_tokens,
                    moved * parameters * peak_flops / (3 * flops_per_mac * active_parameters * link),
                ),
            ),
        ),
        assumes=(IDEAL, DENSE, WEIGHTS_ALONE, ON_THE_FLY),
        sources=(ZERO, SCALING_BOOK),
        example=tier.numbers,
        example_text=tier.example,
        holds=(data_parallel - 1,),
    )


reduce_hides, reduce_hides_across = hides(UP), hides(OUT)
gather_hides, gather_hides_across = gathered(UP), gathered(OUT)


def v5p() -> Mapping[Symbol, float]:
    """A TPU v5p, weights and gradients in 16 bits; as many weights active as stored."""
    from steptime.model.catalog.hardware import load_hardware

    numbers = {"bytes_per_weight": 2.0, "gradient_bytes": 2.0, "flops_per_mac": 2.0}
    weights = {"parameters": 1e9, "active_parameters": 1e9, "peak_flops": load_hardware("tpuv5p").peak("bf16")}
    return links("tpuv5p", **numbers, **weights)


def _at(one: Derivation, values: Mapping[Symbol, float]) -> float:
    return float(Scenario(values).evaluate(one.result.rhs))


def _inputs(values: Mapping[Symbol, float], link: Symbol = scale_up_bandwidth) -> Mapping[str, float | str]:
    return {symbol.name: values[symbol] for symbol in (peak_flops, link, bytes_per_weight, gradient_bytes)}


DERIVATIONS = (reduce_hides, reduce_hides_across, gather_hides, gather_hides_across)

CLAIMS = (
    Claim("10.5", f"TPU v5p, three axes: tokens a chip with which FSDP is compute-bound ({SCALING_BOOK}: 850, "
          "second-hand, with links of 540e9 B/s; the catalogue has the vendor's 600e9)", 850.0,
          lambda: _at(gather_hides, v5p()), lambda: _inputs(v5p()), tolerance=0.05, must=lambda value: value > 0),
    Claim("10.5", "TPU v5p: tokens of a step on a rank with which 16-bit gradients hide", None,
          lambda: _at(reduce_hides, v5p()), lambda: _inputs(v5p()), must=lambda value: value > 0),
    Claim("10.5", "H100, ranks in one domain: tokens of a step with which fp32 gradients hide (Llama 3.1 8B)", None,
          reduce_hides.evaluate, lambda: _inputs(UP.numbers()), must=lambda value: value > 0),
    Claim("10.5", "H100, a rank in each domain: tokens of a step with which fp32 gradients hide (Llama 3.1 70B)", None,
          reduce_hides_across.evaluate, lambda: _inputs(llama(), scale_out_bandwidth),
          must=lambda value: value > 8192),
    Claim("10.5", "The same for each micro-batch under ZeRO 3", None, gather_hides_across.evaluate,
          lambda: _inputs(llama(), scale_out_bandwidth), must=lambda value: value > 8192),
)  # fmt: skip
