"""The groups of a pass: its ledger's lines, gathered; and the kernels that its layers start."""

from collections.abc import Iterable

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.transformer import DenseFeedForward, LatentAttention, Layer, Transformer
from steptime.model.estimate import symbols as e
from steptime.model.estimate.experts import waiting_for_the_fullest, waiting_for_the_fullest_rank
from steptime.model.extremes import at_least
from steptime.model.terms import Operation, OperationName, Transfer

EXPERTS = frozenset({OperationName.ROUTED})
CACHE = frozenset({OperationName.SCORES, OperationName.ATTENTION})
REDUCING = frozenset({OperationName.TENSOR_SUMS, OperationName.CONTEXT, OperationName.STAGE_GATHER,
                      OperationName.STAGE_SCATTER, OperationName.INPUT_GATHERS})  # fmt: skip
"""Collectives in which every chip of a group has a part of the same sum; all others exchange or hand on."""

GROUPED = ("norm", "query, key and value", "rotation and writing of the cache", "attention over pieces of the cache",
           "merging of the pieces", "output")  # fmt: skip
LATENT = ("norm", "down-projections", "norms of latents", "query up-projection", "absorption of keys", "rotation",
          "writing of the cache", "attention over pieces of the cache", "merging of the pieces",
          "expansion of values", "output")  # fmt: skip
RECURRENT = ("norm", "query, key and value", "gates", "convolution", "activation of gates", "norm of keys",
             "update of the state", "norm of the result", "output")  # fmt: skip
INDEX = ("queries", "key", "norm of the key", "rotation", "writing of the key", "scores", "choice")
DENSE = ("norm", "gate and up", "activation", "down")
ROUTED = ("router", "choice", "sorting of tokens", "gate and up", "activation", "down", "weighted sum")
SHARED = ("gate and up", "activation", "down")
END = ("norm", "unembedding", "sampling")
"""Kernels that run one after another, as serving engines fuse them: vLLM's and SGLang's model files, traced layers."""

HEADS_AT_ONCE = 64
"""Query heads of one tile of the kernels of latent attention (FlashMLA; TensorRT-LLM's)."""


def groups(operations: Iterable[Operation]) -> dict[Symbol, Expr]:
    """What one chip does in a pass, by group: expressions in the ledger's quantities."""
    found = dict.fromkeys((e.dense_bytes, e.dense_flops, e.expert_bytes, e.expert_flops, e.cache_bytes, e.score_flops,
                           e.sent_up, e.sent_out, e.reduces, e.exchanges), sympy.Integer(0))  # fmt: skip
    for line in operations:
        read, worked = _places(line.name)
        found[read] += line.memory_bytes
        found[worked] += line.flops
        sent: Transfer = line.traffic
        found[e.sent_up] += sent.scale_up
        found[e.sent_out] += sent.scale_out
        found[e.reduces if line.name in REDUCING else e.exchanges] += sent.scale_up_starts + sent.scale_out_starts
    return found


def _places(name: OperationName) -> tuple[Symbol, Symbol]:
    """Where the bytes and the FLOP of a line belong."""
    if name in EXPERTS:
        return e.expert_bytes, e.expert_flops
    return (e.cache_bytes, e.score_flops) if name in CACHE else (e.dense_bytes, e.dense_flops)


def kernels_of(model: Transformer) -> int:
    """Kernels of one pass, one after another: by what each layer has.

    >>> from steptime.model.architecture.transformer import GroupedAttention
    >>> layer = Layer(GroupedAttention(8, 8, 64, 64), (DenseFeedForward(2048),))
    >>> kernels_of(Transformer("toy", 512, 1000, False, (layer,) * 2))
    23
    """
    return len(END) + sum(number * _kernels_of_layer(layer) for layer, number in model.kinds.items())


def _kernels_of_layer(layer: Layer) -> int:
    found = 0
    mixer = layer.attention
    if mixer is not None:
        found += len(LATENT if isinstance(mixer, LatentAttention) else GROUPED) if mixer.cache_elements else 0
        found += len(RECURRENT) if mixer.state_elements or mixer.convolution_elements else 0
        found += len(INDEX) if mixer.index_elements else 0
    for block in layer.feed_forward:
        if isinstance(block, DenseFeedForward):
            found += len(DENSE)
        else:
            found += len(ROUTED) + (len(SHARED) if block.shared_intermediate else 0)
    return found


def padding_of(model: Transformer, tensor_parallel: Expr) -> Expr:
    """Multiply-adds of latent attention's kernels over those asked for: heads are worked on 64 at a time.

    The mean over layers, by their query heads; one where there is no latent.
    """
    latent = {mixer: number for mixer, number in model.mixers if isinstance(mixer, LatentAttention)}
    if not latent:
        return sympy.S.One
    asked = [number * mixer.heads / tensor_parallel for mixer, number in latent.items()]
    done = [number * at_least(HEADS_AT_ONCE, mixer.heads / tensor_parallel) for mixer, number in latent.items()]
    return sympy.Add(*done) / sympy.Add(*asked)


def waiting_of_ranks(ranks_wait: bool) -> Expr:
    """Sequences of the rank that others wait for over those that the ledger has on a rank."""
    mean, ranks = q.micro_batch / q.data_parallel, q.data_parallel
    return waiting_for_the_fullest_rank(q.rank_batch, mean, ranks) if ranks_wait else sympy.S.One


def demands(
    model: Transformer, operations: Iterable[Operation], tokens: Expr, passes: Expr, ranks_wait: bool, least: int = 1
) -> dict[Symbol, Expr]:
    """What an estimate needs of one chip in a step, in the ledger's quantities: its groups, kernels, sequences, and
    padding of heads.

    ``tokens`` of a micro-batch choose experts, of which the fullest chip reads ``least`` at least. ``passes`` of all
    stages start kernels, and handle each sequence anew; where ``ranks_wait`` for each other, for those of the fullest.
    The degrees are quantities too, so that one set serves a case, many batches, or many layouts at once.
    """
    found = groups(operations)
    found[e.expert_bytes] *= waiting_for_the_fullest(model, tokens, q.expert_parallel, least)
    waiting = waiting_of_ranks(ranks_wait)
    for symbol in (e.cache_bytes, e.score_flops):
        found[symbol] *= waiting
    return found | {
        e.kernels: kernels_of(model) * passes,
        e.sequences: q.rank_batch * waiting * q.pipeline_parallel * passes,
        q.head_padding: padding_of(model, q.tensor_parallel),
    }
