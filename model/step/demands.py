"""What the estimate of a step needs beside coefficients: demands on a chip in closed form, figures of its machine."""

from collections.abc import Iterable, Mapping

import sympy
from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import Load, PhaseName, Split
from steptime.model.estimate import symbols as e
from steptime.model.estimate.groups import demands, waiting_of_ranks
from steptime.model.estimate.terms import DECODE, PREFILL
from steptime.model.estimate.training import TRAINING
from steptime.model.estimate.waves import WAVES, waves_of_cache, waves_of_products
from steptime.model.extremes import at_least, at_most, put_in
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import Accounts
from steptime.model.phases.phase import Phase
from steptime.model.phases.train import TrainPhase
from steptime.model.step.inputs import Inputs
from steptime.model.step.training import demands_of_training, figures_of_training
from steptime.model.step.wide_peak import wide_peak_of
from steptime.model.terms import Operation, one


def terms_of_phase(phase: PhaseName) -> Mapping[str, Expr]:
    """The terms of an estimate, by name: of a prefill, of a step of training, else of a decode step."""
    return {PhaseName.PREFILL: PREFILL, PhaseName.TRAIN: TRAINING}.get(phase, DECODE)


def demands_of(accounts: Accounts, phase: Phase, plan: Plan, operations: Iterable[Operation]) -> dict[Symbol, Expr]:
    """What a phase asks of a chip, of one ledger: ranks that meet in every pass wait for the fullest in a decode step;
    not in a prefill, whose batch is dealt out evenly, nor in training, whose micro-batches are whole."""
    if isinstance(phase, TrainPhase):
        return demands_of_training(accounts, phase, operations)
    assert accounts.transformer is not None, "an architecture is known"
    model, is_mean, decodes = accounts.transformer, plan.load == Load.MEAN, phase.name == PhaseName.DECODE
    waits = decodes and accounts.meets(Layout(ffn=plan.ffn))
    tokens, least = q.micro_batch * phase.tokens / phase.passes, 0 if is_mean else 1
    found = demands(model, operations, tokens, phase.passes * phase.traversed, waits, least)
    ways = q.stage_chips if plan.ffn == Split.STAGE else q.tensor_parallel
    products = waves_of_products(model, ways, None if is_mean else q.group_tokens / phase.passes)
    held = q.rank_batch * waiting_of_ranks(waits)
    caches = waves_of_cache(model, held) if decodes and not is_mean else sympy.S.One
    return found | dict(zip(WAVES, (*products, caches), strict=True))


def figures_of(inputs: Inputs, hardware: Hardware, activations: str, peak: float) -> dict[Symbol, float]:
    """What an estimate needs of a machine beside its rates: the peak at which scores are worked out, where that of
    products in the format of ``activations`` is given, and full waves where it does not say what else they would be;
    and in training whether that format is narrower than 16 bits."""
    if inputs.phase == PhaseName.TRAIN:
        return figures_of_training(hardware, activations, peak)
    return {q.wide_peak: wide_peak_of(hardware, activations, peak), **waves_unknown(inputs, hardware)}


def waves_unknown(inputs: Inputs, hardware: Hardware) -> dict[Symbol, float]:
    """One for the waves of which a figure of the machine is missing: the time of full ones."""
    given = {symbol.name for symbol in inputs.given} | hardware.figures.keys()
    if q.processors.name not in given:
        return dict.fromkeys(WAVES, 1.0)
    return {} if q.processor_bandwidth.name in given else dict.fromkeys((e.weight_waves, e.cache_waves), 1.0)


def has_waves(inputs: Inputs, hardware: Hardware) -> bool:
    """Whether an estimate counts waves of tiles, which at the mean load are taken to fill the processors: not in
    training, and not of a machine without the figures."""
    return inputs.phase != PhaseName.TRAIN and not waves_unknown(inputs, hardware).keys() >= set(WAVES)


others_per_step: Expr = at_least(0, q.in_flight - q.own_prefill) / (q.answer - 1)
"""How many prefills of others ride along in a step: one for each sequence that ends, but for a request's own."""
own_per_step: Expr = put_in(others_per_step, {q.own_prefill: sympy.S.Zero}) - others_per_step
"""How many more ride along in the mean step, in which no request's own is left out."""


def prompts_together(meets: bool) -> Expr:
    """Prompts of one prefill that rides along: one on each data-parallel rank where ranks wait for each other, so that
    none idles while another works on its prompt, and no more than there are sequences in flight; else a rank's own.

    >>> prompts_together(True), prompts_together(False)
    (Min(data_parallel, in_flight), 1)
    """
    return at_most(q.data_parallel, q.in_flight) if meets else one
