"""False or careless proofs, each of a kind that a checker can be fooled with: every one is refused, and says why."""

import pytest
import sympy
from sympy import Max, Min, Rational, S, Sum, oo, sqrt
from toys import a, b, c, chain, defined, j, n, s, w, x, y, z

from steptime.derivations.batch.batch import best_batch, best_batch_with_kv
from steptime.derivations.batch.symbols import memory_time, optimal_batch
from steptime.derivations.batch.terms import compute_term, memory_term
from steptime.derivations.inequalities.conditions import at_least, more, related
from steptime.model import symbols as q
from steptime.model.errors import NotVerified
from steptime.model.phases.decode import blackboard

from steptime.derivations.facts import (  # isort: skip
    Best, Chosen, Crossing, Defined, Expected, Given, Line, Modelled, Solved, Tends, Wavefront, given,
    instance,
)  # fmt: skip
from steptime.derivations.rules import (  # isort: skip
    both_sides, branch, drop, equation, extreme, identity, limit, minimise, optimum, series, side, solve_for,
    substitute, total,
)  # fmt: skip

Le = sympy.Le
PLAIN = (identity(), equation(x, a + b))
SUM = defined(x, a + b)
WEIGHED = defined(x, a * y + b / y)
LARGER = defined(x, Max(a, b))
THREE = Max(a / x, b / y)
BUDGET = related(Le, 2 * x + 3 * y, c)
BEST = 2 * a + 3 * b


def fact(relation, why="so it is"):
    return Given(relation, why)


STARTS = {
    "an equation written out": (
        chain(equation(q.step_time, q.compute_time), (identity(), equation(q.step_time, q.compute_time))),
        "written out",
    ),
    "a term times seven": (
        chain(equation(q.step_time, 7 * q.compute_time), (identity(), equation(q.step_time, 7 * q.compute_time))),
        "written out",
    ),
    "a term times seven, called the model's": (
        chain(Modelled(q.compute_time, 7 * blackboard.compute.time),
              (identity(), equation(q.compute_time, 7 * blackboard.compute.time))),
        "no formula of the model",
    ),
    "a quantity of the model defined anew": (
        chain(Defined(q.step_time, 7 * q.compute_time, "seven times as long"),
              (identity(), equation(q.step_time, 7 * q.compute_time))),
        "meaning of its own",
    ),
    "an assumption alone": (chain(fact(equation(x, a + b)), PLAIN, assumes=(fact(equation(x, a + b)),)), "no start"),
    "a side that is only an expression": (
        chain(Crossing(memory_term, blackboard.compute.time, "they meet"),
              (identity(), equation(memory_term.result.rhs, blackboard.compute.time))),
        "nor the model's",
    ),
    "nothing derived": (chain(SUM), "nothing is derived"),
    "a false theorem": (
        chain(chain(SUM, (identity(), equation(x, a + 2 * b))), (identity(), equation(x, a + 2 * b))),
        "the rule gives",
    ),
    "a line that a false theorem does not reach": (
        chain(Line(chain(SUM, (limit(a, 0), equation(x, b))), 1), (identity(), equation(x, b))),
        "not among the assumptions",
    ),
    "the optimum of what has none": (chain(Best(memory_term, q.micro_batch), PLAIN), "no one optimum"),
}  # fmt: skip

PUT_IN = {
    "a quantity for another of the same unit": (
        chain(memory_term, (substitute(equation(q.micro_batch, 17 * q.context)),
              equation(memory_time, memory_term.result.rhs.xreplace({q.micro_batch: 17 * q.context})))),
        "nor a declared assumption",
    ),
    "nought for a branch of a maximum": (
        chain(LARGER, (substitute(equation(b, S.Zero)), equation(x, a))), "nor a declared assumption"),
    "half of the other side: x = x": (
        chain(defined(x, 2 * y), (substitute(equation(y, x / 2)), equation(x, x))), "nor a declared assumption"),
    "an assumption that the theorem does not declare": (
        chain(SUM, (substitute(given(b, 3, "three")), equation(x, a + 3))), "not among the assumptions"),
    "another assumption than the declared one": (
        chain(SUM, (substitute(given(b, 4, "three")), equation(x, a + 4)), assumes=(given(b, 3, "three"),)),
        "not among the assumptions",
    ),
    "a definition of a quantity that was there before": (
        chain(SUM, (substitute(defined(y, a / 2).for_(a)), equation(x, 2 * y + b)),
              (substitute(defined(b, a / 2)), equation(x, 2 * y + a / 2))),
        "defined after it was used",
    ),
    "two definitions of one quantity": (
        chain(SUM, (substitute(defined(y, a / 2).for_(a), defined(y, b / 3).for_(b)), equation(x, 2 * y + 3 * y))),
        "is defined after",
    ),
    "assumptions that contradict each other": (
        chain(SUM, (substitute(given(b, 3, "three")), equation(x, a + 3)),
              assumes=(given(b, 3, "three"), given(b, 4, "four"))),
        "both assumed",
    ),
    "a quantity that is fixed, and comes back": (
        chain(SUM, (substitute(given(b, 3, "three")), equation(x, a + 3)),
              (substitute(defined(y, a / b).for_(a)), equation(x, b * y + 3)), assumes=(given(b, 3, "three"),)),
        "stands in the result",
    ),
    "a share of two": (
        chain(defined(x, a * s), (substitute(given(s, 2, "two")), equation(x, 2 * a)), assumes=(given(s, 2, "two"),)),
        "t_s <= 1",
    ),
    "half a chip": (
        chain(defined(x, a * n), (substitute(given(n, Rational(1, 2), "half")), equation(x, a / 2)),
              assumes=(given(n, Rational(1, 2), "half"),)),
        "t_n >= 1",
    ),
    "a false theorem": (
        chain(defined(y, 5 * x), (substitute(chain(SUM, (identity(), equation(x, a - b)))), equation(y, 5 * (a - b)))),
        "the rule gives",
    ),
    "what stands for no single quantity": (
        chain(SUM, (substitute(given(b, 3, "three"), Crossing(memory_term, compute_term, "they meet")),
              equation(x, a + 3)), assumes=(given(b, 3, "three"),)),
        "not a single quantity",
    ),
    "two batches under one name": (
        chain(best_batch, (substitute(best_batch_with_kv),
              equation(best_batch_with_kv.result.rhs, best_batch.result.rhs))),
        "defined in two ways",
    ),
    "a result solved where it has no root": (
        chain(SUM, (substitute(Solved(defined(a, 2 * c + a), a)), equation(x, b))), "not linear"),
    "an instance outside its range": (
        chain(instance(chain(defined(x, a / n), (both_sides(side * n), equation(x * n, a))), {n: S.Half}),
              (identity(), equation(x / 2, a))),
        "t_n >= 1",
    ),
    "what does not occur": (
        chain(SUM, (substitute(given(c, 1, "one")), equation(x, a + b)), assumes=(given(c, 1, "one"),)),
        "does not occur",
    ),
}  # fmt: skip

REGIONS = {
    "a root of what may be negative": (chain(defined(a, y**2 + b), (solve_for(y), equation(y, sqrt(a - b)))), "needed"),
    "a pole": (chain(defined(a, x / y + b), (solve_for(y), equation(y, x / (a - b)))), "needed"),
    "a logarithm of what may be negative": (
        chain(defined(x, a - b), (both_sides(sympy.log(side)), equation(sympy.log(x), sympy.log(a - b)))), "needed"),
    "a variable power of what may be negative": (
        chain(defined(x, a), (both_sides((side - b) ** c), equation((x - b) ** c, (a - b) ** c))), "needed"),
    "a difference that a positive quantity equals": (chain(SUM, (solve_for(a), equation(a, x - b))), "needed"),
    "a share that may exceed one": (chain(defined(s, a / b), (identity(), equation(s, a / b))), "t_s <= 1"),
    "a count that may fall below one": (chain(defined(n, a / b), (identity(), equation(n, a / b))), "t_n >= 1"),
    "division by what may vanish": (chain(defined(a, b * z), (both_sides(side / z), equation(a / z, b))), "needed"),
    "solved for what nought multiplies": (chain(defined(a, b * z), (solve_for(b), equation(b, a / z))), "needed"),
    "a sum of fewer than no summands": (
        chain(defined(x, Sum(c * j, (j, 1, a - b))),
              (total(Sum(c * j, (j, 1, a - b)), c * (a - b) * (a - b + 1) / 2),
               equation(x, c * (a - b) * (a - b + 1) / 2))),
        "summands from 1 to",
    ),
    "a condition deleted": (chain(defined(a, x / y + b), (solve_for(y), equation(y, x / (a - b))), holds=()), "needed"),
    "a condition weakened": (
        chain(defined(a, x / y + b), (solve_for(y), equation(y, x / (a - b))), holds=(at_least(a, b),)), "needed"),
    "a condition too strong": (
        chain(defined(a, x / y + b), (solve_for(y), equation(y, x / (a - b))), holds=(more(a, 2 * b),)),
        "nothing needs it",
    ),
    "a condition twice": (
        chain(defined(a, x / y + b), (solve_for(y), equation(y, x / (a - b))), holds=(more(a, b), more(2 * a, 2 * b))),
        "nothing new",
    ),
    "a condition that the range says": (chain(SUM, PLAIN, holds=(at_least(n, 1),)), "nothing"),
    "a regime called a condition": (chain(SUM, PLAIN, holds=(more(a, b),)), "nothing needs it"),
    "a condition on another quantity": (
        chain(defined(a, x / y + b), (solve_for(y), equation(y, x / (a - b))), holds=(more(x, b),)), "needed"),
    "a condition turned round": (
        chain(defined(a, x / y + b), (solve_for(y), equation(y, x / (a - b))), holds=(more(b, a),)), "no numbers"),
    "the region of what is put in": (
        chain(defined(x, c * optimal_batch), (substitute(best_batch_with_kv),
              equation(x, c * best_batch_with_kv.result.rhs))),
        "needed",
    ),
}  # fmt: skip

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
    "a chance above one": (
        chain(Expected(x, j, S.One, n, a, "how many"), (total(Sum(a, (j, 1, n)), a * n), equation(x, a * n))),
        "needed",
    ),
    "the chance of one event for the number of all": (
        chain(Expected(x, j, S.One, n, s, "how many"), (total(Sum(s, (j, 1, n)), s), equation(x, s))),
        "not zero for no summand",
    ),
}  # fmt: skip

KINDS = {
    "start": STARTS, "put in": PUT_IN, "region": REGIONS, "left out": LEFT_OUT, "optimum": OPTIMA, "budget": BUDGETS,
    "sum": SUMS,
}  # fmt: skip
ATTACKS = {f"{kind}: {name}": attack for kind, few in KINDS.items() for name, attack in few.items()}


@pytest.mark.parametrize("name", ATTACKS)
def test_refused(name: str) -> None:
    one, message = ATTACKS[name]
    with pytest.raises(NotVerified) as caught:
        one.verify()
    assert message in str(caught.value), caught.value


def test_there_are_attacks_of_every_kind() -> None:
    assert len(ATTACKS) >= 60 and all(len(few) >= 8 for few in KINDS.values())


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
    "a pipeline": chain(Wavefront(x, n, a, b, (n + a - 1) * b, "the last piece"), (identity(),
                        equation(x, (n + a - 1) * b)), holds=()),
    "a number of events": chain(Expected(x, j, S.One, n, s, "how many"), (total(Sum(s, (j, 1, n)), s * n),
                                equation(x, s * n))),
}  # fmt: skip


@pytest.mark.parametrize("name", LAWFUL)
def test_what_is_proved_is_accepted(name: str) -> None:
    """The attacks are refused for what is wrong in them: the same proofs done right are not."""
    LAWFUL[name].verify()
