"""The catalogue for people: lists, and entries with the source and date of every figure."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from steptime.model import symbols as q
from steptime.model.catalog.bases import prices_of
from steptime.model.catalog.hardware import hardware_names, load_hardware
from steptime.model.catalog.models import load_model
from steptime.model.catalog.transformers import transformer_names
from steptime.model.choices import Basis, Draw
from steptime.model.phases.accounts import accounts_of
from steptime.model.quantity import Quantity, lookup
from steptime.model.text.catalogue import entry_json, kv_by_context, model_quantities, scenario_of, unit_said
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import counted, formula, in_unit, letter, plain, si
from steptime.model.text.layers import layer_text
from steptime.model.text.screen import Fold, Screen
from steptime.model.text.sources import sources_list

PRICES_SHOWN = {Basis.LIST: "list", Basis.RENT: "rent", Basis.OWNERSHIP: "own"}
"""Kinds of price that the list shows, each in a column of its own; an estimate stands in an entry alone."""
FIRST = 40
"""Quantities that are seen first."""


def list_table(kind: str, known: Sequence[Any] = ()) -> Screen:
    """The list of machines, of models, or of quantities or sources that are ``known``."""
    if kind == "sources":
        return sources_list(known)
    if kind == "quantities":
        return _quantity_list(known)
    return _hardware_list() if kind == "hardware" else _model_list()


def entry_table(kind: str, name: str) -> Screen:
    """One machine or model, each figure with its source."""
    return _hardware_entry(name) if kind == "hardware" else _model_entry(name)


# --- lists ------------------------------------------------------------------------------------------------------------
def _hardware_list() -> Screen:
    prices_known = [f">{word}" for word in PRICES_SHOWN.values()]
    made = Fitting(
        ("name", ">bf16", ">fp8", ">memory", ">bandwidth", ">scale-up", ">domain", ">scale-out", *prices_known, ">W",
         ">all-in"),
        (), (">all-in", *prices_known[::-2], ">W", ">scale-out", ">rent", ">fp8"),
    )  # fmt: skip
    for name in hardware_names():
        machine = load_hardware(name)
        peaks = {key: figure.value for key, figure in machine.peaks.items()}
        figures, prices = {key: figure.value for key, figure in machine.figures.items()}, prices_of(machine)
        all_in, power = machine.facts.get("system_power"), machine.figures.get(q.power.name)
        made.add_row(
            name,
            si(peaks.get("bf16", peaks.get("fp16")), ""),
            si(peaks.get("fp8"), ""),
            si(figures.get("memory_capacity"), "B"),
            si(figures.get("memory_bandwidth"), "B/s"),
            si(figures.get("scale_up_bandwidth"), "B/s"),
            plain(figures.get("scale_up_domain")),
            si(figures.get("scale_out_bandwidth"), "B/s"),
            *(plain(prices[basis].value) if basis in prices else "—" for basis in PRICES_SHOWN),
            plain(power.value if power and power.basis == Draw.CHIP else None),
            plain(all_in.value if all_in else None),
        )
    return Screen(
        made,
        Text(),
        Text(f"{len(hardware_names())} accelerators; `steptime catalog hardware NAME` shows sources, dates, and who "
             "disagrees"),
        Fold((Text("Peaks are dense FLOP/s (fp16 where there is no bf16); links one way, per chip; list, rent and own "
                   "(ownership) are dollars of a chip-hour of that kind; W is the chip's, all-in with its share of the "
                   "system."),), "what the columns are"),
    )  # fmt: skip


def _model_list() -> Screen:
    cache = ">KV B/token"
    made = Fitting(("name", ">parameters", ">active", ">layers", ">width", ">experts", cache), (),
                   (">width", ">layers"))  # fmt: skip
    for name in transformer_names():
        model = accounts_of(load_model(name))
        found = model_quantities(model)
        made.add_row(
            name,
            si(found["parameters"]),
            si(found["active_parameters"]),
            str(model.layers),
            str(model.model.width),
            str(model.experts or "—"),
            plain(found["kv_bytes"]),
        )
    said = f"{len(transformer_names())} models; KV cache at context 4,096 in bf16"
    return Screen(made, Text(), Text(f"{said}; `steptime catalog models NAME` shows shapes and sources"))


def _quantity_list(known: Sequence[Quantity]) -> Screen:
    columns = ("letter", "name", "unit", "meaning")
    rows = [(letter(one), one.name, unit_said(one), one.meaning) for one in known]
    seen, more = (Fitting(columns, part, ("letter", "unit"), ("meaning",)) for part in (rows[:FIRST], rows[FIRST:]))
    folded = [Fold((more,), counted(len(rows) - FIRST, "more quantity", "more quantities"))]
    count = counted(len(rows), "quantity", "quantities")
    last = Text(f"{count}; names are those of --set and of every TOML, `steptime catalog quantities WORD` searches")
    return Screen(seen, *(folded if len(rows) > FIRST else []), Text(), last)


# --- entries ----------------------------------------------------------------------------------------------------------
def _hardware_entry(name: str) -> Screen:
    data = entry_json("hardware", name)
    made = Fitting(("figure", ">value", "kind", "source", "date"), (), (), ("kind", "source"))
    others = Fitting(("not used", ">value", "source", "date", "note"), (), ("note",), ("source", "note"))
    notes, unused = [], 0
    for key, figure in data["figures"].items():
        kind = ", ".join(filter(None, (figure.get("basis", ""), "doubtful" if figure["doubtful"] else "")))
        made.add_row(key, _in_unit(key, figure["value"]), kind, ", ".join(figure["source"]), figure["date"])
        notes += [Text(f"{key}: {figure['note']}")] if figure["note"] else []
        for other in figure.get("conflicts", ()):
            unused += 1
            others.add_row(key, _in_unit(key, other["value"]), ", ".join(other["source"]), other["date"], other["note"])
    about = ", ".join(str(data[key]) for key in ("vendor", "year", "family", "memory_type", "topology") if data[key])
    named = [Text(f"{key}: {one['title']} ({one['date']})", style="dim") for key, one in data["sources"].items()]
    disagrees = [Fold((others, Text()), f"{counted(unused, 'figure')} of others not used")] if unused else []
    return Screen(Text(f"{data['name']}: {about}", style="bold"), Text(), made, Text(), *disagrees,
                  Fold((*notes, Text()), counted(len(notes), "note") if notes else ""),
                  Fold(tuple(named), f"{counted(len(named), 'source')} in full" if named else ""))  # fmt: skip


def _in_unit(key: str, value: float) -> str:
    """A figure of an entry in the unit of its key."""
    own = key.partition(".")[0]
    if own in _plain:
        return plain(value)
    return si(value, _units[own]) if own in _units else in_unit(value, lookup(own).unit)


_units = {"system_power": "W", "chip_price": "$", "prices": "$/h", "onchip_memory": "B"}
_units["measured_matmul_bf16"] = "FLOP/s"
_plain = ("memory_label_gb",)


def _model_entry(name: str) -> Screen:
    data, model = entry_json("models", name), accounts_of(load_model(name))
    made = Fitting(("quantity", ">value", "meaning"), (), ("meaning",), ("meaning",))
    for key, value in data["quantities"].items():
        record = lookup(key)
        made.add_row(key, f"{value:,.0f}" if record.integer else in_unit(value, record.unit), record.meaning)
    lines: list[Any] = []
    if model.is_architecture:
        lines.append(Text(f"KV cache per token of context: {formula(scenario_of(model).definitions[q.kv_bytes])}"))
        by_context = ", ".join(f"{plain(v)} B at {plain(c)}" for c, v in kv_by_context(model).items())
        lines.append(Text(f"at bf16: {by_context}"))
        lines += [Text(f"{number} × {layer_text(layer)}", style="dim") for layer, number in model.kinds.items()]
        source = data["sources"]
        lines.append(Text(f"source: {source.get('source', data['origin'])} {source.get('date', '')}"))
        for key in ("published_parameters", "published_active_parameters"):
            if key in source:
                lines.append(Text(f"{key}: {source[key]['value']:,} ({source[key]['source']})"))
        notes = tuple(Text(f"note: {notice}") for notice in model.notices)
        lines.append(Fold(notes, counted(len(notes), "note") if notes else ""))
    return Screen(Text(f"{data['name']}", style="bold"), Text(), made, Text(), *lines)
