"""What is a sum of powers, and what only looks like one: which solver may be trusted hangs on it."""

import numpy as np
import pytest
import sympy
from sympy import Integer, Max, Min, Rational, Symbol

from steptime.model import symbols as q
from steptime.model.solver.geometric import NotPosynomial, Posynomial
from steptime.model.solver.posynomial import is_posynomial

x, y, c = q.batch, q.context, q.kv_bytes
real = Symbol("real", real=True)

NO_POSYNOMIALS = {
    "a power of another variable": x**y,
    "a power of another variable, scaled": 2 * x**c,
    "a root of a sum": sympy.sqrt(x + y),
    "the inverse of a sum": 1 / (1 + x),
    "a logarithm": sympy.log(x),
    "the smaller of two": Min(x, y),
    "a difference": x**2 - x,
    "a constant of unknown sign": real * x,
    "a negative constant": Integer(-1) + x,
    "a maximum with one of them in it": Max(x, 2 - y),
    "a maximum inside a sum": x + Max(x, y),
}
POSYNOMIALS = {
    "a constant": Integer(3),
    "nothing: a sum of no monomials": Integer(0),
    "nothing, as a number with a point": sympy.Float(0.0),
    "a symbol that is no variable, to any power": c**-2 * x**Rational(1, 3) * y**-4,
    "an unexpanded product": (x + c) * (1 / y + 2),
    "a maximum of some": Max(x**2, 3 * y, evaluate=False),
}


@pytest.mark.parametrize("name", NO_POSYNOMIALS)
def test_what_is_no_posynomial_is_never_taken_for_one(name: str) -> None:
    """A proof of a global optimum rests on it (Boyd et al. 2007, section 2.2: real powers, positive coefficients)."""
    expr = NO_POSYNOMIALS[name]
    assert not is_posynomial(expr, (x, y))
    with pytest.raises(NotPosynomial, match="no posynomial in batch, context"):
        Posynomial.of(expr, (x, y))


@pytest.mark.parametrize("name", POSYNOMIALS)
def test_what_is_a_posynomial(name: str) -> None:
    assert is_posynomial(POSYNOMIALS[name], (x, y))


def test_terms_of_nothing_are_left_out() -> None:
    found = Posynomial.of(Integer(0) * x + 2 * y**3, (x, y))
    assert found.exponents.tolist() == [[0.0, 3.0]] and np.exp(found.logs) == pytest.approx([2.0])
    nothing = Posynomial.of(sympy.Float(0.0), (x, y))
    assert nothing.value(np.zeros(2)) == 0.0 and nothing.exponents.shape == (0, 2)
