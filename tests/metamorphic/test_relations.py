"""Answers of random scenarios beside one another: relations that hold whatever the numbers are.

A small share runs by default; ``STEPTIME_SCENES=2000`` runs so many, ``STEPTIME_SCENES_SEED`` draws others. A violation
names its seed and number; ``python tests/metamorphic/look.py NUMBER`` looks at it again.
"""

import os

import pytest
from relations import violations
from scenes import scene

SEED = int(os.environ.get("STEPTIME_SCENES_SEED", "1"))
MANY = int(os.environ.get("STEPTIME_SCENES", "0"))
USUAL, PIECE = 8, 4


def pieces() -> list[object]:
    last = MANY or USUAL
    return [pytest.param(first, min(first + PIECE, last), id=f"{first}-{min(first + PIECE, last) - 1}")
            for first in range(0, last, PIECE)]  # fmt: skip


@pytest.mark.parametrize("first, last", pieces())
def test_relations_hold(first: int, last: int) -> None:
    found = []
    for number in range(first, last):
        drawn = scene(SEED, number)
        found += [f"{drawn.name}\n    {relation}: {text}" for relation, text in violations(drawn)]
    assert not found, "\n".join(found)
