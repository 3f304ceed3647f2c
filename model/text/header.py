"""What every answer of one scenario begins and ends with, as JSON and as lines: one home for all commands."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Figure
from steptime.model.choices import PhaseName
from steptime.model.layout.layout import Layout
from steptime.model.quantity import Quantity, count, declared, lookup
from steptime.model.step.case import Case
from steptime.model.step.estimate import coefficients_of
from steptime.model.step.inputs import Default, Missing
from steptime.model.text.bases import bases_json
from steptime.model.text.format import counted, in_unit, layout_said, plain
from steptime.model.text.omitted import not_modelled, notes
from steptime.model.text.screen import Fold

LAYOUT = ("tp", "dp", "cp", "ep", "pp", "replicas", "ffn", "copies")


def layout_json(layout: Layout) -> dict[str, Any]:
    return {name: getattr(layout, name) for name in LAYOUT}


def header_json(case: Case) -> dict[str, Any]:
    """What was asked, and what was taken where nothing was said."""
    return {
        "model": case.model,
        "hardware": case.hardware.name,
        "phase": case.inputs.phase,
        case.phase.varies.name: case.number(case.phase.varies),
        "layout": layout_json(case.layout),
        "precision": dict(case.precision),
        "overlap": case.inputs.overlap,
        "experts": case.inputs.experts,
        "efficiency": case.inputs.efficiency,
        **({} if (why := no_estimate(case)) is None else {"no_estimate": why}),
        **bases_json(case),
        "defaults": defaults_json(case.defaults),
        "set": by_hand(case),
        "doubtful": doubtful(case),
        "not_modelled": not_modelled(case),
        "notes": notes(case),
    }


def defaults_json(taken: tuple[Default, ...]) -> list[str]:
    return [str(one) for one in taken]


def no_estimate(case: Case) -> str | None:
    """Why a step of training has no estimate with a user's file; None where it has one, and where none is asked for."""
    chosen, trains = case.inputs.coefficients, case.inputs.phase == PhaseName.TRAIN
    if chosen is None or not trains or case.accounts.transformer is None or coefficients_of(case) is not None:
        return None
    return f"{chosen.origin} has no coefficients of training"


def by_hand(case: Case) -> list[str]:
    """Quantities set by hand, each with its value, as they can be set again."""
    return [f"{symbol.name}={_written(value, lookup(symbol.name))}" for symbol, value in case.inputs.by_hand.items()]


def _written(value: float, record: Quantity) -> str:
    """A value as a reader of quantities takes it: counts without separators, prefix and unit close to the number."""
    if record.unit == count:
        return f"{value:.12g}"
    of_money = str(record.unit).startswith("$")
    return f"{value:.12g}{record.unit}" if of_money else in_unit(value, record.unit, 12).replace(" ", "")


def doubtful(case: Case) -> list[str]:
    """Figures that went in and are marked doubtful, with their source and date."""
    return [said(name, figure) for name, figure in case.doubtful.items()]


def said(name: str, figure: Figure) -> str:
    """One figure with its source and date."""
    record = declared().get(name)
    value = f"{figure.value:g}" if record is None else in_unit(figure.value, record.unit)
    return f"{name} {value} ({', '.join(figure.source)} {figure.date})"


def missing_json(case: Case, outputs: Mapping[str, Expr]) -> dict[str, str]:
    """Outputs without a number, and the files and keys that would give it."""
    return {one.key: str(one) for one in case.missing(outputs)}


NAMED = {
    "estimate.waves": "estimate of waves, which are taken as full", "mfu": "MFU", "mbu": "MBU",
    "step_time": "step time", "dollars_per_million_tokens": "cost", "joules_per_token": "energy",
    "tokens_per_second": "throughput", "tokens_per_second_per_sequence": "speed of a sequence",
    "tokens_per_second_per_megawatt": "throughput of a megawatt", "memory_per_chip.capacity": "check that it fits",
    "terms.compute": "compute term", "terms.memory": "memory term", "terms.interconnect": "interconnect term",
    "network.scale_up": "scale-up time", "network.scale_out": "scale-out time", "training.dollars": "cost of a run",
    "bounds.full": "bound", "bounds.per_operation": "bound by operation", "bounds.none": "bound without overlap",
}  # fmt: skip
"""What outputs are called that a figure is missing for."""


def missing_lines(missing: tuple[Missing, ...] | Mapping[str, str]) -> list[Text]:
    """The same as lines, one a place."""
    by_place: dict[str, list[str]] = {}
    found = missing.items() if isinstance(missing, Mapping) else [(one.key, str(one)) for one in missing]
    for key, where in found:
        by_place.setdefault(where, []).append(key)
    lines = []
    for where, keys in by_place.items():
        remedy = f"; `{where.split()[-1]}`=… would supply it" if ", " not in where else ""
        lines.append(Text(f"missing: {where}{remedy}; so there is no {listed([NAMED.get(key, key) for key in keys])}"))
    return lines


def headline(case: Case, *but: Symbol) -> str:
    """What an answer is of: model and machine, phase, batch and lengths (``but`` what is solved for), layout.

    >>> import steptime as st
    >>> headline(st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").case)
    'llama-3.1-70b on h100-sxm · decode · batch 64 · context 4,096 · tp=8'
    """
    told = (q.batch, case.phase.varies, q.cached, q.chunk, q.microbatch)
    moves = {case.phase.varies} if case.length in but else set()  # a context that follows from what is solved for
    known = case.numbers([symbol for symbol in told if case.takes(symbol) and symbol not in {*but, *moves}])
    lengths = [f"{symbol} {plain(value)}" for symbol, value in known.items()]
    parts = [f"{case.model} on {case.hardware.name}", case.phase.name, *lengths]
    return " · ".join([*parts, layout_said(case.layout, " ", "one chip")])


def listed(texts: Sequence[str], most: int = 3) -> str:
    """The first of some texts, and how many more there are.

    >>> listed(["mfu", "mbu", "cost", "energy", "band"])
    'mfu, mbu, cost and 2 more'
    """
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def trailer(case: Case, but: str = "") -> list[Any]:
    """What an answer ends with: what was set; folded defaults (``but`` one that is solved for), doubtful figures, and
    what is not modelled."""
    taken = [str(one) for one in case.defaults if one.quantity != but]
    lines: list[Any] = []
    if case.inputs.by_hand:
        lines.append(Text("set by hand: " + "; ".join(by_hand(case))))
    if why := no_estimate(case):
        lines.append(Text(f"no estimate: {why}"))
    return [*lines, folded(taken, "default", "defaults taken"), *left_out(doubtful(case), not_modelled(case))]


def folded(texts: Sequence[str], thing: str, title: str) -> Fold:
    """Texts that are folded away and counted; nothing where there are none."""
    if not texts:
        return Fold(())
    return Fold((Text(f"{title}: {'; '.join(texts)}"),), counted(len(texts), thing))


def left_out(figures: Sequence[str], missing: Sequence[str]) -> list[Fold]:
    """Doubtful figures that went in, and what is not modelled."""
    known = folded(figures, "doubtful figure", "doubtful figures")
    said = "" if not missing else f"{counted(len(missing), 'thing')} not modelled"
    return [known, Fold((Text(f"not modelled: {'; '.join(missing)}"),) if missing else (), said)]
