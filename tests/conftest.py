"""Shared helpers: the command line in this process, and cases by a short call."""

import json
import os
import re
from collections.abc import Callable
from typing import Any
from zlib import crc32

import pytest
from hypothesis import settings

from steptime.cli import main
from steptime.model import symbols as q
from steptime.model.catalog.hardware import load_hardware
from steptime.model.catalog.models import load_model
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.step.inputs import Inputs, Question
from steptime.model.step.words import inputs_of

# The same examples in every run, so that a failure comes from the change at hand; the profile explore draws anew.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

# Tables are as wide as where nothing says how wide, whether tests run in one process or in workers, which are told.
os.environ.pop("COLUMNS", None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A twentieth of the tests where STEPTIME_TESTS is twentieth in the environment: always the same, drawn by name."""
    if os.environ.get("STEPTIME_TESTS") == "twentieth":
        left = [one for one in items if crc32(one.nodeid.encode()) % 20]
        config.hook.pytest_deselected(items=left)
        items[:] = [one for one in items if not crc32(one.nodeid.encode()) % 20]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The command line through its entry point: exit code, standard output, standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        out, err = capsys.readouterr()
        code = stopped.value.code
        return (code if isinstance(code, int) else 0), out, err

    return call


@pytest.fixture
def run_json(run: Callable[..., tuple[int, str, str]]) -> Callable[..., dict[str, Any]]:
    """The one JSON object that a successful command prints."""

    def call(*arguments: str) -> dict[str, Any]:
        code, out, err = run(*arguments, "--json")
        # On a machine that is slow or busy.
        said = re.sub(r"^[\w ]+: +\d+% after \d+ s(, .*)?\n", "", err, flags=re.MULTILINE)
        assert (code, said) == (0, ""), err
        found = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        assert isinstance(found, dict)
        return found

    return call


def inputs(sets: tuple[str, ...] = (), **options: Any) -> Inputs:
    """Inputs in keywords, as texts or numbers; ``sets`` are NAME=VALUE texts that win over them."""
    return inputs_of({**options, **dict(entry.split("=", 1) for entry in sets)})


def asked(model: str, hardware: str, **options: Any) -> Question:
    """A question in keywords."""
    return Question(load_model(model), load_hardware(hardware), inputs(**options))


def room_of(case: Case) -> float:
    """Bytes that a chip may hold, by hand: the share of its capacity that may be filled, less the workspace."""
    share, capacity, taken = map(case.scenario.value, (q.usable_memory, q.memory_capacity, q.workspace))
    return float(share * capacity - taken)


def case_of(model: str, hardware: str, **options: Any) -> Case:
    """The case of a question put in keywords."""
    return build_case(asked(model, hardware, **options))
