"""Measured collectives: the ideal time of one all-reduce, all-gather or all-to-all of a row of measurements."""

from collections.abc import Mapping

import sympy
from sympy import Expr

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.measurement import Measurement
from steptime.model.choices import Copies
from steptime.model.errors import Unbound, UserError
from steptime.model.network.collectives import all_gather, all_reduce, expert_exchange, group
from steptime.model.phases.rates import rates
from steptime.model.precision import BYTES
from steptime.model.scenario import Scenario
from steptime.model.step.defaults import CONSTANTS, IDEAL
from steptime.model.terms import Operation, OperationName, Transfer


def collective_time(row: Measurement, hardware: Hardware) -> tuple[float, str]:
    """The time of one collective, and the tier that takes it; the cheapest algorithm of the model."""
    if row.chips == 1:
        raise UserError("one chip has nobody to exchange with")
    size = sympy.Integer(row.chips)
    over = group(size, sympy.S.One, hardware.torus_axes)
    if row.phase == "all_reduce":
        moves = [all_reduce(_bytes(row), over, hardware.in_switch_reduction)]
    elif row.phase == "all_gather":
        moves = [all_gather(_bytes(row), over)]
    elif "bytes" in row.detail:
        moves = [expert_exchange(_bytes(row), over, 1, None, Copies.PER_EXPERT)]
    else:
        tokens = _detail(row, "tokens") * _detail(row, "hidden") * BYTES[row.detail.get("dtype", "bf16")]
        moves = [expert_exchange(sympy.Float(tokens), over, int(_detail(row, "topk")), None, way) for way in Copies]
    values = {**CONSTANTS, **IDEAL, **_figures(hardware)}
    return min(_slower_tier(moved, values, hardware) for moved in moves)


def _slower_tier(moved: Transfer, values: Mapping[sympy.Symbol, float], hardware: Hardware) -> tuple[float, str]:
    scenario = Scenario(values)
    step = rates.step([Operation(OperationName.COLLECTIVES, network=(moved,))])
    terms = [term for term in step.terms if term.work != 0]
    try:
        return max((scenario.evaluate(term.time), term.name) for term in terms if scenario.evaluate(term.work) > 0)
    except Unbound as error:
        raise UserError(", ".join(hardware.missing(name) for name in sorted(error.names))) from None


def _figures(hardware: Hardware) -> dict[sympy.Symbol, float]:
    links = (q.scale_up_bandwidth, q.scale_out_bandwidth, q.scale_up_domain)
    return {symbol: hardware.figures[symbol.name].value for symbol in links if symbol.name in hardware.figures}


def _bytes(row: Measurement) -> Expr:
    return sympy.Float(_detail(row, "bytes"))


def _detail(row: Measurement, name: str) -> float:
    value = row.number(name)
    if value is None:
        raise UserError(f"detail {name} is not stated")
    return value
