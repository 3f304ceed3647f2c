"""What is exported: code that computes the same numbers as the formula, and a book that a real engine compiles."""

import ctypes
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from steptime.derivations.export import c_code, identifier, python_code
from steptime.derivations.inverse import formulas
from steptime.derivations.library import derivations
from steptime.model.scenario import evaluate

FORMULAS = formulas()


HOLDS = {one.name: one.holds for one in derivations()}


def random_inputs(name: str) -> tuple[list[float], float]:
    """Random values of a formula's quantities, in order of name, inside its validity region; and its value there."""
    source, formula = random.Random(name), FORMULAS[name].rhs
    symbols = sorted(formula.free_symbols, key=lambda symbol: symbol.name)
    others = set().union(*(expr.free_symbols for expr in HOLDS.get(name, ()))) - set(symbols)
    for _ in range(5000):
        values = {symbol: 10 ** source.uniform(-2, 2) for symbol in [*symbols, *sorted(others, key=str)]}
        if all(evaluate(expr, values) > 0 for expr in HOLDS.get(name, ())):
            return [values[symbol] for symbol in symbols], float(evaluate(formula, values))
    raise AssertionError(f"{name}: nothing satisfies its validity region")


@pytest.mark.parametrize("name", FORMULAS)
def test_exported_python_computes_the_formula(name: str) -> None:
    values, expected = random_inputs(name)
    space: dict = {}
    exec(python_code(name, FORMULAS[name].rhs, "a test"), space)  # our own export, never a user's text
    assert space[identifier(name)](*values) == pytest.approx(expected, rel=1e-9)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")
def test_exported_c_computes_every_formula(tmp_path: Path) -> None:
    code = "\n".join(c_code(name, line.rhs, "a test") for name, line in FORMULAS.items())
    (tmp_path / "formulas.c").write_text(code)
    command = ["gcc", "-O1", "-shared", "-fPIC", "-Wall", "-Werror", "formulas.c", "-o", "formulas.so", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    library = ctypes.CDLL(str(tmp_path / "formulas.so"))
    for name in FORMULAS:
        values, expected = random_inputs(name)
        function = getattr(library, identifier(name))
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * len(values)
        assert function(*values) == pytest.approx(expected, rel=1e-9), name


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs a LaTeX engine")
def test_the_book_compiles(run, tmp_path: Path) -> None:
    assert run("latex", "--all", "-o", str(tmp_path / "book.tex")) == (0, "", "")
    for _ in range(2):
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "book.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "book.log").read_text(encoding="latin-1")
    assert not re.findall(r"^!.*$", log, re.MULTILINE)
    wide = [float(width) for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)", log)]
    assert max(wide, default=0.0) <= 10, wide
    assert (tmp_path / "book.pdf").stat().st_size > 50_000


@pytest.mark.parametrize("form", ["latex", "markdown", "python", "c"])
def test_terms_and_derivations_are_exported(run, form: str) -> None:
    code, out, err = run("latex", "memory", "ridge", "--format", form)
    assert (code, err) == (0, "") and len(out) > 100


def test_a_fragment_holds_every_line() -> None:
    from steptime.derivations.export import fragment
    from steptime.model.quantity import latex

    for one in derivations():
        text = fragment(one)
        assert all(latex(line) in text for line in one.lines)


@pytest.mark.parametrize(
    "arguments",
    [["latex"], ["latex", "ridge", "--all"], ["latex", "rigde"], ["latex", "ridge", "-o", "/nowhere/x.tex"]],
)
def test_what_cannot_be_exported_is_one_line(run, arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "") and err.count("\n") == 1
