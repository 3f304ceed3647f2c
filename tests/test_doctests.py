"""Every docstring's example runs, in every module of the installed package."""

import doctest
import importlib
import pkgutil

import pytest

import steptime.derivations
import steptime.model
from steptime.model import quantity

MODULES = ["steptime.cli"] + [
    found.name
    for package in (steptime.model, steptime.derivations)
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
]


@pytest.fixture(autouse=True)
def own_quantities(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an example declares is forgotten after it; what modules declare, they have declared before it."""
    for name in MODULES:
        importlib.import_module(name)
    monkeypatch.setattr(quantity, "_declared", quantity.declared())


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = sum(len(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name)))
    assert examples > 40
