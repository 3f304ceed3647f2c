"""Regions of validity: no condition can go or be weakened, and outside of them every way to a number refuses."""

import ctypes
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy
from sympy import Symbol
from sympy.core.relational import Ge, Gt, Le, Lt, Relational

from steptime.derivations.checks.check import counted, satisfy
from steptime.derivations.checks.draws import DIGITS, draw, is_true, number
from steptime.derivations.examples import astray
from steptime.derivations.inverse import solve_for
from steptime.derivations.library import derivations
from steptime.derivations.printed.code import c_code, identifier, parameters, python_code, sorted_out
from steptime.derivations.region import broken, conditions, region
from steptime.derivations.steps import Derivation
from steptime.model.errors import UserError
from steptime.model.quantity import declared_as, domains
from steptime.model.scenario import evaluate

from steptime.derivations.rules import (  # isort: skip
    Drop, Extreme, Limit, Minimise, Optimum, Series, Substitute, Turning,
)  # fmt: skip

POINTS = 100
BOUNDED = [one for one in derivations() if one.holds]
COUNTS: Counter[str] = Counter()


def weaker(relation: Relational) -> Iterator[tuple[Relational, bool]]:
    """A condition that admits its end, which may be as true where the result is nought there; and one with its bound
    moved out, which is not."""
    left, right = relation.args
    up = isinstance(relation, Gt | Ge)
    if isinstance(relation, Gt | Lt):
        yield (Ge if up else Le)(left, right, evaluate=False), True
    if right != 0:
        out = sympy.Rational(9, 10)
        yield type(relation)(left, right * (out if up else 1 / out), evaluate=False), False


@pytest.mark.parametrize("one", BOUNDED, ids=lambda one: one.name)
def test_no_condition_can_go(one: Derivation) -> None:
    for place, relation in enumerate(one.region):
        without = (*one.region[:place], *one.region[place + 1 :])
        assert replace(one, holds=without).failure is not None, relation
        COUNTS["deleted"] += 1
        for other, may_be_true in weaker(relation):
            kept = replace(one, holds=(*one.region[:place], other, *one.region[place + 1 :])).failure is None
            COUNTS["weakened, and true" if kept else "weakened, and refused"] += 1
            assert may_be_true or not kept, other


def random_point(one: Derivation, source: random.Random, turn: int) -> dict[Symbol, float]:
    """Numbers for a result's quantities: every other point inside its region, where one is found; else anywhere."""
    symbols = parameters(one.result.rhs)
    if turn % 2:
        try:
            with mpmath.workdps(15):
                there = tuple(r for r in conditions(one) if r.free_symbols <= set(symbols))
                return {symbol: float(value) for symbol, value in draw(set(symbols), there, source).items()}
        except ValueError:
            pass
    return {symbol: 10 ** source.uniform(-2, 2) for symbol in symbols}


def refuses(one: Derivation, values: dict[Symbol, float]) -> bool:
    checked, _ = sorted_out(one.result.rhs, conditions(one))
    return bool(broken(checked, values))


@pytest.mark.parametrize("one", derivations(), ids=lambda one: one.name)
def test_python_refuses_or_agrees(one: Derivation) -> None:
    source, space = random.Random(one.name), {}
    exec(python_code(one.name, one.result.rhs, "a test", conditions(one)), space)  # our own export, never a user's text
    function = space[identifier(one.name)]
    for turn in range(POINTS):
        values = random_point(one, source, turn)
        numbers = [values[symbol] for symbol in parameters(one.result.rhs)]
        if refuses(one, values):
            with pytest.raises(ValueError, match="is not so"):
                function(*numbers)
            COUNTS["refused by Python"] += 1
        else:
            with np.errstate(over="ignore"):
                expected = float(evaluate(one.result.rhs, values))
            if np.isinf(expected):  # Python's own functions raise it where a number is too large for a float
                with pytest.raises(OverflowError):
                    function(*numbers)
                continue
            assert function(*numbers) == pytest.approx(expected, rel=1e-9)
            COUNTS["computed by Python"] += 1


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")
def test_c_refuses_or_agrees(tmp_path: Path) -> None:
    code = "\n".join(c_code(one.name, one.result.rhs, "a test", conditions(one)) for one in derivations())
    (tmp_path / "formulas.c").write_text(code)
    command = ["gcc", "-O1", "-shared", "-fPIC", "-Wall", "-Werror", "formulas.c", "-o", "formulas.so", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=240)
    library = ctypes.CDLL(str(tmp_path / "formulas.so"))
    for one in derivations():
        source, function = random.Random(one.name), getattr(library, identifier(one.name))
        names = parameters(one.result.rhs)
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * len(names)
        for turn in range(POINTS):
            values = random_point(one, source, turn)
            found = function(*[values[symbol] for symbol in names])
            if refuses(one, values):
                assert np.isnan(found), one.name
            else:
                assert found == pytest.approx(float(evaluate(one.result.rhs, values)), rel=1e-9), one.name


@pytest.mark.parametrize("one", derivations(), ids=lambda one: one.name)
def test_solve_for_refuses_or_agrees(one: Derivation) -> None:
    if not isinstance(one.result.lhs, Symbol) or one.result.lhs in one.result.rhs.free_symbols:
        pytest.skip("the result is an equation between two expressions")
    source = random.Random(one.name)
    for turn in range(POINTS):
        values = random_point(one, source, turn)
        with np.errstate(all="ignore"):
            value = float(evaluate(one.result.rhs, values))
        if value == 0 or not np.isfinite(value):
            continue  # too small, or too large, for a float
        outside = broken(region(one.result, one), {**values, one.result.lhs: value})
        try:
            found = solve_for(one.name, one.result.lhs, values, {})
        except UserError:
            assert outside
            COUNTS["refused by solve for"] += 1
        else:
            assert not outside and found.solutions == (pytest.approx(value),)
            COUNTS["answered by solve for"] += 1


def unreduced(one: Derivation, source: random.Random) -> tuple[mpmath.mpf, mpmath.mpf] | None:
    """Both sides of the first line at a random point of the region, where the result holds and all that was put in
    says what the other quantities are; None where the chain goes through an optimum."""
    rules = [step.rule for step in one.steps]
    if any(isinstance(rule, Minimise | Optimum | Extreme | Turning) for rule in rules):
        return None
    result, whole = one.result, frozenset()
    if counted(*one.lines):  # what counts summands follows from other counts
        names = set().union(*(line.free_symbols for line in (*one.lines, *one.ingredients)))
        whole = counted(*one.lines) | {s for s in names if (known := declared_as(s)) is not None and known.integer}
    needed = set(result.rhs.free_symbols).union(*(r.free_symbols for r in conditions(one))) - {result.lhs}
    stated = conditions(one)
    for _ in range(400):
        values = draw(needed, tuple(r for r in stated if result.lhs not in r.free_symbols), source, whole)
        if isinstance(result.lhs, Symbol):
            values[result.lhs] = number(result.rhs, values)
        if all(is_true(r, values) for r in stated if r.free_symbols <= set(values)):
            break
    else:
        raise ValueError("no numbers satisfy what is assumed of the result")
    if not isinstance(result.lhs, Symbol):
        fill(values, result.free_symbols, source, whole)
        values = satisfy(result, values, ()) or values
    far = 12
    for rule in reversed(rules):
        if isinstance(rule, Limit):  # a limit that is taken earlier is taken much further
            values[rule.variable] = mpmath.mpf(10) ** (far if rule.to == sympy.oo else -far)
            far *= 3
        if isinstance(rule, Series):
            values.setdefault(rule.variable, mpmath.mpf(10) ** -3)
        if isinstance(rule, Substitute):
            for line in rule.definitions:
                fill(values, line.rhs.free_symbols, source, whole)
            for line in rule.definitions:
                if line.lhs not in result.rhs.free_symbols or line.lhs not in values:
                    values[line.lhs] = number(line.rhs, values)
    start = one.lines[0]
    fill(values, start.free_symbols, source, whole)
    return number(start.lhs, values), number(start.rhs, values)


def fill(values: dict, symbols: set[Symbol], source: random.Random, whole: frozenset[Symbol]) -> None:
    """Random numbers for what has none yet, in its range."""
    for symbol in sorted(symbols - set(values), key=str):
        for _ in range(200):
            values[symbol] = draw({symbol}, (), source, whole)[symbol]
            there = [r for r in domains(set(values)) if symbol in r.free_symbols]
            if not broken(there, {s: float(v) for s, v in values.items()}):
                break


@pytest.mark.parametrize("one", derivations(), ids=lambda one: one.name)
def test_the_result_agrees_with_the_first_line(one: Derivation) -> None:
    """The theorem as a whole: where the result holds, so does the line that it was derived from."""
    source, rules = random.Random(one.name), [step.rule for step in one.steps]
    error = sum(float(rule.error) for rule in rules if isinstance(rule, Drop | Series))
    loose = 1e-7 if any(isinstance(rule, Limit) for rule in rules) else 1e-25
    with mpmath.workdps(DIGITS):
        for _ in range(4):
            try:
                sides = unreduced(one, source)
            except ValueError as lost:
                if "no numbers" not in str(lost) and "no whole number" not in str(lost):
                    raise
                continue
            if sides is None:
                return
            left, right = sides
            allowed = 2 * error if error else loose
            assert abs(left - right) <= allowed * max(abs(left), abs(right)), (left, right)
            COUNTS["agrees with its first line"] += 1


@pytest.mark.parametrize("one", derivations(), ids=lambda one: one.name)
def test_the_example_lies_inside(one: Derivation) -> None:
    assert not astray(one)
    assert all(declared_as(symbol) is not None for symbol in one.result.free_symbols)


def test_counts(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nregions: {dict(COUNTS)}")
