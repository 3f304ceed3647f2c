"""What a user asks: a model, a machine, a workload; every part in the user's own words, read and checked here."""

from dataclasses import dataclass
from typing import Any

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.layout.layout import SYMBOLS, Layout, parse_layout
from steptime.model.quantity import lookup
from steptime.model.text.parse import parse_quantity

RESULTS = frozenset({
    q.step_time, q.tokens_per_second, q.tokens_per_second_per_sequence, q.dollars_per_million_tokens,
    q.joules_per_token, q.memory_per_chip, q.stage_chips, q.hour, q.million, q.pass_tokens, q.tokens_per_pass, q.chunks,
    q.request_time, q.micro_batches, q.bubble_ratio, q.weight_passes, q.recomputed_flops, q.model_flops,
})  # fmt: skip
"""Quantities that only come out, and constants."""


@dataclass(frozen=True)
class Question:
    """One scenario as asked; None takes the default, which is then shown."""

    model: str
    hardware: str
    phase: str = "decode"
    batch: str | None = None
    context: str | None = None
    prompt: str | None = None
    cached: str | None = None
    chunk: str | None = None
    output: str | None = None
    scope: str = "steps"
    sequence: str | None = None
    microbatch: str | None = None
    interleave: str | None = None
    recompute: str = "none"
    zero: int = 0
    sequence_parallel: bool = False
    schedule: str = "1f1b"
    attention: str = "causal"
    dropout: bool = False
    tokens: str | None = None
    layout: str | None = None
    weights: str | None = None
    kv: str | None = None
    activations: str | None = None
    overlap: str = "full"
    experts: str = "expected"
    efficiency: str = "ideal"
    sets: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()


def read_sets(sets: tuple[str, ...]) -> dict[Symbol, float]:
    """The values of ``NAME=VALUE`` entries of a scenario; raises UserError also for what only comes out."""
    values = read_values(sets)
    for symbol in values:
        if symbol in RESULTS:
            raise UserError(f"--set {symbol.name}: this is a result or a constant; set what it follows from")
    return values


def read_values(sets: tuple[str, ...]) -> dict[Symbol, float]:
    """The values of ``NAME=VALUE`` entries; raises UserError for unknown names, wrong units, repetitions.

    >>> read_values(("memory_bandwidth=3.35TB/s",))
    {memory_bandwidth: 3350000000000.0}
    """
    values: dict[Symbol, float] = {}
    for entry in sets:
        name, separator, text = entry.partition("=")
        if not separator:
            raise UserError(f"--set {entry[:60]!r}: write NAME=VALUE, as in memory_bandwidth=3.35TB/s")
        record = lookup(name.strip())
        if record.symbol in values:
            raise UserError(f"--set {record.name} is given twice")
        values[record.symbol] = parse_quantity(record, text)
    return values


def read_layout(text: str | None, values: dict[Symbol, float]) -> tuple[Layout | None, int | None]:
    """The layout that was stated, if any, and the number of chips that was asked for; takes degrees out of ``values``.

    Raises UserError where --set and --layout disagree.
    """
    entries: dict[str, Any] = dict(parse_layout(text)) if text is not None else {}
    for key, symbol in SYMBOLS.items():
        if symbol in values:
            degree = int(values.pop(symbol))
            if entries.get(key, degree) != degree:
                raise UserError(f"--set {symbol.name}={degree} conflicts with --layout {key}={entries[key]}")
            entries[key] = degree
    layout = Layout(**entries) if entries else None
    chips = int(values.pop(q.chips)) if q.chips in values else None
    if layout is not None and chips is not None and layout.chips != chips:
        raise UserError(f"--set chips={chips} conflicts with --layout {layout}, which has {layout.chips} chips")
    return layout, chips


def read_range(text: str) -> tuple[Symbol, tuple[float, float]]:
    """``NAME=lo..hi`` with units; raises UserError for anything else."""
    name, separator, interval = text.partition("=")
    low, dots, high = interval.partition("..")
    if not separator or not dots:
        raise UserError(f"--range {text[:60]!r}: write NAME=lo..hi, as in context=100k..200k")
    record = lookup(name.strip())
    bounds = parse_quantity(record, low), parse_quantity(record, high)
    if not 0 < bounds[0] <= bounds[1]:
        raise UserError(f"--range {record.name}: {low} must be positive and not above {high}")
    return record.symbol, bounds
