"""Commands as lines of a shell script, one option a line, and the numbers that every serving engine is told."""

from collections.abc import Mapping
from math import ceil

from steptime.model import symbols as q
from steptime.model.choices import Format, PhaseName
from steptime.model.step.case import Case

INDENT = "    "


def script(command: str, options: Mapping[str, object], *last: str) -> tuple[str, ...]:
    """A command and its options, a line each: True is an option without a value; None, False and 1 are left out.

    >>> script("run MODEL", {"--tp": 8, "--fast": True, "--pp": 1}, "more")
    ('run MODEL \\\\', '    --tp 8 \\\\', '    --fast \\\\', '    more')
    """
    said = [name if value is True else f"{name} {value}" for name, value in options.items()
            if value is True or value not in (None, False, 1)]  # fmt: skip
    lines = [command, *(INDENT + one for one in (*said, *last))]
    return (*(f"{line} \\" for line in lines[:-1]), lines[-1])


def shared_by(case: Case, groups: int) -> str:
    """Sequences that each of so many groups of chips has at most, written even where it is one."""
    return str(ceil((case.number(q.batch) or 0) / groups))


def longest(case: Case) -> str:
    """Tokens of the longest sequence: what is read and the token that is written, or the whole request."""
    answer = case.number(q.answer) if q.answer in case.scenario.values else None
    prompt = case.number(q.prompt) if q.prompt in case.scenario.values else None
    read = case.number(case.phase.varies) or 0
    whole = (prompt or 0) + (answer or 0) if answer else 0
    return str(ceil(max(read + (1 if case.inputs.phase == PhaseName.DECODE or not answer else 0), whole)))


def quantised(case: Case) -> str | None:
    """The option of weights that are quantised as they are loaded: fp8 of a checkpoint in 16 bits."""
    to_fp8 = case.precision["weights"] == Format.FP8 and own_format(case) in (Format.BF16, Format.FP16)
    return "fp8" if to_fp8 else None


def own_format(case: Case) -> str:
    """The format that the model's published weights have."""
    return case.accounts.precision or Format.BF16


def checkpoint_note(case: Case, stored: str | None = None) -> str:
    """What the checkpoint must be: in the format of the step's weights, unless it is quantised as it is loaded."""
    return f"checkpoint: {case.model}, stored in {stored or case.precision['weights']}"
