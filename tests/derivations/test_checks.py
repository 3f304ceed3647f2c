"""Each check of a derivation by itself: what it refuses, also where the other checks are cut out."""

from dataclasses import replace

import pytest
import sympy
from mutants import mutants, outcome
from sympy import Max, Rational, Sum, sqrt
from toys import a, b, c, chain, defined, j, n, w, x, y, z

from steptime.derivations import steps as engine
from steptime.derivations.batch.symbols import memory_time
from steptime.derivations.facts import Chosen, Given, Tends, given
from steptime.derivations.inequalities.conditions import at_least, more, related
from steptime.derivations.steps import Derivation
from steptime.model.errors import NotVerified
from steptime.model.symbols import batch, step_time

from steptime.derivations.rules import (  # isort: skip
    both_sides, branch, drop, equation, extreme, identity, limit, minimise, optimum, series, side, solve_for,
    substitute, total, turning,
)  # fmt: skip

SUM = defined(x, a + b)
COST = defined(x, y * n + c / y)
HILL = defined(x, a * y - b * y**2)
GROWTH = defined(x, 1 / (1 + z))
ALL = Sum(j, (j, 1, n))
FEW = given(b, 4 * c, "four times as many")
NO_LESS = Given(at_least(a, c), "no less")
SPENT = Given(related(sympy.Le, 2 * x + 3 * y, c), "what there is")
EVERY_RULE = (
    chain(SUM, (drop(b, error=Rational(1, 80)), equation(x, a)), holds=(related(sympy.Le, 80 * b, a),)),
    chain(
        GROWTH, (series(z, 1, error=Rational(1, 8000)), equation(x, 1 - z)),
        holds=(related(sympy.Le, 8000 * z**2, 1 - z**2), more(1, z)),
    ),
    chain(COST, (minimise(y), equation(y, sqrt(c / n))), assumes=(Chosen(y, "the best"),)),
    chain(
        defined(x, (a + b) / a), (limit(a, sympy.oo), equation(x, 1)), assumes=(Tends(a, sympy.oo, "ever more"),)
    ),
    chain(SUM, (limit(a, 0), equation(x, b)), assumes=(Tends(a, sympy.S.Zero, "none"),)),
    chain(SUM, (both_sides(3 * side * c), equation(3 * x * c, 3 * (a + b) * c))),
    chain(SUM, (solve_for(a), equation(a, x - b)), holds=(more(x, b),)),
    chain(defined(x, 5 * c * a**3), (solve_for(a), equation(a, (x / (5 * c)) ** Rational(1, 3)))),
    chain(SUM, (substitute(FEW), equation(x, a + 4 * c)), assumes=(FEW,)),
    chain(defined(x, (a + 1) * b), (identity(), equation(x, a * b + b))),
    chain(HILL, (turning(y, a, 2 * b * y, sympy.S.One, False), equation(a, 2 * b * y)),
          assumes=(Chosen(y, "most", least=False),)),
    chain(COST, (turning(y, n * y**2, c, y**-2), equation(n * y**2, c)), assumes=(Chosen(y, "the best"),)),
    chain(defined(x, ALL), (total(ALL, n * (n + 1) / 2), equation(x, n * (n + 1) / 2))),
    chain(defined(x, Max(a, b)), (branch(Max(a, b), a), equation(x, a)), holds=(at_least(a, b),)),
    chain(
        defined(x, 3 * a + b), (extreme(at_least(a, c)), equation(x, 3 * c + b)),
        assumes=(NO_LESS, Chosen(a, "the least")),
    ),
    chain(
        defined(w, Max(a / x, b / y)),
        (
            optimum(
                SPENT.relation,
                (equation(x, a * c / (2 * a + 3 * b)), equation(y, b * c / (2 * a + 3 * b))),
                (2 * a + 3 * b) / c,
                tuple({a / x: 2 * a, b / y: 3 * b}[arm] / (2 * a + 3 * b) for arm in Max(a / x, b / y).args),
                (2 * a + 3 * b) / c**2,
            ),
            equation(w, (2 * a + 3 * b) / c),
        ),
        assumes=(SPENT, Chosen(x, "the best"), Chosen(y, "the best")),
    ),
)  # fmt: skip


@pytest.mark.parametrize("one", EVERY_RULE, ids=lambda one: type(one.steps[0].rule).__name__)
def test_every_rule_is_caught_when_changed(one: Derivation) -> None:
    one.verify()
    became = {mutant.what: outcome(one, 1, mutant) for mutant in mutants(one, 1)}
    assert became and not [what for what, found in became.items() if found == "survived"], became


REFUSED = {
    "wrong unit": (chain(defined(x, a), (identity(), equation(step_time, batch))), "pure number"),
    "wrong unit at the start": (chain(defined(memory_time, batch), (identity(), equation(x, a))), "pure number"),
    "another line": (chain(COST, (identity(), equation(x, y * n + 2 * c / y))), "the rule gives"),
    "undecided": (
        chain(defined(x, Max(a, b) + sympy.Min(a, b)), (identity(), equation(x, a + b))), "the rule gives"),
    "defined twice": (
        chain(SUM, (substitute(FEW, given(b, c, "as many")), equation(x, a + c)), assumes=(FEW,)), "twice"),
    "not linear": (chain(defined(x, a + a**2), (solve_for(a), equation(a, x))), "one power"),
}  # fmt: skip


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
    squared = chain(defined(x, (a - b) ** 2), (both_sides(sqrt(side)), equation(sqrt(x), a - b)))
    with pytest.raises(NotVerified):
        squared.verify()


def test_verified_once_and_a_changed_copy_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same value is not checked twice; a copy is, so that a changed one is found out."""
    checked = []
    check = Derivation.check
    monkeypatch.setattr(Derivation, "check", lambda one, number: (checked.append(number), check(one, number)))
    one = replace(EVERY_RULE[9])
    one.verify()
    one.verify()
    assert checked == [1]
    (step,) = one.steps
    wrong = replace(one, steps=(replace(step, gives=equation(step.gives.lhs, 2 * step.gives.rhs)),))
    for _ in range(2):
        with pytest.raises(NotVerified, match="the rule gives"):
            wrong.verify()
    assert checked == [1, 1]
