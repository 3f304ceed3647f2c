"""One step as JSON and as a table."""

from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model import symbols as q
from steptime.model.case import RESOURCES, TERMS, Case
from steptime.model.decode import blackboard, flops_per_token, memory
from steptime.model.errors import UserError
from steptime.model.memory import Footprint
from steptime.model.quantity import latex
from steptime.model.scenario import Unbound
from steptime.model.solver.crossover import CrossoverAnswer, find_crossover
from steptime.model.view.format import formula, plain, si, table
from steptime.model.view.not_modelled import not_modelled

PAIRS = (("compute", "memory"), ("memory", "interconnect"), ("compute", "interconnect"))
useful_flops = flops_per_token * q.batch
mfu = useful_flops / (q.chips * q.peak_flops * q.step_time)
mbu = memory.work / (q.memory_bandwidth * q.step_time)


def crossovers(case: Case) -> list[CrossoverAnswer]:
    """Where pairs of terms meet over batch and over context; pairs without a number or a meaning are left out."""
    found = []
    for over in (q.batch, q.context):
        for first, second in PAIRS:
            try:
                if all(case.scenario.evaluate(RESOURCES[name]) > 0 for name in (first, second)):
                    found.append(find_crossover(case, first, second, over))
            except (UserError, Unbound):
                continue
    return found


def crossover_json(answer: CrossoverAnswer) -> dict[str, Any]:
    closed = answer.closed_form
    return {
        "between": list(answer.between),
        "over": answer.over.name,
        "closed_form": None if closed is None else f"{answer.over.name} = {closed.rhs}",
        "latex": None if closed is None else latex(closed),
        "exists_when": None if answer.exists_when is None else str(answer.exists_when),
        "exists": answer.exists,
        "value": answer.value,
        "values": list(answer.values),
        "bracket": None if answer.bracket is None else list(answer.bracket),
        "remark": answer.remark,
    }


def layout_json(case: Case) -> dict[str, Any]:
    fields = ("tp", "dp", "cp", "ep", "pp", "replicas", "ffn", "copies")
    return {name: getattr(case.layout, name) for name in fields}


def step_json(case: Case) -> dict[str, Any]:
    """Everything about a step, base units, the keys that scripts rely on."""
    number = case.number
    step_time = number(q.step_time, "step_time")
    room: Footprint = case.fullest_stage
    results = {
        "tokens_per_second": q.tokens_per_second,
        "tokens_per_second_per_sequence": q.tokens_per_second_per_sequence,
        "dollars_per_million_tokens": q.dollars_per_million_tokens,
        "joules_per_token": q.joules_per_token,
        "mfu": mfu,
        "mbu": mbu,
    }
    found: dict[str, Any] = {
        "model": case.model.name,
        "hardware": case.hardware.name,
        "phase": case.question.phase,
        "batch": number(q.batch),
        "context": number(q.context),
        "prompt": None,
        "layout": layout_json(case),
        "precision": case.precision,
        "overlap": case.question.overlap,
        "experts": case.question.experts,
        "efficiency": case.question.efficiency,
        "defaults": list(case.defaults),
        "not_modelled": not_modelled(case),
        "terms": case.times,
        "network": {
            term.name: number(term.time, f"network.{term.name}") if case.has_network else None
            for term in (blackboard.scale_up, blackboard.scale_out)
        },
        "bottleneck": case.bottleneck,
        "step_time": step_time,
        "bounds": {name.replace("-", "_"): number(bound, f"bounds.{name}") for name, bound in case.bounds.items()},
        "operations": [_operation_json(case, line) for line in case.operations],
        **{key: number(expr, key) for key, expr in results.items()},
        "memory_per_chip": {
            "weights": number(room.weights),
            "kv": number(room.kv),
            "activations": number(room.activations),
            "total": number(room.total),
            "capacity": number(q.memory_capacity, "memory_per_chip.capacity"),
        },
        "fits": case.fits,
        "crossovers": [crossover_json(answer) for answer in crossovers(case)],
        "quantities": case.quantities,
    }
    return {**found, "missing": dict(case.missing)}


def _operation_json(case: Case, line: Any) -> dict[str, Any]:
    traffic = line.traffic
    return {
        "name": line.name,
        "flops": case.number(line.flops),
        "memory_bytes": case.number(line.memory_bytes),
        "network_bytes": {"scale_up": case.number(traffic.scale_up), "scale_out": case.number(traffic.scale_out)},
        "network_starts": {
            "scale_up": case.number(traffic.scale_up_starts), "scale_out": case.number(traffic.scale_out_starts)
        },
    }  # fmt: skip


def step_table(case: Case) -> Group:
    """A step for people: terms with their closed forms, band, rates, cost, memory, crossovers, what is left out."""
    data = step_json(case)
    head = Text(
        f"{data['model']} on {data['hardware']}: one {data['phase']} step, batch {plain(data['batch'])}, "
        f"context {plain(data['context'])}, {case.layout.chips} chip{'s' * (case.layout.chips > 1)}",
        style="bold",
    )
    return Group(
        head, Text(), _terms(case, data), Text(), _facts(case, data), Text(), *_crossover_lines(data), *_notes(data)
    )


def _terms(case: Case, data: dict[str, Any]) -> Any:
    made = table("term", ">time", ">share", "closed form")
    step = data["bounds"]["full"]
    tiers = [tier for tier in ("scale_up", "scale_out") if data["network"][tier]]
    for name in (*TERMS, *(tiers if len(tiers) > 1 else [])):
        time = data["terms"].get(name, data["network"].get(name))
        expr = RESOURCES[tiers[0]] if name == "interconnect" and len(tiers) == 1 else RESOURCES[name]
        shown = formula(case.short(expr)) if time else ("0" if time == 0 else "absent")
        binds = "  ← binds" if name == data["bottleneck"] else ""
        made.add_row(name, si(time, "s"), f"{time / step:.0%}" if step and time is not None else "—", shown + binds)
    return made


def _facts(case: Case, data: dict[str, Any]) -> Any:
    made = table("", "")
    bounds, memory_used = data["bounds"], data["memory_per_chip"]
    band = " ≤ ".join(f"{si(bounds[key], 's')} ({text})" for key, text in
                      (("full", "full overlap"), ("per_operation", "per operation"), ("none", "none")))  # fmt: skip
    bound = data["bottleneck"] or "—"
    made.add_row("step time", f"{si(data['step_time'], 's')} at overlap {data['overlap']}; bound by {bound}")
    made.add_row("band", band)
    made.add_row("tokens/s", f"{plain(data['tokens_per_second_per_sequence'])} per sequence, "
                             f"{plain(data['tokens_per_second'])} over all chips")  # fmt: skip
    made.add_row("cost", _cost(data))
    compute, memory_share = _percent(data["mfu"]), _percent(data["mbu"])
    made.add_row("utilisation", f"{compute} of peak FLOP/s (MFU), {memory_share} of memory bandwidth (MBU)")
    fits = {True: "fits", False: "DOES NOT FIT", None: "capacity unknown"}[data["fits"]]
    made.add_row("memory/chip", f"{si(memory_used['total'], 'B')} of {si(memory_used['capacity'], 'B')}: {fits} "
                                f"(weights {si(memory_used['weights'], 'B')}, KV {si(memory_used['kv'], 'B')}, "
                                f"activations {si(memory_used['activations'], 'B')})")  # fmt: skip
    made.add_row("layout", f"{case.layout}")
    made.add_row("precision", ", ".join(f"{key} {value}" for key, value in data["precision"].items()))
    return made


def _percent(value: float | None) -> str:
    return "—" if value is None else f"{value:.1%}"


def _cost(data: dict[str, Any]) -> str:
    dollars, joules = data["dollars_per_million_tokens"], data["joules_per_token"]
    parts = ["—" if dollars is None else f"${dollars:.4g} per million tokens"]
    parts.append("—" if joules is None else f"{si(joules, 'J')} per token")
    return ", ".join(parts)


def _crossover_lines(data: dict[str, Any]) -> list[Text]:
    lines = [Text("crossovers", style="bold")]
    for over in ("batch", "context"):
        found = [entry for entry in data["crossovers"] if entry["over"] == over]
        present = data[over]
        found.sort(key=lambda entry: abs(entry["value"] - present) if entry["value"] else float("inf"))
        for entry in found:
            pair = " = ".join(entry["between"])
            if entry["exists"]:
                low, high = entry["bracket"] or (None, None)
                how = "" if entry["closed_form"] else f", a root between {plain(low)} and {plain(high)}"
                lines.append(Text(f"  {over} {plain(entry['value'])}: {pair}{how}"))
            else:
                lines.append(Text(f"  {over}: {pair}: {entry['remark']}"))
            # A formula is worth its space where there is a crossing; where there is none, the condition says why.
            if entry["closed_form"] and entry["exists"]:
                lines.append(Text(f"      {formula(entry['closed_form'])}", style="dim"))
            if entry["exists_when"] not in (None, "True", "False") and (entry["exists"] or over == "batch"):
                lines.append(Text(f"      exists when {formula(entry['exists_when'])}", style="dim"))
    return [*lines, Text()]


def _notes(data: dict[str, Any]) -> list[Text]:
    lines = []
    if data["defaults"]:
        lines.append(Text("defaults taken: " + "; ".join(data["defaults"])))
    for key, where in data["missing"].items():
        lines.append(Text(f"missing for {key}: {where}"))
    lines.append(Text("not modelled: " + "; ".join(data["not_modelled"])))
    return lines
