"""What a step of training asks of a chip of the fullest stage, in closed form: in the ledger's quantities and degrees.

The ledger counts the mean stage. The fullest has more of every pass; and while the pipeline fills and drains, what is
not multiply-adds, whose bubble the ledger has, takes longer too.
"""

from collections.abc import Iterable
from functools import cache

import sympy
from sympy import Expr, Symbol, ceiling, floor

from steptime.model import symbols as q
from steptime.model.architecture.transformer import ExpertFeedForward, Transformer
from steptime.model.estimate import symbols as e
from steptime.model.estimate.activation_traffic import Executed, of_loss, passed
from steptime.model.estimate.groups import kernels_of
from steptime.model.estimate.training import training_groups
from steptime.model.extremes import at_least, at_most
from steptime.model.terms import Operation, OperationName

TILE_ROWS = 128
"""Rows of a tile of grouped products: each expert fills its last one by half on average."""
ROUNDS = 3
"""Kernels of a forward and a backward pass over those of a forward pass: a product has two in the backward pass."""
STRETCHED = (e.streamed_bytes, e.passed_bytes, e.tensor_up, e.tensor_out, e.exchange_up, e.exchange_out)
"""What takes longer while a pipeline fills and drains, beside the multiply-adds, which the ledger counts so."""
OF_PASSES = (
    e.wide_flops, e.narrow_flops, e.wide_grouped_flops, e.narrow_grouped_flops, e.paired_flops, *STRETCHED,
)  # fmt: skip
"""What a fuller stage has more of."""


def training_demands(
    model: Transformer, operations: Iterable[Operation], step: Executed, masked_afterwards: bool, each_hides: bool
) -> dict[Symbol, Expr]:
    """FLOP, bytes of weights, activations and state, bytes to other chips, and launches of a chip of the fullest stage.

    ``masked_afterwards``: scores are made of all pairs, where the ledger counts causal ones; ``each_hides``: gradients
    travel behind every micro-batch's passes, not only behind the last's. The degrees are quantities too, so that one
    set serves a case, many batches, or many layouts at once.
    """
    lines = tuple(operations)
    found = training_groups(lines, step.narrow, tile_rows_per_token(model))
    tokens = q.microbatch * q.sequence / q.context_parallel * q.micro_batches / q.pipeline_parallel
    found[e.passed_bytes] = tokens * (passed(model, step, q.tensor_parallel) + of_loss(model, q.tensor_parallel))
    for symbol in OF_PASSES:
        found[symbol] *= e.fullest_stage * ((1 + q.bubble_ratio) if symbol in STRETCHED else sympy.S.One)
    if masked_afterwards:
        found[e.paired_flops] *= q.sequence**2 / at_least(1, q.sequence * (q.sequence - 1) / 2)
    layers = len(model.layers)
    return found | {
        e.launches: q.micro_batches * (ROUNDS + step.forward_passes - 1) * kernels_of(model) / q.pipeline_parallel,
        e.hiding_share: sympy.S.One if each_hides else 1 / q.micro_batches,
        e.unembedding_layers: _unembedding_layers(lines, layers),
        e.fullest_stage: fullest_over_mean_stage(layers),
    }


def tile_rows_per_token(model: Transformer) -> Expr:
    """Rows of tiles over tokens of experts, each of which leaves half a tile empty on average; of the layers with the
    largest number of experts for the tokens that they have."""
    blocks = [block for layer in model.kinds for block in layer.feed_forward if isinstance(block, ExpertFeedForward)]
    if not blocks:
        return sympy.S.One
    fewest = min(blocks, key=lambda block: block.experts_per_token / block.experts)
    tokens = q.micro_batch * q.sequence * fewest.experts_per_token / fewest.experts
    return 1 + sympy.Rational(TILE_ROWS, 2) / tokens


def _unembedding_layers(lines: tuple[Operation, ...], layers: int) -> Expr:
    """FLOP of the unembedding over those of a layer: a ratio that is the same of one micro-batch as of all."""
    of_one = {q.micro_batches: sympy.S.One, q.bubble_ratio: sympy.S.Zero}
    flops = [(line.name, line.flops.xreplace(of_one)) for line in lines]
    last = sympy.Add(*[number for name, number in flops if name == OperationName.UNEMBEDDING])
    return layers * last / sympy.Add(*[number for name, number in flops if name != OperationName.UNEMBEDDING])


@cache
def fullest_over_mean_stage(layers: int) -> Expr:
    """Work of the fullest stage over that of the mean one: the last multiplies the unembedding beside its layers.

    Where layers divide evenly every stage has as many. Else the last has so few that the fullest has least: with n
    layers at most on each of the P - 1 others it has at least one, and at least L - n (P - 1). The larger of n and of
    that with the unembedding is convex in n and least where both are the mean, so at a whole number next to it.

    >>> found = fullest_over_mean_stage(32).subs(q.pipeline_parallel, 3)
    >>> found.subs(e.unembedding_layers, sympy.Rational(5, 2))  # 12, 12 and 8 + 2.5 of 34.5
    24/23
    """
    stages, extra = q.pipeline_parallel, e.unembedding_layers
    mean = (layers + extra) / stages

    def fullest(most: Expr) -> Expr:
        return at_least(at_least(most, 1 + extra), layers - most * (stages - 1) + extra)

    even, parted = layers / stages + extra, at_most(fullest(floor(mean)), fullest(ceiling(mean)))
    is_uneven = ceiling(layers / stages) - floor(layers / stages)
    return (even + is_uneven * (parted - even)) / mean
