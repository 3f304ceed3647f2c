"""What is asked of a step: numbers for quantities, a layout, formats, and choices. No text is left to be read.

And what an answer says of itself beside its numbers: defaults taken, things to know, what is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Symbol

from steptime.model import symbols as q
from steptime.model.catalog.coefficients import Coefficients
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import Basis, Efficiency, Experts, Format, Load, Overlap, PhaseName, Scope
from steptime.model.errors import UserError
from steptime.model.layout.layout import SYMBOLS, Layout
from steptime.model.phases.accounts import Model
from steptime.model.phases.by_hand import OF_PASS
from steptime.model.phases.train import Choices
from steptime.model.quantity import as_count, count, lookup
from steptime.model.units import unit_text

RESULTS = frozenset({
    q.step_time, q.tokens_per_second, q.tokens_per_second_per_sequence, q.dollars_per_million_tokens,
    q.joules_per_token, q.memory_per_chip, q.stage_chips, q.hour, q.million, q.pass_tokens, q.tokens_per_pass, q.chunks,
    q.request_time, q.micro_batches, q.bubble_ratio, q.weight_passes, q.recomputed_flops, q.model_flops,
    q.rank_batch, q.group_tokens, q.traversal, q.mean_step_time, q.in_flight,
})  # fmt: skip
"""Quantities that only come out, and constants."""

WORKLOAD = frozenset({
    q.batch, q.context, q.prompt, q.cached, q.chunk, q.answer, q.sequence, q.microbatch, q.interleave,
    q.training_tokens,
})  # fmt: skip
"""Quantities that say what a step works on: each phase has its own."""

MOST_CHIPS = 1_000_000
"""Chips of one system: more is a slip."""

CALLED: Mapping[Symbol, str] = {q.answer: "output", q.training_tokens: "tokens"}
"""Arguments that people know by another word than their quantity."""


def called(symbol: Symbol) -> str:
    """The argument that gives a quantity."""
    return CALLED.get(symbol, symbol.name)


AS_USUAL = Choices()


@dataclass(frozen=True)
class Inputs:
    """One step as asked; None takes the default, which is then shown.

    ``given``: a value in base units for any quantity; it wins over everything. ``chips``: their number, where no layout
    is stated. ``basis``: which of a machine's prices counts; of a price that is given, what it is. ``load``: how
    sequences lie on ranks, whole ones unless the batch is a mean over time. ``efficiency`` ideal asks for the bound
    alone; else an estimate stands beside it, with the shipped coefficients or with others.
    """

    phase: PhaseName = PhaseName.DECODE
    given: Mapping[Symbol, float] = field(default_factory=dict)
    layout: Layout | None = None
    chips: int | None = None
    weights: Format | None = None
    kv: Format | None = None
    activations: Format | None = None
    scope: Scope = Scope.STEPS
    overlap: Overlap = Overlap.FULL
    experts: Experts = Experts.EXPECTED
    efficiency: Efficiency = Efficiency.CALIBRATED
    coefficients: Coefficients | None = None
    basis: Basis | None = None
    training: Choices = AS_USUAL
    load: Load = Load.WHOLE

    def with_given(self, values: Mapping[Symbol, float | None], **changes: Any) -> "Inputs":
        """The same with other values; None takes one away."""
        merged = {**self.given, **values}
        given = {symbol: value for symbol, value in merged.items() if value is not None}
        return replace(self, given=given, **changes)

    def prompt_alone(self, prompt: float) -> "Inputs":
        """The prefill of one prompt, of so many tokens, that has the machine of these inputs to itself. What was set of
        this pass is not set of that."""
        left_out = dict.fromkeys((q.context, q.answer, q.own_prefill, q.drafts, q.acceptance, *OF_PASS))
        lengths = {q.batch: 1.0, q.prompt: prompt}
        return self.with_given({**left_out, **lengths}, phase=PhaseName.PREFILL, scope=Scope.STEPS)

    def served_apart(self, context: float, prompt: float) -> "tuple[Inputs, Inputs]":
        """In-flight batching as its two passes: a decode step alone at ``context``, and the prefill of one prompt."""
        left_out = dict.fromkeys((q.prompt, q.answer, q.own_prefill, *OF_PASS))
        decode = self.with_given({**left_out, q.context: context}, scope=Scope.STEPS)
        return decode, self.prompt_alone(prompt)

    @property
    def by_hand(self) -> Mapping[Symbol, float]:
        """Quantities set by hand, beside those of the workload."""
        return {symbol: value for symbol, value in self.given.items() if symbol not in WORKLOAD}


@dataclass(frozen=True)
class Question:
    """A model, a machine, and what is asked of them."""

    model: Model
    hardware: Hardware
    inputs: Inputs = field(default_factory=Inputs)

    def but(self, given: Mapping[Symbol, float | None] | None = None, **changes: Any) -> "Question":
        """The same with other values, and other choices."""
        return replace(self, inputs=self.inputs.with_given(given or {}, **changes))


@dataclass(frozen=True)
class UserLimit:
    """A limit of a user's own on a quantity, from above or from below, in base units.

    >>> print(UserLimit(q.step_time, True, 33.0), "|", UserLimit(q.batch, True, 1e6))
    step_time <= 33 s | batch <= 1,000,000
    """

    quantity: Symbol
    upper: bool
    value: float

    def __str__(self) -> str:
        unit = lookup(self.quantity.name).unit
        shown = as_count(self.value) if unit == count else f"{self.value:g} {unit_text(unit)}"
        return f"{self.quantity.name} {'<=' if self.upper else '>='} {shown}"


def settled(inputs: Inputs) -> Inputs:
    """Inputs whose degrees of parallelism stand in the layout; raises UserError where two statements disagree, and for
    a value of what only comes out."""
    given = dict(inputs.given)
    for symbol in given:
        if symbol in RESULTS:
            raise UserError(f"`{symbol.name}`: this is a result or a constant; set what it follows from")
    if q.micro_batch in given:
        sets = "`microbatch`" if inputs.phase == PhaseName.TRAIN else "`batch`, or the layout's replicas and pp"
        raise UserError(f"`micro_batch`: it follows from the batch and the layout; set {sets}")
    layout, chips = inputs.layout, inputs.chips
    degrees: dict[str, Any] = {key: int(given.pop(symbol)) for key, symbol in SYMBOLS.items() if symbol in given}
    for key, degree in degrees.items():
        if layout is not None and getattr(layout, key) not in (1, degree):
            raise UserError(f"`{SYMBOLS[key].name}`={degree} conflicts with `layout` {key}={getattr(layout, key)}")
    if degrees:
        layout = replace(layout or Layout(), **degrees)
    if q.chips in given:
        chips = int(given.pop(q.chips))
    if layout is not None and layout.chips > MOST_CHIPS:
        raise UserError(f"`layout` {layout} has {layout.chips:,} chips, more than {MOST_CHIPS:,}")
    if layout is not None and chips is not None and layout.chips != chips:
        raise UserError(f"`chips`={chips} conflicts with `layout` {layout}, which has {layout.chips} chips")
    if layout is inputs.layout and chips == inputs.chips and len(given) == len(inputs.given):
        return inputs
    return replace(inputs, given=given, layout=layout, chips=chips)


@dataclass(frozen=True)
class Default:
    """A default that was taken: of what, its value (a number in base units, or a word), and why.

    >>> print(Default("batch", 64.0), "|", Default("weights", "bf16", "the model states none"))
    batch 64 | weights bf16: the model states none
    """

    quantity: str
    value: float | str
    reason: str = ""

    def __str__(self) -> str:
        said = self.value if isinstance(self.value, str) else f"{self.value:.15g}"
        return f"{self.quantity} {said}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True)
class Notice:
    """Something to know about an answer: what it is about, and what is so."""

    quantity: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Missing:
    """Outputs that have no number, and the files and keys that would give it."""

    key: str
    where: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(self.where)
