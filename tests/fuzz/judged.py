"""What must hold of every run of the command line, whatever was asked: exit code, streams, time, files."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SECONDS, LONG = 10.0, 120.0
"""Processor time of which a question may be silent; and all that of one that shows progress, or verifies everything."""
PROGRESS = re.compile(r"[a-z ]+: +\d+% after \d+ s")
"""What a long run says before its answer or error, on a machine that is slow enough."""
VERIFY = ("derive", "latex")
GROUPS = ((), ("solve",))
"""Commands that without more print their help, and exit with 2."""


@dataclass(frozen=True)
class Run:
    """One run: what was asked, and what came out. ``before``, ``after``: contents of the folder, by name. ``silence``:
    the longest processor time without a word on stderr, where it was measured."""

    arguments: tuple[str, ...]
    code: int | None
    out: str
    err: str
    seconds: float
    before: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    after: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    silence: float | None = None


def faults(run: Run, long: bool = False) -> list[str]:
    """What is wrong with a run, in words; nothing where all holds."""
    found = []
    spoke = any(PROGRESS.fullmatch(line) for line in run.err.splitlines())
    silence = run.silence if run.silence is not None else 0.0 if spoke else run.seconds
    if run.code is None or run.seconds > LONG or (silence > SECONDS and not long):
        found.append(f"hangs: {run.seconds:.0f} s, {silence:.0f} s of them silent")
    if "Traceback" in run.out + run.err or run.code not in (0, 1, 2, None):
        found.append(f"breaks: exit code {run.code}: {run.err.strip().splitlines()[-1:]}")
        return found
    if run.code == 1 and run.arguments[:1] not in [(name,) for name in VERIFY] and "failed its check" not in run.err:
        found.append(f"exit code 1 without a failed check: {run.err.strip()[:200]}")
    if run.code == 2 and not _is_one_line(run):
        found.append(f"an error that is not one line: {run.err[:200]!r}")
    if run.code == 2 and run.out:
        found.append("an error with an answer")
    if run.code == 0 and "warning" in run.err.lower():
        found.append(f"a warning leaks: {run.err[:200]!r}")
    if any(sign in run.out + run.err for sign in ("\x1b", "\0")):
        found.append("control characters reach the terminal")
    if run.code == 0 and "--json" in run.arguments and not {"--help", "-h"} & set(run.arguments):
        found += _json_faults(run.out)
    return found + _file_faults(run)


def _is_one_line(run: Run) -> bool:
    if run.arguments in GROUPS:
        return run.err.startswith("Usage:")
    said = [line for line in run.err.splitlines() if not PROGRESS.fullmatch(line)]
    return len(said) == 1 and said[0].startswith("error: ") and run.err.endswith("\n")


def _json_faults(text: str) -> list[str]:
    """A text must be one JSON object in which every number is finite."""

    def refused(name: str) -> float:
        raise ValueError(f"{name} is not JSON")

    try:
        found = json.loads(text, parse_constant=refused)
    except ValueError as error:
        return [f"not one JSON object: {error}"]
    return [] if isinstance(found, dict) else [f"JSON, but a {type(found).__name__}"]


def _file_faults(run: Run) -> list[str]:
    """A run may add the file that it was told to write, whole, and nothing else."""
    found = [f"{name} is changed" for name, data in run.before.items()
             if run.after.get(name) != data and (run.code != 0 or not name.startswith("out."))]  # fmt: skip
    added = sorted(run.after.keys() - run.before.keys())
    if added and (run.code != 0 or added != ["out.tex"] or not run.after["out.tex"].endswith(b"\n")):
        found.append(f"left behind: {', '.join(added)}")
    return found
