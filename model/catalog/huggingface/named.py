"""A module of a checkpoint: the names that it may have, and the weights in it."""

from collections.abc import Iterable
from dataclasses import dataclass

from steptime.model.choices import Weight


@dataclass(frozen=True)
class Module:
    """Weights that are stored alike: their names, their number, the kind of weights they are; ``left_as``, the kind as
    which those who quantise leave it alone, where that is another."""

    names: tuple[str, ...]
    weights: int
    kind: Weight
    left_as: Weight | None = None


def within(parents: Iterable[str], *names: str) -> tuple[str, ...]:
    """Every name below every parent.

    >>> within(("mlp", "ffn"), "up_proj")
    ('mlp.up_proj', 'ffn.up_proj')
    """
    return tuple(f"{parent}.{name}" for parent in parents for name in names)
