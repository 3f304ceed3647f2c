"""What another tool may do otherwise: a term times a factor, a time that it adds, a convention, another overlap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np

from steptime.model.choices import Overlap
from steptime.model.terms import OperationName

from steptime.model.solver.compared.pieces import (  # isort: skip
    COMPUTE, EMBEDDING, FIXED, LINKS, MATRICES, MEMORY, OUT, RESOURCES, STARTS, STREAM, UP, Array, Pieces,
)  # fmt: skip


MOST_FACTOR = 8.0
"""A term that is off by more, either way, is no term of ours with a factor, but another one."""
TIMES = {"step": (1e-5, 1e-1), "collective": (1e-7, 1e-3), "kernel": (1e-8, 1e-4), "layer": (1e-7, 1e-3)}
"""Seconds that a start-up may take."""
TOUCHES = (0.5, 12.0)
"""How often a layer may write or read its stream, or its matrices of scores: two for each kernel of a layer."""


class Kind(StrEnum):
    """How a change acts on pieces."""

    FACTOR = "factor"
    ADDED = "added"
    LEAST = "least"
    RATIO = "ratio"
    OVERLAP = "overlap"


@dataclass(frozen=True, eq=False)
class Change:
    """One thing done otherwise. ``factor``: one number over all cases, in seconds where it is a time; None where it is
    to be found, within ``limits``. ``where`` are the operations by resources that it acts on, or for a ratio the ratio
    at each case; ``column`` what an added term is a multiple of, and ``at`` the operation and resource that have it."""

    term: str
    kind: Kind
    factor: float | None = None
    explains: str = ""
    unit: str = ""
    where: Array | None = None
    column: Array | None = None
    at: tuple[int, int] = (0, 0)
    overlap: Overlap | None = None
    limits: tuple[float, float] = (1 / MOST_FACTOR, MOST_FACTOR)

    @cached_property
    def is_free(self) -> bool:
        """Whether its factor is to be found."""
        return self.factor is None and self.kind in (Kind.FACTOR, Kind.ADDED, Kind.LEAST)

    @cached_property
    def flat(self) -> Array:
        """``where`` as one row of ones and zeros."""
        return np.ravel(np.asarray(self.where, float))

    def of(self, places: Array) -> "Change":
        """The change in some of the cases."""
        where = self.where[places] if self.kind == Kind.RATIO and self.where is not None else self.where
        column = None if self.column is None else self.column[places]
        return replace(self, where=where, column=column)


CACHE = (OperationName.SCORES, OperationName.ATTENTION)
OVERLAPS = {
    Overlap.PER_OPERATION: "operations one after another",
    Overlap.NONE: "compute, memory, links add up",
}
RATIOS = {
    "ring": ("all-reduce in a ring", "not in the switch"),
    "payload": ("payload of sums", "in the format of activations, not bf16"),
    "cache": ("KV cache in 16 bits", "whatever is stated"),
    "format": ("weights in one format", "none kept in 16 bits"),
    "unsplit": ("vocabulary table, whole", "input or output, on every chip"),
    "mask": ("scores without a mask", "every token with every token"),
    "tokens": ("unembedding of every token", "not of the last alone"),
}


def everything(pieces: Pieces) -> Change:
    """One multiplier on the whole answer: what any explanation must beat."""
    return Change("everything", Kind.FACTOR, where=_where(pieces, pieces.operations, *range(len(RESOURCES))))


def overlaps() -> list[Change]:
    """What may overlap otherwise."""
    return [Change(f"overlap {rule}", Kind.OVERLAP, explains=said, overlap=rule) for rule, said in OVERLAPS.items()]


def changes_of(pieces: Pieces) -> list[Change]:
    """What else may be otherwise in these cases, the more general first: nothing that acts on no case."""
    found = [Change(name, Kind.FACTOR, where=where) for name, where in terms_of(pieces).items()]
    links = _where(pieces, pieces.operations, *LINKS)
    if _acts(pieces, links):
        found.append(Change("interconnect", Kind.FACTOR, 0.0, "links take no time", where=links))
    found += [Change(name, Kind.RATIO, explains=said, where=pieces.ratios[key]) for key, (name, said) in RATIOS.items()
              if np.any((pieces.ratios[key] != 1) & (pieces.seconds > 0))]  # fmt: skip
    if np.any(pieces.added[EMBEDDING]):
        found.append(_added(pieces, EMBEDDING, MEMORY, pieces.added[EMBEDDING], f"{EMBEDDING}, whole", 1.0,
                            "read on every chip"))  # fmt: skip
    for name, place, said in ((STREAM, OperationName.PROJECTIONS, "times read or written in a layer"),
                              (MATRICES, MATRICES, "times read or written")):  # fmt: skip
        if np.any(pieces.added[name]) and place in pieces.operations:
            found.append(_added(pieces, place, MEMORY, pieces.added[name], f"{name} in memory", None, said,
                                limits=TOUCHES))  # fmt: skip
    counted: list[Array] = []
    for name, number in pieces.each.items():
        if np.any(number) and not any(in_proportion(number, other) for other in counted):
            counted.append(number)
            found.append(_added(pieces, STARTS, FIXED, number, per(name), None, "", "s", TIMES[name]))
    if np.any(pieces.starts):
        found.append(Change("least time of a collective", Kind.LEAST, unit="s", where=links,
                            limits=TIMES["collective"]))  # fmt: skip
    return found


def per(name: str) -> str:
    """The term of a start-up that goes with a number."""
    return f"start-up of each {name}"


def in_proportion(number: Array, other: Array) -> bool:
    """Whether two numbers are in one proportion in all cases, so that no case tells times per each apart."""
    most = int(np.argmax(other))
    return bool(number[most] > 0 and np.all(number * other[most] == other * number[most]))


def terms_of(pieces: Pieces) -> Mapping[str, Array]:
    """Our terms by name, as the operations by resources that they are made of: whole resources, weights and cache, and
    single operations where a resource has several."""
    every, others = pieces.operations, [name for name in OperationName if name not in CACHE]
    named: dict[str, tuple[Sequence[str], tuple[int, ...]]] = {
        "memory": (every, (MEMORY,)), "compute": (every, (COMPUTE,)), "interconnect": (every, LINKS),
        "scale-up": (every, (UP,)), "scale-out": (every, (OUT,)),
        "KV cache": (CACHE, (MEMORY,)), "weights": (others, (MEMORY,)), "FLOP of scores": (CACHE, (COMPUTE,)),
        "FLOP of weights": (others, (COMPUTE,)),
    }  # fmt: skip
    for name in OperationName:
        named |= {f"bytes of {name}": ([name], (MEMORY,)), f"FLOP of {name}": ([name], (COMPUTE,)),
                  str(name): ([name], LINKS)}  # fmt: skip
    found = {name: _where(pieces, operations, *resources) for name, (operations, resources) in named.items()}
    kept: dict[str, Array] = {}
    for term, where in found.items():
        acts = where & np.any(pieces.seconds > 0, axis=0)
        if np.any(acts) and not any(np.array_equal(acts, _acting(pieces, other)) for other in kept.values()):
            kept[term] = where
    return kept


def _acting(pieces: Pieces, where: Array) -> Array:
    return np.asarray(where & np.any(pieces.seconds > 0, axis=0))


def _acts(pieces: Pieces, where: Array) -> bool:
    return bool(np.any(_acting(pieces, where)))


def _where(pieces: Pieces, operations: Sequence[str], *resources: int) -> Array:
    named = np.isin(pieces.operations, list(operations))
    return named[:, None] & np.isin(np.arange(len(RESOURCES)), resources)


def _added(
    pieces: Pieces,
    operation: str,
    resource: int,
    column: Array,
    term: str,
    factor: float | None,
    explains: str,
    unit: str = "",
    limits: tuple[float, float] = (0.0, 1.0),
) -> Change:
    at = pieces.operations.index(operation), resource
    return Change(term, Kind.ADDED, factor, explains, unit, None, column, at, limits=limits)
