"""Proofs that draw on what is not so: every false start, assumption and region is refused, with its reason."""

import pytest
import sympy
from sympy import Max, Rational, S, Sum, sqrt
from toys import LARGER, PLAIN, SUM, a, b, c, chain, defined, fact, j, n, named, refused, s, x, y, z

from steptime.derivations.batch.batch import best_batch, best_batch_with_kv
from steptime.derivations.batch.symbols import memory_time, optimal_batch
from steptime.derivations.batch.terms import compute_term, memory_term
from steptime.derivations.inequalities.conditions import at_least, more
from steptime.model import symbols as q
from steptime.model.phases.decode import blackboard

from steptime.derivations.facts import (  # isort: skip
    Best, Crossing, Defined, Line, Modelled, Solved, given, instance,
)  # fmt: skip
from steptime.derivations.rules import (  # isort: skip
    both_sides, branch, equation, identity, limit, side, solve_for, substitute, total,
)  # fmt: skip

Le = sympy.Le

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
    "another root in a case that an imported region excludes": (
        chain(chain(LARGER, (branch(Max(a, b), a), equation(x, a)), holds=(at_least(a, b),)),
              (substitute(given(x, c, "as large")), equation(c, a)), (solve_for(a), equation(a, c)),
              assumes=(given(x, c, "as large"),), holds=(at_least(c, b),)),
        "t_a >= t_b is needed",
    ),
    "a condition turned round": (
        chain(defined(a, x / y + b), (solve_for(y), equation(y, x / (a - b))), holds=(more(b, a),)), "no numbers"),
    "the region of what is put in": (
        chain(defined(x, c * optimal_batch), (substitute(best_batch_with_kv),
              equation(x, c * best_batch_with_kv.result.rhs))),
        "needed",
    ),
}  # fmt: skip

ATTACKS = named({"start": STARTS, "put in": PUT_IN, "region": REGIONS})


@pytest.mark.parametrize("name", ATTACKS)
def test_refused(name: str) -> None:
    refused(ATTACKS[name])
