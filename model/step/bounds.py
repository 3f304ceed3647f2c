"""What comes out of a step: its bounds by overlap, the load of its chips, throughput, cost, energy and memory."""

from collections.abc import Mapping
from dataclasses import replace

import sympy
from sympy import Expr, Symbol, ceiling

from steptime.model import symbols as q
from steptime.model.choices import Load, Overlap, PhaseName
from steptime.model.economics import cost
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import Layout
from steptime.model.phases.accounts import Accounts
from steptime.model.phases.loads import loads, mean_step
from steptime.model.phases.memory import Footprint, fullest
from steptime.model.phases.phase import Phase
from steptime.model.phases.rates import rates
from steptime.model.scenario import Scenario
from steptime.model.step.failures import failing
from steptime.model.step.inputs import Inputs
from steptime.model.terms import Operation, OperationName, StepTime, one, operation_by_operation


def step_bound(phase: Phase, operations: tuple[Operation, ...], overlap: Overlap, stages: Expr = one) -> Expr:
    """A bound of the step time: full <= per-operation <= none, which is at most 4 full where loads are equal.

    ``stages``: layers of the fullest stage over those of the mean one.
    """
    if overlap == Overlap.PER_OPERATION:
        return operation_by_operation(rates, operations)
    return phase.blackboard.time if overlap == Overlap.FULL else serial(phase, operations, stages).serial_time


def serial(phase: Phase, operations: tuple[Operation, ...], stages: Expr = one) -> StepTime:
    """The terms where nothing overlaps: those of a chip on the fullest stage, and idle while a pipeline fills."""
    if stages == one and phase.idle == one:
        return phase.blackboard
    return rates.step([_of_fullest_stage(line, phase.idle, stages) for line in operations])


def _of_fullest_stage(line: Operation, idle: Expr, stages: Expr) -> Operation:
    """A line as the fullest stage has it: what its layers do, and memory and links idle as compute is in its bubble."""
    more = one if line.name in BETWEEN_LAYERS else stages
    stretched = one if line.name in ONCE_A_STEP else idle
    network = tuple(moved.times(more * stretched) for moved in line.network)
    return Operation(line.name, more * line.flops, more * stretched * line.memory_bytes, network)


def stages_of(accounts: Accounts, load: Load, stages: Expr | int) -> Expr:
    """Layers of the fullest stage over those of the mean one; one at the mean load, and where no layers are known."""
    if load == Load.MEAN or not accounts.is_architecture or stages == 1:
        return one
    return stages * ceiling(sympy.Integer(accounts.layers) / stages) / accounts.layers


BETWEEN_LAYERS = (OperationName.UNEMBEDDING, OperationName.SENDS)
"""Lines that do not grow with the layers of a stage."""
ONCE_A_STEP = (OperationName.STATE, OperationName.REPLICAS)
"""Lines that no bubble interrupts."""


def results(
    phase: Phase, operations: tuple[Operation, ...], found: tuple[Footprint, ...], overlap: Overlap,
    stages: Expr = one, watts: Expr = q.power,
) -> dict[Symbol, Expr]:  # fmt: skip
    """Definitions of what comes out, from the ledger and the overlap that was asked for; ``watts``: those of a chip
    that joules count."""
    served = {q.step_time: q.mean_step_time}
    return {
        q.step_time: step_bound(phase, operations, overlap, stages),
        q.mean_step_time: q.step_time,
        q.tokens_per_second: phase.yields * cost.throughput.xreplace(served),
        q.tokens_per_second_per_sequence: phase.yields * cost.speed,
        q.dollars_per_million_tokens: cost.cost_per_million_tokens.xreplace(served) / phase.yields,
        q.joules_per_token: cost.energy_per_token.xreplace({**served, q.power: watts}) / phase.yields,
        q.memory_per_chip: fullest(found),
    }


def written(
    accounts: Accounts, plan: Plan, phase: Phase, layout: Layout, values: Mapping[Symbol, float], inputs: Inputs,
    watts: Expr,
) -> tuple[tuple[Operation, ...], dict[Symbol, Expr]]:  # fmt: skip
    """The operations of a step at one layout, and definitions of everything that has no number; ``watts``: those of a
    chip that joules count."""
    serves, load = phase.name != PhaseName.TRAIN, plan.load
    alike = layout.dp == layout.cp == layout.ep == 1  # one group: whole or mean, it has the whole micro-batch
    ledger = accounts.ledger(replace(plan, load=Load.MEAN) if alike else plan, phase, layout.degrees, values)
    operations = ledger.operations
    whole = accounts.footprints(layout, plan, phase, inputs.given, whole=True)
    stages = stages_of(accounts, load, layout.pp)
    definitions = {**ledger.slots, **results(phase, operations, whole, inputs.overlap, stages, watts)}
    definitions |= accounts.cache_definitions(phase, values)
    if not serves:
        definitions |= failing(values)
    if serves:  # again: the ledger of a layout whose ranks are all alike is that of the mean load
        definitions |= loads(phase, load, accounts.meets(layout))
        units = layout.replicas * (1 if accounts.meets(layout) else layout.dp) if load == Load.WHOLE else 1
        definitions |= mean_step(units, Scenario(values, definitions))
    return operations, definitions
