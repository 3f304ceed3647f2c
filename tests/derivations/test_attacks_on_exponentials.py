"""Greatest and least values by the slope, and Lambert's function: what is false is refused, what is true is not."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, strategies
from sympy import LambertW, S, exp
from toys import LARGER, WEIGHED, a, b, c, chain, defined, n, named, refused, s, u, x, y, z

from steptime.derivations.facts import Chosen
from steptime.derivations.inequalities.certificate import implied, sign
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.derivations.rules import RuleError, Unwind, both_sides, equation, side, turn, unwind
from steptime.model.numeric import compiled, lambert
from steptime.model.scenario import evaluate
from steptime.model.units import UnitError, count, second, unit_of

MOST, LEAST = Chosen(y, "most", least=False), Chosen(y, "least")
HILL = defined(x, a * y - b * y**2)
ABOVE = (more(a, b * y),)
LOW = -c - LambertW(-exp(-c), -1)
HIGH = -c - LambertW(-exp(-c))


TURNS = {
    "a greatest that is a least": (
        chain(WEIGHED, (turn(y, S.One), equation(a - b / y**2, S.Zero)), assumes=(MOST,)), "keep turning one way"),
    "a least that is a greatest": (
        chain(HILL, (turn(y, S.One, least=True), equation(a - 2 * b * y, S.Zero)), assumes=(LEAST,)),
        "keep turning one way",
    ),
    "a greatest that nobody chose": (
        chain(HILL, (turn(y, S.One), equation(a - 2 * b * y, S.Zero))), "not among the assumptions"),
    "a greatest that is declared a least": (
        chain(HILL, (turn(y, S.One), equation(a - 2 * b * y, S.Zero)), assumes=(LEAST,)),
        "not among the assumptions",
    ),
    "two stationary points": (
        chain(defined(x, a * y - b * y**2 + c * y**3), (turn(y, S.One), equation(a - 2 * b * y + 3 * c * y**2, S.Zero)),
              assumes=(MOST,)),
        "keep turning one way",
    ),
    "another slope": (
        chain(HILL, (turn(y, S.One), equation(a - b * y, S.Zero)), assumes=(MOST,)), "the rule gives"),
    "a factor below nought": (
        chain(WEIGHED, (turn(y, -y**2), equation(b - a * y**2, S.Zero)), assumes=(MOST,)), "is not positive"),
    "a factor that may vanish": (
        chain(HILL, (turn(y, z), equation(a * z - 2 * b * y * z, S.Zero)), assumes=(MOST,)), "keep turning one way"),
    "a corner": (
        chain(LARGER, (turn(a, S.One), equation(S.One, S.Zero)), assumes=(Chosen(a, "most", least=False),)),
        "not smooth",
    ),
    "what stands on both sides": (
        chain(HILL, (both_sides(side + y), equation(x + y, a * y - b * y**2 + y)),
              (turn(y, S.One), equation(a + 1 - 2 * b * y, S.Zero)), assumes=(MOST,)),
        "no single quantity",
    ),
    "what does not stand there": (
        chain(HILL, (turn(c, S.One), equation(S.Zero, S.Zero)), assumes=(Chosen(c, "most", least=False),)),
        "does not stand on the right side",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TURNS)
def test_false_turns_are_refused(name: str) -> None:
    refused(TURNS[name])


def test_there_are_several_attacks() -> None:
    assert named({"turns": TURNS})


def test_a_hill_and_a_valley_are_found() -> None:
    chain(HILL, (turn(y, S.One), equation(a - 2 * b * y, S.Zero)), assumes=(MOST,), holds=ABOVE).verify()
    valley = chain(WEIGHED, (turn(y, y**2, least=True), equation(a * y**2 - b, S.Zero)), assumes=(LEAST,))
    valley.verify()


@pytest.mark.parametrize(("left", "right", "said"), [
    (exp(-u), u + c, "is not exp"),
    (exp(2 * u), u + c, "is not exp"),
    (exp(u), 2 * u + c, "does not depend on it"),
    (exp(u), u * c, "does not depend on it"),
    (u + c, exp(u), "is not exp"),
], ids=str)  # fmt: skip
def test_lambert_s_function_solves_one_kind_of_line(left, right, said: str) -> None:
    with pytest.raises(RuleError, match=said):
        unwind(u).apply(equation(left, right))


def test_lambert_s_function_wants_a_quantity() -> None:
    with pytest.raises(RuleError, match="not a single quantity"):
        Unwind(u + 1).apply(equation(exp(u), u + c))


def test_the_root_is_the_lower_branch_and_needs_more_than_one() -> None:
    line = equation(exp(u), u + c)
    assert unwind(u).apply(line) == equation(u, LOW)
    (need,) = unwind(u).needs(line)
    assert need.relation == more(c, 1)


@given(strategies.floats(1.0001, 600.0))
def test_the_lower_branch_solves_the_line_above_nought_and_the_upper_one_below(height: float) -> None:
    found, other = (mpmath.mpf(float(evaluate(expr, {c: height}))) for expr in (LOW, HIGH))
    assert found > 0 > other >= -height
    assert float(mpmath.exp(found) / (found + height)) == pytest.approx(1, rel=1e-9)


def test_numbers_of_lambert_s_function_in_every_way() -> None:
    """-0.2 = w exp(w): Corless et al. 1996, On the Lambert W function, both real branches by hand."""
    for which, expected in ((0, -0.25917110181907377), (-1, -2.5426413577735265)):
        expr = LambertW(-s, which)
        assert float(evaluate(expr, {s: 0.2})) == pytest.approx(expected, rel=1e-12)
        assert compiled(expr, (s,))(np.array([0.2]))[0] == pytest.approx(expected, rel=1e-12)
        assert expected * np.exp(expected) == pytest.approx(-0.2, rel=1e-12)
    assert np.isnan(lambert(-1.0)) and np.isnan(lambert(-1.0, -1))


def test_the_unit_of_lambert_s_function_is_none() -> None:
    from steptime.model.symbols import step_time

    assert unit_of(LambertW(-exp(-c), -1)) == count and unit_of(step_time) == second
    with pytest.raises(UnitError, match="must be a pure number"):
        unit_of(LambertW(step_time))


def test_what_is_known_of_lambert_s_function() -> None:
    known = (more(c, 1),)
    lower, upper = LambertW(-exp(-c), -1), LambertW(-exp(-c))
    assert sign(lower, known) == sign(upper, known) == "-"
    assert implied(more(-lower, c), known) and implied(more(-lower, 1), known)
    assert implied(more(c, -upper), known) and implied(more(1 + upper, 0), known)
    assert not implied(more(-lower, c + 1), known) and not implied(at_least(-upper, c), known)
    assert sign(lower) is None and sign(LambertW(-s, -1), known) is None and sign(LambertW(n)) is None


def test_nothing_is_said_of_a_value_that_is_not_real() -> None:
    one = chain(defined(x, 1 - LambertW(-s, -1)), (both_sides(side * a), equation(a * x, a * (1 - LambertW(-s, -1)))))
    assert "needed" in (one.failure or "")
