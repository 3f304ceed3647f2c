"""What an engine can run, as rules on degrees: each holds of one layout's numbers, or of arrays for many at once.

A rule is a fact of the engine's own documentation or source; what could not be looked up is refused and says so, since
a command that does not start is worse than none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from steptime.model.architecture.transformer import (
    DenseFeedForward,
    ExpertFeedForward,
    GroupedAttention,
    Transformer,
)
from steptime.model.choices import EngineName, Format, PhaseName, Split
from steptime.model.layout.enumeration import Columns
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import Accounts
from steptime.model.step.case import Case
from steptime.model.step.inputs import Inputs

SERVING = (PhaseName.DECODE, PhaseName.PREFILL)


@dataclass(frozen=True)
class Degrees:
    """The degrees of one layout, or columns of many; ``ffn_all`` where dense blocks are split over the whole stage."""

    tp: Any
    cp: Any
    dp: Any
    ep: Any
    pp: Any
    replicas: Any
    ffn_all: Any

    @property
    def stage(self) -> Any:
        """Chips that share one pipeline stage."""
        return self.tp * self.cp * self.dp

    @staticmethod
    def of(layout: Layout) -> "Degrees":
        degrees = layout.tp, layout.cp, layout.dp, layout.ep, layout.pp, layout.replicas
        return Degrees(*degrees, layout.ffn == Split.STAGE)

    @staticmethod
    def each(columns: Columns) -> "Degrees":
        """Those of every row."""
        return Degrees(**{name: columns[name] for name in Degrees.__dataclass_fields__})


@dataclass(frozen=True)
class Blocks:
    """What of a model decides how chips can share it: ``dense`` where every token passes some block, ``shared`` where
    shared experts are such blocks; ``kv_heads`` the numbers of key-value heads that occur."""

    layers: int
    experts: int
    kv_heads: tuple[int, ...]
    dense: bool
    shared: bool

    @staticmethod
    def of(model: Transformer) -> "Blocks":
        """Those of an architecture.

        >>> from steptime.model.catalog.transformers import load_transformer
        >>> Blocks.of(load_transformer("gpt-oss-120b"))
        Blocks(layers=36, experts=128, kv_heads=(8,), dense=False, shared=False)
        """
        blocks = [block for layer in model.kinds for block in layer.feed_forward]
        shared = any(block.shared_intermediate for block in blocks if isinstance(block, ExpertFeedForward))
        dense = shared or any(isinstance(block, DenseFeedForward) for block in blocks)
        heads = {mixer.kv_heads for mixer, _ in model.mixers if isinstance(mixer, GroupedAttention)}
        return Blocks(len(model.layers), model.experts, tuple(sorted(heads)), dense, shared)


@dataclass(frozen=True)
class Rule:
    """``holds`` of what an engine can run, for degrees, a model's blocks and what is asked; ``why`` it cannot where
    this does not hold, with degrees in braces."""

    holds: Callable[[Degrees, Blocks, Inputs], Any]
    why: str

    def said(self, degrees: Degrees, blocks: Blocks) -> str:
        """Why one layout is refused."""
        numbers = {name: f"{getattr(degrees, name):g}" for name in (*Degrees.__dataclass_fields__, "stage")}
        return self.why.format(**numbers, experts=blocks.experts, layers=blocks.layers,
                               kv_heads=" and ".join(map(str, blocks.kv_heads)))  # fmt: skip


@dataclass(frozen=True)
class Written:
    """A command as the lines of a shell script, how many copies of it run side by side, and what it leaves open."""

    lines: tuple[str, ...]
    copies: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Engine:
    """``rules`` on layouts; ``objects``: why it runs no layout as asked, or None; ``written``: the command of a case
    that it runs, for a checkpoint; ``sources``: where this stands, looked up on ``date``."""

    name: EngineName
    called: str
    phases: tuple[PhaseName, ...]
    rules: tuple[Rule, ...]
    objects: Callable[[Inputs, Accounts], str | None]
    written: Callable[[Case, str], Written]
    sources: tuple[str, ...]
    date: str


def kv_heads_lie_evenly(degrees: Degrees, blocks: Blocks, _: Inputs) -> Any:
    """Whether each chip has the same number of key-value heads, or each head lies on the same number of chips."""
    even: Any = True
    for heads in blocks.kv_heads:
        even = even & ((heads % degrees.tp == 0) | (degrees.tp % heads == 0))
    return even


def experts_lie_evenly(degrees: Degrees, blocks: Blocks, _: Inputs) -> Any:
    """Whether each chip has the same number of experts."""
    return (degrees.ep == 1) | (blocks.experts % degrees.ep == 0)


def dense_over_tp(degrees: Degrees, blocks: Blocks, _: Inputs) -> Any:
    """Whether blocks that every token passes are split over tensor-parallel chips alone."""
    return (not blocks.dense) | (degrees.ffn_all == 0) | (degrees.stage == degrees.tp)


KV_HEADS = Rule(
    kv_heads_lie_evenly, "tp={tp}: neither divides the {kv_heads} key-value heads nor is a multiple of them"
)
EXPERTS = Rule(experts_lie_evenly, "ep={ep}: the {experts} experts do not divide by it")


def cache_said(caches: Mapping[Format, str], kv: Format, accounts: Accounts) -> str | None:
    """What an engine calls a format of the KV cache; None where it takes the model's own data type unasked."""
    own = accounts.kv is None and kv in (Format.BF16, Format.FP16)
    return None if own else caches[kv]
