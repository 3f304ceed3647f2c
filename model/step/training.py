"""What a step of training asks of a chip of the fullest stage: its closed forms, and numbers for one case."""

from collections.abc import Iterable
from typing import Any

from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import TRAINING_COEFFICIENTS
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import Counted
from steptime.model.estimate import symbols as e
from steptime.model.estimate.activation_traffic import Executed
from steptime.model.estimate.training import training
from steptime.model.estimate.training_demands import training_demands
from steptime.model.phases.accounts import Accounts
from steptime.model.phases.train import TrainPhase
from steptime.model.scenario import Scenario
from steptime.model.step.case import Case
from steptime.model.step.wide_peak import is_narrow, wide_peak_of
from steptime.model.terms import Operation

ASKED = tuple(sorted(training.free_symbols - {q.kernel_time, *TRAINING_COEFFICIENTS}, key=str))
"""What the estimate of a step of training needs beside coefficients."""
RATES = (q.peak_flops, q.memory_bandwidth, q.scale_up_bandwidth, q.scale_out_bandwidth)


def rates_of(case: Case) -> dict[Symbol, Any]:
    """The rates of a case's machine, numbers or arrays; one for a link without a figure, which nothing crosses."""
    found = case.scenario.numbers(RATES)
    return {rate: found.get(rate, 1.0) for rate in RATES}


def demands_of_training(accounts: Accounts, phase: TrainPhase, operations: Iterable[Operation]) -> dict[Symbol, Expr]:
    """What a step of training asks of a chip, of one ledger; where the formats stand is a quantity of its own."""
    assert accounts.transformer is not None, "an architecture is known"
    choices = phase.choices
    step = Executed(choices.recompute, choices.fused, choices.dropout, e.narrow_products, choices.sequence_parallel)
    masked_afterwards = not choices.fused and choices.attention == Counted.CAUSAL
    return training_demands(accounts.transformer, operations, step, masked_afterwards, choices.zero >= 2)


def figures_of_training(hardware: Hardware, format: str, peak: Any) -> dict[Symbol, Any]:
    """Whether products are of a narrower ``format`` than 16 bits, and the peak at which all else is multiplied then."""
    return {e.narrow_products: float(is_narrow(format)), q.wide_peak: wide_peak_of(hardware, format, peak)}


def asked_in_training(case: Case) -> dict[Symbol, Any]:
    """What a step asks of a chip, and its machine's rates: numbers, or arrays where the case has arrays.

    Raises Unbound where the ledger lacks a number.
    """
    assert isinstance(case.phase, TrainPhase), "a step of training"
    rates = rates_of(case)
    figures = {**rates, **figures_of_training(case.hardware, case.precision["activations"], rates[q.peak_flops])}
    demands = demands_of_training(case.accounts, case.phase, case.operations)
    there = Scenario({**case.scenario.values, **figures}, {**case.scenario.definitions, **demands})
    return {symbol: there.evaluate(symbol) for symbol in ASKED}
