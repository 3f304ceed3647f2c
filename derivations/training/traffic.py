"""Chapter 10, training: bytes that a chip sends between data-parallel ranks, by which collective runs how often."""

from sympy import Expr, Symbol

from steptime.derivations.axioms import EVEN_MODEL
from steptime.derivations.collectives.shares import bytes_of_ring
from steptime.derivations.collectives.symbols import group_bytes, group_chips, ring_bytes, share_bytes
from steptime.derivations.facts import Defined, Instance, instance
from steptime.derivations.rules import equation, substitute
from steptime.derivations.steps import Derivation, Step
from steptime.derivations.training.numbers import LLAMA, SCALING_BOOK, ZERO, held, llama

from steptime.derivations.training.symbols import (  # isort: skip
    gathered_gradients, gathered_weights, gradient_shard, gradient_traffic, scattered_bytes, weight_shard, zero_traffic,
)  # fmt: skip
from steptime.model.symbols import bytes_per_weight, data_parallel, gradient_bytes, micro_batches

others = (data_parallel - 1) / data_parallel


def round_ring(name: Symbol, chips: Symbol, share: Symbol, volume: Expr) -> Instance:
    """Bytes that a chip sends as shares of a volume, or partial sums of them, go once round a ring of so many chips."""
    return instance(bytes_of_ring, {ring_bytes: name, group_chips: chips, share_bytes: share, group_bytes: volume})


SCATTERED = round_ring(scattered_bytes, data_parallel, gradient_shard, gradient_bytes * held)
GATHERED_SUMS = round_ring(gathered_gradients, data_parallel, gradient_shard, gradient_bytes * held)
GATHERED_WEIGHTS = round_ring(gathered_weights, data_parallel, weight_shard, bytes_per_weight * held)

plain = Derivation(
    name="gradient-bytes-sent",
    title="Bytes that a chip sends to sum gradients over data-parallel ranks",
    rows=("10.5",),
    claim="An all-reduce is a reduce-scatter and an all-gather: almost twice the gradients, once a step.",
    start=Defined(
        gradient_traffic,
        scattered_bytes + gathered_gradients,
        "the bytes of a reduce-scatter of gradients, which leaves each rank the sum of its share, and of an all-gather "
        "of the sums",
    ),
    steps=(
        Step(
            "each sends all shares but one",
            substitute(SCATTERED, GATHERED_SUMS),
            equation(gradient_traffic, 2 * others * gradient_bytes * held),
        ),
    ),
    assumes=(EVEN_MODEL,),
    sources=(SCALING_BOOK, ZERO),
    example=llama,
    example_text=LLAMA,
)


def sharded(zero: int, runs: Expr, what: str, line: Expr, claim: str) -> Derivation:
    """Bytes that a chip sends in a step under a ZeRO stage."""
    return Derivation(
        name=f"zero-{zero}-bytes-sent",
        title=f"Bytes that a chip sends between data-parallel ranks with ZeRO {zero}",
        rows=("10.5",),
        claim=claim,
        start=Defined(zero_traffic, runs, f"the bytes of {what}"),
        steps=(
            Step(
                "each sends all shares but one",
                substitute(SCATTERED, GATHERED_WEIGHTS),
                equation(zero_traffic, others * held * line),
            ),
        ),
        assumes=(EVEN_MODEL,),
        sources=(ZERO + ", section 7",),
        example=llama,
        example_text=LLAMA,
    )


optimizer_shared = sharded(
    1,
    scattered_bytes + gathered_weights,
    "a reduce-scatter of gradients, which leaves each rank the sum of its share, and of a gather of the new weights",
    gradient_bytes + bytes_per_weight,
    "Each rank updates its share: it needs the sums of that share alone, and all others need its new weights.",
)
gradients_shared = sharded(
    2,
    micro_batches * scattered_bytes + gathered_weights,
    "a reduce-scatter of gradients for every micro-batch, since no rank keeps them whole, and of one gather of weights",
    micro_batches * gradient_bytes + bytes_per_weight,
    "Gradients that are not kept whole are scattered as soon as a micro-batch has made them.",
)
weights_shared = sharded(
    3,
    micro_batches * (scattered_bytes + 2 * gathered_weights),
    "two gathers of weights, before either pass, and a reduce-scatter of gradients, for every micro-batch",
    micro_batches * (gradient_bytes + 2 * bytes_per_weight),
    "Weights that are not kept whole come twice for each micro-batch, and go again.",
)

DERIVATIONS = (plain, optimizer_shared, gradients_shared, weights_shared)
