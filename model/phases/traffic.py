"""What crosses the links in a pass: the collectives of a ledger, one line each.

Bytes that one chip sends on each tier, summed over layers and stages; a line whose group is one chip is left out.
"""

from dataclasses import dataclass

import sympy
from sympy import Expr

from steptime.model.architecture.attended import whole_context_read
from steptime.model.architecture.transformer import DenseFeedForward, ExpertFeedForward, Layer, Transformer
from steptime.model.extremes import at_least, at_most
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import Degrees
from steptime.model.network.collectives import (
    all_gather,
    all_reduce,
    expert_exchange,
    gather_between,
    group,
    reduce_scatter,
    send,
    send_back,
)  # fmt: skip
from steptime.model.network.copies import distinct_places
from steptime.model.phases.phase import Phase
from steptime.model.symbols import (
    bytes_per_kv,
    combine_bytes,
    dispatch_bytes,
    expert_load,
    micro_batch,
    reduce_bytes,
    send_bytes,
)
from steptime.model.terms import Operation, Transfer


@dataclass(frozen=True)
class Traffic:
    """The collectives of one architecture at given degrees of parallelism."""

    model: Transformer
    plan: Plan
    degrees: Degrees
    phase: Phase

    @property
    def groups(self) -> Expr:
        """Groups of chips with a share of the batch of their own, each holding its tokens on tp chips."""
        return self.degrees.dp * self.degrees.cp

    @property
    def tokens(self) -> Expr:
        """Tokens that a stage works on in one micro-batch."""
        return micro_batch * self.phase.tokens

    def operations(self) -> tuple[Operation, ...]:
        """The lines: tensor-parallel sums, context, dense blocks over the whole stage, experts, pipeline."""
        d, width, axes = self.degrees, self.model.width, self.plan.axes
        tp_group = group(d.tp, sympy.S.One, axes)
        held = self.tokens / self.groups  # by each tensor-parallel group
        one_reduce = all_reduce(held * width * reduce_bytes, tp_group, self.plan.in_switch)
        reduces = sum(n * layer.sums for layer, n in self.model.kinds.items())
        lines = [("tensor-parallel all-reduce", one_reduce.times(reduces))]
        lines.append(("context exchange", self.context_exchange()))
        if self.plan.ffn == "all":
            dense = sum(n for layer, n in self.model.kinds.items() if _has_dense(layer))
            everyone = gather_between(self.tokens * width * reduce_bytes, d.stage, d.tp, axes).times(dense)
            lines += [("feed-forward gather", everyone), ("feed-forward scatter", everyone)]
        lines += self.expert_communication()
        lines.append(("pipeline sends", send(self.handed_on, d.pp, d.stage, axes)))
        moving = [(name, moved.started(self.phase.passes)) for name, moved in lines if moved != Transfer()]
        return tuple(Operation(name, network=(moved,)) for name, moved in moving)

    @property
    def handed_on(self) -> Expr:
        """Bytes that a chip hands to the next stage."""
        return self.tokens / self.degrees.stage * self.model.width * send_bytes

    def send_back(self) -> Transfer:
        """From the last stage to the first, where each holds several chunks of layers."""
        return send_back(self.handed_on, self.degrees.pp, self.degrees.stage, self.plan.axes)

    def context_exchange(self) -> Transfer:
        """Chips that split a context share what attention needs of each other, the cheaper of two ways.

        Either queries before attention and partial results after it, or, where a pass has many tokens, the keys and
        values of all tokens. A recurrent state is split by heads: its inputs and results are what is shared.
        """
        over = group(self.degrees.cp, self.degrees.tp, self.plan.axes)
        here = micro_batch / self.degrees.dp / self.degrees.tp
        moved = Transfer()
        for mixer, number in self.model.mixers:
            queries, results = (
                here * self.phase.tokens * elements * reduce_bytes
                for elements in (mixer.query_elements, mixer.output_elements)
            )
            if self.phase.tokens == 1 or not mixer.cache_elements:
                moved += (all_gather(queries, over) + reduce_scatter(results, over)).times(number)
                continue
            ways = at_most(self.degrees.tp, sympy.Integer(mixer.cache_split)) / self.degrees.tp
            streams = self.phase.streams
            tokens = sympy.Add(
                *[s.share * (s.tokens + whole_context_read(s.tokens, s.cached, s.chunks)) for s in streams]
            )
            keys = here / ways * tokens * mixer.cache_elements * bytes_per_kv
            moved += all_gather(at_most(queries + results, keys), over).times(number)
        return moved

    def expert_communication(self) -> list[tuple[str, Transfer]]:
        """Tokens to the experts of other groups and back, and among the chips that hold slices of one expert.

        A tensor-parallel group holds its tokens on every chip, so what stays inside it moves nothing; its partial
        results are added by the all-reduce that follows. Where an expert is sliced over several such groups, they share
        the tokens that chose it.
        """
        d, width, axes = self.degrees, self.model.width, self.plan.axes
        holders, sliced = at_most(self.groups, d.ep), d.stage / d.ep
        over, slices = group(holders, d.stage / holders, axes), group(sliced, sympy.S.One, axes)
        out, back, shared, added = Transfer(), Transfer(), Transfer(), Transfer()
        for number, block in _expert_layers(self.model):
            limit = (block.groups_kept, block.groups) if block.groups > 1 else None
            chosen = block.experts_per_token
            sent = expert_exchange(self.tokens / d.stage * width * expert_load, over, chosen, limit, self.plan.copies)
            out += sent.times(number, dispatch_bytes)
            back += sent.times(number, combine_bytes)
            copies = chosen if self.plan.copies == "per-expert" else distinct_places(d.ep, chosen, limit)
            arriving = all_gather(self.tokens * width * copies / d.ep * (1 - 1 / holders), slices)
            present = distinct_places(holders, chosen, limit) / holders
            local = gather_between(self.tokens * width / holders * present, at_least(d.tp, sliced), d.tp, axes)
            shared += (arriving + local).times(number, dispatch_bytes)
            added += (arriving + local).times(number, combine_bytes)  # the reduce-scatter moves the same back
        return [("expert dispatch", out), ("expert slice gather", shared), ("expert slice scatter", added),
                ("expert combine", back)]  # fmt: skip


def _has_dense(layer: Layer) -> bool:
    """Whether a layer has weights that every token multiplies in its feed-forward part."""
    return any(isinstance(block, DenseFeedForward) or block.shared_intermediate for block in layer.feed_forward)


def _expert_layers(model: Transformer) -> list[tuple[int, ExpertFeedForward]]:
    blocks = [(number, block) for layer, number in model.kinds.items() for block in layer.feed_forward]
    return [(number, block) for number, block in blocks if isinstance(block, ExpertFeedForward)]
