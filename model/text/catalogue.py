"""The catalogue for people and scripts: every figure with its source and date."""

from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model import symbols as q
from steptime.model.catalog.bases import prices_of
from steptime.model.catalog.figures import Conflict
from steptime.model.catalog.hardware import Figure, Hardware, hardware_names, load_hardware, sources
from steptime.model.catalog.models import catalogued, load_model
from steptime.model.catalog.transformers import entry, transformer_names
from steptime.model.choices import Basis, Draw
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.phases.accounts import Accounts, accounts_of
from steptime.model.phases.decode import DECODE
from steptime.model.precision import BYTES
from steptime.model.quantity import lookup
from steptime.model.scenario import Scenario
from steptime.model.step.defaults import CONSTANTS, IDEAL, STATES, cache_layout
from steptime.model.text.format import formula, in_unit, plain, si, table
from steptime.model.text.layers import layer_text

CONTEXTS = (1024, 4096, 32768, 131072)
STATED = {"batch": 64.0, "context": 4096.0, "bytes_per_kv": BYTES["bf16"]}

"""The workload at which a model's quantities are listed: the defaults of `step`."""
SHOWN = (
    "parameters",
    "active_parameters",
    "parameters_read",
    "kv_bytes",
    "kv_written",
    "attention_flops",
    "width",
    "layers",
)


def model_quantities(accounts: Accounts) -> dict[str, float]:
    """Quantities of a model under the names of `step`, at its default workload, KV cache in bf16."""
    if not accounts.is_architecture:
        return {symbol.name: value for symbol, value in accounts.stated().items()}
    scenario = _scenario(accounts)
    found = {name: scenario.evaluate(lookup(name).symbol) for name in SHOWN[:6]}
    return found | {"width": float(accounts.model.width), "layers": float(accounts.layers)} | STATED


def _scenario(accounts: Accounts) -> Scenario:
    values = {lookup(name).symbol: value for name, value in STATED.items()}
    degrees = dict.fromkeys(SYMBOLS.values(), 1.0)
    slots = accounts.ledger(Plan(), DECODE, Layout().degrees).slots
    beside = cache_layout(values[q.bytes_per_kv], STATES[q.bytes_per_index])
    return Scenario({**CONSTANTS, **IDEAL, **STATES, **beside, **values, **degrees}, slots)


def kv_by_context(accounts: Accounts) -> dict[int, float]:
    """KV cache bytes per token of context, at several contexts: windows make it fall."""
    scenario = _scenario(accounts)
    return {context: (scenario | {q.context: float(context)}).evaluate(q.kv_bytes) for context in CONTEXTS}


def hardware_quantities(machine: Hardware) -> dict[str, Any]:
    """Figures of a machine under the names of `step`; peaks by precision."""
    peaks = {precision: figure.value for precision, figure in machine.peaks.items()}
    return {"peak_flops": peaks, **{name: figure.value for name, figure in machine.figures.items()}}


def list_json(kind: str) -> dict[str, Any]:
    if kind == "hardware":
        machines = [load_hardware(name) for name in hardware_names()]
        return {"hardware": [{"name": m.name, "vendor": m.vendor, "year": m.year, "quantities": hardware_quantities(m)}
                             for m in machines]}  # fmt: skip
    models = [accounts_of(load_model(name)) for name in transformer_names()]
    return {"models": [{"name": model.name, "quantities": model_quantities(model)} for model in models]}


def list_table(kind: str) -> Group:
    return _hardware_list() if kind == "hardware" else _model_list()


PRICES_SHOWN = {Basis.LIST: "list", Basis.RENT: "rent", Basis.OWNERSHIP: "own"}
"""Kinds of price that the list shows, each in a column of its own; an estimate stands in an entry alone."""


def _hardware_list() -> Group:
    made = table(
        "name", ">bf16", ">fp8", ">memory", ">bandwidth", ">scale-up", ">domain", ">scale-out",
        *(f">{word}" for word in PRICES_SHOWN.values()), ">W", ">all-in",
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
    return Group(
        made,
        Text(
            f"{len(hardware_names())} accelerators; peaks are dense FLOP/s (fp16 where there is no bf16); links one "
            "way, per chip; list, rent and own (ownership) are dollars of a chip-hour of that kind; W is the chip's, "
            "all-in with its share of the system; `steptime catalog hardware NAME` shows sources, dates, and who "
            "disagrees"
        ),
    )


def _model_list() -> Group:
    made = table("name", ">parameters", ">active", ">layers", ">width", ">experts", ">KV B/token at 4096 (bf16)")
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
    return Group(
        made, Text(f"{len(transformer_names())} models; `steptime catalog models NAME` shows shapes and sources")
    )


def entry_json(kind: str, name: str) -> dict[str, Any]:
    if kind == "hardware":
        machine = load_hardware(name)
        named = {**{f"peak_flops.{p}": f for p, f in machine.peaks.items()}, **machine.figures, **machine.facts,
                 **{f"prices.{basis}": figure for basis, figure in machine.prices.items()}}  # fmt: skip
        used = {key for figure in named.values() for key in figure.sources} | set(machine.described_by)
        return {
            "name": machine.name, "origin": machine.origin, "vendor": machine.vendor, "year": machine.year,
            "family": machine.family, "memory_type": machine.memory_type, "topology": machine.topology,
            "in_switch_reduction": machine.in_switch_reduction,
            "quantities": hardware_quantities(machine),
            "figures": {key: _figure_json(figure) for key, figure in named.items()},
            "sources": {key: source for key, source in sources().items() if key in used},
        }  # fmt: skip
    model = accounts_of(load_model(name))
    if not model.is_architecture:
        return {"name": model.name, "origin": model.origin, "quantities": model_quantities(model)}
    known = catalogued(name) is not None
    return {
        "name": model.name,
        "origin": f"model/catalog/transformers.toml: [{model.name}]" if known else name,
        "quantities": model_quantities(model),
        "kv_bytes_by_context": {str(context): value for context, value in kv_by_context(model).items()},
        "precision": model.precision,
        "notices": list(model.notices),
        "sources": {k: v for k, v in entry(model.name).items() if k != "kinds"} if known else {"file": name},
    }


def _figure_json(figure: Figure) -> dict[str, Any]:
    basis = {"basis": figure.basis} if figure.basis else {}
    said = {"conflicts": [_said_json(other) for other in figure.conflicts]} if figure.conflicts else {}
    return {**_said_json(figure), "doubtful": figure.doubtful, **basis, **said}


def _said_json(said: Figure | Conflict) -> dict[str, Any]:
    """What a source says, whether its figure is taken or not."""
    return {"value": said.value, "source": list(said.source), "date": said.date, "grade": said.grade, "note": said.note}


def entry_table(kind: str, name: str) -> Group:
    return _hardware_entry(name) if kind == "hardware" else _model_entry(name)


def _hardware_entry(name: str) -> Group:
    data = entry_json("hardware", name)
    made = table("figure", ">value", "", "", "source", "date", "note")
    for key, figure in data["figures"].items():
        doubt = "doubtful" if figure["doubtful"] else ""
        made.add_row(key, _in_unit(key, figure["value"]), figure.get("basis", ""), doubt, *_told(figure))
        for other in figure.get("conflicts", ()):
            made.add_row("", _in_unit(key, other["value"]), "", "not used", *_told(other))
    about = ", ".join(str(data[key]) for key in ("vendor", "year", "family", "memory_type", "topology") if data[key])
    lines = [
        Text(f"{key}: {source['title']} ({source['date']})", style="dim") for key, source in data["sources"].items()
    ]
    return Group(Text(f"{data['name']}: {about}", style="bold"), made, Text(), *lines)


def _told(said: dict[str, Any]) -> tuple[str, str, str]:
    return ", ".join(said["source"]), said["date"], said["note"]


def _in_unit(key: str, value: float) -> str:
    """A figure of an entry in the unit of its key."""
    own = key.partition(".")[0]
    if own in _plain:
        return plain(value)
    return si(value, _units[own]) if own in _units else in_unit(value, lookup(own).unit)


_units = {"system_power": "W", "chip_price": "$", "prices": "$/h", "onchip_memory": "B"}
_units["measured_matmul_bf16"] = "FLOP/s"
_plain = ("memory_label_gb",)


def _model_entry(name: str) -> Group:
    data, model = entry_json("models", name), accounts_of(load_model(name))
    made = table("quantity", ">value", "meaning")
    for key, value in data["quantities"].items():
        record = lookup(key)
        made.add_row(key, f"{value:,.0f}" if record.integer else in_unit(value, record.unit), record.meaning)
    lines: list[Text] = []
    if model.is_architecture:
        lines.append(Text(f"KV cache per token of context: {formula(_scenario(model).definitions[q.kv_bytes])}"))
        by_context = ", ".join(f"{plain(v)} B at {c}" for c, v in kv_by_context(model).items())
        lines.append(Text(f"at bf16: {by_context}"))
        lines += [Text(f"{number} × {layer_text(layer)}", style="dim") for layer, number in model.kinds.items()]
        lines += [Text(f"note: {notice}") for notice in model.notices]
        source = data["sources"]
        lines.append(Text(f"source: {source.get('source', data['origin'])} {source.get('date', '')}"))
        for key in ("published_parameters", "published_active_parameters"):
            if key in source:
                lines.append(Text(f"{key}: {source[key]['value']:,} ({source[key]['source']})"))
    return Group(Text(f"{data['name']}", style="bold"), made, Text(), *lines)
