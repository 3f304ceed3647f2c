"""One home a formula: what the engine uses is what a derivation starts from or ends in, the same object."""

import pytest

from steptime.derivations.library import find
from steptime.derivations.pipelines.bubble import idle_over_work, one_third
from steptime.derivations.register import PROVED, UNPROVED, formulas, holds
from steptime.model.phases.train import Choices

FORMULAS = formulas()


def test_every_formula_is_registered_once() -> None:
    registered = [*PROVED, *UNPROVED]
    assert sorted(FORMULAS) == sorted(registered), set(FORMULAS) ^ set(registered)


@pytest.mark.parametrize("name", PROVED)
def test_the_derivation_holds_the_same_object(name: str) -> None:
    assert holds(find(PROVED[name]), FORMULAS[name])


def test_an_equal_formula_that_is_not_the_same_object_is_told_apart() -> None:
    bubble = FORMULAS["phases.pipeline.bubble"]
    again = bubble.func(*bubble.args, evaluate=False)
    assert again == bubble and not holds(idle_over_work, again)


@pytest.mark.parametrize("name", UNPROVED)
def test_the_reason_is_a_sentence(name: str) -> None:
    assert UNPROVED[name].endswith(".") and len(UNPROVED[name].split()) > 4


def test_the_engine_idles_as_proved() -> None:
    assert Choices().idle == idle_over_work.result.rhs
    assert Choices(schedule="zb-h1").idle == one_third.result.rhs
    assert Choices(schedule="zb-h2").idle == 0
