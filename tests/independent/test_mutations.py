"""Change any number, sign or quantity of any line or rule of the library, and verification fails."""

from collections import Counter

import pytest
from mutants import mutants, outcome

from steptime.derivations.library import derivations
from steptime.derivations.steps import Derivation

FOUND: Counter[str] = Counter()


@pytest.mark.parametrize("one", derivations(), ids=lambda one: one.name)
def test_every_mutant_is_caught(one: Derivation) -> None:
    survivors = []
    for number in range(1, len(one.steps) + 1):
        for mutant in mutants(one, number):
            FOUND[became := outcome(one, number, mutant)] += 1
            if became == "survived":
                survivors.append(f"line {number}: {mutant.what}: {mutant.step.gives}")
    assert not survivors, "\n".join(survivors)


def test_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """There are mutants to catch, and few of them are no change; the counts are printed."""
    total = sum(FOUND.values())
    with capsys.disabled():
        print(f"\nmutants {total}: {', '.join(f'{name} {found}' for name, found in FOUND.most_common())}")
    assert not total or FOUND["caught"] + FOUND["refused"] > total * 0.9
