"""What is proved of failures and checkpoints, against a run drawn failure by failure, and against numerical minima."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sympy import Symbol

from steptime.derivations.facts import Solved
from steptime.derivations.inverse import solve_for
from steptime.derivations.printed.code import c_code, javascript_code, python_code
from steptime.derivations.reliability import checkpoints, failures, runs
from steptime.derivations.rules import RuleError, equation, lambert, turning
from steptime.derivations.steps import Derivation, Step
from steptime.model import symbols as q
from steptime.model.economics import failures as model
from steptime.model.economics import symbols as m
from steptime.model.errors import NotVerified
from steptime.model.lambert import lambert as lambert_of
from steptime.model.scenario import Scenario

RARE = st.floats(1e-6, 5.0)
"""Stalls over the time between failures: from hardly any to more than there is between two failures."""


def at(one: Derivation | sympy.Expr, values: dict[Symbol, float]) -> float:
    expr = one.result.rhs if isinstance(one, Derivation) else one
    return float(Scenario(values).evaluate(expr))


def case(stall: float, between: float = 1.0, restart: float = 0.3) -> dict[Symbol, float]:
    values = {m.failure_interval: between, m.checkpoint_stall: stall * between, m.restart_time: restart * between}
    return {**values, m.checkpoint_interval: at(model.best_interval, values)}


@given(stall=RARE, between=st.floats(1.0, 1e6), restart=st.floats(0.0, 3.0))
def test_the_best_interval_is_where_a_search_finds_it(stall: float, between: float, restart: float) -> None:
    values = case(stall, between, restart)
    best = values[m.checkpoint_interval]
    found = minimize_scalar(lambda w: at(model.slowed, {**values, m.checkpoint_interval: float(np.exp(w))}),
                            bracket=(np.log(best) - 0.5, np.log(best) + 0.3), tol=1e-12)  # fmt: skip
    assert at(model.slowed, values) <= found.fun * (1 + 1e-12)
    assert np.exp(found.x) == pytest.approx(best, rel=1e-4)
    assert 0 < best < between


@given(stall=RARE, restart=st.floats(0.0, 3.0))
def test_what_is_kept_is_one_over_the_slowdown(stall: float, restart: float) -> None:
    values = case(stall, restart=restart)
    kept = at(checkpoints.kept, values)
    assert kept == pytest.approx(1 / at(model.slowed, values), rel=1e-6)
    assert at(checkpoints.lost, values) == pytest.approx(1 - kept, abs=1e-9)
    assert at(checkpoints.at_best, values) == pytest.approx(stall, rel=1e-4)


@given(stall=st.floats(1e-6, 1e-2))
def test_young_and_daly_are_the_first_terms(stall: float) -> None:
    """Daly 2006, equation 20: the square root, less two thirds of the stall, and no more than the next power."""
    values = case(stall)
    best, root = values[m.checkpoint_interval], at(model.young_interval, values)
    assert best < root and 1 < (root / best) ** 2 < 1 + 1.5 * root
    assert abs(best - (root - 2 / 3 * stall)) <= stall**1.5


@pytest.mark.parametrize("stall", [0.01, 0.3])
def test_an_interval_takes_as_long_as_when_it_is_lived_through(stall: float) -> None:
    values = case(stall)
    work, source, times = values[m.checkpoint_interval], np.random.default_rng(1407), []
    for _ in range(40_000):
        time, until = 0.0, source.exponential()
        while until < work + stall:
            time, until = time + until + values[m.restart_time], source.exponential()
        times.append(time + work + stall)
    error = np.std(times) / np.sqrt(len(times))
    assert abs(np.mean(times) - at(failures.interval, values)) < 4 * error


def test_the_published_run() -> None:
    """Llama 3: 419 unexpected interruptions in 54 days are one in 3.09 h; nine tenths kept leave 20.6 min a restart."""
    values = dict(checkpoints.best.numbers)
    assert values[m.failure_interval] == pytest.approx(54 * 24 * 3600 / 419)
    assert checkpoints.restart_for(0.9, values[m.failure_interval]) == pytest.approx(54 * 86400 / 419 / 9)


def test_more_chips_fail_more_often_and_spares_follow_no_size() -> None:
    values = {m.chip_failure_interval: 5e4 * 3600, q.chips: 1e5}
    assert at(failures.job_fails, values) == pytest.approx(1800)
    assert q.chips not in runs.spares.result.free_symbols


def test_solved_for_what_is_asked() -> None:
    """What a stall may take if checkpoints after ten minutes are to be best, and the other way round."""
    known = {m.failure_interval: 3 * 3600.0, m.checkpoint_interval: 600.0}
    (stall,) = solve_for("stall-of-best-interval", m.checkpoint_stall, known, {}).solutions
    (interval,) = solve_for("best-checkpoint-interval", m.checkpoint_interval,
                            {m.failure_interval: 3 * 3600.0, m.checkpoint_stall: stall}, {}).solutions  # fmt: skip
    assert interval == pytest.approx(600.0, rel=1e-9)
    (most,) = solve_for("best-checkpoint-interval", m.failure_interval,
                        {m.checkpoint_interval: 600.0, m.checkpoint_stall: stall}, {}).solutions  # fmt: skip
    assert most == pytest.approx(3 * 3600.0, rel=1e-6)


@pytest.mark.parametrize("branch", [0, -1])
def test_lambert_s_function_undoes_a_product_with_its_exponential(branch: int) -> None:
    inner = np.array([-0.999, -0.5, 0.0, 2.0]) if branch == 0 else np.array([-1.001, -2.0, -20.0])
    assert lambert_of(inner * np.exp(inner), branch) == pytest.approx(inner, rel=1e-6, abs=1e-12)
    assert np.isnan(lambert_of(-1.0, branch))


def changed(one: Derivation, place: int, step: Step) -> Derivation:
    return one.with_steps((*one.steps[:place], step, *one.steps[place + 1 :]))


share, through = checkpoints.share, checkpoints.through
product, start = checkpoints.best.steps[2], checkpoints.best.steps[0]
ATTACKS = {
    "another slope": (changed(checkpoints.best, 0, replace(start, rule=turning(
        m.checkpoint_interval, share - 1, -2 * through, checkpoints.SLOPE))), "is not"),
    "the other way round, where it falls": (changed(checkpoints.best, 0, replace(start, rule=turning(
        m.checkpoint_interval, -through, share - 1, -checkpoints.SLOPE))), "not shown to be positive"),
    "chosen by nobody": (replace(checkpoints.best, assumes=()), "not among the assumptions"),
    "the lower branch": (changed(checkpoints.best, 3, Step(
        "wrong", lambert(share - 1, -1), equation(share - 1, sympy.LambertW(product.gives.rhs, -1)))), "no numbers"),
    "another product": (changed(checkpoints.best, 3, Step(
        "wrong", lambert(share - 2), equation(share - 2, sympy.LambertW(product.gives.rhs)))), "times its exponential"),
    "a stall that is kept": (changed(checkpoints.kept, 2, replace(checkpoints.kept.steps[2], gives=equation(
        checkpoints.kept.result.lhs, 1 - share))), "not"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_false_steps_are_refused(name: str) -> None:
    attacked, said = ATTACKS[name]
    with pytest.raises(NotVerified, match=said):
        attacked.verify()


def test_a_third_branch_is_none() -> None:
    with pytest.raises(RuleError, match="two real branches"):
        lambert(share - 1, 1).apply(product.gives)


def test_a_restart_does_not_move_the_interval() -> None:
    assert m.restart_time not in checkpoints.best.result.free_symbols
    assert m.restart_time in Solved(checkpoints.kept, m.checkpoint_interval).line.free_symbols


@pytest.mark.parametrize("branch", [0, -1])
def test_exported_code_has_lambert_s_function(branch: int, tmp_path: Path) -> None:
    inner = -sympy.exp(-1 - m.checkpoint_stall / m.failure_interval)
    formula = m.failure_interval * (1 + sympy.LambertW(inner, branch))
    stalls = (1e-6, 0.01, 0.3, 2.0, 20.0)
    expected = [lambert_of(-np.exp(-1 - stall), branch) + 1 for stall in stalls]
    space: dict = {}
    exec(python_code("interval", formula, "a test"), space)  # our own export
    assert [space["interval"](stall, 1.0) for stall in stalls] == pytest.approx(expected, rel=1e-6)
    if shutil.which("node"):
        asked = ", ".join(f"interval({stall}, 1)" for stall in stalls)
        script = f"{javascript_code('interval', formula, 'a test')}\nconsole.log(JSON.stringify([{asked}]));"
        done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True, timeout=60)
        assert json.loads(done.stdout) == pytest.approx(expected, rel=1e-6)
    if shutil.which("cc"):
        calls = "".join(f'printf("%.17g\\n", interval({stall}, 1.0));' for stall in stalls)
        function = c_code("interval", formula, "a test")
        source = f"{function}\n#include <stdio.h>\nint main(void) {{ {calls} return 0; }}\n"
        (tmp_path / "interval.c").write_text(source, "utf-8")
        subprocess.run(["cc", "interval.c", "-o", "interval", "-lm"], cwd=tmp_path, check=True, timeout=60)
        done = subprocess.run([tmp_path / "interval"], capture_output=True, text=True, check=True, timeout=60)
        assert [float(line) for line in done.stdout.split()] == pytest.approx(expected, rel=1e-6)
