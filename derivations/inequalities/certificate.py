"""Whether an inequality follows from others, by an exact certificate; what is undecided counts as no.

What is known is the ranges of the quantities and the inequalities given; `signs` finds the sign of an expression under
them, factor by factor, and `combination` that of a polynomial.
"""

from collections.abc import Iterable, Iterator
from functools import cache

import sympy
from sympy import Expr, Symbol
from sympy.core.relational import Ge, Gt, Le, Lt, Ne, Relational

from steptime.derivations.inequalities.factors import factors_of
from steptime.derivations.inequalities.parts import may_vanish
from steptime.derivations.inequalities.polynomials import Known
from steptime.derivations.inequalities.refuted import both_signs, points, refuted
from steptime.derivations.inequalities.signs import Signs
from steptime.model.quantity import domains


def implied(goal: Relational, facts: Iterable[Relational]) -> bool:
    """Whether an inequality is shown to follow from others and from the ranges of the quantities.

    >>> from steptime.model.symbols import active_parameters, parameters, pipeline_parallel
    >>> implied(Ge(parameters * pipeline_parallel, active_parameters, evaluate=False), ())
    True
    >>> implied(Gt(pipeline_parallel, 1), ())
    False
    """
    return _implied(goal, tuple(facts))


@cache
def _implied(goal: Relational, facts: tuple[Relational, ...]) -> bool:
    if _is_plain(goal) or any(_says(fact, goal) for fact in facts):
        return True
    if refuted(goal, facts):
        return False
    signs = _asked(goal.args, facts)
    if isinstance(goal, Ne):
        return signs.never_zero(goal.lhs - goal.rhs)
    if goal.has(sympy.Max) and any(all(implied(case, facts) for case in cases) for cases in _enough(goal)):
        return True
    return all(signs.of(expr) in (("+",) if strict else ("+", "0+", "0")) for expr, strict in above_zero(goal))


def _enough(goal: Relational) -> Iterator[list[Relational]]:
    """Other inequalities, all of which together are enough for one that says that a sum is not below zero.

    A maximum that is taken away is one of its arguments: it is enough to show the goal for each. One that is added is
    no less than any of them: one is enough, first of the maximum with most quantities. What is added, and has no
    quantity in common with what is taken away, may be left out where it is not below zero.
    """
    ((difference, strict),) = above_zero(goal)
    kind = Gt if strict else Ge
    terms = sympy.Add.make_args(difference)
    less = [term for term in terms if term.could_extract_minus_sign()]
    for term in less:
        if isinstance(-term, sympy.Max):
            yield [kind(difference - term - one, 0, evaluate=False) for one in (-term).args]
    about = set().union(*(term.free_symbols for term in less))
    apart = [term for term in terms if term not in less and not term.free_symbols & about]
    if less and apart and all(sign(term) in ("+", "0+") for term in apart):
        yield [kind(difference - sympy.Add(*apart), 0, evaluate=False)]
    added = [term for term in terms if isinstance(term, sympy.Max)]
    for term in sorted(added, key=lambda term: len(term.free_symbols), reverse=True):
        yield from ([kind(difference - term + one, 0, evaluate=False)] for one in term.args)


def _is_plain(goal: Relational) -> bool:
    """Whether SymPy sees it from every quantity being positive, or none of them being negative."""
    if isinstance(goal, Ne):
        difference, weak = goal.lhs - goal.rhs, False
        seen = difference.is_nonzero
    else:
        ((difference, strict),) = above_zero(goal)
        weak, seen = not strict, difference.is_positive if strict else difference.is_nonnegative
    vanishing = any(may_vanish(symbol) for symbol in difference.free_symbols)
    smooth = not difference.has(sympy.Max, sympy.Min, sympy.ceiling, sympy.floor, sympy.Sum)
    return bool(seen) and (not vanishing or (weak and smooth))


def _says(fact: Relational, goal: Relational) -> bool:
    """Whether a fact is the goal itself, but for a number that multiplies both sides."""
    if type(fact) is not type(goal) or fact.free_symbols != goal.free_symbols:
        return False
    ratio = (fact.lhs - fact.rhs) / (goal.lhs - goal.rhs) if goal.lhs != goal.rhs else sympy.S.Zero
    number = ratio if ratio.is_number else sympy.cancel(ratio) if ratio.count_ops() < 60 else ratio
    return bool(number.is_number and (number.is_nonzero if isinstance(goal, Ne) else number.is_positive))


def sign(expr: Expr, facts: Iterable[Relational] = ()) -> str | None:
    """``+``, ``0+`` (not negative), ``0``, ``0-``, ``-``, or None where it is not shown.

    >>> from steptime.model.symbols import acceptance, drafts
    >>> sign(1 - acceptance ** (drafts + 1))
    '0+'
    """
    return _sign(expr, tuple(facts))


@cache
def _sign(expr: Expr, facts: tuple[Relational, ...]) -> str | None:
    if both_signs(expr, facts):
        return None
    return _asked((expr,), facts).of(expr)


def _asked(exprs: tuple[Expr, ...], facts: tuple[Relational, ...]) -> Signs:
    """The signs under some facts, ready for such expressions."""
    rooted = tuple(sorted(_roots((*exprs, *(side for fact in facts for side in fact.args))).items(), key=str))
    signs = _under(facts, rooted).copy()
    own = set().union(*(fact.free_symbols for fact in facts))
    asked = set().union(*(expr.free_symbols for expr in exprs))
    more = domains(own | asked)
    if asked - own:
        signs.stand_at(points(frozenset(own | asked), facts))
    signs.add(part for relation in more if relation.free_symbols - own for part in above_zero(relation))
    return signs


@cache
def _under(facts: tuple[Relational, ...], rooted: tuple[tuple[Symbol, int], ...]) -> Signs:
    """The signs under some facts and the ranges of their quantities: worked out once for all that is asked of them."""
    every = (*facts, *domains(set().union(*(fact.free_symbols for fact in facts))))
    known = [part for fact in every for part in above_zero(fact)]
    there = points(frozenset(set().union(*(fact.free_symbols for fact in facts))), facts)
    signs = Signs.knowing(known, dict(rooted), there)
    more = [part for fact in facts for part in _below(fact, signs)]
    more += [part for fact in facts if isinstance(fact, Ne) for part in _not_zero(fact, signs)]
    return Signs.knowing([*more, *known], dict(rooted), there) if more else signs  # by these, the others say more


def _roots(exprs: Iterable[Expr]) -> dict[Symbol, int]:
    """Quantities under roots, with the order of a root of which all are powers."""
    found: dict[Symbol, int] = {}
    for part in (part for expr in exprs for part in expr.atoms(sympy.Pow)):
        if isinstance(part.base, Symbol) and part.exp.is_Rational and part.exp.q > 1:
            found[part.base] = int(sympy.ilcm(found.get(part.base, 1), part.exp.q))
    return found


def _below(fact: Relational, signs: Signs) -> list[Known]:
    """The denominator of a positive number over it that is no less than a positive number is positive."""
    if not isinstance(fact, Gt | Ge | Lt | Le):
        return []
    large, small = fact.args if isinstance(fact, Gt | Ge) else fact.args[::-1]
    numerator, denominator = sympy.fraction(sympy.together(large))
    if not denominator.free_symbols or (not small.is_number and small.has(denominator)):
        return []
    least = ("+",) if isinstance(fact, Ge | Le) else ("+", "0+", "0")
    return [(denominator, True)] if signs.of(small) in least and signs.of(numerator) in ("+", "0+") else []


def _not_zero(fact: Ne, signs: Signs) -> list[Known]:
    """What is not zero is positive where it is not negative; so is each of its factors."""
    difference = fact.lhs - fact.rhs
    parts = [difference, *(part for part, _ in factors_of(sympy.fraction(sympy.together(difference))[0])[1])]
    found = [(part, signs.of(part)) for part in parts]
    return [(part if lies == "0+" else -part, True) for part, lies in found if lies in ("0+", "0-")]


def above_zero(relation: Relational) -> tuple[Known, ...]:
    """An inequality as expressions that are positive, or not negative; an equation is two of the latter."""
    difference = relation.lhs - relation.rhs
    if isinstance(relation, Gt | Ge):
        return ((difference, isinstance(relation, Gt)),)
    if isinstance(relation, Lt | Le):
        return ((-difference, isinstance(relation, Lt)),)
    return () if isinstance(relation, Ne) else ((difference, False), (-difference, False))
