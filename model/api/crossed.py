"""Where two machines serve a model at the same cost, over one quantity: as a value that shows itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import sympy
from rich.console import Group

from steptime.model import symbols as q
from steptime.model.api.named import Named, hardware_of, model_of, must_not_be_swapped
from steptime.model.api.shown import Shown
from steptime.model.catalog.bases import common_basis
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import TermName
from steptime.model.errors import UserError
from steptime.model.phases.accounts import Model
from steptime.model.quantity import latex
from steptime.model.solver.best_cost import OF_MACHINE
from steptime.model.solver.break_even import BreakEven, Meeting, find_break_even
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.step.inputs import Question
from steptime.model.step.words import inputs_of, record
from steptime.model.text.break_even import break_even_json, break_even_table


def crossover_of(
    model: Model | Named, hardware: Hardware | Named, other: Hardware | Named, over: str | None = None, **words: Any
) -> "MachineCrossover":
    """The value of one quantity at which a token costs the same on two machines.

    Each is at its own default layout and best batch, unless ``layout``, ``chips`` or ``batch`` hold for both. ``over``
    is a quantity of the workload or the model, the same on both, or one of ``hardware``; the context, prompt or
    sequence where nothing is said. Over ``chip_hour_price`` the answer is a closed form. Further words are those of
    ``step``; what they set of a machine, they set of ``hardware``. Prices are of a basis that both have. Raises
    UserError where a price is missing.

    >>> import steptime as st
    >>> found = st.crossover_of("llama-3.1-70b", "h200-sxm", "h100-sxm", over="chip_hour_price")
    >>> found.value > 0, str(found.formula.rhs)
    (True, 'hour*price_b*rate_a/rate_b')
    """
    must_not_be_swapped(model, [hardware, other])
    asked, first, second = model_of(model), hardware_of(hardware), hardware_of(other)
    inputs = inputs_of(words)
    if q.chip_hour_price not in inputs.given:
        inputs = replace(inputs, basis=inputs.basis or common_basis([first, second]))
    of_both = {symbol: value for symbol, value in inputs.given.items() if symbol not in OF_MACHINE}
    asks = (Question(asked, first, inputs), Question(asked, second, replace(inputs, given=of_both)))
    here, there = (_batch_for_layout(build_case(one)) for one in asks)
    varied = here.length if over is None else record(over).symbol
    return MachineCrossover(find_break_even(here, there, varied))


def _batch_for_layout(case: Case) -> Case:
    """The batch that nobody stated is no default of the answer: at most a layout is chosen for it."""
    why, chosen = "for which a layout is chosen", case.inputs.layout is None
    said = (replace(one, reason=why) if one.quantity == q.batch.name else one for one in case.defaults)
    return replace(case, defaults=tuple(one for one in said if chosen or one.quantity != q.batch.name))


def other_machine(hardware: Named, between: Sequence[str]) -> Hardware:
    """The second of two machines, of which the first is ``hardware``; raises UserError where it is another."""
    try:
        first, second = (hardware_of(name) for name in between)
    except UserError as error:
        raise UserError(f"`between`: {error}; or two terms: {', '.join(TermName)}") from None
    if first != hardware_of(hardware):
        raise UserError(f"`between` {','.join(between)}: `hardware` is the first of the two, and is {hardware}")
    return second


@dataclass(frozen=True, repr=False)
class MachineCrossover(Shown):
    """Where a token costs the same on two machines: ``value`` at the bound, nearest to the present, ``values`` all of
    them; ``estimate`` the same in practice, None where one machine has no estimate."""

    kinds = ("machines",)
    schema: ClassVar[str] = "crossover-of-machines"
    answer: BreakEven

    @property
    def value(self) -> float | None:
        return self.answer.bound.value

    @property
    def values(self) -> tuple[float, ...]:
        return self.answer.bound.values

    @property
    def estimate(self) -> Meeting | None:
        """In practice: its ``value``, ``values``, which machine is ``cheaper`` below and above."""
        return self.answer.estimate

    @property
    def cheaper(self) -> tuple[str, str]:
        """The machine that is cheaper below the value, and above it; the same one twice where there is none."""
        return self.answer.bound.cheaper

    @property
    def formula(self) -> sympy.Eq | None:
        """The closed form, over the price; None over anything else."""
        return self.answer.closed_form

    @property
    def latex(self) -> str:
        return "" if self.formula is None else latex(self.formula)

    def _json(self) -> dict[str, Any]:
        return break_even_json(self.answer)

    def table(self) -> Group:
        return break_even_table(self.answer)

    def __repr__(self) -> str:
        one, other = (case.hardware.name for case in (self.answer.first, self.answer.second))
        at = "none" if self.value is None else f"{self.value:.6g}"
        return f"MachineCrossover({one} and {other} over {self.answer.over.name}: {at})"

    def _repr_latex_(self) -> str | None:
        return rf"$\displaystyle {self.latex}$" if self.latex else None
