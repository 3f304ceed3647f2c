"""Chapter 10, training: what ZeRO moves between data-parallel ranks, and what it leaves on a chip."""

from collections.abc import Mapping

from sympy import Add, Expr, Symbol

from steptime.derivations.axioms import EVEN_MODEL, STATE_ALONE
from steptime.derivations.claims import Claim, Source
from steptime.derivations.facts import Compared, Defined, given
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import equation, identity, solve_for, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training import traffic
from steptime.derivations.training.numbers import LLAMA, ZERO, held, llama
from steptime.derivations.training.symbols import state_memory, traffic_ratio
from steptime.model.scenario import Scenario

from steptime.model.symbols import (  # isort: skip
    bytes_per_weight, chips, data_parallel, gradient_bytes, memory_capacity, micro_batches, optimizer_bytes, parameters,
    pipeline_parallel, tensor_parallel,
)  # fmt: skip

model_chips = tensor_parallel * pipeline_parallel
EVERY_CHIP = Defined(chips, model_chips * data_parallel, "the chips of all tensor-parallel groups, stages and ranks")
FULL = given(state_memory, memory_capacity, "the training state fills a chip's memory")


def over_plain(sharded: Derivation, why: str, line: Expr, claim: str) -> Derivation:
    """Bytes of a ZeRO stage over those of a plain all-reduce of gradients."""
    zero = sharded.name.split("-")[1]
    return Derivation(
        name=f"zero-{zero}-traffic",
        title=f"Bytes between ranks with ZeRO {zero} over those without",
        rows=("10.5",),
        claim=claim,
        start=Compared(
            traffic_ratio, sharded, traffic.plain, f"the bytes that a chip sends with ZeRO {zero} over those without"
        ),
        steps=(Step(why, identity(), equation(traffic_ratio, line)),),
        assumes=(),
        sources=(ZERO + ", section 7",),
        example=llama,
        example_text=LLAMA,
        holds=(more(data_parallel, 1), more(gradient_bytes, 0)),
    )


zero_1 = over_plain(
    traffic.optimizer_shared,
    "gradients one way, weights the other",
    (gradient_bytes + bytes_per_weight) / (2 * gradient_bytes),
    "New weights in 16 bits go back instead of sums in 32: sharing the optimizer saves bytes.",
)
zero_2 = over_plain(
    traffic.gradients_shared,
    "gradients one way for every micro-batch, weights the other once",
    (micro_batches * gradient_bytes + bytes_per_weight) / (2 * gradient_bytes),
    "Gradients that nobody keeps whole move with every micro-batch, where plain sums move once a step.",
)
zero_3 = over_plain(
    traffic.weights_shared,
    "gradients one way, weights twice, for every micro-batch",
    micro_batches * (gradient_bytes + 2 * bytes_per_weight) / (2 * gradient_bytes),
    "What is kept nowhere whole moves with every micro-batch: gradient accumulation saves nothing.",
)


def holding(zero: int, claim: str) -> Derivation:
    """Weights, gradients and optimizer state on a chip under a ZeRO stage: each rank holds all, or its share."""
    kinds = (
        ("weights", bytes_per_weight, 3),
        ("gradients", gradient_bytes, 2),
        ("optimizer state", optimizer_bytes, 1),
    )
    parts = [each * held / (data_parallel if zero >= since else 1) for _, each, since in kinds]
    whole, shared = (Add(*[each for _, each, since in kinds if (zero >= since) == cut]) for cut in (False, True))
    whose = ", ".join(f"{name} of {'its share' if zero >= since else 'all of its rank'}" for name, _, since in kinds)
    line = equation(state_memory, whole * held + shared * parameters / chips)
    alike = Step("so much of each weight", identity(), line)
    shares = Step("ranks are the chips that tp and stages leave", substitute(EVERY_CHIP.for_(data_parallel)), line)
    return Derivation(
        name=f"zero-{zero}-memory",
        title=f"Weights, gradients and optimizer state on a chip with ZeRO {zero}",
        rows=("10.9",),
        claim=claim,
        start=Defined(state_memory, Add(*parts), f"what a chip holds: {whose}"),
        steps=(shares if zero else alike,),
        assumes=(EVEN_MODEL, STATE_ALONE),
        sources=(ZERO + ", section 5",),
        example=llama,
        example_text=LLAMA,
        holds=(at_least(chips, model_chips),) if zero else (),
    )


zero_0_memory = holding(
    0, "Adam in mixed precision holds 18 bytes a weight: 2, and 4 of gradient, and 12 of master weight and moments."
)
zero_1_memory = holding(
    1, "Two thirds of the state are the optimizer's, and needed once a step: sharing it is nearly free."
)
zero_2_memory = holding(2, "With gradients shared only the weights are left whole: 2 bytes of 18.")
zero_3_memory = holding(
    3, "Nothing is whole anywhere: however the chips are arranged, each holds its share of 18 bytes a weight."
)

largest_model = Derivation(
    name="zero-3-largest-model",
    title="The largest model whose state fits so many chips",
    rows=("10.9",),
    claim="Chips hold a model's training state in proportion to their number, before any activation.",
    start=zero_3_memory,
    steps=(
        Step(
            "all of a chip's memory",
            substitute(FULL),
            equation(memory_capacity, (bytes_per_weight + gradient_bytes + optimizer_bytes) * parameters / chips),
        ),
        Step(
            "solve for the weights",
            solve_for(parameters),
            equation(parameters, memory_capacity * chips / (bytes_per_weight + gradient_bytes + optimizer_bytes)),
        ),
    ),
    assumes=(FULL,),
    sources=zero_3_memory.sources,
    example=llama,
    example_text="512 H100, weights in bf16, gradients and Adam in fp32",
    holds=(at_least(chips, model_chips),),
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


DERIVATIONS = (
    zero_1, zero_2, zero_3, zero_0_memory, zero_1_memory, zero_2_memory, zero_3_memory, largest_model,
)  # fmt: skip

CLAIMS = (
    Claim("10.5", f"ZeRO 1 over plain data parallelism, bytes between ranks ({ZERO}, section 7: the same); ours with "
          "gradients in fp32, weights in bf16", 1.0, zero_1.evaluate, _inputs, source=Source.PAPER,
          must=lambda value: abs(value - 6 / 8) < 1e-9),
    Claim("10.5", f"The same with 16-bit gradients, as {ZERO} has them", 1.0, lambda: _at(zero_1, paper(2.0)),
          lambda: _inputs(2.0), source=Source.PAPER),
    Claim("10.5", f"ZeRO 2 over plain data parallelism ({ZERO}, section 7: the same), its 16-bit gradients, one "
          "micro-batch", 1.0, lambda: _at(zero_2, paper(2.0)), lambda: _inputs(2.0), source=Source.PAPER),
    Claim("10.5", f"ZeRO 3 over plain data parallelism ({ZERO}, section 7: 1.5), its 16-bit gradients, one micro-batch",
          1.5, lambda: _at(zero_3, paper(2.0)), lambda: _inputs(2.0), source=Source.PAPER),
    Claim("10.5", "The same with gradients in fp32", 1.5, lambda: _at(zero_3, paper()), _inputs, source=Source.PAPER,
          must=lambda value: abs(value - 8 / 8) < 1e-9),
    Claim("10.9", f"Bytes of training state a weight ({ZERO}, section 3.1: 16, its gradients in fp16); ours in fp32",
          16.0, lambda: _at(zero_0_memory, paper(), 7.5e9), _inputs, source=Source.PAPER,
          must=lambda value: abs(value - 18) < 1e-9),
    Claim("10.9", f"7.5e9 weights, fp16 gradients: bytes a chip without ZeRO ({ZERO}, figure 1: 120 GB)", 120e9,
          lambda: _at(zero_0_memory, paper(2.0)), lambda: _inputs(2.0), source=Source.PAPER),
    Claim("10.9", f"The same with ZeRO 1 over 64 chips ({ZERO}, figure 1: 31.4 GB)", 31.4e9,
          lambda: _at(zero_1_memory, paper(2.0)), lambda: _inputs(2.0), source=Source.PAPER),
    Claim("10.9", f"The same with ZeRO 2 over 64 chips ({ZERO}, figure 1: 16.6 GB)", 16.6e9,
          lambda: _at(zero_2_memory, paper(2.0)), lambda: _inputs(2.0), source=Source.PAPER),
    Claim("10.9", f"The same with ZeRO 3 over 64 chips ({ZERO}, figure 1: 1.9 GB)", 1.9e9,
          lambda: _at(zero_3_memory, paper(2.0)), lambda: _inputs(2.0), source=Source.PAPER),
    Claim("10.9", "512 H100: largest model whose state fits under ZeRO 3; less than 41 TB over 16 bytes a weight", None,
          largest_model.evaluate, lambda: {symbol.name: llama()[symbol] for symbol in (memory_capacity, chips)},
          source=Source.OWN, must=lambda value: 1e12 < value < 512 * 80e9 / 16),
)  # fmt: skip
