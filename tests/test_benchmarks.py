"""Benchmarks are run by hand: each can be imported here, and what it calls exists and takes what it is given."""

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FILES = sorted((Path(__file__).parents[1] / "benchmarks").glob("*.py"))
UNKNOWN = object()


def own_names(tree: ast.AST) -> set[str]:
    """Names that are bound inside functions: what they stand for is not known before these run."""
    found = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.Lambda):
            parts = list(ast.walk(function))
            found |= {one.arg for one in parts if isinstance(one, ast.arg)}
            found |= {one.id for one in parts if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    return found


def meant(node: ast.AST, names: dict[str, Any]) -> Any:
    """What a name, or an attribute of a module, stands for; raises AttributeError where a module has no such thing."""
    if isinstance(node, ast.Name):
        return names.get(node.id, UNKNOWN)
    if isinstance(node, ast.Attribute) and isinstance(module := meant(node.value, names), ModuleType):
        return getattr(module, node.attr)
    return UNKNOWN


def must_take(call: ast.Call, names: dict[str, Any]) -> None:
    """Raise TypeError for arguments that a function of the package does not take."""
    function = meant(call.func, names)
    if callable(function) and str(getattr(function, "__module__", "")).startswith("steptime"):
        listed = [*call.args, *call.keywords]
        whole = not any(isinstance(one, ast.Starred) or getattr(one, "arg", "") is None for one in listed)
        given = [None for one in call.args if not isinstance(one, ast.Starred)]
        words = {one.arg: None for one in call.keywords if one.arg is not None}
        signature = inspect.signature(function)
        (signature.bind if whole else signature.bind_partial)(*given, **words)


def faults(tree: ast.Module, names: dict[str, Any]) -> Iterator[str]:
    """What is named and is not there, and what is called otherwise than it can be."""
    known = {name: value for name, value in names.items() if name not in own_names(tree)}
    for node in ast.walk(tree):
        try:
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("steptime"):
                module = importlib.import_module(str(node.module))
                for one in node.names:
                    getattr(module, one.name)
            elif isinstance(node, ast.Attribute):
                meant(node, known)
            elif isinstance(node, ast.Call):
                must_take(node, known)
        except (AttributeError, ImportError, TypeError) as error:
            yield f"line {node.lineno}: {error}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_a_benchmark_names_is_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(path.parent), *sys.path])
    before = set(sys.modules)
    try:
        names = vars(importlib.import_module(path.stem))
        assert list(faults(ast.parse(path.read_text("utf-8")), names)) == []
    finally:
        for name in {one.stem for one in FILES} - before:  # names as short as these are not kept
            sys.modules.pop(name, None)


def test_faults_are_seen() -> None:
    source = """
import steptime as st
from steptime.model.numeric import BLOCK, nothing
def main(step):
    st.search("deepseek-v3", ["h100-sxm"], [8], max_step_time="1s")
    st.search("deepseek-v3", longest="1s")
    st.fastest("deepseek-v3")
    step.anything(1)
    st.search(*step)
"""
    names = {"st": importlib.import_module("steptime"), "main": None}
    found = sorted(set(faults(ast.parse(source), names)))
    assert [one.partition(":")[0] for one in found] == ["line 3", "line 6", "line 7"], found
