"""Formulas set for the eye: no fraction in a fraction, what is added before what is taken away."""

import pytest
import sympy
from sympy import Eq, Rational, Symbol, exp, sqrt

from steptime.model.typeset import Typeset

a, b, c, d = (Symbol(name, positive=True) for name in "abcd")


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (a / b, r"\frac{a}{b}"),
        ((a / b + c) / d, r"\frac{a / b + c}{d}"),
        (a / (b + c / d), r"\frac{a}{b + c / d}"),
        ((a / (b * c) + 1) / d, r"\frac{a / \left(b c\right) + 1}{d}"),
        (((a + b) / c + 1) / d, r"\frac{1 + \left(a + b\right) / c}{d}"),
        ((1 / a + b) / d, r"\frac{b + 1 / a}{d}"),
        (exp(-a / b), r"e^{- a / b}"),
        (a ** (b / c), r"a^{b / c}"),
        (b - a, "b - a"),
        (1 - a / b, r"1 - \frac{a}{b}"),
        (c * (b - a), r"c \left(b - a\right)"),
        (Rational(1, 2) * a, r"\frac{a}{2}"),
        ((a / 2 + b) / c, r"\frac{a / 2 + b}{c}"),
        (sqrt(a / b), r"\frac{\sqrt{a}}{\sqrt{b}}"),
        (sympy.Max(a / b, c, evaluate=False) / d, r"\frac{\max\left(c, a / b\right)}{d}"),
        (Eq(a, b - c / d, evaluate=False), r"a = b - \frac{c}{d}"),
    ],
    ids=str,
)
def test_a_formula_is_set_for_the_eye(expr: sympy.Basic, text: str) -> None:
    assert Typeset().doprint(expr) == text
