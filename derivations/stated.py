"""Whether a theorem states its region as it is: each condition collected follows from what is stated, each that is
stated from those collected, and none may be left out; whether its assumptions are used, and contradict nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy
from sympy import Eq, Expr, Symbol
from sympy.core.relational import Relational

from steptime.derivations.basis import fixes
from steptime.derivations.facts import Chosen, Given, Tends
from steptime.derivations.inequalities.certificate import implied
from steptime.derivations.inequalities.conditions import Condition, RuleError, telling
from steptime.model.errors import NotVerified
from steptime.model.quantity import domains

if TYPE_CHECKING:
    from steptime.derivations.steps import Derivation


def collected(one: Derivation) -> tuple[Condition, ...]:
    """What a theorem needs, in terms of its result: what it gives for its left side is put in for that.

    Where a condition tells the case that was solved from others, it is needed as it is too: another value of the left
    side may do as well where it is not so, and the theorem speaks only of those that satisfy it.
    """
    line, final = one.result, one.final
    own = {line.lhs: line.rhs} if isinstance(line.lhs, Symbol) and line.lhs not in line.rhs.free_symbols else {}
    solved = {line.lhs} if line.lhs != one.lines[0].lhs else set()
    cases = [c for c in final.conditions if c.narrows and solved & c.relation.free_symbols]
    return telling([*(condition.put(own) for condition in final.conditions), *cases], declared(one))


def declared(one: Derivation) -> tuple[Relational, ...]:
    """Inequalities among the assumptions, of what else is assumed, but those that only bound what is chosen."""
    free = {a.variable for a in one.final.assumptions if isinstance(a, Chosen)}
    relations, fixed = _assumed(one)
    put = (type(r)(*(side.xreplace(fixed) for side in r.args), evaluate=False) for r in relations)
    return tuple(r for r in put if r.free_symbols and not r.free_symbols & free and not implied(r, ()))


def equalities(one: Derivation) -> dict[Symbol, Expr]:
    """What a theorem assumes quantities to be, none of them by way of another."""
    return _assumed(one)[1]


def _assumed(one: Derivation) -> tuple[list[Relational], dict[Symbol, Expr]]:
    """The inequalities that a theorem assumes, and what it assumes quantities to be."""
    relations = [a.relation for a in one.final.assumptions if isinstance(a, Given)]
    fixed = {r.lhs: r.rhs for r in relations if isinstance(r, Eq) and isinstance(r.lhs, Symbol)}
    for _ in fixed:
        fixed = {symbol: value.xreplace(fixed) for symbol, value in fixed.items()}
    return [r for r in relations if not isinstance(r, Eq)], fixed


def check_region(one: Derivation) -> None:
    """That ``holds`` says what was collected, no less and no more, and that no assumption contradicts the result."""
    try:
        needed, stated, known = collected(one), one.region, declared(one)
    except RuleError as error:
        raise NotVerified(f"{one.name}: {error}") from None
    for condition in needed:
        if not condition.follows((*stated, *known)):
            raise NotVerified(f"{one.name}: {condition.relation} is needed ({condition.why}) and not stated")
    enough = tuple(condition.relation for condition in needed)
    for relation in stated:
        alone = any(implied(relation, (condition, *known)) for condition in enough)  # quick, and most often so
        if not alone and not implied(relation, (*enough, *known)):
            raise NotVerified(f"{one.name}: {relation} is stated, but nothing needs it")
        rest = tuple(other for other in stated if other != relation)
        if implied(relation, known) or (rest and all(condition.follows((*rest, *known)) for condition in needed)):
            raise NotVerified(f"{one.name}: {relation} is stated, and says nothing new")
    for assumption in one.assumes:
        bounds = isinstance(assumption, Given) and not isinstance(assumption.relation, Eq)
        narrows = isinstance(assumption, Given | Tends | Chosen) and not bounds
        if narrows and not any(step.rule.draws_on(assumption) for step in one.steps):
            raise NotVerified(f"{one.name}: it is assumed that {assumption}, but nothing draws on it")
    must_be_possible(one)
    limits = [step.rule.approaches() for step in one.steps if step.rule.approaches()]
    stated_order = [frozenset({a.variable}) for a in one.assumes if isinstance(a, Tends)]
    if limits != stated_order:
        raise NotVerified(f"{one.name}: limits are taken in another order than they are stated in")
    for assumption in one.final.assumptions:
        fixed = assumption.variable if isinstance(assumption, Tends) else fixes(assumption)
        if fixed is not None and fixed in one.result.rhs.free_symbols:
            raise NotVerified(f"{one.name}: {assumption}: yet {fixed} stands in the result")


def must_be_possible(one: Derivation) -> None:
    """Refuse assumptions that contradict one another: equations that go round in a circle, or that leave no room for an
    inequality or for the range of a quantity."""
    relations, fixed = _assumed(one)
    for symbol, value in fixed.items():
        if symbol in value.free_symbols and value != symbol:  # the same equation read both ways is one
            raise NotVerified(f"{one.name}: what {symbol} is assumed to be goes back to itself")
    for relation in (*relations, *domains(fixed)):
        left, right = (side.xreplace(fixed) for side in relation.args)
        found = type(relation)(left, right)
        if found == sympy.false and not (right == 0 and left == 0):
            raise NotVerified(f"{one.name}: {relation} cannot be, by what else is assumed")
