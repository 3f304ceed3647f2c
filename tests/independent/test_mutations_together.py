"""Change a rule and its line together, so that they agree, and the theorem is refused: for what it says is another.

What a changed chain ends in may still be true where the theorem is, as when both sides are multiplied by something else
or an equation is solved for another of its quantities: such a change is no lie, and is counted apart. Every eighth is
tried, always the same ones; all of them where the environment variable STEPTIME_MUTANTS is all.
"""

import os
from collections import Counter
from dataclasses import replace
from zlib import crc32

import pytest
from mutants import says_the_same, together

from steptime.derivations.library import derivations
from steptime.derivations.steps import Derivation

FOUND: Counter[str] = Counter()
ALL = os.environ.get("STEPTIME_MUTANTS") == "all"


@pytest.mark.parametrize("one", derivations(), ids=lambda one: one.name)
def test_no_lie_is_verified(one: Derivation) -> None:
    lies = []
    for number in range(1, len(one.steps) + 1):
        for mutant in together(one, number):
            if not ALL and crc32(f"{one.name} {number} {mutant.what}".encode()) % 8:
                continue
            changed = (*one.steps[: number - 1], mutant.step, *one.steps[number:])
            other = replace(one, steps=changed, example=lambda: one.numbers)
            if other.failure is not None:
                FOUND["refused"] += 1
            elif says_the_same(other, one):
                FOUND["says the same"] += 1
            else:
                FOUND["lies"] += 1
                lies.append(f"line {number}: {mutant.what}: {mutant.step.gives}")
    assert not lies, "\n".join(lies)


def test_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """There are mutants to refuse, and hardly any says the same; the counts are printed."""
    total = sum(FOUND.values())
    share = "" if ALL else ", an eighth of all"
    with capsys.disabled():
        print(f"\nrule and line together {total}{share}: {dict(FOUND.most_common())}")
    assert not total or FOUND["refused"] > total * 0.9
