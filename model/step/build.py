"""From a model, a machine and inputs to a case: choose formats, put in numbers, choose a layout, write the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sympy import Expr, Symbol

from steptime.model import symbols as q
from steptime.model.architecture.storage import Stored
from steptime.model.catalog.bases import priced
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import Copies, PhaseName, Scope
from steptime.model.errors import Unbound, UserError
from steptime.model.layout.choices import KIND_BYTES, Plan
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.phases.accounts import Accounts, accounts_of
from steptime.model.phases.phase import Phase
from steptime.model.precision import BYTES
from steptime.model.quantity import lookup
from steptime.model.scenario import Scenario
from steptime.model.step.bounds import written
from steptime.model.step.capped import counted_power
from steptime.model.step.case import Case
from steptime.model.step.default_layout import default_layout
from steptime.model.step.defaults import CONSTANTS, IDEAL, STATES, cache_layout, limit_words, memory_limits
from steptime.model.step.formats import formats, stored_weights
from steptime.model.step.inputs import Default, Inputs, Notice, Question, settled
from steptime.model.step.many_layouts import ManyLayouts, ManySteps
from steptime.model.step.notices import of_slots, without_effect
from steptime.model.step.prepared import Prepared
from steptime.model.step.workload import no_such_step, workload


@dataclass(frozen=True)
class Base:
    """Numbers for every base symbol but the layout's and the workload's, the formats, and the defaults among them."""

    values: Mapping[Symbol, float]
    precision: Mapping[str, str]
    defaults: tuple[Default, ...]
    known: frozenset[Symbol]
    """What has a number without being set by hand."""


def build_case(question: Question, also: frozenset[Symbol] = frozenset()) -> Case:
    """The complete case; raises UserError for whatever in the inputs cannot be used.

    ``also`` are quantities that the question behind the case uses, though no formula of its step contains them.
    """
    asked = prepare(question)
    layout = asked.inputs.layout
    if layout is None:
        many = many_steps(question, asked)
        layout, ties = default_layout(many)
        why = ["the fewest chips that fit, in powers of two"] if asked.inputs.chips is None else []
        least = "the least time in practice" if many.is_estimated else "the least time"
        why += [f"of {ties} layouts within 1% of {least}"] if ties > 1 else [least] * many.is_estimated
        asked = replace(asked, defaults=(*asked.defaults, Default("layout", str(layout), "; ".join(why))))
    return min(cases_at(asked, layout, also), key=lambda case: case.number(q.step_time) or float("inf"))


def many_steps(question: Question, asked: Prepared) -> ManySteps:
    """The step of a question on many layouts; of in-flight batching its passes apart beside it, for the estimate."""
    if asked.inputs.scope != Scope.SERVING:
        return ManySteps(ManyLayouts(asked))
    decode, prompt = map(ManyLayouts, served_apart(question, asked))
    return ManySteps(ManyLayouts(asked), (decode, prompt))


def served_apart(question: Question, asked: Prepared) -> tuple[Prepared, Prepared]:
    """In-flight batching as its two passes: a decode step alone, and the prefill of one prompt."""
    inputs = asked.inputs.served_apart(asked.phase.number(q.context, asked.values), asked.values[q.prompt])
    decode, prompt = (prepare(replace(question, inputs=one)) for one in inputs)
    return decode, prompt


def prepare(question: Question) -> Prepared:
    """Everything but the layout; raises UserError for whatever cannot be used."""
    asked, accounts, hardware = settled(question.inputs), accounts_of(question.model), question.hardware
    if q.chip_hour_price not in asked.given:  # of a price that is given, the basis says what it is
        hardware = priced(hardware, asked.basis)
    work = workload(asked)
    if asked.phase == PhaseName.TRAIN and not accounts.is_architecture:
        raise UserError(f"`phase` train needs an architecture: {accounts.name} is a list of quantities")
    base = base_values(asked, accounts, hardware)
    plan = plan_of(asked, hardware, base.values)
    known = base.known | work.values.keys()
    return Prepared(asked, accounts, hardware, work.phase, {**base.values, **work.values}, known, base.precision, plan,
                    work.defaults + base.defaults)  # fmt: skip


def plan_of(inputs: Inputs, hardware: Hardware, values: Mapping[Symbol, float]) -> Plan:
    """What the machine and the formats say of the ledger."""
    return Plan(
        in_switch=hardware.in_switch_reduction,
        experts=inputs.experts,
        mixed=q.bytes_per_weight not in values,
        axes=hardware.torus_axes,
        load=inputs.load,
    )


def base_values(inputs: Inputs, accounts: Accounts, hardware: Hardware) -> Base:
    """Numbers for what does not depend on workload and layout; what was given by hand wins over all."""
    given = inputs.given
    if accounts.is_architecture and (shapes := [f"`{s.name}`" for s in (q.layers, q.width) if s in given]):
        raise UserError(f"{', '.join(shapes)}: {accounts.name} has its own shapes; give a file of quantities instead")
    left_out = [Default(s.name, text) for s, text in accounts.left_out().items() if s not in given]
    precision, defaults = formats(inputs, accounts, hardware)
    values = {**CONSTANTS, **IDEAL, **STATES, **accounts.stated()}
    values |= {lookup(name).symbol: figure.value for name, figure in hardware.figures.items()}
    if q.peak_flops not in given:
        values[q.peak_flops] = hardware.peak(precision["activations"])
    stored = stored_weights(inputs, accounts, precision["weights"])
    if q.bytes_per_weight not in given and (stored or not given.keys().isdisjoint(KIND_BYTES.values())):
        usual = Stored(precision["weights"], BYTES[precision["weights"]])
        values |= {symbol: stored.get(kind, usual).bytes for kind, symbol in KIND_BYTES.items()}
        others = [f"{kind} {form}" for kind, form in stored.items() if str(form) != str(usual)]
        if others:
            defaults.append(Default("kept in another format:", ", ".join(others)))
    else:
        values[q.bytes_per_weight] = BYTES[precision["weights"]]
    values[q.bytes_per_kv] = BYTES[precision["kv"]]
    values[q.dispatch_bytes] = BYTES[precision["activations"]]
    values |= dict.fromkeys((q.combine_bytes, q.reduce_bytes, q.send_bytes), BYTES["bf16"])
    stated = {**values, **inputs.by_hand}
    beside = cache_layout(stated[q.bytes_per_kv], stated[q.bytes_per_index])
    beside |= memory_limits(inputs.phase == PhaseName.TRAIN, accounts.experts > 0, stated.get(q.memory_capacity))
    if q.memory_capacity in stated:
        defaults += [Default(s.name, said) for s, said in limit_words(beside).items() if s not in given]
    known = frozenset({*values, *beside, *KIND_BYTES.values(), q.peak_flops, q.bytes_per_weight})
    return Base({**beside, **stated}, precision, (*left_out, *defaults), known)


def cases_at(asked: Prepared, layout: Layout, also: frozenset[Symbol] = frozenset()) -> list[Case]:
    """The case at one layout, in each way to copy tokens to experts; raises UserError for an impossible layout."""
    why = asked.accounts.refusal(layout)
    if why is None and asked.phase.name == PhaseName.TRAIN:
        why = no_such_step(layout, asked.accounts.layers, asked.values)
    if why is not None:
        raise UserError(f"`layout`: {why}")
    return [_case(asked, chosen, also) for chosen in _with_copies(layout, asked.values)]


def _with_copies(layout: Layout, values: Mapping[Symbol, float]) -> list[Layout]:
    """The layout with each way to copy tokens to experts that may be the cheaper; inside one domain there is one."""
    if layout.copies is not None:
        return [layout]
    one_way = layout.ep == 1 or layout.stage <= values.get(q.scale_up_domain, 1.0)
    return [replace(layout, copies=copies) for copies in list(Copies)[: 1 if one_way else 2]]


def _case(asked: Prepared, layout: Layout, also: frozenset[Symbol]) -> Case:
    """The case at one layout."""
    accounts, phase, values = asked.accounts, asked.phase, asked.values
    plan = replace(asked.plan, ffn=layout.ffn, copies=layout.copies or Copies.PER_DOMAIN)
    numbers = {**values, q.chips: float(layout.chips), q.stage_chips: float(layout.stage)}
    numbers |= {symbol: float(getattr(layout, key)) for key, symbol in SYMBOLS.items()}
    operations, definitions = written(accounts, plan, phase, layout, numbers, asked.inputs,
                                      counted_power(asked.inputs, asked.hardware))  # fmt: skip
    if accounts.cache_definitions(phase, numbers):
        numbers.pop(q.kv_written, None)  # given per token, as the definition has it
    scenario = Scenario(numbers, definitions)
    absent = _absent(phase, scenario, layout)
    # What nothing crosses takes no time at any bandwidth, so that a link's missing figure does not matter.
    scenario = scenario | dict.fromkeys(absent, 1.0)
    notices: tuple[Notice, ...] = ()
    if hand := asked.inputs.by_hand.keys() - also:
        notices = (*of_slots(accounts.by_hand(values), numbers), *without_effect(hand, phase, asked.known, scenario))
    return Case(asked.inputs, accounts, asked.hardware, layout, asked.precision, plan, phase, operations, scenario,
                asked.defaults, notices, absent)  # fmt: skip


def _absent(phase: Phase, scenario: Scenario, layout: Layout) -> frozenset[Symbol]:
    """Links without a figure that nothing crosses, and a domain without a figure of one chip."""
    board = phase.blackboard
    links = {q.scale_up_bandwidth: board.scale_up, q.scale_out_bandwidth: board.scale_out}
    found = {link for link, term in links.items() if link not in scenario.values and _unused(scenario, term.work)}
    if layout.chips == 1 and q.scale_up_domain not in scenario.values:
        found.add(q.scale_up_domain)
    return frozenset(found)


def _unused(scenario: Scenario, work: Expr) -> bool:
    """Whether nothing crosses a link."""
    try:
        domain = scenario.values.get(q.scale_up_domain, 1.0)
        return bool((scenario | {q.scale_up_domain: domain}).evaluate(work) == 0)
    except Unbound:
        return False
