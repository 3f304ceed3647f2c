"""A step of training in practice, in closed form: what its chips do one after another, and what they wait for.

Matrix products of each format at a share of its peak, with weights read behind them; attention at a share of the 16-bit
peak; the kernels between products at a share of the memory bandwidth; and the part of collectives inside a layer that
no computing hides. All of it as on the fullest stage, idle while the pipeline fills and drains too. Gradients and
weights travel between replicas behind the passes of the micro-batches that they belong to; what these do not hide is
waited for. The optimizer comes last. A host that launches kernels more slowly than the chip runs them sets the pace.
No link carries more than it can, however well its traffic is hidden: so with every share at one the time is no less
than the bound.
"""

from collections.abc import Iterable, Mapping

import sympy
from sympy import Expr, Symbol

from steptime.model.estimate import symbols as e
from steptime.model.estimate.terms import slower
from steptime.model.terms import Operation, OperationName

from steptime.model.symbols import (  # isort: skip
    kernel_time, memory_bandwidth, micro_batches, peak_flops, scale_out_bandwidth, scale_up_bandwidth, wide_peak,
)  # fmt: skip

up, out = e.bulk_streaming * scale_up_bandwidth, e.bulk_streaming * scale_out_bandwidth

wide = (e.wide_flops + e.wide_grouped_flops / e.grouped_share) / (e.wide_share * wide_peak)
narrow = (e.narrow_flops + e.narrow_grouped_flops / e.grouped_share) / (e.narrow_share * peak_flops)
reading, multiplying = e.streamed_bytes / (e.passing_share * memory_bandwidth), wide + narrow
products = slower(reading, multiplying)
attention = e.paired_flops / (e.paired_share * wide_peak)
between = e.passed_bytes / (e.passing_share * memory_bandwidth)
tensor = e.tensor_exposed * (e.tensor_up / up + e.tensor_out / out)
exchanges = e.exchange_exposed * (e.exchange_up / up + e.exchange_out / out)
kernels = e.launches * kernel_time
beside = attention + between + tensor + exchanges + kernels
passes = products + beside

travel = slower(e.replica_up / up, e.replica_out / out)
replicas = slower(sympy.S.Zero, travel - e.hiding_share * passes)
update = e.updated_bytes / (e.passing_share * memory_bandwidth)
busy = passes + replicas + update

sent_up, sent_out = e.tensor_up + e.exchange_up + e.replica_up, e.tensor_out + e.exchange_out + e.replica_out
carried = slower(sent_up / up, sent_out / out)
waiting = slower(sympy.S.Zero, slower(carried, e.launches * e.launch_time) - busy)

TRAINING: Mapping[str, Expr] = {
    "products": products, "attention": attention, "between products": between, "tensor-parallel links": tensor,
    "exchanges": exchanges, "kernels": kernels, "replicas": replicas, "optimizer": update, "links or host": waiting,
}  # fmt: skip
"""The terms of a step of training, by name."""
training: Expr = sympy.Add(*TRAINING.values())
"""Seconds of a step of training."""


def _longest() -> dict[str, Expr]:
    """By what is read or multiplied behind the passes: with everything between replicas hidden, and with what is not
    on each tier; then what the links carry, and what the host launches."""
    found: dict[str, Expr] = {}
    for resource, product in (("memory", reading), ("compute", multiplying)):
        found[resource] = product + beside + update
        for tier, sent in (("scale_up", e.replica_up / up), ("scale_out", e.replica_out / out)):
            found[f"{resource}, replicas on {tier}"] = sent + (1 - e.hiding_share) * (product + beside) + update
    return {**found, "scale_up": sent_up / up, "scale_out": sent_out / out, "host": e.launches * e.launch_time}


LONGEST: Mapping[str, Expr] = _longest()
"""The same step as the longest of smooth times: what waits is zero on one side of a kink, which has no logarithm."""

SIXTEEN_BITS = frozenset({OperationName.UNEMBEDDING, OperationName.ROUTER})
"""Products that stay in 16 bits where others are narrower (DeepSeek-V3, arXiv 2412.19437, section 3.3.1)."""
INSIDE = frozenset({OperationName.TENSOR_SUMS, OperationName.CONTEXT, OperationName.STAGE_GATHER,
                    OperationName.STAGE_SCATTER, OperationName.INPUT_GATHERS})  # fmt: skip
"""Collectives of the chips that share a layer or a sequence."""

OF_LEDGER = (
    e.wide_flops, e.narrow_flops, e.wide_grouped_flops, e.narrow_grouped_flops, e.paired_flops, e.streamed_bytes,
    e.updated_bytes, e.tensor_up, e.tensor_out, e.exchange_up, e.exchange_out, e.replica_up, e.replica_out,
)  # fmt: skip
"""What follows from the lines of a ledger."""


def training_groups(operations: Iterable[Operation], narrow: Expr, padding: Expr) -> dict[Symbol, Expr]:
    """What one chip of the mean stage does in a step, by group: expressions in the ledger's quantities.

    ``narrow``: one where products are of a narrower format than 16 bits, zero where not, or the quantity that says it;
    ``padding``: rows of the experts' tiles over the tokens in them.
    """
    found: dict[Symbol, list[Expr]] = {symbol: [] for symbol in OF_LEDGER}
    for line in operations:
        if line.name in (OperationName.ATTENTION, OperationName.SCORES):
            found[e.paired_flops].append(line.flops)
        elif line.name == OperationName.ROUTED:
            found[e.narrow_grouped_flops].append(narrow * padding * line.flops)
            found[e.wide_grouped_flops].append((1 - narrow) * padding * line.flops)
        elif line.name in SIXTEEN_BITS:
            found[e.wide_flops].append(line.flops)
        else:
            found[e.narrow_flops].append(narrow * line.flops)
            found[e.wide_flops].append((1 - narrow) * line.flops)
        behind = _added_up(line.memory_bytes) if line.name == OperationName.STATE else line.memory_bytes
        found[e.streamed_bytes].append(behind)
        found[e.updated_bytes].append(line.memory_bytes - behind)
        on_up, on_out = _links(line.name)
        found[on_up].append(line.traffic.scale_up)
        found[on_out].append(line.traffic.scale_out)
    return {symbol: sympy.Add(*parts) for symbol, parts in found.items()}


def _added_up(state: Expr) -> Expr:
    """Of the traffic of gradients and optimizer, what adds gradients up over micro-batches: all but the first read the
    sum and each writes it, 2 m - 1 times in all, as the products that make them end (Megatron-LM fuses the two)."""
    return sympy.diff(state, micro_batches) * (micro_batches - sympy.Rational(1, 2))


def _links(name: OperationName) -> tuple[Symbol, Symbol]:
    """Where the bytes of a line's collectives belong."""
    if name == OperationName.REPLICAS:
        return e.replica_up, e.replica_out
    return (e.tensor_up, e.tensor_out) if name in INSIDE else (e.exchange_up, e.exchange_out)
