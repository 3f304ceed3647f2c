"""``python tests/fuzz/again.py FIRST [LAST]``: command lines of a seed once more, their faults, and a count of codes.

Resumable: with a range it prints one line for each failure and at last how often each command ended how. The seed is
``STEPTIME_FUZZ_SEED``, 1 where it is not set; every tenth number is a process of its own.
"""

import os
import sys
import time
from collections import Counter

import command_lines  # noqa: F401  so that a wrong path is said at once
from runs import as_process, in_process, once

SEED = int(os.environ.get("STEPTIME_FUZZ_SEED", "1"))


def main(first: int, last: int) -> int:
    """Run them; how many failed."""
    ended: Counter[tuple[str, str]] = Counter()
    failed, slowest, started = 0, (0.0, -1), time.perf_counter()
    for number in range(first, last):
        run, found = once(SEED, number, as_process if number % 10 == 0 else in_process)
        ended[" ".join(run.arguments[: 2 if run.arguments[:1] == ("solve",) else 1])[:20], str(run.code)] += 1
        slowest = max(slowest, (run.seconds, number))
        if found or last == first + 1:
            failed += bool(found)
            print(f"{SEED}/{number} {run.code} {run.seconds:.1f}s {list(run.arguments)!r:.600} {found}", flush=True)
        if last == first + 1:
            print(run.out, run.err, sep="\n---\n")
    codes = Counter(code for (_, code), times in ended.items() for _ in range(times))
    print(f"seed {SEED}, {first} to {last - 1}: {failed} failed; exit codes {dict(codes)}; slowest {slowest}; "
          f"{time.perf_counter() - started:.0f} s")  # fmt: skip
    known = Counter({key: times for key, times in ended.items() if times > 2})
    print("; ".join(f"{name} {code}: {times}" for (name, code), times in sorted(known.items())))
    return failed


if __name__ == "__main__":
    ends = [int(text) for text in sys.argv[1:3]]
    sys.exit(bool(main(ends[0], ends[1] if len(ends) > 1 else ends[0] + 1)))
