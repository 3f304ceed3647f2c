"""A scenario as a file: a model, machines and the words of a step, in TOML."""

import json
from collections.abc import Mapping
from typing import Any

from steptime.model.api.named import Named
from steptime.model.catalog.files import read_toml
from steptime.model.errors import UserError
from steptime.model.parse import path_of

MOST_WORDS = 200
"""Keys of a file, and values of a list."""


def read_scenario(path: Named) -> dict[str, Any]:
    """The words of a scenario file, as data: texts, numbers, true or false, and lists of texts or numbers.

    What they mean is read where they are used. Raises UserError for another kind of value, a table among them.
    """
    file = path_of(path, "`scenario`")
    found = read_toml(file)
    if len(found) > MOST_WORDS:
        raise UserError(f"{file}: {len(found)} keys are more than {MOST_WORDS}")
    for name, value in found.items():
        many = value if isinstance(value, list) else [value]
        if len(many) > MOST_WORDS or not all(isinstance(one, str | int | float) for one in many):
            raise UserError(f"{file}: {name[:40]}: expected a text, a number, true or false, or a list of them")
        if not many:
            raise UserError(f"{file}: {name[:40]}: the list is empty; leave it out for the default")
    return found


def scenario_text(words: Mapping[str, Any]) -> str:
    """The same words as such a file.

    >>> print(scenario_text({"model": "gpt2", "hardware": ["h100-sxm", "h200-sxm"], "batch": "64", "dropout": True}))
    model = "gpt2"
    hardware = ["h100-sxm", "h200-sxm"]
    batch = "64"
    dropout = true
    <BLANKLINE>
    """
    return "".join(f"{name} = {_written(value)}\n" for name, value in words.items())


def _written(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    # TOML's basic strings are JSON's, but for the delete character, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
