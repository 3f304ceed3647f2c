"""Lambert's function in exported code: the same numbers as mpmath's, in each language and here."""

import ctypes
import json
import shutil
import subprocess
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from steptime.derivations.inequalities.conditions import more
from steptime.derivations.printed import lambert
from steptime.derivations.printed.code import c_code, javascript_code, python_code
from steptime.derivations.printed.languages import PROGRAMS
from steptime.derivations.printed.program import program
from steptime.model.lambert import lambert as lambert_of
from steptime.model.lambert import lambert_of_exponential as of_height
from steptime.model.symbols import batch, chips

CASES = [(-0.3678, -1), (-0.36787944117, -1), (-0.2, -1), (-1e-3, -1), (-1e-300, -1), (-5e-324, -1),
         (-0.36787944117, 0), (-0.2, 0), (-1e-300, 0), (0.0, 0), (1e-12, 0), (0.29, 0), (1.0, 0), (1e6, 0),
         (1.7e308, 0)]  # fmt: skip
NONE = [(-0.4, 0), (-0.4, -1), (0.1, -1)]
HEIGHTS = [(height, which) for height in (1.0, 1 + 1e-15, 1 + 1e-9, 1.001, 1.5, 3.0, 36.5, 700.0, 7000.0, 1e12)
           for which in (0, -1)]  # fmt: skip


def exact(x: float, which: int) -> float:
    with mpmath.workdps(60):
        return float(mpmath.re(mpmath.lambertw(x, which)))


def exact_at(height: float, which: int) -> float:
    """Of -exp(-height), to digits that hold it; far below the smallest float the lower branch's fixed point."""
    with mpmath.workdps(400):
        if height <= 1000:
            return float(mpmath.re(mpmath.lambertw(-mpmath.exp(-mpmath.mpf(height)), which)))
        w = -mpmath.mpf(height)
        for _ in range(200):
            w = -height - mpmath.log(-w)
        return float(w) if which else 0.0


def of_python(x: float, which: int, name: str = "lambert") -> float:
    space: dict = {}
    exec("import math\n" + "".join(lambert.PYTHON), space)  # our own text
    return space[name](x, which)


@pytest.fixture(scope="module")
def of_c(tmp_path_factory: pytest.TempPathFactory):
    where: Path = tmp_path_factory.mktemp("c")
    called = "".join(f"double w_{name}(double x, int k) {{ return {name}(x, k); }}\n" for name in lambert.NAMED)
    (where / "w.c").write_text(f"#include <math.h>\n{''.join(lambert.C)}\n{called}")
    command = ["gcc", "-shared", "-fPIC", "-Wall", "-Werror", "w.c", "-o", "w.so", "-lm"]
    subprocess.run(command, cwd=where, check=True, timeout=60)
    library = ctypes.CDLL(str(where / "w.so"))

    def called_by(x: float, which: int, name: str = "lambert") -> float:
        function = getattr(library, f"w_{name}")
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double, ctypes.c_int]
        return function(x, which)

    return called_by


@pytest.mark.parametrize(("x", "which"), CASES)
def test_python_and_c_agree_with_mpmath(x: float, which: int, of_c) -> None:
    expected = exact(x, which)
    close = 1e-10 if x < -0.3678 else 1e-14  # beside -1/e a root of what is left of a float
    for found in (of_python(x, which), of_c(x, which), float(lambert_of(x, which))):
        assert found == pytest.approx(expected, rel=close, abs=0)


@pytest.mark.parametrize(("height", "which"), HEIGHTS)
def test_of_an_exponential_to_the_last_digits(height: float, which: int, of_c) -> None:
    name, expected = "lambert_of_exponential", exact_at(height, which)
    for found in (of_python(height, which, name), of_c(height, which, name), float(of_height(height, which))):
        assert found == pytest.approx(expected, rel=2e-15, abs=0)


@given(st.floats(0, 1e9), st.sampled_from([0, -1]))
def test_it_undoes_a_logarithm_and_stays_on_its_side(over: float, which: int) -> None:
    """w + ln(-w) is -K, and the branches meet at -1 alone."""
    height = 1 + over
    w = float(of_height(height, which))
    assert w <= -1 if which else -1 <= w <= 0
    assert (height > 700 and which == 0) or w + np.log(-w) == pytest.approx(-height, rel=1e-14)


def test_arrays_take_each_its_branch() -> None:
    found = of_height(np.array([2.0, 2.0, 0.5]), np.array([0, -1, 0]))
    assert found[:2] == pytest.approx([exact_at(2.0, 0), exact_at(2.0, -1)]) and np.isnan(found[2])


@pytest.mark.parametrize(("x", "which"), NONE)
def test_where_it_is_not_real_it_is_no_number(x: float, which: int, of_c) -> None:
    assert np.isnan(of_python(x, which)) and np.isnan(of_c(x, which)) and np.isnan(lambert_of(x, which))


def test_heights_below_one_give_no_number(of_c) -> None:
    name = "lambert_of_exponential"
    assert np.isnan(of_python(0.9, 0, name)) and np.isnan(of_c(0.9, -1, name)) and np.isnan(of_height(0.9))


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_javascript_agrees_with_mpmath() -> None:
    calls = [f"lambert({x!r}, {which})" for x, which in (*CASES, *NONE)]
    calls += [f"lambert_of_exponential({height!r}, {which})" for height, which in HEIGHTS]
    script = f"{''.join(lambert.JAVASCRIPT)}\nconsole.log(JSON.stringify([{', '.join(calls)}]));"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(done.stdout)
    assert found[: len(CASES)] == pytest.approx([exact(x, which) for x, which in CASES], rel=1e-10)
    assert found[len(CASES) : -len(HEIGHTS)] == [None] * len(NONE)
    assert found[-len(HEIGHTS) :] == pytest.approx([exact_at(*one) for one in HEIGHTS], rel=1e-14)


@pytest.mark.parametrize("form", ["python", "c", "js"])
def test_a_program_brings_what_it_asks_for(form: str) -> None:
    """Of a plain number both functions, of an exponential one; of none none."""
    asked = (batch, sympy.LambertW(-sympy.exp(-1 - batch), -1), sympy.LambertW(chips))
    texts = [PROGRAMS[form]("f", program({"y": expr}, {}), {}, "a test") for expr in asked]
    assert [text.count("lambert_of_exponential(") > 0 for text in texts] == [False, True, True]
    assert ["LambertW" in text for text in texts] == [False] * 3
    if form == "python":
        space: dict = {}
        exec(texts[1], space)  # our own text
        assert space["f"](batch=0.5)["y"] == pytest.approx(exact_at(1.5, -1))


def test_what_a_condition_asks_for_is_brought_too() -> None:
    above = more(-sympy.LambertW(-sympy.exp(-1 - batch), -1), batch)
    space: dict = {}
    exec(python_code("f", 2 * batch, "a test", (above,)), space)  # our own text
    assert space["f"](0.5) == 1.0
    assert "lambert_of_exponential" in c_code("f", 2 * batch, "t", (above,)).split("/* t\n")[0]
    assert "lambert_of_exponential" in javascript_code("f", 2 * batch, "t", (above,)).split("/* t\n")[0]
