"""The catalogue for scripts: every figure with its source and date."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from steptime.model import symbols as q
from steptime.model.catalog.figures import Conflict
from steptime.model.catalog.hardware import Figure, Hardware, hardware_names, load_hardware, sources
from steptime.model.catalog.models import catalogued, load_model
from steptime.model.catalog.transformers import entry, transformer_names
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.phases.accounts import Accounts, accounts_of
from steptime.model.phases.decode import DECODE
from steptime.model.precision import BYTES
from steptime.model.quantity import Quantity, count, lookup
from steptime.model.scenario import Scenario
from steptime.model.step.defaults import CONSTANTS, IDEAL, STATES, cache_layout
from steptime.model.text.format import letter
from steptime.model.units import unit_text

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
    scenario = scenario_of(accounts)
    found = {name: scenario.evaluate(lookup(name).symbol) for name in SHOWN[:6]}
    return found | {"width": float(accounts.model.width), "layers": float(accounts.layers)} | STATED


def scenario_of(accounts: Accounts) -> Scenario:
    """A model at that workload, on one chip."""
    values = {lookup(name).symbol: value for name, value in STATED.items()}
    degrees = dict.fromkeys(SYMBOLS.values(), 1.0)
    slots = accounts.ledger(Plan(), DECODE, Layout().degrees).slots
    beside = cache_layout(values[q.bytes_per_kv], STATES[q.bytes_per_index])
    return Scenario({**CONSTANTS, **IDEAL, **STATES, **beside, **values, **degrees}, slots)


def kv_by_context(accounts: Accounts) -> dict[int, float]:
    """KV cache bytes per token of context, at several contexts: windows make it fall."""
    scenario = scenario_of(accounts)
    return {context: (scenario | {q.context: float(context)}).evaluate(q.kv_bytes) for context in CONTEXTS}


def hardware_quantities(machine: Hardware) -> dict[str, Any]:
    """Figures of a machine under the names of `step`; peaks by precision."""
    peaks = {precision: figure.value for precision, figure in machine.peaks.items()}
    return {"peak_flops": peaks, **{name: figure.value for name, figure in machine.figures.items()}}


def quantity_json(one: Quantity) -> dict[str, Any]:
    """A quantity: its letter, unit and meaning."""
    return {"name": one.name, "letter": letter(one), "latex": one.latex, "unit": unit_said(one),
            "meaning": one.meaning, "integer": one.integer}  # fmt: skip


def unit_said(one: Quantity) -> str:
    """The unit in words; a count has none."""
    return "" if one.unit == count else unit_text(one.unit)


def list_json(kind: str, known: Sequence[Any] = ()) -> dict[str, Any]:
    """What is listed, each under the names of `step`; of quantities and sources those that are ``known``."""
    if kind == "sources":
        return {"sources": [asdict(one) for one in known]}
    if kind == "hardware":
        machines = [load_hardware(name) for name in hardware_names()]
        return {"hardware": [{"name": m.name, "vendor": m.vendor, "year": m.year, "quantities": hardware_quantities(m)}
                             for m in machines]}  # fmt: skip
    if kind == "quantities":
        return {"quantities": [quantity_json(one) for one in known]}
    models = [accounts_of(load_model(name)) for name in transformer_names()]
    return {"models": [{"name": model.name, "quantities": model_quantities(model)} for model in models]}


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
