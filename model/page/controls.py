"""What a reader of a page may change: quantities with their ranges, and formats with the numbers that go with each."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Symbol

from steptime.derivations.printed.program import identifier
from steptime.model import symbols as q
from steptime.model.choices import Format
from steptime.model.errors import UserError
from steptime.model.page.families import Families, by_kind, told_apart
from steptime.model.page.mathml import mathml
from steptime.model.page.outputs import known_in_practice
from steptime.model.quantity import count, lookup
from steptime.model.step.build import prepare
from steptime.model.step.capped import is_capped
from steptime.model.step.case import Case
from steptime.model.step.inputs import called
from steptime.model.step.prepared import Prepared
from steptime.model.text.format import in_unit

WORK = (q.batch, q.context, q.prompt, q.cached, q.chunk, q.answer, q.sequence, q.microbatch, q.interleave)
MACHINE = (
    q.peak_flops, q.memory_bandwidth, q.memory_capacity, q.scale_up_bandwidth, q.scale_up_domain, q.scale_out_bandwidth,
    q.processors, q.processor_bandwidth, q.chip_hour_price, q.power, q.power_cap,
)  # fmt: skip
BESIDE = (
    q.usable_memory, q.workspace, q.compute_efficiency, q.memory_efficiency, q.interconnect_efficiency,
    q.scale_up_latency, q.scale_out_latency, q.expert_load,
)  # fmt: skip
GROUPS: Mapping[str, Sequence[Symbol]] = {"work": WORK, "machine": MACHINE, "beside": BESIDE}
AXES: Mapping[Symbol, float] = {q.batch: 2.0**16, q.context: 2.0**21, q.prompt: 2.0**21, q.sequence: 2.0**19}
"""How far lengths and batches go on curves, and further where the scenario does."""
SPAN, WIDER = 100.0, 4.0
"""A slider goes from a hundredth of a rate to a hundred times it; a length, where it is beyond, to four times it."""
STARTS = 1e-4
"""Seconds to which start-ups go."""
LINEAR = (q.usable_memory, q.compute_efficiency, q.memory_efficiency, q.interconnect_efficiency, q.scale_up_latency,
          q.scale_out_latency)  # fmt: skip
MOST_LOAD = 8.0
PAIRED = (q.prompt, q.answer)
"""A prefill is of a pair of tokens at least, and in-flight batching generates as many."""
FEW = (q.microbatch, q.interleave)
MOST_FEW, MOST_COUNT = 32.0, 1024.0


def controls_of(asked: Prepared, families: Families) -> list[dict[str, Any]]:
    """Every quantity that the formulas read and that a reader may change, by group, with the scenario's number."""
    found = []
    for group, symbols in GROUPS.items():
        for symbol in symbols:
            if identifier(symbol.name) in families.inputs:
                given = {"given": symbol in asked.inputs.given}
                least = _resting(asked) if symbol in (q.power, q.power_cap) else 0.0
                found.append(_control(group, symbol, asked.values.get(symbol), least) | given)
    return found


def _resting(asked: Prepared) -> float:
    """Watts above which a chip's rated power and its cap lie, by a per mille: it draws as many beside multiply-adds."""
    return 1.001 * asked.values[q.resting_power] if is_capped(asked.inputs, asked.hardware) else 0.0


def _control(group: str, symbol: Symbol, value: float | None, least: float = 0.0) -> dict[str, Any]:
    record = lookup(symbol.name)
    low, high = _ends(symbol, value)
    least = max(record.sane[0], 2.0 if symbol in PAIRED else least)
    low = max(low, least)
    return {
        "name": symbol.name, "argument": called(symbol), "group": group, "meaning": record.meaning,
        "letter": mathml(symbol), "unit": "" if record.unit == count else in_unit(1.0, record.unit).split()[-1],
        "whole": record.integer, "sane": [least, record.sane[1]], "value": value, "low": low, "high": high,
        "linear": symbol in LINEAR,
    }  # fmt: skip


def _ends(symbol: Symbol, value: float | None) -> tuple[float, float]:
    """Between which numbers a slider goes: inside what is sane, and around the scenario's own."""
    least, most = lookup(symbol.name).sane
    if symbol in (q.scale_up_latency, q.scale_out_latency):
        return 0.0, max(STARTS, WIDER * (value or 0.0))
    if symbol in LINEAR:
        return min(0.01, value or 0.01), most
    if symbol == q.expert_load:
        return 1.0, max(MOST_LOAD, value or 0.0)
    if symbol in AXES:
        return max(1.0, least), min(most, max(AXES[symbol], WIDER * (value or 0.0)))
    if symbol in WORK or symbol in (q.scale_up_domain, q.processors):
        usual = MOST_FEW if symbol in FEW else MOST_COUNT
        return max(1.0, least), min(most, max(usual, WIDER * (value or 0.0)))
    there = value or math.sqrt(least * most)
    return max(least, there / SPAN), min(most, there * SPAN)


def formats_of(case: Case, asked: Prepared) -> dict[str, Any]:
    """The formats of weights, caches and multiply-adds that may be chosen, each with the numbers that it changes.

    ``own`` is what is taken where nothing is said: the model's, and for multiply-adds what goes with the weights.
    """
    inputs, held = case.inputs, Format(case.precision["activations"])
    stated = {kind: getattr(inputs, kind) for kind in ("weights", "kv", "activations")}
    own = {"weights": asked.accounts.unstated == "", "kv": True, "activations": True}
    tried: dict[str, dict[str, Any]] = {}
    for kind in stated:
        options: dict[str, Any] = {}
        for form in ([None] if own[kind] else []) + list(Format):
            changes = {"activations": held, kind: form} if kind != "activations" else {kind: form}
            if (found := _prepared(case, kind, changes)) is not None:
                options["own" if form is None else str(form)] = found
        tried[kind] = options
    return {
        **{kind: {"chosen": "own" if stated[kind] is None else str(stated[kind]), "options": _differing(options)}
           for kind, options in tried.items()},
        "follows": {name: _followed(case, name) for name in tried["weights"]},
    }  # fmt: skip


def _prepared(case: Case, kind: str, changes: Mapping[str, Any]) -> tuple[str, dict[str, float]] | None:
    """What the format of a kind is called, and every number with it; None where it cannot be."""
    try:
        asked = told_apart(prepare(case.question.but(**changes)))
    except UserError:
        return None
    values = {**(by_kind(asked.values) if asked.accounts.is_architecture else asked.values)}
    if asked.accounts.is_architecture:
        practice = known_in_practice(asked)
        values |= {} if practice is None else practice[0]
    return asked.precision[kind], {identifier(symbol.name): float(value) for symbol, value in values.items()}


def _differing(options: Mapping[str, tuple[str, dict[str, float]]]) -> dict[str, Any]:
    """Each option with the numbers in which options differ."""
    names = set[str]().union(*(numbers for _, numbers in options.values()))
    moved = [name for name in sorted(names) if len({numbers.get(name) for _, numbers in options.values()}) > 1]
    return {key: {"format": form, "values": {name: numbers[name] for name in moved if name in numbers}}
            for key, (form, numbers) in options.items()}  # fmt: skip


def _followed(case: Case, weights: str) -> str:
    """The format of multiply-adds that goes with a format of weights where none is stated."""
    form = None if weights == "own" else Format(weights)
    found = _prepared(case, "activations", {"weights": form, "activations": None})
    return case.precision["activations"] if found is None else found[0]
