"""Chapter 10, training: how far a sequence is split round a ring before handing on keys and values takes longer."""

from collections.abc import Mapping
from functools import partial

from sympy import Rational, Symbol

from steptime.derivations.axioms import FULL_RATE, RING_BALANCED
from steptime.derivations.board import LINK_PEAK, PEAK
from steptime.derivations.claims import Claim, Source, Wording
from steptime.derivations.facts import Crossing, Defined, given
from steptime.derivations.inequalities.conditions import at_least
from steptime.derivations.prices.symbols import head_dim, kv_heads, query_heads
from steptime.derivations.rules import both_sides, equation, side, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.symbols import ring_pair_time, ring_send_time, ring_tokens
from steptime.model.phases.rates import rates
from steptime.model.scenario import Scenario
from steptime.model.symbols import (
    bytes_per_kv,
    context_parallel,
    flops_per_mac,
    peak_flops,
    scale_up_bandwidth,
    sequence,
)

RING = "Liu et al. 2023, Ring attention, arXiv 2310.01889, table of minimal blocks, all heads with keys of their own"
LLAMA3 = "Llama Team 2024, arXiv 2407.21783, section 3.3.2: context parallelism of 16 for sequences of 131,072 tokens"
H100 = "a 70B model with 64 query heads and 8 of keys and values on H100 over NVLink, 131,072 tokens on 16 ranks, bf16"


def ring(flops: float = 989e12, link: float = 450e9, keys: float = 8.0) -> Mapping[Symbol, float]:
    """Ranks of a ring."""
    return {
        peak_flops: flops,
        scale_up_bandwidth: link,
        query_heads: 64.0,
        kv_heads: keys,
        head_dim: 128.0,
        bytes_per_kv: 2.0,
        flops_per_mac: 2.0,
        sequence: 131072.0,
        context_parallel: 16.0,
        ring_tokens: 8192.0,
    }


HANDED = Defined(
    ring_send_time,
    2 * kv_heads * head_dim * bytes_per_kv * ring_tokens / rates.scale_up,
    "the keys and values of a rank's tokens, to its neighbour",
)


def multiplied(share: Rational, why: str) -> Defined:
    """Scores and sums of a rank's tokens with those of another, such a share of all pairs."""
    return Defined(
        ring_pair_time,
        share * flops_per_mac * 2 * query_heads * head_dim * ring_tokens**2 / rates.compute,
        why,
    )


CAUSAL = multiplied(Rational(1, 2), "half of all pairs: a token attends to those before it, shared out evenly")
EVERY_PAIR = multiplied(Rational(1), "every pair: a token attends to those after it as well")


def block(name: str, title: str, claim: str, pairs: Defined, factor: Rational) -> Derivation:
    """The tokens of a rank with which handing on hides."""
    share = pairs.value / (flops_per_mac * 2 * query_heads * head_dim * ring_tokens**2) * rates.compute
    return Derivation(
        name=name,
        title=title,
        rows=("10.11",),
        claim=claim,
        start=Crossing(HANDED, pairs, "handing on takes as long as multiplying what was handed on before"),
        steps=(
            Step(
                "links and compute at their peak",
                substitute(LINK_PEAK, PEAK[0]),
                equation(
                    2 * kv_heads * head_dim * bytes_per_kv * ring_tokens / scale_up_bandwidth,
                    share * flops_per_mac * 2 * query_heads * head_dim * ring_tokens**2 / peak_flops,
                ),
            ),
            Step(
                "for each token",
                both_sides(side / ring_tokens),
                equation(
                    2 * kv_heads * head_dim * bytes_per_kv / scale_up_bandwidth,
                    share * flops_per_mac * 2 * query_heads * head_dim * ring_tokens / peak_flops,
                ),
            ),
            Step(
                "solve for the tokens",
                solve_for(ring_tokens),
                equation(
                    ring_tokens,
                    factor * bytes_per_kv * peak_flops * kv_heads / (flops_per_mac * scale_up_bandwidth * query_heads),
                ),
            ),
        ),
        assumes=(FULL_RATE, RING_BALANCED, LINK_PEAK, PEAK[0]),
        sources=(RING,),
        example=ring,
        example_text=H100,
    )


causal = block(
    "ring-tokens",
    "Tokens of a rank with which a ring of context parallelism hides",
    "Pairs grow with the square of the tokens, what is handed on with the tokens: heads that share keys hand on less. "
    "Width and depth cancel.",
    CAUSAL,
    Rational(2),
)
full = block(
    "ring-tokens-every-pair",
    "Tokens of a rank with which a ring hides, where every token attends to every other",
    "Half as many: nothing of what is handed on is masked.",
    EVERY_PAIR,
    Rational(1),
)

SPLIT = given(ring_tokens, sequence / context_parallel, "a sequence is split evenly round the ring")
ranks = Derivation(
    name="ring-ranks",
    title="Ranks over which a sequence is split at most",
    rows=("10.11",),
    claim="As many as leave each its tokens: twice the sequence, twice the ranks, so that the time of attention a rank "
    "doubles all the same.",
    start=causal,
    steps=(
        Step(
            "an even share of the sequence",
            substitute(SPLIT),
            equation(sequence / context_parallel, causal.result.rhs),
        ),
        Step(
            "solve for the ranks",
            solve_for(context_parallel),
            equation(
                context_parallel,
                sequence
                * flops_per_mac
                * scale_up_bandwidth
                * query_heads
                / (2 * bytes_per_kv * peak_flops * kv_heads),
            ),
        ),
    ),
    assumes=(SPLIT,),
    sources=(LLAMA3,),
    example=ring,
    example_text=H100,
    holds=(
        at_least(sequence * flops_per_mac * scale_up_bandwidth * query_heads, 2 * bytes_per_kv * peak_flops * kv_heads),
    ),
)


def _tokens(flops: float, link: float) -> float:
    """Tokens of a rank, every query head with keys of its own, in thousands."""
    return float(Scenario(ring(flops, link, 64.0)).evaluate(full.result.rhs)) / 1e3


def _inputs() -> dict[str, float]:
    return {symbol.name: value for symbol, value in ring().items() if symbol != ring_tokens}


DERIVATIONS = (causal, full, ranks)

CLAIMS = (
    *(
        Claim("10.11", f"Thousand tokens of a rank on {machine}: {flops:g} TFLOP/s, {link:g} GB/s ({RING})", said,
              partial(_tokens, flops * 1e12, link * 1e9), _inputs, source=Source.PAPER, wording=Wording.ABOUT)
        for machine, flops, link, said in (
            ("A100 over NVLink", 312, 300, 1.0), ("A100 over InfiniBand", 312, 12.5, 24.5), ("TPU v4", 275, 268, 1.0)
        )
    ),
    Claim("10.11", f"A ring of 16 ranks of 8,192 tokens hides on H100 over NVLink ({LLAMA3}): tokens needed over those "
          "that each has", None, lambda: causal.evaluate() / ring()[ring_tokens], _inputs, source=Source.OWN,
          must=lambda value: value < 1),
)  # fmt: skip
