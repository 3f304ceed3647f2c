"""What the lecture's blackboard simplifies, as definitions to substitute; and numbers for examples from real cases."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sympy import Symbol

from steptime.derivations.facts import given
from steptime.model import symbols as q

if TYPE_CHECKING:
    from steptime.model.step.case import Case

PEAK = (
    given(q.compute_efficiency, 1, "compute reaches its catalogue peak"),
    given(q.memory_efficiency, 1, "memory reaches its catalogue peak"),
)
"""Every resource at its peak."""

PERFECT_SHARDS = (
    given(q.compute_shards, q.stage_chips, "the multiply-adds are split evenly over the chips of a stage"),
    given(q.weight_shards, q.stage_chips, "the weights are split evenly over the chips of a stage"),
    given(q.kv_shards, q.stage_chips, "the KV cache is split evenly over the chips of a stage"),
)
"""Weights, multiply-adds and KV cache all split over every chip of the stage."""

NO_ATTENTION_FLOPS = given(q.attention_flops, 0, "attention's own multiply-adds are left out")
NOTHING_WRITTEN = given(q.kv_written, 0, "the one token that a step writes is left out")
READS_ALL = given(q.parameters_read, q.parameters, "every weight is read in every step, every expert too")
LINK_PEAK = given(q.interconnect_efficiency, 1, "links reach their catalogue peak")
NO_START_UP = (
    given(q.scale_up_latency, 0, "no start-up latency on scale-up"),
    given(q.scale_out_latency, 0, "no start-up latency on scale-out"),
)
ONE_STAGE = (
    given(q.chips, q.stage_chips, "one pipeline stage, one replica"),
    given(q.batch, q.micro_batch, "all sequences are on that stage"),
)


def numbers(model: str, hardware: str, **options: Any) -> Mapping[Symbol, float]:
    """Every quantity of a real case, in base units, as the numbers of an example."""
    return _numbers(model, hardware, tuple(sorted(options.items())))


@cache
def _numbers(model: str, hardware: str, options: tuple[tuple[str, Any], ...]) -> Mapping[Symbol, float]:
    """Worked out once for all examples of the same case; it cannot be changed."""
    case = case_of(model, hardware, **dict(options))
    named = {symbol: value for name, value in case.quantities.items() if (symbol := Symbol(name, positive=True))}
    zeros = {symbol: 0.0 for symbol in (q.attention_flops, q.kv_written) if symbol not in named}
    price = named.get(q.chip_hour_price)
    return MappingProxyType({**named, **zeros, **({q.chip_second_price: price / 3600} if price else {})})


def case_of(model: str, hardware: str, **options: Any) -> "Case":
    """A real case, in the words in which one asks for it."""
    from steptime.model.catalog.hardware import load_hardware
    from steptime.model.catalog.models import load_model
    from steptime.model.step.build import build_case
    from steptime.model.step.inputs import Question
    from steptime.model.step.words import inputs_of

    return build_case(Question(load_model(model), load_hardware(hardware), inputs_of(options)))
