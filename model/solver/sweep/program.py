"""A program of lines at work: what depends on few axes once a piece, the rest in chunks that stay in cache."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from sympy import Symbol

from steptime.model.numeric import BLOCK
from steptime.model.solver.sweep.boxes import Box, boxes
from steptime.model.solver.sweep.lowered import Line

Array = np.ndarray

CHUNK = 2 * BLOCK
"""Points worked out at once: some ten arrays of them stay in the cache of one core."""
ONCE = 8
"""A line that is worked out once a piece has at most this share, one in so many, of the piece's points."""
TESTS = (np.less, np.less_equal, np.greater, np.greater_equal, np.logical_and, np.logical_or, np.logical_not)
"""Functions whose results are true or false."""


@dataclass(frozen=True)
class Chunk:
    """Results at some points, arrays that broadcast to ``shape``; they are overwritten by the next chunk. ``start``:
    place of the first point on each axis of the grid."""

    start: tuple[int, ...]
    shape: tuple[int, ...]
    results: tuple[Array, ...]

    @property
    def points(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Program:
    """Lines, and the places of those that are asked for. Where ``gate`` is true of no point of a chunk, nothing is
    worked out for its points alone: such results are not a number."""

    lines: tuple[Line, ...]
    asked: tuple[int, ...]
    gate: int | None = None

    @cached_property
    def needed(self) -> frozenset[int]:
        """Lines that lead to what is asked."""
        found, left = set[int](), list(self.asked)
        while left:
            place = left.pop()
            if place not in found:
                found.add(place)
                left += self.lines[place].arguments
        return frozenset(found)

    @cached_property
    def order(self) -> tuple[int, ...]:
        return tuple(sorted(self.needed))

    def run(self, leaves: Mapping[Symbol, Any], box: Box) -> Iterator[Chunk]:
        """The results over a piece of a grid, chunk by chunk. ``leaves``: a number for each symbol, or an array with a
        dimension for each axis, along the piece."""
        shape = tuple(cut.stop - cut.start for cut in box)
        if prod(shape) <= CHUNK:
            once = set(self.order)
        else:
            once = {place for place in self.order if self._size(place, shape) * ONCE <= prod(shape)}
        with np.errstate(all="ignore"):
            found = self._once(leaves, once)
            rest = [place for place in self.order if place not in once]
            if not rest and prod(shape) <= CHUNK:
                yield Chunk(tuple(cut.start for cut in box), shape, tuple(found[place] for place in self.asked))
                return
            work = _Chunks(self, rest, found)
            for part in boxes(shape, CHUNK):
                start = tuple(cut.start + piece.start for cut, piece in zip(box, part, strict=True))
                shut = self.gate in once and not np.any(_cut(found[self.gate], part))
                results = work.shut(part) if shut else work.at(part)
                yield Chunk(start, tuple(piece.stop - piece.start for piece in part), results)

    def _size(self, place: int, shape: Sequence[int]) -> int:
        return prod(shape[axis] for axis in self.lines[place].axes)

    def _once(self, leaves: Mapping[Symbol, Any], once: set[int]) -> dict[int, Any]:
        """Those lines; what no later line and no chunk asks for is let go."""
        uses = dict.fromkeys(once, 0)
        for place in self.order:
            for argument in self.lines[place].arguments:
                if argument in uses:
                    uses[argument] += 1 if place in once else 1_000_000
        found: dict[int, Any] = {}
        for place in self.order:
            if place not in once:
                continue
            line = self.lines[place]
            found[place] = _value(line, leaves) if line.function is None else line.function(
                *(found[argument] for argument in line.arguments))  # fmt: skip
            for argument in set(line.arguments):
                uses[argument] -= line.arguments.count(argument)
                if uses[argument] == 0 and argument not in self.asked:
                    del found[argument]
        leaf = {place: _value(self.lines[place], leaves) for place in self.order
                if place not in once and self.lines[place].function is None}  # fmt: skip
        return found | leaf


def _value(line: Line, leaves: Mapping[Symbol, Any]) -> Any:
    return leaves[line.leaf] if isinstance(line.leaf, Symbol) else np.float64(line.leaf)


class _Chunks:
    """The lines of every point, in buffers that are used again."""

    def __init__(self, program: Program, rest: Sequence[int], found: Mapping[int, Any]) -> None:
        self.program, self.found = program, found
        self.rest = [place for place in rest if program.lines[place].function is not None]
        last = {argument: place for place in self.rest for argument in program.lines[place].arguments}
        self.slot, self.buffers = dict[int, int](), list[Array]()
        free: dict[bool, list[int]] = {True: [], False: []}
        kinds: list[bool] = []
        for place in self.rest:
            line = program.lines[place]
            if line.is_ufunc:
                is_test = line.function in TESTS
                if not free[is_test]:
                    free[is_test].append(len(self.buffers))
                    self.buffers.append(np.empty(CHUNK, bool if is_test else float))
                    kinds.append(is_test)
                self.slot[place] = free[is_test].pop()
            for argument in set(line.arguments):
                if last[argument] == place and argument in self.slot and argument not in program.asked:
                    free[kinds[self.slot[argument]]].append(self.slot[argument])

    def shut(self, part: Box) -> tuple[Array, ...]:
        """What is asked and known already."""
        return tuple(_cut(self.found[place], part) if place in self.found else np.array(np.nan)
                     for place in self.program.asked)  # fmt: skip

    def at(self, part: Box) -> tuple[Array, ...]:
        """What is asked, over a part of the piece."""
        lines, values = self.program.lines, dict[int, Any]()

        def value(place: int) -> Any:
            if place not in values:
                values[place] = _cut(self.found[place], part)
            return values[place]

        for place in self.rest:
            line = lines[place]
            arguments = [value(argument) for argument in line.arguments]
            if place in self.slot:
                shape = tuple(cut.stop - cut.start if axis in line.axes else 1 for axis, cut in enumerate(part))
                out = self.buffers[self.slot[place]][: prod(shape)].reshape(shape)
                values[place] = line.function(*arguments, out=out)
            else:
                values[place] = line.function(*arguments)
        return tuple(value(place) for place in self.program.asked)


def _cut(value: Any, part: Box) -> Any:
    """A part of an array that has a dimension of one along the axes on which it does not depend."""
    if np.ndim(value) == 0:
        return value
    return value[tuple(cut if length > 1 else slice(None) for cut, length in zip(part, value.shape, strict=True))]
