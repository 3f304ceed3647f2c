"""What is to be known of quantities that were set by hand: what they mean for the answer, and which change nothing."""

from collections.abc import Mapping, Set

from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.choices import PhaseName
from steptime.model.errors import UserError
from steptime.model.names import matches
from steptime.model.phases.phase import Phase
from steptime.model.quantity import declared, lookup
from steptime.model.scenario import Scenario, symbols_in
from steptime.model.step.failures import FIGURES
from steptime.model.step.inputs import Notice

COMES_OUT = (q.step_time, q.tokens_per_second, q.dollars_per_million_tokens, q.joules_per_token, q.memory_per_chip)
FITS = frozenset({q.memory_capacity, q.usable_memory, q.workspace})
WAVES = frozenset({q.processors, q.processor_bandwidth})
CLOCK = frozenset({q.power_cap, q.resting_power, q.voltage_exponent})
SHARDS = (q.compute_shards, q.weight_shards, q.kv_shards)
BESIDE = {PhaseName.TRAIN: FITS | CLOCK | FIGURES | {q.served_tokens, q.decode_efficiency}}
"""Quantities that answers beside the step follow from: whether it fits, of training how long to train, and how often
that fails; and what the estimate alone has, of all but training the waves."""


def of_slots(slots: list[Symbol], values: Mapping[Symbol, float]) -> list[Notice]:
    """What slots set by hand mean for the answer; ``values`` are the numbers of the case."""
    found = []
    if slots:
        names = ", ".join(symbol.name for symbol in slots)
        found.append(Notice(names, f"{names} set by hand: every line that adds up to it is scaled in proportion"))
    stage = values[q.stage_chips]
    for symbol in (one for one in SHARDS if values.get(one, 0.0) > stage):
        said = f"{symbol.name} as set is more ways than the {stage:g} chips of a stage: faster than they can be"
        found.append(Notice(symbol.name, said))
    return found


def without_effect(by_hand: Set[Symbol], phase: Phase, known: Set[Symbol], scenario: Scenario) -> list[Notice]:
    """Notices of what was given and changes nothing at this layout; raises UserError for what no formula of the phase
    contains. ``known`` are quantities that have a number without being set."""
    found = []
    terms = phase.resources.values()
    contained = set(known | scenario.definitions.keys()).union(
        *(symbols_in(expr) for expr in (*scenario.definitions.values(), *terms))
    )
    outputs = (*COMES_OUT, *terms)
    beside = BESIDE.get(phase.name, FITS | CLOCK | WAVES)
    if q.power_cap in scenario.values:  # joules count the cap, and its clock follows from the rated power
        beside |= {q.power}
    for symbol in sorted(by_hand - beside, key=lambda symbol: symbol.name):
        if symbol not in contained:
            near = matches(symbol.name, sorted({other.name for other in contained} & declared().keys()))
            advice = f"; did you mean {', '.join(near)}?" if near else ""
            raise UserError(f"`{symbol.name}`: no formula of a {phase.name} step contains it{advice}")
        if not _acts(symbol, scenario, [expr for expr in outputs if scenario.depends(expr, symbol)]):
            found.append(Notice(symbol.name, f"{symbol.name} has no effect here: nothing at this layout depends on it"))
    return found


def _acts(symbol: Symbol, scenario: Scenario, outputs: list[Expr]) -> bool:
    """Whether a quantity moves any output that it reaches. Half and twice tell for what is no whole number: as the
    latency of links that nothing crosses. Whole numbers step, and a step may be further away; of outputs without a
    number nothing is said."""
    if lookup(symbol.name).integer or not outputs:
        return bool(outputs)
    value = scenario.values[symbol] or 1.0
    here, half, twice = (
        one.numbers(outputs) for one in (scenario, *(scenario | {symbol: value * by} for by in (0.5, 2)))
    )
    return not here or not here == half == twice
