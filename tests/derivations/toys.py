"""Quantities of the tests' own, and bare chains of them, to attack the checks with."""

import pytest
from sympy import Max, Symbol

from steptime.derivations.facts import Defined, Given
from steptime.derivations.rules import equation, identity
from steptime.derivations.steps import Derivation, Step
from steptime.model.errors import NotVerified
from steptime.model.quantity import count, quantity

NUMBERS = {"t_a": 1000.0, "t_b": 10.0, "t_c": 2.0, "t_u": 7.0, "t_v": 20.0, "t_w": 4.0, "t_x": 3.0, "t_y": 6.0,
           "t_n": 5.0, "t_s": 0.25, "t_z": 0.01}  # fmt: skip

a, b, c, u, v, w, x, y = (quantity(f"t_{name}", count, rf"\check {name}", f"toy {name}") for name in "abcuvwxy")
n = quantity("t_n", count, r"\check n", "toy count, at least one", integer=True, sane=(1, 1e9))
s = quantity("t_s", count, r"\check s", "toy share", sane=(0, 1))
z = quantity("t_z", count, r"\check z", "toy that may be nought", sane=(0, 1e9))
j = quantity("t_j", count, r"\check j", "number of a toy summand", integer=True, sane=(0, 1e9))


def chain(start, *lines, assumes=(), holds=(), numbers=None) -> Derivation:
    """A derivation of bare lines: (rule, line) pairs."""
    values = {Symbol(name, positive=True): value for name, value in {**NUMBERS, **(numbers or {})}.items()}
    return Derivation(
        "toy", "t", ("1.1",), "c", start, tuple(Step("so", rule, gives) for rule, gives in lines),
        assumes, ("s",), lambda: values, "made up", holds,
    )  # fmt: skip


def defined(symbol: Symbol, value) -> Defined:
    """A lawful start: a toy defined by others."""
    return Defined(symbol, value, "a toy")


def fact(relation, why="so it is") -> Given:
    """An assumption of a toy."""
    return Given(relation, why)


PLAIN = (identity(), equation(x, a + b))
SUM = defined(x, a + b)
WEIGHED = defined(x, a * y + b / y)
LARGER = defined(x, Max(a, b))


def refused(attack: tuple[Derivation, str]) -> None:
    """A false proof does not verify, and what is wrong with it is said."""
    one, message = attack
    with pytest.raises(NotVerified) as caught:
        one.verify()
    assert message in str(caught.value), caught.value


def named(kinds: dict[str, dict[str, tuple[Derivation, str]]]) -> dict[str, tuple[Derivation, str]]:
    """Attacks by a name that says their kind too; there are several of every kind."""
    assert all(len(few) >= 8 for few in kinds.values())
    return {f"{kind}: {name}": attack for kind, few in kinds.items() for name, attack in few.items()}
