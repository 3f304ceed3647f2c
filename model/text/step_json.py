"""One step as JSON: base units, the keys that scripts rely on."""

from typing import Any

from sympy import Expr

from steptime.model import symbols as q
from steptime.model.economics.budget import training_budget
from steptime.model.errors import UserError
from steptime.model.phases.memory import Footprint
from steptime.model.phases.phase import Phase
from steptime.model.quantity import latex
from steptime.model.scenario import Unbound
from steptime.model.solver.crossover import CrossoverAnswer, find_crossover
from steptime.model.solver.ranges.uncertainty import Spread, spread
from steptime.model.step.case import Case
from steptime.model.step.request import whole_request
from steptime.model.text.not_modelled import not_modelled, notes
from steptime.model.text.ranges import read_ranges, spread_json

hardware_flops = q.model_flops + q.recomputed_flops
CHOSEN = ("recompute", "zero", "sequence_parallel", "schedule", "attention", "dropout")
PAIRS = (("compute", "memory"), ("memory", "interconnect"), ("compute", "interconnect"))


def utilisation(phase: Phase) -> dict[str, Expr]:
    """Useful FLOP/s and memory traffic over the peaks of the chips."""
    useful = phase.flops_per_sequence * q.batch
    return {
        "mfu": useful / (q.chips * q.peak_flops * q.step_time),
        "mbu": phase.blackboard.memory.work / (q.memory_bandwidth * q.step_time),
    }


ALWAYS = ("weights", "kv", "activations")
"""Parts of a chip's memory that every phase lists."""


def crossovers(case: Case) -> list[CrossoverAnswer]:
    """Where pairs of terms meet over batch and over context; pairs without a number or a meaning are left out."""
    found = []
    for over in (q.batch, case.phase.varies):
        for first, second in PAIRS:
            try:
                if all(case.scenario.evaluate(case.resources[name]) > 0 for name in (first, second)):
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
        "fits": answer.fits,
        "bracket": None if answer.bracket is None else list(answer.bracket),
        "remark": answer.remark,
    }


def layout_json(case: Case) -> dict[str, Any]:
    fields = ("tp", "dp", "cp", "ep", "pp", "replicas", "ffn", "copies")
    return {name: getattr(case.layout, name) for name in fields}


def step_json(case: Case, answers: list[CrossoverAnswer] | None = None) -> dict[str, Any]:
    """Everything about a step, base units, the keys that scripts rely on."""
    number = case.number
    answers = crossovers(case) if answers is None else answers
    board = case.phase.blackboard
    step_time = number(q.step_time, "step_time")
    room: Footprint = case.fullest_stage
    results = {
        "tokens_per_second": q.tokens_per_second,
        "tokens_per_second_per_sequence": q.tokens_per_second_per_sequence,
        "dollars_per_million_tokens": q.dollars_per_million_tokens,
        "joules_per_token": q.joules_per_token,
        **utilisation(case.phase),
    }
    found: dict[str, Any] = {
        "model": case.model.name,
        "hardware": case.hardware.name,
        "phase": case.question.phase,
        "batch": number(q.batch),
        "context": number(q.context) if case.question.phase == "decode" else None,
        **{
            name.name: number(name) for name in (q.sequence, q.microbatch, q.interleave) if name in case.scenario.values
        },
        "prompt": number(q.prompt) if q.prompt in case.scenario.values else None,
        "cached": number(q.cached) if q.cached in case.scenario.values else None,
        "chunk": number(q.chunk) if q.chunk in case.scenario.values else None,
        "output": number(q.answer) if q.answer in case.scenario.values else None,
        "scope": case.question.scope,
        "layout": layout_json(case),
        "precision": case.precision,
        "overlap": case.question.overlap,
        "experts": case.question.experts,
        "efficiency": case.question.efficiency,
        "defaults": list(case.defaults),
        "set": list(case.question.sets),
        "doubtful": case.doubtful,
        "not_modelled": not_modelled(case),
        "notes": notes(case),
        "terms": case.times,
        "network": {
            term.name: number(term.time, f"network.{term.name}") if case.has_network else None
            for term in (board.scale_up, board.scale_out)
        },
        "bottleneck": case.bottleneck,
        "step_time": step_time,
        "bounds": {
            name.replace("-", "_"): number(bound, f"bounds.{name.replace('-', '_')}")
            for name, bound in case.bounds.items()
        },
        "operations": [_operation_json(case, line) for line in case.operations],
        **{key: number(expr, key) for key, expr in results.items()},
        "memory_per_chip": {
            **{name: number(part) for name, part in room.parts.items() if part != 0 or name in ALWAYS},
            "total": number(room.total),
            "capacity": number(q.memory_capacity, "memory_per_chip.capacity"),
        },
        "fits": case.fits,
        **request_json(case),
        **training_json(case),
        **spread_json(_spread(case)),
        "crossovers": [crossover_json(answer) for answer in answers],
        "quantities": case.quantities,
    }
    return {**found, "missing": dict(case.missing)}


def request_json(case: Case) -> dict[str, Any]:
    """A prefill's time to first token, and the whole request where the length of the answer was said."""
    if case.question.phase != "prefill":
        return {}
    found: dict[str, Any] = {"time_to_first_token": case.number(q.step_time)}
    if q.answer in case.scenario.values:
        request = whole_request(case.question, case)
        answer = request.answer
        found["request"] = {
            "output": case.number(q.answer),
            "time": request.time,
            "decode_time": 0.0 if answer is None else answer.number(q.step_time),
            "decode_terms": None if answer is None else answer.times,
            "decode_bottleneck": None if answer is None else answer.bottleneck,
            "tokens_per_second": request.tokens_per_second,
            "fits": answer.fits if answer is not None else case.fits,
        }
    return found


def training_json(case: Case) -> dict[str, Any]:
    """What training has beside a step: what is computed again, the pipeline's idle time, days and dollars."""
    if case.question.phase != "train":
        return {}
    number, tokens = case.number, case.number(q.training_tokens) if q.training_tokens in case.scenario.values else None
    seconds = None if tokens is None else number(q.training_tokens / q.tokens_per_second)
    return {
        "training": {
            "micro_batches": number(q.micro_batches),
            "bubble": number(q.bubble_ratio),
            "model_flops": number(q.model_flops * q.batch),
            "hfu": number(hardware_flops * q.batch / (q.chips * q.peak_flops * q.step_time)),
            "tokens": tokens,
            "days": None if seconds is None else seconds / 86400,
            "dollars": None if tokens is None else number(
                q.training_tokens / q.million * q.dollars_per_million_tokens, "training.dollars"),
            **{name: getattr(case.question, name) for name in CHOSEN},
            **_budget(case),
        }
    }  # fmt: skip


def _budget(case: Case) -> dict[str, Any]:
    """How long to train a model that serves so many tokens, where that was said."""
    served = case.scenario.values.get(q.served_tokens)
    if served is None:
        return {}
    budget = training_budget(case.scenario.value(q.active_parameters), served, case.scenario.value(q.decode_efficiency))
    return {
        "served_tokens": served,
        "tokens_of_cheapest_training": budget.cheapest_training,
        "tokens_at_equal_compute": budget.equal_compute,
        "tokens_at_optimum": dict(budget.optimum),
    }


def _spread(case: Case) -> Spread | None:
    return spread(case, read_ranges(case.question.ranges)) if case.question.ranges else None


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
