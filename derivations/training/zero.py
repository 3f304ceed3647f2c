"""Chapter 10, training: what ZeRO moves between data-parallel ranks, and what it leaves on a chip."""

from collections.abc import Mapping

from sympy import Expr, Symbol

from steptime.derivations.board import is_
from steptime.derivations.claims import Claim
from steptime.derivations.rules import equation, identity, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.numbers import DENSE, LLAMA, ZERO, ledger, llama, state
from steptime.derivations.training.symbols import state_memory, traffic_ratio
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    bytes_per_weight, chips, data_parallel, gradient_bytes, memory_capacity, micro_batches, optimizer_bytes, parameters,
    pipeline_parallel, tensor_parallel,
)  # fmt: skip

model_chips = tensor_parallel * pipeline_parallel
RANKS = is_(data_parallel, chips / model_chips)
"""What is left of the chips once tp and stages have split the model."""


def over_plain(zero: int, why: str, line: Expr, claim: str) -> Derivation:
    """Bytes of a ZeRO stage over those of a plain all-reduce of gradients."""
    return Derivation(
        name=f"zero-{zero}-traffic",
        title=f"Bytes between ranks with ZeRO {zero} over those without",
        rows=("10.5",),
        claim=claim,
        start=equation(traffic_ratio, ledger(zero=zero).gradients().scale_up / ledger().gradients().scale_up),
        steps=(Step(why, identity(), equation(traffic_ratio, line)),),
        assumes=(DENSE, "sums by a ring, or by all chips at once"),
        sources=(ZERO + ", section 7",),
        example=llama,
        example_text=LLAMA,
        holds=(data_parallel - 1,),
    )


zero_1 = over_plain(
    1,
    "gradients one way, weights the other",
    (gradient_bytes + bytes_per_weight) / (2 * gradient_bytes),
    "New weights in 16 bits go back instead of sums in 32: sharing the optimizer saves bytes.",
)
zero_3 = over_plain(
    3,
    "gradients one way, weights twice, for every micro-batch",
    micro_batches * (gradient_bytes + 2 * bytes_per_weight) / (2 * gradient_bytes),
    "What is kept nowhere whole moves with every micro-batch: gradient accumulation saves nothing.",
)


def held(zero: int, line: Expr, why: str, claim: str) -> Derivation:
    """Weights, gradients and optimizer state on a chip under a ZeRO stage."""
    shared = substitute(RANKS) if zero else identity()
    return Derivation(
        name=f"zero-{zero}-memory",
        title=f"Weights, gradients and optimizer state on a chip with ZeRO {zero}",
        rows=("10.9",),
        claim=claim,
        start=equation(state_memory, state(zero)),
        steps=(Step(why, shared, equation(state_memory, line)),),
        assumes=(DENSE, "stages of equal weights", "no activations, no buffers"),
        sources=(ZERO + ", section 5",),
        example=llama,
        example_text=LLAMA,
    )


split = parameters / model_chips
LEFT = "ranks are the chips that tp and stages leave"
zero_0_memory = held(
    0,
    (bytes_per_weight + gradient_bytes + optimizer_bytes) * split,
    "each rank holds all three",
    "Adam in mixed precision holds 18 bytes a weight: 2, and 4 of gradient, and 12 of master weight and moments.",
)
zero_1_memory = held(
    1,
    (bytes_per_weight + gradient_bytes) * split + optimizer_bytes * parameters / chips,
    LEFT,
    "Two thirds of the state are the optimizer's, and needed once a step: sharing it is nearly free.",
)
zero_2_memory = held(
    2,
    bytes_per_weight * split + (gradient_bytes + optimizer_bytes) * parameters / chips,
    LEFT,
    "With gradients shared only the weights are left whole: 2 bytes of 18.",
)
zero_3_memory = held(
    3,
    (bytes_per_weight + gradient_bytes + optimizer_bytes) * parameters / chips,
    LEFT,
    "Nothing is whole anywhere: however the chips are arranged, each holds its share of 18 bytes a weight.",
)

largest_model = Derivation(
    name="zero-3-largest-model",
    title="The largest model whose state fits so many chips",
    rows=("10.9",),
    claim="Chips hold a model's training state in proportion to their number, before any activation.",
    start=zero_3_memory.result,
    steps=(
        Step(
            "all of a chip's memory",
            substitute(is_(state_memory, memory_capacity)),
            equation(memory_capacity, (bytes_per_weight + gradient_bytes + optimizer_bytes) * parameters / chips),
        ),
        Step(
            "solve for the weights",
            solve_for(parameters),
            equation(parameters, memory_capacity * chips / (bytes_per_weight + gradient_bytes + optimizer_bytes)),
        ),
    ),
    assumes=zero_3_memory.assumes,
    sources=zero_3_memory.sources,
    example=llama,
    example_text="512 H100, weights in bf16, gradients and Adam in fp32",
)


def paper(gradient: float = 4.0) -> Mapping[Symbol, float]:
    """The example of the ZeRO paper: 7.5e9 weights on 64 data-parallel chips; its gradients take two bytes."""
    degrees = {tensor_parallel: 1.0, pipeline_parallel: 1.0, data_parallel: 64.0, chips: 64.0, micro_batches: 1.0}
    return {**degrees, parameters: 7.5e9, bytes_per_weight: 2.0, gradient_bytes: gradient, optimizer_bytes: 12.0}


def _at(one: Derivation, values: Mapping[Symbol, float], per: float = 1.0) -> float:
    return float(Scenario(values).evaluate(one.result.rhs)) / per


def _inputs(gradient: float = 4.0) -> Mapping[str, float | str]:
    chosen = (parameters, chips, bytes_per_weight, gradient_bytes, optimizer_bytes)
    return {symbol.name: paper(gradient)[symbol] for symbol in chosen}


def _positive(value: float) -> bool:
    return value > 0


DERIVATIONS = (zero_1, zero_3, zero_0_memory, zero_1_memory, zero_2_memory, zero_3_memory, largest_model)

CLAIMS = (
    Claim("10.5", f"ZeRO 1 over plain data parallelism, bytes between ranks ({ZERO}, section 7: the same); ours with "
          "gradients in fp32, weights in bf16", 1.0, zero_1.evaluate, _inputs, must=_positive),
    Claim("10.5", f"ZeRO 3 over plain data parallelism ({ZERO}, section 7: 1.5), its 16-bit gradients, one micro-batch",
          1.5, lambda: _at(zero_3, paper(2.0)), lambda: _inputs(2.0), tolerance=1e-9),
    Claim("10.5", "The same with gradients in fp32", 1.5, lambda: _at(zero_3, paper()), _inputs, must=_positive),
    Claim("10.9", f"Bytes of training state a weight ({ZERO}, section 3.1: 16, its gradients in fp16); ours in fp32",
          16.0, lambda: _at(zero_0_memory, paper(), 7.5e9), _inputs, must=_positive),
    Claim("10.9", f"7.5e9 weights, fp16 gradients: bytes a chip without ZeRO ({ZERO}, figure 1: 120 GB)", 120e9,
          lambda: _at(zero_0_memory, paper(2.0)), lambda: _inputs(2.0), tolerance=0.01),
    Claim("10.9", f"The same with ZeRO 1 over 64 chips ({ZERO}, figure 1: 31.4 GB)", 31.4e9,
          lambda: _at(zero_1_memory, paper(2.0)), lambda: _inputs(2.0), tolerance=0.01),
    Claim("10.9", f"The same with ZeRO 2 over 64 chips ({ZERO}, figure 1: 16.6 GB)", 16.6e9,
          lambda: _at(zero_2_memory, paper(2.0)), lambda: _inputs(2.0), tolerance=0.01),
    Claim("10.9", f"The same with ZeRO 3 over 64 chips ({ZERO}, figure 1: 1.9 GB)", 1.9e9,
          lambda: _at(zero_3_memory, paper(2.0)), lambda: _inputs(2.0), tolerance=0.02),
    Claim("10.9", "512 H100: largest model whose state fits under ZeRO 3", None, largest_model.evaluate,
          lambda: {symbol.name: llama()[symbol] for symbol in (memory_capacity, chips)}, must=_positive),
)  # fmt: skip
