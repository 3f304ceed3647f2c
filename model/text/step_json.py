"""One step as JSON: base units, the keys that scripts rely on."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sympy import Expr

from steptime.model import symbols as q
from steptime.model.choices import PhaseName
from steptime.model.economics.utilisation import (
    hardware_flops_utilisation,
    run_dollars,
)  # fmt: skip
from steptime.model.phases.memory import usable
from steptime.model.quantity import latex
from steptime.model.solver.crossover import CrossoverAnswer, crossovers
from steptime.model.step.case import Case
from steptime.model.step.estimate import coefficients_of, estimated
from steptime.model.step.estimate_parts import parts_of_estimate
from steptime.model.step.request import with_answer
from steptime.model.step.room import cache_of_one, kv_room_tokens, largest_concurrency, prompt_alone
from steptime.model.terms import Operation
from steptime.model.text.header import header_json, missing_json
from steptime.model.text.practice import estimate_json, measured_json, rates
from steptime.model.text.practice_terms import parts_json
from steptime.model.text.run import run_of

if TYPE_CHECKING:
    from steptime.model.solver.ranges.uncertainty import Spread
    from steptime.model.step.measured import Measured

ALWAYS = ("weights", "kv", "activations")
"""Parts of a chip's memory that every phase lists."""
LENGTHS = (q.prompt, q.cached, q.chunk)
TRAINED = (q.sequence, q.microbatch, q.interleave)


def outputs(case: Case) -> dict[str, Expr]:
    """What a step gives, by key: what cannot be worked out is missing, and says where it would come from."""
    board, found = case.phase.blackboard, {f"terms.{name}": case.resources[name] for name in case.times}
    if case.has_network:
        found |= {f"network.{term.name}": term.time for term in (board.scale_up, board.scale_out)}
    found |= {"step_time": q.step_time}
    if q.own_prefill in case.scenario.values:
        found["mean_step_time"] = q.mean_step_time
    found |= {f"bounds.{overlap.replace('-', '_')}": bound for overlap, bound in case.bounds.items()}
    found |= rates(case) | {"memory_per_chip.capacity": q.memory_capacity}
    if q.training_tokens in case.scenario.values:
        found["training.dollars"] = run_dollars
    if case.phase.name != PhaseName.TRAIN and coefficients_of(case) is not None:
        found["estimate.waves"] = q.processors * q.processor_bandwidth
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
        "relaxed": answer.relaxed,
        "bracket": None if answer.bracket is None else list(answer.bracket),
        "remark": answer.remark,
    }


def step_json(
    case: Case,
    answers: Sequence[CrossoverAnswer] | None = None,
    spread: "Spread | None" = None,
    measured: "Measured | None" = None,
) -> dict[str, Any]:
    """Everything about a step, base units, the keys that scripts rely on."""
    there, room, board = case.scenario.values, case.fullest_stage, case.phase.blackboard
    answers, given = crossovers(case) if answers is None else answers, outputs(case)
    tiers = (board.scale_up, board.scale_out)
    parts = {name: part for name, part in room.parts.items() if part != 0 or name in ALWAYS}
    number = case.numbers((
        q.batch, q.context, *LENGTHS, *TRAINED, q.answer, *(term.time for term in tiers), *parts.values(), room.total,
        q.workspace, usable, *given.values(), *(cost for line in case.operations for cost in _costs(line)),
    )).get  # fmt: skip
    return {
        **header_json(case),
        "batch": number(q.batch),
        "context": number(q.context) if case.phase.name == PhaseName.DECODE else None,
        **{symbol.name: number(symbol) if symbol in there else None for symbol in LENGTHS},
        **{symbol.name: number(symbol) for symbol in TRAINED if symbol in there},
        "output": number(q.answer) if q.answer in there else None,
        "scope": case.inputs.scope,
        "terms": dict(case.times),
        "network": {term.name: number(term.time) if case.has_network else None for term in tiers},
        "bottleneck": case.bottleneck,
        "step_time": number(q.step_time),
        "estimate": estimate_json(case),
        **({} if measured is None else {"measured": measured_json(measured)}),
        **({"mean_step_time": number(q.mean_step_time)} if q.own_prefill in there else {}),
        "bounds": {overlap.replace("-", "_"): number(bound) for overlap, bound in case.bounds.items()},
        "operations": [_operation_json(number, line) for line in case.operations],
        **{key: number(expr) for key, expr in rates(case).items()},
        "memory_per_chip": {
            **{name: number(part) for name, part in parts.items()},
            "total": number(room.total),
            "workspace": number(q.workspace),
            "usable": number(usable),
            "capacity": number(q.memory_capacity),
        },
        "fits": case.fits,
        "kv_bytes_per_sequence": cache_of_one(case),
        **room_json(case),
        **request_json(case),
        **training_json(case),
        **parts_of(case),
        **ranges_json(spread),
        "crossovers": [crossover_json(answer) for answer in answers],
        "quantities": case.quantities,
        "missing": missing_json(case, given),
    }


def parts_of(case: Case) -> dict[str, Any]:
    """What the terms of the estimate are made of, where there is one."""
    found = parts_of_estimate(case)
    return {"estimate_terms": parts_json(found)} if found else {}


def ranges_json(spread: "Spread | None") -> dict[str, Any]:
    """Intervals, where there are any: only then their room is opened."""
    if spread is None:
        return {}
    from steptime.model.text.ranges import spread_json

    return spread_json(spread)


def room_json(case: Case) -> dict[str, Any]:
    """Beside a decode step: what its memory has room for, and how long a request alone waits for its first token."""
    if case.phase.name != PhaseName.DECODE:
        return {}
    return {
        "kv_room_tokens": kv_room_tokens(case),
        "largest_concurrency": largest_concurrency(case),
        **_first_token(prompt_alone(case)),
    }


def _first_token(alone: Case | None) -> dict[str, float | None]:
    """The time of a prefill that has the machine to itself, and in practice, where it has an estimate."""
    practice = None if alone is None else estimated(alone)
    return {
        "time_to_first_token": None if alone is None else alone.number(q.step_time),
        "time_to_first_token_estimate": None if practice is None else practice.step_time,
    }


def request_json(case: Case) -> dict[str, Any]:
    """A prefill's time to first token, and the whole request where the length of the answer was said."""
    if case.phase.name != PhaseName.PREFILL:
        return {}
    found: dict[str, Any] = {**_first_token(case)}
    if q.answer in case.scenario.values:
        request = with_answer(case)
        answer = request.answer
        found["request"] = {
            "output": case.number(q.answer),
            "time": request.time,
            "decode_time": 0.0 if answer is None else answer.number(q.step_time),
            "decode_terms": None if answer is None else dict(answer.times),
            "decode_bottleneck": None if answer is None else answer.bottleneck,
            "tokens_per_second": request.tokens_per_second,
            "fits": answer.fits if answer is not None else case.fits,
        }
    return found


def training_json(case: Case) -> dict[str, Any]:
    """What training has beside a step: what is computed again, the pipeline's idle time, days and dollars."""
    if case.phase.name != PhaseName.TRAIN:
        return {}
    number, training = case.number, case.inputs.training
    return {
        "training": {
            "micro_batches": number(q.micro_batches),
            "bubble": number(q.bubble_ratio),
            "model_flops": number(q.model_flops * q.batch),
            "hfu": number(hardware_flops_utilisation),
            **run_of(case),
            **{name: getattr(training, name) for name in training.__dataclass_fields__},
            "sequence_parallel": training.sequence_parallel and case.layout.tp > 1,
            "attention_kernel": training.kernel,
            **_budget(case),
        }
    }


def _budget(case: Case) -> dict[str, Any]:
    """How long to train a model that serves so many tokens, where that was said."""
    served = case.scenario.values.get(q.served_tokens)
    if served is None:
        return {}
    from steptime.model.catalog.economy import loss_law, names
    from steptime.model.economics.budget import training_budget

    weights, efficiency = case.scenario.value(q.active_parameters), case.scenario.value(q.decode_efficiency)
    budget = training_budget(weights, served, efficiency, {name: loss_law(name) for name in names("loss_law")})
    return {
        "served_tokens": served,
        "tokens_of_cheapest_training": budget.cheapest_training,
        "tokens_at_equal_compute": budget.equal_compute,
        "tokens_at_optimum": dict(budget.optimum),
    }


def _costs(line: Operation) -> tuple[Expr, ...]:
    """What an operation costs a chip: FLOP, bytes of memory, bytes and starts on each tier."""
    traffic = line.traffic
    starts = traffic.scale_up_starts, traffic.scale_out_starts
    return line.flops, line.memory_bytes, traffic.scale_up, traffic.scale_out, *starts


def _operation_json(number: Callable[[Expr], float | None], line: Operation) -> dict[str, Any]:
    flops, memory_bytes, *network = map(number, _costs(line))
    return {
        "name": line.name,
        "flops": flops,
        "memory_bytes": memory_bytes,
        "network_bytes": {"scale_up": network[0], "scale_out": network[1]},
        "network_starts": {"scale_up": network[2], "scale_out": network[3]},
    }
