"""Least and greatest values by the slope, and Lambert's function: what is false is refused, what is true is not."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, strategies
from sympy import Ge, LambertW, Le, S, ceiling, exp, log
from toys import LARGER, WEIGHED, a, b, c, chain, defined, n, named, refused, s, u, x, y, z

from steptime.derivations.facts import Chosen
from steptime.derivations.inequalities.certificate import implied, sign
from steptime.derivations.inequalities.conditions import at_least, more, related
from steptime.derivations.rules import RuleError, both_sides, equation, lambert, side, turning
from steptime.model.lambert import lambert as lambert_of
from steptime.model.numeric import compiled
from steptime.model.scenario import evaluate
from steptime.model.units import UnitError, count, second, unit_of

MOST, LEAST = Chosen(y, "most", least=False), Chosen(y, "least")
HILL = defined(x, a * y - b * y**2)
LOW = -c - LambertW(-exp(-c), -1)
HIGH = -c - LambertW(-exp(-c))


def hill(times=S.One, least=False):
    """Where a y - b y**2 turns."""
    return turning(y, a, 2 * b * y, times, least)


TOP = equation(a, 2 * b * y)
BEYOND = defined(x, y + (c - a) * log((c - y) ** 2) / 2)
POLE = defined(x, (y - c) ** 2 * exp(1 / (y - c)))
TURNS = {
    "a greatest that is a least": (
        chain(WEIGHED, (turning(y, a, b / y**2, S.One, False), equation(a, b / y**2)), assumes=(MOST,)),
        "not shown to fall"),
    "a least that is a greatest": (chain(HILL, (hill(least=True), TOP), assumes=(LEAST,)), "not shown to rise"),
    "a greatest that nobody chose": (chain(HILL, (hill(), TOP)), "not among the assumptions"),
    "a greatest that is declared a least": (chain(HILL, (hill(), TOP), assumes=(LEAST,)), "not among the assumptions"),
    "two stationary points": (
        chain(defined(x, a * y - b * y**2 + c * y**3), (turning(y, a + 3 * c * y**2, 2 * b * y, S.One, False),
              equation(a + 3 * c * y**2, 2 * b * y)), assumes=(MOST,)),
        "not shown to fall",
    ),
    "another slope": (
        chain(HILL, (turning(y, a, b * y, S.One, False), equation(a, b * y)), assumes=(MOST,)), "the slope over"),
    "another line than the rule's": (chain(HILL, (hill(), equation(a, b * y)), assumes=(MOST,)), "the rule gives"),
    "what multiplies is below nought": (
        chain(WEIGHED, (turning(y, b / y**2, a, -S.One, False), equation(b / y**2, a)), assumes=(MOST,)),
        "not shown to be positive"),
    "what multiplies may vanish": (
        chain(defined(x, z * (a * y - b * y**2)), (hill(times=z), TOP), assumes=(MOST,)), "t_z > 0 is needed"),
    "what divides may vanish": (
        chain(HILL, (turning(y, a / z, 2 * b * y / z, z, False), equation(a / z, 2 * b * y / z)), assumes=(MOST,)),
        "not shown to fall"),
    "what multiplies is positive at the root, and negative beyond a pole, where all is larger": (
        chain(BEYOND, (turning(y, a, y, 1 / (c - y), False), equation(a, y)), assumes=(MOST,), holds=(more(c, a),)),
        "no value somewhere"),
    "what multiplies changes its sign": (
        chain(defined(x, a * y - y**2 * (a + c) / 2 / c + y**3 / 3 / c), (turning(y, a, y, 1 - y / c, False),
              equation(a, y)), assumes=(MOST,), holds=(more(c, a),)),
        "not shown to be positive wherever",
    ),
    "a pole hidden in an exponential, before which all is less": (
        chain(POLE, (turning(y, 2 * y, 1 + 2 * c, exp(1 / (y - c))), equation(2 * y, 1 + 2 * c)), assumes=(LEAST,)),
        "no value somewhere",
    ),
    "a corner": (
        chain(LARGER, (turning(a, S.One, S.Zero, S.One, False), equation(S.One, S.Zero)),
              assumes=(Chosen(a, "most", least=False),)),
        "not smooth",
    ),
    "what is rounded": (
        chain(defined(x, ceiling(y) + b / y), (turning(y, S.Zero, b / y**2, S.One), equation(S.Zero, b / y**2)),
              assumes=(LEAST,)),
        "not smooth",
    ),
    "what stands on both sides": (
        chain(HILL, (both_sides(side + y), equation(x + y, a * y - b * y**2 + y)),
              (turning(y, a + 1, 2 * b * y, S.One, False), equation(a + 1, 2 * b * y)), assumes=(MOST,)),
        "no single quantity",
    ),
    "what does not stand there": (
        chain(HILL, (turning(c, S.Zero, S.Zero, S.One, False), equation(S.Zero, S.Zero)),
              assumes=(Chosen(c, "most", least=False),)),
        "does not stand on the right side",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TURNS)
def test_false_turns_are_refused(name: str) -> None:
    refused(TURNS[name])


def test_there_are_several_attacks() -> None:
    assert named({"turns": TURNS})


def test_a_hill_and_a_valley_are_found() -> None:
    chain(HILL, (hill(), TOP), assumes=(MOST,)).verify()
    chain(WEIGHED, (turning(y, a, b / y**2, S.One), equation(a, b / y**2)), assumes=(LEAST,)).verify()
    chain(WEIGHED, (turning(y, a * y**2, b, y**-2), equation(a * y**2, b)), assumes=(LEAST,)).verify()
    held = more(z, 0)  # what keeps still may be positive by a condition
    chain(defined(x, z * (a * y - b * y**2)), (hill(times=z), TOP), assumes=(MOST,), holds=(held,)).verify()


@pytest.mark.parametrize("left", [
    exp(-u), exp(2 * u), exp(u), u + c, u * exp(-u), (u + c) * exp(u), -u * exp(u), 2 * u * exp(u), u**2 * exp(u),
], ids=str)  # fmt: skip
def test_lambert_s_function_solves_one_kind_of_line(left) -> None:
    with pytest.raises(RuleError, match="times its exponential"):
        lambert(u).apply(equation(left, c))


def test_lambert_s_function_wants_a_quantity_and_a_real_branch() -> None:
    with pytest.raises(RuleError, match="times its exponential"):
        lambert(S.One).apply(equation(exp(1), c))
    for branch in (1, -2):
        with pytest.raises(RuleError, match="two real branches"):
            lambert(u, branch).apply(equation(u * exp(u), c))


def test_each_branch_has_its_side() -> None:
    line = equation(-(u + c) * exp(-u - c), -exp(-c))
    assert lambert(-u - c, -1).apply(line) == equation(-u - c, LambertW(-exp(-c), -1))
    (below,), (above,) = lambert(-u - c, -1).needs(line), lambert(-u - c).needs(line)
    assert below.relation == related(Le, -u - c, -1) and above.relation == related(Ge, -u - c, -1)
    assert below.narrows and above.narrows


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
    assert np.isnan(lambert_of(-1.0)) and np.isnan(lambert_of(-1.0, -1)) and np.isnan(lambert_of(1.0, -1))


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
