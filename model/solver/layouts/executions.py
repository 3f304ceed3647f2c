"""Every way to train on some layouts, numbered and not written down: what one is follows from its number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sympy import divisors

from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import Column, Columns
from steptime.model.solver.layouts.points import Search

Array = np.ndarray
OWN = ("layout_row", "microbatch", "interleave")
"""What an execution has beside its layout."""


@dataclass(frozen=True)
class Executions:
    """Layouts one after another, each with all its micro-batches, and with each of these all ways to cut its stages.

    ``starts``: the number of the first execution of each layout, and how many there are of all. ``sizes`` and
    ``chunks``: micro-batches and chunks of a stage by kind of layout, a row each; ``size_of`` and ``chunks_of``: which
    row is a layout's, and ``ways`` how many chunks it has.
    """

    layouts: Columns
    starts: Array
    sizes: Array
    chunks: Array
    size_of: Array
    chunks_of: Array
    ways: Array

    def __len__(self) -> int:
        return int(self.starts[-1])

    def at(self, numbers: Array, names: Sequence[str] | None = None) -> Columns:
        """Columns of some executions by their numbers."""
        row = np.searchsorted(self.starts, numbers, side="right") - 1
        found: Columns = {}
        for name in (*self.layouts, *OWN) if names is None else names:
            if name in self.layouts:
                found[name] = self.layouts[name][row]
            elif name == "layout_row":
                found[name] = row
            elif name == "microbatch":
                found[name] = self.sizes[self.size_of[row], (numbers - self.starts[row]) // self.ways[row]]
            else:
                found[name] = self.chunks[self.chunks_of[row], (numbers - self.starts[row]) % self.ways[row]]
        return found

    def columns(self) -> Columns:
        """Columns that are worked out where they are asked for."""
        return {name: Column(self, name) for name in (*self.layouts, *OWN)}


def executions(columns: Columns, search: Search, layers: int) -> Columns:
    """Layouts with every micro-batch that divides a rank's share of the batch, and every way to cut a stage's layers in
    chunks; raises UserError where there is none."""
    if len(search.batches) != 1:
        raise UserError("a search in `phase` train needs one `batch`: the global batch in sequences")
    batch = search.batches[0]
    ranks, size_of = np.unique(columns["dp"] * columns["replicas"], return_inverse=True)
    depths, chunks_of = np.unique(columns["pp"], return_inverse=True)
    sizes = [_sizes(batch, int(number), search) for number in ranks]
    chunks = [_chunks(layers, int(depth), search) for depth in depths]
    ways = np.array([len(one) for one in chunks])[chunks_of]
    starts = np.append(0, np.cumsum(np.array([len(one) for one in sizes])[size_of] * ways))
    if not starts[-1]:
        raise UserError(f"`batch` {batch}: no layout divides it into whole micro-batches")
    return Executions(columns, starts, _table(sizes), _table(chunks), size_of, chunks_of, ways).columns()


def _sizes(batch: int, ranks: int, search: Search) -> list[int]:
    """Micro-batches of so many ranks."""
    if batch % ranks:
        return []
    share = batch // ranks
    sizes = divisors(share) if "microbatch" in search.free else [search.given(q.microbatch)]
    return [size for size in sizes if share % size == 0]


def _chunks(layers: int, depth: int, search: Search) -> list[int]:
    """Chunks in which a stage may be cut."""
    cuts = divisors(layers // depth)[1:] if depth > 1 else []
    chunks = [1, *(cut for cut in cuts if layers % (depth * cut) == 0)]
    return chunks if "interleave" in search.free else [cut for cut in chunks if cut == search.given(q.interleave)]


def _table(rows: Sequence[Sequence[int]]) -> Array:
    """Lists as rows of one table, filled with ones."""
    table = np.ones((len(rows), max(1, *map(len, rows), 1)))
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table
