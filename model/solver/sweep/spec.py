"""What a sweep is asked: scenes, axes, layouts, limits, outputs, and what is kept of the points. No text is left to be
read; nothing in it is evaluated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from steptime.model import symbols as q
from steptime.model.catalog.bases import NOT_STATED, kind_of
from steptime.model.catalog.prices import PriceList
from steptime.model.layout.layout import Layout
from steptime.model.quantity import dollar
from steptime.model.solver.sweep.axes import Design, Values
from steptime.model.solver.sweep.outputs import Output, Sense
from steptime.model.step.inputs import Question

MOST_SCENES = 100_000
"""Combinations of models, machines, formats and other words."""
MOST_POINTS = 10**13
"""Points of a sweep: weeks on one machine."""


@dataclass(frozen=True)
class Scene:
    """One combination of words: a question, and the words that tell it from the others."""

    labels: Mapping[str, str] = field(hash=False)
    question: Question


@dataclass(frozen=True)
class Bound:
    """A limit on an output, from above or from below, in base units."""

    output: Output
    upper: bool
    value: float

    @property
    def name(self) -> str:
        return self.output.name


@dataclass(frozen=True)
class ChipLayouts:
    """Every layout on so many chips; ``held`` degrees and words stay as they are."""

    chips: tuple[int, ...]
    held: Mapping[str, int | str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Kept:
    """Something that is kept of all points, under a name; ``by``: words and axes, apart for each of their values."""

    name: str
    by: tuple[str, ...]


@dataclass(frozen=True)
class KeptOfOne(Kept):
    """Something that is kept of one output."""

    output: Output


@dataclass(frozen=True)
class KeptBest(KeptOfOne):
    """The ``count`` best points by an output."""

    sense: Sense
    count: int = 1


@dataclass(frozen=True)
class KeptFront(Kept):
    """The points that no other equals or beats in all of two or three outputs."""

    outputs: tuple[Output, ...]
    senses: tuple[Sense, ...]


@dataclass(frozen=True)
class KeptQuantiles(KeptOfOne):
    """Values of an output at shares of all points, each known to the relative ``error``."""

    at: tuple[float, ...]
    error: float


@dataclass(frozen=True)
class KeptHistogram(KeptOfOne):
    """Points between edges of an output, and below the first and from the last on."""

    edges: tuple[float, ...]


@dataclass(frozen=True)
class KeptCounts(Kept):
    """Points by what binds."""


@dataclass(frozen=True)
class KeptSlopes(KeptOfOne):
    """How an output goes with each quantity that varies: the slope of a straight line through their logarithms."""


@dataclass(frozen=True)
class Spec:
    """A sweep. ``layouts``: listed ones, all on so many chips, or None: the one of each scene. ``fits``: whether points
    that do not fit in the memory are infeasible. ``rows``: whether every point is written down, and ``infeasible``
    ones too. ``block``: about how many points are handed out at once."""

    name: str
    scenes: tuple[Scene, ...]
    over: tuple[Values, ...]
    outputs: tuple[Output, ...]
    kept: tuple[Kept, ...] = ()
    design: Design | None = None
    layouts: tuple[Layout, ...] | ChipLayouts | None = None
    limits: tuple[Bound, ...] = ()
    prices: PriceList | None = None
    fits: bool = True
    rows: bool = False
    infeasible: bool = False
    block: int | None = None

    def price_basis(self, scene: Scene) -> str | None:
        """The kind of price behind the dollars of a scene; None where there is none."""
        if self.prices is not None:
            return str(self.prices.basis or NOT_STATED)
        asked = scene.question.inputs
        by_hand = q.chip_hour_price in asked.given or q.chip_hour_price.name in self.varies
        return kind_of(scene.question.hardware, asked.basis, by_hand)

    @cached_property
    def bases(self) -> tuple[tuple[str, str], ...]:
        """Each machine with its kind of price, where any dollars are asked for."""
        kept = [one for keep in self.kept for one in (*getattr(keep, "outputs", ()), getattr(keep, "output", None))]
        asked = [one for one in (*self.outputs, *kept, *(limit.output for limit in self.limits)) if one is not None]
        if not any(one.unit.has(dollar) for one in asked):
            return ()
        kinds = ((scene.labels["hardware"], self.price_basis(scene)) for scene in self.scenes)
        return tuple(dict.fromkeys((name, kind) for name, kind in kinds if kind is not None))

    @cached_property
    def tells_bases(self) -> bool:
        """Whether rows have dollars of several machines, or kinds, and so say the kind of each."""
        return len(self.bases) > 1 and any(one.unit.has(dollar) for one in self.outputs)

    @property
    def varies(self) -> tuple[str, ...]:
        """Names of the quantities that vary, in the order of the axes."""
        drawn = self.design.symbols if self.design else ()
        return tuple(symbol.name for symbol in (*drawn, *(one.symbol for one in self.over)))
