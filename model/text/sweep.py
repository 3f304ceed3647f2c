"""A sweep as JSON and as tables: what was counted, what is kept, how fast it went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from steptime.model import symbols as q
from steptime.model.catalog.bases import compared, priced
from steptime.model.quantity import count, dollar
from steptime.model.solver.sweep.best import Best
from steptime.model.solver.sweep.counted import Bindings, Histogram, Quantiles
from steptime.model.solver.sweep.fronts import Front
from steptime.model.solver.sweep.outputs import BINDING, Output, output_of
from steptime.model.solver.sweep.rows import NAMES, PRICE_BASIS, Rows
from steptime.model.solver.sweep.run import Swept
from steptime.model.solver.sweep.slopes import Slopes
from steptime.model.solver.sweep.spec import Spec
from steptime.model.text.fitting import Fitting as Wide
from steptime.model.text.format import in_unit, layout_said, plain, table

SHOWN = 12
"""Rows of a table that are shown; all are in the file and in JSON."""
SAYS = "step_time and what follows are the bound, which no step beats; estimate is in practice"
NO_NAMES = {"bottleneck", "broken", "layout"}


def sweep_json(swept: Swept) -> dict[str, Any]:
    """Counts, and all that is kept, in base units."""
    tally, kinds = swept.tally, {basis for _, basis in swept.spec.bases}
    return {
        "name": swept.spec.name,
        "points": tally.points,
        "feasible": tally.feasible,
        "infeasible": dict(tally.infeasible),
        "refused": dict(tally.refused),
        "missing": dict(tally.missing),
        "bound": "ideal",
        "price_basis": kinds.pop() if len(kinds) == 1 else None,
        "prices": [{"hardware": name, "basis": basis} for name, basis in swept.spec.bases],
        "notices": notices(swept.spec),
        "kept": [kept_json(swept, state) for state in swept.states],
        "blocks": swept.blocks.number,
        "workers": swept.workers,
        "resumed_from": swept.resumed,
        "seconds": swept.seconds,
    }


def notices(spec: Spec) -> list[str]:
    """What to know of the dollars: their kind, of which markets they are, and that those of several do not compare."""
    asked = [scene.question for scene in spec.scenes]
    by_hand = spec.prices is not None or q.chip_hour_price.name in spec.varies or any(
        q.chip_hour_price in one.inputs.given for one in asked)  # fmt: skip
    several = len({name for name, _ in spec.bases}) > 1 and not by_hand
    own = [priced(one.hardware, one.inputs.basis) for one in asked] if several else []
    return compared(spec.bases, list(dict.fromkeys(own)))


def kept_json(swept: Swept, state: Any) -> dict[str, Any]:
    """One thing that is kept, group by group."""
    kept, groups = state.kept, state.groups
    found: list[dict[str, Any]] = []
    if isinstance(state, Best | Front):
        found = [{"by": by, "rows": records(swept.rows(numbers))} for by, numbers in state.found()]
    elif isinstance(state, Histogram | Bindings):
        found = [{"by": groups.shown(group), "counts": counts.tolist()} for group, counts in enumerate(state.counts)]
    elif isinstance(state, Quantiles):
        found = [{"by": groups.shown(group), "values": [state.at(group, share) for share in kept.at]}
                 for group in range(groups.number)]  # fmt: skip
    elif isinstance(state, Slopes):
        for group in range(groups.number):
            if (fitted := state.at(group)) is not None:
                found.append({"by": groups.shown(group), "slopes": fitted[0], "explained": fitted[1]})
    more: dict[str, Any] = {}
    if isinstance(state, Histogram):
        more = {"edges": list(kept.edges)}
    if isinstance(state, Quantiles):
        more = {"at": list(kept.at), "error": kept.error}
    if isinstance(state, Bindings):
        more = {"of": [str(name) for name in BINDING]}
    return {"name": kept.name, "kind": type(state).__name__.lower(), **more, "groups": found}


def records(rows: Rows) -> list[dict[str, Any]]:
    """Rows as dictionaries."""
    columns = [column.tolist() for column in rows.values()]
    return [dict(zip(rows, values, strict=True)) for values in zip(*columns, strict=True)]


def sweep_table(swept: Swept, out: str | None = None) -> Group:
    """Counts, then everything that is kept."""
    tally, lines = swept.tally, list[RenderableType]()
    spec = swept.spec
    of = ", ".join(dict.fromkeys(scene.labels["model"] for scene in spec.scenes))
    machines = ", ".join(dict.fromkeys(scene.labels["hardware"] for scene in spec.scenes))
    lines.append(Text(f"{spec.name}: {of} on {machines}"))
    rate = tally.points / swept.seconds if swept.seconds and not swept.resumed else None
    speed = f", {plain(rate)} a second" if rate else f", resumed after block {swept.resumed:,}"
    blocks = f"{swept.blocks.number:,} block{'s' * (swept.blocks.number != 1)}"
    workers = f"{swept.workers} worker{'s' * (swept.workers != 1)}"
    lines.append(Text(f"{tally.points:,} points in {blocks}, {swept.seconds:.1f} s on {workers}{speed}"))
    broken = ", ".join(f"{name} by {number:,}" for name, number in tally.infeasible.items())
    lines.append(Text(f"{tally.feasible:,} feasible" + (f"; broken: {broken}" if broken else "")))
    lines += [Text(f"cannot be run, {number:,} points: {why}") for why, number in tally.refused.items()]
    lines += [Text(f"missing: {what} ({number:,} points)") for what, number in tally.missing.items()]
    lines += [Text(line) for line in notices(spec)]
    for state in swept.states:
        lines += [Text(""), *kept_table(swept, state)]
    if out:
        lines += [Text(""), Text(f"written: {out}")]
    return Group(*lines, Text(""), Text(SAYS))


def kept_table(swept: Swept, state: Any) -> list[RenderableType]:
    found = kept_json(swept, state)
    if not found["groups"]:
        return [Text(f"{found['name']}: no feasible point")]
    if isinstance(state, Best | Front):
        return _points(found, state.kept)
    return _figures(found, state)


def _points(found: Mapping[str, Any], kept: Any) -> list[RenderableType]:
    """Rows of points: by what they are told apart and kept first; what is the same in all of them is said once."""
    rows = [row for group in found["groups"] for row in group["rows"]]
    alike = [name for name in rows[0] if all(row[name] == rows[0][name] for row in rows)] if len(rows) > 1 else []
    outputs = [one.name for one in getattr(kept, "outputs", ())] or [kept.output.name]
    order = dict.fromkeys((*kept.by, *outputs, *rows[0]))
    names = [name for name in order if name in rows[0] and name not in alike]
    told = [name for name in alike if name != PRICE_BASIS]  # one kind of price is said above
    same = Text("all: " + ", ".join(f"{name} {_cell(name, rows[0][name])}" for name in told))
    return [Text(f"{found['name']} ({len(rows):,})"), *([same] if alike else []), Fitting(names, rows)]


@dataclass(frozen=True)
class Fitting:
    """A table of as many columns as there is room for, and of some rows; what is left out is named."""

    names: Sequence[str]
    rows: Sequence[Mapping[str, Any]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        number, wide = len(self.names), options.update(width=10_000)
        while number > 1 and Measurement.get(console, wide, self._table(number)).maximum > options.max_width:
            number -= 1
        yield self._table(number)
        more = [f"{len(self.rows) - SHOWN:,} more rows"] if len(self.rows) > SHOWN else []
        more += [f"columns {', '.join(self.names[number:])}"] if number < len(self.names) else []
        if more:
            yield Text(f"and in the file or JSON: {'; '.join(more)}")

    def _table(self, number: int) -> Table:
        found = table(*(_heading(name) for name in self.names[:number]))
        for row in self.rows[:SHOWN]:
            found.add_row(*(_cell(name, row[name]) for name in self.names[:number]))
        for column in found.columns:
            column.no_wrap = True
        return found


def _figures(found: Mapping[str, Any], state: Any) -> list[RenderableType]:
    """Counts, quantiles or slopes, a row for each group."""
    by = list(found["groups"][0]["by"])
    if isinstance(state, Bindings):
        names, cells = NAMES.tolist(), [_shares(group["counts"]) for group in found["groups"]]
    elif isinstance(state, Histogram):
        edges = [_value(state.kept.output, edge) for edge in found["edges"]]
        return _histogram(found, edges)
    elif isinstance(state, Quantiles):
        names = [f"{share:.4g}" for share in found["at"]]
        cells = [[_value(state.kept.output, value) for value in group["values"]] for group in found["groups"]]
    else:
        names = [*found["groups"][0]["slopes"], "explained"]
        cells = [[*(plain(value, 3) for value in group["slopes"].values()), plain(group["explained"], 3)]
                 for group in found["groups"]]  # fmt: skip
    shown = Wide((*by, *(f">{name}" for name in names)), (), [f">{name}" for name in names][::-1])
    for group, row in list(zip(found["groups"], cells, strict=True))[:SHOWN]:
        shown.add_row(*(_cell(name, value) for name, value in group["by"].items()), *row)
    said = f" (each within {state.kept.error:.3g} of itself)" if isinstance(state, Quantiles) else ""
    return [Text(f"{found['name']}{said}"), shown]


def _histogram(found: Mapping[str, Any], edges: Sequence[str]) -> list[RenderableType]:
    lines: list[RenderableType] = [Text(found["name"])]
    ranges = [f"below {edges[0]}", *(f"{low} to {high}" for low, high in pairwise(edges)),
              f"from {edges[-1]}"]  # fmt: skip
    for group in found["groups"][:SHOWN]:
        shown = table("", ">points", ">share", "")
        whole = max(1, sum(group["counts"]))
        for said, number in zip(ranges, group["counts"], strict=True):
            shown.add_row(said, f"{number:,}", f"{number / whole:.1%}", "█" * round(20 * number / whole))
        lines += [*([Text(", ".join(map(str, group["by"].values())))] if group["by"] else []), shown]
    return lines


def _shares(counts: Sequence[int]) -> list[str]:
    whole = max(1, sum(counts))
    return [f"{number:,} ({number / whole:.0%})" for number in counts]


def _heading(name: str) -> str:
    return name if name in NO_NAMES or not _is_output(name) else f">{name}"


def _is_output(name: str) -> bool:
    return _unit(name) is not None


def _unit(name: str) -> Output | None:
    from steptime.model.errors import UserError

    try:
        return output_of(name)
    except UserError:
        return None


def _cell(name: str, value: Any) -> str:
    """A value as people read it: a quantity with its unit, anything else as it is."""
    output = _unit(name)
    if name == "layout":
        return layout_said(value, ",", "one chip")
    if output is None or isinstance(value, str | bool):
        return str(value)
    return _value(output, value)


def _value(output: Output, value: float | None) -> str:
    if value is None or not np.isfinite(value):
        return "—"
    if output.unit == dollar:
        return f"{plain(value)} $"
    return plain(value) if output.unit == count else in_unit(value, output.unit)
