"""Maxima and minima that SymPy is not asked to compare are those that it would not have decided."""

from collections.abc import Callable
from typing import Any

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import Expr, Max, Min, Rational, floor

from steptime.model import extremes
from steptime.model.extremes import at_least, at_most
from steptime.model.symbols import context, micro_batch, scale_up_domain

domain = scale_up_domain
MET = {
    "groups in a domain": (1, floor(domain / 32)),
    "chips in a domain": (8, 64 / Max(1, Min(64, floor(domain)))),
    "experts touched": (48, 256 - 256 * Rational(31, 32) ** micro_batch),
    "a ring": (2, 127 * Max(1, Min(128, floor(domain))) - 127),
    "always less": (1, 2 - Max(1, Min(2, floor(domain)))),
    "always more": (1, micro_batch + 2),
    "one that touches": (1, floor(Max(1, Min(4, floor(domain))) / 4)),
    "a nested one": (3, Max(2, micro_batch)),
    "two symbols": (micro_batch, context),
    "numbers": (2, sympy.Integer(3)),
}  # fmt: skip
"""What ledgers compare."""


@pytest.mark.parametrize("which", MET)
@pytest.mark.parametrize(("ours", "theirs"), [(at_least, Max), (at_most, Min)], ids=["at least", "at most"])
def test_what_is_compared_is_as_sympy_has_it(which: str, ours: Callable[..., Expr], theirs: Any) -> None:
    one, other = MET[which]
    assert ours(one, other) == theirs(one, other, evaluate=which != "two symbols")


@given(st.integers(-5, 5), st.integers(-5, 5), st.integers(1, 5), st.integers(0, 9))
def test_what_is_left_open_has_no_answer(steep: int, curved: int, below: int, constant: int) -> None:
    """A ratio of polynomials and a number: the same as SymPy's, whether it decides or not."""
    value = (steep * micro_batch + curved * micro_batch**2) / (micro_batch + below)
    assert at_least(constant, value) == Max(constant, value) and at_most(constant, value) == Min(constant, value)


@pytest.mark.parametrize("which", ["groups in a domain", "chips in a domain", "experts touched", "a ring"])
def test_sympy_is_not_asked_where_two_values_differ(which: str) -> None:
    assert not extremes._is_worth_comparing(*MET[which]) and extremes._is_worth_comparing(*MET["always more"])
