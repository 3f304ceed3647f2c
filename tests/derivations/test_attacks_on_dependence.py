"""Proofs that forget what moves with what is chosen, tends to a limit, or counts: every one is refused."""

import pytest
import sympy
from sympy import Max, Min, Rational, S, Sum, oo, pi, sqrt
from toys import SUM, WEIGHED, a, b, c, chain, defined, fact, j, n, named, refused, s, u, v, w, x, y

from steptime.derivations.batch.terms import ONE_SEQUENCE, memory_term
from steptime.derivations.inequalities.conditions import at_least, more, related
from steptime.model import symbols as q

from steptime.derivations.facts import (  # isort: skip
    Chosen, Crossing, Defined, Expected, Tends, given,
)  # fmt: skip
from steptime.derivations.rules import (  # isort: skip
    both_sides, branch, drop, equation, extreme, limit, minimise, optimum, side, solve_for, substitute,
    total,
)  # fmt: skip

Le = sympy.Le
LEAST = Chosen(y, "least")
LOW = minimise(y), equation(y, sqrt(b / a))
MANY_A, MANY_B, NO_B = Tends(a, oo, "many"), Tends(b, oo, "many"), Tends(b, S.Zero, "none")
IN_B = Defined(w, a * y + b / y, "a toy").for_(b)

TOGETHER = {
    "the least, where a defined quantity moves too": (
        chain(defined(x, a * y + b / y + c * y), (substitute(defined(w, c * y).for_(c)),
              equation(x, a * y + b / y + w)), LOW, assumes=(LEAST,)),
        "depends on it",
    ),
    "the end of a range, where a defined quantity moves too": (
        chain(WEIGHED, (substitute(defined(w, b / y).for_(b)), equation(x, a * y + w)),
              (extreme(at_least(y, c)), equation(x, a * c + w)), assumes=(LEAST, fact(at_least(y, c)))),
        "depends on it",
    ),
    "a limit, where a defined quantity moves too": (
        chain(defined(x, b + a * b), (substitute(defined(y, a * b).for_(a)), equation(x, b + y)),
              (limit(b, 0), equation(x, y)), assumes=(NO_B,)),
        "depends on it",
    ),
    "a budget, where a defined quantity moves too": (
        chain(defined(w, a / x + b * x + v * x), (substitute(defined(u, v * x).for_(v)),
              equation(w, a / x + b * x + u)),
              (optimum(related(Le, x, c), (equation(x, sqrt(a / b)),), 2 * sqrt(a * b) + u, (S.One,), (S.Zero,)),
               equation(w, 2 * sqrt(a * b) + u)),
              assumes=(fact(related(Le, x, c)), Chosen(x, "least")), holds=(related(Le, a, b * c**2),)),
        "depends on it",
    ),
    "the least, and then the rest follows the chosen": (
        chain(defined(x, a * y + b * w / y), (minimise(y), equation(y, sqrt(b * w / a))),
              (substitute(given(w, y, "as large")), equation(y, sqrt(b * y / a))),
              assumes=(LEAST, given(w, y, "as large"))),
        "depends on it",
    ),
    "the least past a bound that is assumed": (
        chain(WEIGHED, LOW, assumes=(fact(at_least(y, c)), LEAST)), "needed"),
    "the least between bounds that exclude each other": (
        chain(WEIGHED, LOW, assumes=(fact(at_least(y, c)), fact(at_least(c, 2 * y)), LEAST)), "no numbers"),
    "the end of a range that another bound cuts": (
        chain(defined(x, a * y), (extreme(at_least(y, c)), equation(x, a * c)),
              assumes=(fact(at_least(y, c)), fact(at_least(y, b)), LEAST)),
        "needed",
    ),
    "the end of a range that moves along": (
        chain(defined(x, a * y), (extreme(at_least(y, c * y)), equation(x, a * c * y)),
              assumes=(fact(at_least(y, c * y)), LEAST)),
        "no end of a range",
    ),
    "the end of a range that is never reached": (
        chain(defined(x, a + b * y), (extreme(more(y, 0)), equation(x, a)), assumes=(LEAST,)), "no end of a range"),
    "the end of a range with a pole in it": (
        chain(defined(x, w + 1 / (1000 * c - y)), (extreme(at_least(y, b)), equation(x, w + 1 / (1000 * c - b))),
              assumes=(LEAST, fact(at_least(y, b))), holds=(more(w + 1 / (1000 * c - b), 0),)),
        "keep its sign",
    ),
    "the least of one case that a definition hides": (
        chain(defined(x, Min(a * y + b / y, c)), (substitute(IN_B), equation(x, Min(c, w))),
              (branch(Min(c, w), w), equation(x, w)),
              (substitute(defined(w, a * y + b / y)), equation(x, a * y + b / y)), LOW, assumes=(LEAST,),
              holds=(at_least(c, 2 * sqrt(a * b)),)),
        "one case of several",
    ),
    "the least, once something is left out": (
        chain(defined(x, a * y + b / y - w * y**3), (drop(-w * y**3, error=Rational(1, 50000)),
              equation(x, a * y + b / y)), LOW, assumes=(LEAST,), numbers={"t_w": 0.0002, "t_y": 10.0},
              holds=(related(Le, 25000 * w * b, a**2),)),
        "something was left out",
    ),
    "the least, once something tends to nought": (
        chain(defined(x, (a * y + b / y) / (1 + w * y**3)), (limit(w, 0), equation(x, a * y + b / y)), LOW,
              assumes=(LEAST, Tends(w, S.Zero, "none"))),
        "something was left out",
    ),
    "a greatest solved from a maximum": (
        chain(defined(x, y + Max(1, y - 1000) - 1), (solve_for(y), equation(y, x))), "no positive root"),
    "a share spent beyond one": (
        chain(defined(w, Max(a / s, b / y)),
              (optimum(related(Le, s + y, c), (equation(s, a * c / (a + b)), equation(y, b * c / (a + b))), (a + b) / c,
                       tuple({a / s: a / (a + b), b / y: b / (a + b)}[arm] for arm in Max(a / s, b / y).args),
                       ((a + b) / c**2,)), equation(w, (a + b) / c)),
              assumes=(fact(related(Le, s + y, c)), Chosen(s, "least"), LEAST)),
        "t_s <= 1",
    ),
    "a weight below nought": (
        chain(defined(w, Max(y, y**2)),
              (optimum(related(Le, y**9 + y**-9, 3), (equation(y, S.One),), S.One,
                       tuple({y: S(2), y**2: S(-1)}[arm] for arm in Max(y, y**2).args), (S.Zero,)),
               equation(w, S.One)), assumes=(fact(related(Le, y**9 + y**-9, 3)), LEAST)),
        "-1 >= 0",
    ),
}  # fmt: skip

TENDING = {
    "what is gone comes back on the left": (
        chain(SUM, (limit(b, 0), equation(x, a)), (both_sides((side - a) / b), equation((x - a) / b, S.Zero)),
              assumes=(NO_B,)),
        "comes back",
    ),
    "what grew comes back as a factor": (
        chain(defined(x, a * b / (a + c)), (limit(a, oo), equation(x, b)), (both_sides(a * (side - b)),
              equation(a * (x - b), S.Zero)), assumes=(MANY_A,)),
        "comes back",
    ),
    "what is left out is all that is left": (
        chain(SUM, (drop(b, error=Rational(1, 80)), equation(x, a)), (both_sides((side - a) / b),
              equation((x - a) / b, S.Zero)), holds=(related(Le, 80 * b, a),)),
        "leave nothing else",
    ),
    "limits in another order than stated": (
        chain(defined(x, a / (a + b) + 1 / a + 1 / b), (limit(b, oo), equation(x, 1 / a)),
              (limit(a, oo), equation(x, S.Zero)), assumes=(MANY_A, MANY_B)),
        "another order",
    ),
    "a share that grows without bound": (
        chain(defined(x, a * s / (s + b)), (limit(s, oo), equation(x, a)), assumes=(Tends(s, oo, "many"),)),
        "is a share",
    ),
    "a part that outgrows its whole": (
        chain(defined(x, a * q.parameters / (q.parameters + q.active_parameters)),
              (limit(q.active_parameters, oo), equation(x, S.Zero)), assumes=(Tends(q.active_parameters, oo, "many"),)),
        "is part of",
    ),
    "a left side of several quantities": (
        chain(defined(x, b * c + a), (both_sides(side / b), equation(x / b, c + a / b)),
              (limit(b, oo), equation(S.Zero, c)), assumes=(MANY_B,)),
        "no single quantity",
    ),
    "solved first, so that the left moves": (
        chain(defined(x, a + b * c), (solve_for(a), equation(a, x - b * c)), (limit(b, 0), equation(a, x)),
              assumes=(NO_B,)),
        "depends on it",
    ),
    "a choice among sums, one by one": (
        chain(defined(x, Sum(Max(j, c / 1000), (j, 1, n))), (branch(Max(j, c / 1000), j),
              equation(x, Sum(j, (j, 1, n)))), holds=(at_least(1000 * j, c),)),
        "another one in each summand",
    ),
    "a pole within a sum": (
        chain(defined(x, Sum(1 / (j - 1000) ** 2, (j, 1, n))), (both_sides(2 * side),
              equation(2 * x, 2 * Sum(1 / (j - 1000) ** 2, (j, 1, n)))), holds=(related(sympy.Ne, j, 1000),)),
        "for every t_j",
    ),
    "a chance above one, further on": (
        chain(Expected(x, j, S.One, n, j / 1000, "how many"), (total(Sum(j / 1000, (j, 1, n)), n * (n + 1) / 2000),
              equation(x, n * (n + 1) / 2000)), holds=(at_least(1000, j),)),
        "for every t_j",
    ),
    "a sum over the line": (
        chain(defined(x, c * Max(1, j - 999)), (both_sides(Sum(side, (j, 1, n))),
              equation(Sum(x, (j, 1, n)), Sum(c * Max(1, j - 999), (j, 1, n))))),
        "counts by",
    ),
    "an irrational power of what may be negative": (
        chain(Crossing(defined(x, a), defined(y, b), "they meet"), (both_sides((side - c) ** pi),
              equation((a - c) ** pi, (b - c) ** pi))),
        "needed",
    ),
}  # fmt: skip

READS = {
    "the weights that few sequences choose, as those of many": (
        chain(memory_term, (limit(q.micro_batch, 0), equation(memory_term.result.lhs,
              q.bytes_per_weight * q.parameters_read / (q.stage_chips * q.memory_bandwidth))),
              assumes=(ONE_SEQUENCE,)),
        "parameters_read depends on it",
    ),
    "the weights that one token chooses, as those of a pass": (
        chain(defined(x, a * q.parameters_read / q.pass_tokens), (extreme(at_least(q.pass_tokens, 1), least=False),
              equation(x, a * q.parameters_read)), assumes=(Chosen(q.pass_tokens, "most", least=False),)),
        "parameters_read depends on it",
    ),
}  # fmt: skip

ATTACKS = named({"together": TOGETHER, "tending": {**TENDING, **READS}})


@pytest.mark.parametrize("name", ATTACKS)
def test_refused(name: str) -> None:
    refused(ATTACKS[name])
