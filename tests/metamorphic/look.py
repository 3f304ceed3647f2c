"""``python tests/metamorphic/look.py FIRST [LAST]``: scenes of a seed once more, and the relations that they violate.

The seed is ``STEPTIME_SCENES_SEED``, 1 where it is not set. At last how many scenes and relations there were.
"""

import os
import sys
import time
from collections import Counter

from relations import RELATIONS, violations
from scenes import scene

SEED = int(os.environ.get("STEPTIME_SCENES_SEED", "1"))


def main(first: int, last: int) -> int:
    """Look at them; how many scenes violate something."""
    counted: Counter[str] = Counter()
    bad, started = 0, time.perf_counter()
    for number in range(first, last):
        drawn = scene(SEED, number)
        found = violations(drawn)
        counted.update({relation for relation, _ in found})
        bad += bool(found)
        for relation, text in found:
            print(f"{drawn.name}\n    {relation}: {text}", flush=True)
    print(f"seed {SEED}, {first} to {last - 1}, {len(RELATIONS)} relations: {bad} scenes with a violation, "
          f"{dict(counted)}; {time.perf_counter() - started:.0f} s")  # fmt: skip
    return bad


if __name__ == "__main__":
    ends = [int(text) for text in sys.argv[1:3]]
    sys.exit(bool(main(ends[0], ends[1] if len(ends) > 1 else ends[0] + 1)))
