"""Rules used where they do not hold: every one is refused, and the same proofs done right are not."""

import pytest
import sympy
from sympy import Max, Min, Rational, S, Sum, exp, gamma, oo, sqrt
from toys import LARGER, SUM, WEIGHED, a, b, c, chain, defined, fact, j, n, named, refused, s, w, x, y, z

from steptime.derivations.inequalities.conditions import at_least, more, related

from steptime.derivations.facts import (  # isort: skip
    Area, Beside, Chosen, DyingArea, Expected, PowerArea, Tends, Wavefront,
)  # fmt: skip
from steptime.derivations.rules import (  # isort: skip
    both_sides, branch, drop, equation, extreme, identity, limit, minimise, optimum, series, side, solve_for,
    substitute, total,
)  # fmt: skip

Le = sympy.Le
THREE = Max(a / x, b / y)
BUDGET = related(Le, 2 * x + 3 * y, c)
BEST = 2 * a + 3 * b

LEFT_OUT = {
    "a hundred times what stays": (
        chain(SUM, (drop(a, error=100), equation(x, b)), holds=(related(Le, a, 100 * b),)), "too large"),
    "an error stated too small": (chain(SUM, (drop(b, error=Rational(1, 200)), equation(x, a))), "left out is 0.01"),
    "an error stated too large": (chain(SUM, (drop(b, error=Rational(1, 40)), equation(x, a))), "left out is 0.01"),
    "smallness not in the region": (chain(SUM, (drop(b, error=Rational(1, 80)), equation(x, a))), "needed"),
    "what is no summand": (chain(SUM, (drop(c, error=Rational(1, 80)), equation(x, a))), "not a summand"),
    "the rest of a series": (
        chain(defined(x, 1 / (1 + z)), (series(z, 1, error=Rational(1, 100)), equation(x, 1 - z))), "left out"),
    "a limit not declared": (chain(SUM, (limit(a, 0), equation(x, b))), "not among the assumptions"),
    "a limit to another end than declared": (
        chain(defined(x, a / (a + b)), (limit(a, 0), equation(x, S.Zero)), assumes=(Tends(a, oo, "many"),)),
        "not among the assumptions",
    ),
    "a count that vanishes": (
        chain(defined(x, a + n), (limit(n, 0), equation(x, a)), assumes=(Tends(n, S.Zero, "none"),)),
        "at least one",
    ),
    "a limit that does not exist": (
        chain(SUM, (limit(a, oo), equation(x, b)), assumes=(Tends(a, oo, "many"),)), "no finite limit"),
    "a limit, and the quantity stays": (
        chain(defined(x, b + c / a), (limit(a, oo), equation(x, b)), (substitute(defined(y, b / a).for_(b)),
              equation(x, a * y)), assumes=(Tends(a, oo, "many"),)),
        "comes back after its limit",
    ),
    "nothing on both sides": (chain(SUM, (both_sides(0 * side), equation(S.Zero, S.Zero))), "operation"),
    "an operation that forgets the line": (chain(SUM, (both_sides(c), equation(c, c))), "operation"),
    "the root of a square": (
        chain(defined(x, (a - b) ** 2), (both_sides(side**2), equation(x**2, (a - b) ** 4)),
              (both_sides(sqrt(sqrt(side))), equation(sqrt(x), a - b))),
        "Abs",
    ),
}  # fmt: skip

OPTIMA = {
    "a minimum of what stands on both sides": (
        chain(chain(WEIGHED, (both_sides(side / y), equation(x / y, a + b / y**2))),
              (minimise(y), equation(y, sqrt(b / a))), assumes=(Chosen(y, "least"),)),
        "both sides",
    ),
    "a maximum": (
        chain(defined(x, c - a * y - b / y), (minimise(y), equation(y, sqrt(b / a))), assumes=(Chosen(y, "least"),)),
        "not shown to be a minimum",
    ),
    "a minimum that nobody chose": (
        chain(WEIGHED, (minimise(y), equation(y, sqrt(b / a)))), "not among the assumptions"),
    "a least that is declared a greatest": (
        chain(WEIGHED, (minimise(y), equation(y, sqrt(b / a))), assumes=(Chosen(y, "most", least=False),)),
        "not among the assumptions",
    ),
    "a slope without a root": (
        chain(defined(x, a * y + b), (minimise(y), equation(y, b)), assumes=(Chosen(y, "least"),)), "no positive root"),
    "a stationary point between two": (
        chain(defined(x, a * y + b / y - c * y**2), (minimise(y), equation(y, sqrt(b / a))),
              assumes=(Chosen(y, "least"),)),
        "no positive root",
    ),
    "the wrong end of a range": (
        chain(defined(x, a + s), (extreme(Le(s, 1, evaluate=False)), equation(x, a + 1)),
              assumes=(Chosen(s, "least"),)),
        "not shown to fall",
    ),
    "a bound that nobody stated": (
        chain(defined(x, a + b), (extreme(related(Le, b, c), least=False), equation(x, a + c)),
              assumes=(Chosen(b, "most", least=False),)),
        "not among the assumptions",
    ),
    "the end of what is not monotone": (
        chain(WEIGHED, (extreme(at_least(y, 1)), equation(x, a + b)),
              assumes=(Chosen(y, "least"), fact(at_least(y, 1)))),
        "not shown to rise",
    ),
    "the smaller arm of a maximum": (chain(LARGER, (branch(Max(a, b), a), equation(x, a))), "needed"),
    "an arm that is none": (chain(LARGER, (branch(Max(a, b), c), equation(x, c))), "no argument"),
    "the larger arm of a minimum": (
        chain(defined(x, Min(a, b)), (branch(Min(a, b), a), equation(x, a)), holds=(at_least(a, b),)), "needed"),
    "the least of one arm of a minimum": (
        chain(defined(x, Min(a * y + b / y, c)), (branch(Min(a * y + b / y, c), a * y + b / y),
              equation(x, a * y + b / y)), (minimise(y), equation(y, sqrt(b / a))), assumes=(Chosen(y, "least"),),
              holds=(at_least(c, 2 * sqrt(a * b)),)),
        "one case of several",
    ),
    "another problem's maximum": (chain(SUM, (branch(Max(a, b), a), equation(x, a))), "does not occur"),
}  # fmt: skip


def spent(weights=None, prices=None, at=None, value=BEST / c, limit=BUDGET, assumes=None, line=THREE):
    """The least of max(a/x, b/y) with 2x + 3y <= c, some part of whose proof is wrong."""
    point = at or (equation(x, a / (BEST / c)), equation(y, b / (BEST / c)))
    shares = {a / x: 2 * a / BEST, b / y: 3 * b / BEST}
    rule = optimum(limit, point, value, weights or [shares[arm] for arm in THREE.args], prices or value / c)
    made = assumes if assumes is not None else (fact(limit), Chosen(x, "least"), Chosen(y, "least"))
    return chain(defined(w, line), (rule, equation(w, value)), assumes=made)


BUDGETS = {
    "weights that do not balance": (spent(weights=(S.Half, S.Half)), "do not balance"),
    "weights that do not sum to one": (spent(weights=(S.One, S.One)), "do not sum to one"),
    "a point that overspends": (
        spent(at=(equation(x, 2 * a / (BEST / c)), equation(y, b / (BEST / c)))), "at the optimum"),
    "a value that is not reached": (spent(value=BEST / c / 2), "at the optimum"),
    "a price of nothing": (spent(prices=(S.Zero,)), "do not balance"),
    "a budget that nobody has": (spent(assumes=(Chosen(x, "least"), Chosen(y, "least"))), "not among the assumptions"),
    "choices that nobody makes": (spent(assumes=(fact(BUDGET),)), "not among the assumptions"),
    "a limit from below": (spent(limit=related(sympy.Ge, 2 * x + 3 * y, c)), "no more than"),
    "what is not convex": (spent(limit=related(Le, 2 * x + 3 * y - x * y, c)), "not shown to be positive"),
}

SUMS = {
    "a wrong total": (
        chain(defined(x, Sum(j, (j, 1, n))), (total(Sum(j, (j, 1, n)), n**2 / 2), equation(x, n**2 / 2))),
        "does not grow",
    ),
    "a total that is off by a constant": (
        chain(defined(x, Sum(j, (j, 1, n))), (total(Sum(j, (j, 1, n)), n * (n + 1) / 2 + 1),
              equation(x, n * (n + 1) / 2 + 1))),
        "not zero for no summand",
    ),
    "a sum of something else": (
        chain(SUM, (total(Sum(j, (j, 1, n)), n * (n + 1) / 2), equation(x, a + b))), "does not occur"),
    "summands that the count is part of": (
        chain(defined(x, Sum(n * j, (j, 1, n))), (total(Sum(n * j, (j, 1, n)), n**2 * (n + 1) / 2),
              equation(x, n**2 * (n + 1) / 2))),
        "stands in them",
    ),
    "a pipeline that forgets to fill": (
        chain(Wavefront(x, n, a, b, a * b, "the last piece"), (identity(), equation(x, a * b))), "the later"),
    "a pipeline one slot too long": (
        chain(Wavefront(x, n, a, b, (n + a) * b, "the last piece"), (identity(), equation(x, (n + a) * b))), "is not"),
    "an area whose slope is another curve": (
        chain(Area(x, j, n, j**a, j**a, "an area"), (identity(), equation(x, n**a - 1))), "the slope of"),
    "an area under what jumps": (
        chain(Area(x, j, n, S.One, Max(j, 2), "an area"), (identity(), equation(x, Max(n, 2) - 2))), "may jump"),
    "an area over a pole": (
        chain(Area(x, j, n, -1 / (j - 2) ** 2, 1 / (j - 2), "an area"), (identity(), equation(x, 1 / (n - 2) + 1))),
        "no value somewhere"),
    "an area beside, as many times as the range is long": (
        chain(Area(x, j, n, 2 * j, j**2 - j**3, "an area", (Beside(3 * j, y, j),)),
              (identity(), equation(x, n**2 - n**3 + 3 * j * y))), "stands outside"),
    "an area without an end": (
        chain(PowerArea(x, a, b, c, "an area"),
              (identity(), equation(x, a ** ((1 - b) / c) * gamma(1 - (1 - b) / c) / (1 - b)))), "needed"),
    "an area that does not die out": (
        chain(DyingArea(x, a, b, c, "an area"),
              (identity(), equation(x, a ** ((1 - b) / c) * gamma((b - 1) / c) / c))), "needed"),
    "a chance above one": (
        chain(Expected(x, j, S.One, n, a, "how many"), (total(Sum(a, (j, 1, n)), a * n), equation(x, a * n))),
        "needed",
    ),
    "the chance of one event for the number of all": (
        chain(Expected(x, j, S.One, n, s, "how many"), (total(Sum(s, (j, 1, n)), s), equation(x, s))),
        "not zero for no summand",
    ),
}  # fmt: skip

ATTACKS = named({"left out": LEFT_OUT, "optimum": OPTIMA, "budget": BUDGETS, "sum": SUMS})


@pytest.mark.parametrize("name", ATTACKS)
def test_refused(name: str) -> None:
    refused(ATTACKS[name])


LAWFUL = {
    "a root with its region": chain(
        defined(a, y**2 + b), (solve_for(y), equation(y, sqrt(a - b))), holds=(more(a, b),)),
    "a pole with its region": chain(
        defined(a, x / y + b), (solve_for(y), equation(y, x / (a - b))), holds=(more(a, b),)),
    "a share with its region": chain(defined(s, a / b), (identity(), equation(s, a / b)), holds=(at_least(b, a),)),
    "an arm with its inequality": chain(LARGER, (branch(Max(a, b), a), equation(x, a)), holds=(at_least(a, b),)),
    "a small summand": chain(
        SUM, (drop(b, error=Rational(1, 80)), equation(x, a)), holds=(related(Le, 80 * b, a),)),
    "a minimum": chain(WEIGHED, (minimise(y), equation(y, sqrt(b / a))), assumes=(Chosen(y, "least"),)),
    "a minimum of variable powers": chain(
        defined(x, a * y**c + b / y**n), (minimise(y), equation(y, (b * n / (a * c)) ** (1 / (c + n)))),
        assumes=(Chosen(y, "least"),)),
    "the least of a maximum, where an arm is the larger": chain(
        defined(x, Max(a * y + b / y, c)), (branch(Max(a * y + b / y, c), a * y + b / y), equation(x, a * y + b / y)),
        (minimise(y), equation(y, sqrt(b / a))), assumes=(Chosen(y, "least"),),
        holds=(at_least(2 * sqrt(a * b), c),)),
    "the best way to spend": spent(),
    "a total": chain(defined(x, Sum(j, (j, 1, n))), (total(Sum(j, (j, 1, n)), n * (n + 1) / 2),
                     equation(x, n * (n + 1) / 2))),
    "an area": chain(Area(x, j, n, j**2, j**3 / 3, "an area"), (identity(), equation(x, (n**3 - 1) / 3)),),
    "an area beside another": chain(
        Area(x, j, n, 1 - exp(-j), j * (1 - exp(-j)), "an area", (Beside(-S.One, y, j * exp(-j)),)),
        (identity(), equation(x, n * (1 - exp(-n)) - 1 + exp(-1) - y)),
        holds=(more(n * (1 - exp(-n)) + exp(-1), 1 + y),)),
    "an area by Euler's integral": chain(
        DyingArea(x, a, b, c, "an area"), (identity(), equation(x, a ** ((1 - b) / c) * gamma((b - 1) / c) / c)),
        holds=(more(b, 1),)),
    "a pipeline": chain(Wavefront(x, n, a, b, (n + a - 1) * b, "the last piece"), (identity(),
                        equation(x, (n + a - 1) * b)), holds=()),
    "a number of events": chain(Expected(x, j, S.One, n, s, "how many"), (total(Sum(s, (j, 1, n)), s * n),
                                equation(x, s * n))),
}  # fmt: skip


@pytest.mark.parametrize("name", LAWFUL)
def test_what_is_proved_is_accepted(name: str) -> None:
    """The attacks are refused for what is wrong in them: the same proofs done right are not."""
    LAWFUL[name].verify()
