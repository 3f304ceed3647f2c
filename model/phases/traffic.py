"""What crosses the links in a pass: its collectives, one line each.

Bytes that one chip sends on each tier, summed over layers and stages; a line whose group is one chip is left out.
"""

from dataclasses import dataclass

import sympy
from sympy import Expr

from steptime.model.architecture.attended import whole_context_read
from steptime.model.architecture.mixing import token_bytes
from steptime.model.architecture.transformer import DenseFeedForward, ExpertFeedForward, Layer, Transformer
from steptime.model.choices import Copies, Load, Split
from steptime.model.extremes import at_least, at_most
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import SYMBOLIC, Degrees
from steptime.model.network.copies import distinct_places
from steptime.model.phases.decode import DECODE
from steptime.model.phases.phase import Phase
from steptime.model.terms import OperationName, Transfer, one

from steptime.model.network.collectives import (  # isort: skip
    all_gather, all_reduce, expert_exchange, gather_between, group, reduce_scatter, send, send_back,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    combine_bytes, dispatch_bytes, expert_load, group_tokens, micro_batch, rank_batch, reduce_bytes,
    send_bytes,
)  # fmt: skip

Line = tuple[OperationName, Transfer]


def ranks_meet(model: Transformer, ffn: Split) -> bool:
    """Whether data-parallel groups share work in every pass: experts, or dense blocks that all of a stage hold."""
    blocks = (block for layer in model.kinds for block in layer.feed_forward)
    return ffn == Split.STAGE or any(isinstance(block, ExpertFeedForward) for block in blocks)


@dataclass(frozen=True)
class Pass:
    """One pass of an architecture at given degrees of parallelism, and what crosses the links in it."""

    model: Transformer
    plan: Plan
    degrees: Degrees = SYMBOLIC
    phase: Phase = DECODE

    @property
    def tokens(self) -> Expr:
        """Tokens that a stage works on in one micro-batch."""
        return micro_batch * self.phase.tokens

    @property
    def is_mean(self) -> bool:
        """Whether the lines are of a chip with the mean load; else of one on the fullest rank."""
        return self.plan.load == Load.MEAN

    @property
    def ranks(self) -> Expr:
        """Ways that data parallelism splits the sequences of a micro-batch."""
        return self.degrees.dp if self.is_mean or self.degrees.dp == 1 else micro_batch / rank_batch

    @property
    def groups(self) -> Expr:
        """Ways that groups of tp chips, each holding its tokens on all of them, split the tokens of a micro-batch."""
        mean = self.degrees.dp * self.degrees.cp
        return mean if self.is_mean or mean == 1 else self.tokens / group_tokens

    @property
    def slices(self) -> Expr:
        """Ways that a stage splits what is split within a group too: its chips, where every group is as full."""
        return self.degrees.tp * self.groups

    @property
    def expert_layers(self) -> list[tuple[int, ExpertFeedForward]]:
        """Layers of each kind with routed experts."""
        blocks = [(number, block) for layer, number in self.model.kinds.items() for block in layer.feed_forward]
        return [(number, block) for number, block in blocks if isinstance(block, ExpertFeedForward)]

    @property
    def ranks_meet(self) -> bool:
        """Whether data-parallel groups share work in every pass."""
        return ranks_meet(self.model, self.plan.ffn)

    def collectives(self) -> list[Line]:
        """The lines: tensor-parallel sums, context, dense blocks over the whole stage, experts, pipeline."""
        d, width, axes = self.degrees, self.model.width, self.plan.axes
        held = self.tokens / self.groups  # by each tensor-parallel group
        one_sum = all_reduce(held * width * reduce_bytes, group(d.tp, one, axes), self.plan.in_switch)
        sums = sum(number * layer.sums for layer, number in self.model.kinds.items())
        joined = one_sum.times(sums) + self.sums_within()
        lines = [(OperationName.TENSOR_SUMS, joined), (OperationName.CONTEXT, self.context_exchange())]
        if self.plan.ffn == Split.STAGE:
            dense = sum(number for layer, number in self.model.kinds.items() if _has_dense(layer))
            everyone = gather_between(self.tokens * width * reduce_bytes, d.stage, d.tp, axes).times(dense)
            lines += [(OperationName.STAGE_GATHER, everyone), (OperationName.STAGE_SCATTER, everyone)]
        lines += self.expert_collectives()
        lines.append((OperationName.SENDS, send(self.handed_on, d.pp, d.stage, axes)))
        return [(name, moved.started(self.phase.passes)) for name, moved in lines if moved != Transfer()]

    def sums_within(self) -> Transfer:
        """Sums of tensor-parallel chips inside a mixer, before its result: of Mamba's step sizes and state vectors."""
        over, moved = group(self.degrees.tp, one, self.plan.axes), Transfer()
        held = self.tokens / self.groups * reduce_bytes
        for mixer, number in self.model.mixers:
            if mixer.summed_elements:
                moved += all_reduce(held * mixer.summed_elements, over, self.plan.in_switch).times(number)
        return moved

    @property
    def handed_on(self) -> Expr:
        """Bytes that a chip hands to the next stage."""
        return self.tokens / self.slices * self.model.streams * self.model.width * send_bytes

    def send_back(self) -> Transfer:
        """From the last stage to the first, where each holds several chunks of layers."""
        return send_back(self.handed_on, self.degrees.pp, self.degrees.stage, self.plan.axes)

    def context_exchange(self) -> Transfer:
        """Chips that split a context share what attention needs of each other, the cheaper of two ways.

        Either queries before attention and partial results after it, or, where a pass has many tokens, the keys and
        values of all tokens. A recurrent state has neither; what its chips hand to each other is not counted.
        """
        over = group(self.degrees.cp, self.degrees.tp, self.plan.axes)
        here = micro_batch / self.ranks / self.degrees.tp
        moved = Transfer()
        for mixer, number in self.model.mixers:
            if not mixer.query_elements:
                continue  # without queries nothing is sent, and nothing started
            queries, results = (
                here * self.phase.tokens * elements * reduce_bytes
                for elements in (mixer.query_elements, mixer.output_elements)
            )
            if self.phase.tokens == 1 or not mixer.cache_elements:
                moved += (all_gather(queries, over) + reduce_scatter(results, over)).times(number)
                continue
            ways = at_most(self.degrees.tp, sympy.Integer(mixer.cache_split)) / self.degrees.tp
            read = [s.share * (s.tokens + whole_context_read(s.tokens, s.cached, s.chunks)) for s in self.phase.streams]
            keys = here / ways * sympy.Add(*read) * token_bytes(mixer)
            moved += all_gather(at_most(queries + results, keys), over).times(number)
        return moved

    def expert_collectives(self) -> list[Line]:
        """Tokens to the experts of other groups and back, and among the chips that hold slices of one expert.

        A tensor-parallel group holds its tokens on every chip, so what stays inside it moves nothing; its partial
        results are added by the all-reduce that follows. Where an expert is sliced over several such groups, they share
        the tokens that chose it.
        """
        d, axes = self.degrees, self.plan.axes
        holders, sliced = at_most(d.dp * d.cp, d.ep), d.stage / d.ep
        over, slices = group(holders, d.stage / holders, axes), group(sliced, one, axes)
        out, back, shared, added = Transfer(), Transfer(), Transfer(), Transfer()
        for number, block in self.expert_layers:
            limit = (block.groups_kept, block.groups) if block.groups > 1 else None
            chosen = block.experts_per_token
            width = block.routed_width(self.model.width)
            sent = expert_exchange(
                self.tokens / self.slices * width * expert_load, over, chosen, limit, self.plan.copies
            )
            out += sent.times(number, dispatch_bytes)
            back += sent.times(number, combine_bytes)
            copies = chosen if self.plan.copies == Copies.PER_EXPERT else distinct_places(d.ep, chosen, limit)
            arriving = all_gather(self.tokens * width * copies / d.ep * (1 - 1 / holders), slices)
            arriving = arriving.started(at_most(1, holders - 1))  # where one group holds all, nothing arrives
            present = distinct_places(holders, chosen, limit) / holders
            local = gather_between(self.tokens * width / holders * present, at_least(d.tp, sliced), d.tp, axes)
            shared += (arriving + local).times(number, dispatch_bytes)
            added += (arriving + local).times(number, combine_bytes)  # the reduce-scatter moves the same back
        names = (OperationName.DISPATCH, OperationName.SLICE_GATHER, OperationName.SLICE_SCATTER, OperationName.COMBINE)
        return list(zip(names, (out, shared, added, back), strict=True))


def _has_dense(layer: Layer) -> bool:
    """Whether a layer has weights that every token multiplies in its feed-forward part."""
    return any(isinstance(block, DenseFeedForward) or block.shared_intermediate for block in layer.feed_forward)
