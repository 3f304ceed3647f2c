"""CPU seconds of thousands of measured rows, grouped and one by one: ``python benchmarks/measured.py [ROWS] [ALONE]``.

The rows are the catalogue's again and again. Of each repetition the decode and prefill rows that state a layout have
another batch and other lengths, so that no pass is asked twice; rows without a layout, optimizer steps and collectives
are of the same runs with other measured values, as several figures are printed of one run.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice

from steptime.model.catalog.measurement import Measurement, catalogue
from steptime.model.solver.calibration.estimates import with_estimates
from steptime.model.solver.measured.validate import validate

LENGTHS = ("batch", "inflight", "prompt", "output", "context")


def repeated() -> Iterator[Measurement]:
    """The catalogue's rows without end, each repetition a little larger than the one before."""
    rows = catalogue()
    for number in count():
        for row in rows:
            factor = 1 + number / 64
            numbers = {name: value if value is None or name not in LENGTHS else max(1.0, float(int(value * factor)))
                       for name, value in row.numbers.items()}  # fmt: skip
            varies = any(row.degrees.values()) and row.phase in ("decode", "prefill")
            yield replace(row, id=f"{row.id}-{number}", value=row.value * factor,
                          numbers=numbers if varies else row.numbers)  # fmt: skip


def main(size: int = 5000, alone: int = 500) -> None:
    rows = list(islice(repeated(), size))
    start = time.process_time()
    judged = validate(rows)
    bound = time.process_time() - start
    judged = with_estimates(judged)
    took = time.process_time() - start
    modelled = sum(not one.why for one in judged)
    print(
        f"{size} rows at once: {took:.2f} CPU s, {1e3 * took / size:.2f} ms a row, {modelled} modelled; "
        f"{bound:.2f} of it for the bounds"
    )
    start = time.process_time()
    for row in rows[:: max(1, size // alone)]:
        validate([row])
    took = time.process_time() - start
    print(f"one by one: {1e3 * took / len(rows[:: max(1, size // alone)]):.1f} ms a row")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
