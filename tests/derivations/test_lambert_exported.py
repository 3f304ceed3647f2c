"""Lambert's function in exported code: the same numbers as mpmath's, in each language."""

import ctypes
import json
import shutil
import subprocess
from pathlib import Path

import mpmath
import numpy as np
import pytest

from steptime.derivations.printed import lambert

CASES = [(-0.3678, -1), (-0.36787944117, -1), (-0.2, -1), (-1e-3, -1), (-1e-300, -1), (-0.36787944117, 0), (-0.2, 0),
         (1e-12, 0), (0.29, 0), (1.0, 0), (1e6, 0)]  # fmt: skip
NONE = [(-0.4, 0), (-0.4, -1), (0.1, -1)]


def exact(x: float, which: int) -> float:
    with mpmath.workdps(60):
        return float(mpmath.re(mpmath.lambertw(x, which)))


def of_python(x: float, which: int) -> float:
    space: dict = {}
    exec("import math\n" + lambert.PYTHON, space)  # our own text
    return space["lambert"](x, which)


@pytest.fixture(scope="module")
def of_c(tmp_path_factory: pytest.TempPathFactory):
    where: Path = tmp_path_factory.mktemp("c")
    called = "double w(double x, int k) { return lambert(x, k); }\n"
    (where / "w.c").write_text(f"#include <math.h>\n{lambert.C}\n{called}")
    command = ["gcc", "-shared", "-fPIC", "-Wall", "-Werror", "w.c", "-o", "w.so", "-lm"]
    subprocess.run(command, cwd=where, check=True, timeout=60)
    function = ctypes.CDLL(str(where / "w.so")).w
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double, ctypes.c_int]
    return function


@pytest.mark.parametrize(("x", "which"), CASES)
def test_python_and_c_agree_with_mpmath(x: float, which: int, of_c) -> None:
    expected = exact(x, which)
    close = 1e-7 if x < -0.3678 else 1e-12  # beside -1/e a root of what is left of a float
    assert of_python(x, which) == pytest.approx(expected, rel=close)
    assert of_c(x, which) == pytest.approx(expected, rel=close)


@pytest.mark.parametrize(("x", "which"), NONE)
def test_where_it_is_not_real_it_is_no_number(x: float, which: int, of_c) -> None:
    assert np.isnan(of_python(x, which)) and np.isnan(of_c(x, which))


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_javascript_agrees_with_mpmath() -> None:
    calls = ", ".join(f"lambert({x!r}, {which})" for x, which in [*CASES, *NONE])
    script = f"{lambert.JAVASCRIPT}\nconsole.log(JSON.stringify([{calls}]));"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(done.stdout)
    assert found[: len(CASES)] == pytest.approx([exact(x, which) for x, which in CASES], rel=1e-7)
    assert found[len(CASES) :] == [None] * len(NONE)
