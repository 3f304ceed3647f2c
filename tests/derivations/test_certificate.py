"""The prover of inequalities never says yes to what is false, and says yes to what the library needs."""

from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as some
from sympy import Max, Min, Ne, ceiling, exp, log, sqrt
from toys import a, b, c, n, s, x, y, z

from steptime.derivations.checks.draws import is_true
from steptime.derivations.inequalities.certificate import implied, sign
from steptime.derivations.inequalities.conditions import at_least, more, related
from steptime.model.quantity import domains

TRUE = {
    "a sum of positive terms": (more(a * b + c, 0), ()),
    "a count less one": (at_least(n, 1), ()),
    "a share of a share": (at_least(1, s * s), ()),
    "a fact": (more(a, b), (more(a, b),)),
    "a fact times ten": (more(10 * a, 10 * b), (more(a, b),)),
    "two facts in a row": (more(a, c), (more(a, b), more(b, c))),
    "a fact under a positive denominator": (more(x / (a - b), 0), (more(a, b),)),
    "back from a denominator": (more(a, b), (more(x / (a - b), 0),)),
    "a quotient of at least one": (more(a, b), (at_least(x / (a - b), 1),)),
    "a factor that may be nought": (at_least(z * (a - b), 0), (at_least(a, b),)),
    "a factor of what is positive": (more(z, 0), (more(z * a, 0),)),
    "what is not nought and not below": (more(z, 0), (related(Ne, z, 0),)),
    "a square": (at_least((a - b) ** 2, 0), ()),
    "the product of two facts": (more((a - b) * (x - y), 0), (more(a, b), more(x, y))),
    "a known product over": (more((a - b) / (x - y), 0), (more((a - b) * (x - y), 0),)),
    "a share to a power": (at_least(1, s ** (x + 1)), ()),
    "a share less than one to a power": (more(1, s**n), (more(1, s),)),
    "a logarithm": (more(0, log(s)), (more(1, s), more(s, 0))),
    "an exponential": (more(exp(a), 1), ()),
    "a root above what it is the root of, squared": (more(sqrt(x**2 + y), x), ()),
    "over a root": (at_least(a * sqrt(x) / sqrt(x + y), b), (at_least(a**2 * x, b**2 * (x + y)),)),
    "back from over a root": (at_least(a**2 * x, b**2 * (x + y)), (at_least(a * sqrt(x) / sqrt(x + y), b),)),
    "a root and what it is a root of": (more((sqrt(x**2 + y) - x) / (2 * sqrt(x**2 + y)), 0), ()),
    "under a root": (at_least(x / (y + sqrt(y**2 + 4 * a * x)), 1 / b), (at_least(b**2 * x, 2 * b * y + 4 * a),)),
    "a root beside what has no sign": (
        at_least(c * (y + sqrt(y**2 + 4 * a * x)), 2 * x),
        (at_least(a * c**2 + c * y, x),),
    ),
    "roots in order": (more(sqrt(a), sqrt(b)), (more(a, b),)),
    "a maximum": (at_least(Max(a, b), b), ()),
    "a minimum": (at_least(a, Min(a, b)), ()),
    "a sum of maxima and a maximum of sums": (at_least(Max(a, b) + Max(x, y), Max(a + x, b + y)), ()),
    "a maximum by one of its arguments": (at_least(Max(a, c / s) + Max(b, x), a / 2 + b), ()),
    "beside what has nothing to do with it": (more(Max(a, b) + x / y, a), ()),
    "a number rounded up": (at_least(ceiling(a), a), ()),
    "times a positive quantity": (more(n, 1), (more(n * x, x + 1),)),
}
FALSE = {
    "over a root, the other way": (at_least(b, a * sqrt(x) / sqrt(x + y)), (at_least(a**2 * x, b**2 * (x + y)),)),
    "a root below": (more(a - b - sqrt((a - b) ** 2 + x), 0), ()),
    "a root beside too much": (more(a - b + sqrt((a - b) ** 2 + x), y), ()),
    "under a root, known too little": (at_least(x / (y + sqrt(y**2 + 4 * a * x)), 1 / b), (at_least(b * x, 2 * y),)),
    "nothing known": (more(a, b), ()),
    "a fact turned round": (more(b, a), (more(a, b),)),
    "too much of a fact": (more(a, 2 * b), (more(a, b),)),
    "strict from not strict": (more(a, b), (at_least(a, b),)),
    "strict where it may be nought": (more(z, 0), ()),
    "one summand of two": (more(a, b), (more(a + c, b),)),
    "not nought from another": (related(Ne, z, 0), (more(a, b),)),
    "a product from a factor": (more((a - b) * (x - y), 0), (more(a, b),)),
    "a count above one": (more(n, 1), ()),
    "a share above a half": (at_least(2 * s, 1), ()),
    "a power of what may exceed one": (at_least(1, a**n), ()),
    "a maximum below": (at_least(a, Max(a, b)), ()),
    "a maximum of sums and a sum of maxima": (at_least(Max(a + x, b + y), Max(a, b) + Max(x, y)), ()),
    "a maximum above two of its arguments": (at_least(Max(a, b), a + b), ()),
    "strict beside what may be nought": (more(Max(a, b) + z, a), ()),
    "a root of a sum": (at_least(x, sqrt(x**2 + y)), ()),
    "a sum of two facts that are none": (more(a + b, x + y), (more(a, x),)),
    "what is above a negative number": (more(a, b), (at_least((a - b) / x, -1),)),
}


@pytest.mark.parametrize("name", TRUE)
def test_shown(name: str) -> None:
    goal, facts = TRUE[name]
    assert implied(goal, facts)


@pytest.mark.parametrize("name", FALSE)
def test_not_shown(name: str) -> None:
    goal, facts = FALSE[name]
    assert not implied(goal, facts)


SYMBOLS = (a, b, n, s, z)
atoms = some.sampled_from(SYMBOLS)
monomials = some.lists(atoms, max_size=2).map(lambda parts: sympy.Mul(*parts))
terms = some.tuples(some.integers(-3, 3), monomials).map(lambda pair: pair[0] * pair[1])
polynomials = some.lists(terms, min_size=1, max_size=4).map(lambda parts: sympy.Add(*parts))
quotients = some.tuples(polynomials, polynomials).map(lambda pair: pair[0] / pair[1] if pair[1] != 0 else pair[0])
relations = some.tuples(some.sampled_from((sympy.Gt, sympy.Ge, sympy.Ne)), polynomials | quotients).filter(
    lambda pair: pair[1].free_symbols
).map(lambda pair: related(pair[0], pair[1], 0))  # fmt: skip
positive = some.fractions(Fraction(1, 50), 50, max_denominator=50)
values = some.fixed_dictionaries({
    a: positive, b: positive, n: some.fractions(1, 50, max_denominator=20), s: some.fractions(0, 1, max_denominator=20),
    z: some.just(Fraction(0)) | positive,
})  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(relations, some.lists(relations, max_size=3), some.lists(values, min_size=12, max_size=12))
def test_what_is_shown_is_true_at_any_numbers(goal, facts, points) -> None:
    """Whatever follows is so at every point where the facts are, the ends of the ranges included."""
    if not implied(goal, facts):
        return
    for point in points:
        exact = {symbol: sympy.Rational(value.numerator, value.denominator) for symbol, value in point.items()}
        if all(holds(relation, exact) for relation in (*facts, *domains(SYMBOLS))):
            assert holds(goal, exact) is not False, (goal, facts, exact)


def holds(relation, exact) -> bool | None:
    """Whether a relation is so at exact numbers; None where a part has no value."""
    gap = (relation.lhs - relation.rhs).xreplace(exact)
    if gap.has(sympy.zoo, sympy.nan, sympy.oo):
        return None
    return {"Gt": gap > 0, "Ge": gap >= 0, "Le": gap <= 0, "Lt": gap < 0, "Ne": gap != 0}[
        {sympy.StrictGreaterThan: "Gt", sympy.GreaterThan: "Ge", sympy.LessThan: "Le", sympy.StrictLessThan: "Lt",
         sympy.Unequality: "Ne"}[type(relation)]
    ]  # fmt: skip


def test_signs() -> None:
    assert sign(a * b) == "+" and sign(z * a) == "0+" and sign(-n) == "-" and sign(a - b) is None
    assert is_true(more(a, b), {a: 2, b: 1})
