"""What every rule is: data that computes the next line, and says what it needs for that."""

from collections.abc import Iterable, Iterator
from typing import Any

from sympy import Eq, Expr, Symbol

from steptime.derivations.inequalities.conditions import Condition, RuleError


class Rule:
    """What every rule answers, besides the line it computes: nothing more is needed, all is carried on."""

    approximates = False
    least: bool | None = None
    """Whether it finds the least of the right side (True) or the greatest (False) over what it chooses; else None."""

    def apply(self, line: Eq) -> Eq:
        """The next line; raises RuleError."""
        raise NotImplementedError

    def needs(self, line: Eq) -> Iterator[Condition]:
        """Conditions for the rule to lead to a true line, besides those of the line itself."""
        yield from ()

    def carried(self, conditions: Iterable[Condition], line: Eq) -> Iterator[Condition]:
        """What becomes of the conditions so far."""
        yield from conditions

    def declared(self, assumptions: Iterable[Any]) -> bool:
        """Whether a theorem's assumptions allow the rule: one that narrows the theorem must be declared in it."""
        return True

    def draws_on(self, assumption: Any) -> bool:
        """Whether it makes use of an assumption."""
        return False

    def chooses(self) -> frozenset[Symbol]:
        """The quantities that it chooses."""
        return frozenset()

    def approaches(self) -> frozenset[Symbol]:
        """The quantities that it takes to a limit."""
        return frozenset()

    def lands(self, line: Eq) -> dict[Symbol, Expr]:
        """What each quantity that it chooses comes to be."""
        return {}

    def cuts(self, line: Eq) -> tuple[frozenset[Symbol], bool | None]:
        """Quantities over which the line is only one case of what was there before, and the optimum that such a case
        bounds all the same: the least of a maximum (True), the greatest of a minimum (False), none (None)."""
        return frozenset(), None

    def wants(self) -> str:
        """The assumption that it needs, in words."""
        return ""


def equation(left: Expr, right: Expr) -> Eq:
    """An equation that stays one, even where both sides are the same."""
    return Eq(left, right, evaluate=False)


def must_be_quantity(expr: Expr) -> None:
    """Refuse what is not a single quantity, where a rule needs one."""
    if not isinstance(expr, Symbol):
        raise RuleError(f"{expr} is not a single quantity")
