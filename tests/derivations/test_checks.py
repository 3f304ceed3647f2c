"""Each check of a derivation by itself: what it refuses, also where the other checks are cut out."""

from dataclasses import replace

import pytest
import sympy
from mutants import mutants, outcome
from sympy import Rational, sqrt

from steptime.derivations import steps as engine
from steptime.derivations.batch.symbols import memory_time, ridge, utilisation
from steptime.derivations.steps import Derivation, Step
from steptime.model.errors import NotVerified
from steptime.model.symbols import batch, chips, context, layers, prompt, step_time, width

from steptime.derivations.rules import (  # isort: skip
    both_sides, drop, equation, identity, limit, minimise, series, side, solve_for, substitute,
)  # fmt: skip

SMALL = {batch: 1000.0, context: 10.0, chips: 2.0, layers: 3.0, utilisation: 0.01, ridge: 0.5, width: 7.0, prompt: 5.0}


def chain(start, *lines, holds=()) -> Derivation:
    """A derivation of bare lines: (rule, line) pairs."""
    return Derivation(
        "toy", "t", ("1.1",), "c", start, tuple(Step("so", rule, gives) for rule, gives in lines),
        ("a",), ("s",), lambda: SMALL, "made up", holds,
    )  # fmt: skip


COST = equation(ridge, batch * layers + chips / batch)
GAIN = equation(ridge, width - batch * layers - chips / batch)
SUM = equation(ridge, batch + context)
BOTH = equation(ridge, sympy.Max(batch, context) + sympy.Min(batch, context))
GROWTH = equation(ridge, 1 / (1 + utilisation))
EVERY_RULE = (
    chain(SUM, (drop(context, error=Rational(1, 80)), equation(ridge, batch))),
    chain(GROWTH, (series(utilisation, 1, error=Rational(1, 8000)), equation(ridge, 1 - utilisation))),
    chain(
        GROWTH, (series(utilisation, 2, error=Rational(1, 900_000)), equation(ridge, 1 - utilisation + utilisation**2))
    ),
    chain(COST, (minimise(batch), equation(batch, sqrt(chips / layers)))),
    chain(equation(ridge, (batch + context) / batch), (limit(batch, sympy.oo), equation(ridge, 1))),
    chain(SUM, (limit(batch, 0), equation(ridge, context))),
    chain(SUM, (both_sides(3 * side * chips), equation(3 * ridge * chips, 3 * (batch + context) * chips))),
    chain(
        equation(ridge, 2 * batch + context),
        (solve_for(batch), equation(batch, (ridge - context) / 2)),
        holds=(ridge - context,),
    ),
    chain(
        equation(ridge, 5 * chips * batch**3),
        (solve_for(batch), equation(batch, (ridge / (5 * chips)) ** Rational(1, 3))),
    ),
    chain(SUM, (substitute(equation(batch, 4 * layers)), equation(ridge, 4 * layers + context))),
    chain(equation(ridge, (batch + 1) * context), (identity(), equation(ridge, batch * context + context))),
)


@pytest.mark.parametrize("one", EVERY_RULE, ids=lambda one: type(one.steps[0].rule).__name__)
def test_every_rule_is_caught_when_changed(one: Derivation) -> None:
    one.verify()
    became = {mutant.what: outcome(one, 1, mutant) for mutant in mutants(one, 1)}
    assert became and not [what for what, found in became.items() if found == "survived"], became


REFUSED = {
    "wrong unit": (chain(equation(step_time, memory_time), (identity(), equation(step_time, batch))), "pure number"),
    "wrong unit at the start": (chain(equation(step_time, batch)), "pure number"),
    "another line": (chain(COST, (identity(), equation(ridge, batch * layers + 2 * chips / batch))), "the rule gives"),
    "undecided": (chain(BOTH, (identity(), SUM)), "the rule gives"),
    "not a summand": (chain(COST, (drop(width, error=1), COST)), "not a summand"),
    "error stated too small": (
        chain(SUM, (drop(context, error=Rational(1, 200)), equation(ridge, batch))),
        "left out is 0.01",
    ),
    "error stated too large": (
        chain(SUM, (drop(context, error=Rational(1, 40)), equation(ridge, batch))),
        "left out is 0.01",
    ),
    "error of a series": (
        chain(GROWTH, (series(utilisation, 1, error=Rational(1, 100)), equation(ridge, 1 - utilisation))),
        "left out",
    ),
    "a maximum": (chain(GAIN, (minimise(batch), equation(batch, sqrt(chips / layers)))), "not shown to be a minimum"),
    "nothing to minimise": (
        chain(equation(ridge, layers * batch), (minimise(batch), equation(batch, layers))),
        "no positive root",
    ),
    "wrong limit": (
        chain(equation(ridge, (batch + context) / batch), (limit(batch, sympy.oo), equation(ridge, 2))),
        "the rule gives",
    ),
    "no limit": (chain(SUM, (limit(batch, sympy.oo), equation(ridge, context))), "no finite limit"),
    "limit elsewhere": (
        chain(equation(ridge, 1 / batch), (limit(batch, -sympy.oo), equation(ridge, 0))),
        "zero or to infinity",
    ),
    "not defined": (chain(COST, (substitute(equation(width, layers)), COST)), "does not occur"),
    "defined twice": (
        chain(
            COST,
            (
                substitute(equation(chips, layers), equation(chips, width)),
                equation(ridge, batch * layers + width / batch),
            ),
        ),
        "twice",
    ),
    "not linear": (chain(equation(ridge, batch + batch**2), (solve_for(batch), equation(batch, ridge))), "one power"),
    "multiplied by nothing": (chain(COST, (both_sides(0 * side), equation(sympy.S.Zero, sympy.S.Zero))), "operation"),
    "operation without the side": (chain(COST, (both_sides(width), equation(width, width))), "operation"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    one, message = REFUSED[name]
    with pytest.raises(NotVerified, match=message):
        one.verify()


@pytest.mark.parametrize("one", EVERY_RULE, ids=lambda one: type(one.steps[0].rule).__name__)
def test_numbers_alone_catch_a_wrong_line(one: Derivation, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the symbolic check cut out, a line whose right side is doubled still fails."""
    (step,) = one.steps
    wrong = replace(one, steps=(replace(step, gives=equation(step.gives.lhs, 2 * step.gives.rhs)),))
    monkeypatch.setattr(engine, "same_equation", lambda computed, stated: True)
    monkeypatch.setattr(Derivation, "_check_error", lambda *ignored: None)
    replace(one).verify()
    with pytest.raises(NotVerified):
        wrong.verify()


@pytest.mark.parametrize("one", EVERY_RULE, ids=lambda one: type(one.steps[0].rule).__name__)
def test_symbols_alone_catch_a_wrong_line(one: Derivation, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the numeric check cut out, a line whose right side is doubled still fails."""
    (step,) = one.steps
    wrong = replace(one, steps=(replace(step, gives=equation(step.gives.lhs, 2 * step.gives.rhs)),))
    monkeypatch.setattr(engine, "check_numerically", lambda *ignored: None)
    replace(one).verify()
    with pytest.raises(NotVerified, match="the rule gives"):
        wrong.verify()


def test_a_false_proof_by_force_is_refuted() -> None:
    """The root of a square is not its base where that is negative, whatever a simplifier is forced to believe."""
    line = equation(ridge, sqrt((batch - context) ** 2))
    with pytest.raises(NotVerified):
        chain(line, (identity(), equation(ridge, batch - context))).verify()


def test_verified_once_and_a_changed_copy_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same value is not checked twice; a copy is, so that a changed one is found out."""
    checked = []
    check = Derivation.check
    monkeypatch.setattr(Derivation, "check", lambda one, number: (checked.append(number), check(one, number)))
    one = replace(EVERY_RULE[-1])
    one.verify()
    one.verify()
    assert checked == [1]
    (step,) = one.steps
    wrong = replace(one, steps=(replace(step, gives=equation(step.gives.lhs, 2 * step.gives.rhs)),))
    for _ in range(2):
        with pytest.raises(NotVerified, match="the rule gives"):
            wrong.verify()
    assert checked == [1, 1]
