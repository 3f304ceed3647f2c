"""Chapter 10, training: tokens with which gradients and gathered weights hide behind the multiply-adds."""

from collections.abc import Mapping
from dataclasses import dataclass

import sympy
from sympy import Expr, Symbol

from steptime.derivations.axioms import ADDING_IS_FREE, FULL_RATE
from steptime.derivations.board import LINK_PEAK
from steptime.derivations.claims import Claim, Source
from steptime.derivations.collectives.numbers import links
from steptime.derivations.facts import Crossing, Defined, Tends
from steptime.derivations.rules import equation, limit, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training import compute, traffic
from steptime.model.phases.rates import rates
from steptime.model.scenario import Scenario

from steptime.derivations.training.symbols import (  # isort: skip
    gradient_time, gradient_traffic, microbatch_tokens, rank_tokens, zero_time, zero_traffic,
)  # fmt: skip
from steptime.derivations.training.numbers import (  # isort: skip
    LLAMA, OF_MICROBATCH, OF_RANK, SCALING_BOOK, ZERO, llama, trained,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, data_parallel, flops_per_mac, gradient_bytes, micro_batch, micro_batches,
    parameters, peak_flops, pipeline_parallel, scale_out_bandwidth, scale_up_bandwidth, tensor_parallel,
)  # fmt: skip

model_chips = tensor_parallel * pipeline_parallel
others = (data_parallel - 1) / data_parallel
RACKFUL = "Llama 3.1 8B in bf16 on 64 of the 72 chips of a GB200 NVL72 (dp=64), gradients in fp32"
LLAMA_8B = "Llama 3.1 8B in bf16 on 8 H100 of one domain (dp=8), gradients in fp32"
MANY_RANKS = Tends(data_parallel, sympy.oo, "ever more data-parallel ranks, each with a smaller share")
OVERLAP = "sums run as soon as each layer's gradients are there, all of them during the backward pass"
ON_THE_FLY = "gathers and scatters overlap with the multiply-adds of other layers"


@dataclass(frozen=True)
class Tier:
    """Where data-parallel ranks lie: in one domain, or one in each; names and an example for it."""

    suffix: str
    where: str
    bandwidth: Symbol
    rate: Expr
    example: str

    @property
    def over_links(self) -> str:
        return f"ranks {self.where}"

    def numbers(self) -> Mapping[Symbol, float]:
        if self.bandwidth == scale_up_bandwidth:
            return trained("llama-3.1-8b", layout="dp=8", batch=64, sequence=8192)
        return llama()

    def many(self) -> Mapping[Symbol, float]:
        """The same with so many ranks that one more or less changes nothing that shows."""
        if self.bandwidth == scale_up_bandwidth:
            return trained("llama-3.1-8b", "gb200-nvl72", layout="dp=64", batch=64, sequence=8192)
        return llama()

    def time(self, name: Symbol, sent: Symbol) -> Defined:
        """The time of what a chip sends to the other ranks, over the links of this tier."""
        return Defined(name, sent / self.rate, f"the time that this traffic takes a chip's link, {self.over_links}")


UP = Tier("", "in one domain", scale_up_bandwidth, rates.scale_up, LLAMA_8B)
OUT = Tier("-across", "one in each domain", scale_out_bandwidth, rates.scale_out, LLAMA)


def hides(tier: Tier) -> Derivation:
    """The all-reduce of gradients against the backward pass."""
    link = tier.bandwidth
    return Derivation(
        name=f"gradients-hide{tier.suffix}",
        title=f"Tokens of a step with which gradients hide, {tier.over_links}",
        rows=("10.5",),
        claim="A rank needs this many tokens a step, however many ranks there are and however large the model is.",
        start=Crossing(
            tier.time(gradient_time, gradient_traffic),
            compute.backward,
            "sums of gradients take as long as the backward passes",
        ),
        steps=(
            Step(
                "what a ring sends; the tokens of a step on one rank",
                substitute(traffic.plain, LINK_PEAK, OF_RANK.for_(micro_batch)),
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
        assumes=(LINK_PEAK, FULL_RATE, ADDING_IS_FREE, MANY_RANKS),
        sources=(SCALING_BOOK,),
        example=tier.many,
        example_text=RACKFUL if tier == UP else tier.example,
        regime=(OVERLAP,),
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
        start=Crossing(
            tier.time(zero_time, zero_traffic),
            compute.plain,
            "gathers of weights and scatters of gradients take as long as all passes",
        ),
        steps=(
            Step(
                "what a ring sends; the tokens of a micro-batch on one rank",
                substitute(traffic.weights_shared, LINK_PEAK, OF_MICROBATCH.for_(micro_batch)),
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
        assumes=(LINK_PEAK, FULL_RATE, ADDING_IS_FREE, MANY_RANKS),
        sources=(ZERO, SCALING_BOOK),
        example=tier.numbers,
        example_text=tier.example,
        regime=(ON_THE_FLY,),
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
          lambda: _at(gather_hides, v5p()), lambda: _inputs(v5p()), source=Source.PAPER),
    Claim("10.5", "TPU v5p: tokens of a step on a rank with which 16-bit gradients hide: as many as FSDP needs of each "
          "micro-batch, which moves three volumes in three passes instead of two in two", None,
          lambda: _at(reduce_hides, v5p()), lambda: _inputs(v5p()), source=Source.OWN,
          must=lambda value: abs(value / _at(gather_hides, v5p()) - 1) < 1e-9),
    Claim("10.5", "H100, ranks in one domain: tokens of a step with which fp32 gradients hide (Llama 3.1 8B): less "
          "than a sequence", None, reduce_hides.evaluate, lambda: _inputs(UP.numbers()), source=Source.OWN,
          must=lambda value: 1000 < value < 8192),
    Claim("10.5", "H100, a rank in each domain: tokens of a step with which fp32 gradients hide (Llama 3.1 70B): more "
          "than a sequence, fewer than the 65,536 that a rank has", None, reduce_hides_across.evaluate,
          lambda: _inputs(llama(), scale_out_bandwidth), source=Source.OWN,
          must=lambda value: 8192 < value < llama()[rank_tokens]),
    Claim("10.5", "The same for each micro-batch under ZeRO 3: more than the 8192 that it has", None,
          gather_hides_across.evaluate, lambda: _inputs(llama(), scale_out_bandwidth), source=Source.OWN,
          must=lambda value: value > llama()[microbatch_tokens]),
)  # fmt: skip
