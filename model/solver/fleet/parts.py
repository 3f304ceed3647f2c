"""A model in two parts, each on chips of its own: attention with all that every token multiplies, and the experts.

The router stands with attention, which sends tokens to the experts that it chooses. Each part is a model with a ledger
and a room of its own, so that its times and bytes follow from the same formulas as those of the whole.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from steptime.model import symbols as q
from steptime.model.architecture.feed_forward import ExpertFeedForward
from steptime.model.architecture.transformer import Layer, Transformer
from steptime.model.choices import Split
from steptime.model.errors import UserError
from steptime.model.layout.choices import Plan
from steptime.model.layout.enumeration import Columns, layouts
from steptime.model.layout.layout import SYMBOLIC, Degrees, Layout
from steptime.model.phases.accounts import Accounts, Architecture
from steptime.model.phases.by_hand import Books
from steptime.model.phases.ledger import Ledger
from steptime.model.phases.phase import Phase
from steptime.model.phases.traffic import Line
from steptime.model.terms import one


@dataclass(frozen=True)
class Chosen(ExpertFeedForward):
    """Experts that are chosen elsewhere: without a router."""

    def router_weights(self, width: int) -> int:
        return 0


class Unlinked(Ledger):
    """A ledger of experts alone: no cache, and what they receive and send is counted with the link to attention."""

    def collectives(self) -> list[Line]:
        return []

    @cached_property
    def slots(self) -> dict[Any, Any]:
        return {**super().slots, q.kv_shards: one}  # of no cache any number is right


class AttentionAccounts(Architecture):
    """The part with attention: its ranks wait for each other, since each sends tokens to the same experts."""

    def meets(self, layout: Layout) -> bool:
        return True


class ExpertAccounts(Architecture):
    """The part with the experts."""

    def ledger(
        self, plan: Plan, phase: Phase, degrees: Degrees = SYMBOLIC, given: Mapping[Any, Any] | None = None
    ) -> Books:  # fmt: skip
        key = (plan, phase, degrees)
        if key not in self._ledgers:
            self._ledgers[key] = Unlinked(self.model, plan, degrees, phase)
        return self._ledgers[key]


def blocks_of(model: Transformer) -> list[tuple[int, ExpertFeedForward]]:
    """Layers of each kind with routed experts."""
    return [(number, block) for layer, number in model.kinds.items() for block in layer.feed_forward
            if isinstance(block, ExpertFeedForward)]  # fmt: skip


def divides(model: Transformer | None) -> bool:
    """Whether a model has two such parts, of which the terms are known: routed experts, to which the stream itself
    travels, and each layer with weights of its own."""
    return (
        model is not None and model.streams == 1 and bool(blocks_of(model))
        and not any(block.latent for _, block in blocks_of(model)) and not any(layer.shared for layer in model.kinds)
    )  # fmt: skip


def attention_part(model: Transformer) -> Transformer:
    """Everything but routed and shared experts."""
    return replace(model, layers=tuple(_without_experts(layer, model.width) for layer in model.layers))


def _without_experts(layer: Layer, width: int) -> Layer:
    experts = [block for block in layer.feed_forward if isinstance(block, ExpertFeedForward)]
    return replace(
        layer, feed_forward=tuple(block for block in layer.feed_forward if block not in experts),
        mixing=layer.mixing + sum(block.router_weights(width) for block in experts),
        vectors=layer.vectors + sum(block.vectors for block in experts),
    )  # fmt: skip


def expert_part(model: Transformer) -> Transformer:
    """Routed and shared experts alone, in the layers that have them."""
    layers = [Layer(None, (_chosen(block),)) for layer in model.layers for block in layer.feed_forward
              if isinstance(block, ExpertFeedForward)]  # fmt: skip
    return replace(model, layers=tuple(layers), vocabulary=0, positions=0, tables=0, vectors=0, unembedding=False)


def _chosen(block: ExpertFeedForward) -> Chosen:
    stated = {field.name: getattr(block, field.name) for field in fields(block)}
    return Chosen(**{**stated, "vectors": 0})


def sides(model: Transformer) -> tuple[Accounts, Accounts]:
    """The accounts of attention and of the experts."""
    found: tuple[Any, Any] = AttentionAccounts(attention_part(model)), ExpertAccounts(expert_part(model))
    return found


def layouts_of_attention(model: Transformer, sizes: Sequence[int]) -> Columns | None:
    """Tensor and data parallelism on each number of chips; None where there is none."""
    return _layouts(model, sizes, lambda size: {})


def layouts_of_experts(model: Transformer, sizes: Sequence[int]) -> Columns | None:
    """Whole experts spread over each number of chips, shared ones on all of them; None where there is none."""
    return _layouts(model, sizes, lambda size: {"tp": 1, "ep": size})


def _layouts(
    model: Transformer, sizes: Sequence[int], held: Callable[[int], Mapping[str, int]]
) -> Columns | None:  # fmt: skip
    found: list[Columns] = []
    for size in sizes:
        try:
            fixed: dict[str, int | str] = {"replicas": 1, "pp": 1, "cp": 1, "ffn": Split.TENSOR, **held(size)}
            found.append(layouts(model, [size], fixed))
        except UserError:  # no degree divides, or more chips than experts
            continue
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]} if found else None
