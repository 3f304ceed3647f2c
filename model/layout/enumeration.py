"""Every layout of a model on so many chips, as columns of whole numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
from sympy import divisors

from steptime.model.architecture.transformer import DenseFeedForward, ExpertFeedForward, Transformer
from steptime.model.choices import Split
from steptime.model.errors import UserError
from steptime.model.layout.layout import Layout

DEGREES = ("tp", "cp", "dp", "ep", "pp", "replicas")
NAMES = (*DEGREES, "ffn_all", "chips")
MOST_BYTES = 2**28
"""Bytes that the layouts of one search may take, numbered, or where all are written down: a quarter of a gigabyte."""
_BYTES = 128
"""Bytes of one choice of tp, pp and replicas, or kind of stages, while all are gathered."""
Columns = dict[str, Any]
"""Arrays by name, or what gives some rows as they do."""
Array = np.ndarray


class Rows(Protocol):
    """Rows that follow from their numbers."""

    def at(self, numbers: Array, names: Sequence[str] | None = None) -> Columns:
        """Columns of some rows by their numbers."""

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Column:
    """One column of rows that are not written down: by numbers, as of an array."""

    of: Rows
    name: str

    def __len__(self) -> int:
        return len(self.of)

    def __getitem__(self, numbers: Any) -> Any:
        return self.of.at(np.asarray(numbers), [self.name])[self.name]


def gathered(columns: Columns, rows: Array, names: Sequence[str] | None = None) -> Columns:
    """Some rows of columns, written down; of those ``names`` that there are."""
    some = [name for name in columns if names is None or name in names]
    first = next(iter(columns.values()))
    return first.of.at(rows, some) if isinstance(first, Column) else {name: columns[name][rows] for name in some}


@dataclass(frozen=True)
class Numbered:
    """Every layout of a model on so many chips by its number, none written down.

    Stages and replicas are a row of ``outer``: chips, tp, pp, replicas, and what kind of stages; ``starts``: the number
    of the first of its layouts, and how many there are of all. How the chips of a stage are shared is a row of
    ``inner``: cp, ep, and whether dense blocks are split over all; those of one kind lie together from ``places``.
    """

    outer: Array
    inner: Array
    starts: Array
    places: Array

    def __len__(self) -> int:
        return int(self.starts[-1])

    def at(self, numbers: Array, names: Sequence[str] | None = None) -> Columns:
        """Columns of some layouts by their numbers."""
        row = np.searchsorted(self.starts, numbers, side="right") - 1
        chips, tp, pp, replicas, kind = (column.astype(float) for column in self.outer[row].T)
        cp, ep, ffn_all = self.inner[self.places[kind.astype(int)] + numbers - self.starts[row]].T.astype(float)
        dp = chips / (tp * pp * replicas * cp)
        found = dict(zip(NAMES, (tp, cp, dp, ep, pp, replicas, ffn_all, chips), strict=True))
        return found if names is None else {name: found[name] for name in names}

    def columns(self) -> Columns:
        """Columns that are worked out where they are asked for."""
        return {name: Column(self, name) for name in NAMES}


def layouts(model: Transformer, chips: Sequence[int], fixed: Mapping[str, int | str] | None = None) -> Columns:
    """All possible layouts, one a row: a column for each degree, ``ffn_all`` 0 or 1, and ``chips``.

    ``fixed`` degrees are held. Raises UserError where nothing is possible, or too much.

    >>> from steptime.model.catalog.transformers import load_transformer
    >>> len(layouts(load_transformer("llama-3.1-70b"), [8])["tp"])
    60
    """
    found = numbered(model, chips, fixed)
    _must_fit(len(found) * len(NAMES) * np.dtype(float).itemsize)
    return found.at(np.arange(len(found)))


def numbered(model: Transformer, chips: Sequence[int], fixed: Mapping[str, int | str] | None = None) -> Numbered:
    """The same, not written down: memory grows with the ways to choose tp, pp and replicas alone.

    >>> from steptime.model.catalog.transformers import load_transformer
    >>> found = numbered(load_transformer("llama-3.1-70b"), [8])
    >>> len(found), len(found.outer), found.at(np.array([59]), ["tp", "dp"])
    (60, 20, {'tp': array([8.]), 'dp': array([1.])})
    """
    outer, kinds, inner, ways = list[tuple[int, ...]](), dict[tuple[int, int], int](), list[Array](), 0
    for number in chips:
        for tp, pp, replicas in _stages(model, number):
            if _holds(fixed, tp=tp, pp=pp, replicas=replicas):
                stage = tp, number // (pp * replicas)
                if stage not in kinds:
                    kinds[stage] = len(inner)
                    inner.append(_shared(model, *stage, fixed))
                    ways += len(inner[-1])
                outer.append((number, tp, pp, replicas, kinds[stage]))
        _must_fit(_BYTES * (len(outer) + len(inner)) + 12 * ways)
    sizes = np.array([len(one) for one in inner], np.int64)
    table = np.array(outer, np.int32).reshape(-1, 5)
    starts = np.append(0, np.cumsum(sizes[table[:, 4]]))
    if not starts[-1]:
        held = f" with {', '.join(f'{key}={value}' for key, value in fixed.items())}" if fixed else ""
        raise UserError(f"`chips` {', '.join(map(str, chips))}: {model.name} has no layout on so many chips{held}")
    return Numbered(table, np.concatenate(inner), starts, np.append(0, np.cumsum(sizes)))


def one_split(chips: int) -> Columns:
    """The one layout of a model that is split perfectly: tensor parallel over all chips."""
    row = dict.fromkeys(DEGREES, 1) | {"tp": chips, "ffn_all": 0, "chips": chips}
    return {name: np.array([value], dtype=float) for name, value in row.items()}


def layout_of(columns: Columns, row: int) -> Layout:
    """One row as a layout."""
    tp, cp, dp, ep, pp, replicas = (int(columns[name][row]) for name in DEGREES)
    return Layout(tp, cp, dp, ep, pp, replicas, Split.STAGE if columns["ffn_all"][row] else Split.TENSOR)


def _must_fit(size: int) -> None:
    if size > MOST_BYTES:
        raise UserError(f"the layouts take more than {MOST_BYTES // 2**20:,} MiB of memory: give fewer `chips`, or hold"
                        " some degrees with `layout`")  # fmt: skip


def _holds(fixed: Mapping[str, int | str] | None, **row: object) -> bool:
    return not fixed or all(fixed.get(key, value) == value for key, value in row.items())


def _stages(model: Transformer, chips: int) -> Iterator[tuple[int, int, int]]:
    """tp, pp and replicas: tp divides the heads, and each stage has a layer."""
    for tp in _divisors(chips):
        if any(heads % tp for heads in model.heads):
            continue
        for pp in _divisors(chips // tp):
            if pp <= len(model.layers):
                for replicas in _divisors(chips // tp // pp):
                    yield tp, pp, replicas


def _shared(model: Transformer, tp: int, stage: int, fixed: Mapping[str, int | str] | None) -> Array:
    """cp, ep, and whether dense blocks are split over all of so many chips: ep divides them and leaves each an expert.

    Dense blocks over the whole stage differ from tp alone only where a stage has more chips and the model such blocks.
    """
    dense = any(
        isinstance(block, DenseFeedForward) or block.shared_intermediate
        for layer in model.kinds
        for block in layer.feed_forward
        if isinstance(block, DenseFeedForward | ExpertFeedForward)
    )
    both = [Split.TENSOR, Split.STAGE] if dense and stage > tp else [Split.TENSOR]
    some = [ep for ep in _divisors(stage) if ep <= max(1, model.experts)] if model.experts else [1]
    rows = [(cp, ep, split == Split.STAGE) for cp in _divisors(stage // tp) for ep in some for split in both
            if _holds(fixed, cp=cp, dp=stage // tp // cp, ep=ep, ffn=split)]  # fmt: skip
    return np.array(rows, np.int32).reshape(-1, 3)


@cache
def _divisors(number: int) -> tuple[int, ...]:
    return tuple(divisors(number))
