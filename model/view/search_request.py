"""From the options of `solve layout` to its search."""

from typing import Any

from steptime.model.errors import UserError
from steptime.model.quantity import lookup
from steptime.model.solver.layouts.points import BATCHES, Search
from steptime.model.step.inputs import Question
from steptime.model.step.workload import DEFAULTS
from steptime.model.text.parse import parse_quantity

MOST_CHIPS, MOST_NUMBERS = 100_000, 1_000


def read_search(
    options: dict[str, Any], hardware: tuple[str, ...], chips: str, minimise: str | None,
    max_step_time: str | None, max_ttft: str | None,
) -> Search:  # fmt: skip
    """The search of a command's options; raises UserError for lists and limits that cannot be used."""
    batches = options.pop("batch")
    free = frozenset(options.pop("free", ()))
    question = Question(hardware="", **options)
    if max_ttft is not None and question.phase != "prefill":
        raise UserError("--max-ttft is a limit of --phase prefill; a decode step has --max-step-time")
    if max_ttft is not None and max_step_time is not None:
        raise UserError("--max-ttft and --max-step-time are the same limit in --phase prefill: give one")
    if question.phase == "prefill" and question.output is not None:
        raise UserError("--output: a search over prefills has no whole requests; see `step`, or --scope serving")
    bound = max_step_time if max_ttft is None else max_ttft
    return Search(
        question,
        hardware,
        whole_numbers(chips, "chips", MOST_CHIPS),
        _batches(question.phase) if batches is None else whole_numbers(batches, "batch", 10**9),
        minimise,
        None if bound is None else parse_quantity(lookup("step_time"), bound),
        free,
    )


def _batches(phase: str) -> tuple[int, ...]:
    """The batches that are tried where none are named: many in serving, the one default in training."""
    return (int(DEFAULTS[lookup("batch").symbol]),) if phase == "train" else BATCHES


def whole_numbers(text: str, name: str, most: int) -> tuple[int, ...]:
    """A list such as 8,16,72, each once, in rising order."""
    parts = text.split(",")
    if len(parts) > MOST_NUMBERS:
        raise UserError(f"--{name}: at most {MOST_NUMBERS} numbers, not {len(parts)}")
    numbers = {int(parse_quantity(lookup(name), part)) for part in parts}
    if max(numbers) > most:
        raise UserError(f"--{name}: {max(numbers)} is more than {most}")
    return tuple(sorted(numbers))
