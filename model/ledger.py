"""The ledger of a decode step: one line an operation, with the shapes of a real architecture and layout in it.

`Ledger.slots` defines the blackboard's symbols so that its terms are the ledger's sums exactly. All stages of a
pipeline are traversed one after another, so a line sums over all layers; it is per chip.
"""

from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.collectives import (
    all_gather,
    all_reduce,
    at_least,
    at_most,
    expected_distinct,
    expert_exchange,
    gather_between,
    group,
    reduce_scatter,
    send,
)  # fmt: skip
from steptime.model.decode import flops_per_token, kv_traffic_per_sequence, micro_batch_of_batch
from steptime.model.experts import distinct_experts
from steptime.model.layout import SYMBOLIC, Degrees
from steptime.model.symbols import (
    bytes_per_kv,
    bytes_per_weight,
    combine_bytes,
    context,
    dispatch_bytes,
    flops_per_mac,
    micro_batch,
    parameters_read,
    reduce_bytes,
    send_bytes,
)  # fmt: skip
from steptime.model.terms import Operation, Transfer
from steptime.model.transformer import DenseFeedForward, ExpertFeedForward, Layer, Matrix, Transformer, attended


@dataclass(frozen=True)
class Plan:
    """Choices that change which operations there are: expert traffic, all-reduce, and which experts a step reads.

    ``ffn`` tp or all; ``copies`` per-domain or per-expert; ``in_switch`` where the scale-up switch adds; ``experts``
    expected (those that the micro-batch is expected to touch) or all.
    """

    ffn: str = "tp"
    copies: str = "per-domain"
    in_switch: bool = False
    experts: str = "expected"


def touched_experts(block: ExpertFeedForward, plan: Plan) -> Expr:
    """Expected distinct experts that a micro-batch touches: N_e (1 - (1 - k/N_e)^b), every token choosing uniformly."""
    if plan.experts == "all":
        return sympy.Integer(block.experts)
    return distinct_experts(sympy.Integer(block.experts), sympy.Integer(block.experts_per_token), micro_batch)


@dataclass(frozen=True)
class Ledger:
    """The ledger of one architecture at given degrees of parallelism, with the amounts that its slots average."""

    model: Transformer
    plan: Plan
    degrees: Degrees = SYMBOLIC

    @property
    def groups(self) -> Expr:
        """Groups of chips with a share of the batch of their own, each holding its tokens on tp chips."""
        return self.degrees.dp * self.degrees.cp

    def ways(self, matrix: Matrix) -> Expr:
        """Chips that share a matrix: tp, or fewer where it cannot be split so far."""
        return self.degrees.tp if matrix.split is None else at_most(self.degrees.tp, sympy.Integer(matrix.split))

    @property
    def dense_ways(self) -> Expr:
        """Chips that share a dense feed-forward block."""
        return self.degrees.stage if self.plan.ffn == "all" else self.degrees.tp

    @cached_property
    def matrices(self) -> list[tuple[str, Expr, Expr, Expr]]:
        """Operation, weights multiplied by every token, chips that share them, ways their multiply-adds are split."""
        tp, stage, width = self.degrees.tp, self.degrees.stage, self.model.width
        found: list[tuple[str, Expr, Expr, Expr]] = []
        for layer, number in self.model.kinds.items():
            for matrix in layer.attention.matrices(width):
                weights, ways = sympy.Integer(number * matrix.weights), self.ways(matrix)
                found.append(("attention projections", weights, ways, ways * self.groups))
            for block in layer.feed_forward:
                if isinstance(block, DenseFeedForward):
                    weights = sympy.Integer(number * block.weights(width))
                    found.append(("dense feed-forward", weights, self.dense_ways, stage))
                else:
                    router, shared = number * block.router_weights(width), number * block.shared_weights(width)
                    found.append(("router", sympy.Integer(router), sympy.S.One, self.groups))
                    found.append(("shared experts", sympy.Integer(shared), self.dense_ways, stage))
        found.append(("unembedding", sympy.Integer(self.model.embedding), tp, stage))
        return [row for row in found if row[1] != 0]

    def expert_layers(self) -> list[tuple[int, ExpertFeedForward]]:
        """Layers of each kind with routed experts."""
        blocks = [(number, block) for layer, number in self.model.kinds.items() for block in layer.feed_forward]
        return [(number, block) for number, block in blocks if isinstance(block, ExpertFeedForward)]

    def vectors(self) -> int:
        """Norm weights and biases, which nothing splits."""
        total = self.model.vectors
        for layer, number in self.model.kinds.items():
            total += number * (layer.vectors + layer.attention.vectors + sum(b.vectors for b in layer.feed_forward))
        return total

    def multiplied(self) -> list[tuple[Expr, Expr]]:
        """FLOP per token, and ways they are split over the stage, of every operation that computes."""
        rows = [(flops_per_mac * weights, split) for _, weights, _, split in self.matrices]
        rows += [(self.expert_flops(n, block), self.degrees.stage) for n, block in self.expert_layers()]
        return rows + [(self.score_flops(layer, n), self.degrees.stage) for layer, n in self.model.kinds.items()]

    def streamed(self) -> list[tuple[Expr, Expr]]:
        """Weights that a step reads, and chips that share them."""
        rows = [(weights, ways) for _, weights, ways, _ in self.matrices]
        rows += [(self.expert_weights(n, block), self.degrees.stage) for n, block in self.expert_layers()]
        return [*rows, (sympy.Integer(self.vectors()), sympy.S.One)]

    def cached(self) -> list[tuple[Expr, Expr, Expr]]:
        """KV bytes per token, tokens attended, and ways the cache is split, of each kind of layer."""
        rows = []
        for layer, number in self.model.kinds.items():
            attention = layer.attention
            ways = at_most(self.degrees.tp, sympy.Integer(attention.cache_split)) * self.groups
            rows.append((number * attention.cache_elements * bytes_per_kv, attended(attention), ways))
        return rows

    def expert_flops(self, number: int, block: ExpertFeedForward) -> Expr:
        return flops_per_mac * number * block.experts_per_token * block.expert_weights(self.model.width)

    def expert_weights(self, number: int, block: ExpertFeedForward) -> Expr:
        one_expert = block.expert_weights(self.model.width) + block.expert_vectors
        return number * one_expert * touched_experts(block, self.plan)

    def score_flops(self, layer: Layer, number: int) -> Expr:
        return number * layer.attention.flops_per_pair * attended(layer.attention)

    # --- the operations --------------------------------------------------------------------------------------------
    def operations(self) -> tuple[Operation, ...]:
        """The ledger: what each operation costs one chip in one step."""
        lines: dict[str, Operation] = {}
        for name, weights, ways, split in self.matrices:
            before = lines.get(name, Operation(name))
            flops = flops_per_mac * weights * micro_batch / split
            lines[name] = Operation(name, before.flops + flops, before.memory_bytes + bytes_per_weight * weights / ways)
        stage = self.degrees.stage
        for number, block in self.expert_layers():
            before = lines.get("routed experts", Operation("routed experts"))
            flops = self.expert_flops(number, block) * micro_batch / stage
            read = bytes_per_weight * self.expert_weights(number, block) / stage
            lines["routed experts"] = Operation("routed experts", before.flops + flops, before.memory_bytes + read)
        scores = sum(self.score_flops(layer, n) for layer, n in self.model.kinds.items()) * micro_batch / stage
        cache = sum(per_token * (tokens + 1) * micro_batch / ways for per_token, tokens, ways in self.cached())
        return (
            *lines.values(),
            Operation("attention over the KV cache", scores, cache),
            Operation("norms and biases", memory_bytes=bytes_per_weight * self.vectors()),
            *self.communication,
        )

    @cached_property
    def communication(self) -> tuple[Operation, ...]:
        """The collectives of a step; a line whose group is a single chip costs nothing and is left out."""
        d, width = self.degrees, self.model.width
        tp_group = group(d.tp, sympy.S.One)
        tokens = micro_batch / self.groups  # held by each tensor-parallel group
        activations = tokens * width * reduce_bytes
        one_reduce = all_reduce(activations, tp_group, self.plan.in_switch)
        # Attention and feed-forward each end in one, unless they work side by side and share it.
        reduces = sum(n if layer.parallel else 2 * n for layer, n in self.model.kinds.items())
        lines = [("tensor-parallel all-reduce", one_reduce.times(reduces))]
        lines.append(("context exchange", self.context_exchange()))
        if self.plan.ffn == "all":
            dense = sum(n for layer, n in self.model.kinds.items() if _has_dense(layer))
            everyone = gather_between(micro_batch * width * reduce_bytes, d.stage, d.tp).times(dense)
            lines += [("feed-forward gather", everyone), ("feed-forward scatter", everyone)]
        lines += self.expert_communication()
        hop = send(micro_batch / d.stage * width * send_bytes, d.pp, d.stage)
        lines.append(("pipeline sends", hop))
        return tuple(Operation(name, network=(moved,)) for name, moved in lines if moved != Transfer())

    def context_exchange(self) -> Transfer:
        """Chips that split a context share queries before attention and partial results after it."""
        over = group(self.degrees.cp, self.degrees.tp)
        moved = Transfer()
        for layer, number in self.model.kinds.items():
            elements = micro_batch / self.degrees.dp / self.degrees.tp * reduce_bytes
            queries = all_gather(elements * layer.attention.query_elements, over)
            results = reduce_scatter(elements * layer.attention.output_elements, over)
            moved += queries.times(number) + results.times(number)
        return moved

    def expert_communication(self) -> list[tuple[str, Transfer]]:
        """Tokens to the experts of other groups and back, and among the chips that hold slices of one expert.

        A tensor-parallel group holds its tokens on every chip, so what stays inside it moves nothing; its partial
        results are added by the all-reduce that follows. Where an expert is sliced over several such groups, they share
        the tokens that chose it.
        """
        d, width = self.degrees, self.model.width
        holders, sliced = at_most(self.groups, d.ep), d.stage / d.ep
        over, slices = group(holders, d.stage / holders), group(sliced, sympy.S.One)
        out, back, shared, added = Transfer(), Transfer(), Transfer(), Transfer()
        for number, block in self.expert_layers():
            limit = (block.groups_kept, block.groups) if block.groups > 1 else None
            chosen = block.experts_per_token
            one_token = expert_exchange(micro_batch / d.stage * width, over, chosen, limit, self.plan.copies)
            out += one_token.times(number, dispatch_bytes)
            back += one_token.times(number, combine_bytes)
            copies = chosen if self.plan.copies == "per-expert" else expected_distinct(d.ep, chosen)
            arriving = all_gather(micro_batch * width * copies / d.ep * (1 - 1 / holders), slices)
            present = expected_distinct(holders, chosen) / holders
            local = gather_between(micro_batch * width / holders * present, at_least(d.tp, sliced), d.tp)
            shared += (arriving + local).times(number, dispatch_bytes)
            added += (arriving + local).times(number, combine_bytes)  # the reduce-scatter moves the same back
        return [("expert dispatch", out), ("expert slice gather", shared), ("expert slice scatter", added),
                ("expert combine", back)]  # fmt: skip

    # --- the slots -------------------------------------------------------------------------------------------------
    def slots(self) -> dict[Symbol, Expr]:
        """Definitions that make the blackboard's terms equal to the ledger's sums."""
        flops_per_chip = sympy.Add(*[flops / split for flops, split in self.multiplied()])
        weights_per_chip = sympy.Add(*[weights / ways for weights, ways in self.streamed()])
        kv_per_chip = sympy.Add(*[per_token * (tokens + 1) / ways for per_token, tokens, ways in self.cached()])
        score_flops = [self.score_flops(layer, n) / context for layer, n in self.model.kinds.items()]
        # Every transfer is proportional to the micro-batch: one token's bytes are those of a micro-batch of one.
        moved = sum((line.traffic for line in self.communication), Transfer())
        one_token = {micro_batch: sympy.S.One}
        return {
            q.micro_batch: micro_batch_of_batch,
            q.stage_chips: self.degrees.stage,
            q.parameters: sympy.Integer(self.model.parameters),
            q.active_parameters: sympy.Integer(self.model.active_parameters),
            q.parameters_read: sympy.Add(*[weights for weights, _ in self.streamed()]),
            q.attention_flops: sympy.Add(*score_flops),
            q.kv_bytes: sympy.Add(*[per_token * tokens / context for per_token, tokens, _ in self.cached()]),
            q.kv_written: sympy.Add(*[per_token for per_token, _, _ in self.cached()]),
            q.compute_shards: _shards([s for _, s in self.multiplied()], flops_per_token, flops_per_chip),
            q.weight_shards: _shards([w for _, w in self.streamed()], parameters_read, weights_per_chip),
            q.kv_shards: _shards([w for _, _, w in self.cached()], kv_traffic_per_sequence, kv_per_chip),
            q.scale_up_bytes: moved.scale_up.xreplace(one_token),
            q.scale_out_bytes: moved.scale_out.xreplace(one_token),
            q.scale_up_starts: moved.scale_up_starts,
            q.scale_out_starts: moved.scale_out_starts,
        }


def _has_dense(layer: Layer) -> bool:
    """Whether a layer has weights that every token multiplies in its feed-forward part."""
    return any(isinstance(block, DenseFeedForward) or block.shared_intermediate for block in layer.feed_forward)


def _shards(ways: list[Expr], total: Expr, per_chip: Expr) -> Expr:
    """How many ways an amount is really split: the common number, else total over what a chip carries."""
    return ways[0] if len(set(ways)) == 1 else total / per_chip
