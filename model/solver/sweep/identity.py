"""What makes a sweep this one and no other: its spec, the figures that go in, the program, the library of numbers."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from steptime.model.catalog.hardware import Hardware, sources
from steptime.model.solver.sweep.outputs import output_of
from steptime.model.solver.sweep.spec import Spec
from steptime.model.units import unit_text

ROOT = Path(__file__).parents[3]
PARTS = ("model",)
"""Folders of the package whose content decides what a sweep gives."""


def digest(*texts: str) -> str:
    found = hashlib.sha256()
    for text in texts:
        found.update(text.encode())
        found.update(b"\0")
    return found.hexdigest()


@cache
def program() -> str:
    """A hash of the package's own files: two installations with the same one give the same results."""
    found = hashlib.sha256()
    for part in PARTS:
        for path in sorted((ROOT / part).rglob("*")):
            if path.suffix in (".py", ".toml", ".csv"):
                found.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def package_version() -> str:
    try:
        return version("steptime")
    except PackageNotFoundError:  # run from its sources
        return "sources"


def identity_of(data: Mapping[str, Any], spec: Spec) -> dict[str, str]:
    """Hashes of the spec as stated, of models, machines and prices as read, and of the program; NumPy's version."""
    figures = {repr((scene.question.model, scene.question.hardware)): None for scene in spec.scenes}
    return {
        "spec": digest(json.dumps(data, sort_keys=True, default=str)),
        "figures": digest(*figures, repr(spec.prices)),
        "program": program(),
        "numpy": np.__version__,
    }


def metadata_of(data: Mapping[str, Any], spec: Spec, identity: Mapping[str, str]) -> dict[str, str]:
    """What a file says of itself: units of its columns, the spec, versions, and where figures of machines are from."""
    names = dict.fromkeys((*spec.varies, "chips", *(output.name for output in spec.outputs)))
    units = {name: unit_text(output_of(name).unit) for name in names}
    sources = {scene.question.hardware.name: _sources(scene.question.hardware) for scene in spec.scenes}
    return {
        "steptime": package_version(),
        "identity": json.dumps(identity),
        "spec": json.dumps(data, default=str),
        "units": json.dumps(units),
        "sources": json.dumps(sources),
        "bound": "ideal: no step is faster",
    }


def _sources(hardware: Hardware) -> dict[str, str]:
    known = sources()
    figures = {**hardware.figures, **{f"peak_flops.{name}": one for name, one in hardware.peaks.items()}}
    titles = {name: [known.get(key, {}).get("title", key) for key in figure.source] for name, figure in figures.items()}
    return {name: f"{'; '.join(titles[name])} {figure.date or ''}".strip() for name, figure in figures.items()}
