"""What a picture shows, as numbers: curves, bars, regions of a plane, passes of a pipeline. Base units throughout."""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from steptime.model.text.format import finite
from steptime.model.text.schemas import stamp

Array = np.ndarray
Cell = str | float | int


class Role(StrEnum):
    """What a curve is, which decides how it is drawn."""

    COMPUTE = "compute"
    MEMORY = "memory"
    INTERCONNECT = "interconnect"
    WEIGHTS = "weights"
    KV = "kv"
    BOUND = "bound"
    ESTIMATE = "estimate"
    FLOOR = "floor"
    OTHER = "other"
    SAMPLE = "sample"


@dataclass(frozen=True)
class Axis:
    """What is counted along an axis, in which base unit; ``log``: equal lengths are equal ratios."""

    name: str
    unit: str = ""
    log: bool = True

    @property
    def heading(self) -> str:
        """The axis as the heading of a column.

        >>> Axis("time of a step", "s").heading, Axis("batch").heading
        ('time of a step [s]', 'batch')
        """
        return f"{self.name} [{self.unit}]" if self.unit else self.name


@dataclass(frozen=True)
class Curve:
    """A named curve; ``formula``: its closed form in LaTeX, where it has one that is written."""

    name: str
    x: Array
    y: Array
    role: Role = Role.OTHER
    formula: str = ""


@dataclass(frozen=True)
class Points:
    """Named points that no line joins."""

    name: str
    x: Array
    y: Array
    role: Role = Role.OTHER


@dataclass(frozen=True)
class Edge:
    """A value of the horizontal axis that means something; ``beyond``: whatever lies to its right."""

    name: str
    x: float
    beyond: bool = False


@dataclass(frozen=True)
class Chart(ABC):
    """A picture's numbers: its kind, a title, and the scenario in words."""

    kind: str
    title: str
    about: str

    @abstractmethod
    def rows(self) -> Iterator[Sequence[Cell]]:
        """Headings, then every number that is drawn."""

    def csv(self) -> str:
        """The numbers as CSV in base units."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(self.rows())
        return out.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """The same for scripts."""
        headings, *rows = self.rows()
        said = {"kind": self.kind, "title": self.title, "about": self.about}
        found = {**said, "columns": list(headings), "rows": [list(row) for row in rows]}
        return {"schema": stamp("picture"), **finite(found)}


@dataclass(frozen=True)
class Curves(Chart):
    """Curves over one axis, points on them, and edges."""

    x: Axis
    y: Axis
    curves: tuple[Curve, ...]
    points: tuple[Points, ...] = ()
    edges: tuple[Edge, ...] = ()

    def rows(self) -> Iterator[Sequence[Cell]]:
        yield "curve", self.x.heading, self.y.heading
        drawn: tuple[Curve | Points, ...] = (*self.curves, *self.points)
        for one in drawn:
            for x, y in zip(one.x, one.y, strict=True):
                yield one.name, float(x), float(y)
        for edge in self.edges:
            yield edge.name, edge.x, float("nan")


@dataclass(frozen=True)
class Panels(Chart):
    """Several charts of the same curves, side by side."""

    charts: tuple[Curves, ...]

    def rows(self) -> Iterator[Sequence[Cell]]:
        yield "panel", "curve", "x", "y"
        for chart in self.charts:
            headings, *rows = chart.rows()
            for row in rows:
                yield f"{headings[2]} over {headings[1]}", *row


@dataclass(frozen=True)
class Bars(Chart):
    """Stacked bars: of each bar so much of each part; ``limits``: values that bars are compared to.

    ``ends``: parts are ends of an interval about zero, one bar each, and not stacked. ``same``: of which other part a
    part is another account.
    """

    axis: Axis
    bars: tuple[str, ...]
    parts: Mapping[str, tuple[float, ...]]
    limits: Mapping[str, float]
    ends: bool = False
    same: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[Sequence[Cell]]:
        yield "bar", "part", self.axis.heading
        for place, bar in enumerate(self.bars):
            for part, values in self.parts.items():
                yield bar, part, values[place]
        for name, value in self.limits.items():
            yield "", name, value


@dataclass(frozen=True)
class Regions(Chart):
    """Which of some names holds at each point of a plane, and the curves between; ``fits``: where there is room.

    ``which[i, j]`` is the place of the name at ``xs[i]``, ``ys[j]``.
    """

    x: Axis
    y: Axis
    xs: Array
    ys: Array
    names: tuple[str, ...]
    which: Array
    boundaries: tuple[Curve, ...]
    fits: Array

    def rows(self) -> Iterator[Sequence[Cell]]:
        yield self.x.heading, self.y.heading, "binds", "fits"
        for i, x in enumerate(self.xs):
            for j, y in enumerate(self.ys):
                yield float(x), float(y), self.names[int(self.which[i, j])], int(self.fits[i, j])
        for one in self.boundaries:
            for x, y in zip(one.x, one.y, strict=True):
                yield float(x), float(y), one.name, ""


@dataclass(frozen=True)
class Slot:
    """One pass on one stage: its kind, which chunk of the pipeline and micro-batch, from when to when in seconds."""

    stage: int
    kind: str
    chunk: int
    micro_batch: int
    start: float
    end: float


@dataclass(frozen=True)
class Schedule(Chart):
    """When each stage of a pipeline runs which pass."""

    slots: tuple[Slot, ...]
    chunks: int = 1

    def rows(self) -> Iterator[Sequence[Cell]]:
        yield "stage", "pass", "chunk", "micro-batch", "start [s]", "end [s]"
        for one in self.slots:
            yield one.stage, one.kind, one.chunk, one.micro_batch, one.start, one.end
