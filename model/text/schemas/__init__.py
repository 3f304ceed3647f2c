"""What the JSON of each command holds: a JSON Schema a file, and the version that every object carries.

A key that is new, gone, or means something else makes a new version.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from steptime.model.errors import unknown

DIALECT = "https://json-schema.org/draft/2020-12/schema"
VERSIONS = {
    "calibrate": 2,
    "catalog": 2,
    "claims": 1,
    "command": 1,
    "compare": 1,
    "crossover-of-machines": 1,
    "derivation": 1,
    "derivations": 1,
    "earners": 1,
    "explanation": 1,
    "picture": 1,
    "resources": 2,
    "solve-batch": 2,
    "solve-cache": 2,
    "solve-crossover": 2,
    "solve-fleet": 1,
    "solve-for": 1,
    "solve-layout": 2,
    "solve-machine": 2,
    "step": 2,
    "steps": 1,
    "sweep": 2,
    "sweep-plan": 1,
    "validate": 1,
}
"""The present version of each schema."""


def stamp(name: str) -> dict[str, Any]:
    """What an object of a schema says of itself.

    >>> stamp("step")
    {'name': 'step', 'version': 2}
    """
    return {"name": name, "version": VERSIONS[name]}


@cache
def text_of_schema(name: str) -> str:
    """A schema as it is published; raises UserError for a name that has none.

    >>> text_of_schema("stp")
    Traceback (most recent call last):
    ...
    steptime.model.errors.UserError: unknown schema 'stp'; did you mean step, steps?
    """
    if name not in VERSIONS:
        raise unknown("schema", name, list(VERSIONS), f"known: {', '.join(VERSIONS)}")
    return files(__name__).joinpath(f"{name}.json").read_text("utf-8")


def schema(name: str) -> dict[str, Any]:
    """The same, read."""
    found: dict[str, Any] = json.loads(text_of_schema(name))
    return found
