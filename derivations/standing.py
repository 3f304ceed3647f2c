"""What each line of a chain rests on: conditions, assumptions, definitions.

A condition is carried along from line to line: quantities that are replaced in the line are replaced in it. A rule that
narrows the theorem may be used only where the theorem declares it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sympy import Eq, Symbol
from sympy.core.relational import Ge

from steptime.derivations.basis import Cuts, Standing, unique
from steptime.derivations.definitions import depends, is_known
from steptime.derivations.facts import Chosen, Defined, Given, Instance, Solved, Tends
from steptime.derivations.inequalities.conditions import (
    Condition,
    RuleError,
    in_range,
    more,
    of_expression,
    of_line,
    telling,
)  # fmt: skip
from steptime.derivations.inequalities.parts import may_vanish
from steptime.derivations.owned import is_declared_here
from steptime.derivations.rules import BothSides, Rule, SolveFor, Substitute
from steptime.derivations.taken import needed, of_fact
from steptime.model.errors import NotVerified

if TYPE_CHECKING:
    from steptime.derivations.steps import Derivation


def standings(one: Derivation) -> tuple[Standing, ...]:
    """What each line of a derivation rests on, the start first."""
    try:
        found = [_start(one)]
    except RuleError as error:
        raise NotVerified(f"{one.name}, start: {error}") from None
    for number in range(1, len(one.steps) + 1):
        found.append(advance(one, found[-1], number))
    return tuple(found)


def advance(one: Derivation, standing: Standing, number: int) -> Standing:
    """What line ``number`` rests on, from what the one before does; raises NotVerified where a rule may not be used."""
    line, step = one.lines[number - 1], one.steps[number - 1]
    where = f"line {number}"
    try:
        if isinstance(step.rule, Substitute):
            for fact in step.rule.facts:
                standing = standing.joined(_put_in(fact, one, standing))
        if not step.rule.declared(one.assumes):
            raise RuleError(f"{step.rule.wants()} is not among the assumptions")
        back = step.gives.free_symbols & standing.gone
        if back:
            raise RuleError(f"{min(back, key=str)} comes back after its limit")
        if standing.approximate and isinstance(step.rule, BothSides) and not step.rule.multiplies():
            raise RuleError("something was left out: what is added or taken away may leave nothing else")
        chosen = _choosing(one, standing, number)
        carried = step.rule.carried(standing.conditions, line)
        conditions = telling([*carried, *chosen, *step.rule.needs(line), *of_line(step.gives, where)])
    except RuleError as error:
        raise NotVerified(f"{one.name}, line {number} ({step.why}): {error}") from None
    return replace(
        standing,
        conditions=conditions,
        seen=standing.seen | step.gives.free_symbols,
        approximate=standing.approximate or step.rule.approximates,
        cuts=unique(_followed(standing.cuts, step.rule), [cut for cut in (step.rule.cuts(line),) if cut[0]]),
        gone=standing.gone | step.rule.approaches(),
        divided=standing.divided or isinstance(step.rule, BothSides | SolveFor),
    )


def _followed(cuts: Cuts, rule: Rule) -> Cuts:
    """The quantities of cases after some of them were replaced: also those that they were replaced by."""
    if not isinstance(rule, Substitute):
        return cuts
    put = rule.replacements()
    return tuple((of.union(*(put[symbol].free_symbols for symbol in of & set(put))), bounds) for of, bounds in cuts)


def _start(one: Derivation) -> Standing:
    start = one.start
    if isinstance(start, Eq):
        if not isinstance(start.lhs, Symbol) or is_declared_here(start.lhs):
            raise RuleError("an equation written out is neither a result, nor a definition, nor the model's")
        start = Defined(start.lhs, start.rhs, "as defined")
    if isinstance(start, Given | Tends | Chosen):
        raise RuleError("an assumption alone is no start")
    standing = of_fact(start)
    line = one.lines[0]
    own = Standing(
        conditions=telling([*standing.conditions, *of_line(line, "start")]),
        assumptions=unique(one.assumes),
        seen=frozenset(line.free_symbols),
    )
    return replace(own.joined(standing), conditions=own.conditions)


def _put_in(fact: Any, one: Derivation, standing: Standing) -> Standing:
    """What is put in, checked: where it comes from, that it says what one quantity is, and that this is in range."""
    if isinstance(fact, Eq):
        fact = next((known for known in one.assumes if isinstance(known, Given) and known.relation == fact), fact)
    if isinstance(fact, Given):
        if fact not in one.assumes:
            raise RuleError(f"{fact.line} is not among the assumptions")
        found = Standing(assumptions=(fact,))
    elif isinstance(fact, Eq) or not hasattr(fact, "line"):
        raise RuleError(f"{fact} is neither a result, nor a definition, nor a declared assumption")
    else:
        found = needed(of_fact(fact), fact.line.rhs, fact.line.lhs)
    base = fact.of if isinstance(fact, Solved) else fact
    if isinstance(base, Defined) and (base.symbol, base) not in standing.definitions and base.symbol in standing.seen:
        raise RuleError(f"{base.symbol} is defined after it was used")
    if isinstance(base, Instance) and not is_known(base):
        renamed = {value for symbol, value in base.put if isinstance(value, Symbol)} & {s for s, _ in found.definitions}
        if renamed & standing.seen:
            raise RuleError(f"{min(renamed & standing.seen, key=str)} is defined after it was used")
    line = fact.line
    conditions = telling([*found.conditions, *of_expression(line.rhs, "put in"), *_ranges(line, standing)])
    return replace(found, conditions=conditions, seen=found.seen | line.free_symbols)


def _ranges(line: Eq, standing: Standing) -> Iterator[Condition]:
    """That what is put in lies in the range of what it is put in for. Once something was divided, nought is no end of a
    range that begins above it: the quantity may have stood in a denominator."""
    if not isinstance(line.lhs, Symbol):
        return
    for condition in in_range(line.lhs, line.rhs, "put in", standing.seen):
        if not standing.divided:
            yield condition
            continue
        relation = condition.relation
        strict = isinstance(relation, Ge) and relation.rhs == 0 and not may_vanish(line.lhs)
        yield replace(condition, relation=more(relation.lhs, 0) if strict else relation, or_zero=False)


def _choosing(one: Derivation, standing: Standing, number: int) -> list[Condition]:
    """What a rule that chooses a quantity, or takes it to a limit, needs of the rest: that nothing else in the line
    depends on it, nothing was left out, and what is assumed of it is so where it comes to lie."""
    line, rule = one.lines[number - 1], one.steps[number - 1].rule
    over = rule.chooses() | rule.approaches()
    if not over:
        return []
    limits = any(condition.relation.free_symbols & over for condition in standing.conditions)
    for of, bounds in standing.cuts:
        if limits and rule.least is not None and over & of and bounds is not rule.least:
            raise RuleError("the line is one case of several: what is best in it need not be best in all")
    if rule.least is not None and (standing.approximate or standing.gone):
        raise RuleError("something was left out: what is best without it need not be best with it")
    settling = {s for a in one.assumes if isinstance(a, Tends) and rule.draws_on(a) for s in a.settling}
    if not isinstance(line.lhs, Symbol) and not settling & line.lhs.free_symbols:
        raise RuleError(f"the left side, {line.lhs}, is no single quantity: what becomes of its quantities is not said")
    there = frozenset(line.free_symbols)
    for symbol in there - over - settling - {line.lhs}:
        if depends(symbol, over, standing.definitions, standing.assumptions, there):
            raise RuleError(f"{symbol} depends on it")
    bounded = [a for a in one.assumes if isinstance(a, Given) and not isinstance(a.relation, Eq)]
    landed = rule.lands(line)
    return [
        Condition(a.relation, f"it is assumed that {a}").put(landed)
        for a in bounded
        if a.relation.free_symbols & rule.chooses() and not rule.draws_on(a)
    ]
