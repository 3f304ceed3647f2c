"""What is exported: code that computes the same numbers as the formula, and a book that a real engine compiles."""

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from steptime.derivations.library import derivations, find
from steptime.derivations.printed.code import c_code, identifier, javascript_code, parameters, python_code
from steptime.derivations.printed.export import fragment
from steptime.derivations.printed.statement import holds, premises
from steptime.model.quantity import latex
from steptime.model.scenario import evaluate
from steptime.model.step.case import RESOURCES

BARE = "\\documentclass{article}\n\\usepackage{amsmath}\n\\begin{document}\n%s\n\\end{document}\n"
KV = {
    "active_parameters": 37e9, "bytes_per_weight": 1.0, "context": 5000.0, "flops_per_mac": 2.0, "kv_bytes": 70272.0,
    "memory_bandwidth": 3.35e12, "parameters": 671e9, "peak_flops": 1979e12,
}  # fmt: skip


@pytest.mark.parametrize("name", RESOURCES)
def test_exported_python_computes_the_terms(name: str) -> None:
    source, space, expr = random.Random(name), {}, RESOURCES[name]
    exec(python_code(name, expr, "a test"), space)  # our own export, never a user's text
    values = {symbol: 1 + source.random() for symbol in parameters(expr)}
    values |= {symbol: 0.5 for symbol in values if symbol.name.endswith("efficiency")}
    found = space[identifier(name)](*[values[symbol] for symbol in parameters(expr)])
    assert found == pytest.approx(float(evaluate(expr, values)), rel=1e-9)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_exported_javascript_computes_the_terms_and_refuses_what_is_out_of_range() -> None:
    lines, expected = [], []
    for name, expr in RESOURCES.items():
        source = random.Random(name)
        values = {symbol: 1 + source.random() for symbol in parameters(expr)}
        values |= {symbol: 0.5 for symbol in values if symbol.name.endswith("efficiency")}
        arguments = [values[symbol] for symbol in parameters(expr)]
        code = javascript_code(name, expr, "a test")
        lines.append(f"found.push((() => {{\n{code}return {identifier(name)}(...{arguments});}})());")
        expected.append(float(evaluate(expr, values)))
    lines.append(f"found.push((() => {{\n{code}return {identifier(name)}({', '.join(['-1'] * len(arguments))});}})());")
    script = f"const found = [];\n{''.join(lines)}\nconsole.log(JSON.stringify(found));"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True, timeout=60)
    *numbers, refused = json.loads(done.stdout)
    assert numbers == pytest.approx(expected, rel=1e-12)
    assert refused is None  # NaN


def test_the_optimal_batch_beyond_the_balanced_context() -> None:
    """At 5,000 tokens of context DeepSeek-V3 on H100 has no batch at which it turns compute-bound: not -2950.6."""
    (one,) = [one for one in derivations() if one.name == "optimal-batch-kv"]
    space: dict = {}
    exec(python_code(one.name, one.result.rhs, one.title, holds(one)), space)  # our own export
    with pytest.raises(ValueError, match="is not so"):
        space["optimal_batch_kv"](**KV)
    assert space["optimal_batch_kv"](**{**KV, "context": 100.0}) > 0
    assert "STEPTIME_NEEDS(active_parameters*flops_per_mac*memory_bandwidth > " in c_code(
        one.name, one.result.rhs, one.title, holds(one)
    )


def compiles(text: str, folder: Path) -> None:
    (folder / "one.tex").write_text(BARE % text)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "one.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs a LaTeX engine")
def test_fragments_compile_with_nothing_but_amsmath(tmp_path: Path) -> None:
    compiles("\n".join(fragment(one) for one in derivations()), tmp_path)
    for one in derivations()[::40]:
        compiles(fragment(one), tmp_path)


@pytest.mark.parametrize("form", ["latex", "markdown", "python", "c", "js"])
def test_terms_and_derivations_are_exported(run, form: str) -> None:
    code, out, err = run("latex", "memory", "ridge", "--format", form)
    assert (code, err) == (0, "") and len(out) > 100


def test_a_fragment_holds_every_line_and_says_if() -> None:
    for one in derivations():
        text = fragment(one)
        for line in one.lines:
            assert latex(line.lhs) in text and latex(line.rhs) in text
        assert all(latex(relation) in text for relation in holds(one))
        assert (r"\emph{If}" in text) == bool(premises(one))


@pytest.mark.parametrize("form", ["latex", "markdown"])
def test_a_drop_is_printed_as_about_equal(run, form: str) -> None:
    code, out, _ = run("latex", "rematerialise-cost", "--format", form)
    assert code == 0 and r"\approx" in out and "of the rest at the example" in out


@pytest.mark.parametrize(
    "arguments",
    [["latex"], ["latex", "ridge", "--all"], ["latex", "rigde"], ["latex", "ridge", "-o", "/nowhere/x.tex"]],
)
def test_what_cannot_be_exported_is_one_line(run, arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "") and err.count("\n") == 1


@pytest.mark.parametrize("levels", [1, 3, 29, 31, 51, 58])
def test_a_power_of_two_has_its_own_levels(levels: int) -> None:
    """The quotient of two logarithms of floats lies above 29 for 2**29, and would make a level too many."""
    space: dict = {}
    one = find("tree-all-reduce")
    exec(python_code("tree", one.result.rhs, "a test"), space)  # our own export, never a user's text
    chips = {"group_bytes": 1e-300, "group_chips": 2.0**levels, "scale_up_bandwidth": 1.0, "scale_up_latency": 1.0}
    assert space["tree"](**chips) == 2 * levels
