"""Pytest plugin: record which tests run which lines of the model and how long each takes, or run chosen ones in order.

``STEPTIME_RECORD=FILE`` records, as coverage contexts; ``STEPTIME_CHOSEN=FILE`` runs the tests whose names the file
lists, in its order, after all tests of files of which it names none. Used by `mutation.py`.
"""

import functools
import importlib
import json
import os
import pkgutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

IMPORTED = "imported"
"""Context of what runs as the modules are imported: any test may depend on it."""


def lines(names: str) -> list[str]:
    return Path(os.environ[names]).read_text("utf-8").splitlines()


def forget() -> None:
    """Empty the model's caches, so that a line counts for every test that needs it, not for the first one only."""
    for one in _caches(len(sys.modules)):
        one.cache_clear()


@functools.cache
def _caches(_modules: int) -> list[Any]:
    found: dict[int, Any] = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("steptime.model"):
            for value in vars(module).values():
                for one in (value, *(vars(value).values() if isinstance(value, type) else ())):
                    one = getattr(one, "fget", getattr(one, "__func__", one))
                    if hasattr(one, "cache_clear") and hasattr(one, "cache_info"):
                        found[id(one)] = one
    return list(found.values())


class Recorder:
    """Coverage by test, and seconds of each."""

    def __init__(self, file: str) -> None:
        from coverage import Coverage

        self.seconds: dict[str, float] = {}
        self.coverage = Coverage(data_file=file, include=["*/model/*"], config_file=False)
        self.times = Path(file).with_suffix(".json")
        if self.times.exists():  # an earlier record is added to
            self.coverage.load()
            self.seconds |= json.loads(self.times.read_text("utf-8"))
        self.coverage.start()
        self.coverage.switch_context(IMPORTED)
        import steptime.model

        for one in pkgutil.walk_packages(steptime.model.__path__, "steptime.model."):
            importlib.import_module(one.name)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Iterator[None]:
        """What a file of tests works out as it is imported counts for all its tests."""
        self.coverage.switch_context(collector.nodeid if isinstance(collector, pytest.Module) else IMPORTED)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        forget()
        self.coverage.switch_context(item.nodeid)
        begun = time.perf_counter()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.perf_counter() - begun

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        self.coverage.save()
        self.times.write_text(json.dumps(self.seconds), "utf-8")


RECORDER = Recorder(os.environ["STEPTIME_RECORD"]) if "STEPTIME_RECORD" in os.environ else None
"""Made as the plugin is imported: before any file of tests, which would import the model."""


def pytest_configure(config: pytest.Config) -> None:
    if RECORDER is not None:
        config.pluginmanager.register(RECORDER)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "STEPTIME_CHOSEN" in os.environ:
        place = {name: number for number, name in enumerate(lines("STEPTIME_CHOSEN"))}
        files = {name.partition("::")[0] for name in place}
        place |= {one.nodeid: -1 for one in items if one.nodeid.partition("::")[0] not in files}
        items[:] = sorted((one for one in items if one.nodeid in place), key=lambda one: place[one.nodeid])
