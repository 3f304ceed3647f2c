"""Change any number, sign or quantity of any line or rule of the library, and verification fails.

Every eighth mutant is tried, of a long line fewer, always the same ones; all of them where the environment
variable STEPTIME_MUTANTS is all.
"""

import os
from collections import Counter
from zlib import crc32

import pytest
from mutants import Mutant, mutants, outcome

from steptime.derivations.library import derivations
from steptime.derivations.steps import Derivation

FOUND: Counter[str] = Counter()
ALL = os.environ.get("STEPTIME_MUTANTS") == "all"
MANY = 160
"""Mutants of a line of which every eighth is tried; of twice as many every thirty-second, since on such a line each of
them takes twice as long, too."""


def chosen(one: Derivation, number: int, mutant: Mutant, of: int) -> bool:
    """Whether a mutant is among those tried: drawn by its name, so that each kind of change is."""
    return ALL or crc32(f"{one.name} {number} {mutant.what}".encode()) % (8 * (-(-of // MANY)) ** 2) == 0


@pytest.mark.parametrize("one", derivations(), ids=lambda one: one.name)
def test_every_mutant_is_caught(one: Derivation) -> None:
    survivors = []
    for number in range(1, len(one.steps) + 1):
        every = list(mutants(one, number))
        for mutant in every:
            if not chosen(one, number, mutant, len(every)):
                continue
            FOUND[became := outcome(one, number, mutant)] += 1
            if became == "survived":
                survivors.append(f"line {number}: {mutant.what}: {mutant.step.gives}")
    assert not survivors, "\n".join(survivors)


def test_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """There are mutants to catch, and few of them are no change; the counts are printed."""
    total = sum(FOUND.values())
    share = "" if ALL else ", an eighth of all"
    with capsys.disabled():
        print(f"\nmutants {total}{share}: {', '.join(f'{name} {found}' for name, found in FOUND.most_common())}")
    assert not total or FOUND["caught"] + FOUND["refused"] > total * 0.9
