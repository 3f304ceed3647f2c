"""How the chips of a system share one model: the degrees of parallelism, innermost first tp, cp, dp, pp, replicas."""

from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols
from steptime.model.architecture.transformer import Transformer
from steptime.model.choices import Copies, Split


@dataclass(frozen=True)
class Degrees:
    """The degrees of parallelism as expressions: symbols for formulas, numbers for one layout."""

    tp: Expr
    cp: Expr
    dp: Expr
    ep: Expr
    pp: Expr
    replicas: Expr

    @cached_property
    def stage(self) -> Expr:
        """Chips that share one pipeline stage."""
        return self.tp * self.cp * self.dp


SYMBOLS: dict[str, Symbol] = {
    "tp": symbols.tensor_parallel,
    "cp": symbols.context_parallel,
    "dp": symbols.data_parallel,
    "ep": symbols.expert_parallel,
    "pp": symbols.pipeline_parallel,
    "replicas": symbols.replicas,
}
SYMBOLIC = Degrees(**SYMBOLS)


@dataclass(frozen=True)
class Layout:
    """One layout in numbers.

    ``ep`` spans tp·dp·cp; each expert is further sliced over the rest. ``ffn`` says whether dense feed-forward
    weights are split by tp or over the whole stage; ``copies`` how often a token is sent to its experts, None where
    the cheaper way is taken.

    >>> Layout(tp=8, pp=2).chips
    16
    """

    tp: int = 1
    cp: int = 1
    dp: int = 1
    ep: int = 1
    pp: int = 1
    replicas: int = 1
    ffn: Split = Split.TENSOR
    copies: Copies | None = None

    @cached_property
    def stage(self) -> int:
        """Chips that share one pipeline stage."""
        return self.tp * self.cp * self.dp

    @cached_property
    def chips(self) -> int:
        return self.stage * self.pp * self.replicas

    @cached_property
    def degrees(self) -> Degrees:
        return Degrees(**{name: sympy.Integer(getattr(self, name)) for name in SYMBOLS})

    def __str__(self) -> str:
        degrees = [f"{name}={getattr(self, name)}" for name in SYMBOLS]
        return ",".join(degrees + ([f"ffn={self.ffn}"] if self.ffn == Split.STAGE else []))


def impossible(layout: Layout, model: Transformer) -> str | None:
    """Why this layout cannot run the model, or None.

    Query heads must divide by tp, ep must divide the chips of a stage and not exceed the experts, and there must be a
    layer for each stage.
    """
    for heads in sorted(model.heads):
        if heads % layout.tp:
            return f"tp={layout.tp} does not divide the {heads} attention heads of {model.name}"
    if layout.pp > len(model.layers):
        return f"pp={layout.pp} exceeds the {len(model.layers)} layers of {model.name}"
    if layout.ep > max(1, model.experts):
        return f"ep={layout.ep} exceeds the {model.experts} experts of {model.name}"
    if layout.stage % layout.ep:
        return f"ep={layout.ep} does not divide the tp·cp·dp={layout.stage} chips of a stage"
    return None
