"""A derivation: a chain of lines, each with its reason and its rule, checked three ways.

Each line must follow by its rule from the line before (symbolically; what cannot be decided is a failure), hold at
random positive rationals by arithmetic alone, and have one unit on both sides. A start is imported from the model's
terms or from another derivation's result, never written out, so that a circular proof cannot be imported.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import sympy
from sympy import Eq, Expr, Symbol

from steptime.derivations.check import check_numerically
from steptime.derivations.rules import Drop, Rule, RuleError, Series, Substitute
from steptime.model.errors import NotVerified
from steptime.model.scenario import Scenario
from steptime.model.units import UnitError, unit_of


@dataclass(frozen=True)
class Step:
    """One line: why it follows, the rule that computes it, and the line itself, stated independently."""

    why: str
    rule: Rule
    gives: Eq


@dataclass(frozen=True)
class Derivation:
    """A claim with its proof.

    ``name`` is how it is asked for; ``rows`` the rows of the blackboard lecture that it covers. ``example`` gives
    numbers, in base units and with their origin in the text, for every symbol of the result; called only when shown.
    ``holds`` are inequalities, each an expression that must be positive, for the validity region and for the checks.
    """

    name: str
    title: str
    rows: tuple[str, ...]
    claim: str
    start: Eq
    steps: tuple[Step, ...]
    assumes: tuple[str, ...]
    sources: tuple[str, ...]
    example: Callable[[], Mapping[Symbol, float]]
    example_text: str
    holds: tuple[Expr, ...] = ()

    @property
    def result(self) -> Eq:
        """The last line."""
        return self.steps[-1].gives if self.steps else self.start

    @property
    def lines(self) -> tuple[Eq, ...]:
        return (self.start, *(step.gives for step in self.steps))

    @property
    def ingredients(self) -> tuple[Eq, ...]:
        """The start, and every equation that is put in."""
        return (
            self.start,
            *(eq for step in self.steps if isinstance(step.rule, Substitute) for eq in step.rule.definitions),
        )

    @cached_property
    def numbers(self) -> Mapping[Symbol, float]:
        """The example's numbers."""
        return self.example()

    def evaluate(self) -> float:
        """The result's right side at the example's numbers."""
        return float(Scenario(self.numbers).evaluate(self.result.rhs))

    def verify(self) -> None:
        """Check every line, once for this value however often it is asked; raises NotVerified at the first that
        fails. A copy with something changed is another value, and checked."""
        if self.failure is not None:
            raise NotVerified(self.failure)

    @cached_property
    def failure(self) -> str | None:
        """What fails first, None where every line holds."""
        try:
            self._check_unit(self.start, "start")
            for number in range(1, len(self.steps) + 1):
                self.check(number)
        except NotVerified as error:
            return str(error)
        return None

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
        if isinstance(step.rule, Drop | Series):
            self._check_error(line, step, where)
        if (found := check_numerically(line, step.rule, step.gives, self.holds)) is not None:
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


@cache
def applied(rule: Rule, line: Eq) -> Eq:
    """The line that a rule computes; remembered, since a changed line is checked against the same one many times."""
    return rule.apply(line)


def same_equation(one: Eq, other: Eq) -> bool:
    """Whether two lines agree side by side; undecided counts as no."""
    return same(one.lhs, other.lhs) and same(one.rhs, other.rhs)


def same(one: Expr, other: Expr) -> bool:
    """Whether two expressions are shown to be equal: as written, expanded, or simplified.

    >>> x = Symbol("x", positive=True)
    >>> same((x + 1)**2, x**2 + 2*x + 1), same(x, 2*x)
    (True, False)
    """
    difference = one - other
    if difference == 0 or sympy.expand(difference) == 0:
        return True
    if refuted(one, other):
        return False
    numerator, _ = sympy.fraction(sympy.together(difference))
    if sympy.expand(numerator) == 0:
        return True
    return bool(sympy.simplify(sympy.powsimp(sympy.expand_power_base(difference), force=True)) == 0)


def refuted(one: Expr, other: Expr) -> bool:
    """Whether two expressions differ at some numbers, which spares the long search for a proof that they are equal.

    Several points, so that each branch of a maximum is the larger one somewhere. Where either expression is not real,
    a point says nothing.
    """
    symbols = sorted(one.free_symbols | other.free_symbols, key=lambda symbol: symbol.name)
    for point in range(5):
        over, under = 7 + 2 * point, 5 + 4 * point
        numbers = {
            symbol: sympy.Float(sympy.Rational(1 + (over * place + point) % 31, 1 + (under * place + point) % 17), 50)
            for place, symbol in enumerate(symbols)
        }
        left, right = (sympy.N(expr.xreplace(numbers), 50) for expr in (one, other))
        if not all(part.is_Float or part.is_Rational for part in (left, right)):
            continue
        if abs(left - right) > sympy.Float("1e-25") * max(abs(left), abs(right)):
            return True
    return False
