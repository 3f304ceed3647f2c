"""Questions of the solvers by a short call: what each workload and search asks, from words."""

from pathlib import Path
from typing import Any

from conftest import asked, inputs

from steptime.model.catalog.hardware import load_hardware
from steptime.model.catalog.models import load_model
from steptime.model.catalog.prices import PriceList, read_prices
from steptime.model.choices import MachineGoal, Minimise
from steptime.model.solver.cache.holding import holding_case
from steptime.model.solver.layouts.points import BATCHES, Search
from steptime.model.solver.machine.best import Machine
from steptime.model.solver.machine.workloads import solve_machine
from steptime.model.step.case import Case
from steptime.model.step.inputs import Inputs
from steptime.model.step.solver_words import limit_of, mix_of
from steptime.model.step.words import degrees_of

EXAMPLES = Path(__file__).parents[1] / "examples"
MARKET = EXAMPLES / "prices-market.toml"
MADE = EXAMPLES / "prices-manufacturing.toml"
TRAINED = frozenset({"microbatch", "interleave", "recompute", "zero", "sequence_parallel"})
"""All choices of training that a search may be free to make."""


def workload(text: str = "", **options: Any) -> tuple[float, Inputs]:
    """One workload of a mix: a text as on the command line, beside options that it shares with others."""
    sets = dict(entry.split("=", 1) for entry in options.pop("sets", ()))
    (found,) = mix_of([text], {**options, **sets})
    return found


def machine_for(
    model: str, prices: PriceList | None = None, budget: float | None = None, minimise: str = "step-time",
    batches: tuple[int, ...] = (), **options: Any,
) -> Machine:  # fmt: skip
    """The machine for one workload, at the market's prices unless others are given."""
    listed = read_prices(MARKET) if prices is None else prices
    return solve_machine(load_model(model), listed, [workload(**options)], budget, None, MachineGoal(minimise), batches)


def search_of(
    model: str, hardware: str | tuple[str, ...], chips: tuple[int, ...], batches: tuple[int, ...] = BATCHES,
    minimise: str | None = None, max_step_time: float | None = None, free: frozenset[str] = frozenset(),
    layout: str = "", whole: bool = False, limits: tuple[str, ...] = (), max_ttft: float | None = None, **options: Any,
) -> Search:  # fmt: skip
    """A search on one machine or several; ``layout`` holds degrees, the options are those of a step."""
    machines = (hardware,) if isinstance(hardware, str) else hardware
    goal, held = None if minimise is None else Minimise(minimise), degrees_of(layout) if layout else {}
    return Search(load_model(model), tuple(map(load_hardware, machines)), chips, inputs(**options), batches, goal,
                  max_step_time, held, free, whole, tuple(map(limit_of, limits)), max_ttft)  # fmt: skip


def cache_of(model: str = "deepseek-v3", hardware: str = "h100-sxm", context: Any = "32k", **options: Any) -> Case:
    """What computing a cache of one sequence again takes."""
    return holding_case(asked(model, hardware, context=context, **options))
