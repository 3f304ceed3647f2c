"""Every layout, batch, format and machine at once: the best, why the next lost, and the exact Pareto front."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from rich.console import Group
from rich.text import Text

from steptime.model import symbols as q
from steptime.model.api.command import Command, checkpoint_of
from steptime.model.api.named import Named, hardware_of, model_of, must_not_be_swapped
from steptime.model.api.shown import Shown
from steptime.model.api.step import Step, quiet
from steptime.model.catalog.bases import common_basis, priced
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import EngineName, Minimise, PhaseName
from steptime.model.errors import UserError
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.parse import parse, several
from steptime.model.phases.accounts import Model
from steptime.model.quantity import second
from steptime.model.solver.layouts.points import BATCHES, Answer, Point, Search
from steptime.model.solver.layouts.search import search_layouts
from steptime.model.solver.limits import must_be_limits
from steptime.model.solver.processes import must_be_workers
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.step.build import build_case
from steptime.model.step.defaults import WORK
from steptime.model.step.solver_words import as_read, limit_of, ranges_of, searched, whole_numbers
from steptime.model.step.words import degrees_of, inputs_of, word
from steptime.model.text.layout import layout_json_of
from steptime.model.text.layout_points import layout_csv
from steptime.model.text.layout_table import layout_table
from steptime.model.text.screen import Screen

MOST_CHIPS, MOST_BATCH = 100_000, 10**9
TRAINING = ("microbatch", "interleave", "recompute", "zero", "sequence_parallel")
"""Choices of training that are searched where they are not stated."""


def search(
    model: Model | Named,
    hardware: Hardware | Named | Sequence[Hardware | Named],
    chips: Any,
    batch: Any = None,
    layout: Layout | Mapping[str, Any] | str | None = None,
    minimise: str | None = None,
    max_step_time: Any = None,
    max_ttft: Any = None,
    limits: Sequence[str] = (),
    progress: Callable[[float], None] = quiet,
    workers: int | None = None,
    engine: str | None = None,
    **words: Any,
) -> "Found":
    """All layouts on all machines and numbers of ``chips``, and all batches.

    ``batch``: a number, a list, or None for every whole number of them; ``layout``: degrees that are held. Formats are
    the model's own; ``weights``, ``kv`` and ``activations`` may be "any" to try all that a chip has peaks for.
    ``max_step_time``, ``max_ttft`` and ``limits`` as ``"batch<=512"`` are limits; the time to first token is that of
    the prefill, and in a decode step that of one prompt alone on the same layout. ``workers``: processes on this
    machine, one for each core where there is much to do; whatever their number, the answer is the same. ``engine``
    (vllm, sglang, trtllm, megatron) keeps only what it can run; its other points are counted as infeasible. Other words
    are those of ``step``.
    Raises UserError where a figure is missing or no point satisfies all limits.

    >>> import steptime as st
    >>> found = st.search("llama-3.1-8b", "h100-sxm", chips=[1, 2], batch=[1, 64], minimise="latency")
    >>> found.points, str(found.best.layout)
    (16, 'tp=2,cp=1,dp=1,ep=1,pp=1,replicas=1')
    """
    must_be_workers(workers)
    stated, tried = searched(words)
    inputs = inputs_of(stated)
    if max_ttft is not None and inputs.phase == PhaseName.TRAIN:
        raise UserError("`max_ttft` says nothing in `phase` train")
    if max_ttft is not None and max_step_time is not None and inputs.phase == PhaseName.PREFILL:
        raise UserError("`max_ttft` and `max_step_time` are the same limit in `phase` prefill: give one")
    asked_limits = tuple(map(limit_of, several(limits)))
    must_be_limits(asked_limits)
    if inputs.phase == PhaseName.PREFILL and q.answer in inputs.given:
        raise UserError("`output`: a search over prefills has no whole requests; see `scope` serving")
    if held := sorted(symbol.name for symbol in inputs.given if symbol in SYMBOLS.values()):
        raise UserError(f"`{held[0]}`: a search goes through the degrees; hold one with `layout`")
    machines = [hardware] if isinstance(hardware, Hardware) else several(hardware)
    if not machines:
        raise UserError("`hardware`: give at least one machine")
    must_not_be_swapped(model, machines)
    trains = inputs.phase == PhaseName.TRAIN
    usual = (int(WORK[q.batch]),) if trains else BATCHES
    step_time = None if max_step_time is None else parse(max_step_time, second, "`max_step_time`")
    ttft = None if max_ttft is None else parse(max_ttft, second, "`max_ttft`")
    if inputs.phase == PhaseName.PREFILL and ttft is not None:
        step_time, ttft = ttft, None
    named = list(dict.fromkeys(hardware_of(machine) for machine in machines))
    if q.chip_hour_price not in inputs.given:
        inputs = replace(inputs, basis=inputs.basis or common_basis(named))
        named = [priced(machine, inputs.basis) for machine in named]
    asked = Search(
        model_of(model),
        tuple(named),
        whole_numbers(chips, "chips", MOST_CHIPS),
        inputs,
        usual if batch is None else whole_numbers(batch, "batch", MOST_BATCH),
        None if minimise is None else word("minimise", minimise, tuple(Minimise)),
        step_time,
        {} if layout is None else degrees_of(layout),
        tried | frozenset(name for name in TRAINING if stated.get(name) is None),
        whole=batch is None and not trains,
        limits=asked_limits,
        max_ttft=ttft,
        engine=None if engine is None else word("engine", engine, tuple(EngineName)),
    )
    read = as_read("max_step_time", max_step_time, second) + as_read("max_ttft", max_ttft, second)
    return Found(search_layouts(asked, progress, workers), notices=read, checkpoint=checkpoint_of(model))


@dataclass(frozen=True)
class Found(Shown):
    """What a search found: points counted, the best of them, the best on each machine, and the front by speed."""

    kinds = ("pareto", "sensitivity")
    schema: ClassVar[str] = "solve-layout"
    answer: Answer
    spread: Spread | None = None
    notices: tuple[str, ...] = ()
    checkpoint: str | None = None

    @property
    def points(self) -> int:
        return self.answer.points

    @property
    def infeasible(self) -> Mapping[str, int]:
        """How many points break each limit."""
        return self.answer.infeasible

    @property
    def best(self) -> Point:
        """The point of least cost, ties decided; its ``layout``, ``batch``, ``step_time``, ``cost``."""
        return self.answer.best

    @property
    def best_of(self) -> Mapping[str, Point]:
        """The best point on each machine that has one."""
        return self.answer.best_of

    @property
    def pareto(self) -> tuple[Point, ...]:
        """Tokens per second of a sequence against those of a chip: no point has more of both. The best is on it."""
        return self.answer.pareto

    def step(self, point: Point | None = None) -> Step:
        """A point as a step, the best one where none is named."""
        if not isinstance(point, Point | None):
            raise UserError(f"a step is of a point that was found, as best or one of pareto, not {str(point)[:40]!r}")
        return Step(build_case((point or self.best).question))

    def command(self, point: Point | None = None) -> Command | None:
        """The command line of a point, the best one where none is named; None where no engine was asked for."""
        engine = self.answer.search.engine
        return None if engine is None else self.step(point).command(engine, self.checkpoint)

    def ranges(self, progress: Callable[[float], None] = quiet, **words: Any) -> "Found":
        """The same with intervals, every point of a sample searched anew."""
        from steptime.model.solver.ranges.spreads import layout_spread

        best = build_case(self.best.question)
        return replace(self, spread=layout_spread(self.answer.search, best, ranges_of(words), progress))

    def csv(self) -> str:
        """The best point, and one row for each point of the front."""
        return layout_csv(self.answer)

    def _json(self) -> dict[str, Any]:
        found = layout_json_of(self.answer, self.spread)
        command = self.command()
        launched = {} if command is None else command._json()
        return {**found, **launched, "notices": [*self.notices, *found["notices"]]}

    def table(self) -> Group:
        found = layout_table(self.answer, self.spread, self.notices)
        command = self.command()
        return found if command is None else Screen(found, Text(), *command.table().renderables)

    def __repr__(self) -> str:
        best = self.best
        machine = best.question.hardware.name
        return f"Found({self.points:,} points; best: {best.layout} on {machine}, batch {best.batch})"
