"""A seeded run of semantic mutants over the model: how many the tests kill, and which survive.

``python benchmarks/mutation.py [--count 120] [--seed 1] [--only 3,17] [--folder model] [--record [FILE ...]]``, in an
environment with the extra ``dev``. Mutants are applied in a temporary copy of the checkout. The tests that run the
changed line, by recorded coverage, are run against it, those of the same room first, then by their time; the first
failure stops. What runs as a module is imported or in another process, and a file that has changed since the record was
made, may matter to any test; files of tests that are newer than the record are run too. The record lies in
build/mutation; making it takes some three times as long as the suite. A run longer than the limit counts as killed, by
time.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.util import cache_from_source
from pathlib import Path

from code_mutants import Mutant, drawn
from covering import IMPORTED

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "build" / "mutation" / "record"
TIMES, SOURCES = RECORD.with_suffix(".json"), RECORD.with_suffix(".sources")
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".hypothesis")
LEAST_LIMIT, TIMES_SLOWER = 120.0, 4.0
"""Seconds that a run may take at least, and how many times as long as recorded."""
FIRST = 50
"""Tests that are run by themselves before all others: they kill most mutants, in a few seconds."""
FAILURE = ("FAILED", "ERROR")


def copied(folder: Path) -> Path:
    """The checkout as it stands, in a folder; it is found there under the package's name."""
    shutil.copytree(ROOT, folder / "checkout", ignore=LEFT_OUT)
    (folder / "found").mkdir()
    (folder / "found" / "steptime").symlink_to(folder / "checkout", target_is_directory=True)
    return folder / "checkout"


def pytest_in(checkout: Path, *arguments: str, limit: float | None = None, **variables: object) -> int | None:
    """The exit code of pytest in a copy, with the plugin; None past the limit."""
    path = os.pathsep.join(map(str, (checkout.parent / "found", checkout / "benchmarks")))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1",
                   **{name: str(value) for name, value in variables.items()}}  # fmt: skip
    command = [sys.executable, "-m", "pytest", "-p", "covering", "-p", "no:cacheprovider", *arguments]
    with open(checkout.parent / "output", "w+", encoding="utf-8") as output:
        try:
            return subprocess.run(command, cwd=checkout, env=environment, stdout=output, stderr=output,
                                  timeout=limit).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            return None


def prints() -> dict[str, str]:
    """A fingerprint of each file of the model: the record speaks of their lines."""
    files = sorted((ROOT / "model").rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def record(*files: str) -> None:
    """Which tests run which lines, without mutants: the whole suite once, or some files of tests in addition."""
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    for path in () if files else (RECORD, TIMES):
        path.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as name:
        checkout, taken = copied(Path(name)), prints()
        code = pytest_in(checkout, *files, STEPTIME_RECORD=RECORD)
        if code:
            sys.exit(f"the suite fails without a mutant:\n{(Path(name) / 'output').read_text('utf-8')[-3000:]}")
    if not files:
        SOURCES.write_text(json.dumps(taken), "utf-8")


class Covered:
    """What the record says."""

    def __init__(self) -> None:
        from coverage import CoverageData

        self.data = CoverageData(str(RECORD))
        self.data.read()
        self.seconds: dict[str, float] = json.loads(TIMES.read_text("utf-8"))
        then, now = json.loads(SOURCES.read_text("utf-8")), prints()
        self.changed = {name for name in now if now[name] != then.get(name)}
        files = (path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))
        known = {name.partition("::")[0] for name in self.seconds}
        self.new = [name for name in files if name not in known]

    def tests(self, mutant: Mutant) -> list[str]:
        """Names of tests that run a mutant's lines: of its own room first, then by time."""
        paths = [path for path in self.data.measured_files() if path.endswith(f"/{mutant.path}")]
        by_line = [self.data.contexts_by_lineno(path) for path in paths]
        lines = range(mutant.line, mutant.last_line + 1)
        found = {name for one in by_line for line in lines for name in one.get(line, ())}
        anything = not found or IMPORTED in found or mutant.path in self.changed
        modules = tuple(f"{name}::" for name in found if name.endswith(".py"))
        chosen = [one for one in self.seconds if anything or one in found or one.startswith(modules)]
        room = f"tests/{Path(mutant.path).parts[1]}/"
        return sorted(chosen, key=lambda one: (not one.startswith(room), self.seconds[one]))


def outcome(mutant: Mutant, covered: Covered, checkout: Path) -> tuple[str, str]:
    """What becomes of a mutant in a copy, which is put right after it: killed, killed by time, or survived; by what."""
    file = checkout / mutant.path
    source = file.read_bytes()
    try:
        replaced(file, mutant.applied(source))
        return _tried(covered.tests(mutant), covered, checkout)
    finally:
        replaced(file, source)


def replaced(file: Path, source: bytes) -> None:
    """Write a module; what was compiled of it may look as new as it is, and is taken away."""
    file.write_bytes(source)
    Path(cache_from_source(str(file))).unlink(missing_ok=True)


def _tried(tests: list[str], covered: Covered, checkout: Path) -> tuple[str, str]:
    """Run tests until one fails: the first few by themselves, then the others with all that are new."""
    for portion, new in ((tests[:FIRST], []), (tests[FIRST:], covered.new)):
        files = {*new, *(one.partition("::")[0] for one in portion)}  # others are not even collected
        if not files:
            continue
        (chosen := checkout.parent / "chosen").write_text("\n".join(portion), "utf-8")
        limit = LEAST_LIMIT + TIMES_SLOWER * sum(covered.seconds[one] for one in portion)
        code = pytest_in(checkout, "-x", "--tb=no", *sorted(files), limit=limit, STEPTIME_CHOSEN=chosen)
        said = (checkout.parent / "output").read_text("utf-8").splitlines()
        if code is None:
            return "killed by time", ""
        if code not in (0, 5):
            return "killed", next((line[:150] for line in said if line.startswith(FAILURE)), said[-1][:150])
    return "survived", f"{len(tests)} tests"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="numbers of mutants of the draw, with commas")
    parser.add_argument("--record", nargs="*", help="record anew which tests run which lines, or of some files too")
    parser.add_argument("--folder", default="model", help="the part of the model that is mutated")
    asked = parser.parse_args()
    if asked.record is not None or not SOURCES.exists():
        record(*(asked.record or ()))
    covered, counts = Covered(), Counter[str]()
    only = {int(number) for number in asked.only.split(",") if number}
    survivors = []
    with tempfile.TemporaryDirectory() as name:
        checkout = copied(Path(name))
        for number, mutant in enumerate(drawn(ROOT, asked.folder, asked.count, asked.seed), 1):
            if only and number not in only:
                continue
            begun = time.perf_counter()
            became, by = outcome(mutant, covered, checkout)
            counts[became.split()[0]] += 1
            print(f"{number:4} {became} in {time.perf_counter() - begun:.0f} s: {mutant}\n     {by}", flush=True)
            if not became.startswith("killed"):
                survivors.append(f"{number:4} {became}: {mutant}")
    total = sum(counts.values())
    print(f"\n{counts['killed']} of {total} killed: {counts['killed'] / total:.1%}; seed {asked.seed}")
    print("\n".join(survivors))


if __name__ == "__main__":
    main()
