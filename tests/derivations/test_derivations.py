"""Every derivation is verified, every claim computed, and every broken line is caught."""

import pytest

from steptime.derivations.claims import judge
from steptime.derivations.library import MODULES, claims, derivations
from steptime.derivations.steps import Derivation


@pytest.mark.parametrize("one", derivations(), ids=lambda one: one.name)
def test_verified(one: Derivation) -> None:
    one.verify()
    assert one.evaluate() > 0
    assert one.title and one.claim and one.sources and one.example_text


def test_names_are_unique() -> None:
    names = [one.name for one in derivations()]
    assert len(names) == len(set(names)) and MODULES


@pytest.mark.parametrize("claim", claims(), ids=lambda claim: f"{claim.row} {claim.statement[:50]}")
def test_no_claim_fails(claim) -> None:
    found = judge(claim)
    assert found.verdict in ("holds", "differs", "consistent"), found
    assert found.inputs
