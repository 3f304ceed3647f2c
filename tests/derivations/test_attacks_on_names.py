"""Proofs that take a name over, or define and assume in circles: every one is refused, and says why."""

import pytest
from sympy import Max, S, Sum, oo, sqrt
from toys import SUM, WEIGHED, a, b, c, chain, defined, fact, j, n, named, refused, s, w, x, y

from steptime.derivations.batch.terms import compute_term
from steptime.derivations.inequalities.conditions import more
from steptime.derivations.steps import Step
from steptime.model import symbols as q

from steptime.derivations.facts import (  # isort: skip
    Chosen, Compared, Crossing, Expected, Line, Tends, Wavefront, given, instance,
)  # fmt: skip
from steptime.derivations.rules import (  # isort: skip
    both_sides, equation, identity, limit, minimise, side, solve_for, substitute, total,
)  # fmt: skip

LEAST = Chosen(y, "least")
LOW = minimise(y), equation(y, sqrt(b / a))
SEVEN = Step("so", identity(), equation(q.compute_time, 7 * compute_term.lines[0].rhs))
MANY_A = Tends(a, oo, "many")
WHERE_MET = Crossing(defined(w, a * y), defined(x, c), "they meet", over=y, at=a)
MEET = Crossing(defined(w, c * b), defined(x, a * b), "they meet")
TOTAL = chain(defined(x, Sum(c * j, (j, 1, n))), (identity(), equation(x, Sum(c * j, (j, 1, n)))))
CIRCLE = (
    chain(defined(x, y * c), (identity(), equation(x, y * c))),
    chain(defined(y, x), (identity(), equation(y, x))),
)

NAMES = {
    "a line of the library with a false step": (
        chain(Line(compute_term.with_steps((SEVEN,)), 1), (identity(), SEVEN.gives)), "the rule gives"),
    "a definition renamed to what stands there": (
        chain(SUM, (substitute(instance(defined(w, 2 * c), {w: b})), equation(x, a + 2 * c))), "after it was used"),
    "a definition renamed to the model's": (
        chain(instance(defined(w, 7 * q.compute_time), {w: q.step_time}), (identity(),
              equation(q.step_time, 7 * q.compute_time))),
        "meaning of its own",
    ),
    "an optimum put in where the chosen stands": (
        chain(instance(chain(WEIGHED, LOW, assumes=(LEAST,)), {b: y**3}), (both_sides(side**2 / y**2),
              equation(S.One, y / a))),
        "chosen, or tends",
    ),
    "a limit where the other is put for what tends": (
        chain(instance(chain(defined(x, a / (a + b)), (limit(a, oo), equation(x, S.One)), assumes=(MANY_A,)),
                       {b: a, x: w}), (both_sides(2 * side), equation(2 * w, S(2)))),
        "chosen, or tends",
    ),
    "an assumption whose two quantities become one": (
        chain(instance(chain(defined(x, a * y), (substitute(given(a, 2 * b, "twice")), equation(x, 2 * b * y)),
                             assumes=(given(a, 2 * b, "twice"),)), {b: a, x: w}),
              (both_sides(side / a), equation(w / a, 2 * y))),
        "says nothing",
    ),
    "a summand's number put in for a quantity": (
        chain(instance(TOTAL, {c: j, x: y}), (identity(), equation(y, Sum(j**2, (j, 1, n))))), "counts by"),
    "a summand's number assumed of a quantity": (
        chain(defined(x, Sum(c, (j, 1, n))), (substitute(given(c, Max(1, j - 999), "so")),
              equation(x, Sum(Max(1, j - 999), (j, 1, n)))), assumes=(given(c, Max(1, j - 999), "so"),)),
        "counts by",
    ),
    "a quantity defined by itself": (
        chain(defined(x, x * c), (both_sides(side / x), equation(S.One, c))), "defined by itself"),
    "two quantities defined by each other": (
        chain(CIRCLE[0], (substitute(CIRCLE[1]), equation(x, x * c))), "by way of itself"),
    "a comparison that names the compared": (
        chain(Compared(a, defined(x, a), defined(y, b), "how much"), (identity(), equation(a, a / b))),
        "defined by itself",
    ),
    "a comparison under the model's name": (
        chain(Compared(q.step_time, defined(w, q.compute_time), defined(x, S(7)), "how much"),
              (identity(), equation(q.step_time, q.compute_time / 7))),
        "meaning of its own",
    ),
    "a number of events under the model's name": (
        chain(Expected(q.batch, j, S.One, n, s, "how many"), (total(Sum(s, (j, 1, n)), s * n),
              equation(q.batch, s * n))),
        "meaning of its own",
    ),
    "a pipeline under the model's name": (
        chain(Wavefront(q.step_time, n, a, q.compute_time, (n + a - 1) * q.compute_time, "the last piece"),
              (identity(), equation(q.step_time, (n + a - 1) * q.compute_time))),
        "meaning of its own",
    ),
    "a crossing under the model's name": (
        chain(Crossing(defined(w, a * y), defined(x, c * y), "they meet", over=y, at=q.batch),
              (identity(), equation(a * q.batch, c * q.batch))),
        "meaning of its own",
    ),
    "a crossing under the name of what is there": (
        chain(WHERE_MET, (identity(), equation(a**2, c)), (solve_for(a), equation(a, sqrt(c)))), "no name of a"),
    "assumptions that go round": (
        chain(defined(x, a + b), (substitute(given(b, c, "so")), equation(x, a + c)),
              (substitute(given(c, 2 * b, "so")), equation(x, a + 2 * b)),
              assumes=(given(b, c, "so"), given(c, 2 * b, "so"))),
        "goes back to itself",
    ),
    "an assumption that an inequality denies": (
        chain(SUM, (substitute(given(b, 3, "three")), equation(x, a + 3)),
              assumes=(given(b, 3, "three"), fact(more(b, 5)))),
        "cannot be",
    ),
    "nought put in for what was divided by": (
        chain(MEET, (both_sides(side / b), equation(c, a)), (both_sides(side + b), equation(c + b, a + b)),
              (substitute(given(b, 0, "none")), equation(c, a)), assumes=(given(b, 0, "none"),)),
        "0 > 0 is not so",
    ),
}  # fmt: skip

ATTACKS = named({"name": NAMES})


@pytest.mark.parametrize("name", ATTACKS)
def test_refused(name: str) -> None:
    refused(ATTACKS[name])
