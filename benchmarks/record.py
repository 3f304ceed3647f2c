"""Every number that the command line prints for some two hundred scenarios, so that two versions can be compared.

``python benchmarks/record.py FILE`` records the version that the interpreter has installed; ``… --compare OLD NEW``
names every number of two records that differs by more than 1e-12, relative, and every word.
"""

import io
import json
import math
import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from scenarios import commands

TOLERANCE = 1e-12
ROOT = Path(__file__).resolve().parent.parent


def called(arguments: list[str]) -> dict[str, Any]:
    """Exit code and what went to both streams."""
    from steptime.cli import main

    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(arguments)
        except SystemExit as stopped:
            code = stopped.code
        except Exception as error:  # a fault is recorded, and the rest goes on
            code = f"{type(error).__name__}: {error}"
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}


def record(path: Path) -> None:
    path = path.resolve()
    os.chdir(ROOT)  # so that files have the same names everywhere
    found = {}
    for line in commands():
        arguments = shlex.split(line)
        found[line] = called(arguments)
        if arguments[0] not in ("latex",) and "--graph" not in arguments and "--csv" not in arguments:
            found[f"{line} --json"] = called([*arguments, "--json"])
        print(found[line]["code"], line, flush=True)
    path.write_text(json.dumps(found), "utf-8")


_number = re.compile(r"[-+]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?")


def parts(text: str) -> list[Any]:
    """The words and the numbers of a printed text, in order; how long a search took is left out."""
    text = re.sub(r" in \d+\.\d s\b", "", text)
    return [float(word.replace(",", "")) if _number.fullmatch(word) else word for word in re.findall(
        r"[-+]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?|[^\s\d]+", text)]  # fmt: skip


def differing(old: Any, new: Any, where: str) -> Iterator[str]:
    """Where two JSON values differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() | new.keys():
            if key not in old or key not in new:
                yield f"{where}.{key}: only in the {'new' if key in new else 'old'}"
            elif key != "seconds":
                yield from differing(old[key], new[key], f"{where}.{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differing(one, other, f"{where}[{place}]")
    elif isinstance(old, float | int) and isinstance(new, float | int):
        if not math.isclose(old, new, rel_tol=TOLERANCE, abs_tol=1e-300):
            yield f"{where}: {old!r} -> {new!r}"
    elif old != new:
        yield f"{where}: {str(old)[:150]!r} -> {str(new)[:150]!r}"


def compare(old_path: Path, new_path: Path) -> int:
    old, new = (json.loads(path.read_text("utf-8")) for path in (old_path, new_path))
    total = 0
    for line in dict.fromkeys((*old, *new)):
        if line not in old or line not in new:
            print(f"{line}: only in the {'new' if line in new else 'old'} record")
            total += 1
            continue
        before, after = old[line], new[line]
        found = list(differing(before["code"], after["code"], "code"))
        if line.endswith("--json") and before["code"] == after["code"] == 0:
            found += differing(json.loads(before["out"]), json.loads(after["out"]), "")
        elif parts(before["out"]) != parts(after["out"]):
            left, right = parts(before["out"]), parts(after["out"])
            place = next(
                (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right))
            )
            found.append(f"text: …{left[place - 3 : place + 5]} -> …{right[place - 3 : place + 5]}")
        if before["code"] and parts(before["err"]) != parts(after["err"]):
            found.append(f"error: {before['err']!r} -> {after['err']!r}")
        if found:
            total += len(found)
            print(
                f"{line}\n    "
                + "\n    ".join(found[:12])
                + (f"\n    … {len(found) - 12} more" if len(found) > 12 else "")
            )
    print(f"{len(new)} records, {total} differences")
    return int(total > 0)


if __name__ == "__main__":
    if sys.argv[1] == "--compare":
        sys.exit(compare(Path(sys.argv[2]), Path(sys.argv[3])))
    record(Path(sys.argv[1]))
