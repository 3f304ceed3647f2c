"""Chapter 11, in practice: by how much the largest of several counts, as of copies at experts, exceeds their mean."""

import sympy
from sympy import sqrt

from steptime.derivations.axioms import LARGEST_BY_MOMENTS
from steptime.derivations.facts import Chosen, Defined, given
from steptime.derivations.practice.fullest import SEVERAL
from steptime.derivations.practice.numbers import COUNTED_TEXT, CRAMER, counts
from steptime.derivations.practice.symbols import count_tilt, excess_variance, largest_excess, moment_sum, waiting_chips
from steptime.derivations.rules import equation, identity, optimum, substitute
from steptime.derivations.steps import Derivation, Step

COUNTS = given(
    moment_sum,
    waiting_chips * sympy.exp(count_tilt**2 * excess_variance / (2 * (1 + count_tilt / 3))),
    "each is a count of independent events of that variance or less, whose moment at s = u/(1 + u/3) is no larger than "
    "exp(v s^2/(2 (1 - s/3))) (Bernstein)",
)
BEST_COUNT_TILT = Chosen(count_tilt, "the exponent is the one that says most")
best = sqrt(2 * sympy.log(waiting_chips) / excess_variance)
COUNTED = sqrt(2 * excess_variance * sympy.log(waiting_chips)) + sympy.log(waiting_chips) / 3

largest_count = Derivation(
    name="largest-of-counts",
    title="By how much the largest of several counts exceeds their mean",
    rows=("11.2",),
    claim="What normal numbers do, and a third of the logarithm of their number: counts lie wider above their mean.",
    start=Defined(
        largest_excess,
        sympy.log(moment_sum) * (1 / count_tilt + sympy.Rational(1, 3)),
        "what the mean of the largest does not exceed, whatever the exponent s = u/(1 + u/3): exp(s max) is one "
        "summand of the sum",
    ),
    steps=(
        Step(
            "each has the moment of a count",
            substitute(COUNTS),
            equation(largest_excess, sympy.log(COUNTS.line.rhs) * (1 / count_tilt + sympy.Rational(1, 3))),
        ),
        Step(
            "the logarithm of a product",
            identity(),
            equation(
                largest_excess,
                sympy.log(waiting_chips) / count_tilt + count_tilt * excess_variance / 2 + sympy.log(waiting_chips) / 3,
            ),
        ),
        Step(
            "least where the summands with the exponent are equal",
            optimum((), (equation(count_tilt, best),), COUNTED, (sympy.S.One,), ()),
            equation(largest_excess, COUNTED),
        ),
    ),
    assumes=(LARGEST_BY_MOMENTS, COUNTS, BEST_COUNT_TILT, SEVERAL),
    sources=(CRAMER,),
    example=counts,
    example_text=COUNTED_TEXT,
)

DERIVATIONS = (largest_count,)
