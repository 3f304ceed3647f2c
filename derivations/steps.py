"""A theorem: what is assumed, the region in which it holds, a chain of lines that proves it, and an example.

Each line must follow by its rule from the line before (symbolically; what cannot be decided is a failure), hold at
random positive rationals by arithmetic alone, and have one unit on both sides. Nothing enters but results of other
derivations, formulas of the model, definitions and declared assumptions (`facts`). What the lines need to mean anything
(`conditions`) is collected on the way; ``holds`` must say just that, no less and no more (`certificate`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

from sympy import Eq, Expr, Symbol
from sympy.core.relational import Relational

from steptime.derivations import standing as stands
from steptime.derivations.basis import Standing, settled
from steptime.derivations.checks.check import check_numerically
from steptime.derivations.checks.same import same, same_equation
from steptime.derivations.facts import Axiom, Chosen, Fact, Given, Tends
from steptime.derivations.inequalities.conditions import as_relation
from steptime.derivations.rules import Drop, Rule, RuleError, Series, Substitute
from steptime.derivations.stated import check_region, declared
from steptime.model.errors import NotVerified
from steptime.model.scenario import Scenario
from steptime.model.units import UnitError, unit_of

__all__ = ["Assumption", "Derivation", "Step", "applied", "same", "same_equation"]

Assumption = str | Axiom | Given | Tends | Chosen


@dataclass(frozen=True)
class Step:
    """One line: why it follows, the rule that computes it, and the line itself, stated independently."""

    why: str
    rule: Rule
    gives: Eq


@dataclass(frozen=True, eq=False)
class Derivation:
    """A theorem with its proof.

    ``name`` is how it is asked for; ``rows`` the rows of the blackboard lecture that it covers. ``assumes`` are its
    assumptions: axioms and prose about the world, and equations, limits and choices that the chain may use. ``holds``
    are the inequalities under which it is true; an expression alone must be positive. ``regime`` says where it matters
    and is no part of it. ``example`` gives numbers, in base units and with their origin in the text, for every symbol
    of the result; called only when shown.
    """

    name: str
    title: str
    rows: tuple[str, ...]
    claim: str
    start: Eq | Fact
    steps: tuple[Step, ...]
    assumes: tuple[Assumption, ...]
    sources: tuple[str, ...]
    example: Callable[[], Mapping[Symbol, float]]
    example_text: str
    holds: tuple[Relational | Expr, ...] = ()
    regime: tuple[Relational | str, ...] = ()

    @property
    def result(self) -> Eq:
        """The last line."""
        return self.lines[-1]

    @property
    def line(self) -> Eq:
        """The result, as a fact for other derivations."""
        return self.result

    @cached_property
    def lines(self) -> tuple[Eq, ...]:
        first = self.start if isinstance(self.start, Eq) else self.start.line
        return (first, *(step.gives for step in self.steps))

    @property
    def ingredients(self) -> tuple[Eq, ...]:
        """The start, and every equation that is put in."""
        return (
            self.lines[0],
            *(eq for step in self.steps if isinstance(step.rule, Substitute) for eq in step.rule.definitions),
        )

    @property
    def facts(self) -> tuple[Any, ...]:
        """All that it starts from or puts in; of a comparison also the sides, of an instance what it is one of."""
        found: list[Any] = []
        left = [
            self.start,
            *(fact for step in self.steps if isinstance(step.rule, Substitute) for fact in step.rule.facts),
        ]
        while left:
            fact = left.pop(0)
            found.append(fact)
            if not isinstance(fact, Derivation):
                left += [part for name in ("of", "one", "other") if (part := getattr(fact, name, None)) is not None]
        return tuple(dict.fromkeys(found))

    @property
    def uses(self) -> tuple["Derivation", ...]:
        """The derivations among its facts."""
        return tuple(fact for fact in self.facts if isinstance(fact, Derivation))

    @cached_property
    def region(self) -> tuple[Relational, ...]:
        """The inequalities under which it is true."""
        return tuple(as_relation(condition) for condition in self.holds)

    @cached_property
    def numbers(self) -> Mapping[Symbol, float]:
        """The example's numbers."""
        return self.example()

    def evaluate(self) -> float:
        """The result's right side at the example's numbers."""
        return float(Scenario(self.numbers).evaluate(self.result.rhs))

    def verify(self) -> None:
        """Check every line and the region, once for this value however often it is asked; raises NotVerified at the
        first that fails. A copy with something changed is another value, and checked."""
        if self.failure is not None:
            raise NotVerified(self.failure)

    @cached_property
    def failure(self) -> str | None:
        """What fails first, None where every line holds and the region is as stated."""
        return self.first_failure()

    def first_failure(self) -> str | None:
        """Check everything; remembered as ``failure``."""
        try:
            if not self.steps:
                raise NotVerified(f"{self.name}: nothing is derived")
            self._check_unit(self.lines[0], "start")
            for number in range(1, len(self.steps) + 1):
                self.check_once(number)
            check_region(self)
        except NotVerified as error:
            return str(error)
        except RuleError as error:
            return f"{self.name}: {error}"
        return None

    @cached_property
    def standing(self) -> tuple[Standing, ...]:
        """What each line rests on; raises NotVerified where a rule may not be used as it is."""
        return stands.standings(self)

    @cached_property
    def final(self) -> Standing:
        """What the result rests on."""
        return settled(self.standing[-1])

    def check_once(self, number: int) -> None:
        """Check a line, once for this value."""
        if number not in self._checked:
            self.check(number)
            self._checked.add(number)

    @cached_property
    def _checked(self) -> set[int]:
        return set()

    def check(self, number: int) -> None:
        """Check that line ``number``, counted from 1, follows from the one before; raises NotVerified."""
        line, step = self.lines[number - 1], self.steps[number - 1]
        where = f"{self.name}, line {number} ({step.why})"
        self._check_unit(step.gives, where)
        try:
            computed = applied(step.rule, line)
        except RuleError as error:
            raise NotVerified(f"{where}: {error}") from None
        if not same_equation(computed, step.gives):
            raise NotVerified(f"{where}: the rule gives {computed}, not {step.gives}")
        before, after = self.standing[number - 1], self.standing[number]
        if isinstance(step.rule, Drop | Series):
            self._check_error(line, step, where)
        conditions = (*before.conditions, *after.conditions)
        needed = tuple(dict.fromkeys((*self.region, *declared(self), *(c.relation for c in conditions))))
        try:
            found = check_numerically(line, step.rule, step.gives, needed)
        except ValueError as error:
            found = str(error)
        if found is not None:
            raise NotVerified(f"{where}: {found}")

    def _check_unit(self, line: Eq, where: str) -> None:
        try:
            unit_of(line)
        except UnitError as error:
            raise NotVerified(f"{where}: {error}") from None

    def _check_error(self, line: Eq, step: Step, where: str) -> None:
        """What is left out must be as small at the example as the rule says, and not said much larger than it is."""
        assert isinstance(step.rule, Drop | Series)
        found, allowed = self.relative_error(line, step.gives), float(step.rule.error)
        if not allowed / 2 <= found <= allowed:
            raise NotVerified(
                f"{where}: what is left out is {found:.3g} of the rest at the example, stated {allowed:.3g}"
            )

    def relative_error(self, before: Eq, after: Eq) -> float:
        """By how much two right sides differ at the example, relative to the later."""
        scenario = Scenario(self.numbers)
        exact, short = scenario.evaluate(before.rhs), scenario.evaluate(after.rhs)
        return float(abs(exact - short) / abs(short))

    def with_steps(self, steps: tuple[Step, ...]) -> "Derivation":
        """The same statement with another proof."""
        return replace(self, steps=steps)


@cache
def applied(rule: Rule, line: Eq) -> Eq:
    """The line that a rule computes; remembered, since a changed line is checked against the same one many times."""
    return rule.apply(line)
