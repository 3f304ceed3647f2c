"""From the options of `solve machine` to its answer."""

from pathlib import Path
from typing import Any

from steptime.model.build import build_case
from steptime.model.catalog.prices import read_prices
from steptime.model.errors import UserError
from steptime.model.quantity import dollar, joule, second
from steptime.model.question import Question
from steptime.model.reading import parse
from steptime.model.solver.earns import Earnings, who_earns
from steptime.model.solver.machine import Machine
from steptime.model.solver.workloads import read_workload, solve_machine
from steptime.model.view.earns_view import earnings_json, earnings_table
from steptime.model.view.machine_view import machine_json, machine_table

__all__ = ["earnings", "earnings_json", "earnings_table", "machine", "machine_json", "machine_table"]


def machine(
    options: dict[str, Any], prices: str | None, budget: str | None, power: str | None, minimise: str,
    workloads: tuple[str, ...],
) -> Machine:  # fmt: skip
    """The best machine; raises UserError for options that do not go together."""
    if prices is None:
        raise UserError("solve machine needs --prices FILE: what FLOP/s, memory and links cost (see examples/)")
    listed = read_prices(Path(prices))
    usual = Question(hardware=listed.name, **options)
    asked = [read_workload(text, usual) for text in workloads] or [(1.0, usual)]
    return solve_machine(
        listed, asked, None if budget is None else parse(budget, dollar, "--budget"),
        None if power is None else parse(power, joule / second, "--power"), minimise,
    )  # fmt: skip


def earnings(
    options: dict[str, Any], chip: str, prices: str | None, budget: str | None, power: str | None,
    workloads: tuple[str, ...],
) -> Earnings:  # fmt: skip
    """What a chip's resources are worth. Unless --batch holds it, the batch of an inference step adjusts."""
    if budget is not None or power is not None or workloads:
        raise UserError("--from prices a chip as it is: no --budget, --power or --workload")
    case = build_case(Question(hardware=chip, **options))
    adjusts = options["batch"] is None and case.question.phase != "train"
    return who_earns(case, read_prices(Path(prices)) if prices else None, adjusts)
