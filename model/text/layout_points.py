"""Points of a search over layouts as JSON and CSV, and in words."""

import csv
import io
from typing import Any

from steptime.model import symbols as q
from steptime.model.choices import Minimise, PhaseName
from steptime.model.phases.accounts import accounts_of
from steptime.model.precision import activations_for
from steptime.model.solver.layouts.points import Answer, Point
from steptime.model.step.case import Case
from steptime.model.step.formats import usual_activations, usual_kv, usual_weights
from steptime.model.step.inputs import Inputs, Question
from steptime.model.text.header import layout_json
from steptime.model.text.practice import estimate_of_json

FORMATS = ("weights", "kv", "activations")


def point_json(point: Point, case: Case | None = None, minimise: Minimise | None = None) -> dict[str, Any]:
    """A point under the keys of `step`: at the bound, and in practice under `estimate`, with what is minimised."""
    fields = ("tp", "dp", "cp", "ep", "pp", "replicas", "ffn")
    layout = layout_json(case.layout) if case else {name: getattr(point.layout, name) for name in fields}
    limited = {} if point.time_to_first_token is None else {"time_to_first_token": point.time_to_first_token}
    if point.first_token_estimate is not None:
        limited["time_to_first_token_estimate"] = point.first_token_estimate
    return {
        "hardware": point.question.hardware.name,
        "layout": layout,
        "chips": point.layout.chips,
        "batch": point.batch,
        "precision": dict(case.precision) if case else formats(point.question),
        "step_time": point.step_time,
        "cost": point.cost,
        "tokens_per_second_per_sequence": point.per_sequence,
        "tokens_per_second_per_chip": point.per_chip,
        "dollars_per_million_tokens": point.dollars_per_million_tokens,
        "joules_per_token": point.joules_per_token,
        "estimate": _estimate(point, minimise),
        **limited,
        **trained(point.question),
    }


def _estimate(point: Point, minimise: Minimise | None) -> dict[str, Any] | None:
    """What the point takes in practice, under the keys of `step`."""
    if point.estimate is None:
        return None
    numbers = {
        "tokens_per_second": point.per_chip * point.layout.chips, "tokens_per_second_per_sequence": point.per_sequence,
        "dollars_per_million_tokens": point.dollars_per_million_tokens, "joules_per_token": point.joules_per_token,
    }  # fmt: skip
    cost = {} if minimise is None else {"cost": point.ranked(True, minimise)}
    return estimate_of_json(point.estimate, point.step_time, point.mean_step_time, numbers) | cost


def trained(question: Question) -> dict[str, Any]:
    """The choices of training of a point; none in serving."""
    inputs = question.inputs
    if inputs.phase != PhaseName.TRAIN:
        return {}
    training, given = inputs.training, inputs.given
    shared = training.sequence_parallel and inputs.layout is not None and inputs.layout.tp > 1
    return {
        "microbatch": int(given.get(q.microbatch, 1)), "interleave": int(given.get(q.interleave, 1)),
        "recompute": training.recompute, "zero": training.zero, "sequence_parallel": shared,
    }  # fmt: skip


def choices(question: Question) -> str:
    """The same in words, to follow a layout."""
    return "".join(f", {name.replace('_', ' ')} {value}" for name, value in trained(question).items())


def formats(question: Question) -> dict[str, str]:
    """The formats of a point, as a step takes them."""
    inputs, peaks, accounts = question.inputs, tuple(question.hardware.peaks), accounts_of(question.model)
    wanted = usual_activations(inputs.weights, accounts)
    used = inputs.activations or (activations_for(wanted, peaks) if peaks else wanted)
    return {"weights": usual_weights(inputs, accounts), "activations": used, "kv": usual_kv(inputs, accounts)}


def formats_said(answer: Answer) -> str:
    """Which formats every point has, and which were tried."""
    search = answer.search
    accounts = accounts_of(search.model)
    own, kv = accounts.precision, accounts.kv
    usual = {"weights": f"{own}, the model's own" if own else "bf16, as the model states none",
             "kv": f"{kv}, as the model's file asks" if kv else "bf16",
             "activations": "as the weights' format says, or the next wider that the chip has"}  # fmt: skip
    found = [f"{name} {'any' if name in search.free else _stated(search.inputs, name) or usual[name]}"
             for name in _meant(search.inputs)]  # fmt: skip
    held = [f"`{name}` any" for name in _meant(search.inputs)
            if name not in search.free and not _stated(search.inputs, name)]  # fmt: skip
    return "formats: " + "; ".join(found) + (f" ({', '.join(held)} would try others)" if held else "")


def _meant(inputs: Inputs) -> tuple[str, ...]:
    """Formats that a phase has: training keeps no cache."""
    return tuple(name for name in FORMATS if name != "kv" or inputs.phase != PhaseName.TRAIN)


def _stated(inputs: Inputs, name: str) -> str | None:
    return {"weights": inputs.weights, "kv": inputs.kv, "activations": inputs.activations}[name]


PRACTICE = {"estimate_step_time": "step_time", "estimate_low": "low", "estimate_high": "high",
            "estimate_dollars_per_million_tokens": "dollars_per_million_tokens"}  # fmt: skip
"""Columns of a point's estimate."""


def _practice(found: dict[str, Any] | None) -> list[str]:
    return ["" if found is None or found[key] is None else repr(found[key]) for key in PRACTICE.values()]


def layout_csv(answer: Answer) -> str:
    """One row for the best point, one for the best on each machine, and one for each point of the front by rising speed
    of a sequence."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    degrees = ("tp", "cp", "dp", "ep", "pp", "replicas", "ffn")
    rates = ("step_time", "cost", "tokens_per_second_per_sequence", "tokens_per_second_per_chip",
             "dollars_per_million_tokens", "joules_per_token")  # fmt: skip
    chosen = list(trained(answer.best.question))
    writer.writerow(["what", "hardware", "chips", *degrees, "batch", *FORMATS, *chosen, *rates, *PRACTICE])
    machines = [("machine", point) for point in answer.best_of.values()]
    for what, point in (("best", answer.best), *machines, *(("pareto", point) for point in answer.pareto)):
        row = point_json(point)
        numbers = ("" if row[rate] is None else repr(row[rate]) for rate in rates)
        writer.writerow([what, row["hardware"], row["chips"], *(row["layout"][d] for d in degrees), row["batch"],
                         *(row["precision"][name] for name in FORMATS), *(row[name] for name in chosen),
                         *numbers, *_practice(row["estimate"])])  # fmt: skip
    return out.getvalue()
