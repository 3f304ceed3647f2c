"""What ``import steptime`` offers: few names, each there, and nothing heavy until something is asked."""

import subprocess
import sys

import pytest

import steptime as st

HEAVY = ("sympy", "numpy", "scipy", "rich", "click", "pandas")


def test_few_names_and_each_is_there() -> None:
    names = dir(st)
    assert len(names) <= 32 and names == sorted(st.__all__)
    for name in names:
        found = getattr(st, name)
        assert found.__doc__ and len(found.__doc__.split()) > 3, name


def test_every_question_says_what_it_takes() -> None:
    for name in ("step", "search", "machine", "cache", "solve_for", "derivation", "hardware", "architecture"):
        assert ">>>" in getattr(st, name).__doc__ or "``" in getattr(st, name).__doc__, name


def test_another_name_is_not_there() -> None:
    for name in ("steps", "_nothing", "sympy"):
        with pytest.raises(AttributeError, match=name):
            getattr(st, name)
    assert not hasattr(st, "") and st.__version__


def test_the_import_takes_nothing_heavy() -> None:
    code = f"import sys, steptime; dir(steptime); print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []


def test_a_submodule_is_still_a_module() -> None:
    code = "import steptime.model.parse, steptime as st; print(callable(st.step), st.model.parse.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "steptime.model.parse"]
