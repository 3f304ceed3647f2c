"""The machine that a budget or a power limit buys best."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.console import Group

from steptime.model import symbols as q
from steptime.model.api.named import Named, model_of, prices_of
from steptime.model.api.shown import Shown
from steptime.model.api.step import quiet
from steptime.model.catalog.prices import PriceList
from steptime.model.choices import Efficiency, MachineGoal, PhaseName
from steptime.model.errors import UserError
from steptime.model.parse import parse, several
from steptime.model.phases.accounts import Model
from steptime.model.quantity import dollar, joule, second
from steptime.model.solver.layouts.points import BATCHES
from steptime.model.solver.machine.best import Machine
from steptime.model.solver.machine.workloads import solve_machine
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.step.solver_words import limit_of, mix_of, ranges_of, whole_numbers
from steptime.model.step.words import inputs_of, word
from steptime.model.text.machine import machine_json
from steptime.model.text.machine_table import machine_table
from steptime.model.text.practice import UNMEASURED

MOST_BATCH = 10**9


def machine(
    model: Model | Named,
    prices: PriceList | Named,
    budget: Any = None,
    power: Any = None,
    minimise: str = "step-time",
    workloads: Sequence[str] = (),
    batch: Any = None,
    limits: Sequence[str] = (),
    **words: Any,
) -> "Designed":
    """The balanced machine that dollars (``budget``) or watts (``power``) buy, at the ``prices`` of FLOP/s, stacks of
    memory and links.

    ``workloads`` as ``"weight=0.7 phase=decode context=32k batch=2048"``, each beside the other words; without any
    there is one. A weight is a share of the tokens: of what decode generates, a prefill reads, training trains on.
    The batch of one workload is the best of several where ``batch`` is a list, or not stated and a cost is minimised.
    ``limits`` as ``"step_time<=20ms"`` or ``"tokens_per_second_per_sequence>=50"`` hold for every workload. Raises
    UserError where a limit cannot be met, and for an ``efficiency`` other than ideal: steps are the bound's.
    """
    listed, usual = prices_of(prices), {name: value for name, value in words.items() if value is not None}
    goal = word("minimise", minimise, tuple(MachineGoal))
    many = "," in batch if isinstance(batch, str) else isinstance(batch, Iterable)
    mix = several(() if workloads is None else workloads)
    serves = usual.get("phase", PhaseName.DECODE) != PhaseName.TRAIN and not mix
    if many and not serves:
        raise UserError(f"`batch` {str(batch)[:40]}: a list is for one workload of serving; give one number")
    batches: tuple[int, ...] = ()
    if many:
        batches = whole_numbers(batch, "batch", MOST_BATCH)
    elif batch is not None:
        usual["batch"] = batch
    elif serves and goal != MachineGoal.STEP_TIME:
        batches = BATCHES
    asked = mix_of(mix, usual) or [(1.0, inputs_of(usual))]
    stated = "efficiency" in usual or any("efficiency=" in text for text in mix)
    if stated and any(inputs.efficiency != Efficiency.IDEAL for _, inputs in asked):
        raise UserError(f"`efficiency`: only ideal here: {UNMEASURED}")
    found = solve_machine(
        model_of(model), listed, asked, None if budget is None else parse(budget, dollar, "`budget`"),
        None if power is None else parse(power, joule / second, "`power`"), goal, batches,
        [limit_of(text) for text in several(() if limits is None else limits)],
    )  # fmt: skip
    return Designed(found)


@dataclass(frozen=True)
class Designed(Shown):
    """The machine: what a chip has of each resource, what it costs, how long its steps take, what ties."""

    kinds = ("spend", "sensitivity")
    schema: ClassVar[str] = "solve-machine"
    answer: Machine
    spread: Spread | None = None

    @property
    def cost(self) -> float:
        """What is minimised: dollars or joules per token, or seconds."""
        return self.answer.cost

    @property
    def step_time(self) -> float:
        """Seconds of the mean step: of each workload as many as its share of the tokens takes."""
        return self.answer.mean_step_time

    @property
    def resources(self) -> dict[str, float]:
        """What one chip has, by quantity."""
        found: dict[str, float] = self._json()["resources"]
        return found

    @property
    def spend_share(self) -> dict[str, float]:
        """The share of the dollars that each resource takes."""
        found: dict[str, float] = self._json()["spend_share"]
        return found

    def ranges(self, progress: Callable[[float], None] = quiet, **words: Any) -> "Designed":
        """The same with intervals, where prices, limits or figures are known within limits."""
        from steptime.model.solver.ranges.machine_spread import machine_spread

        return Designed(self.answer, machine_spread(self.answer, ranges_of(words), progress))

    def _json(self) -> dict[str, Any]:
        return machine_json(self.answer, self.spread)

    def table(self) -> Group:
        return machine_table(self.answer, self.spread)

    def __repr__(self) -> str:
        design = self.answer.design
        batch = design.workloads[0].case.number(q.batch)
        return f"Designed({design.chips} chips, {design.minimise}, batch {batch:g}: {self.cost:.4g} {self.answer.unit})"
