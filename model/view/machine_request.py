"""From the options of `solve machine` to its answer."""

from pathlib import Path
from typing import Any

from steptime.model.catalog.prices import read_prices
from steptime.model.errors import UserError
from steptime.model.quantity import dollar, joule, second
from steptime.model.solver.layouts.points import BATCHES
from steptime.model.solver.machine.best import Machine
from steptime.model.solver.machine.earns import Earnings, who_earns
from steptime.model.solver.machine.workloads import read_workload, solve_machine
from steptime.model.solver.ranges.machine_spread import machine_spread
from steptime.model.solver.ranges.spreads import earnings_spread
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.step.build import build_case
from steptime.model.step.inputs import Question
from steptime.model.text.earns import earnings_json, earnings_table
from steptime.model.text.machine import machine_json, machine_table
from steptime.model.text.parse import parse
from steptime.model.text.ranges import read_ranges
from steptime.model.view.progress import Progress
from steptime.model.view.search_request import whole_numbers

__all__ = ["earnings", "earnings_json", "earnings_table", "machine", "machine_json", "machine_table"]


def machine(
    options: dict[str, Any], prices: str | None, budget: str | None, power: str | None, minimise: str,
    workloads: tuple[str, ...],
) -> tuple[Machine, Spread | None]:  # fmt: skip
    """The best machine, and its spread where there are ranges; raises UserError for options that do not go together."""
    if prices is None:
        raise UserError("solve machine needs --prices FILE: what FLOP/s, memory and links cost (see examples/)")
    listed = read_prices(Path(prices))
    batches: tuple[int, ...] = ()
    serves = options["phase"] != "train" and not workloads and not _sets_batch(options)
    if not serves and options["batch"] is not None and "," in options["batch"]:
        raise UserError(f"--batch {options['batch'][:40]}: a list is for one workload of serving; give one number")
    if serves and options["batch"] is not None and "," in options["batch"]:
        batches, options["batch"] = whole_numbers(options["batch"], "batch", 10**9), None
    elif serves and options["batch"] is None and minimise != "step-time":
        batches = BATCHES
    usual = Question(hardware=listed.name, **options)
    asked = [read_workload(text, usual) for text in workloads] or [(1.0, usual)]
    ranges = read_ranges(usual.ranges)
    found = solve_machine(
        listed, asked, None if budget is None else parse(budget, dollar, "--budget"),
        None if power is None else parse(power, joule / second, "--power"), minimise, batches,
    )  # fmt: skip
    return found, machine_spread(found, ranges, Progress("samples").show) if ranges else None


def earnings(
    options: dict[str, Any], chip: str, prices: str | None, budget: str | None, power: str | None,
    workloads: tuple[str, ...],
) -> tuple[Earnings, Spread | None]:  # fmt: skip
    """What a chip's resources are worth. Unless --batch holds it, the batch of an inference step adjusts."""
    if budget is not None or power is not None or workloads:
        raise UserError("--from prices a chip as it is: no --budget, --power or --workload")
    case = build_case(Question(hardware=chip, **options))
    adjusts = options["batch"] is None and not _sets_batch(options) and case.question.phase != "train"
    listed, ranges = read_prices(Path(prices)) if prices else None, read_ranges(case.question.ranges)
    spread = earnings_spread(case, ranges, listed, adjusts, Progress("samples").show) if ranges else None
    return who_earns(case, listed, adjusts), spread


def _sets_batch(options: dict[str, Any]) -> bool:
    """Whether --set holds the batch."""
    return any(entry.partition("=")[0].strip() == "batch" for entry in options["sets"])
