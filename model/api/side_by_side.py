"""One step on several machines, at several layouts or in several formats, one beside the other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar

from rich.console import Group

from steptime.model import symbols as q
from steptime.model.api.named import Named, hardware_of, model_of, must_not_be_swapped
from steptime.model.api.shown import Shown
from steptime.model.api.step import Step
from steptime.model.catalog.bases import common_basis
from steptime.model.catalog.hardware import Hardware
from steptime.model.errors import UserError
from steptime.model.layout.layout import Layout
from steptime.model.parse import several
from steptime.model.phases.accounts import Model
from steptime.model.step.build import build_case
from steptime.model.step.inputs import Inputs, Question
from steptime.model.step.words import FORMATS, inputs_of
from steptime.model.text.side_by_side import side_by_side_csv, side_by_side_table

MOST = 64
"""Steps that a table holds."""


def side_by_side(
    model: Model | Named, hardware: Hardware | Named | Sequence[Hardware | Named], **words: Any
) -> "SideBySide":
    """One step for each machine, layout and format: ``layout``, ``weights``, ``kv`` and ``activations`` may be lists.

    Other words are those of ``step``. Prices are of a basis that all machines have, where there is one. Raises
    UserError for what cannot be used, and names the machine where it is one's.

    >>> import steptime as st
    >>> found = st.side_by_side("llama-3.1-70b", ["h100-sxm", "h200-sxm"], layout=["tp=8", "tp=4"])
    >>> len(found.steps), [step.bound_by.value for step in found]
    (4, ['memory', 'memory', 'memory', 'memory'])
    """
    machines = [hardware] if isinstance(hardware, Hardware) else several(hardware)
    must_not_be_swapped(model, machines)
    asked = model_of(model)
    named = list(dict.fromkeys(hardware_of(machine) for machine in machines))
    choices = {name: _each(words.pop(name)) for name in ("layout", *FORMATS) if words.get(name) is not None}
    every = [dict(zip(choices, picked, strict=True)) for picked in product(*choices.values())]
    if not named or not every:
        raise UserError("`hardware`: give at least one machine, and one of each choice")
    if len(named) * len(every) > MOST:
        raise UserError(f"{len(named) * len(every)} steps side by side are more than {MOST}: leave some out")
    return SideBySide(tuple(
        Step(_case(asked, machine, inputs_of({**words, **one}), named)) for machine, one in product(named, every)
    ))  # fmt: skip


def _each(value: Any) -> list[Any]:
    """The values of a choice: of a list each, else the one."""
    return [value] if isinstance(value, str | Layout | Mapping) else list(value)


def _case(model: Model, machine: Hardware, inputs: Inputs, named: Sequence[Hardware]) -> Any:
    """A step of one machine, at a price of the kind that all have; what is wrong with one is said with its name."""
    if q.chip_hour_price not in inputs.given:
        inputs = replace(inputs, basis=inputs.basis or common_basis(named))
    try:
        return build_case(Question(model, machine, inputs))
    except UserError as error:
        raise UserError(f"{machine.name}: {error}" if len(named) > 1 else str(error)) from None


@dataclass(frozen=True, repr=False)
class SideBySide(Shown):
    """Steps of one question, in the order in which machines, layouts and formats were named."""

    schema: ClassVar[str] = "steps"
    steps: tuple[Step, ...]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def csv(self) -> str:
        """One row a step, in base units."""
        return side_by_side_csv([step.case for step in self.steps])

    def table(self) -> Group:
        return side_by_side_table([step.case for step in self.steps])

    def _json(self) -> dict[str, Any]:
        return {"machines": [step.to_dict() for step in self.steps]}

    def __repr__(self) -> str:
        return f"SideBySide({', '.join(map(repr, self.steps))})"
