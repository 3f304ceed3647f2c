"""Any number of points: what is asked stands in a spec, points stream past, what is kept of them is exact."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from rich.console import Group
from rich.text import Text

from steptime.model.api.named import Named
from steptime.model.api.shown import Shown
from steptime.model.api.sweep_spec import spec_of
from steptime.model.catalog.examples import SWEEPS, named_or_own
from steptime.model.catalog.files import read_toml
from steptime.model.errors import UserError
from steptime.model.parse import path_of
from steptime.model.solver.processes import cores, must_be_workers
from steptime.model.solver.sweep.blocks import Blocks
from steptime.model.solver.sweep.files import format_of, put, written
from steptime.model.solver.sweep.identity import identity_of, metadata_of
from steptime.model.solver.sweep.processes import Processes
from steptime.model.solver.sweep.rows import Rows, joined
from steptime.model.solver.sweep.run import Again, Here, Rate, Standing, Swept, rate
from steptime.model.solver.sweep.run import sweep as swept_of
from steptime.model.solver.sweep.spec import Spec
from steptime.model.solver.sweep.store import Store
from steptime.model.text.sweep import sweep_json, sweep_table

if TYPE_CHECKING:
    from steptime.model.solver.sweep.cluster import Cluster

FEW = 30_000_000
"""Points up to which this process is done before others have started."""
Progress = Callable[[int, int], None]


def nothing(done: int, whole: int) -> None:
    """Shows no progress."""


def sweep(
    spec: Mapping[str, Any] | Named,
    out: Named | None = None,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    dry_run: bool = False,
    progress: Progress = nothing,
) -> "Sweep | Plan":
    """Work out every point of a spec, a TOML file or a dictionary of the same form.

    ``out``: a file that ends in .csv, .arrow or .parquet. What the spec keeps of its points is written there; where it
    keeps nothing, or says ``rows``, it is a folder of parts that hold every row. ``workers``: processes on this
    machine, one for each core where there is much to do; ``scheduler``: the address of a Dask cluster. ``resume`` goes
    on where the same sweep stopped. ``dry_run`` says how many points, bytes and seconds it would take. Whatever works
    out the blocks, the result is the same. Raises UserError.

    >>> import steptime as st
    >>> found = st.sweep({
    ...     "base": {"model": "llama-3.1-8b", "hardware": "h100-sxm", "layout": "tp=1"},
    ...     "over": {"batch": {"values": [1, 64]}, "context": {"log": [1000, 4000, 3]}},
    ...     "keep": [{"best": "step_time"}],
    ... })
    >>> found.points, found.kept("best step_time")[0]["rows"][0]["batch"]
    (6, 1.0)
    """
    read, data = _read(spec)
    blocks = Blocks(read)
    engine = _engine(blocks.points, workers, scheduler)
    if dry_run:
        if not isinstance(engine, Here | Processes):
            engine.meet()
        return Plan(read, blocks, rate(read), engine.workers)
    if out is None:
        if resume:
            raise UserError("`resume` goes on with what stands in `out`: name it")
        if read.rows and not read.kept:
            raise UserError("the spec keeps nothing of its points: give `out`, or say in `keep` what to keep")
        return Sweep(swept_of(read, engine, None, progress), None)
    path = path_of(out, "`out`")
    form = format_of(path)
    identity = identity_of(data, read)
    metadata = metadata_of(data, read, identity)
    folder = path if read.rows else path.with_name(f"{path.name}.state")
    store = Store(folder, read, form, identity, metadata, resume)
    again = Again(read)
    if not read.rows:
        store.partial = lambda standing: _partial(again, blocks, standing, path, form, metadata)
    swept = swept_of(read, engine, store, progress)
    found = Sweep(swept, str(path))
    summary = json.dumps(found.to_dict(), indent=1, allow_nan=False).encode()
    if read.rows:
        put(path / "_summary.json", summary)
    else:
        put(path, written(found.rows(), form, {**metadata, "summary": summary.decode()}))
        store.remove()
    return found


def _read(spec: Mapping[str, Any] | Named) -> tuple[Spec, Mapping[str, Any]]:
    if isinstance(spec, Mapping):
        return spec_of(spec), spec
    path = named_or_own(path_of(spec, "`spec`"), SWEEPS)
    data = read_toml(path)
    return spec_of(data, str(path), path.parent), data


def _engine(points: int, workers: int | None, scheduler: str | None) -> "Here | Processes | Cluster":
    if scheduler is not None:
        if workers is not None:
            raise UserError("`workers` are processes on this machine; those of a `scheduler` are its own")
        from steptime.model.solver.sweep.cluster import Cluster

        return Cluster(scheduler)
    must_be_workers(workers)
    number = workers or (cores() if points > FEW else 1)
    return Here() if number == 1 else Processes(number)


def _partial(
    again: Again, blocks: Blocks, standing: Standing, path: Path, form: str, metadata: Mapping[str, str]
) -> None:
    """What stands so far, in the place of the result."""
    so_far = Swept(blocks.spec, blocks, standing.tally, standing.states, 0.0, 1)
    so_far.__dict__["again"] = again
    found = {**metadata, "partial": f"{standing.tally.points} of {blocks.points} points"}
    put(path, written(Sweep(so_far, None).rows(), form, found))


@dataclass(frozen=True)
class Sweep(Shown):
    """What a sweep found: points counted, and what its spec keeps."""

    schema: ClassVar[str] = "sweep"
    swept: Swept
    out: str | None

    @property
    def points(self) -> int:
        return self.swept.tally.points

    @property
    def feasible(self) -> int:
        """How many points break no limit."""
        return self.swept.tally.feasible

    @property
    def infeasible(self) -> Mapping[str, int]:
        """How many points break each limit."""
        return dict(self.swept.tally.infeasible)

    def kept(self, name: str) -> list[dict[str, Any]]:
        """Something that the spec keeps, by its name: a list of groups."""
        for one in self.to_dict()["kept"]:
            if one["name"] == name:
                found: list[dict[str, Any]] = one["groups"]
                return found
        raise UserError(f"`name` {name[:40]!r}: the sweep keeps {', '.join(one.kept.name for one in self._states)}")

    @property
    def _states(self) -> list[Any]:
        return list(self.swept.states)

    def rows(self) -> Rows:
        """Every point that is kept, as columns: what keeps it, and its place there."""
        found = []
        for state in self._states:
            for _, numbers in getattr(state, "found", list)():
                rows = self.swept.rows(numbers)
                names = np.full(len(numbers), state.kept.name)
                found.append({"kept": names, "place": np.arange(1, len(numbers) + 1), **rows})
        return joined(found)

    def _json(self) -> dict[str, Any]:
        return {**sweep_json(self.swept), "out": self.out}

    def table(self) -> Group:
        return sweep_table(self.swept, self.out)

    def __repr__(self) -> str:
        return f"Sweep({self.swept.spec.name}: {self.points:,} points, {self.feasible:,} feasible)"


@dataclass(frozen=True)
class Plan(Shown):
    """What a sweep would take: the rate of one worker, from some blocks; bytes of its rows, if any."""

    schema: ClassVar[str] = "sweep-plan"
    spec: Spec
    blocks: Blocks
    rate: Rate
    workers: int

    @property
    def points(self) -> int:
        return self.blocks.points

    @property
    def seconds(self) -> float:
        """Every worker builds formulas of its own."""
        return self.rate.building + self.points / self.rate.points / max(1, self.workers)

    @property
    def size(self) -> int | None:
        """Bytes of all rows before they are packed, where rows are written."""
        return self.points * self.rate.row if self.spec.rows else None

    def _json(self) -> dict[str, Any]:
        return {
            "name": self.spec.name, "points": self.points, "blocks": self.blocks.number,
            "families": len(self.blocks.families), "workers": self.workers,
            "points_per_second_per_worker": self.rate.points, "seconds_of_building": self.rate.building,
            "seconds": self.seconds, "bytes": self.size,
        }  # fmt: skip

    def table(self) -> Group:
        workers = f"{self.workers} worker{'s' * (self.workers != 1)}"
        size = None if self.size is None else self.size / 1e9
        return Group(
            Text(f"{self.spec.name}: {self.points:,} points in {self.blocks.number:,} blocks of "
                 f"{len(self.blocks.families):,} families"),
            Text(f"about {self.seconds:.3g} s on {workers}: {self.rate.building:.2g} s of building formulas, then "
                 f"{self.rate.points:.3g} points a second and worker"),
            *([Text(f"at most about {size:.3g} GB of rows before they are packed")] if size is not None else []),
            Text("nothing was written"),
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"Plan({self.spec.name}: {self.points:,} points, about {self.seconds:.3g} s)"
