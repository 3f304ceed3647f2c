"""From a question to a case: load, choose precisions, put in numbers, choose a layout, write the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sympy
from sympy import Expr, Max, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.catalog.hardware import Hardware, load_hardware
from steptime.model.catalog.models import AbstractModel, load_model
from steptime.model.errors import UserError
from steptime.model.layout.choices import KIND_BYTES, Plan
from steptime.model.layout.layout import SYMBOLS, Layout, impossible
from steptime.model.phases.abstract import AbstractLedger
from steptime.model.phases.accounts import ledger_of, room_of
from steptime.model.phases.decode import DECODE
from steptime.model.phases.ledger import Ledger
from steptime.model.phases.memory import Footprint, abstract_footprint, footprints
from steptime.model.phases.phase import Phase
from steptime.model.phases.train import TrainPhase
from steptime.model.phases.train_ledger import TrainLedger
from steptime.model.precision import BYTES, activations_for
from steptime.model.quantity import lookup
from steptime.model.scenario import Scenario, Unbound
from steptime.model.step.case import Case, results
from steptime.model.step.default_layout import default_layout
from steptime.model.step.inputs import Question, read_layout, read_sets
from steptime.model.step.workload import no_such_step, set_by_hand, workload

CONSTANTS: dict[Symbol, float] = {q.flops_per_mac: 2.0, q.hour: 3600.0, q.million: 1e6}
IDEAL: dict[Symbol, float] = {
    q.compute_efficiency: 1.0, q.memory_efficiency: 1.0, q.interconnect_efficiency: 1.0,
    q.scale_up_latency: 0.0, q.scale_out_latency: 0.0, q.expert_load: 1.0,
}  # fmt: skip
STATES: dict[Symbol, float] = {q.bytes_per_state: BYTES["fp32"], q.bytes_per_index: BYTES["fp8"]}
"""Recurrent states are kept in fp32 and index keys in fp8, as the published models that have them do."""

_abstract_defaults = {
    "active_parameters": "= parameters", "parameters_read": "= parameters", "attention_flops": "0",
    "kv_written": "= kv_bytes",
}  # fmt: skip
LedgerOf = Ledger | TrainLedger | AbstractLedger
SLOTS = frozenset({
    q.active_parameters, q.parameters_read, q.attention_flops, q.kv_bytes, q.kv_written, q.scale_up_bytes,
    q.scale_out_bytes, q.compute_shards, q.weight_shards, q.kv_shards, q.scale_up_starts, q.scale_out_starts,
})  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """A question read as far as the layout: everything but it has a number."""

    question: Question
    model: Transformer | AbstractModel
    hardware: Hardware
    phase: Phase
    values: Mapping[Symbol, float]
    precision: dict[str, str]
    plan: Plan
    defaults: list[str]
    stated: Layout | None
    chips: int | None


def build_case(question: Question) -> Case:
    """The complete case of a question; raises UserError for whatever in it cannot be used."""
    asked = prepare(question, load_hardware(question.hardware))
    if (layout := asked.stated) is None:
        layout = default_layout(asked.model, asked.values, asked.plan, asked.phase, question.overlap, asked.chips,
                                asked.hardware.name)  # fmt: skip
        fewest = ": the fewest chips that fit, in powers of two" if asked.chips is None else ""
        asked.defaults.append(f"layout {layout}{fewest}")
    return min(cases_at(asked, layout), key=lambda case: case.number(q.step_time) or float("inf"))


def prepare(question: Question, hardware: Hardware) -> Prepared:
    """Everything of a question but its layout; raises UserError for whatever in it cannot be used."""
    if question.efficiency != "ideal":
        raise UserError(f"--efficiency {question.efficiency}: no calibration exists yet; use ideal")
    sets = read_sets(question.sets)
    stated, chips = read_layout(question.layout, sets)
    model = load_model(question.model)
    defaults: list[str] = []
    phase, asked = workload(question, sets, defaults)
    if isinstance(phase, TrainPhase) and not isinstance(model, Transformer):
        raise UserError(f"--phase train needs an architecture: {model.name} is a list of quantities")
    values, precision = base_values(question, model, hardware, sets, defaults)
    values |= asked
    plan = Plan(
        in_switch=hardware.in_switch_reduction,
        experts=question.experts,
        mixed=q.bytes_per_weight not in values,
        axes=hardware.torus_axes,
    )
    return Prepared(question, model, hardware, phase, values, precision, plan, defaults, stated, chips)


def cases_at(asked: Prepared, layout: Layout) -> list[Case]:
    """The case at one layout, in each way to copy tokens to experts; raises UserError for an impossible layout."""
    model, phase = asked.model, asked.phase
    if isinstance(model, Transformer) and (why := impossible(layout, model)) is not None:
        raise UserError(f"--layout: {why}")
    trained = model if isinstance(model, Transformer) and isinstance(phase, TrainPhase) else None
    if trained is not None and (why := no_such_step(layout, trained, asked.values)) is not None:
        raise UserError(f"--layout: {why}")
    return [
        _case(asked.question, model, asked.hardware, chosen, asked.precision, asked.plan, phase, asked.values,
              tuple(asked.defaults))
        for chosen in _with_copies(layout, asked.question, asked.values)
    ]  # fmt: skip


def _with_copies(layout: Layout, question: Question, values: Mapping[Symbol, float]) -> list[Layout]:
    """The layout with each way to copy tokens to experts that may be the cheaper; inside one domain there is one."""
    stated = question.layout is not None and "copies" in question.layout
    if stated or layout.ep == 1 or layout.stage <= values.get(q.scale_up_domain, 1.0):
        return [layout]
    return [replace(layout, copies=copies) for copies in ("per-domain", "per-expert")]


def base_values(
    question: Question,
    model: Transformer | AbstractModel,
    hardware: Hardware,
    sets: dict[Symbol, float],
    defaults: list[str],
) -> tuple[dict[Symbol, float], dict[str, str]]:
    """Numbers for every base symbol but the layout's and the workload's, and the formats; --set wins over all."""
    values = {**CONSTANTS, **IDEAL, **STATES}
    if isinstance(model, Transformer) and (shapes := sorted(s.name for s in (q.width, q.layers) if s in sets)):
        raise UserError(
            f"--set {', '.join(shapes)}: {model.name} has its own shapes; give a TOML of quantities instead"
        )
    if isinstance(model, AbstractModel):
        left_out = [f"{name} {text}" for name, text in _abstract_defaults.items() if name not in model.values]
        defaults += [text for text in left_out if lookup(text.split()[0]).symbol not in sets]
        values |= {lookup(name).symbol: value for name, value in model.values.items()}
    values |= {lookup(name).symbol: figure.value for name, figure in hardware.figures.items()}
    precision = _precision(question, model, hardware, sets, defaults)
    if q.peak_flops not in sets:
        values[q.peak_flops] = hardware.peak(precision["activations"])
    exceptions = dict(model.exceptions) if isinstance(model, Transformer) and question.weights is None else {}
    by_kind = set(KIND_BYTES.values()) & set(sets)
    if q.bytes_per_weight not in sets and (exceptions or by_kind):
        stored = {symbol: BYTES[exceptions.get(kind, precision["weights"])] for kind, symbol in KIND_BYTES.items()}
        values |= stored
        listed = ", ".join(f"{kind} {fmt}" for kind, fmt in exceptions.items())
        defaults += [f"kept in another format: {listed}"] if listed else []
    else:
        values[q.bytes_per_weight] = BYTES[precision["weights"]]
    values[q.bytes_per_kv] = BYTES[precision["kv"]]
    values[q.dispatch_bytes] = BYTES[precision["activations"]]
    values |= dict.fromkeys((q.combine_bytes, q.reduce_bytes, q.send_bytes), BYTES["bf16"])
    return values | sets, precision


def _precision(
    question: Question,
    model: Transformer | AbstractModel,
    hardware: Hardware,
    sets: Mapping[Symbol, float],
    defaults: list[str],
) -> dict[str, str]:
    """Formats of weights, activations and KV cache, with each default noted."""
    own = model.precision
    weights = question.weights or own or "bf16"
    if question.weights is None:
        defaults.append(f"weights {weights}" + ("" if own else " (the model states no format that is modelled)"))
    kv = question.kv or "bf16"
    if question.kv is None:
        defaults.append(f"kv {kv}")
    activations = question.activations
    if activations is None:
        if hardware.peaks:
            activations = activations_for(weights, hardware.peaks.keys())
        elif q.peak_flops in sets:
            activations = weights
        else:
            raise UserError(hardware.missing("peak_flops") + " is missing: give it, or --set peak_flops=…")
        defaults.append(f"activations {activations}")
    return {"weights": weights, "activations": activations, "kv": kv}


def _case(
    question: Question,
    model: Transformer | AbstractModel,
    hardware: Hardware,
    layout: Layout,
    precision: dict[str, str],
    plan: Plan,
    phase: Phase,
    values: Mapping[Symbol, float],
    defaults: tuple[str, ...],
) -> Case:
    """The case at one layout."""
    plan = replace(plan, ffn=layout.ffn, copies=layout.copies)
    ledger: LedgerOf
    if isinstance(model, Transformer):
        ledger = ledger_of(model, plan, phase, layout.degrees)
    else:
        ledger = AbstractLedger(frozenset(values), plan, layout.degrees, phase)
    by_hand = sorted(symbol.name for symbol in SLOTS & set(values) if isinstance(model, Transformer))
    operations = phase.ledger if by_hand else ledger.operations()
    notices = [f"{', '.join(by_hand)} set by hand: the ledger is the blackboard's"] if by_hand else []
    if q.micro_batch in values:
        notices.append("micro_batch set by hand: throughput and memory still count every sequence of the batch")
    whole = _footprints(model, layout, plan, phase, values, whole_sequences=True)
    relaxed = _footprints(model, layout, plan, phase, values, whole_sequences=False)
    numbers = {**values, q.chips: float(layout.chips), q.stage_chips: float(layout.stage)}
    numbers |= {symbol: float(getattr(layout, key)) for key, symbol in SYMBOLS.items()}
    definitions: dict[Symbol, Expr] = {**ledger.slots(), **results(phase, operations, whole, question.overlap)}
    if phase is not DECODE and (isinstance(model, AbstractModel) or q.kv_bytes in values):
        written = sympy.Float(numbers.pop(q.kv_written)) if q.kv_written in numbers else q.kv_bytes
        definitions |= set_by_hand(phase, q.kv_bytes, written)
    if values[q.batch] < layout.replicas * layout.pp and q.micro_batch not in values and phase.name != "train":
        # A sequence is not divided among replicas or stages: some are idle, and one that works has a whole one.
        definitions[q.micro_batch] = Max(1, definitions[q.micro_batch])
    scenario = Scenario(numbers, definitions)
    board = phase.blackboard
    links = {q.scale_up_bandwidth: board.scale_up, q.scale_out_bandwidth: board.scale_out}
    absent = frozenset(link for link, term in links.items() if link not in numbers and _unused(scenario, term.work))
    if layout.chips == 1 and q.scale_up_domain not in numbers:
        absent |= {q.scale_up_domain}
    # What nothing crosses takes no time at any bandwidth, so that a link's missing figure does not matter.
    scenario = scenario | dict.fromkeys(absent, 1.0)
    return Case(question, model, hardware, layout, precision, plan, phase, operations, relaxed, whole, scenario,
                defaults, tuple(notices), absent)  # fmt: skip


def _footprints(
    model: Transformer | AbstractModel,
    layout: Layout,
    plan: Plan,
    phase: Phase,
    values: Mapping[Symbol, float],
    whole_sequences: bool,
) -> tuple[Footprint, ...]:
    if isinstance(model, Transformer) and q.kv_bytes not in values:
        return footprints(model, layout, whole_sequences, phase, plan, room_of(phase))
    return abstract_footprint(q.parameters, q.kv_bytes, layout, phase.held)


def _unused(scenario: Scenario, work: Expr) -> bool:
    """Whether nothing crosses a link."""
    try:
        domain = scenario.values.get(q.scale_up_domain, 1.0)
        return bool((scenario | {q.scale_up_domain: domain}).evaluate(work) == 0)
    except Unbound:
        return False
