"""What each line of a chain rests on: conditions, assumptions, definitions.

A condition is carried along from line to line: quantities that are replaced in the line are replaced in it. A rule that
narrows the theorem may be used only where the theorem declares it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sympy import Eq, Symbol

from steptime.derivations.facts import Chosen, Defined, Given, Solved, Tends
from steptime.derivations.inequalities.conditions import Condition, RuleError, in_range, of_expression, of_line, telling
from steptime.derivations.owned import is_declared_here
from steptime.derivations.rules import Substitute
from steptime.derivations.taken import Standing, of_fact, unique
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


def before(one: Derivation, number: int) -> Standing:
    """What the line before line ``number`` rests on."""
    return one.standing[number - 1]


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
        for of, bounds in standing.cuts:
            if step.rule.least is not None and step.rule.chooses() & of and bounds is not step.rule.least:
                raise RuleError("the line is one case of several: what is best in it need not be best in all")
        carried = step.rule.carried(standing.conditions, line)
        needed = telling([*carried, *step.rule.needs(line), *of_line(step.gives, where)])
    except RuleError as error:
        raise NotVerified(f"{one.name}, line {number} ({step.why}): {error}") from None
    return replace(
        standing,
        conditions=needed,
        seen=standing.seen | step.gives.free_symbols,
        approximate=standing.approximate or step.rule.approximates,
        cuts=unique(standing.cuts, [cut for cut in (step.rule.cuts(line),) if cut[0]]),
    )


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
        found = of_fact(fact)
    base = fact.of if isinstance(fact, Solved) else fact
    if isinstance(base, Defined) and (base.symbol, base) not in standing.definitions and base.symbol in standing.seen:
        raise RuleError(f"{base.symbol} is defined after it was used")
    line = fact.line
    conditions = telling([*found.conditions, *of_expression(line.rhs, "put in"), *_ranges(line, standing.seen)])
    return replace(found, conditions=conditions, seen=found.seen | line.free_symbols)


def _ranges(line: Eq, among: Iterable[Symbol]) -> Iterator[Condition]:
    if isinstance(line.lhs, Symbol):
        yield from in_range(line.lhs, line.rhs, "put in", among)
