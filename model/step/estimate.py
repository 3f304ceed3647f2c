"""The estimate of a step: what a chip is asked for, put into the closed form with a set of coefficients."""

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.architecture.transformer import Transformer
from steptime.model.estimate import symbols as e
from steptime.model.estimate.groups import groups, kernels_of, padding_of
from steptime.model.precision import activations_for
from steptime.model.step.case import Case


def asked_of_chip(case: Case) -> dict[Symbol, float]:
    """Bytes, FLOP, collectives, kernels and sequences of one chip in a pass; and its machine's rates."""
    model = case.accounts.model
    assert isinstance(model, Transformer)
    found = {symbol: float(case.scenario.evaluate(expr)) for symbol, expr in groups(case.operations).items()}
    found |= {
        e.kernels: float(kernels_of(model) * case.layout.pp),
        e.sequences: float(case.scenario.evaluate(q.rank_batch)),
        q.head_padding: padding_of(model, case.layout.tp),
    }
    rates = (q.peak_flops, q.memory_bandwidth, q.scale_up_bandwidth, q.scale_out_bandwidth)
    found |= {rate: case.number(rate) or 1.0 for rate in rates}
    peaks = case.hardware.peaks
    found[q.wide_peak] = case.hardware.peak(activations_for("bf16", tuple(peaks))) if peaks else found[q.peak_flops]
    return found
