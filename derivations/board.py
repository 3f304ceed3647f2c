"""What the lecture's blackboard simplifies, as definitions to substitute; and numbers for examples from real cases."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import sympy
from sympy import Eq, Expr, Symbol

from steptime.derivations.rules import equation
from steptime.model import symbols as q


def is_(symbol: Symbol, value: Expr | int) -> Eq:
    """A definition to substitute: a single quantity and what it is."""
    return equation(symbol, sympy.sympify(value, strict=True))


PEAK = (is_(q.compute_efficiency, 1), is_(q.memory_efficiency, 1))
"""Every resource at its peak."""

PERFECT_SHARDS = (
    is_(q.compute_shards, q.stage_chips),
    is_(q.weight_shards, q.stage_chips),
    is_(q.kv_shards, q.stage_chips),
)
"""Weights, multiply-adds and KV cache all split over every chip of the stage."""


def numbers(model: str, hardware: str, **options: Any) -> Mapping[Symbol, float]:
    """Every quantity of a real case, in base units, as the numbers of an example."""
    return _numbers(model, hardware, tuple(sorted(options.items())))


@cache
def _numbers(model: str, hardware: str, options: tuple[tuple[str, Any], ...]) -> Mapping[Symbol, float]:
    """Worked out once for all examples of the same case; it cannot be changed."""
    from steptime.model.catalog.hardware import load_hardware
    from steptime.model.catalog.models import load_model
    from steptime.model.step.build import build_case
    from steptime.model.step.inputs import Question
    from steptime.model.step.words import inputs_of

    case = build_case(Question(load_model(model), load_hardware(hardware), inputs_of(dict(options))))
    named = {symbol: value for name, value in case.quantities.items() if (symbol := Symbol(name, positive=True))}
    zeros = {symbol: 0.0 for symbol in (q.attention_flops, q.kv_written) if symbol not in named}
    price = named.get(q.chip_hour_price)
    return MappingProxyType({**named, **zeros, **({q.chip_second_price: price / 3600} if price else {})})
