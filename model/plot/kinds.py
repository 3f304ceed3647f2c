"""Which picture is made by which function: each takes an answer of the API, and words of its own."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from steptime.model.errors import UserError, unknown
from steptime.model.plot.shapes import Chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HOMES: Mapping[str, str] = {
    "batch": "over_batch",
    "cost": "over_batch",
    "terms": "over_any",
    "grid": "over_any",
    "machines": "over_any",
    "context": "over_context",
    "roofline": "roofline",
    "regimes": "regimes",
    "breakdown": "ledger",
    "memory": "ledger",
    "sensitivity": "tornado",
    "schedule": "schedule",
    "pareto": "pareto",
    "tiers": "kept",
    "spend": "machines",
    "fleet": "machines",
    "truth": "measured",
    "tools": "measured",
}
"""The module of each kind; its function has the name of the kind."""


def chart_of(answer: Any, kinds: Sequence[str], kind: str | None, words: Mapping[str, Any]) -> Chart:
    """The numbers of a picture of an answer, which has pictures of these kinds; the first where none is named.

    Raises UserError for another kind, for words that it does not take, and for an answer without pictures.
    """
    if not kinds:
        raise UserError(f"there is no picture of a {type(answer).__name__}; steps, grids, crossovers, best batches, "
                        "searches, machines, caches, fleets, and what was measured or compared have some")  # fmt: skip
    chosen = kinds[0] if kind is None else kind
    if chosen not in kinds:
        raise unknown(f"`kind` of picture of a {type(answer).__name__}", str(chosen), list(kinds))
    made: Callable[..., Chart] = getattr(import_module(f"steptime.model.plot.{HOMES[chosen]}"), chosen)
    taken = list(inspect.signature(made).parameters)[1:]
    if strangers := [name for name in words if name not in taken]:
        allowed = f"it takes {', '.join(f'`{name}`' for name in taken)}" if taken else "it takes no more words"
        raise UserError(f"`{strangers[0]}` says nothing in a picture of kind {chosen}: {allowed}")
    return made(answer, **words)


def figure_of(chart: Chart, dark: bool) -> "Figure":
    """The picture; raises UserError where matplotlib is not installed."""
    must_have_matplotlib()
    from steptime.model.plot.draw.figure import drawn

    return drawn(chart, dark)


def file_of(chart: Chart, form: str, dark: bool) -> bytes:
    """The picture as a file: png, svg or pdf, the same bytes each time."""
    must_have_matplotlib()
    from steptime.model.plot.draw.figure import as_file, drawn

    return as_file(drawn(chart, dark), form)


def must_have_matplotlib() -> None:
    """Raises UserError, which names the extra, where matplotlib is not installed."""
    try:
        import_module("matplotlib")
    except ImportError:
        raise UserError("a picture needs matplotlib: install steptime[plot]") from None
